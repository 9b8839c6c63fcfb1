"""The claim: one guarded update, refused for every reason there is; and who comes first where two want the same reader."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from publisher.outgoing import Claim, DeliveryState
from publisher.store import audience, outbox
from publisher.store.engine import Tx
from publisher.store.express import open_express, run_in
from publisher.store.mail_schema import deliveries, editions, subscribers, variants
from publisher.store.turn import Turn, turn
from tests.store.conftest import NOW

Change = Callable[[Tx, Claim], Awaitable[Any]]


async def candidate(scene: Any, email: str = "ada@example.org") -> Claim:
    reader = await scene.reader(email)
    await scene.plan(reader)
    async with scene.store.read() as tx:
        return next(found for found in await outbox.waiting(tx, NOW, 10) if found.email == email)


async def claimed(scene: Any, *wanted: Claim) -> Turn:
    express = open_express(scene.store)
    try:
        return await express.run(turn(scene.store.dialect, NOW, wanted=wanted))
    finally:
        await express.close()


async def state(scene: Any) -> DeliveryState:
    found: list[DeliveryState] = await scene.states()
    return found[0]


def _set(table: Any, **values: Any) -> Change:
    return lambda tx, claim: tx.execute(update(table).values(**values))


def _suppress(reason: str) -> Change:
    return lambda tx, claim: audience.suppress(tx, claim.email_key, reason=reason, note="", now=NOW)


#: Reason -> what happened between the reading and the claim.
AGAINST: dict[str, Change] = {
    "the reader left": lambda tx, claim: audience.unsubscribe(tx, claim.subscription_id, NOW),
    "a bounce": _suppress("bounce"),
    "a complaint": _suppress("complaint"),
    "the operator's word": _suppress("operator"),
    "an unsubscription by address": _suppress("unsubscribed"),
    "another address": _set(subscribers, email="else@example.org", email_key="else@example.org"),
    "a withdrawn article": _set(variants, stale=True),
    "a paused edition": _set(editions, state="paused"),
    "a cancelled edition": _set(editions, state="cancelled"),
    "held": _set(deliveries, state=DeliveryState.HELD),
    "cancelled": _set(deliveries, state=DeliveryState.CANCELLED),
    "claimed by another": _set(deliveries, state=DeliveryState.CLAIMED),
    "sent by another": _set(deliveries, state=DeliveryState.ACCEPTED),
    "deferred by another": _set(deliveries, state=DeliveryState.DEFERRED),
    "moved back": _set(deliveries, next_attempt_at=NOW + timedelta(minutes=1)),
    "put aside": _set(deliveries, next_attempt_at=None),
}


@pytest.mark.parametrize("why", AGAINST)
async def test_I10_claim_is_refused(scene: Any, why: str) -> None:
    """Whatever was committed since the candidate was read: it is refused, and nothing of the row changes."""
    claim = await candidate(scene)
    async with scene.store.write() as tx:
        await AGAINST[why](tx, claim)
    before = await scene.ledger()
    assert await claimed(scene, claim) == Turn((), (claim,))
    assert await scene.ledger() == before


async def test_claim_of_another_variant_is_refused(scene: Any) -> None:
    """A new revision took the place of the variant that was read."""
    claim = await candidate(scene)
    async with scene.store.write() as tx:
        await tx.execute(text(
            "INSERT INTO variants (edition_id, revision, key, language, subject, html, text, stale) "
            "SELECT edition_id, revision + 1, key, language, subject, html, text, stale FROM variants"
        ))
        await tx.execute(text("UPDATE deliveries SET variant_id = (SELECT max(id) FROM variants)"))
    assert await claimed(scene, claim) == Turn((), (claim,))


async def test_claim_is_taken_once(scene: Any) -> None:
    """Twice in one turn, and again in the next."""
    claim = await candidate(scene)
    assert await claimed(scene, claim, claim) == Turn((claim,), (claim,))
    assert await claimed(scene, claim) == Turn((), (claim,))
    assert await state(scene) == DeliveryState.CLAIMED


@pytest.mark.parametrize("why", ["the reader left", "a complaint"])
async def test_I10_whoever_comes_second_waits(scene: Any, why: str) -> None:
    """While a suppression is on its way to its commit no claim commits, and the other way round."""
    claim = await candidate(scene)
    async with scene.store.write() as tx:
        await AGAINST[why](tx, claim)
        claiming = asyncio.create_task(claimed(scene, claim))
        await asyncio.sleep(0.2)
        assert not claiming.done()
    assert await claiming == Turn((), (claim,))

    other = await candidate(scene, "bo@example.org")

    async def against() -> None:
        async with scene.store.write() as tx:
            await AGAINST[why](tx, other)

    async with scene.store.write() as tx:
        assert await run_in(tx, turn(scene.store.dialect, NOW, wanted=[other])) == Turn((other,), ())
        leaving = asyncio.create_task(against())
        await asyncio.sleep(0.2)
        assert not leaving.done()
    await leaving
