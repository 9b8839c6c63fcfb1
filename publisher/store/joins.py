"""How documents came to articles that they did not found, so that they can be taken out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from publisher.model import ArticleStatus, SubscriptionState
from publisher.store import versions
from publisher.store.engine import Tx
from publisher.store.mail_schema import subscriptions
from publisher.store.schema import joins

#: The rule of what was joined by hand.
MERGE = "merge"


@dataclass(frozen=True, slots=True)
class Join:
    """One document, or all those of a merged article, that came to an article."""

    id: int
    #: By which rule of identity, or MERGE.
    rule: str
    #: (source, path) of each.
    documents: tuple[tuple[str, str], ...]
    #: Number of the article's last version before; it may have none.
    version: int
    #: Of a merge: the other article, and the status that it had.
    merged_id: str | None
    merged_status: ArticleStatus | None


async def add(
    tx: Tx, article_id: str, rule: str, documents: Sequence[tuple[str, str]], now: datetime, *,
    merged_id: str | None = None, merged_status: ArticleStatus | None = None,
) -> None:
    """Records that these documents now belong to the article, before it says what they say."""
    await tx.execute(
        insert(joins).values(
            article_id=article_id, rule=rule, documents=[list(place) for place in documents], at=now,
            version=await versions.last(tx, article_id), merged_id=merged_id, merged_status=merged_status,
        )
    )


async def latest(tx: Tx, article_id: str) -> Join | None:
    """The last that came to the article; None where nothing did."""
    query = select(joins).where(joins.c.article_id == article_id).order_by(joins.c.id.desc()).limit(1)
    row = (await tx.execute(query)).first()
    if row is None:
        return None
    places = tuple((source, path) for source, path in row.documents)
    status = ArticleStatus(row.merged_status) if row.merged_status else None
    return Join(row.id, row.rule, places, row.version, row.merged_id, status)


async def has_come(tx: Tx, article_id: str, rule: str, place: tuple[str, str]) -> bool:
    """True if the document at `place`, a (source, path), came to the article by this rule."""
    query = select(joins.c.documents).where(joins.c.article_id == article_id, joins.c.rule == rule)
    return any(list(place) in found for found in (await tx.execute(query)).scalars())


async def would_come_twice(tx: Tx, sent: int, waiting: int) -> bool:
    """True if some reader was mailed what came before `sent` (a seq) and it, and is still to get `waiting`."""
    between = (subscriptions.c.from_seq >= sent) & (subscriptions.c.from_seq < waiting)
    query = select(subscriptions.c.id).where(between, subscriptions.c.state == SubscriptionState.ACTIVE).limit(1)
    return (await tx.execute(query)).first() is not None


async def remove(tx: Tx, join: Join) -> None:
    """It is undone."""
    await tx.execute(delete(joins).where(joins.c.id == join.id))
