"""Subscriptions at the hubs of feeds: which are wanted, what was asked, until when each is live."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select, update

from publisher.source_state import Push, PushMode
from publisher.store.engine import Tx
from publisher.store.schema import pushes
from publisher.store.upsert import insert_new


def _push(row: Row[Any]) -> Push:
    return Push(
        row.id, row.source, row.hub, row.topic, row.wanted, PushMode(row.pending), row.lease_until, row.next_ask_at,
        row.tries, row.reason,
    )


async def get(tx: Tx, push_id: int) -> Push | None:
    """The subscription with this id; None where there is none."""
    row = (await tx.execute(select(pushes).where(pushes.c.id == push_id))).first()
    return None if row is None else _push(row)


async def due(tx: Tx, now: datetime) -> list[Push]:
    """Those whose hubs are to be asked now."""
    rows = await tx.execute(select(pushes).where(pushes.c.next_ask_at <= now).order_by(pushes.c.next_ask_at).limit(100))
    return [_push(row) for row in rows]


async def live_until(tx: Tx, source: str) -> datetime | None:
    """Until when the source is pushed to us; None where it is not."""
    query = select(func.max(pushes.c.lease_until)).where(pushes.c.source == source, pushes.c.wanted)
    found: datetime | None = (await tx.execute(query)).scalar_one()
    return found


async def offer(tx: Tx, source: str, hub: str, topic: str, now: datetime) -> None:
    """The source offers this topic at this hub, and is to be asked for it; what it offered before is not wanted."""
    here = (pushes.c.hub == hub) & (pushes.c.topic == topic)
    await _unwant(tx, now, (pushes.c.source == source) & ~here)
    fresh = await insert_new(tx, pushes, {
        "source": source, "hub": hub, "topic": topic, "wanted": True, "pending": "", "next_ask_at": now, "tries": 0,
        "reason": "",
    })
    if not fresh:
        again = (pushes.c.source == source) & here & ~pushes.c.wanted
        await tx.execute(update(pushes).where(again).values(wanted=True, tries=0, next_ask_at=now))


async def withdraw(tx: Tx, source: str, now: datetime) -> None:
    """The source offers no hub."""
    await _unwant(tx, now, pushes.c.source == source)


async def keep_only(tx: Tx, sources: Collection[str], now: datetime) -> None:
    """Those of other sources are not wanted any more."""
    await _unwant(tx, now, pushes.c.source.not_in(list(sources)))


async def _unwant(tx: Tx, now: datetime, which: Any) -> None:
    """Ends the wanted ones of `which`, a condition."""
    ending = {"wanted": False, "tries": 0, "next_ask_at": now}
    await tx.execute(update(pushes).where(which, pushes.c.wanted).values(**ending))


async def any_strange(tx: Tx, sources: Collection[str]) -> bool:
    """Whether there is a wanted one of another source."""
    query = select(pushes.c.id).where(pushes.c.wanted, pushes.c.source.not_in(list(sources))).limit(1)
    return (await tx.execute(query)).first() is not None


async def put(tx: Tx, push: Push) -> None:
    """Records where the subscription stands, but not whether it is wanted; one that was removed stays removed."""
    names = ("pending", "lease_until", "next_ask_at", "tries", "reason")
    values = {name: getattr(push, name) for name in names}
    await tx.execute(update(pushes).where(pushes.c.id == push.id).values(**values))


async def refused(tx: Tx, push: Push, reason: str) -> None:
    """Records why the hub did not take what it was asked, unless it came back about it meanwhile."""
    still = (pushes.c.id == push.id) & (pushes.c.pending == push.pending) & (pushes.c.tries == push.tries)
    await tx.execute(update(pushes).where(still).values(reason=reason))


async def remove(tx: Tx, push_id: int) -> None:
    """Forgets the subscription."""
    await tx.execute(delete(pushes).where(pushes.c.id == push_id))
