"""Readers' own feeds, each at an address that only its reader has.

The address holds the reader's number; a new number makes another address, and the old one is void.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from publisher.model import SubscriptionState
from publisher.store.engine import Tx
from publisher.store.mail_schema import private_feeds, subscriptions
from publisher.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class Standing:
    """How a reader's own feed stands."""

    #: Of its address; 0 where the reader has asked for none yet.
    number: int
    #: It is served.
    open: bool


async def standing(tx: Tx, subscriber_id: int) -> Standing:
    """Of this reader's feed."""
    row = (await tx.execute(select(private_feeds).where(private_feeds.c.subscriber_id == subscriber_id))).first()
    return Standing(0, open=False) if row is None else Standing(row.number, row.open)


async def put(tx: Tx, subscriber_id: int, now: Standing) -> None:
    """From now on it stands so."""
    values = {"subscriber_id": subscriber_id, "number": now.number, "open": now.open}
    await upsert(tx, private_feeds, ("subscriber_id",), values)


async def wishes(tx: Tx, subscriber_id: int) -> list[tuple[str, tuple[str, ...]]]:
    """(newsletter, section slugs) of what the reader subscribes to; of one who left it all, of what it was."""
    query = select(subscriptions.c.newsletter, subscriptions.c.sections, subscriptions.c.state)
    confirmed = subscriptions.c.state != SubscriptionState.PENDING
    query = query.where(subscriptions.c.subscriber_id == subscriber_id, confirmed)
    rows = list(await tx.execute(query.order_by(subscriptions.c.id)))
    active = [row for row in rows if row.state == SubscriptionState.ACTIVE]
    return [(row.newsletter, tuple(row.sections)) for row in active or rows]
