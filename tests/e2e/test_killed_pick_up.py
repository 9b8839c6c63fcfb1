"""A pick-up that is killed at any moment goes on where it stopped."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from datetime import date, timedelta
from pathlib import Path

from tests.e2e.conftest import PROGRAM

COUNT, KILLS = 300, 4
_WORDS = ("harbour", "bridge", "market", "river", "school", "museum", "winter", "garden", "concert", "station", "engine")


def _write(folder: Path) -> None:
    chance = random.Random(7)
    folder.mkdir()
    for number in range(COUNT):
        day = date(2026, 1, 1) + timedelta(days=(number * 37) % COUNT)
        words = " ".join(chance.choice(_WORDS) + str(chance.randrange(1000)) for _ in range(150))
        path = folder / f"{number:04}.md"
        path.write_text(f"---\ntitle: Story {number} of {chance.choice(_WORDS)}\ndate: {day}\n---\n{words}.\n")
        os.utime(path, (1_000_000_000, 1_000_000_000))


def _ingest(root: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([PROGRAM, "ingest"], cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def test_a_pick_up_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Every document is one article, and all of them went live in the order of their dates (I2)."""
    _write(tmp_path / "in")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/publisher.toml").write_text('[[source]]\npath = "in"\n')
    chance = random.Random(1)
    for _ in range(KILLS):
        running = _ingest(tmp_path)
        time.sleep(chance.uniform(0.8, 1.8))
        running.kill()
        running.communicate()
    last = _ingest(tmp_path)
    _, told = last.communicate(timeout=60)
    assert last.returncode == 0, told
    listed = subprocess.run(
        [PROGRAM, "articles", "list", "--limit", "1000", "--json"], cwd=tmp_path, capture_output=True, check=True
    )
    found = json.loads(listed.stdout)["articles"]
    assert len(found) == COUNT
    assert len({article["title"].split()[1] for article in found}) == COUNT
    found.sort(key=lambda article: article["seq"])
    dates = [article["published_at"] for article in found]
    assert dates == sorted(dates)
