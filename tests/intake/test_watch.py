"""Waking up: by events where they come, by the clock where they do not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from publisher.intake.watch import wake_ups

NEVER = timedelta(minutes=10)


@asynccontextmanager
async def watching(*folders: Path, poll: timedelta = NEVER) -> AsyncIterator[AsyncIterator[None]]:
    async with aclosing(wake_ups(folders, poll=poll, stop=asyncio.Event())) as waking:  # type: ignore[type-var]  # it is a generator
        await asyncio.wait_for(anext(waking), 5)
        await asyncio.sleep(0.2)  # the system's watch is set up in a thread
        yield waking


async def test_wakes_at_once_when_a_file_is_renamed_into_place(tmp_path: Path) -> None:
    """Long before the next poll, and well within what a reader would notice."""
    async with watching(tmp_path) as waking:
        (tmp_path / "a.part").write_text("words")
        start = time.monotonic()
        (tmp_path / "a.part").rename(tmp_path / "a.txt")
        await asyncio.wait_for(anext(waking), 5)
        assert time.monotonic() - start < 2


async def test_wakes_for_a_file_in_a_new_folder_below(tmp_path: Path) -> None:
    """Sources are nested."""
    async with watching(tmp_path) as waking:
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep/a.txt").write_text("words")
        await asyncio.wait_for(anext(waking), 5)


async def test_many_changes_meanwhile_are_one_wake_up(tmp_path: Path) -> None:
    """Whoever is busy is not called once for each file."""
    async with watching(tmp_path) as waking:
        for number in range(50):
            (tmp_path / f"{number}.txt").write_text("words")
        await asyncio.sleep(0.5)
        await asyncio.wait_for(anext(waking), 5)
        with_nothing_new = asyncio.ensure_future(anext(waking))
        done, _ = await asyncio.wait((with_nothing_new,), timeout=0.3)
        with_nothing_new.cancel()
        await asyncio.gather(with_nothing_new, return_exceptions=True)
        assert not done


async def test_hidden_files_wake_nobody(tmp_path: Path) -> None:
    """An editor's swap file is no news."""
    async with watching(tmp_path) as waking:
        (tmp_path / ".a.txt.swp").write_text("words")
        waiting = asyncio.ensure_future(anext(waking))
        done, _ = await asyncio.wait((waiting,), timeout=0.4)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert not done


async def test_polls_where_no_event_comes(tmp_path: Path) -> None:
    """A folder that does not exist sends no events; the clock wakes all the same."""
    async with watching(tmp_path / "nowhere", poll=timedelta(milliseconds=50)) as waking:
        for _ in range(3):
            await asyncio.wait_for(anext(waking), 5)


async def test_folder_made_later_is_watched_from_then_on(tmp_path: Path) -> None:
    """And one that is replaced as well: wake-ups go on."""
    root = tmp_path / "in"
    async with watching(root, poll=timedelta(milliseconds=100)) as waking:
        root.mkdir()
        await asyncio.wait_for(anext(waking), 5)
        root.rename(tmp_path / "old")
        root.mkdir()
        (root / "a.txt").write_text("words")
        await asyncio.wait_for(anext(waking), 5)


async def test_stops_promptly() -> None:
    """However far away the next poll is."""
    stop = asyncio.Event()

    async def count() -> int:
        return len([None async for _ in wake_ups([Path(__file__).parent], poll=NEVER, stop=stop)])

    task = asyncio.create_task(count())
    await asyncio.sleep(0.3)
    start = time.monotonic()
    stop.set()
    assert await asyncio.wait_for(task, 5) == 1
    assert time.monotonic() - start < 1


async def test_a_caller_that_takes_long_is_given_a_rest(tmp_path: Path) -> None:
    """By the clock it is busy for a tenth of the time at most, however short the poll."""
    async with watching(tmp_path, poll=timedelta(milliseconds=1)) as waking:
        for _ in range(2):
            await asyncio.sleep(0.1)
            start = time.monotonic()
            await asyncio.wait_for(anext(waking), 10)
            assert time.monotonic() - start >= 0.8


async def test_a_caller_that_is_quick_is_given_a_short_rest(tmp_path: Path) -> None:
    """Though a folder is written to all the time, one core has a fifth of its time for others."""
    async with watching(tmp_path) as waking:
        for number in range(2):
            await asyncio.sleep(0.3)
            (tmp_path / f"{number}.txt").write_text("words")
            await asyncio.sleep(0.15)
            start = time.monotonic()
            await asyncio.wait_for(anext(waking), 10)
            assert time.monotonic() - start >= 0.1
