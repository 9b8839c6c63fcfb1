"""The ledger's one writer: outcomes in, next claims out, one commit for all who wait.

    connections | outcome + want | ... while the last commit runs ... | candidates | settle, claim | commit -> claims

A connection hands in the outcome of its claim and waits for the next one, so it never holds two (I5); a claim reaches
it only after the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from publisher import log
from publisher.mail.ahead import Ahead
from publisher.mail.pace import Pace
from publisher.outgoing import Claim, Outcome
from publisher.store import outbox
from publisher.store.engine import Store
from publisher.store.express import Express, open_express
from publisher.store.turn import Turn, turn

_log = log.get("mail")

#: A message that may start within this time is waited for, with the connection open.
_LINGER = timedelta(seconds=5)
#: The shortest such wait, in seconds.
_BLINK = 0.01
#: Further readings in one turn where candidates turn out not to be sendable.
_TRIES = 3


@dataclass(frozen=True, slots=True, eq=False)
class _Visit:
    """A connection at the counter."""

    outcome: Outcome | None
    #: A claim of which no byte was sent, given back.
    unsent: Claim | None
    want: bool
    answer: asyncio.Future[Claim | None]


@dataclass(slots=True)
class Ledger:
    """The counter that the connections come to. Use `open_ledger`."""

    store: Store
    express: Express
    clock: Callable[[], datetime]
    ahead: Ahead
    pace: Pace
    #: Hears of each outcome that is recorded.
    heard: Callable[[Outcome], None]
    _waiting: list[_Visit] = field(default_factory=list)
    _lingering: list[_Visit] = field(default_factory=list)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _closed: bool = False

    async def visit(
        self, outcome: Outcome | None = None, *, unsent: Claim | None = None, want: bool
    ) -> Claim | None:
        """Hands in what became of the last claim; returns the next one, or None where nothing is due or wanted.

        What it returns is committed. Raises what the store raises: then nothing of this visit is recorded.
        """
        answer: asyncio.Future[Claim | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Visit(outcome, unsent, want, answer))
        self._wake.set()
        return await answer

    def no_more(self) -> None:
        """From now on nobody gets a claim; whoever waits for one is answered."""
        self._closed = True
        self._wake.set()

    async def write(self) -> None:
        """Serves the counter for ever."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(0)  # whoever is ready in this turn of the loop comes along
            self._wake.clear()
            visits, self._waiting = self._lingering + self._waiting, []
            self._lingering = []
            try:
                await self._serve(visits)
            except Exception as error:  # noqa: BLE001 - every visitor raises it again
                for visit in visits:
                    if not visit.answer.done():
                        visit.answer.set_exception(error)

    async def _serve(self, visits: list[_Visit]) -> None:
        """Answers these visitors, or lets them linger where something may start in a moment."""
        hungry = [visit for visit in visits if visit.want and not self._closed and not visit.answer.done()]
        claims = await self._commit(visits, len(hungry))
        delay = self._delay() if len(claims) < len(hungry) and not self._closed else None
        for visit in visits:
            if visit.answer.done():
                continue
            if visit.want and claims:
                visit.answer.set_result(claims.pop(0))
            elif visit.want and delay is not None:
                self._lingering.append(_Visit(None, None, want=True, answer=visit.answer))
            else:
                visit.answer.set_result(None)
        if claims:  # their visitors were cancelled meanwhile
            await self._give_back(claims)
        if self._lingering:
            asyncio.get_running_loop().call_later(delay or 0, self._wake.set)

    def _delay(self) -> float | None:
        """Seconds until something may start; None where that is too far away to wait for."""
        at, now = self.ahead.next_at(), self.clock()
        return None if at is None or at > now + _LINGER else max(_BLINK, (at - now).total_seconds())

    async def _commit(self, visits: Sequence[_Visit], want: int) -> list[Claim]:
        """Records what the visitors hand in; returns up to `want` claims."""
        outcomes = [visit.outcome for visit in visits if visit.outcome is not None]
        unsent = [visit.unsent for visit in visits if visit.unsent is not None]
        done = await self._turn(outcomes, unsent, await self._candidates(want))
        claims = list(done.taken)
        for _ in range(_TRIES):
            if not done.refused or len(claims) == want:
                break
            done = await self._turn((), (), await self._candidates(want - len(claims)))
            claims += done.taken
        return claims

    async def _candidates(self, want: int) -> list[Claim]:
        now = self.clock()
        found = self.ahead.take(want, now)
        if len(found) < want and await self.ahead.top_up(now):
            found += self.ahead.take(want - len(found), now)
        if want:
            self.ahead.top_up_early(now)
        return found

    async def _turn(self, outcomes: Sequence[Outcome], unsent: Sequence[Claim], wanted: Sequence[Claim]) -> Turn:
        """One commit; candidates that it refuses are looked at, and put away where they are not to be sent."""
        try:
            done = await self.express.run(turn(self.clock(), outcomes, unsent, wanted))
        except BaseException:
            for claim in wanted:
                self.pace.given_back(claim)
            raise
        finally:
            self.ahead.forget(wanted)
        for outcome in outcomes:
            self.pace.ended(outcome)
            self.heard(outcome)
        for claim in (*unsent, *done.refused):
            self.pace.given_back(claim)
        if done.refused:
            async with self.store.write() as tx:
                await outbox.weed(tx, done.refused, self.clock())
        return done

    async def _give_back(self, claims: list[Claim]) -> None:
        try:
            await self._turn((), claims, ())
        except Exception as error:  # noqa: BLE001 - the counter stays open; `recover` finds these claims
            _log.warning("claims not given back", count=len(claims), why=str(error))


def _unheard(outcome: Outcome) -> None:
    """Nobody listens."""


@contextlib.asynccontextmanager
async def open_ledger(
    store: Store, clock: Callable[[], datetime], pace: Pace | None = None, heard: Callable[[Outcome], None] = _unheard
) -> AsyncIterator[Ledger]:
    """A ledger whose writer runs inside the `with` block."""
    pace = pace or Pace()
    express = open_express(store)
    ahead = Ahead(store, pace)
    ledger = Ledger(store, express, clock, ahead, pace, heard)
    writer = asyncio.create_task(ledger.write(), name="ledger")
    try:
        yield ledger
    finally:
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer
        await ahead.close()
        await express.close()
