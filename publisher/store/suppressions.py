"""The suppression list as its keeper sees it: many addresses at once, pages, and what was taken off it.

A single address is put on it by `audience.suppress`, and asked for by `audience.suppressed`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from publisher.store import audience
from publisher.store.bulk import among_texts
from publisher.store.engine import Tx
from publisher.store.mail_schema import releases, subscribers, subscriptions, suppressions
from publisher.store.upsert import upsert_all


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address to which nothing is sent."""

    #: In normal form.
    email_key: str
    #: As "bounce", "complaint", "operator" or "unsubscribed".
    reason: str
    note: str
    at: datetime


async def reasons(tx: Tx, keys: Collection[str]) -> dict[str, str]:
    """Of these addresses those that are suppressed, and why."""
    query = select(suppressions.c.email_key, suppressions.c.reason)
    rows = await tx.execute(query.where(among_texts(tx, suppressions.c.email_key, keys)))
    return {row.email_key: row.reason for row in rows}


async def page(tx: Tx, after: str = "", limit: int = 1000, reason: str = "") -> list[Suppression]:
    """Suppressions in the order of their addresses, those after `after`."""
    query = select(suppressions).where(suppressions.c.email_key > after).order_by(suppressions.c.email_key)
    if reason:
        query = query.where(suppressions.c.reason == reason)
    return [_suppression(row) for row in await tx.execute(query.limit(limit))]


async def put(tx: Tx, found: Sequence[Suppression]) -> None:
    """Nothing is sent to these addresses any more; one that stands on the list already has this reason from now on."""
    keys = [one.email_key for one in found]
    mine = select(subscribers.c.id).where(among_texts(tx, subscribers.c.email_key, keys))
    held = select(subscriptions.c.id).where(subscriptions.c.subscriber_id.in_(mine))
    if tx.dialect.name != "sqlite":  # the rows that a claim locks: one of the two comes first (I10)
        await audience.lock_all(tx, (await tx.execute(held)).scalars().all())
    rows = [{"email_key": o.email_key, "reason": o.reason, "note": o.note, "at": o.at} for o in found]
    await upsert_all(tx, suppressions, ("email_key",), rows)


async def release(tx: Tx, email_key: str, *, by: str, note: str, now: datetime) -> Suppression | None:
    """Takes the address off the list, and keeps on record that it stood there; None where it does not.

    Nobody is subscribed by that: a subscription that is active is served again, one that ended stays ended.
    """
    taken = delete(suppressions).where(suppressions.c.email_key == email_key).returning(*suppressions.c)
    row = (await tx.execute(taken)).first()
    if row is None:
        return None
    found = _suppression(row)
    await tx.execute(insert(releases).values(
        email_key=email_key, reason=found.reason, note=found.note, suppressed_at=found.at, released_at=now,
        released_by=by, release_note=note,
    ))
    return found


async def history(tx: Tx, email_key: str) -> list[dict[str, Any]]:
    """When the address was taken off the list, the first time first: reason, note, suppressed_at, released_at, ..."""
    query = select(releases).where(releases.c.email_key == email_key).order_by(releases.c.id)
    names = ("reason", "note", "suppressed_at", "released_at", "released_by", "release_note")
    return [{name: getattr(row, name) for name in names} for row in await tx.execute(query)]


def _suppression(row: Any) -> Suppression:
    return Suppression(row.email_key, row.reason, row.note, row.at)
