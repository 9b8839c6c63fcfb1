"""What the plan step asks of the store: first due instants, slots passed over, periods taken, cutoffs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from publisher.model import Subscription
from publisher.outgoing import DeliveryState, NewVariant
from publisher.store import audience, editions

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


async def subscription(scene: Any, ident: int) -> Subscription:
    async with scene.store.read() as tx:
        reader = await audience.reader(tx, ident)
    assert reader is not None
    return reader.subscription


async def test_new_subscriptions_are_read_in_pages(scene: Any) -> None:
    """Active ones without a due instant, in the order of their ids."""
    first, second, third = [await scene.reader(f"r{n}@example.org") for n in range(3)]
    await scene.reader("pending@example.org", confirmed=False)
    async with scene.store.read() as tx:
        page = await audience.unscheduled(tx, 2)
        rest = await audience.unscheduled(tx, 2, second)
    assert [reader.subscription.id for reader in page + rest] == [first, second, third]


async def test_a_first_due_instant_is_given_once(scene: Any) -> None:
    """Not to a subscription that has one, nor to one that was confirmed anew since it was read."""
    ident = await scene.reader("r@example.org")
    generation = (await subscription(scene, ident)).generation
    async with scene.store.write() as tx:
        assert not await audience.schedule(tx, [(ident, NOW, generation - 1)])
        assert await audience.schedule(tx, [(ident, NOW, generation)]) == 1
        assert not await audience.schedule(tx, [(ident, LATER, generation)])
    found = await subscription(scene, ident)
    assert (found.next_due_at, found.welcome_after) == (NOW, None)


async def test_a_slot_without_an_edition_moves_the_due_instant_on(scene: Any) -> None:
    """Unless the reader made new choices meanwhile."""
    moved, changed = [await scene.reader(f"r{n}@example.org") for n in range(2)]
    async with scene.store.write() as tx:
        await audience.set_due(tx, moved, NOW)
        await audience.set_due(tx, changed, NOW + timedelta(hours=1))
        await audience.move_due(tx, [(moved, NOW, LATER, NOW), (changed, NOW, LATER, NOW)])
        await audience.move_due(tx, [])
    found = [await subscription(scene, ident) for ident in (moved, changed)]
    assert [(s.next_due_at, s.last_due_at) for s in found] == [(LATER, NOW), (NOW + timedelta(hours=1), None)]


async def test_a_period_is_taken_whatever_became_of_its_delivery(scene: Any) -> None:
    """For its own subscription only."""
    one, two = [await scene.reader(f"r{n}@example.org") for n in range(2)]
    await scene.plan(one, period="D:2026-11-22")
    (claim,) = await scene.claim()
    await scene.settle(claim, DeliveryState.BOUNCED)
    asked = [(one, "D:2026-11-22"), (one, "D:2026-11-23"), (two, "D:2026-11-22")]
    async with scene.store.read() as tx:
        assert await editions.taken(tx, asked) == {(one, "D:2026-11-22")}
        assert await editions.taken(tx, []) == set()


async def test_an_open_delivery_tells_its_period(scene: Any) -> None:
    """So that a welcome can be told from a slot's edition."""
    ident = await scene.reader("r@example.org")
    await scene.plan(ident, period="welcome:1")
    async with scene.store.read() as tx:
        found = await editions.open_deliveries(tx, [ident])
    assert (found[ident].period, found[ident].state) == ("welcome:1", DeliveryState.QUEUED)


async def test_the_last_cutoff_is_that_of_the_newsletters_own_editions(scene: Any) -> None:
    """Welcome editions, which look back, do not count."""
    async with scene.store.write() as tx:
        assert await editions.last_cutoff(tx, "daily") is None
        for kind, cutoff in (("scheduled", 5), ("manual", 7), ("welcome", 9)):
            await editions.edition(tx, "daily", NOW.date(), kind, cutoff, NOW)
        await editions.edition(tx, "other", NOW.date(), "scheduled", 11, NOW)
        assert await editions.last_cutoff(tx, "daily") == 7


async def test_I4_two_who_make_one_variant_at_once_agree(scene: Any) -> None:
    """Of an edition that stood before: the second waits for the first, and takes what it made."""
    new = NewVariant("key", "en", "Subject", "<p>Html</p>", "Text", ())
    async with scene.store.write() as tx:
        edition = await editions.edition(tx, "daily", NOW.date(), "scheduled", 1, NOW)

    async def make() -> int:
        async with scene.store.write() as tx:
            ident = await editions.variant(tx, edition, new)
            await asyncio.sleep(0.1)
        return ident

    assert len(set(await asyncio.gather(make(), make(), make()))) == 1
