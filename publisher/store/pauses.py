"""Pauses that are over: the reader is due again, and what went live until then is passed over (I3)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, case, select, update

from publisher.store import tides
from publisher.store.engine import Tx
from publisher.store.mail_schema import subscriptions

_C = subscriptions.c


async def over(tx: Tx, now: datetime, limit: int) -> list[datetime]:
    """Ends of pauses that have come, each once, the first one first; found along an index of pauses."""
    query = select(_C.paused_until).where(_C.paused_until.is_not(None), _C.paused_until <= now)
    return list((await tx.execute(query.distinct().order_by(_C.paused_until).limit(limit))).scalars())


async def end(tx: Tx, until: datetime, limit: int) -> int:
    """Ends the pauses that last until this instant, at most so many; how many.

    The next window opens after what had gone live by then, whenever this is called; it never moves back.
    """
    place = await tides.seq_at(tx, until)
    waiting = select(_C.id).where(_C.paused_until == until).order_by(_C.id).limit(limit).with_for_update()
    chosen = and_(_C.id.in_(waiting.scalar_subquery()), _C.paused_until == until)
    ended = {"from_seq": case((_C.from_seq < place, place), else_=_C.from_seq), "paused_until": None}
    return (await tx.execute(update(subscriptions).where(chosen).values(**ended))).rowcount
