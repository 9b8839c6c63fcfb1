"""The ledger as the operator sees it: who got it, who did not, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, literal, null, select

from publisher.outgoing import OPEN, SENDABLE, Delivery, DeliveryState, Reply
from publisher.store.engine import Tx
from publisher.store.mail_schema import attempts, deliveries, notices, subscribers, subscriptions
from publisher.store.selection import Selection, conditions

_SHARED = ("id", "subscription_id", "state", "attempts", "next_attempt_at", "reply_code", "reply_enhanced",
           "reply_text", "message_id", "created_at", "finished_at")


async def listed(tx: Tx, chosen: Selection, limit: int) -> list[Delivery]:
    """The chosen deliveries or notices, the newest first."""
    query = _rows(chosen).where(*conditions(chosen)).order_by(chosen.table.c.id.desc()).limit(limit)
    return [_delivery(row) for row in await tx.execute(query)]


async def show(tx: Tx, ident: int, *, notices: bool = False) -> tuple[Delivery, list[dict[str, Any]]] | None:
    """One delivery, or notice, with its attempts, the first first."""
    chosen = Selection(ids=(ident,), notices=notices)
    row = (await tx.execute(_rows(chosen).where(*conditions(chosen)))).first()
    if row is None:
        return None
    kind = "notice" if notices else "delivery"
    query = select(attempts).where(attempts.c.kind == kind, attempts.c.ref_id == ident)
    names = ("number", "started_at", "finished_at", "state", "reply_code", "reply_enhanced", "reply_text")
    tries = [{name: getattr(r, name) for name in names} for r in await tx.execute(query.order_by(attempts.c.number))]
    return _delivery(row), tries


async def counts(tx: Tx) -> dict[str, int]:
    """Number of deliveries in each open state."""
    query = select(deliveries.c.state, func.count().label("n")).where(deliveries.c.state.in_(OPEN))
    return {row.state: row.n for row in await tx.execute(query.group_by(deliveries.c.state))}


async def counts_of_notices(tx: Tx) -> dict[str, int]:
    """Number of notices in each open state."""
    query = select(notices.c.state, func.count().label("n")).where(notices.c.state.in_(OPEN))
    return {row.state: row.n for row in await tx.execute(query.group_by(notices.c.state))}


async def next_attempt(tx: Tx) -> datetime | None:
    """When the next unsent message is due, or None where none waits."""
    times = [
        (await tx.execute(select(func.min(table.c.next_attempt_at)))).scalar_one() for table in (deliveries, notices)
    ]
    return min((at for at in times if at is not None), default=None)


async def due(tx: Tx, now: datetime) -> int:
    """Number of messages, notices too, whose time to be sent has come."""
    found = 0
    for table in (deliveries, notices):
        waiting = table.c.state.in_((*SENDABLE, DeliveryState.IN_DOUBT))
        query = select(func.count()).select_from(table).where(waiting, table.c.next_attempt_at <= now)
        found += int((await tx.execute(query)).scalar_one())
    return found


def _rows(chosen: Selection) -> Select[Any]:
    return _notices() if chosen.notices else _deliveries()


def _deliveries() -> Select[Any]:
    query = select(
        *(deliveries.c[name] for name in (*_SHARED, "edition_id", "period", "from_seq", "to_seq")),
        literal("delivery").label("kind"), subscribers.c.email, subscriptions.c.newsletter,
    )
    return query.join(subscriptions, deliveries.c.subscription_id == subscriptions.c.id).join(
        subscribers, subscriptions.c.subscriber_id == subscribers.c.id
    )


def _notices() -> Select[Any]:
    query = select(
        *(notices.c[name] for name in _SHARED), null().label("edition_id"), literal("").label("period"),
        literal(0).label("from_seq"), literal(0).label("to_seq"), notices.c.kind, subscribers.c.email,
        subscriptions.c.newsletter,
    )
    return query.join(subscriptions, notices.c.subscription_id == subscriptions.c.id).join(
        subscribers, subscriptions.c.subscriber_id == subscribers.c.id
    )


def _delivery(row: Row[Any]) -> Delivery:
    plain = {name: getattr(row, name) for name in Delivery.__slots__ if name not in ("reply", "state")}
    return Delivery(
        **plain, state=DeliveryState(row.state), reply=Reply(row.reply_code, row.reply_enhanced, row.reply_text)
    )
