"""Corrections, and which readers were mailed what was corrected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from publisher.change_kind import Change
from publisher.model import ArticleStatus
from publisher.outgoing import DeliveryState
from publisher.store.bulk import among
from publisher.store.engine import Tx
from publisher.store.mail_schema import deliveries, variant_articles
from publisher.store.schema import article_versions, articles

#: Changes that readers are told of.
_TOLD = (Change.CORRECTION, Change.SUBSTANTIAL)


@dataclass(frozen=True, slots=True)
class Correction:
    """A live article that was corrected, as it stands now."""

    article_id: str
    seq: int
    content_hash: str


async def since(tx: Tx, after: datetime, until: datetime, limit: int) -> list[Correction]:
    """Live articles corrected after the one instant and up to the other, the last one first; of many the last ones."""
    changed = article_versions.c
    last = func.max(changed.replaced_at)
    found = (
        select(articles.c.id, articles.c.seq, articles.c.content_hash)
        .join(articles, articles.c.id == changed.article_id)
        .where(changed.replaced_at > after, changed.replaced_at <= until, changed.change.in_(_TOLD))
        .where(articles.c.status == ArticleStatus.LIVE, articles.c.seq.is_not(None))
        .group_by(articles.c.id, articles.c.seq, articles.c.content_hash)
        .order_by(last.desc(), articles.c.id).limit(limit)
    )
    return [Correction(row.id, row.seq, row.content_hash) for row in await tx.execute(found)]


async def holding(tx: Tx, article_ids: Collection[str]) -> dict[int, frozenset[str]]:
    """Variants in which some of these articles stand as news, with those that do."""
    query = select(variant_articles.c.variant_id, variant_articles.c.article_id).where(
        variant_articles.c.article_id.in_(list(article_ids)), variant_articles.c.correction.is_(False)
    )
    found: defaultdict[int, set[str]] = defaultdict(set)
    for row in await tx.execute(query):
        found[row.variant_id].add(row.article_id)
    return {variant: frozenset(ids) for variant, ids in found.items()}


async def mailed(
    tx: Tx, subscription_ids: Sequence[int], variants: dict[int, frozenset[str]], lowest_seq: int
) -> dict[int, set[str]]:
    """Which of the articles of these `variants` each subscription was mailed; none of them has a lower `seq`.

    Looks along the index of what was claimed, from the windows on that end at `lowest_seq`.
    """
    # The state is looked at here: in the query it would lead SQLite to the index of states.
    query = select(deliveries.c.subscription_id, deliveries.c.variant_id, deliveries.c.state).where(
        among(tx, deliveries.c.subscription_id, subscription_ids),
        deliveries.c.claimed_at.is_not(None), deliveries.c.to_seq >= lowest_seq,
    )
    found: defaultdict[int, set[str]] = defaultdict(set)
    for row in await tx.execute(query):
        if row.variant_id in variants and row.state == DeliveryState.ACCEPTED:
            found[row.subscription_id] |= variants[row.variant_id]
    return found
