"""Killed at any step of a distribution, the hub goes on where it stopped: all who subscribed get the newest content."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from publisher.crypto import load_keys
from publisher.store import hub
from publisher.store.engine import open_store
from tests.websub.conftest import Desk, Subscriber

SCRIPT = Path(__file__).with_name("killed.py")
PATHS = ("/a", "/b", "/c")


@pytest.fixture
async def prepared(desk: Desk, tmp_path: Path) -> Path:
    """A folder with three subscriptions, a request that waits, and a feed that changed: written, and not noted yet."""
    load_keys(tmp_path / "keys.json")
    for path in PATHS:
        await desk.subscribe(path)
    await desk.ask("/new")
    desk.write("<rss>two</rss>")
    await desk.store.close()
    return tmp_path


async def test_killed_at_each_step_it_loses_nothing(prepared: Path, subscriber: Subscriber) -> None:
    """Whoever was behind gets it after the restart; twice at most, where the kill came before the note."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), str(prepared), cwd=SCRIPT.parents[2],
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    kills, ended = 0, -1
    while ended != 0:
        subscriber.seen.clear()
        ended = int((await process.stdout.readline()).split()[0])
        kills += ended == -signal.SIGKILL
        assert ended in (0, -signal.SIGKILL)
        sent = {path: len(subscriber.pushed(path)) for path in PATHS}
        process.stdin.write(b"\n")
        status, root = (await process.stdout.readline()).decode().split()
        assert status == "0"
        for path in PATHS:
            got = subscriber.pushed(path)
            assert got[-1] == b"<rss>two</rss>"
            assert sent[path] <= 1 <= len(got) <= 2
        await _all_settled(Path(root))
        process.stdin.write(b"\n")
    assert await process.wait() == 0
    assert kills > 15


async def _all_settled(root: Path) -> None:
    """Nobody is behind, and what was asked is granted."""
    store = await open_store("sqlite:///store/publisher.db", root=root)
    async with store.read() as tx:
        (topic,) = await hub.topics(tx)
        rows = await hub.of_feed(tx, "rss.xml")
    await store.close()
    wanted = [(path, topic.number) for path in (*PATHS, "/new")]
    assert [(row.callback.removeprefix("http://").partition("/")[2], row.number) for row in rows] == [
        (path[1:], number) for path, number in wanted
    ]
