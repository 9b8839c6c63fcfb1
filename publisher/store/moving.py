"""Many readers at once: what is known of them, and what is written of them, a page of an import at a time.

    addresses | people and subscriptions, locked | ... decided ... | one statement for each kind of row

Whoever subscribes at the same moment waits for the lock on the
person, or is waited for: so what was read still holds when it is written.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Update
from sqlalchemy.sql.elements import ClauseElement

from publisher.model import Reader, SubscriptionState
from publisher.outgoing import DeliveryState
from publisher.store import articles, audience
from publisher.store.bulk import Bulk, among, among_texts, plain, run_all
from publisher.store.engine import Tx
from publisher.store.instant import Instant
from publisher.store.mail_schema import consents, notices, subscribers, subscriptions

#: A subscription before it has an id: (subscriber, newsletter).
Place = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Held:
    """A subscription that is there."""

    reader: Reader
    #: What its consents say was done.
    actions: frozenset[str]
    #: When its confirmation was asked for.
    asked: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Consent:
    """One to be written; `publisher.store.audience.add_consent` has the meanings."""

    place: Place
    action: str
    at: datetime
    origin: str
    wording: str


@dataclass(slots=True)
class Page:
    """What is to be written of a page, each a row of values by the names of its columns."""

    #: New subscriptions.
    added: list[dict[str, Any]] = field(default_factory=list)
    #: Ids of pending ones that are active from now on.
    activated: list[int] = field(default_factory=list)
    #: Ids of those whose readers left.
    ended: list[int] = field(default_factory=list)
    #: Changed choices: by subscription, as `plain` gives them, and by person.
    choices: dict[int, dict[str, Any]] = field(default_factory=dict)
    people: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: People who live in another zone from now on.
    moved: list[int] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    #: Those to be asked to confirm, each with the Message-ID of the mail that asks.
    asked: list[tuple[Place, str]] = field(default_factory=list)


async def add_people(tx: Tx, people: Sequence[Mapping[str, Any]]) -> None:
    """New people; one whose address is there already stays as they are."""
    await _insert(tx, _PEOPLE, sorted(people, key=lambda person: str(person["email_key"])))


async def lock(tx: Tx, keys: Collection[str]) -> bool:
    """Keeps other writers from these people until the commit: from their subscriptions first, as everybody does.

    Whether others may have written meanwhile: what was read before is to be read again.
    """
    if tx.dialect.name == "sqlite":  # which has one writer
        return False
    mine = select(subscribers.c.id).where(among_texts(tx, subscribers.c.email_key, keys))
    theirs = select(subscriptions.c.id).where(subscriptions.c.subscriber_id.in_(mine)).order_by(subscriptions.c.id)
    await tx.execute(theirs.with_for_update())
    await tx.execute(mine.order_by(subscribers.c.id).with_for_update())
    return True


async def ids(tx: Tx, keys: Collection[str]) -> dict[str, int]:
    """The people with these addresses in normal form."""
    query = select(subscribers.c.email_key, subscribers.c.id).where(among_texts(tx, subscribers.c.email_key, keys))
    return {row.email_key: row.id for row in await tx.execute(query)}


async def held(tx: Tx, people: Collection[int]) -> dict[Place, Held]:
    """The subscriptions of these people."""
    found = await audience.list_readers(tx, 0, None, among(tx, subscriptions.c.subscriber_id, list(people)))
    of_each: dict[int, list[Any]] = defaultdict(list)
    if found:
        mine = among(tx, consents.c.subscription_id, [reader.subscription.id for reader in found])
        for row in await tx.execute(select(consents.c.subscription_id, consents.c.action, consents.c.at).where(mine)):
            of_each[row.subscription_id].append(row)
    return {
        (reader.subscriber.id, reader.subscription.newsletter): Held(
            reader, frozenset(row.action for row in of_each[reader.subscription.id]),
            tuple(row.at for row in of_each[reader.subscription.id] if row.action == "asked"),
        )
        for reader in found
    }


def new_subscription(
    place: Place, state: SubscriptionState, choices: Mapping[str, Any], *, paused_until: datetime | None = None
) -> dict[str, Any]:
    """A row for `Page.added`; when it is active it begins with the present, and no welcome edition is owed."""
    return {
        "subscriber_id": place[0], "newsletter": place[1], "state": state, "generation": 0, **choices_row(choices),
        "paused_until": paused_until, "next_due_at": paused_until,
    }


def choices_row(choices: Mapping[str, Any]) -> dict[str, Any]:
    """The choices of a subscription, as its columns hold them."""
    return {**choices, "local_time": choices["local_time"].strftime("%H:%M"), "sections": list(choices["sections"])}


async def write(tx: Tx, page: Page, now: datetime) -> None:
    """Writes the page."""
    present = await articles.max_seq(tx)
    await _insert(tx, _SUBSCRIPTIONS, [
        row | (
            {"from_seq": present, "confirmed_at": now} if row["state"] == SubscriptionState.ACTIVE
            else {"from_seq": 0, "confirmed_at": None}
        )
        for row in page.added
    ])
    await audience.unsubscribe_all(tx, page.ended, now)
    await _all(tx, _ACTIVATED, [{"of": ident, "seq": present, "at": now} for ident in page.activated])
    await _all(tx, _CHOSEN, [{"of": ident} | _named(values) for ident, values in page.choices.items()])
    await _all(tx, _TOLD, [{"of": ident} | _named(values) for ident, values in page.people.items()])
    if page.moved:
        theirs = among(tx, subscriptions.c.subscriber_id, page.moved)
        active = subscriptions.c.state == SubscriptionState.ACTIVE
        await tx.execute(update(subscriptions).where(theirs, active).values(next_due_at=subscriptions.c.paused_until))
    places = {consent.place for consent in page.consents} | {place for place, _ in page.asked}
    if places:
        await _record(tx, page, await _found(tx, places), now)


async def _record(tx: Tx, page: Page, found: Mapping[Place, int], now: datetime) -> None:
    """Consents, and the mails that ask for one."""
    said = [
        {
            "subscription_id": found[one.place], "action": one.action, "at": one.at, "origin": one.origin,
            "wording": one.wording,
        }
        for one in page.consents
    ]
    await _insert(tx, _CONSENTS, said)
    await _all(tx, _ASKED, [{"of": found[place]} for place, _ in page.asked])
    await _insert(tx, _NOTICES, [
        {
            "kind": "confirm", "subscription_id": found[place], "params": {}, "state": DeliveryState.QUEUED,
            "attempts": 0, "next_attempt_at": now, "reply_code": 0, "reply_enhanced": "", "reply_text": "",
            "message_id": message_id, "created_at": now,
        }
        for place, message_id in page.asked
    ])


async def _found(tx: Tx, places: Collection[Place]) -> dict[Place, int]:
    """The ids of the subscriptions at these places."""
    mine = among(tx, subscriptions.c.subscriber_id, list({person for person, _ in places}))
    query = select(subscriptions.c.id, subscriptions.c.subscriber_id, subscriptions.c.newsletter).where(mine)
    return {(row.subscriber_id, row.newsletter): row.id for row in await tx.execute(query)}


async def _insert(tx: Tx, bulk: Bulk, rows: Sequence[Mapping[str, Any]]) -> None:
    """New rows; where a unique key is taken, what is there stays."""
    dialect = tx.dialect.name
    await run_all(tx, bulk, [tuple([_value(dialect, row[name]) for name in bulk.names]) for row in rows])


def _value(dialect: str, value: Any) -> Any:
    """A value as the driver takes it."""
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, datetime):
        return plain(dialect, value)
    return value.value if isinstance(value, Enum) else json.dumps(value)


def _inserting(table: Table, *names: str) -> Bulk:
    def make(dialect: str) -> ClauseElement:
        insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect]
        values = {name: bindparam(name, type_=table.c[name].type) for name in names}
        added: ClauseElement = insert(table).inline().values(values).on_conflict_do_nothing()
        return added

    return Bulk(make, tuple(column.name for column in table.c if column.name in names))


async def _all(tx: Tx, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        await tx.execute(statement, [dict(row) for row in rows])


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in values.items()}


def _changed(table: Any, names: Sequence[str], **rest: Any) -> Update:
    values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    return update(table).where(table.c.id == bindparam("of")).values(**values, **rest)


_PEOPLE = _inserting(
    subscribers, "email", "email_key", "name", "language", "timezone", "created_at", "plain_text", "tags", "mailbox"
)
_SUBSCRIPTIONS = _inserting(
    subscriptions, "subscriber_id", "newsletter", "frequency", "weekday", "local_time", "sections", "state", "from_seq",
    "next_due_at", "confirmed_at", "generation", "paused_until",
)
_CONSENTS = _inserting(consents, "subscription_id", "action", "at", "origin", "wording")
_NOTICES = _inserting(
    notices, "kind", "subscription_id", "params", "state", "attempts", "next_attempt_at", "reply_code",
    "reply_enhanced", "reply_text", "message_id", "created_at",
)
_ACTIVATED = (
    update(subscriptions).where(subscriptions.c.id == bindparam("of"))
    .values(
        state=SubscriptionState.ACTIVE, confirmed_at=bindparam("at", type_=Instant), from_seq=bindparam("seq"),
        next_due_at=None, welcome_after=None,
    )
)
#: The plan step computes the next due instant anew.
_CHOSEN = _changed(
    subscriptions, ("frequency", "weekday", "local_time", "sections"), next_due_at=subscriptions.c.paused_until
)
_TOLD = _changed(subscribers, ("name", "language", "timezone", "plain_text", "tags"))
_ASKED = (
    update(subscriptions).where(subscriptions.c.id == bindparam("of"))
    .values(generation=subscriptions.c.generation + 1, state=SubscriptionState.PENDING)
)
