"""The ledger's one writer: shared commits, and never two open claims for one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest

from publisher.mail.ledger import Ledger, open_ledger
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply
from publisher.store import ledger_view
from publisher.store.engine import Store
from publisher.store.express import Express
from tests.mail.conftest import NOON

Plant = Callable[..., Awaitable[list[int]]]
Clock = Callable[[], datetime]


def accepted(claim: Claim) -> Outcome:
    return Outcome(claim, DeliveryState.ACCEPTED, Reply(250, "2.0.0", "ok"), NOON, NOON)


async def open_claims(store: Store) -> int:
    async with store.read() as tx:
        return (await ledger_view.counts(tx)).get(DeliveryState.CLAIMED, 0)


async def test_I5_one_open_claim_for_each_connection(store: Store, plant: Plant, clock: Clock) -> None:
    """While connections send, the committed ledger never shows more claims than connections; each message goes once."""
    await plant([f"r{n}@m.org" for n in range(40)])
    connections, sent, seen = 4, [], []

    async def connection(ledger: Ledger) -> None:
        claim = await ledger.visit(want=True)
        while claim is not None:
            seen.append(await open_claims(store))
            sent.append(claim.id)
            claim = await ledger.visit(accepted(claim), want=True)

    async with open_ledger(store, clock) as ledger:
        await asyncio.gather(*(connection(ledger) for _ in range(connections)))
    assert len(sent) == len(set(sent)) == 40
    assert max(seen) <= connections
    assert await open_claims(store) == 0


async def test_those_who_wait_share_a_commit(store: Store, plant: Plant, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Visitors of one turn of the event loop cost one commit together."""
    await plant([f"r{n}@m.org" for n in range(8)])
    commits = 0

    async with open_ledger(store, clock) as ledger:
        commit = ledger._commit

        async def counted(*handed: Any) -> list[Claim]:
            nonlocal commits
            commits += 1
            return await commit(*handed)

        monkeypatch.setattr(Ledger, "_commit", lambda _, *handed: counted(*handed))
        claims = await asyncio.gather(*(ledger.visit(want=True) for _ in range(8)))
        assert commits == 1
        assert await asyncio.gather(*(ledger.visit(accepted(claim), want=True) for claim in claims if claim)) == [None] * 8
    assert commits == 2


async def test_a_claim_given_back_is_uncounted(store: Store, plant: Plant, clock: Clock) -> None:
    """A claim of which nothing was sent returns to the queue as if it had not been taken."""
    await plant(["r0@m.org"])
    async with open_ledger(store, clock) as ledger:
        claim = await ledger.visit(want=True)
        assert await ledger.visit(unsent=claim, want=False) is None
        again = await ledger.visit(want=True)
    assert again == claim
    assert again is not None
    assert again.attempt == 1


async def test_a_store_that_fails_tells_every_visitor(store: Store, plant: Plant) -> None:
    """A failure reaches those who wait, records nothing, and the counter stays open."""
    await plant(["r0@m.org"])
    broken = True

    def clock() -> datetime:
        if broken:
            raise OSError("disk full")
        return NOON

    async with open_ledger(store, clock) as ledger:
        ended = await asyncio.gather(ledger.visit(want=True), ledger.visit(want=True), return_exceptions=True)
        assert [str(error) for error in ended] == ["disk full"] * 2
        broken = False
        assert await ledger.visit(want=True) is not None


async def test_the_counter_stays_open_where_claims_cannot_be_given_back(
    store: Store, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waited was cancelled, and then the store fails: that costs the next visitor nothing."""
    await plant(["r0@m.org", "r1@m.org"])
    leaving: list[asyncio.Task[Claim | None]] = []

    def clock() -> datetime:
        while leaving:
            leaving.pop().cancel()
        return NOON

    run = Express.run
    runs = 0

    async def failing(express: Express, script: Any) -> Any:
        nonlocal runs
        runs += 1
        if runs == 2:
            script.close()
            raise OSError("disk full")
        return await run(express, script)

    monkeypatch.setattr(Express, "run", failing)
    async with open_ledger(store, clock) as ledger:
        leaving.append(asyncio.create_task(ledger.visit(want=True)))
        await asyncio.wait(leaving)
        found = await asyncio.wait_for(ledger.visit(want=True), 2)
    assert found is not None
