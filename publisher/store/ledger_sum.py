"""The ledger in sum: for each edition who got it, who did not, and the most frequent reasons."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlalchemy import case, func, select

from publisher.outgoing import DeliveryState
from publisher.store.engine import Tx
from publisher.store.mail_schema import deliveries, editions, issues
from publisher.store.selection import Selection, count_by_state, reading

#: Reasons told for each edition.
_REASONS = 3
#: States that need no reason.
_PLAIN = (DeliveryState.ACCEPTED, DeliveryState.QUEUED, DeliveryState.CLAIMED)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why deliveries stand where they stand."""

    state: DeliveryState
    #: 0 where the words are ours.
    code: int
    enhanced: str
    #: One example; a server's words differ from message to message.
    text: str
    count: int


@dataclass(frozen=True, slots=True)
class EditionSum:
    """One edition in numbers."""

    id: int
    newsletter: str
    on: date
    kind: str
    #: "running", "paused" or "cancelled".
    state: str
    created_at: datetime
    counts: dict[DeliveryState, int] = field(default_factory=dict)
    #: The most frequent ones, the first most of all.
    reasons: tuple[Reason, ...] = ()


async def sums(tx: Tx, chosen: Selection, limit: int) -> list[EditionSum]:
    """The newest editions, the first the newest, with what the chosen deliveries of each came to."""
    found = await _editions(tx, chosen, limit)
    whole = []
    for edition in found:
        mine = replace(chosen, edition=edition.id)
        whole.append(replace(edition, counts=await count_by_state(tx, mine), reasons=await _reasons(tx, mine)))
    return whole


async def _editions(tx: Tx, chosen: Selection, limit: int) -> list[EditionSum]:
    of_edition = (editions.c[name] for name in ("id", "kind", "state", "created_at"))
    query = select(*of_edition, issues.c.newsletter, issues.c.date).join(issues, editions.c.issue_id == issues.c.id)
    query = query.order_by(editions.c.id.desc()).limit(limit)
    if chosen.edition is not None:
        query = query.where(editions.c.id == chosen.edition)
    if chosen.newsletter:
        query = query.where(issues.c.newsletter == chosen.newsletter)
    if chosen.since is not None:
        query = query.where(editions.c.created_at >= chosen.since)
    return [
        EditionSum(row.id, row.newsletter, row.date, row.kind, row.state, row.created_at)
        for row in await tx.execute(query)
    ]


async def _reasons(tx: Tx, chosen: Selection) -> tuple[Reason, ...]:
    """Of a server's words the codes count; of ours the words."""
    ours = case((deliveries.c.reply_code == 0, deliveries.c.reply_text), else_="")
    what = (deliveries.c.state, deliveries.c.reply_code, deliveries.c.reply_enhanced, ours)
    count = func.count()
    query = reading(*what, func.min(deliveries.c.reply_text).label("words"), count.label("n"), of=chosen)
    query = query.where(deliveries.c.state.not_in(_PLAIN)).group_by(*what).order_by(count.desc()).limit(_REASONS)
    return tuple(
        Reason(DeliveryState(row.state), row.reply_code, row.reply_enhanced, row.words, row.n)
        for row in await tx.execute(query)
    )
