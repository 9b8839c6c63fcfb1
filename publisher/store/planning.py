"""What the plan step reads and writes for many readers at once.

    due | a page along the index | ... | locked, still as read? | deliveries added, due instants moved on

A reader is a few light values here, and no object; readers of whom all that decides is equal are `Alike`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import BigInteger, Row, Table, Text, and_, bindparam, cast, select, tuple_, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import NullType

from publisher.model import ArticleStatus, Frequency, SubscriptionState
from publisher.outgoing import DeliveryState
from publisher.store.bulk import Bulk, PlainInstant, among, instant, run_all
from publisher.store.engine import Tx
from publisher.store.instant import Instant
from publisher.store.mail_schema import deliveries, subscribers, subscriptions
from publisher.store.schema import articles

_ACTIVE = subscriptions.c.state == SubscriptionState.ACTIVE


@dataclass(frozen=True, slots=True)
class Alike:
    """All of a reader by which their next edition is decided: readers who are alike get the same one."""

    newsletter: str
    frequency: Frequency
    #: 0 is Monday; only of weight for WEEKLY.
    weekday: int
    local_time: time
    #: Section slugs; empty: all.
    sections: tuple[str, ...]
    from_seq: int
    next_due_at: datetime | None
    last_due_at: datetime | None
    #: IANA name.
    timezone: str


#: A subscription of a page, from which `as_found` and `as_alike` take what they say; its id and newsletter by name.
PageRow = Row[*tuple[Any, ...]]
#: A subscription as it was read, of which all must still be so when its edition is written: id, generation, `from_seq`,
#: due instant.
Found = tuple[int, int, int, PlainInstant | None]
#: A delivery on its way into the store, in the order of `_COLUMNS`.
NewRow = tuple[Any, ...]
#: The due instant that comes next, and that of the slot which is left behind.
Slot = tuple[datetime, datetime]

_COLUMNS = (
    "edition_id", "subscription_id", "variant_id", "period", "from_seq", "to_seq", "state", "attempts",
    "next_attempt_at", "reply_code", "reply_enhanced", "reply_text", "message_id", "created_at",
)
#: The columns of `Alike` in the database's own form: they become values once for all who are alike.
_RAW = (
    subscriptions.c.newsletter, subscriptions.c.frequency, subscriptions.c.weekday, subscriptions.c.local_time,
    cast(subscriptions.c.sections, Text).label("sections"), subscriptions.c.from_seq,
    type_coerce(subscriptions.c.next_due_at, NullType()).label("next_due_at"),
    type_coerce(subscriptions.c.last_due_at, NullType()).label("last_due_at"), subscribers.c.timezone,
)
_PAGE = select(subscriptions.c.id, subscriptions.c.generation, *_RAW).join(
    subscribers, subscriptions.c.subscriber_id == subscribers.c.id
)
_DUE = _PAGE.where(_ACTIVE, subscriptions.c.next_due_at <= bindparam("now", type_=Instant)).order_by(
    subscriptions.c.next_due_at, subscriptions.c.id
)
_LATER = tuple_(subscriptions.c.next_due_at, subscriptions.c.id) > tuple_(
    bindparam("at", type_=Instant), bindparam("after", type_=BigInteger)
)
_LOCKED = select(
    subscriptions.c.id, subscriptions.c.generation, subscriptions.c.from_seq,
    type_coerce(subscriptions.c.next_due_at, NullType()), subscriptions.c.state,
)


async def due(tx: Tx, now: datetime, limit: int, after: PageRow | None = None) -> Sequence[PageRow]:
    """Active subscriptions due at `now`, in the order of their due instants; those after the row of an earlier page."""
    if after is None:
        return (await tx.execute(_DUE.limit(limit), {"now": now})).all()
    place = {"at": instant(after.next_due_at), "after": after.id}
    return (await tx.execute(_DUE.where(_LATER).limit(limit), {"now": now, **place})).all()


async def active(tx: Tx, newsletter: str, limit: int, after: PageRow | None = None) -> Sequence[PageRow]:
    """Active subscriptions to a newsletter, in the order of their ids; as `due`."""
    mine = and_(_ACTIVE, subscriptions.c.newsletter == newsletter, subscriptions.c.id > (after.id if after else 0))
    return (await tx.execute(_PAGE.where(mine).order_by(subscriptions.c.id).limit(limit))).all()


def as_found(row: PageRow) -> Found:
    """What must still be so when the reader's edition is written."""
    return row[0], row[1], row[7], row[8]


def as_alike(row: PageRow) -> tuple[Any, ...]:
    """What `read_alike` takes: equal for readers who are alike."""
    return tuple(row[2:])


def read_alike(raw: tuple[Any, ...]) -> Alike:
    """What `as_alike` gave, in the values that the rest of the program knows."""
    newsletter, frequency, weekday, local_time, sections, from_seq, next_due, last_due, timezone = raw
    hour, minute = local_time.split(":")
    return Alike(
        newsletter=newsletter, frequency=Frequency(frequency), weekday=weekday, local_time=time(int(hour), int(minute)),
        sections=tuple(json.loads(sections)), from_seq=from_seq, next_due_at=instant(next_due) if next_due else None,
        last_due_at=instant(last_due) if last_due else None, timezone=timezone,
    )


async def lock(tx: Tx, ids: Iterable[int]) -> set[Found]:
    """These subscriptions as they are now, those that are active, kept from every other writer until the commit.

    Locked in the order of their ids, as by everybody: so two who lock several never block each other.
    """
    # The state is looked at here: in the query it would lead SQLite to the index of states.
    query = _LOCKED.where(among(tx, subscriptions.c.id, sorted(ids))).order_by(subscriptions.c.id).with_for_update()
    rows = (await tx.execute(query)).all()
    return {(row[0], row[1], row[2], row[3]) for row in rows if row[4] == SubscriptionState.ACTIVE}


@dataclass(frozen=True, slots=True)
class Edition:
    """What the deliveries of readers who are alike have in common."""

    edition_id: int
    variant_id: int
    #: As `NewDelivery.period`.
    period: str
    #: (after, to].
    window: tuple[int, int]
    created_at: PlainInstant


def new_row(edition: Edition, subscription_id: int, message_id: str, next_attempt_at: PlainInstant) -> NewRow:
    """A delivery that waits to be sent."""
    return (
        edition.edition_id, subscription_id, edition.variant_id, edition.period, *edition.window,
        DeliveryState.QUEUED.value, 0, next_attempt_at, 0, "", "", message_id, edition.created_at,
    )


def reader_of(row: NewRow) -> int:
    """The subscription of a delivery on its way."""
    ident: int = row[1]
    return ident


def period_of(row: NewRow) -> str:
    """The slot of a delivery on its way."""
    period: str = row[3]
    return period


async def add(tx: Tx, rows: Sequence[NewRow]) -> int:
    """Adds these deliveries, but for those whose slot is filled (I4); how many."""
    return await run_all(tx, _ADD, rows)


async def move(tx: Tx, slot: Slot, ids: Sequence[int]) -> None:
    """Moves the due instants of these subscriptions on, past a slot."""
    moved = update(subscriptions).where(among(tx, subscriptions.c.id, ids))
    await tx.execute(moved.values(next_due_at=slot[0], last_due_at=slot[1]))


async def stories(tx: Tx, after: int, to: int, slugs: Sequence[str], limit: int) -> list[tuple[str, str]]:
    """(id, content hash) of the newest of what `articles.window` gives, in the same order."""
    query = select(articles.c.id, articles.c.content_hash).where(
        articles.c.status == ArticleStatus.LIVE, articles.c.seq > after, articles.c.seq <= to,
        articles.c.backfill.is_(False),
    )
    if slugs:
        query = query.where(articles.c.section_slug.in_(list(slugs)))
    rows = await tx.execute(query.order_by(articles.c.seq.desc()).limit(limit))
    return [(row.id, row.content_hash) for row in rows]


def _insert_new(dialect: str) -> ClauseElement:
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect]
    new = insert(deliveries).inline().values(_parameters(deliveries, _COLUMNS))
    added: ClauseElement = new.on_conflict_do_nothing()
    return added


def _parameters(table: Table, names: Iterable[str]) -> dict[Any, Any]:
    return {name: bindparam(name, type_=table.c[name].type) for name in names}


_ADD = Bulk(_insert_new, _COLUMNS)
