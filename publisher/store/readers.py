"""Readers as the operator looks at them: which are meant, found by a word, with what they said and what they got."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select, update

from publisher.model import SubscriptionState
from publisher.outgoing import Delivery
from publisher.store import ledger_view
from publisher.store.bulk import among
from publisher.store.engine import Tx
from publisher.store.mail_schema import consents, deliveries, subscribers, subscriptions, suppressions
from publisher.store.selection import Selection


def chosen(
    tx: Tx, *, state: SubscriptionState | None = None, newsletter: str = "", tag: str = ""
) -> list[ColumnElement[bool]]:
    """Conditions for `audience.list_readers`; what is left empty asks for nothing. Capitals of a tag do not count."""
    found: list[ColumnElement[bool]] = []
    if state is not None:
        found.append(subscriptions.c.state == state)
    if newsletter:
        found.append(subscriptions.c.newsletter == newsletter)
    if tag:
        one = _tags(tx)
        value = one.c.value
        found.append(exists().select_from(one).where(or_(value == tag, func.lower(value) == tag.lower())))
    return found


def matching(tx: Tx, text: str) -> ColumnElement[bool]:
    """The condition that address, name or a tag holds `text`, whatever its capitals.

    SQLite folds ASCII alone: of other letters the usual ways to write the word are tried.
    """
    ways = dict.fromkeys((text, text.lower(), text.upper(), text.title(), text.casefold()))
    one = _tags(tx)
    columns = (subscribers.c.email, subscribers.c.email_key, subscribers.c.name)
    found = [column.icontains(way, autoescape=True) for column in columns for way in ways]
    in_tags = or_(*(one.c.value.icontains(way, autoescape=True) for way in ways))
    return or_(*found, exists().select_from(one).where(in_tags))


def _tags(tx: Tx) -> Any:
    """The person's tags as rows with a `value`."""
    if tx.dialect.name == "sqlite":
        return func.json_each(subscribers.c.tags).table_valued("value")
    return func.json_array_elements_text(subscribers.c.tags).table_valued("value")


async def change_tags(
    tx: Tx, subscriber_id: int, change: Callable[[Sequence[str]], tuple[str, ...]]
) -> tuple[str, ...]:
    """Gives the person the tags that `change` makes of those they have; returns them."""
    mine = subscribers.c.id == subscriber_id
    before = (await tx.execute(select(subscribers.c.tags).where(mine).with_for_update())).scalar_one()
    tags = change(before)
    await tx.execute(update(subscribers).where(mine).values(tags=list(tags)))
    return tags


async def consents_of(tx: Tx, subscription_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """For each of these subscriptions its consents, the oldest first: action, at, origin, wording."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    mine = among(tx, consents.c.subscription_id, list(subscription_ids))
    for row in await tx.execute(select(consents).where(mine).order_by(consents.c.id)):
        told = {"action": row.action, "at": row.at, "origin": row.origin, "wording": row.wording}
        found[row.subscription_id].append(told)
    return found


async def suppressed_of(tx: Tx, subscriber_ids: Collection[int]) -> dict[int, str]:
    """Of these people those whose address is suppressed, and why."""
    query = select(subscribers.c.id, suppressions.c.reason).join(
        suppressions, suppressions.c.email_key == subscribers.c.email_key
    )
    rows = await tx.execute(query.where(among(tx, subscribers.c.id, list(subscriber_ids))))
    return {row.id: row.reason for row in rows}


async def last_deliveries(tx: Tx, subscription_ids: Collection[int], limit: int) -> list[Delivery]:
    """What went to these subscriptions last, the newest first."""
    mine = deliveries.c.subscription_id.in_(list(subscription_ids))
    newest = select(deliveries.c.id).where(mine).order_by(deliveries.c.id.desc()).limit(limit)
    found = tuple((await tx.execute(newest)).scalars())
    return await ledger_view.listed(tx, Selection(ids=found), limit) if found else []


async def count_by_state(tx: Tx) -> dict[str, int]:
    """Number of subscriptions in each state."""
    query = select(subscriptions.c.state, func.count().label("n")).group_by(subscriptions.c.state)
    return {row.state: row.n for row in await tx.execute(query)}


async def next_due(tx: Tx) -> dict[str, tuple[datetime, int]]:
    """For each newsletter: the next due instant of an active subscription, and how many are active."""
    query = (
        select(
            subscriptions.c.newsletter, func.min(subscriptions.c.next_due_at).label("at"), func.count().label("n")
        )
        .where(subscriptions.c.state == SubscriptionState.ACTIVE)
        .group_by(subscriptions.c.newsletter)
        .order_by(subscriptions.c.newsletter)
    )
    return {row.newsletter: (row.at, row.n) for row in await tx.execute(query)}
