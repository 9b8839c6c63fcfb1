"""The suppression list as its keeper sees it: many addresses at once, pages, and what was taken off it.

A single address is put on it by `audience.suppress`, and asked for by `audience.suppressed`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from publisher.model import LEFT, SubscriptionState
from publisher.store import audience, bounces
from publisher.store.bulk import among_texts
from publisher.store.engine import Tx, fingerprints_of
from publisher.store.mail_schema import consents, releases, subscribers, subscriptions, suppressions
from publisher.store.upsert import upsert_all

#: The reason of a mark against which nothing else stands.
ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address to which nothing is sent."""

    #: In normal form.
    email_key: str
    #: As "bounce", "complaint", "operator" or "unsubscribed".
    reason: str
    note: str
    at: datetime


async def page(tx: Tx, after: str = "", limit: int = 1000, reason: str = "") -> list[Suppression]:
    """Suppressions in the order of their addresses, those after `after`."""
    query = select(suppressions).where(suppressions.c.email_key > after).order_by(suppressions.c.email_key)
    if reason:
        query = query.where(suppressions.c.reason == reason)
    return [_suppression(row) for row in await tx.execute(query.limit(limit))]


async def stands_plainly(tx: Tx, email_key: str) -> bool:
    """Whether the list holds the address itself, and not only a mark of it."""
    query = select(suppressions.c.email_key).where(suppressions.c.email_key == email_key)
    return (await tx.execute(query)).first() is not None


async def put(tx: Tx, found: Sequence[Suppression], now: datetime) -> None:
    """Nothing is sent to these addresses any more; one that stands on the list already has this reason from now on.

    One that was erased stands there by its mark, and goes on to. Of whoever is there because they left, every
    subscription ends: they come back by a fresh double opt-in, and by nothing else.
    """
    if not found:
        return
    keys = [one.email_key for one in found]
    mine = select(subscribers.c.id).where(among_texts(tx, subscribers.c.email_key, keys))
    held = select(subscriptions.c.id).where(subscriptions.c.subscriber_id.in_(mine))
    if tx.dialect.name != "sqlite":  # the rows that a claim locks: one of the two comes first (I10)
        await audience.lock_all(tx, (await tx.execute(held)).scalars().all())
    marked = await marks_of(tx, keys)
    rows = [
        {"email_key": marked.get(one.email_key, one.email_key), "reason": one.reason, "note": one.note, "at": one.at}
        for one in found
    ]
    await upsert_all(tx, suppressions, ("email_key",), rows)
    await _end(tx, [one.email_key for one in found if one.reason in LEFT], now)


async def _end(tx: Tx, keys: Sequence[str], now: datetime) -> None:
    """Ends what these addresses still subscribe to, and keeps on record by what."""
    theirs = select(subscriptions.c.id).join(subscribers, subscriptions.c.subscriber_id == subscribers.c.id).where(
        among_texts(tx, subscribers.c.email_key, keys), subscriptions.c.state != SubscriptionState.UNSUBSCRIBED
    )
    ids = (await tx.execute(theirs)).scalars().all() if keys else ()
    if ids:
        await audience.unsubscribe_all(tx, ids, now)
        told = {"action": "left", "at": now, "origin": "suppression list", "wording": ""}
        await tx.execute(insert(consents), [{"subscription_id": ident, **told} for ident in sorted(ids)])


async def release(tx: Tx, email_key: str, *, by: str, note: str, now: datetime) -> Suppression | None:
    """Takes the address off the list, and keeps on record that it stood there; None where it does not.

    Nobody is subscribed by that: a subscription that is active is served again, from the present on, one that ended
    stays ended. Bounces that were counted are forgotten. The mark of somebody who was erased stays, without what else
    stood against it; it is what is returned where nothing else did.
    """
    person = select(subscribers.c.id).where(subscribers.c.email_key == email_key)
    await bounces.lock(tx, (await tx.execute(person)).scalars().all())  # before the list, as everybody does
    names = (email_key, *fingerprints_of(tx, email_key))
    mine = suppressions.c.email_key.in_(names)
    rows = [_suppression(row) for row in await tx.execute(select(suppressions).where(mine).with_for_update())]
    for found in rows:
        if found.reason == ERASED:
            continue
        await tx.execute(insert(releases).values(
            email_key=found.email_key, reason=found.reason, note=found.note, suppressed_at=found.at, released_at=now,
            released_by=by, release_note=note,
        ))
    marks = suppressions.c.email_key.in_(names[1:])
    await tx.execute(update(suppressions).where(marks).values(reason=ERASED, note=""))
    await tx.execute(delete(suppressions).where(suppressions.c.email_key == email_key))
    if rows:
        await bounces.forget(tx, email_key, now)
    return min(rows, key=lambda found: found.reason == ERASED, default=None)


async def marks_of(tx: Tx, keys: Collection[str]) -> dict[str, str]:
    """Of these addresses those that stand on the list by a mark, each with it."""
    marks = {mark: key for key in keys for mark in fingerprints_of(tx, key)}
    query = select(suppressions.c.email_key).where(among_texts(tx, suppressions.c.email_key, marks))
    return {marks[mark]: mark for mark in (await tx.execute(query)).scalars()} if marks else {}


async def history(tx: Tx, email_key: str) -> list[dict[str, Any]]:
    """When the address was taken off the list, the first time first: reason, note, suppressed_at, released_at, ..."""
    stood = releases.c.email_key.in_((email_key, *fingerprints_of(tx, email_key)))
    query = select(releases).where(stood).order_by(releases.c.id)
    names = ("reason", "note", "suppressed_at", "released_at", "released_by", "release_note")
    return [{name: getattr(row, name) for name in names} for row in await tx.execute(query)]


def _suppression(row: Any) -> Suppression:
    return Suppression(row.email_key, row.reason, row.note, row.at)
