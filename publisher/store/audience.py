"""Subscribers, their subscriptions and consents, and the suppression list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, delete, insert, select, update

from publisher.model import LEFT, Frequency, Reader, Subscriber, Subscription, SubscriptionState
from publisher.outgoing import DeliveryState
from publisher.store import articles
from publisher.store.bulk import among_texts
from publisher.store.engine import Tx, fingerprints_of
from publisher.store.mail_schema import consents, deliveries, subscribers, subscriptions, suppressions
from publisher.store.upsert import insert_new, upsert

_PEOPLE = [subscribers.c[name].label(f"person_{name}") for name in Subscriber.__slots__]
#: Ids in one IN list.
_CHUNK = 500
_READERS = select(subscriptions, *_PEOPLE).join(subscribers, subscriptions.c.subscriber_id == subscribers.c.id)


async def add_subscriber(
    tx: Tx, *, email: str, email_key: str, name: str, language: str, timezone: str, now: datetime
) -> tuple[Subscriber, bool]:
    """The person with this address, and whether they are new. `email_key` is the address in normal form."""
    values = {"email": email, "email_key": email_key, "name": name, "language": language, "timezone": timezone}
    while True:
        added = await insert_new(tx, subscribers, values | {"created_at": now})
        row = (await tx.execute(select(subscribers).where(subscribers.c.email_key == email_key))).first()
        if row is not None:  # else they were erased at this moment
            return _subscriber({name: getattr(row, name) for name in Subscriber.__slots__}), added


async def change_subscriber(tx: Tx, subscriber_id: int, *, name: str, language: str, timezone: str) -> None:
    """What the person told anew about themselves; the address stays."""
    values = {"name": name, "language": language, "timezone": timezone}
    await tx.execute(update(subscribers).where(subscribers.c.id == subscriber_id).values(**values))


async def subscribe(
    tx: Tx, *, subscriber_id: int, newsletter: str, frequency: Frequency, weekday: int, local_time: time,
    sections: Sequence[str],
) -> tuple[Subscription, bool]:
    """The person's subscription to this newsletter, and whether it is new; a new one is PENDING."""
    added = await insert_new(
        tx, subscriptions,
        {
            "subscriber_id": subscriber_id, "newsletter": newsletter, "frequency": frequency, "weekday": weekday,
            "local_time": local_time.strftime("%H:%M"), "sections": list(sections),
            "state": SubscriptionState.PENDING, "from_seq": 0, "generation": 0,
        },
    )
    mine = and_(subscriptions.c.subscriber_id == subscriber_id, subscriptions.c.newsletter == newsletter)
    row = (await tx.execute(select(subscriptions).where(mine))).one()
    return _subscription(row), added


async def change_subscription(
    tx: Tx, subscription_id: int, *, frequency: Frequency, weekday: int, local_time: time, sections: Sequence[str]
) -> None:
    """New choices; the plan step computes the next due instant anew, of one that is paused at the pause's end."""
    await _set(
        tx, subscription_id, frequency=frequency, weekday=weekday, local_time=local_time.strftime("%H:%M"),
        sections=list(sections), next_due_at=subscriptions.c.paused_until,
    )


async def new_generation(tx: Tx, subscription_id: int) -> int:
    """A confirmation is asked for: links of earlier ones are void. Returns the generation of the new one.

    The subscription must not be active; it is PENDING from here on, also where the reader had left before.
    """
    changed = (
        update(subscriptions).where(subscriptions.c.id == subscription_id)
        .values(generation=subscriptions.c.generation + 1, state=SubscriptionState.PENDING)
        .returning(subscriptions.c.generation)
    )
    return int((await tx.execute(changed)).scalar_one())


async def confirm(tx: Tx, subscription_id: int, now: datetime, *, welcome: bool) -> bool:
    """Makes the subscription active from the present on; False where it already was.

    A welcome edition is owed where asked for, of articles that this subscription has not covered before.
    """
    found = await lock(tx, subscription_id)
    if found is None or found.state == SubscriptionState.ACTIVE:
        return False
    present = await articles.max_seq(tx)
    await _set(
        tx, subscription_id, state=SubscriptionState.ACTIVE, confirmed_at=now, from_seq=present, next_due_at=None,
        paused_until=None, welcome_after=found.from_seq if welcome else None,
    )
    return True


async def unsubscribe(tx: Tx, subscription_id: int, now: datetime) -> bool:
    """Ends the subscription, and its deliveries that no connection has claimed (I10); False where it had ended.

    What is ended also are links to confirm it: a scanner that meets an old one must not bring the reader back.
    """
    return await unsubscribe_all(tx, [subscription_id], now) == 1


async def unsubscribe_all(tx: Tx, subscription_ids: Iterable[int], now: datetime) -> int:
    """The same for several; how many had not ended."""
    found = await lock_all(tx, subscription_ids)
    ending = [ident for ident, one in found.items() if one.state != SubscriptionState.UNSUBSCRIBED]
    for start in range(0, len(ending), _CHUNK):
        ids = ending[start : start + _CHUNK]
        ended = {
            "state": SubscriptionState.UNSUBSCRIBED, "next_due_at": None, "welcome_after": None, "paused_until": None,
            "generation": subscriptions.c.generation + 1,
        }
        await tx.execute(update(subscriptions).where(subscriptions.c.id.in_(ids)).values(**ended))
        await _cancel_unsent(tx, ids, now, "the reader left")
    return len(ending)


async def cancel_unsent(tx: Tx, subscription_id: int, now: datetime, reason: str) -> None:
    """Ends the deliveries of a locked subscription that no connection has claimed, and that are not in doubt."""
    await _cancel_unsent(tx, [subscription_id], now, reason)


async def _cancel_unsent(tx: Tx, subscription_ids: Sequence[int], now: datetime, reason: str) -> None:
    unsent = (DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.HELD)
    await tx.execute(
        update(deliveries)
        .where(deliveries.c.subscription_id.in_(subscription_ids), deliveries.c.state.in_(unsent))
        .values(state=DeliveryState.CANCELLED, finished_at=now, next_attempt_at=None, reply_text=reason)
    )


async def lock(tx: Tx, subscription_id: int) -> Subscription | None:
    """The subscription, kept from every other writer until the commit."""
    query = select(subscriptions).where(subscriptions.c.id == subscription_id).with_for_update()
    row = (await tx.execute(query)).first()
    return None if row is None else _subscription(row)


async def lock_all(tx: Tx, subscription_ids: Iterable[int]) -> dict[int, Subscription]:
    """The same for several, by id, locked in the order of their ids: so two who lock several never block each other."""
    wanted = sorted(set(subscription_ids))
    found: dict[int, Subscription] = {}
    for start in range(0, len(wanted), _CHUNK):
        chosen = subscriptions.c.id.in_(wanted[start : start + _CHUNK])
        rows = await tx.execute(select(subscriptions).where(chosen).order_by(subscriptions.c.id).with_for_update())
        found |= {row.id: _subscription(row) for row in rows}
    return found


async def add_consent(
    tx: Tx, subscription_id: int, *, action: str, now: datetime, origin: str, wording: str
) -> None:
    """Records who agreed to what: `action` is "asked", "confirmed", "operator" or "left"."""
    await tx.execute(
        insert(consents).values(
            subscription_id=subscription_id, action=action, at=now, origin=origin, wording=wording
        )
    )


async def list_consents(tx: Tx, subscription_id: int) -> list[dict[str, Any]]:
    """The consents of a subscription, oldest first: action, at, origin, wording."""
    query = select(consents).where(consents.c.subscription_id == subscription_id).order_by(consents.c.id)
    names = ("action", "at", "origin", "wording")
    return [{name: getattr(row, name) for name in names} for row in await tx.execute(query)]


async def reader(tx: Tx, subscription_id: int) -> Reader | None:
    """The subscription with its person."""
    found = await _readers(tx, _READERS.where(subscriptions.c.id == subscription_id))
    return found[0] if found else None


async def readers_by_email(tx: Tx, email_key: str) -> list[Reader]:
    """All subscriptions of the person with this address in normal form."""
    query = _READERS.where(subscribers.c.email_key == email_key).order_by(subscriptions.c.newsletter)
    return await _readers(tx, query)


async def list_readers(
    tx: Tx, after_id: int = 0, limit: int | None = 1000, *conditions: ColumnElement[bool]
) -> list[Reader]:
    """Subscriptions in the order of their ids, those after `after_id` to which all conditions apply; None: all.

    None of people who were erased.
    """
    known = and_(subscriptions.c.id > after_id, subscribers.c.email != "", *conditions)
    return await _readers(tx, _READERS.where(known).order_by(subscriptions.c.id).limit(limit))


async def unscheduled(tx: Tx, limit: int, after_id: int = 0) -> list[Reader]:
    """Active subscriptions that have no due instant yet, in the order of their ids, those after `after_id`."""
    waiting = and_(
        subscriptions.c.state == SubscriptionState.ACTIVE, subscriptions.c.next_due_at.is_(None),
        subscriptions.c.paused_until.is_(None),
    )
    query = _READERS.where(waiting, subscriptions.c.id > after_id).order_by(subscriptions.c.id).limit(limit)
    return await _readers(tx, query)


async def schedule(tx: Tx, wanted: Sequence[tuple[int, datetime, int]]) -> int:
    """First due instants, where none was given yet; no welcome edition is owed from here on. How many held.

    `wanted`: (subscription, due instant, its generation as it was read): one that was confirmed anew is left alone.
    """
    found = await lock_all(tx, (ident for ident, _, _ in wanted))
    held = [
        {"of": ident, "then": at} for ident, at, generation in wanted
        if ident in found and found[ident].state == SubscriptionState.ACTIVE
        and found[ident].next_due_at is None and found[ident].generation == generation
    ]
    changed = update(subscriptions).where(subscriptions.c.id == bindparam("of"))
    if held:
        await tx.execute(changed.values(next_due_at=bindparam("then"), welcome_after=None), held)
    return len(held)


async def suppress(tx: Tx, email_key: str, *, reason: str, note: str, now: datetime) -> None:
    """Nothing is sent to this address any more; `reason` as "bounce", "complaint" or "operator"."""
    person = select(subscribers.c.id).where(subscribers.c.email_key == email_key).scalar_subquery()
    # The same rows that a claim locks: one of the two comes first, on every database.
    held = select(subscriptions.c.id).where(subscriptions.c.subscriber_id == person).order_by(subscriptions.c.id)
    await tx.execute(held.with_for_update())
    values = {"email_key": email_key, "reason": reason, "note": note, "at": now}
    await upsert(tx, suppressions, ("email_key",), values)


async def suppressed(tx: Tx, email_key: str) -> str | None:
    """Why the address is suppressed, plainly or by the mark of an erased one; None where it is not.

    Of several reasons the one that no confirmation lifts.
    """
    return (await suppressed_among(tx, (email_key,))).get(email_key)


async def suppressed_among(tx: Tx, email_keys: Collection[str]) -> dict[str, str]:
    """Of these addresses those that are suppressed, and why, as `suppressed` tells it."""
    names = {name: key for key in email_keys for name in (key, *fingerprints_of(tx, key))}
    query = select(suppressions.c.email_key, suppressions.c.reason)
    found: dict[str, str] = {}
    for row in await tx.execute(query.where(among_texts(tx, suppressions.c.email_key, names))):
        told = [row.reason, *filter(None, (found.get(names[row.email_key]),))]
        found[names[row.email_key]] = min(told, key=lambda reason: (reason in LEFT, reason))
    return found


async def lift(tx: Tx, email_key: str) -> None:
    """What kept the address away ends, but for what its owner's fresh double opt-in cannot lift: they came back."""
    await tx.execute(delete(suppressions).where(_named(tx, email_key), suppressions.c.reason.in_(LEFT)))


def _named(tx: Tx, email_key: str) -> ColumnElement[bool]:
    return suppressions.c.email_key.in_((email_key, *fingerprints_of(tx, email_key)))


async def _set(tx: Tx, subscription_id: int, **values: Any) -> None:
    await tx.execute(update(subscriptions).where(subscriptions.c.id == subscription_id).values(**values))


async def _readers(tx: Tx, query: Select[Any]) -> list[Reader]:
    return [Reader(_subscription(row), _person(row)) for row in await tx.execute(query)]


def _person(row: Row[Any]) -> Subscriber:
    return _subscriber({name: getattr(row, f"person_{name}") for name in Subscriber.__slots__})


def _subscriber(values: dict[str, Any]) -> Subscriber:
    return Subscriber(**values | {"tags": tuple(values["tags"])})


def _subscription(row: Row[Any]) -> Subscription:
    values = {name: getattr(row, name) for name in Subscription.__slots__}
    hour, minute = row.local_time.split(":")
    return Subscription(
        **values | {
            "frequency": Frequency(row.frequency),
            "local_time": time(int(hour), int(minute)),
            "sections": tuple(row.sections),
            "state": SubscriptionState(row.state),
        }
    )
