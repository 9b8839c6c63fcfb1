"""The contract of subscribers, subscriptions, consents and suppressions, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any

from publisher.model import Frequency, Reader, SubscriptionState
from publisher.store import audience, planning, readers
from publisher.store.engine import Store
from tests import ledger

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def _reader(store: Store, subscription: int) -> Reader:
    async with store.read() as tx:
        found = await audience.reader(tx, subscription)
    assert found is not None
    return found


async def _new_person(store: Store, email: str = "Ada@Example.org") -> tuple[int, bool]:
    async with store.write() as tx:
        person, new = await audience.add_subscriber(
            tx, email=email, email_key=email.lower(), name="Ada", language="en", timezone="Europe/Paris", now=NOW
        )
    return person.id, new


async def test_person_is_added_once(scene: Any) -> None:
    """The address in normal form tells people apart; the second word changes nothing."""
    first, new = await _new_person(scene.store)
    assert new
    assert await _new_person(scene.store, "ada@example.ORG") == (first, False)
    async with scene.store.write() as tx:
        await audience.change_subscriber(tx, first, name="Ada Ash", language="fr", timezone="UTC")
    subscription = await scene.reader("ada@example.org")
    person = (await _reader(scene.store, subscription)).subscriber
    assert (person.email, person.name, person.language, person.timezone) == ("Ada@Example.org", "Ada Ash", "fr", "UTC")


async def test_two_who_add_one_person_at_once_agree(scene: Any) -> None:
    """One of them is first; both get the same person."""
    found = await asyncio.gather(*(_new_person(scene.store) for _ in range(5)))
    assert {ident for ident, _ in found} == {found[0][0]}
    assert sorted(new for _, new in found) == [False] * 4 + [True]


async def test_subscription_begins_pending_and_is_made_once(scene: Any) -> None:
    """Choices survive the store; subscribing again leaves them."""
    person, _ = await _new_person(scene.store)
    async with scene.store.write() as tx:
        made, new = await audience.subscribe(
            tx, subscriber_id=person, newsletter="daily", frequency=Frequency.WEEKLY, weekday=4,
            local_time=time(18, 30), sections=("harbour", "city"),
        )
        again, newer = await audience.subscribe(
            tx, subscriber_id=person, newsletter="daily", frequency=Frequency.DAILY, weekday=0, local_time=time(7),
            sections=(),
        )
    assert (new, newer, again) == (True, False, made)
    assert (made.frequency, made.weekday, made.local_time) == (Frequency.WEEKLY, 4, time(18, 30))
    assert (made.sections, made.state) == (("harbour", "city"), SubscriptionState.PENDING)
    assert (made.from_seq, made.generation, made.next_due_at) == (0, 0, None)


async def test_confirmed_reader_starts_at_the_present(scene: Any) -> None:
    """What is live already is the welcome edition's; the second confirmation changes nothing."""
    await scene.live(3)
    subscription = await scene.reader("ada@example.org", confirmed=False)
    async with scene.store.write() as tx:
        assert await audience.confirm(tx, subscription, NOW, welcome=True)
        assert not await audience.confirm(tx, subscription, NOW + HOUR, welcome=True)
        assert not await audience.confirm(tx, 999, NOW, welcome=True)
    found = (await _reader(scene.store, subscription)).subscription
    assert (found.state, found.from_seq, found.welcome_after) == (SubscriptionState.ACTIVE, 3, 0)
    assert found.confirmed_at == NOW


async def test_reader_who_left_and_comes_back_starts_at_the_present(scene: Any) -> None:
    """The link that confirmed before is void; what went live meanwhile is no news (I3)."""
    await scene.live(2)
    subscription = await scene.reader("ada@example.org")
    before = (await _reader(scene.store, subscription)).subscription.generation
    async with scene.store.write() as tx:
        assert await audience.unsubscribe(tx, subscription, NOW)
        assert not await audience.unsubscribe(tx, subscription, NOW)
        assert not await audience.unsubscribe(tx, 999, NOW)
    await scene.live(3)
    async with scene.store.write() as tx:
        generation = await audience.new_generation(tx, subscription)
    assert generation > before + 1
    assert (await _reader(scene.store, subscription)).subscription.state == SubscriptionState.PENDING
    async with scene.store.write() as tx:
        await audience.confirm(tx, subscription, NOW, welcome=False)
    found = (await _reader(scene.store, subscription)).subscription
    assert (found.from_seq, found.welcome_after, found.generation) == (5, None, generation)


async def test_due_are_active_subscriptions_whose_time_has_come(scene: Any) -> None:
    """In the order of their due instants, page by page; those without an instant are found apart."""
    due, later, waiting, gone = [await scene.reader(f"r{n}@example.org") for n in range(4)]
    await scene.reader("pending@example.org", confirmed=False)
    async with scene.store.write() as tx:
        await ledger.set_due(tx, due, NOW, last_due_at=NOW - HOUR)
        await ledger.set_due(tx, later, NOW + HOUR)
        await ledger.set_due(tx, gone, NOW)
        await audience.unsubscribe(tx, gone, NOW)
    async with scene.store.read() as tx:
        page = await planning.due(tx, NOW, 10)
        (found,) = page.groups
        assert found.ids == [due]
        assert planning.read_alike(found.alike).last_due_at == NOW - HOUR
        assert [group.ids for group in (await planning.due(tx, NOW + HOUR, 1)).groups] == [[due]]
        assert [group.ids for group in (await planning.due(tx, NOW + HOUR, 9, page.last)).groups] == [[later]]
        assert [r.subscription.id for r in await audience.unscheduled(tx, 10)] == [waiting]
        rest = await planning.active(tx, "daily", 10, page.last)
        assert sorted(ident for group in rest.groups for ident in group.ids) == [later, waiting]
        assert await readers.next_due(tx) == {"daily": (NOW, 3)}
        assert await readers.count_by_state(tx) == {"active": 3, "pending": 1, "unsubscribed": 1}


async def test_schedule_holds_only_for_what_was_read(scene: Any) -> None:
    """A subscription that changed since it was read is left alone."""
    subscription = await scene.reader("ada@example.org")
    generation = (await _reader(scene.store, subscription)).subscription.generation
    async with scene.store.write() as tx:
        assert not await audience.schedule(tx, [(subscription, NOW, generation + 1)])
        assert await audience.schedule(tx, [(subscription, NOW, generation)]) == 1
        assert not await audience.schedule(tx, [(subscription, NOW + HOUR, generation)])
    found = (await _reader(scene.store, subscription)).subscription
    assert (found.next_due_at, found.last_due_at) == (NOW, None)


async def test_new_choices_are_scheduled_anew(scene: Any) -> None:
    """The due instant of the old choices is void."""
    subscription = await scene.reader("ada@example.org")
    async with scene.store.write() as tx:
        await ledger.set_due(tx, subscription, NOW)
        await audience.change_subscription(
            tx, subscription, frequency=Frequency.WEEKLY, weekday=6, local_time=time(9, 5), sections=["city"]
        )
    found = (await _reader(scene.store, subscription)).subscription
    assert (found.frequency, found.weekday, found.local_time) == (Frequency.WEEKLY, 6, time(9, 5))
    assert (found.sections, found.next_due_at) == (("city",), None)


async def test_readers_are_found_by_address_and_page(scene: Any) -> None:
    """All subscriptions of a person, by newsletter."""
    second = await scene.reader("ada@example.org", newsletter="weekly")
    first = await scene.reader("ada@example.org", newsletter="daily")
    third = await scene.reader("bo@example.org")
    async with scene.store.read() as tx:
        assert [r.subscription.id for r in await audience.readers_by_email(tx, "ada@example.org")] == [first, second]
        assert await audience.readers_by_email(tx, "nobody@example.org") == []
        assert await audience.reader(tx, 999) is None
        pages = [await audience.list_readers(tx, after, 2) for after in (0, first)]
    assert [[r.subscription.id for r in page] for page in pages] == [[second, first], [third]]


async def test_consents_are_kept_in_order(scene: Any) -> None:
    """Who agreed to what, when and where."""
    subscription = await scene.reader("ada@example.org")
    async with scene.store.write() as tx:
        for action in ("asked", "confirmed", "left"):
            await audience.add_consent(tx, subscription, action=action, now=NOW, origin="form", wording="Send it.")
        found = await audience.list_consents(tx, subscription)
    assert [consent["action"] for consent in found] == ["asked", "confirmed", "left"]
    assert found[0] == {"action": "asked", "at": NOW, "origin": "form", "wording": "Send it."}


async def test_suppression_tells_its_last_reason(scene: Any) -> None:
    """By address in normal form, known to us or not."""
    async with scene.store.write() as tx:
        assert await audience.suppressed(tx, "ada@example.org") is None
        await audience.suppress(tx, "ada@example.org", reason="bounce", note="550", now=NOW)
        await audience.suppress(tx, "ada@example.org", reason="complaint", note="", now=NOW)
        assert await audience.suppressed(tx, "ada@example.org") == "complaint"
