"""What readers change about what they get: pauses, and what holds for all their subscriptions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from publisher.model import SubscriptionState
from publisher.store import articles, audience
from publisher.store.engine import Tx
from publisher.store.mail_schema import subscribers, subscriptions


async def pause(tx: Tx, subscription_id: int, until: datetime, now: datetime) -> bool:
    """Nothing comes until then; False where the subscription is not active. Pausing again moves the end.

    What waits and is not claimed is ended: the reader asked for quiet. The window moves to the present, and once more
    when the pause ends (I3); `next_due_at` is its end, so that the plan step looks at it then.
    """
    found = await audience.lock(tx, subscription_id)
    if found is None or found.state != SubscriptionState.ACTIVE:
        return False
    await audience.cancel_unsent(tx, subscription_id, now, "the reader paused")
    present = await articles.max_seq(tx)
    await _set(tx, subscription_id, paused_until=until, next_due_at=until, from_seq=max(found.from_seq, present))
    return True


async def resume(tx: Tx, subscription_id: int, now: datetime) -> bool:
    """Ends a pause early: what comes from now on is news. False where there is none, or it is over.

    One that is over has its window at its own end, which the plan step opens.
    """
    found = await audience.lock(tx, subscription_id)
    if found is None or found.state != SubscriptionState.ACTIVE:
        return False
    if found.paused_until is None or found.paused_until <= now:
        return False
    present = await articles.max_seq(tx)
    await _set(tx, subscription_id, paused_until=None, next_due_at=None, from_seq=max(found.from_seq, present))
    return True


async def change_person(
    tx: Tx, subscriber_id: int, *, timezone: str, language: str, plain_text: bool
) -> None:
    """How everything comes to a person; in another zone the plan step computes their due instants anew."""
    mine = subscriptions.c.subscriber_id == subscriber_id
    # The same rows, in the same order, as everybody locks: before the person.
    await tx.execute(select(subscriptions.c.id).where(mine).order_by(subscriptions.c.id).with_for_update())
    before = (await tx.execute(select(subscribers.c.timezone).where(subscribers.c.id == subscriber_id))).scalar_one()
    values = {"timezone": timezone, "language": language, "plain_text": plain_text}
    await tx.execute(update(subscribers).where(subscribers.c.id == subscriber_id).values(**values))
    if timezone != before:
        active = subscriptions.c.state == SubscriptionState.ACTIVE
        await tx.execute(update(subscriptions).where(mine, active).values(next_due_at=subscriptions.c.paused_until))


async def _set(tx: Tx, subscription_id: int, **values: Any) -> None:
    await tx.execute(update(subscriptions).where(subscriptions.c.id == subscription_id).values(**values))
