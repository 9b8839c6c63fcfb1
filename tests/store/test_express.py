"""Scripts on the way past the layers: what happens when the database cannot, on both databases where it matters."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, text

from publisher.errors import StoreError
from publisher.store import express
from publisher.store.bulk import Bulk, plain
from publisher.store.engine import Store, open_store
from publisher.store.express import Script, Step, open_express
from publisher.store.schema import metadata

NAMES = ("email_key", "reason", "note", "at")
NAMED = Bulk(lambda _: insert(metadata.tables["suppressions"]).values({name: bindparam(name) for name in NAMES}), NAMES)


def script(*keys: str, dialect: str = "sqlite", note: str = "", fault: Exception | None = None) -> Script[int]:
    from tests.store.conftest import NOW  # noqa: PLC0415 - beside the fixtures

    for key in keys:
        yield Step(NAMED, [(key, "operator", note, plain(dialect, NOW))])
    if fault is not None:
        raise fault
    return len(keys)


async def keys(store: Store) -> list[str]:
    async with store.read() as tx:
        return list((await tx.execute(select(metadata.tables["suppressions"].c.email_key))).scalars())


async def test_script_commits_as_a_whole(any_store: Store) -> None:
    """Its result comes back; where it raises, or a statement fails, nothing of it is there, and the next one runs."""
    runner = open_express(any_store)
    assert await runner.run(script("a", "b", dialect=any_store.dialect)) == 2
    with pytest.raises(ValueError, match="no"):
        await runner.run(script("c", dialect=any_store.dialect, fault=ValueError("no")))
    with pytest.raises(Exception, match=r"(?i)unique"):
        await runner.run(script("d", "a", dialect=any_store.dialect))
    assert await runner.run(script("e", dialect=any_store.dialect)) == 1
    await runner.close()
    assert sorted(await keys(any_store)) == ["a", "b", "e"]


async def test_commit_that_waits_for_the_disk_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `durability = "full"` it runs beside the event loop; who is cancelled meanwhile leaves a whole transaction."""
    store = await open_store("sqlite:///publisher.db", root=tmp_path, durability="full")
    runner = open_express(store)
    assert await runner.run(script("a")) == 1
    turns, to_thread = 0, asyncio.to_thread
    began = asyncio.Event()

    async def slowly(work: Any, *values: Any) -> Any:
        began.set()
        await asyncio.sleep(0.05)
        return await to_thread(work, *values)

    monkeypatch.setattr(asyncio, "to_thread", slowly)
    running = asyncio.create_task(runner.run(script("b")))
    await began.wait()
    while not running.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 5
    began.clear()
    running = asyncio.create_task(runner.run(script("c")))
    await began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await runner.run(script("d")) == 1
    await runner.close()
    assert sorted(await keys(store)) == ["a", "b", "c", "d"]
    await store.close()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Callable[[float], threading.Thread]:
    """Another writer that holds the lock for so many seconds."""

    def hold(seconds: float) -> threading.Thread:
        ready = threading.Event()

        def run() -> None:
            connection = sqlite3.connect(tmp_path / "store/publisher.db", isolation_level=None)
            connection.execute("BEGIN IMMEDIATE")
            ready.set()
            time.sleep(seconds)
            connection.execute("ROLLBACK")
            connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        ready.wait()
        return thread

    return hold


async def test_another_processes_writer_is_waited_for(store: Store, elsewhere: Callable[[float], threading.Thread]) -> None:
    """Without keeping the event loop waiting."""
    runner = open_express(store)
    thread = elsewhere(0.3)
    running = asyncio.create_task(runner.run(script("a")))
    turns = 0
    while not running.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert await running == 1
    assert turns > 10
    await runner.close()
    thread.join()


async def test_writer_that_never_ends_is_told(
    store: Store, elsewhere: Callable[[float], threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its patience the store gives up, with nothing written; later it works again."""
    monkeypatch.setattr(express, "_PATIENCE", 0.1)
    runner = open_express(store)
    thread = elsewhere(0.4)
    with pytest.raises(StoreError, match="locked"):
        await runner.run(script("a"))
    thread.join()
    assert await runner.run(script("a")) == 1
    await runner.close()


async def test_who_waits_and_is_cancelled_leaves_the_lock_free(
    store: Store, elsewhere: Callable[[float], threading.Thread]
) -> None:
    """Neither the lock of this process nor that of the file stays behind."""
    runner = open_express(store)
    thread = elsewhere(0.3)
    running = asyncio.create_task(runner.run(script("a")))
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    thread.join()
    async with store.write() as tx:
        await tx.execute(text("DELETE FROM suppressions"))
    assert await runner.run(script("b")) == 1
    await runner.close()
    assert await keys(store) == ["b"]


async def test_full_disk_is_told_and_over_once_there_is_room(store: Store) -> None:
    """One clear error, nothing half-written, and the same connection works again."""
    runner = open_express(store)
    await runner.run(script("a"))
    connection = runner._connection
    assert connection is not None
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    for _ in range(2):
        with pytest.raises(StoreError, match="full"):
            await runner.run(script("b", "c", note="x" * 100_000))
    connection.execute("PRAGMA max_page_count = 1000000")
    assert await runner.run(script("d")) == 1
    await runner.close()
    assert await keys(store) == ["a", "d"]


async def test_many_scripts_at_once(any_store: Store) -> None:
    """Each is whole, beside writers of the engine's."""
    runner = open_express(any_store)

    async def write(number: int) -> None:
        async with any_store.write() as tx:
            await tx.execute(text(f"DELETE FROM suppressions WHERE email_key = 'none{number}'"))

    await asyncio.gather(*(runner.run(script(f"k{n}", dialect=any_store.dialect)) for n in range(60)), *(write(n) for n in range(10)))
    await runner.close()
    assert len(await keys(any_store)) == 60
