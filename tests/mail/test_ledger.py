"""The ledger's one writer: shared commits, and never two open claims for one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest

from publisher.mail.ahead import Ahead
from publisher.mail.ledger import Ledger, open_ledger
from publisher.mail.pace import Pace
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply
from publisher.store import ledger_view, outbox
from publisher.store.engine import Store
from publisher.store.express import Express
from tests.ledger import counts_of_all
from tests.mail.conftest import NOON

Plant = Callable[..., Awaitable[list[int]]]
Clock = Callable[[], datetime]


def accepted(claim: Claim) -> Outcome:
    return Outcome(claim, DeliveryState.ACCEPTED, Reply(250, "2.0.0", "ok"), NOON, NOON)


async def open_claims(store: Store) -> int:
    async with store.read() as tx:
        return (await ledger_view.counts(tx)).get(DeliveryState.CLAIMED, 0)


async def candidates(store: Store, count: int = 100) -> list[Claim]:
    async with store.read() as tx:
        return await outbox.waiting(tx, NOON, count)


async def test_I5_one_open_claim_for_each_connection(store: Store, plant: Plant, clock: Clock) -> None:
    """While connections send, the committed ledger never shows more claims than connections; each message goes once."""
    await plant([f"r{n}@m.org" for n in range(40)])
    ahead = Ahead(store, clock, Pace(), asyncio.Event())
    connections, sent, seen = 4, [], []

    async def connection(ledger: Ledger) -> None:
        outcome: Outcome | None = None
        while given := await ahead.give(1):
            if not await ledger.visit(outcome, want=given[0]):
                outcome = None
                continue
            seen.append(await open_claims(store))
            sent.append(given[0].id)
            outcome = accepted(given[0])
        await ledger.visit(outcome)

    async with open_ledger(store, clock, decided=ahead.decided) as ledger:
        await asyncio.gather(*(connection(ledger) for _ in range(connections)))
    await ahead.close()
    assert len(sent) == len(set(sent)) == 40
    assert max(seen) <= connections
    assert await open_claims(store) == 0


async def test_those_who_wait_share_a_commit(store: Store, plant: Plant, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Visitors of one turn of the event loop cost one commit together."""
    await plant([f"r{n}@m.org" for n in range(8)])
    run, commits = Express.run, 0

    async def counted(express: Express, script: Any) -> Any:
        nonlocal commits
        commits += 1
        return await run(express, script)

    monkeypatch.setattr(Express, "run", counted)
    claims = await candidates(store)
    async with open_ledger(store, clock) as ledger:
        assert await asyncio.gather(*(ledger.visit(want=claim) for claim in claims)) == [True] * 8
        assert commits == 1
        assert await asyncio.gather(*(ledger.visit(accepted(claim)) for claim in claims)) == [False] * 8
    assert commits == 2
    async with store.read() as tx:
        assert await counts_of_all(tx) == {"accepted": 8}


async def test_one_candidate_is_claimed_once(store: Store, plant: Plant, clock: Clock) -> None:
    """Two who want the same, in one commit or one after the other: one gets it."""
    await plant(["r0@m.org"])
    (claim,) = await candidates(store)
    async with open_ledger(store, clock) as ledger:
        assert sorted(await asyncio.gather(ledger.visit(want=claim), ledger.visit(want=claim))) == [False, True]
        assert not await ledger.visit(want=claim)


async def test_a_claim_given_back_is_uncounted(store: Store, plant: Plant, clock: Clock) -> None:
    """A claim of which nothing was sent returns to the queue as if it had not been taken."""
    await plant(["r0@m.org"])
    (claim,) = await candidates(store)
    async with open_ledger(store, clock) as ledger:
        assert await ledger.visit(want=claim)
        assert not await ledger.visit(unsent=claim)
        (again,) = await candidates(store)
        assert again == claim
        assert await ledger.visit(want=again)


async def test_nothing_is_claimed_after_the_end(store: Store, plant: Plant, clock: Clock) -> None:
    """Outcomes are recorded still."""
    await plant(["r0@m.org", "r1@m.org"])
    first, second = await candidates(store)
    async with open_ledger(store, clock) as ledger:
        assert await ledger.visit(want=first)
        ledger.no_more()
        assert not await ledger.visit(accepted(first), want=second)
    async with store.read() as tx:
        assert await counts_of_all(tx) == {"accepted": 1, "queued": 1}


async def test_a_store_that_fails_tells_every_visitor(store: Store, plant: Plant) -> None:
    """A failure reaches those who wait, records nothing, and the counter stays open."""
    await plant(["r0@m.org"])
    (claim,) = await candidates(store)
    broken = True

    def clock() -> datetime:
        if broken:
            raise OSError("disk full")
        return NOON

    async with open_ledger(store, clock) as ledger:
        ended = await asyncio.gather(ledger.visit(want=claim), ledger.visit(want=claim), return_exceptions=True)
        assert [str(error) for error in ended] == ["disk full"] * 2
        broken = False
        assert await ledger.visit(want=claim)


async def test_a_candidate_whose_commit_failed_is_one_again(
    store: Store, plant: Plant, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same run: whoever wanted it was turned away, so that it is nobody's."""
    await plant(["r0@m.org"])
    ahead = Ahead(store, clock, Pace(), asyncio.Event())
    run, broken = Express.run, True

    async def failing(express: Express, script: Any) -> Any:
        if broken:
            script.close()
            raise OSError("disk full")
        return await run(express, script)

    monkeypatch.setattr(Express, "run", failing)
    async with open_ledger(store, clock, ahead.pace, decided=ahead.decided) as ledger:
        (claim,) = await ahead.give(1)
        with pytest.raises(OSError, match="disk full"):
            await ledger.visit(want=claim)
        broken = False
        (again,) = await asyncio.wait_for(ahead.give(1), 5)
        assert again == claim
        assert await ledger.visit(want=again)
    await ahead.close()


async def test_the_counter_stays_open_where_claims_cannot_be_given_back(
    store: Store, plant: Plant, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waited was cancelled, and then the store fails: that costs the next visitor nothing."""
    await plant(["r0@m.org", "r1@m.org"])
    first, second = await candidates(store)
    leaving: list[asyncio.Task[bool]] = []
    run, runs = Express.run, 0

    async def failing(express: Express, script: Any) -> Any:
        nonlocal runs
        runs += 1
        while leaving:
            leaving.pop().cancel()
        if runs == 2:
            script.close()
            raise OSError("disk full")
        return await run(express, script)

    monkeypatch.setattr(Express, "run", failing)
    async with open_ledger(store, clock) as ledger:
        leaving.append(asyncio.create_task(ledger.visit(want=first)))
        await asyncio.wait(leaving)
        assert await asyncio.wait_for(ledger.visit(want=second), 2)
    assert runs == 3
