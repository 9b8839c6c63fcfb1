"""The contract of pauses and of what holds for a whole person, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from publisher.model import Frequency, Reader, SubscriptionState
from publisher.outgoing import DeliveryState, NewVariant
from publisher.store import audience, editions, preferences
from publisher.store.engine import Store
from tests import ledger

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


async def _reader(store: Store, subscription: int) -> Reader:
    async with store.read() as tx:
        found = await audience.reader(tx, subscription)
    assert found is not None
    return found


async def _pause(scene: Any, subscription: int, until: datetime = NOW + DAY) -> bool:
    async with scene.store.write() as tx:
        return bool(await preferences.pause(tx, subscription, until, NOW))


async def _resume(scene: Any, subscription: int, now: datetime = NOW) -> bool:
    async with scene.store.write() as tx:
        return bool(await preferences.resume(tx, subscription, now))


async def test_I3_a_pause_ends_what_waits_and_moves_the_window_to_the_present(scene: Any) -> None:
    """What is queued is cancelled; the subscription stays active and is looked at when the pause ends."""
    subscription = await scene.reader("ada@example.org")
    await scene.live(2)
    await scene.plan(subscription, to_seq=2)
    assert await _pause(scene, subscription)
    found = (await _reader(scene.store, subscription)).subscription
    assert (found.state, found.paused_until, found.next_due_at) == (SubscriptionState.ACTIVE, NOW + DAY, NOW + DAY)
    assert found.from_seq == 2
    assert await scene.states() == [DeliveryState.CANCELLED]
    assert await scene.claim() == []


async def test_I3_what_goes_live_in_a_pause_is_passed_over(scene: Any) -> None:
    """Ended early, the window opens at that moment, and the plan step gives a new due instant."""
    subscription = await scene.reader("ada@example.org")
    await _pause(scene, subscription)
    await scene.live(3)
    assert not await _resume(scene, subscription, NOW + DAY)  # over: its window opens at its own end
    assert await _resume(scene, subscription)
    found = (await _reader(scene.store, subscription)).subscription
    assert (found.paused_until, found.next_due_at, found.from_seq) == (None, None, 3)
    assert not await _resume(scene, subscription)


async def test_what_is_on_the_wire_is_left_alone_by_a_pause(scene: Any) -> None:
    """It is claimed: its outcome comes, and moves no window back."""
    subscription = await scene.reader("ada@example.org")
    await scene.live(1)
    await scene.plan(subscription, to_seq=1)
    (claim,) = await scene.claim()
    await scene.live(1)
    await _pause(scene, subscription)
    await scene.settle(claim, DeliveryState.ACCEPTED)
    assert await scene.states() == [DeliveryState.ACCEPTED]
    assert await scene.from_seq(subscription) == 2


@pytest.mark.parametrize("end", [DeliveryState.DEFERRED, DeliveryState.IN_DOUBT, None])
async def test_what_comes_back_from_the_wire_in_a_pause_is_ended(scene: Any, end: DeliveryState | None) -> None:
    """Put off, or given back without a byte sent: nothing comes in a pause, but what is in doubt is repeated."""
    subscription = await scene.reader("ada@example.org")
    await scene.live(1)
    await scene.plan(subscription, to_seq=1)
    (claim,) = await scene.claim()
    await _pause(scene, subscription)
    if end is None:
        await ledger.settle(scene.store, NOW, unsent=[claim])
    else:
        await scene.settle(claim, end, NOW)
    claims = await scene.claim()
    if end == DeliveryState.IN_DOUBT:
        assert [again.id for again in claims] == [claim.id]
        return
    assert claims == []
    (found,) = (await scene.ledger()).values()
    assert (found.state, found.reply.text) == (DeliveryState.CANCELLED, "the reader paused")


async def test_no_edition_is_planned_for_a_reader_who_paused_meanwhile(scene: Any) -> None:
    """A welcome, say, that was decided on before: a pause need not move the window."""
    subscription = await scene.reader("ada@example.org")
    item = await scene.delivery(subscription, 5, "welcome:1", next_due_at=None, due_at=None)
    await _pause(scene, subscription)
    async with scene.store.write() as tx:
        edition = await editions.edition(tx, "daily", NOW.date(), "welcome", 5, NOW)
        variant = await editions.variant(tx, edition, NewVariant("k", "en", "s", "h", "t", ()))
        assert await editions.plan(tx, edition, variant, [item], NOW) == 0
    assert await scene.states() == []


async def test_only_an_active_subscription_is_paused(scene: Any) -> None:
    """Neither one that was never confirmed nor one that ended; pausing again moves the end."""
    pending = await scene.reader("bo@example.org", confirmed=False)
    assert not await _pause(scene, pending)
    assert not await _pause(scene, 999)
    assert not await _resume(scene, pending)
    subscription = await scene.reader("ada@example.org")
    assert await _pause(scene, subscription)
    assert await _pause(scene, subscription, NOW + 2 * DAY)
    assert (await _reader(scene.store, subscription)).subscription.next_due_at == NOW + 2 * DAY


async def test_leaving_ends_a_pause_and_coming_back_begins_without_one(scene: Any) -> None:
    """No pause outlives its subscription."""
    subscription = await scene.reader("ada@example.org")
    await _pause(scene, subscription)
    async with scene.store.write() as tx:
        await audience.unsubscribe(tx, subscription, NOW)
    assert (await _reader(scene.store, subscription)).subscription.paused_until is None
    async with scene.store.write() as tx:
        await audience.new_generation(tx, subscription)
        await audience.confirm(tx, subscription, NOW, welcome=False)
    found = (await _reader(scene.store, subscription)).subscription
    assert (found.paused_until, found.next_due_at) == (None, None)


async def test_new_choices_do_not_end_a_pause(scene: Any) -> None:
    """Of a paused subscription the due instant stays the pause's end, whatever is chosen meanwhile."""
    subscription = await scene.reader("ada@example.org")
    await _pause(scene, subscription)
    async with scene.store.write() as tx:
        await audience.change_subscription(
            tx, subscription, frequency=Frequency.WEEKLY, weekday=2, local_time=time(9), sections=()
        )
        person = (await _reader(scene.store, subscription)).subscriber.id
        await preferences.change_person(tx, person, timezone="Asia/Tokyo", language="", plain_text=True)
    found = await _reader(scene.store, subscription)
    assert found.subscription.next_due_at == found.subscription.paused_until == NOW + DAY
    assert (found.subscriber.timezone, found.subscriber.plain_text) == ("Asia/Tokyo", True)


async def test_another_zone_is_scheduled_anew_for_all_subscriptions(scene: Any) -> None:
    """The same zone again leaves due instants alone."""
    first = await scene.reader("ada@example.org")
    second = await scene.reader("ada@example.org", newsletter="weekly")
    person = (await _reader(scene.store, first)).subscriber.id
    for zone, expected in (("UTC", NOW), ("Asia/Tokyo", None)):
        async with scene.store.write() as tx:
            for subscription in (first, second):
                await ledger.set_due(tx, subscription, NOW)
            await preferences.change_person(tx, person, timezone=zone, language="de", plain_text=False)
        found = [(await _reader(scene.store, it)).subscription.next_due_at for it in (first, second)]
        assert found == [expected, expected]
