"""Waking up when a folder changes. The only code that knows watchfiles.

    events of the system, where they come | every `poll` in any case -> one wake-up for all that happened since the last

Events are a hint and nothing more: on network shares none come, and a folder that is replaced stops sending them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from watchfiles import Change, awatch

from publisher import log
from publisher.intake.folder import is_passed_over

#: Milliseconds between two looks at what the system has told, and the longest time that events are gathered.
_STEP, _GATHER = 20, 100

#: By the clock a look begins so many times its own length after the last one ended, so that a folder of very many
#: files takes a tenth of a processor's time at most; after an event its own length. So many seconds at the most.
_REST, _LONGEST_REST = 9, 60.0
#: Seconds that are not long: most of them a pick-up waits for a file to settle.
_QUICK = 0.5

_log = log.get("intake")


async def wake_ups(folders: Sequence[Path], *, poll: timedelta, stop: asyncio.Event) -> AsyncIterator[None]:
    """Yields at once, then whenever something in one of the folders changed, and at least every `poll`.

    What happens while the caller is busy makes one wake-up, not many. A caller that takes long is given a rest: as long
    again before it is woken by an event (a quarter of it where it was quick), nine times as long by the clock, at most
    a minute. Ends soon after `stop` is set, and watches no more once it is closed. Folders need not exist.
    """
    clock = asyncio.get_running_loop().time
    changed = asyncio.Event()
    halt = asyncio.Event()
    watchers = [asyncio.create_task(_watch(folder, poll, changed, halt)) for folder in folders]
    stopping = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            changed.clear()
            begun = clock()
            yield
            took = min(clock() - begun, _LONGEST_REST)
            rest = took if took > _QUICK else took / 4
            await asyncio.wait((stopping,), timeout=rest)
            waiting = asyncio.create_task(changed.wait())
            longest = max(poll.total_seconds(), min(_REST * took, _LONGEST_REST) - rest)
            await asyncio.wait((waiting, stopping), timeout=longest, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
    finally:
        halt.set()
        stopping.cancel()
        await asyncio.gather(*watchers)


async def _watch(folder: Path, poll: timedelta, changed: asyncio.Event, halt: asyncio.Event) -> None:
    """Sets `changed` whenever the system tells of something in the folder, until `halt`."""
    told = False
    while not halt.is_set():
        try:
            await _events(folder, poll, changed, halt)
        except FileNotFoundError:
            pass  # not there yet: the pick-up says so
        except (OSError, RuntimeError) as error:  # watchfiles raises both, by the cause
            if not told:
                _log.warning("no events from the folder", folder=str(folder), reason=str(error), poll=str(poll))
            told = True
        with suppress(TimeoutError):
            await asyncio.wait_for(halt.wait(), poll.total_seconds())


async def _events(folder: Path, poll: timedelta, changed: asyncio.Event, halt: asyncio.Event) -> None:
    """Returns once the folder is another one than at the beginning, so that the new one can be watched."""
    inode = await asyncio.to_thread(_inode, folder)
    events = awatch(
        folder, watch_filter=_is_news, debounce=_GATHER, step=_STEP, stop_event=halt,
        rust_timeout=max(1, round(poll.total_seconds() * 1000)), yield_on_timeout=True, ignore_permission_denied=True,
    )
    async for happened in events:
        if happened:
            changed.set()
        elif await asyncio.to_thread(_inode, folder) != inode:
            return


def _inode(folder: Path) -> int:
    return folder.stat().st_ino


def _is_news(_change: Change, path: str) -> bool:
    return not is_passed_over(Path(path).name)
