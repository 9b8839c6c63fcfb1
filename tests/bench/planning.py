"""Planning for a large audience: rate, memory, and how long an unsubscription waits meanwhile.

    readers and articles by bulk statements | plan in a process of its own, while it and another one unsubscribe readers

Run by `run.py`; by itself: planning.py [READERS].
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import material

from publisher import log
from publisher.config import Settings
from publisher.digest.plan import plan
from publisher.mail_settings import Mail
from publisher.settings import Newsletter, Site
from publisher.store import articles, audience
from publisher.store.engine import Store, open_store
from publisher.templating import Templates

READERS = 1_000_000
ARTICLES = 10_000
#: 20 choices of sections, each from 10 places in the order of articles: 200 variants of about 40 stories.
CHOICES, PLACES, SECTIONS = 20, 10, 20
NOW = datetime(2026, 11, 22, 7, 5, tzinfo=UTC)
#: When it is 07:00 for one reader in 25.
EARLY = datetime(2026, 11, 22, 1, 40, tzinfo=UTC)
#: Where 07:00 has come in the last hours, and when it came, in UTC; nine of ten readers live in the last of them.
ZONES = (
    ("Asia/Tokyo", "2026-11-21 22:00"), ("Asia/Kolkata", "2026-11-22 01:30"), ("Europe/Athens", "2026-11-22 05:00"),
    ("Europe/Berlin", "2026-11-22 06:00"), ("Europe/London", "2026-11-22 07:00"),
)
_STORE = "sqlite:///publisher.db"


def run(row: Callable[[str, str, str], None], readers: int = READERS) -> None:
    """Measures, and hands each result to `row`."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        asyncio.run(_fill(root, readers))
        some = _measure(_copy(root), EARLY)
        found = _measure(root, NOW)
        bare = _bare(root)
        due, all_due = some["report"]["planned"], found["report"]["planned"]
        row(
            f"{readers:,} due subscriptions planned, {found['variants']} variants",
            f"{readers / found['seconds']:,.0f}/s",
            f"{found['seconds']:.1f} s, CPU {found['cpu']:.1f} s; budget 20 s for a million",
        )
        row(
            "the same against the driver that only inserts these rows", f"{found['cpu'] / bare:.2f} x",
            f"CPU {bare:.1f} s",
        )
        row(
            f"{due:,} due of {readers:,} planned", f"{some['seconds']:.1f} s",
            f"CPU {some['cpu']:.1f} s; for each {some['cpu'] / due / (found['cpu'] / all_due):.2f} x that of all",
        )
        row("memory of the planning process", f"{found['memory']:.0f} MB", "budget 200 MB")
        row(
            "longest unsubscription meanwhile, here / elsewhere", f"{found['here']:.2f} / {found['elsewhere']:.2f} s",
            f"budget 0.5 s; {found['left']} and {found['left_elsewhere']} readers left",
        )


def _copy(root: Path) -> Path:
    other = root / "other"
    other.mkdir()
    shutil.copy(root / "publisher.db", other)
    return other


def _bare(root: Path) -> float:
    """CPU seconds for the rows of the plan alone: into a table with the same indexes, as many in a transaction."""
    database = sqlite3.connect(root / "publisher.db", isolation_level=None)
    database.execute("PRAGMA foreign_keys = OFF")
    made = [sql for (sql,) in database.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'deliveries'") if sql]
    database.execute("ATTACH ? AS bare", (str(root / "bare.db"),))
    database.execute("PRAGMA bare.journal_mode = WAL")
    database.execute("PRAGMA bare.synchronous = NORMAL")
    for sql in made:
        name = "TABLE deliveries" if sql.startswith("CREATE TABLE") else re.split(r" ON ", sql)[0].split(maxsplit=1)[1]
        database.execute(sql.replace(name, f"{name.split()[0]} bare.{name.split()[1]}", 1))
    began, last = time.process_time(), 0
    while last is not None:
        database.execute("BEGIN")
        mine = "FROM main.deliveries WHERE id > ? ORDER BY id LIMIT 2500"
        database.execute(f"INSERT INTO bare.deliveries SELECT * {mine}", (last,))
        (last,) = database.execute(f"SELECT max(id) FROM (SELECT id {mine})", (last,)).fetchone()
        database.execute("COMMIT")
    return time.process_time() - began


def _measure(root: Path, now: datetime) -> dict[str, Any]:
    def child(what: str) -> subprocess.Popen[str]:
        command = [sys.executable, __file__, what, str(root), now.isoformat()]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    other = child("leave")
    assert other.stdout is not None
    other.stdout.readline()
    planner = child("plan")
    found: dict[str, Any] = json.loads(planner.communicate()[0])
    waits = json.loads(other.communicate()[0])
    return found | {"elsewhere": max(waits, default=0), "left_elsewhere": len(waits)}


async def _fill(root: Path, readers: int) -> None:
    store = await open_store(_STORE, root=root)
    for start in range(0, ARTICLES, 1000):
        async with store.write() as tx:
            for number in range(start, start + 1000):
                made = material.article(number, paragraphs=3)
                await articles.insert(tx, replace(made, section=f"Section {number % SECTIONS}"))
    while await _publish(store):
        pass
    await store.close()
    chance = random.Random(1)
    choices = [
        json.dumps(sorted(f"section-{n}" for n in chance.sample(range(SECTIONS), SECTIONS // 2))) for _ in range(CHOICES)
    ]
    database = sqlite3.connect(root / "publisher.db")
    database.execute("PRAGMA synchronous = OFF")
    with database:
        database.executemany(
            "INSERT INTO subscribers (id, email, email_key, name, language, timezone, created_at) VALUES (?1,"
            " 'reader' || ?1 || '@example.org', 'reader' || ?1 || '@example.org', '', '', ?2,"
            " '2026-01-01 00:00:00.000000')",
            ((n, _zone(n)[0]) for n in range(1, readers + 1)),
        )
        database.executemany(
            "INSERT INTO subscriptions (id, subscriber_id, newsletter, frequency, weekday, local_time, sections, state,"
            " from_seq, next_due_at, last_due_at, confirmed_at, generation) VALUES (?1, ?1, 'daily', 'daily', 0,"
            " '07:00', ?2, 'active', ?3, ?4, datetime(?4, '-1 day') || '.000000', '2026-01-01 00:00:00.000000', 1)",
            (
                (n, choices[n // 5 % CHOICES], ARTICLES - 60 - 8 * (n // 100 % PLACES),
                 f"{_zone(n)[1]}:00.000000")
                for n in range(1, readers + 1)
            ),
        )
    database.close()


def _zone(number: int) -> tuple[str, str]:
    return ZONES[-1] if number % 10 else ZONES[number // 10 % len(ZONES)]


async def _publish(store: Store) -> bool:
    async with store.write() as tx:
        return bool(await articles.publish_due(tx, NOW - timedelta(days=1)))


async def _plan(root: Path, now: datetime) -> dict[str, Any]:
    settings = Settings(
        root=root, site=Site(postal_address="1 Bench Street"), newsletter=(Newsletter(name="daily", welcome=False),),
        mail=Mail(sender="Bench <bench@example.org>"),
    )
    store = await open_store(_STORE, root=root)
    waits: list[float] = []
    leaving = asyncio.create_task(_leave(store, waits, begin=7))
    begun, cpu = time.perf_counter(), time.process_time()
    report = await plan(store, settings, Templates(), now=now)
    found = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu}
    leaving.cancel()
    await asyncio.wait((leaving,))
    async with store.read() as tx:
        variants = (await tx.exec_driver_sql("SELECT count(*) FROM variants")).scalar_one()
    await store.close()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    memory = int(status["VmHWM"].split()[0]) / 1000
    return found | {
        "report": asdict(report), "here": max(waits, default=0), "left": len(waits), "variants": variants,
        "memory": memory,
    }


async def _leave(store: Store, waits: list[float], begin: int) -> None:
    """Unsubscribes one reader after the other, until it is cancelled."""
    for ident in range(begin, 10**9, 10):
        begun = time.perf_counter()
        async with store.write() as tx:
            await audience.unsubscribe(tx, ident, NOW)
        waits.append(time.perf_counter() - begun)
        await asyncio.sleep(0.03)


async def _leave_until_told(root: Path) -> list[float]:
    store = await open_store(_STORE, root=root)
    waits: list[float] = []
    leaving = asyncio.create_task(_leave(store, waits, begin=3))
    print(flush=True)
    await asyncio.to_thread(sys.stdin.read)
    leaving.cancel()
    await asyncio.wait((leaving,))
    await store.close()
    return waits


def main() -> None:
    log.configure("error")
    if sys.argv[1:2] == ["plan"]:
        print(json.dumps(asyncio.run(_plan(Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3])))))
    elif sys.argv[1:2] == ["leave"]:
        print(json.dumps(asyncio.run(_leave_until_told(Path(sys.argv[2])))))
    else:
        run(lambda *cells: print(*cells, sep="   "), int(sys.argv[1]) if sys.argv[1:] else READERS)


if __name__ == "__main__":
    main()
