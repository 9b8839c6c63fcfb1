"""Reports and what is held against addresses: what the way back reads and writes.

    known, subjects_of_messages, subjects_of_subscriptions, tallies, got_through | ... decided elsewhere ... | add, keep
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, Table, and_, delete, exists, func, literal, null, select, update

from publisher.address import parse
from publisher.errors import PublisherError
from publisher.incoming import Subject, Tally
from publisher.model import SubscriptionState
from publisher.outgoing import DeliveryState
from publisher.store import articles, audience
from publisher.store.engine import Tx
from publisher.store.inbound_schema import bounce_tallies, bounces
from publisher.store.mail_schema import attempts, consents, deliveries, notices, subscribers, subscriptions
from publisher.store.upsert import add_new, upsert_all

#: Reports that prove nothing are kept as long as they are among so many.
UNPROVEN = 10_000
_TALLY = tuple(Tally.__slots__)


async def known(tx: Tx, digests: Sequence[str]) -> set[str]:
    """Those of the reports that are recorded already."""
    query = select(bounces.c.digest).where(bounces.c.digest.in_(digests))
    return set((await tx.execute(query)).scalars())


async def subjects_of_messages(tx: Tx, kind: str, ids: Iterable[int]) -> dict[int, Subject]:
    """Whom messages went to, by their ids; `kind`: "delivery" or "notice"."""
    table, query = _MESSAGES[kind]
    wanted = sorted(set(ids))
    rows = await tx.execute(query.where(table.c.id.in_(wanted))) if wanted else ()
    return {row.row_id: _subject(row) for row in rows}


async def subjects_of_message_ids(tx: Tx, message_ids: Iterable[str]) -> dict[str, Subject]:
    """The same by Message-ID, without its brackets."""
    named = sorted({form for ident in message_ids for form in (ident, f"<{ident}>")})
    found: dict[str, Subject] = {}
    for table, query in _MESSAGES.values() if named else ():
        for row in await tx.execute(query.where(table.c.message_id.in_(named))):
            found[row.message_id.strip("<>")] = _subject(row)
    return found


async def subjects_of_subscriptions(tx: Tx, ids: Iterable[int]) -> dict[int, Subject]:
    """Whom subscriptions belong to, by their ids."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = await tx.execute(_SUBSCRIPTIONS.where(subscriptions.c.id.in_(wanted)))
    return {row.subscription_id: _subject(row) for row in rows}


async def lock(tx: Tx, subscriber_ids: Iterable[int]) -> None:
    """Keeps these people's subscriptions from every other writer, in the order of their ids, as claims lock them (I10).

    SQLite has one writer, who holds that lock already.
    """
    people = sorted(set(subscriber_ids))
    if people and tx.dialect.name != "sqlite":
        theirs = subscriptions.c.subscriber_id.in_(people)
        await tx.execute(select(subscriptions.c.id).where(theirs).order_by(subscriptions.c.id).with_for_update())


async def refused(tx: Tx, since: datetime, limit: int) -> list[Row[Any]]:
    """Attempts that ended with a refusal, for good or for too long, since then, and are not judged yet.

    The oldest first: id, kind, ref_id, state, started_at, finished_at, reply_code, reply_enhanced, reply_text.
    """
    judged = exists().where(bounces.c.digest == literal("attempt ") + func.cast(attempts.c.id, bounces.c.digest.type))
    query = select(attempts).where(
        attempts.c.state.in_((DeliveryState.BOUNCED, DeliveryState.EXPIRED)), attempts.c.finished_at >= since, ~judged
    )
    return list(await tx.execute(query.order_by(attempts.c.finished_at, attempts.c.id).limit(limit)))


async def moved(tx: Tx, subscriber_ids: Collection[int]) -> dict[int, tuple[str, datetime]]:
    """The address in normal form of those of these people who have another than they had, and since when."""
    if not subscriber_ids:
        return {}
    query = (
        select(subscribers.c.id, subscribers.c.email_key, func.max(consents.c.at).label("since"))
        .join(subscriptions, subscriptions.c.subscriber_id == subscribers.c.id)
        .join(consents, consents.c.subscription_id == subscriptions.c.id)
        .where(subscribers.c.id.in_(subscriber_ids), consents.c.action == "moved")
        .group_by(subscribers.c.id, subscribers.c.email_key)
    )
    return {row.id: (row.email_key, row.since) for row in await tx.execute(query)}


async def last_judged(tx: Tx) -> datetime | None:
    """When the last refusal was given, of those that receiving servers gave at their doors and that are judged."""
    at: datetime | None = (await tx.execute(select(func.max(bounces.c.at)).where(bounces.c.way == "smtp"))).scalar_one()
    return at


async def tallies(tx: Tx, email_keys: Sequence[str]) -> dict[str, Tally]:
    """What is held against these addresses."""
    rows = await tx.execute(select(bounce_tallies).where(bounce_tallies.c.email_key.in_(email_keys)))
    return {row.email_key: Tally(**{name: getattr(row, name) for name in _TALLY}) for row in rows}


async def keep_tallies(tx: Tx, changed: Sequence[Tally]) -> None:
    """Writes these tallies, each in place of the one of its address."""
    await upsert_all(tx, bounce_tallies, ("email_key",), [
        {name: getattr(one, name) for name in _TALLY} for one in changed
    ])


async def got_through(tx: Tx, subscriber_id: int, after: int, before: int | None) -> bool:
    """Whether a delivery to this person was accepted, with no report against it, between these two."""
    mine = select(subscriptions.c.id).where(subscriptions.c.subscriber_id == subscriber_id)
    failed = bounces.c["class"].in_(("hard", "soft", "policy"))
    reported = exists().where(bounces.c.delivery_id == deliveries.c.id, failed)
    query = select(deliveries.c.id).where(
        deliveries.c.subscription_id.in_(mine), deliveries.c.state == DeliveryState.ACCEPTED,
        deliveries.c.id > after, ~reported,
    )
    if before is not None:
        query = query.where(deliveries.c.id < before)
    return (await tx.execute(query.limit(1))).first() is not None


async def add(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Records reports that are not known yet."""
    await add_new(tx, bounces, rows)


async def ids_of(tx: Tx, digests: Sequence[str]) -> dict[str, int]:
    """The ids of these reports."""
    if not digests:
        return {}
    query = select(bounces.c.digest, bounces.c.id).where(bounces.c.digest.in_(digests))
    return {row.digest: row.id for row in await tx.execute(query)}


async def forget(tx: Tx, email_key: str, now: datetime) -> None:
    """Nothing is held against the address any more: for whoever lifts its suppression by hand.

    Its active subscriptions, which are locked, go on from the present, as after a pause: what they missed is not mailed
    all at once, nor by a delivery that was planned meanwhile.
    """
    await tx.execute(delete(bounce_tallies).where(bounce_tallies.c.email_key == email_key))
    person = select(subscribers.c.id).where(subscribers.c.email_key == email_key).scalar_subquery()
    present = await articles.max_seq(tx)
    active = (subscriptions.c.subscriber_id == person, subscriptions.c.state == SubscriptionState.ACTIVE)
    for ident in (await tx.execute(select(subscriptions.c.id).where(*active))).scalars().all():
        await audience.cancel_unsent(tx, ident, now, "taken off the suppression list: it goes on from the present")
    behind = (*active, subscriptions.c.from_seq < present)
    await tx.execute(update(subscriptions).where(*behind).values(from_seq=present, welcome_after=None))


async def prune(tx: Tx) -> int:
    """Drops the oldest reports that prove nothing, where there are too many; how many."""
    unproven = select(bounces.c.id).where(bounces.c.subscriber_id.is_(None), bounces.c.way != "smtp")
    first = (await tx.execute(unproven.order_by(bounces.c.id.desc()).offset(UNPROVEN).limit(1))).scalar_one_or_none()
    if first is None:
        return 0
    old = (bounces.c.subscriber_id.is_(None), bounces.c.way != "smtp", bounces.c.id <= first)
    return (await tx.execute(delete(bounces).where(*old))).rowcount


def _query(*columns: Any) -> Select[Any]:
    return select(
        *columns, subscriptions.c.id.label("subscription_id"), subscriptions.c.newsletter,
        subscriptions.c.subscriber_id, subscribers.c.email, subscribers.c.email_key,
    )


#: Nothing is about a person who was erased.
_KNOWN = and_(subscriptions.c.subscriber_id == subscribers.c.id, subscribers.c.email != "")
_DELIVERIES = (
    _query(deliveries.c.id.label("row_id"), deliveries.c.message_id, deliveries.c.edition_id,
           deliveries.c.id.label("delivery_id"), literal("").label("recipient"))
    .join(subscriptions, deliveries.c.subscription_id == subscriptions.c.id)
    .join(subscribers, _KNOWN)
)
_NOTICES = (
    _query(notices.c.id.label("row_id"), notices.c.message_id, null().label("edition_id"), null().label("delivery_id"),
           notices.c.recipient)
    .join(subscriptions, notices.c.subscription_id == subscriptions.c.id)
    .join(subscribers, _KNOWN)
)
_MESSAGES: dict[str, tuple[Table, Select[Any]]] = {"delivery": (deliveries, _DELIVERIES), "notice": (notices, _NOTICES)}
_SUBSCRIPTIONS = (
    _query(null().label("edition_id"), null().label("delivery_id"), literal("").label("recipient"))
    .join(subscribers, _KNOWN)
)


def _subject(row: Row[Any]) -> Subject:
    email, email_key = row.email, row.email_key
    if row.recipient:  # it went to an address that was not the reader's yet
        email = row.recipient
        try:
            email_key = parse(row.recipient).key
        except PublisherError:
            email_key = row.recipient
    return Subject(
        row.subscriber_id, row.subscription_id, email, email_key, row.newsletter, row.delivery_id, row.edition_id,
    )
