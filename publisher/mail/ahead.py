"""Due messages, read some way ahead of the wire, each given its time.

    store: what is due | not held yet | may it start soon (pace)? kept here : its time is moved in the store

So a receiving domain that is to be spared never stands in the way of the others: its messages move back in the queue,
and the next ones come forward. What is read here is a candidate only; the claim looks again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from publisher.mail.pace import Pace
from publisher.mail.standing import HORIZON
from publisher.outgoing import Claim
from publisher.store import outbox
from publisher.store.engine import Store

#: Candidates kept, and how many are left when more are read.
AHEAD = 512
_LOW = 128
#: Candidates of spared domains may fill so much of what is kept, before no more are read.
_FULL = 8 * AHEAD
#: What is due within this time is waited for, with the connection open.
_LINGER = timedelta(seconds=5)
#: The shortest and the longest wait, in seconds, before it is looked again; a notice may come at any time.
_BLINK, _NAP = 0.02, 0.5


@dataclass(slots=True)
class Ahead:
    """The candidates of one run."""

    store: Store
    clock: Callable[[], datetime]
    pace: Pace
    stop: asyncio.Event
    _held: deque[Claim] = field(default_factory=deque)
    #: Held, or given and not decided when the last reading began: should one be read again, it is no news.
    _known: set[tuple[str, int]] = field(default_factory=set)
    #: Decided since.
    _gone: set[tuple[str, int]] = field(default_factory=set)
    _reading: asyncio.Task[int] | None = None
    #: The last reading was not the end of what is due.
    _more: bool = False
    #: When the next message is due that was not at the last reading.
    _soonest: datetime | None = None
    #: When that was, by the loop's clock, in seconds.
    _read_at: float = 0.0
    #: Of those that were held at the last look, how many their domains keep back, and when the first of all may start.
    _barred: int = 0
    _opens: datetime | None = None

    async def give(self, want: int) -> list[Claim]:
        """Up to `want` candidates that may start now, at least one; none where nothing is due or a stop came.

        What may start within a few seconds is waited for. Raises what the store raises.
        """
        while not self.stop.is_set():
            now = self.clock()
            given = self._take(want, now)
            if not given and self._wants_reading() and await self._top_up(now):
                given = self._take(want, now)
            self._top_up_early(now)
            if given:
                return given
            seconds = self._wait(now)
            if seconds is None:
                return []
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), seconds)
        return []

    def _take(self, want: int, now: datetime) -> list[Claim]:
        taken: list[Claim] = []
        self._barred, self._opens = 0, None
        room = self.pace.room()
        for _ in range(len(self._held)):
            if len(taken) == want:
                break
            claim = self._held.popleft()
            at = self.pace.opens(claim, now)
            if at is not None and at > now + HORIZON:  # the next reading gives it another time
                self.pace.dropped(claim, now)
                self._known.discard((claim.kind, claim.id))
                continue
            free_at = now if claim.kind == "notice" else self.pace.next_free or now
            full = room is not None and room <= 0 and claim.kind != "notice"
            if at is not None and max(at, free_at) <= now and not full:
                self.pace.begins(claim, now)
                taken.append(claim)
                room = None if room is None else room - (claim.kind != "notice")
                continue
            self._held.append(claim)
            self._barred += at is None or at > now
            if at is not None and (self._opens is None or max(at, free_at) < self._opens):
                self._opens = max(at, free_at)
        return taken

    def decided(self, claim: Claim, *, claimed: bool) -> None:
        """A candidate that was given was claimed, or not: then it may be one again."""
        self._gone.add((claim.kind, claim.id))
        if not claimed:
            self.pace.given_back(claim, self.clock())

    def _wants_reading(self) -> bool:
        """Whether the store may know of something that can start before what is held."""
        if self._more:
            return len(self._held) == self._barred and len(self._held) < _FULL
        return not self._held or asyncio.get_running_loop().time() - self._read_at >= _NAP

    def _wait(self, now: datetime) -> float | None:
        """Seconds until it is to be looked again; None where nothing is due."""
        if self._held:
            at = now if self._opens is None else self._opens
        elif self._more:
            return 0.0
        elif self._soonest is not None and self._soonest <= now + _LINGER:
            at = self._soonest
        else:
            return None
        return min(_NAP, max(_BLINK, (at - now).total_seconds()))

    async def _top_up(self, now: datetime) -> int:
        """Reads what is due; returns how many candidates came."""
        while self._reading is not None and not self._reading.done():
            # Another's reading may have begun too early to know of what is due now: only what it finds counts.
            await asyncio.wait((self._reading,))
            if self._held:
                return len(self._held)
        self._reading = asyncio.create_task(self._read(now))
        return await asyncio.shield(self._reading)

    def _top_up_early(self, now: datetime) -> None:
        """Begins to read where little is left and the last reading found more than that."""
        if len(self._held) < _LOW and self._more and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read(now))
            self._reading.add_done_callback(_heard)

    async def close(self) -> None:
        """Reads no more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, now: datetime) -> int:
        self._known -= self._gone
        self._gone.clear()
        limit = AHEAD + len(self._known)
        async with self.store.read() as tx:
            found = await outbox.waiting(tx, now, limit)
            self._more = len(found) == limit
            soonest = None if self._more else await outbox.next_due(tx, now)
        new = [claim for claim in found if (claim.kind, claim.id) not in self._known]
        idle = [claim for claim in new if not claim.running]
        timed = [(claim, self.pace.place(claim, now)) for claim in new if claim.running]
        later = [(claim, at) for claim, at in timed if at > now]
        self._soonest = min((at for at in (soonest, *(at for _, at in later)) if at is not None), default=None)
        kept = [claim for claim, at in timed if at <= now]
        self._held.extend(kept)
        self._known.update((claim.kind, claim.id) for claim in kept)
        if idle or later:
            async with self.store.write() as tx:
                await outbox.weed(tx, idle, now)
                await outbox.postpone(tx, later)
        self._read_at = asyncio.get_running_loop().time()
        return len(new)


def _heard(reading: asyncio.Task[int]) -> None:
    """What went wrong is told when somebody waits for a reading: here nobody does."""
    if not reading.cancelled():
        reading.exception()
