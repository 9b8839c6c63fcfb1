"""The ledger's one writer: outcomes in, next claims taken, one commit for all who wait.

    connections | outcome, wanted candidate | ... a turn of the loop, a moment ... | settle, claim, commit -> yes or no

A connection hands in the outcome of its claim together with the candidate that it wants next, so it never holds two
claims (I5); it hears that a candidate is its own only after the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from publisher import log
from publisher.errors import StoreError
from publisher.mail.pace import Pace
from publisher.outgoing import Claim, Outcome
from publisher.store import outbox
from publisher.store.engine import Store
from publisher.store.express import Express, open_express
from publisher.store.turn import turn

_log = log.get("mail")

#: A commit waits for others where fewer than one in so many who have a claim are there, and how long, in seconds: it
#: costs as much for one as for all, and the server has enough to do meanwhile.
MANY, MOMENT = 2, 0.001


class Decided(Protocol):
    """Hears whether a candidate that was wanted is claimed."""

    def __call__(self, claim: Claim, *, claimed: bool) -> None:
        """See there."""
        ...


class _Visit(NamedTuple):
    """A connection at the counter."""

    outcome: Outcome | None
    #: A claim of which no byte was sent, given back.
    unsent: Claim | None
    want: Claim | None
    answer: asyncio.Future[bool]


@dataclass(slots=True)
class Ledger:
    """The counter that the connections come to. Use `open_ledger`."""

    store: Store
    express: Express
    clock: Callable[[], datetime]
    pace: Pace
    #: Hears of each outcome that is recorded.
    heard: Callable[[Outcome], None]
    #: Hears of each candidate that was wanted, and whether it was claimed.
    decided: Decided
    _waiting: list[_Visit] = field(default_factory=list)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _closed: bool = False
    #: Claims without a committed outcome.
    _open: int = 0

    async def visit(
        self, outcome: Outcome | None = None, *, unsent: Claim | None = None, want: Claim | None = None
    ) -> bool:
        """Hands in what became of the last claim; returns whether the candidate `want` is claimed, and committed.

        A candidate that is not may not be sent. Raises what the store raises: then nothing of this visit is recorded.
        """
        return await self.enter(outcome, unsent, want)

    def enter(self, outcome: Outcome | None, unsent: Claim | None, want: Claim | None) -> asyncio.Future[bool]:
        """What `visit` waits for: those who enter in one turn of the event loop are served together."""
        answer: asyncio.Future[bool] = self._loop.create_future()
        self._waiting.append(_Visit(outcome, unsent, want, answer))
        self._wake.set()
        return answer

    def no_more(self) -> None:
        """From now on nothing is claimed."""
        self._closed = True

    async def write(self) -> None:
        """Serves the counter for ever."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(0)  # whoever is ready in this turn of the loop comes along
            if len(self._waiting) * MANY < self._open:
                await asyncio.sleep(MOMENT)
            self._wake.clear()
            visits, self._waiting = self._waiting, []
            try:
                await self._serve(visits)
            except Exception as error:  # noqa: BLE001 - every visitor raises it again
                self._turn_away(visits, error)

    async def _serve(self, visits: list[_Visit]) -> None:
        """One commit for these visitors, and their answers."""
        now = self.clock()
        outcomes = [visit.outcome for visit in visits if visit.outcome is not None]
        unsent = [visit.unsent for visit in visits if visit.unsent is not None]
        for outcome in outcomes:  # what the server said is true, whatever becomes of the commit
            self.pace.ended(outcome)
        done = await self.express.run(turn(self.store.dialect, now, outcomes, unsent, self._wanted(visits, now)))
        self._open += len(done.taken) - len(outcomes) - len(unsent)
        for outcome in outcomes:
            self.heard(outcome)
        for claim in unsent:
            self.pace.given_back(claim, now)
        if unheard := self._answer(visits, done.taken):
            await self._give_back(unheard)
        if done.refused:
            await self._put_away(done.refused)

    def _answer(self, visits: list[_Visit], taken: Sequence[Claim]) -> list[Claim]:
        """Tells each visitor; the claims of which nobody hears any more, because their visitors were cancelled."""
        left = {(claim.kind, claim.id): claim for claim in taken}
        for visit in visits:
            want, answer = visit.want, visit.answer
            claimed = want is not None and (want.kind, want.id) in left and not answer.done()
            if claimed and want is not None:
                del left[want.kind, want.id]
            if not answer.done():
                answer.set_result(claimed)
            if want is not None:
                self.decided(want, claimed=claimed)
        return list(left.values())

    def _turn_away(self, visits: list[_Visit], error: Exception) -> None:
        """The store failed: nothing of these visits is recorded, and what they wanted may be another's."""
        for visit in visits:
            told = visit.answer.done() and not visit.answer.cancelled()
            if not visit.answer.done():
                visit.answer.set_exception(error)
            if visit.want is not None and not told:
                self.decided(visit.want, claimed=False)

    def _wanted(self, visits: list[_Visit], now: datetime) -> list[Claim]:
        """What may be claimed for them. What was made ready for a domain that limits us since waits in the store."""
        if self._closed:
            return []
        return [
            visit.want for visit in visits
            if visit.want is not None and not visit.answer.done() and not self.pace.bars(visit.want, now)
        ]

    async def _put_away(self, refused: Sequence[Claim]) -> None:
        """Ends what is not to be sent any more; where the store fails, the next reading meets it again."""
        try:
            async with self.store.write() as tx:
                await outbox.weed(tx, refused, self.clock())
        except StoreError as error:
            _log.warning("candidates not put away", count=len(refused), why=str(error))

    async def _give_back(self, claims: list[Claim]) -> None:
        try:
            await self.express.run(turn(self.store.dialect, self.clock(), (), claims))
        except Exception as error:  # noqa: BLE001 - the counter stays open; `recover` finds these claims
            _log.warning("claims not given back", count=len(claims), why=str(error))
        self._open -= len(claims)


def _unheard(outcome: Outcome) -> None:
    """Nobody listens."""


def _undecided(claim: Claim, *, claimed: bool) -> None:
    """Nobody listens."""


@contextlib.asynccontextmanager
async def open_ledger(
    store: Store, clock: Callable[[], datetime], pace: Pace | None = None,
    heard: Callable[[Outcome], None] = _unheard, decided: Decided = _undecided,
) -> AsyncIterator[Ledger]:
    """A ledger whose writer runs inside the `with` block."""
    express = open_express(store)
    ledger = Ledger(store, express, clock, pace or Pace(), heard, decided)
    writer = asyncio.create_task(ledger.write(), name="ledger")
    try:
        yield ledger
    finally:
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer
        await express.close()
