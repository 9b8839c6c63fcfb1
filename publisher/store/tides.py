"""How far the order of articles had come at an instant: where a pause ends, whenever that is noticed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from publisher.store.engine import Tx
from publisher.store.schema import tides
from publisher.store.upsert import insert_new


async def note(tx: Tx, seq: int, at: datetime) -> None:
    """At this instant articles went live, up to this `seq`."""
    await insert_new(tx, tides, {"seq": seq, "at": at})


async def seq_at(tx: Tx, at: datetime) -> int:
    """The highest `seq` that had been given out at this instant, 0 before the first."""
    query = select(func.coalesce(func.max(tides.c.seq), 0)).where(tides.c.at <= at)
    return int((await tx.execute(query)).scalar_one())
