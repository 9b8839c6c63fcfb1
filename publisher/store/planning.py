"""What the plan step reads of many readers at once; `publisher.store.planned` writes.

    due | a page along the index, in groups | ... | locked: who is not as read any more?

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
    Text,
    and_,
    bindparam,
    cast,
    false,
    func,
    join,
    literal_column,
    not_,
    select,
    true,
    tuple_,
    type_coerce,
)
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import NullType

from publisher.model import ArticleStatus, Frequency, SubscriptionState
from publisher.store.bulk import Bulk, PlainInstant, among, instant, parcels, parcels_value, rows
from publisher.store.engine import Tx
from publisher.store.instant import Instant
from publisher.store.mail_schema import subscribers, subscriptions
from publisher.store.schema import articles

#: A pause that is over has an end no more (`publisher.store.pauses`).
_ACTIVE = and_(subscriptions.c.state == SubscriptionState.ACTIVE, subscriptions.c.paused_until.is_(None))


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
    #: Corrections after this instant are still to be told; None: nothing was delivered yet.
    corrections_from: datetime | None
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

#: The columns of `Alike` in the database's own form: they become values once for all who are alike.
_RAW = (
    subscriptions.c.newsletter, subscriptions.c.frequency, subscriptions.c.weekday, subscriptions.c.local_time,
    cast(subscriptions.c.sections, Text).label("sections"), subscriptions.c.from_seq,
    type_coerce(subscriptions.c.next_due_at, NullType()).label("next_due_at"),
    type_coerce(subscriptions.c.last_due_at, NullType()).label("last_due_at"),
    type_coerce(subscriptions.c.corrections_from, NullType()).label("corrections_from"), subscribers.c.timezone,
)
#: Where they stand in `Group.alike`.
_FROM_SEQ, _DUE_AT = 5, 6
#: What a group has in common, in the order in which two readers are told apart soonest.
_GROUPED = (
    "from_seq", "sections", "timezone", "next_due_at", "corrections_from", "generation", "last_due_at", "weekday",
    "local_time", "frequency", "newsletter",
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
    type_coerce(subscriptions.c.next_due_at, NullType()), subscriptions.c.state, subscriptions.c.paused_until,
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
    found = (await tx.execute(query.group_by(*alike), values)).all()
    groups = tuple(Group(tuple(row[1:-1]), row[0], _in_order(row[-1])) for row in found)
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
    newsletter, frequency, weekday, local_time, sections, from_seq, next_due, last_due, corrections, timezone = raw
    hour, minute = local_time.split(":")
    return Alike(
        newsletter=newsletter, frequency=Frequency(frequency), weekday=weekday, local_time=time(int(hour), int(minute)),
        sections=tuple(json.loads(sections)), from_seq=from_seq, next_due_at=instant(next_due) if next_due else None,
        last_due_at=instant(last_due) if last_due else None,
        corrections_from=instant(corrections) if corrections else None, timezone=timezone,
    )


async def lock(tx: Tx, ids: Iterable[int]) -> set[Found]:
    """Those of these subscriptions that are active and not paused, as they are now, kept so until the commit.

    Locked in the order of their ids, as by everybody: so two who lock several never block each other.
    """
    # The state is looked at here: in the query it would lead SQLite to the index of states.
    query = _LOCKED.where(among(tx, subscriptions.c.id, sorted(ids))).order_by(subscriptions.c.id).with_for_update()
    found = (await tx.execute(query)).all()
    return {tuple(row[:4]) for row in found if row.state == SubscriptionState.ACTIVE and row.paused_until is None}


async def changed(tx: Tx, groups: Sequence[Group]) -> set[int]:
    """The ids of those of these readers who are not as they were read any more; the rest stay so until the commit."""
    if tx.dialect.name == "postgresql":
        everybody = sorted(ident for group in groups for ident in group.ids)
        mine = among(tx, subscriptions.c.id, everybody)
        await tx.execute(select(subscriptions.c.id).where(mine).order_by(subscriptions.c.id).with_for_update())
    given = parcels_value(
        (group.generation, group.alike[_FROM_SEQ], group.alike[_DUE_AT], group.ids) for group in groups
    )
    return {row[0] for row in await rows(tx, _CHANGED, (given,))}


async def stories(tx: Tx, after: int, to: int, slugs: Sequence[str], limit: int) -> list[tuple[str, str]]:
    """(id, content hash) of the newest of what `articles.window` gives, in the same order."""
    query = select(articles.c.id, articles.c.content_hash).where(
        articles.c.status == ArticleStatus.LIVE, articles.c.seq > after, articles.c.seq <= to,
        articles.c.backfill.is_(False),
    )
    if slugs:
        query = query.where(articles.c.section_slug.in_(list(slugs)))
    found = await tx.execute(query.order_by(articles.c.seq.desc()).limit(limit))
    return [(row.id, row.content_hash) for row in found]


def _changed(dialect: str) -> ClauseElement:
    was, each, ident = parcels(dialect, "readers", {"generation": "int", "from_seq": "int", "next_due_at": "instant"})
    now = subscriptions.c
    same = and_(
        now.state == literal_column(f"'{SubscriptionState.ACTIVE.value}'"), now.paused_until.is_(None),
        now.generation == was.c.generation, now.from_seq == was.c.from_seq,
        now.next_due_at.is_not_distinct_from(was.c.next_due_at),
    )
    found = join(was, each, true()).outerjoin(subscriptions, now.id == ident)
    return select(ident).select_from(found).where(not_(func.coalesce(same, false())))


_CHANGED = Bulk(_changed, ("readers",))
