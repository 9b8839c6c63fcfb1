"""What was learnt of receiving domains, and how much went out: what pace must know after a restart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, func, select

from publisher.outgoing import DeliveryState
from publisher.store.engine import Tx
from publisher.store.mail_schema import deliveries, throttles
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


async def accepted_since(tx: Tx, since: datetime) -> int:
    """How many digests were accepted."""
    query = select(func.count()).select_from(deliveries).where(
        deliveries.c.state == DeliveryState.ACCEPTED, deliveries.c.finished_at >= since
    )
    return int((await tx.execute(query)).scalar_one())
