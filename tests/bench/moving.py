"""How fast readers move in: the real command on 100,000 rows, first and again, while another process writes.

Run by `run.py`; by itself: moving.py [ROWS].
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROWS = 100_000
_PROGRAM = Path(sys.executable).with_name("publisher")
_CONFIG = '[store]\nurl = "sqlite:///publisher.db"\n[[newsletter]]\nname = "daily"\nfrequencies = ["daily", "weekly"]\n'
_ZONES = ("Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Apia")


def run(row: Callable[[str, str, str], None], rows: int = ROWS) -> None:
    """Measures, and hands each result to `row`."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "publisher.toml").write_text(_CONFIG)
        _fill(root / "people.csv", rows)
        _command(root, "migrate")
        for what in (f"{rows:,} readers imported", "the same again, all of them there"):
            cpu, wall, memory, waited = _command(root, "subscribers", "import", str(root / "people.csv"))
            row(what, f"{cpu:.1f} s CPU", f"{wall:.1f} s, {memory:.0f} MB; budget 60 s; another writer waited {waited:.2f} s at most, budget 0.5 s")
        cpu, wall, memory, _ = _command(root, "subscribers", "export", str(root / "out.csv"))
        row(f"{rows:,} readers exported", f"{cpu:.1f} s CPU", f"{wall:.1f} s, {memory:.0f} MB")


def _fill(path: Path, rows: int) -> None:
    chance = random.Random(3)
    with path.open("w") as file:
        file.write("email,name,newsletter,frequency,weekday,sections,timezone,time,language,status,confirmed_at\n")
        for number in range(rows):
            zone, frequency = chance.choice(_ZONES), chance.choice(("daily", "weekly"))
            file.write(
                f'reader{number}@mail{number % 500}.example,"Reader, the {number}th",daily,{frequency},fri,"world,sport",{zone},'
                f"{chance.randrange(24):02}:15,en,confirmed,2024-01-02T03:04:{number % 60:02}Z\n"
            )


def _command(root: Path, *words: str) -> tuple[float, float, float, float]:
    """CPU seconds, wall seconds, megabytes, and how long an unsubscription beside it waited at the most, in seconds."""
    begun, waited = time.perf_counter(), 0.0
    running = subprocess.Popen([_PROGRAM, "--config", root / "publisher.toml", *words], stdout=subprocess.DEVNULL)
    store = sqlite3.connect(root / "publisher.db", timeout=10, isolation_level=None)
    ended, used = 0, None
    while not ended:
        time.sleep(0.02)
        ended, _, used = os.wait4(running.pid, os.WNOHANG)
        if not ended and words[0] != "migrate":
            at = time.perf_counter()
            store.execute("UPDATE subscriptions SET state = 'unsubscribed' WHERE id = -1")
            waited = max(waited, time.perf_counter() - at)
    store.close()
    assert used is not None
    return used.ru_utime + used.ru_stime, time.perf_counter() - begun, used.ru_maxrss / 1024, waited


if __name__ == "__main__":
    run(lambda *cells: print(*cells, sep="  "), int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
