"""The contract of editions, variants and planning, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from publisher.model import ArticleStatus
from publisher.outgoing import DeliveryState, NewVariant
from publisher.store import articles, audience, editions
from tests import ledger

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = date(2026, 11, 22)


async def test_edition_is_made_once(scene: Any) -> None:
    """One for each newsletter, date, kind and cutoff."""
    async with scene.store.write() as tx:
        first = await editions.edition(tx, "daily", DAY, "scheduled", 7, NOW)
        assert await editions.edition(tx, "daily", DAY, "scheduled", 7, NOW) == first
        others = [
            await editions.edition(tx, "weekly", DAY, "scheduled", 7, NOW),
            await editions.edition(tx, "daily", DAY, "scheduled", 8, NOW),
            await editions.edition(tx, "daily", DAY, "welcome", 9, NOW),
            await editions.edition(tx, "daily", DAY + timedelta(days=1), "scheduled", 7, NOW),
        ]
        assert len({first, *others}) == 5
        assert await editions.edition_of(tx, others[2]) == ("daily", DAY, "welcome")
        assert await editions.last_cutoff(tx, "daily") == 8
        assert await editions.last_cutoff(tx, "monthly") is None


async def test_variant_is_rendered_once_for_its_key(scene: Any) -> None:
    """The articles keep their order; an equal key within the edition is the same variant."""
    found = await scene.live(3)
    ids = (found[2].id, found[0].id, found[1].id)
    async with scene.store.write() as tx:
        edition = await editions.edition(tx, "daily", DAY, "scheduled", 3, NOW)
        first = await editions.variant(tx, edition, NewVariant("k", "en", "Subject", "<p>", "Text", ids))
        assert await editions.variant(tx, edition, NewVariant("k", "en", "Other", "", "", ids)) == first
        assert await editions.variant(tx, edition, NewVariant("l", "en", "Other", "", "", ())) != first
        variant = await editions.get_variant(tx, first)
        assert await editions.variant_key(tx, first) == "k"
        assert await editions.get_variant(tx, 999) is None
    assert variant is not None
    assert (variant.subject, variant.html, variant.text, variant.revision) == ("Subject", "<p>", "Text", 1)
    assert variant.article_ids == ids


async def test_planned_delivery_waits_in_the_ledger(scene: Any) -> None:
    """With its window, its slot and its Message-ID; the subscription's due instant moves on."""
    subscription = await scene.reader("ada@example.org")
    assert await scene.plan(subscription, to_seq=5) == 1
    delivery = (await scene.ledger())["ada@example.org D:2026-11-22"]
    assert (delivery.from_seq, delivery.to_seq, delivery.state) == (0, 5, DeliveryState.QUEUED)
    assert (delivery.attempts, delivery.next_attempt_at, delivery.created_at) == (0, NOW, NOW)
    assert delivery.message_id == f"<D:2026-11-22.{subscription}@example.org>"
    async with scene.store.read() as tx:
        reader = await audience.reader(tx, subscription)
        assert await editions.taken(tx, [(subscription, "D:2026-11-22"), (subscription, "D:2026-11-23")]) == {
            (subscription, "D:2026-11-22")
        }
    assert reader is not None
    assert (reader.subscription.next_due_at, reader.subscription.last_due_at) == (NOW + timedelta(days=1), NOW)


async def test_I4_slot_is_filled_once(scene: Any) -> None:
    """A second plan for the slot writes nothing, whatever became of the first."""
    subscription = await scene.reader("ada@example.org")
    assert await scene.plan(subscription) == 1
    (claim,) = await scene.claim()
    await scene.settle(claim, DeliveryState.ACCEPTED)
    assert await scene.plan(subscription, to_seq=2) == 0
    assert await scene.plan(subscription, to_seq=2, period="D:2026-11-23") == 1


@pytest.mark.parametrize(
    "state", [None, DeliveryState.CLAIMED, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT, DeliveryState.HELD]
)
async def test_I3_subscription_has_one_open_delivery(scene: Any, state: DeliveryState | None) -> None:
    """While one is open, whatever its state, no other is planned."""
    subscription = await scene.reader("ada@example.org")
    await scene.plan(subscription)
    if state is not None:
        (claim,) = await scene.claim()
        if state != DeliveryState.CLAIMED:
            await scene.settle(claim, state, NOW)
    assert await scene.plan(subscription, to_seq=2, period="D:2026-11-23") == 0
    async with scene.store.read() as tx:
        found = await editions.open_deliveries(tx, [subscription, 999])
    assert [open_.state for open_ in found.values()] == [state or DeliveryState.QUEUED]


@pytest.mark.parametrize("change", ["from_seq", "generation", "left", "pending", "unknown"])
async def test_I3_plan_writes_nothing_where_the_reader_has_moved(scene: Any, change: str) -> None:
    """What the plan was made from must still hold when it is written."""
    subscription = await scene.reader("ada@example.org", confirmed=change != "pending")
    values = {"from_seq": {"expect_from_seq": 1}, "generation": {"expect_generation": 0}}.get(change, {})
    item = await scene.delivery(subscription, 5, "D:2026-11-22", **values)
    if change == "unknown":
        item = await scene.delivery(subscription, 5, "D:2026-11-22", subscription_id=999)
    async with scene.store.write() as tx:
        if change == "left":
            await audience.unsubscribe(tx, subscription, NOW)
        edition = await editions.edition(tx, "daily", DAY, "scheduled", 5, NOW)
        variant = await editions.variant(tx, edition, NewVariant("k", "en", "s", "h", "t", ()))
        assert await editions.plan(tx, edition, variant, [item], NOW) == 0
    assert await scene.states() == []


async def test_welcome_leaves_the_schedule_alone(scene: Any) -> None:
    """A delivery without a next due instant moves none (I4)."""
    subscription = await scene.reader("ada@example.org")
    async with scene.store.write() as tx:
        await ledger.set_due(tx, subscription, NOW, last_due_at=NOW)
    item = await scene.delivery(subscription, 5, "welcome:1", next_due_at=None, due_at=None)
    async with scene.store.write() as tx:
        edition = await editions.edition(tx, "daily", DAY, "welcome", 5, NOW)
        variant = await editions.variant(tx, edition, NewVariant("k", "en", "s", "h", "t", ()))
        assert await editions.plan(tx, edition, variant, [item], NOW) == 1
        reader = await audience.reader(tx, subscription)
    assert reader is not None
    assert (reader.subscription.next_due_at, reader.subscription.last_due_at) == (NOW, NOW)


@pytest.mark.parametrize(
    ("state", "expires", "cancels"),
    [
        (None, True, True), (DeliveryState.DEFERRED, True, True), (DeliveryState.HELD, True, True),
        (DeliveryState.CLAIMED, False, False), (DeliveryState.IN_DOUBT, False, True),
        (DeliveryState.ACCEPTED, False, False), (DeliveryState.BOUNCED, False, False),
    ],
)
async def test_only_what_is_not_on_the_wire_is_ended(
    scene: Any, state: DeliveryState | None, expires: bool, cancels: bool
) -> None:
    """The next slot takes the place of what waits; what is in doubt it waits for, but it may be cancelled."""
    for number, (end, expected) in enumerate((("expire", expires), ("cancel", cancels))):
        subscription = await scene.reader(f"r{number}@example.org")
        await scene.plan(subscription)
        if state is not None:
            (claim,) = await scene.claim()
            if state != DeliveryState.CLAIMED:
                await scene.settle(claim, state, NOW + timedelta(days=9))
        delivery = (await scene.ledger())[f"r{number}@example.org D:2026-11-22"]
        async with scene.store.write() as tx:
            if end == "expire":
                assert bool(await editions.expire(tx, [delivery.id], NOW)) is expected
            else:
                assert await editions.cancel(tx, delivery.id, NOW, "nothing was left") is expected
        if not expected and state in (None, DeliveryState.DEFERRED):
            pytest.fail("it is ended")
        ended = DeliveryState.EXPIRED if end == "expire" else DeliveryState.CANCELLED
        assert (await scene.states())[number] == (ended if expected else state)
        assert await scene.claim() == []
        closed = state == DeliveryState.ACCEPTED or (end == "cancel" and state == DeliveryState.IN_DOUBT)
        assert await scene.from_seq(subscription) == (1 if closed else 0)


@pytest.mark.parametrize("state", [None, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT])
async def test_I10_unsent_deliveries_of_a_stale_variant_get_the_new_revision(
    scene: Any, state: DeliveryState | None
) -> None:
    """Those in doubt too, or their readers would wait for ever."""
    first, second = await scene.live(2)
    subscription = await scene.reader("ada@example.org")
    await scene.plan(subscription, article_ids=[first.id, second.id], to_seq=3)
    if state is not None:
        (claim,) = await scene.claim()
        await scene.settle(claim, state, NOW)
    async with scene.store.write() as tx:
        assert await editions.stale_variants(tx) == []
        await articles.set_status(tx, first.id, ArticleStatus.WITHDRAWN, NOW)
    assert await scene.claim() == []
    async with scene.store.write() as tx:
        (stale,) = await editions.stale_variants(tx)
        assert len(await editions.unsent_of(tx, stale.id, 10)) == 1
        new = await editions.variant(tx, stale.edition_id, NewVariant("new", "en", "s", "h", "t", (second.id,)))
        assert await editions.move_unsent(tx, stale.id, new, 10) == 1
        assert await editions.stale_variants(tx) == []
    (claim,) = await scene.claim()
    assert (claim.variant_id, claim.in_doubt) == (new, state == DeliveryState.IN_DOUBT)
