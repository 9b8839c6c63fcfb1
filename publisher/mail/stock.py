"""Messages made ready some way ahead of the wire, for the connections of one process.

    candidates, some at a time | made, signed, in a thread, together -> ready, one after the other

Making and signing then takes no time from a connection, and one change of threads serves many messages. A ready
message is no claim: that is committed when a connection wants it, and what cannot be claimed by then is thrown away.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from publisher.mail.press import Parcel, Press
from publisher.outgoing import Claim

#: Candidates made ready at a time, and how many are left when more are.
_BATCH = 32
_LOW = 32


class Supply(Protocol):
    """Where candidates come from: the store, or the process that reads it."""

    async def give(self, want: int) -> list[Claim]:
        """See `publisher.mail.ahead.Ahead.give`."""
        ...


@dataclass(slots=True)
class Stock:
    """The parcels of one process."""

    supply: Supply
    press: Press
    clock: Callable[[], datetime]
    _parcels: deque[Parcel] = field(default_factory=deque)
    _making: asyncio.Task[int] | None = None
    #: Candidates whose messages are being made, or could not be, because the store failed.
    _given: list[Claim] = field(default_factory=list)

    def at_hand(self) -> Parcel | None:
        """The next parcel, if one is ready; more are made meanwhile where few are left."""
        parcel = self._parcels.popleft() if self._parcels else None
        if len(self._parcels) < _LOW and parcel is not None and (self._making is None or self._making.done()):
            self._begin()
        return parcel

    async def next(self) -> Parcel | None:
        """The next parcel, waited for; None where nothing is due any more. Raises what the supply raises."""
        while (parcel := self.at_hand()) is None:
            making = self._making if self._making is not None and not self._making.done() else self._begin()
            if not await asyncio.shield(making) and not self._parcels:
                return None
        return parcel

    async def close(self) -> list[Claim]:
        """Makes no more; the candidates that nobody wanted."""
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)
        left = [*self._given, *(parcel.claim for parcel in self._parcels)]
        self._given = []
        self._parcels.clear()
        return left

    def _begin(self) -> asyncio.Task[int]:
        self._making = asyncio.create_task(self._make())
        self._making.add_done_callback(_heard)
        return self._making

    async def _make(self) -> int:
        self._given = self._given or await self.supply.give(_BATCH)
        self._parcels.extend(await self.press.parcels(self._given, self.clock()))
        made, self._given = len(self._given), []
        return made


def _heard(making: asyncio.Task[int]) -> None:
    """What went wrong is told when somebody waits for it: here nobody may."""
    if not making.cancelled():
        making.exception()
