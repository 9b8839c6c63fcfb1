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
from publisher.store.mail_schema import deliveries, editions, subscribers, subscriptions, variants
from publisher.store.turn import Turn, turn
from tests.ledger import list_notices
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
    "a pause": _set(subscriptions, paused_until=NOW + timedelta(days=1)),
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


async def _notice(scene: Any, kind: str, reader: int, **more: Any) -> None:
    async with scene.store.write() as tx:
        await outbox.add_notice(tx, kind, reader, {}, f"<{kind}.{reader}@example.org>", NOW, **more)


async def _read(scene: Any) -> list[Claim]:
    async with scene.store.read() as tx:
        return await outbox.waiting(tx, NOW, 10)


async def _ended(scene: Any) -> list[str]:
    """The words with which notices were put away."""
    async with scene.store.write() as tx:
        await outbox.weed(tx, await outbox.waiting(tx, NOW, 10), NOW)
    async with scene.store.read() as tx:
        return [row.reply.text for row in await list_notices(tx, state=DeliveryState.CANCELLED)]


#: Kind -> the states of the subscription in which it goes.
STATES = {
    "confirm": {"pending"}, "again": {"active"}, "export": {"pending", "active", "unsubscribed"},
    "erase": {"pending", "active", "unsubscribed"}, "address": {"pending", "active", "unsubscribed"},
    "new_address": {"pending", "active", "unsubscribed"}, "moved": {"pending", "active", "unsubscribed"}, "unknown": set(),
}


@pytest.mark.parametrize("kind", STATES)
async def test_notice_goes_by_the_rule_of_its_kind(scene: Any, kind: str) -> None:
    """Each kind has its states; what is not claimed for that is put away with a reason; an unknown kind never goes."""
    readers = {
        "pending": await scene.reader("p@example.org", confirmed=False), "active": await scene.reader("a@example.org"),
        "unsubscribed": await scene.reader("u@example.org"),
    }
    async with scene.store.write() as tx:
        await audience.unsubscribe(tx, readers["unsubscribed"], NOW)
    for reader in readers.values():
        await _notice(scene, kind, reader)
    done = await claimed(scene, *await _read(scene))
    assert {claim.subscription_id for claim in done.taken} == {readers[state] for state in STATES[kind]}
    words = await _ended(scene)
    assert len(words) == 3 - len(STATES[kind])
    assert all("the subscription is" in word or "no notice of the kind" in word for word in words)


@pytest.mark.parametrize(("kind", "reason", "goes"), [
    ("confirm", "unsubscribed", True), ("export", "unsubscribed", True), ("again", "unsubscribed", False),
    ("confirm", "bounce", False), ("erase", "complaint", False), ("new_address", "operator", False),
])
async def test_I11_suppression_bars_a_notice_unless_it_was_asked_for(
    scene: Any, kind: str, reason: str, goes: bool
) -> None:
    """Who only left may get what they ask for; an address that failed gets nothing at all."""
    reader = await scene.reader("ada@example.org", confirmed=kind != "confirm")
    await _notice(scene, kind, reader)
    (claim,) = await _read(scene)
    async with scene.store.write() as tx:
        await audience.suppress(tx, "ada@example.org", reason=reason, note="", now=NOW)
    assert bool((await claimed(scene, claim)).taken) is goes
    assert await _ended(scene) == ([] if goes else [f"suppressed: {reason}"])


async def test_notice_to_an_address_of_its_own(scene: Any) -> None:
    """It goes there, and only a suppression of that address bars it."""
    reader = await scene.reader("ada@example.org")
    await _notice(scene, "new_address", reader, to=("New@example.net", "new@example.net"))
    (claim,) = await _read(scene)
    assert (claim.email, claim.email_key, claim.domain) == ("New@example.net", "new@example.net", "example.net")
    async with scene.store.write() as tx:
        await audience.suppress(tx, "ada@example.org", reason="bounce", note="", now=NOW)
    assert (await claimed(scene, claim)).taken == (claim,)
    await _notice(scene, "moved", reader, to=("New@example.net", "new@example.net"))
    (claim,) = await _read(scene)
    async with scene.store.write() as tx:
        await audience.suppress(tx, "new@example.net", reason="bounce", note="", now=NOW)
    assert (await claimed(scene, claim)).refused == (claim,)
    assert await _ended(scene) == ["suppressed: bounce"]


async def test_I10_copy_of_a_digest_with_a_withdrawn_article_never_goes(scene: Any) -> None:
    """It names the variant that it copies; once that is stale the copy is put away."""
    claim = await candidate(scene)
    await _notice(scene, "again", claim.subscription_id, variant_id=claim.variant_id)
    copy = (await _read(scene))[0]
    assert (copy.kind, copy.variant_id, copy.edition_id) == ("notice", claim.variant_id, None)
    async with scene.store.write() as tx:
        await tx.execute(update(variants).values(stale=True))
    assert (await claimed(scene, copy)).refused == (copy,)
    assert await _ended(scene) == ["an article in it was withdrawn"]
    async with scene.store.write() as tx:
        await tx.execute(update(variants).values(stale=False))
    await _notice(scene, "again", await scene.reader("bo@example.org"), variant_id=claim.variant_id)
    copy = (await _read(scene))[0]
    assert (await claimed(scene, copy)).taken == (copy,)
