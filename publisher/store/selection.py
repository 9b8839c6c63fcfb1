"""Which deliveries a command means: by id, or by what they are. One place makes the conditions of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from publisher.outgoing import DeliveryState
from publisher.store.engine import Tx
from publisher.store.mail_schema import deliveries, subscribers, subscriptions


@dataclass(frozen=True, slots=True)
class Selection:
    """Deliveries to which all of this applies; what is left empty asks for nothing."""

    ids: tuple[int, ...] = ()
    states: tuple[DeliveryState, ...] = ()
    #: Receiving domain, in A-labels and lower case.
    domain: str = ""
    edition: int | None = None
    newsletter: str = ""
    #: Planned then or later.
    since: datetime | None = None


def conditions(chosen: Selection) -> list[ColumnElement[bool]]:
    """What the rows of deliveries, joined with their readers, must be."""
    found: list[ColumnElement[bool]] = []
    if chosen.ids:
        found.append(deliveries.c.id.in_(chosen.ids))
    if chosen.states:
        found.append(deliveries.c.state.in_(chosen.states))
    if chosen.domain:
        found.append(subscribers.c.email_key.endswith(f"@{chosen.domain}", autoescape=True))
    if chosen.edition is not None:
        found.append(deliveries.c.edition_id == chosen.edition)
    if chosen.newsletter:
        found.append(subscriptions.c.newsletter == chosen.newsletter)
    if chosen.since is not None:
        found.append(deliveries.c.created_at >= chosen.since)
    return found


def reading(*columns: Any, of: Selection) -> Select[Any]:
    """These columns of the chosen deliveries; their readers are joined where the choice is about them."""
    query = select(*columns).select_from(deliveries)
    if of.domain or of.newsletter:
        query = query.join(subscriptions, deliveries.c.subscription_id == subscriptions.c.id).join(
            subscribers, subscriptions.c.subscriber_id == subscribers.c.id
        )
    return query.where(*conditions(of))


async def count_by_state(tx: Tx, chosen: Selection) -> dict[DeliveryState, int]:
    """How many deliveries are chosen, by state."""
    query = reading(deliveries.c.state, func.count().label("n"), of=chosen).group_by(deliveries.c.state)
    return {DeliveryState(row.state): row.n for row in await tx.execute(query)}


async def unknown_ids(tx: Tx, ids: Sequence[int]) -> list[int]:
    """Those of `ids` that no delivery has."""
    found = set((await tx.execute(select(deliveries.c.id).where(deliveries.c.id.in_(list(ids))))).scalars())
    return [ident for ident in ids if ident not in found]
