"""The deliveries of a plan, written for many readers at once.

    parcels: what readers have in common, and who they are | one statement: a delivery for each | due instants moved on

The rows come in the order of their readers, and so do their Message-IDs: a million at random places of an index are
slow to store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, cast, literal_column, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ClauseElement

from publisher.outgoing import DeliveryState
from publisher.store.bulk import Bulk, PlainInstant, among, parcels, parcels_value, run
from publisher.store.engine import Tx
from publisher.store.instant import Instant
from publisher.store.mail_schema import deliveries, subscriptions

#: The due instant that comes next, and that of the slot which is left behind.
Slot = tuple[datetime, datetime]

_FIELDS = {
    "edition_id": "int", "variant_id": "int", "period": "text", "from_seq": "int", "to_seq": "int",
    "next_attempt_at": "instant",
}

#: Some 60 random bits in hex, others in each row, from the source that each database has for what is not to be guessed.
_RANDOM = {
    "sqlite": "lower(hex(randomblob(8)))", "postgresql": "left(replace(CAST(gen_random_uuid() AS TEXT), '-', ''), 16)",
}


@dataclass(frozen=True, slots=True)
class Parcel:
    """One delivery to each of these readers."""

    edition_id: int
    variant_id: int
    #: As `NewDelivery.period`.
    period: str
    #: (after, to].
    window: tuple[int, int]
    #: When they may go.
    at: PlainInstant
    #: Subscriptions; none stands in two parcels of one call.
    ids: list[int]


@dataclass(frozen=True, slots=True)
class Frame:
    """A Message-ID without its middle, which is the subscription and what nobody can guess.

    Unique where no other delivery has the frame. Who knows the Message-ID of one reader knows none of another's.
    """

    begin: str
    end: str


async def add(tx: Tx, new: Sequence[Parcel], frame: Frame, created_at: PlainInstant) -> int:
    """Adds these deliveries, but for those whose slot is filled (I4); how many."""
    if not new:
        return 0
    given = parcels_value((one.edition_id, one.variant_id, one.period, *one.window, one.at, one.ids) for one in new)
    return await run(tx, _ADD, (given, frame.begin, frame.end, created_at))


async def move(tx: Tx, slot: Slot, ids: Sequence[int]) -> None:
    """Moves the due instants of these subscriptions on, past a slot."""
    moved = update(subscriptions).where(among(tx, subscriptions.c.id, ids))
    await tx.execute(moved.values(next_due_at=slot[0], last_due_at=slot[1]))


def _add(dialect: str) -> ClauseElement:
    shared, each, ident = parcels(dialect, "parcels", _FIELDS)
    middle = cast(ident, Text).concat(literal_column("'.'")).concat(literal_column(_RANDOM[dialect]))
    message_id = bindparam("begin", type_=Text).concat(middle).concat(bindparam("end", type_=Text))
    values: dict[str, ColumnElement[Any]] = {name: shared.c[name] for name in _FIELDS} | {
        "subscription_id": ident, "message_id": message_id, "created_at": bindparam("created_at", type_=Instant),
        "state": literal_column(f"'{DeliveryState.QUEUED.value}'"), "attempts": literal_column("0"),
        "reply_code": literal_column("0"), "reply_enhanced": literal_column("''"), "reply_text": literal_column("''"),
    }
    rows = select(*values.values()).select_from(shared, each).where(true()).order_by(ident)
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect]
    added: ClauseElement = insert(deliveries).from_select(list(values), rows).on_conflict_do_nothing()
    return added


_ADD = Bulk(_add, ("parcels", "begin", "end", "created_at"))
