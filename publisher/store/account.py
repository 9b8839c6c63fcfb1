"""A person as a whole: all their subscriptions, what they were sent, the links for what a forwarded digest must not do.

Of those links only the last one is good: `link_number` counts them, and counts on when one is used.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from publisher.model import ArticleStatus
from publisher.outgoing import DeliveryState
from publisher.store.engine import Tx
from publisher.store.mail_schema import deliveries, notices, subscribers, subscriptions, variant_articles, variants
from publisher.store.schema import articles

_TOLD = variant_articles
#: Messages that an export lists, the newest.
_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class Link:
    """The last link for what a forwarded digest must not allow."""

    number: int
    #: None: it was used, or none was asked for.
    asked_at: datetime | None
    #: The address that the person has now; empty: they were erased.
    email: str
    #: The one that they want to have, or empty.
    new_email: str


async def subscriptions_of(tx: Tx, subscriber_id: int) -> list[int]:
    """Ids of all the person's subscriptions, in order."""
    query = select(subscriptions.c.id).where(subscriptions.c.subscriber_id == subscriber_id)
    return list((await tx.execute(query.order_by(subscriptions.c.id))).scalars())


async def link(tx: Tx, subscriber_id: int, *, lock: bool) -> Link | None:
    """The person's last link; `lock`: nobody else changes it until the commit."""
    names = ("link_number", "link_asked_at", "email", "new_email")
    query = select(*(subscribers.c[name] for name in names)).where(subscribers.c.id == subscriber_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).first()
    return None if row is None else Link(*row)


async def next_link(tx: Tx, subscriber_id: int, now: datetime | None, new_email: str = "") -> int:
    """Makes every link so far void; returns the number of the one asked for `now`. None: none was asked for."""
    changed = (
        update(subscribers).where(subscribers.c.id == subscriber_id)
        .values(link_number=subscribers.c.link_number + 1, link_asked_at=now, new_email=new_email)
        .returning(subscribers.c.link_number)
    )
    return int((await tx.execute(changed)).scalar_one())


async def move(tx: Tx, subscriber_id: int, email: str, email_key: str) -> bool:
    """Gives the person another address; False where somebody has it."""
    changed = update(subscribers).where(subscribers.c.id == subscriber_id)
    try:
        async with tx.begin_nested():
            await tx.execute(changed.values(email=email, email_key=email_key, mailbox=""))
    except IntegrityError:
        return False
    return True


async def sent_since(
    tx: Tx, subscription_ids: Sequence[int], kinds: Collection[str], since: datetime
) -> list[datetime]:
    """When notices of these kinds were queued for these subscriptions, since then."""
    query = select(notices.c.created_at).where(
        notices.c.subscription_id.in_(subscription_ids), notices.c.kind.in_(kinds), notices.c.created_at > since
    )
    return list((await tx.execute(query)).scalars())


async def last_variant(tx: Tx, subscription_id: int) -> int | None:
    """What the last edition that this reader got says by now; None where there is none, or all of it was withdrawn.

    None too where no reader needed a revision without what was withdrawn.
    """
    mine = (deliveries.c.subscription_id == subscription_id, deliveries.c.state == DeliveryState.ACCEPTED)
    got = select(variants).join(deliveries, deliveries.c.variant_id == variants.c.id).where(*mine)
    row = (await tx.execute(got.order_by(deliveries.c.id.desc()).limit(1))).first()
    if row is None:
        return None
    fresh = (variants.c.edition_id == row.edition_id, variants.c.stale.is_(False))
    query = select(variants.c.id).where(*fresh, variants.c.key == row.key).order_by(variants.c.revision.desc()).limit(1)
    found: int | None = (await tx.execute(query)).scalar_one_or_none()
    if found is None:  # without what was withdrawn it has another key
        alike = (*fresh, variants.c.form == row.form, variants.c.language == row.language)
        found = await _saying(tx, await _left_of(tx, row.id), *alike)
    return found


async def _left_of(tx: Tx, variant_id: int) -> list[tuple[str, bool]]:
    """(article, whether it is a correction) of what stands in the variant and was not withdrawn."""
    query = select(_TOLD.c.article_id, _TOLD.c.correction).join(articles, _TOLD.c.article_id == articles.c.id)
    live = (_TOLD.c.variant_id == variant_id, articles.c.status == ArticleStatus.LIVE)
    return [(row.article_id, row.correction) for row in await tx.execute(query.where(*live))]


async def _saying(tx: Tx, told: Sequence[tuple[str, bool]], *which: ColumnElement[bool]) -> int | None:
    """The newest of these variants in which just this stands; None where there is none, or no story is left."""
    stories = [ident for ident, correction in told if not correction]
    corrected = [ident for ident, correction in told if correction]
    if not stories:
        return None
    one_of = or_(
        and_(_TOLD.c.correction.is_(False), _TOLD.c.article_id.in_(stories)),
        and_(_TOLD.c.correction, _TOLD.c.article_id.in_(corrected)),
    )
    query = (
        select(variants.c.id).join(_TOLD, _TOLD.c.variant_id == variants.c.id).where(*which).group_by(variants.c.id)
        .having(func.count() == len(told), func.sum(case((one_of, 1), else_=0)) == len(told))
        .order_by(variants.c.id.desc()).limit(1)
    )
    found: int | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def messages(tx: Tx, subscription_id: int) -> list[dict[str, Any]]:
    """What was sent for a subscription, the newest first: subject, state, planned_at, ended_at."""
    query = (
        select(
            variants.c.subject, deliveries.c.state, deliveries.c.created_at.label("planned_at"),
            deliveries.c.finished_at.label("ended_at"),
        )
        .join(variants, deliveries.c.variant_id == variants.c.id)
        .where(deliveries.c.subscription_id == subscription_id)
    )
    return [row._asdict() for row in await tx.execute(query.order_by(deliveries.c.id.desc()).limit(_LISTED))]
