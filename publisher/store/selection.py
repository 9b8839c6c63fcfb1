"""Which deliveries or notices a command means: by id, or by what they are. One place makes the conditions of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, false, func, select

from publisher.outgoing import DeliveryState
from publisher.store.engine import Tx
from publisher.store.mail_schema import deliveries, notices, subscribers, subscriptions


@dataclass(frozen=True, slots=True)
class Selection:
    """Deliveries, or notices, to which all of this applies; what is left empty asks for nothing."""

    ids: tuple[int, ...] = ()
    states: tuple[DeliveryState, ...] = ()
    #: Receiving domain, in A-labels and lower case.
    domain: str = ""
    edition: int | None = None
    newsletter: str = ""
    #: Planned then or later.
    since: datetime | None = None
    #: Notices (transactional mail) instead of deliveries.
    notices: bool = False

    @property
    def table(self) -> Table:
        """The table whose rows are meant."""
        return notices if self.notices else deliveries


def conditions(chosen: Selection) -> list[ColumnElement[bool]]:
    """What the rows of `chosen.table`, joined with their readers, must be."""
    found: list[ColumnElement[bool]] = []
    table = chosen.table
    if chosen.ids:
        found.append(table.c.id.in_(chosen.ids))
    if chosen.states:
        found.append(table.c.state.in_(chosen.states))
    if chosen.domain:
        found.append(subscribers.c.email_key.endswith(f"@{chosen.domain}", autoescape=True))
    if chosen.edition is not None:
        found.append(false() if chosen.notices else table.c.edition_id == chosen.edition)
    if chosen.newsletter:
        found.append(subscriptions.c.newsletter == chosen.newsletter)
    if chosen.since is not None:
        found.append(table.c.created_at >= chosen.since)
    return found


def reading(*columns: Any, of: Selection) -> Select[Any]:
    """These columns of the chosen rows; their readers are joined where the choice is about them."""
    query = select(*columns).select_from(of.table)
    if of.domain or of.newsletter:
        query = query.join(subscriptions, of.table.c.subscription_id == subscriptions.c.id).join(
            subscribers, subscriptions.c.subscriber_id == subscribers.c.id
        )
    return query.where(*conditions(of))


async def count_by_state(tx: Tx, chosen: Selection) -> dict[DeliveryState, int]:
    """How many are chosen, by state."""
    state = chosen.table.c.state
    query = reading(state, func.count().label("n"), of=chosen).group_by(state)
    return {DeliveryState(row.state): row.n for row in await tx.execute(query)}


async def unknown_ids(tx: Tx, chosen: Selection) -> list[int]:
    """Those of the chosen ids that no row has."""
    ids = chosen.table.c.id
    found = set((await tx.execute(select(ids).where(ids.in_(chosen.ids)))).scalars())
    return [ident for ident in chosen.ids if ident not in found]
