"""What was learnt of receiving domains, and how much went out today: what pace must know after a restart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import delete, select

from publisher.store.engine import Tx
from publisher.store.mail_schema import sent_days, throttles
from publisher.store.upsert import upsert


async def load(tx: Tx) -> list[tuple[str, datetime | None, int, str]]:
    """The domains that are spared: (name, stopped until, messages at once, the server's words)."""
    columns = (throttles.c.domain, throttles.c.stopped_until, throttles.c.allowed, throttles.c.reason)
    return [tuple(row) for row in await tx.execute(select(*columns).order_by(throttles.c.domain))]


async def save(tx: Tx, spared: Iterable[tuple[str, datetime | None, int, str]], free: Iterable[str]) -> None:
    """Writes down who is spared, and forgets who is not any more."""
    for domain, stopped_until, allowed, reason in spared:
        values = {"domain": domain, "stopped_until": stopped_until, "allowed": allowed, "reason": reason[:500]}
        await upsert(tx, throttles, ("domain",), values)
    for domain in free:
        await tx.execute(delete(throttles).where(throttles.c.domain == domain))


async def last_day(tx: Tx) -> tuple[date, int] | None:
    """The last day on which digests were sent, and how many."""
    query = select(sent_days.c.day, sent_days.c["count"]).order_by(sent_days.c.day.desc()).limit(1)
    row = (await tx.execute(query)).first()
    return None if row is None else (row[0], row[1])


async def save_day(tx: Tx, day: date, count: int) -> None:
    """Writes down how many digests were sent on `day`."""
    await upsert(tx, sent_days, ("day",), {"day": day, "count": count})
