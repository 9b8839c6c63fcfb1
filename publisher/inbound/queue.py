"""Where messages wait to be taken in: one commit for all who wait, and a bound on how many may.

    a way in | put | ... whatever else waits ... | receive | committed -> its answer

A message is answered once what it says is committed, and not before: so whoever handed it in keeps it until then, and
nothing is lost. Where too much waits it is refused for now, which costs next to nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from publisher import log
from publisher.errors import PublisherError
from publisher.incoming import Letter

_log = log.get("inbound")

#: Messages that may wait, and their bytes.
ROOM = 500
ROOM_BYTES = 64_000_000
#: Messages of one commit, and seconds for which it waits for more of them.
BATCH = 100
_LINGER = 0.004


class FullError(PublisherError):
    """Too much waits already."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    letter: Letter
    answer: asyncio.Future[None]


@dataclass(slots=True)
class Queue:
    """Messages that wait, and the one task that takes them in. `serve` runs until it is cancelled."""

    #: Takes messages in, and returns once that is committed: which of them it took.
    take: Callable[[Sequence[Letter]], Awaitable[Sequence[bool]]]
    room: int = ROOM
    _waiting: deque[_Waiting] = field(default_factory=deque)
    #: Not answered yet: how many, and their bytes.
    _count: int = 0
    _bytes: int = 0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def put(self, letter: Letter) -> None:
        """Returns once the message is taken in. Raises FullError, or what taking it in raised."""
        if self._count >= self.room or self._bytes + len(letter.content) > ROOM_BYTES:
            raise FullError(f"{self._count} messages wait to be taken in")
        mine = _Waiting(letter, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        self._count += 1
        self._bytes += len(letter.content)
        self._wake.set()
        await mine.answer

    async def serve(self) -> None:
        """Takes in what waits, for ever."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(_LINGER)  # whoever is about to come shares the commit
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if not self._waiting:
                self._wake.clear()
            try:
                await self._take(batch)
            finally:
                self._count -= len(batch)
                self._bytes -= sum(len(one.letter.content) for one in batch)

    async def _take(self, batch: Sequence[_Waiting]) -> None:
        try:
            taken = await self.take([one.letter for one in batch])
        except asyncio.CancelledError:
            for one in batch:
                one.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whoever handed it in hears of it, and keeps it
            _log.warning("messages not taken in", count=len(batch), why=str(error))
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(error)
        else:
            for one, went in zip(batch, taken, strict=True):
                if one.answer.done():
                    continue
                if went:
                    one.answer.set_result(None)
                else:
                    one.answer.set_exception(FullError("too many letters wait for the editor"))
