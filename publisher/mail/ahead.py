"""Due messages, read some way ahead of the wire, each given its time.

    store: what is due | not held yet | a time for each (pace) | soon: kept here; later: its time is moved in the store

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
from publisher.outgoing import Claim
from publisher.store import outbox
from publisher.store.engine import Store

#: Candidates kept, and how many are left when more are read.
AHEAD = 512
_LOW = 128
#: A message that may start within this time is waited for, with the connection open.
_LINGER = timedelta(seconds=5)
#: The shortest such wait, in seconds.
_BLINK = 0.01
#: What may start within this time is kept here; what starts later moves back in the queue.
_HORIZON = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class _Candidate:
    claim: Claim
    not_before: datetime


@dataclass(slots=True)
class Ahead:
    """The candidates of one run."""

    store: Store
    clock: Callable[[], datetime]
    pace: Pace
    stop: asyncio.Event
    _held: deque[_Candidate] = field(default_factory=deque)
    #: Held, or given and not decided when the last reading began: should one be read again, it is no news.
    _known: set[tuple[str, int]] = field(default_factory=set)
    #: Decided since.
    _gone: set[tuple[str, int]] = field(default_factory=set)
    _reading: asyncio.Task[int] | None = None
    #: The last reading was not the end of what is due.
    _more: bool = False
    #: The earliest time that was given to a message in the last reading.
    _soonest: datetime | None = None

    async def give(self, want: int) -> list[Claim]:
        """Up to `want` candidates that may start now, at least one; none where nothing is due or a stop came.

        What may start within a few seconds is waited for. Raises what the store raises.
        """
        while not self.stop.is_set():
            now = self.clock()
            given = self._take(want, now)
            if not given and await self._top_up(now):
                given = self._take(want, now)
            self._top_up_early(now)
            if given:
                return given
            at = self._next_at()
            if at is None or at > now + _LINGER:
                return []
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), max(_BLINK, (at - now).total_seconds()))
        return []

    def _take(self, want: int, now: datetime) -> list[Claim]:
        taken: list[Claim] = []
        for _ in range(len(self._held)):
            if len(taken) == want:
                break
            candidate = self._held.popleft()
            if candidate.not_before > now:
                self._held.append(candidate)
            elif self.pace.admits(candidate.claim, now):
                self.pace.begins(candidate.claim)
                taken.append(candidate.claim)
            else:  # its domain bears less than it did: the next reading gives it another time
                self._known.discard((candidate.claim.kind, candidate.claim.id))
        return taken

    def decided(self, claim: Claim, *, claimed: bool) -> None:
        """A candidate that was given was claimed, or not: then it may be one again."""
        self._gone.add((claim.kind, claim.id))
        if not claimed:
            self.pace.given_back(claim)

    def _next_at(self) -> datetime | None:
        """When the next candidate may start, as far as is known here; None where none waits."""
        times = [candidate.not_before for candidate in self._held]
        return min((at for at in (*times, self._soonest) if at is not None), default=None)

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
        async with self.store.read() as tx:
            found = await outbox.waiting(tx, now, AHEAD + len(self._held))
        self._more = len(found) == AHEAD + len(self._held)
        new = [claim for claim in found if (claim.kind, claim.id) not in self._known]
        idle = [claim for claim in new if not claim.running]
        timed = [_Candidate(claim, self.pace.slot(claim, now)) for claim in new if claim.running]
        later = [(c.claim, c.not_before) for c in timed if c.not_before > now + _HORIZON]
        self._soonest = min((at for _, at in later), default=None)
        if idle or later:
            async with self.store.write() as tx:
                await outbox.weed(tx, idle, now)
                await outbox.postpone(tx, later)
        kept = [candidate for candidate in timed if candidate.not_before <= now + _HORIZON]
        self._held.extend(kept)
        self._known.update((candidate.claim.kind, candidate.claim.id) for candidate in kept)
        return len(new)


def _heard(reading: asyncio.Task[int]) -> None:
    """What went wrong is told when somebody waits for a reading: here nobody does."""
    if not reading.cancelled():
        reading.exception()
