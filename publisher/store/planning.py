"""What the plan step reads and writes for many readers at once.

    due | a page along the index, in groups | ... | locked, still as read? | deliveries added, due instants moved on

Readers of whom all that decides is equal are `Alike`. The database puts them together, so that a reader is one number
here until a delivery is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import NullType

from publisher.model import ArticleStatus, Frequency, SubscriptionState
from publisher.outgoing import DeliveryState
from publisher.store.bulk import Bulk, PlainInstant, among, among_given, ids_value, instant, rows_of_each, run_all
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


#: A place in the order of a page: due instant and id.
Place = tuple[PlainInstant | None, int]


@dataclass(frozen=True, slots=True)
class Group:
    """Readers of a page who are alike, and confirmed as often."""

    #: What `read_alike` takes.
    alike: tuple[Any, ...]
    generation: int
    #: Subscriptions, in order; never none.
    ids: list[int]


@dataclass(frozen=True, slots=True)
class Page:
    """Some readers, and where the next page begins."""

    groups: tuple[Group, ...]
    #: Of the last reader; None where there is none.
    last: Place | None


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
#: Where they stand in `Group.alike`.
_FROM_SEQ, _DUE_AT = 5, 6
#: What a group has in common, in the order in which two readers are told apart soonest.
_GROUPED = (
    "from_seq", "sections", "timezone", "next_due_at", "generation", "last_due_at", "weekday", "local_time",
    "frequency", "newsletter",
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


async def due(tx: Tx, now: datetime, limit: int, after: Place | None = None) -> Page:
    """Active subscriptions due at `now`, in the order of due instants; those after the last of an earlier page."""
    if after is None or after[0] is None:
        return await _page(tx, _DUE.limit(limit), {"now": now})
    return await _page(tx, _DUE.where(_LATER).limit(limit), {"now": now, "at": instant(after[0]), "after": after[1]})


async def active(tx: Tx, newsletter: str, limit: int, after: Place | None = None) -> Page:
    """Active subscriptions to a newsletter, in the order of their ids; as `due`."""
    mine = and_(_ACTIVE, subscriptions.c.newsletter == newsletter, subscriptions.c.id > (after[1] if after else 0))
    page = await _page(tx, _PAGE.where(mine).order_by(subscriptions.c.id).limit(limit), {})
    last = max((group.ids[-1] for group in page.groups), default=None)
    return Page(page.groups, None if last is None else (None, last))


async def _page(tx: Tx, readers: Select[Any], values: dict[str, Any]) -> Page:
    """These readers in groups; the last one is that of the order of due instants."""
    each = readers.subquery()
    alike = [each.c[name] for name in _GROUPED]
    gather = func.json_group_array if tx.dialect.name == "sqlite" else func.array_agg
    query = select(each.c.generation, *(each.c[column.name] for column in _RAW), gather(each.c.id, type_=NullType()))
    rows = (await tx.execute(query.group_by(*alike), values)).all()
    groups = tuple(Group(tuple(row[1:-1]), row[0], _in_order(row[-1])) for row in rows)
    # An instant is text, or a datetime, in all rows alike; where it is missing the order is that of ids.
    last = max(((group.alike[_DUE_AT], group.ids[-1]) for group in groups if group.alike[_DUE_AT]), default=None)
    return Page(groups, last)


def _in_order(ids: str | list[int]) -> list[int]:
    found: list[int] = json.loads(ids) if isinstance(ids, str) else ids
    found.sort()
    return found


def newsletter_of(group: Group) -> str:
    """The newsletter of these readers."""
    name: str = group.alike[0]
    return name


def read_alike(raw: tuple[Any, ...]) -> Alike:
    """A group's `alike`, in the values that the rest of the program knows."""
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


async def hold(tx: Tx, groups: Sequence[Group]) -> set[int]:
    """The ids of those of these readers who are still as they were read, kept as by `lock`."""
    if tx.dialect.name == "postgresql":
        everybody = sorted(ident for group in groups for ident in group.ids)
        mine = among(tx, subscriptions.c.id, everybody)
        await tx.execute(select(subscriptions.c.id).where(mine).order_by(subscriptions.c.id).with_for_update())
    values = [
        (group.generation, group.alike[_FROM_SEQ], group.alike[_DUE_AT], ids_value(tx.dialect.name, group.ids))
        for group in groups
    ]
    found = await rows_of_each(tx, _HELD, values)
    return {ident for rows in found for ident, same in rows if same}


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


def new_rows(
    edition: Edition, ids: Sequence[int], message_ids: Sequence[str], times: Sequence[PlainInstant]
) -> list[NewRow]:
    """Deliveries that wait to be sent, one for each of these subscriptions."""
    edition_id, shared, created_at = (
        edition.edition_id,
        (edition.variant_id, edition.period, *edition.window, DeliveryState.QUEUED.value, 0),
        edition.created_at,
    )
    each = zip(ids, message_ids, times, strict=True)
    return [(edition_id, ident, *shared, at, 0, "", "", message_id, created_at) for ident, message_id, at in each]


def slot_of(row: NewRow) -> tuple[int, str]:
    """The (subscription, period) of a delivery on its way."""
    return row[1], row[3]


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


def _held(dialect: str) -> ClauseElement:
    # What is compared is a column, not a condition, which would lead SQLite to the index of states.
    same = and_(
        subscriptions.c.state == literal_column(f"'{SubscriptionState.ACTIVE.value}'"),
        subscriptions.c.generation == bindparam("generation", type_=BigInteger),
        subscriptions.c.from_seq == bindparam("from_seq", type_=BigInteger),
        subscriptions.c.next_due_at.is_not_distinct_from(bindparam("next_due_at", type_=Instant)),
    )
    mine = among_given(dialect, subscriptions.c.id, "ids")
    return select(subscriptions.c.id, same.label("same")).where(mine)


def _insert_new(dialect: str) -> ClauseElement:
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect]
    new = insert(deliveries).inline().values(_parameters(deliveries, _COLUMNS))
    added: ClauseElement = new.on_conflict_do_nothing()
    return added


def _parameters(table: Table, names: Iterable[str]) -> dict[Any, Any]:
    return {name: bindparam(name, type_=table.c[name].type) for name in names}


_ADD = Bulk(_insert_new, _COLUMNS)
_HELD = Bulk(_held, ("generation", "from_seq", "next_due_at", "ids"))
