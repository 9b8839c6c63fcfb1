"""The alarms that the operator was told, and the facts that they are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select

from publisher.outgoing import SENDABLE, DeliveryState, Reply
from publisher.store.engine import Tx
from publisher.store.ledger_hand import HELD
from publisher.store.mail_schema import alarms, attempts, deliveries, editions, notices
from publisher.store.upsert import upsert

#: The last so many attempts tell whether mail goes out.
_LAST = 2000
_UNSENT = (*SENDABLE, DeliveryState.IN_DOUBT)


_SILENCE = Reply(0, "", "")


@dataclass(frozen=True, slots=True)
class Common:
    """How many, and the words most common among them."""

    count: int = 0
    reply: Reply = _SILENCE


async def rows(tx: Tx) -> list[Row[Any]]:
    """Every alarm that ever was, one of each kind: kind, reason, since, cleared_at, mailed_at, posted_at."""
    return list(await tx.execute(select(alarms).order_by(alarms.c.since)))


async def standing(tx: Tx) -> list[Row[Any]]:
    """Those that stand."""
    return [row for row in await rows(tx) if row.cleared_at is None]


async def keep(tx: Tx, found: Iterable[dict[str, Any]]) -> None:
    """Writes these alarms, each in place of the one of its kind."""
    for values in found:
        await upsert(tx, alarms, ("kind",), values)


async def went_out(tx: Tx, since: datetime) -> bool:
    """Whether a message was accepted since then, as the last attempts tell."""
    last = (select(attempts.c.state, attempts.c.finished_at).order_by(attempts.c.id.desc()).limit(_LAST)).subquery()
    query = select(func.max(last.c.finished_at)).where(last.c.state == DeliveryState.ACCEPTED)
    at: datetime | None = (await tx.execute(query)).scalar_one()
    return at is not None and at >= since


async def late(tx: Tx, before: datetime) -> int:
    """Number of messages that have been due since before then; of editions only what runs."""
    found = 0
    for table in (deliveries, notices):
        for state in _UNSENT:
            waits = (table.c.state == state, table.c.next_attempt_at < before)
            query = select(func.count()).select_from(table).where(*waits)
            if table is deliveries:
                query = query.join(editions, deliveries.c.edition_id == editions.c.id)
                query = query.where(editions.c.state == "running")
            found += int((await tx.execute(query)).scalar_one())
    return found


async def mostly_deferred(tx: Tx, before: datetime) -> Common:
    """The deferred of those running editions, planned before then, of which fewer were accepted than are deferred."""
    old = (deliveries.c.state == DeliveryState.DEFERRED, deliveries.c.created_at < before)
    query = select(deliveries.c.edition_id, func.count().label("n"))
    query = query.join(editions, deliveries.c.edition_id == editions.c.id).where(*old, editions.c.state == "running")
    chosen, count = [], 0
    for row in (await tx.execute(query.group_by(deliveries.c.edition_id))).all():
        got = select(deliveries.c.id).where(
            deliveries.c.edition_id == row.edition_id, deliveries.c.state == DeliveryState.ACCEPTED
        )
        # Counted no further than need be: the edition may be large, and its rest small.
        if int((await tx.execute(select(func.count()).select_from(got.limit(row.n).subquery()))).scalar_one()) < row.n:
            chosen.append(row.edition_id)
            count += row.n
    if not chosen:
        return Common()
    return Common(count, await _most_common(tx, select().where(
        deliveries.c.edition_id.in_(chosen), deliveries.c.state == DeliveryState.DEFERRED
    )))


async def last_words(tx: Tx, since: datetime) -> Reply:
    """The words of the last attempt, where it ended since then."""
    row = (await tx.execute(select(attempts).order_by(attempts.c.id.desc()).limit(1))).first()
    if row is None or row.finished_at < since:
        return _SILENCE
    return Reply(row.reply_code, row.reply_enhanced, row.reply_text)


async def held_back(tx: Tx) -> Common:
    """Messages that were withheld: by the lint or by a fault, and not by the operator."""
    withheld = (deliveries.c.state == DeliveryState.HELD, deliveries.c.reply_text != HELD)
    count = int((await tx.execute(select(func.count()).select_from(deliveries).where(*withheld))).scalar_one())
    return Common(count, await _most_common(tx, select().where(*withheld))) if count else Common()


async def doubtful(tx: Tx) -> int:
    """Deliveries in doubt that wait for the operator."""
    query = select(func.count()).select_from(deliveries).join(editions, deliveries.c.edition_id == editions.c.id).where(
        deliveries.c.state == DeliveryState.IN_DOUBT, deliveries.c.next_attempt_at.is_(None),
        editions.c.state == "running",
    )
    return int((await tx.execute(query)).scalar_one())


async def _most_common(tx: Tx, chosen: Select[Any]) -> Reply:
    """The most common codes among these deliveries, with an example of their words."""
    codes = (deliveries.c.reply_code, deliveries.c.reply_enhanced)
    query = chosen.add_columns(*codes, func.min(deliveries.c.reply_text).label("words")).group_by(*codes)
    row = (await tx.execute(query.order_by(func.count().desc()).limit(1))).first()
    return _SILENCE if row is None else Reply(row.reply_code, row.reply_enhanced, row.words)
