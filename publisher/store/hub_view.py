"""How the WebSub hub stands, for the operator. Callbacks go by their hosts: an address may be a secret."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from publisher.hub_state import HubMode
from publisher.store import hub_pings
from publisher.store.engine import Tx
from publisher.store.hub_schema import hub_requests, hub_subscriptions, hub_topics

#: Failing callbacks that are named.
_NAMED = 20


async def counts(tx: Tx) -> dict[str, int]:
    """Subscriptions; those that are still to get what changed; those that fail; requests that wait."""
    subs, topics = hub_subscriptions.c, hub_topics.c
    behind = (
        select(func.count()).select_from(hub_topics).join(hub_subscriptions, subs.feed == topics.feed)
        .where(subs.number < topics.number)
    )
    queries = {
        "subscriptions": select(func.count()).select_from(hub_subscriptions),
        "behind": behind,
        "failing": select(func.count()).select_from(hub_subscriptions).where(subs.reason != ""),
        "to_verify": select(func.count()).select_from(hub_requests).where(hub_requests.c.next_try_at.is_not(None)),
    }
    return {name: int((await tx.execute(query)).scalar_one()) for name, query in queries.items()}


async def failing(tx: Tx) -> list[dict[str, Any]]:
    """The callbacks that fail, with the reason and when they are tried again; then requests that were not confirmed."""
    subs = hub_subscriptions.c
    query = (
        select(subs.feed, subs.host, subs.reason, subs.retry_at).where(subs.reason != "")
        .order_by(subs.failing_since, subs.id).limit(_NAMED)
    )
    found = [_row("push", *row) for row in await tx.execute(query)]
    asked = hub_requests.c
    unconfirmed = (
        select(asked.feed, asked.host, asked.reason, asked.next_try_at)
        .where(asked.reason != "", asked.mode != HubMode.DENIED).order_by(asked.id).limit(_NAMED)
    )
    return found + [_row("verification", *row) for row in await tx.execute(unconfirmed)]


def _row(what: str, feed: str, host: str, reason: str, again: datetime | None) -> dict[str, Any]:
    return {"what": what, "feed": feed, "host": host, "reason": reason, "next_try_at": again}


async def pings(tx: Tx) -> list[dict[str, Any]]:
    """The hubs of others: what they are still to be told, and why they are not."""
    waiting = await hub_pings.waiting(tx)
    return [
        {"hub": hub, "waiting": waiting.get(hub, 0), "reason": peer.reason, "next_try_at": peer.retry_at}
        for hub, peer in (await hub_pings.peers(tx)).items()
    ]
