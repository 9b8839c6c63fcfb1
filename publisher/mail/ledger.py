"""The ledger's one writer: outcomes in, next claims out, one commit for all who wait.

    connections | outcome + want | ... one turn of the event loop ... | settle, claim | commit -> next claim to each

A connection hands in the outcome of its claim and waits for the next one, so it never holds two (I5); a claim reaches
it only after the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime

from publisher import log
from publisher.outgoing import Claim, Outcome
from publisher.store import outbox
from publisher.store.engine import Store

_log = log.get("mail")


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
    clock: Callable[[], datetime]
    _waiting: list[_Visit] = field(default_factory=list)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

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

    async def write(self) -> None:
        """Serves the counter for ever."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(0)  # whoever is ready in this turn of the loop comes along
            self._wake.clear()
            visits, self._waiting = self._waiting, []
            try:
                claims = await self._commit(visits)
            except Exception as error:  # noqa: BLE001 - every visitor raises it again
                for visit in visits:
                    if not visit.answer.done():
                        visit.answer.set_exception(error)
                continue
            for visit in visits:
                if not visit.answer.done():
                    visit.answer.set_result(claims.pop(0) if visit.want and claims else None)
            if claims:  # their visitors were cancelled meanwhile
                await self._give_back(claims)

    async def _give_back(self, claims: list[Claim]) -> None:
        try:
            async with self.store.write() as tx:
                await outbox.release(tx, claims)
        except Exception as error:  # noqa: BLE001 - the counter stays open; `recover` finds these claims
            _log.warning("claims not given back", count=len(claims), why=str(error))

    async def _commit(self, visits: list[_Visit]) -> list[Claim]:
        want = sum(visit.want for visit in visits)
        async with self.store.write() as tx:
            await outbox.settle(tx, [visit.outcome for visit in visits if visit.outcome is not None])
            await outbox.release(tx, [visit.unsent for visit in visits if visit.unsent is not None])
            return await outbox.claim(tx, self.clock(), want) if want else []


@contextlib.asynccontextmanager
async def open_ledger(store: Store, clock: Callable[[], datetime]) -> AsyncIterator[Ledger]:
    """A ledger whose writer runs inside the `with` block."""
    ledger = Ledger(store, clock)
    writer = asyncio.create_task(ledger.write(), name="ledger")
    try:
        yield ledger
    finally:
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer
