"""Issues, editions, variants and the deliveries that a plan writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, and_, exists, func, insert, select, update

from publisher.model import ArticleStatus
from publisher.outgoing import SENDABLE, DeliveryState, NewDelivery, NewVariant, Variant
from publisher.store import planned, planning
from publisher.store.bulk import among
from publisher.store.engine import Tx
from publisher.store.express import run_in
from publisher.store.mail_schema import (
    deliveries,
    editions,
    issues,
    subscriptions,
    switches,
    variant_articles,
    variants,
)
from publisher.store.schema import articles
from publisher.store.turn import opened_after
from publisher.store.upsert import insert_new

_RENDERED = ("language", "subject", "html", "text", "form")
#: Ids in one IN list.
_CHUNK = 5000
#: What may still be sent: one in doubt too, where it is to be repeated.
_UNSENT = (*SENDABLE, DeliveryState.IN_DOUBT)
#: The switch that pauses every edition from now on.
PAUSE = "pause"
#: What the next edition takes the place of; what else is open is waited for.
REPLACEABLE = (*SENDABLE, DeliveryState.HELD)


@dataclass(frozen=True, slots=True)
class Open:
    """A delivery that stands in the way of the next one of its subscription."""

    id: int
    subscription_id: int
    state: DeliveryState
    #: As `NewDelivery.period`.
    period: str


async def edition(tx: Tx, newsletter: str, on: date, kind: str, cutoff: int, now: datetime) -> int:
    """The id of this newsletter's edition; `kind` is "scheduled", "welcome" or "manual"; made where new.

    While all are paused a new one is, too.
    """
    await insert_new(tx, issues, {"newsletter": newsletter, "date": on})
    issue = and_(issues.c.newsletter == newsletter, issues.c.date == on)
    issue_id = (await tx.execute(select(issues.c.id).where(issue))).scalar_one()
    key = {"issue_id": issue_id, "kind": kind, "cutoff": cutoff}
    # Read under a lock: whoever pauses all either sees this edition, or is seen by it.
    switch = select(switches.c.on).where(switches.c.name == PAUSE).with_for_update(read=True)
    paused = (await tx.execute(switch)).scalar_one_or_none()
    await insert_new(tx, editions, key | {"created_at": now, "state": "paused" if paused else "running"})
    same = and_(*(editions.c[name] == value for name, value in key.items()))
    return int((await tx.execute(select(editions.c.id).where(same))).scalar_one())


async def variant(tx: Tx, edition_id: int, new: NewVariant) -> int:
    """The id of the edition's newest variant with this key; made where new or where the one there is stale.

    One that holds an article withdrawn since it was rendered is stale from the start (I10).
    """
    stale = await _any_gone(tx, (*new.article_ids, *new.corrected_ids))
    while True:
        found = await _newest_revision(tx, edition_id, new.key)
        if found is not None and not found.stale:
            return int(found.id)
        values = {name: getattr(new, name) for name in _RENDERED} | {"stale": stale}
        revision = 1 if found is None else found.revision + 1
        key = {"edition_id": edition_id, "key": new.key, "revision": revision}
        if await insert_new(tx, variants, key | values):
            break  # else another planner made it at the same time, and has committed
    added = await _newest_revision(tx, edition_id, new.key)
    assert added is not None
    variant_id = int(added.id)
    told = [(article, False) for article in new.article_ids] + [(article, True) for article in new.corrected_ids]
    rows = [
        {"variant_id": variant_id, "position": at, "article_id": article, "correction": correction}
        for at, (article, correction) in enumerate(told)
    ]
    if rows:
        await tx.execute(insert(variant_articles), rows)
    return variant_id


async def find_variant(tx: Tx, edition_id: int, key: str) -> int | None:
    """The id of the edition's newest variant with this key; None where there is none, or it is stale."""
    found = await _newest_revision(tx, edition_id, key)
    return None if found is None or found.stale else int(found.id)


async def count_variants(tx: Tx, edition_id: int) -> int:
    """How many variants the edition has; further revisions of one do not count."""
    mine = and_(variants.c.edition_id == edition_id, variants.c.revision == 1)
    return int((await tx.execute(select(func.count()).select_from(variants).where(mine))).scalar_one())


async def _newest_revision(tx: Tx, edition_id: int, key: str) -> Any:
    mine = and_(variants.c.edition_id == edition_id, variants.c.key == key)
    columns = (variants.c.id, variants.c.revision, variants.c.stale)
    query = select(*columns).where(mine).order_by(variants.c.revision.desc()).limit(1).with_for_update()
    return (await tx.execute(query)).first()


async def plan(
    tx: Tx, edition_id: int, variant_id: int, new: Iterable[NewDelivery], now: datetime
) -> int:
    """Writes the deliveries that still hold: the reader is active, at the same place, none is open, the slot is free.

    Moves each subscription's due instant on, as its delivery says. Returns how many were written.
    """
    items = {item.subscription_id: item for item in new}
    found = {is_[:3] for is_ in await planning.lock(tx, items)}
    standing = await open_deliveries(tx, list(items))
    held = [
        item for ident, item in items.items()
        if ident not in standing and (ident, item.expect_generation, item.expect_from_seq) in found
    ]
    written = 0
    for item in held:
        written += await insert_new(tx, deliveries, {
            "edition_id": edition_id, "subscription_id": item.subscription_id, "variant_id": variant_id,
            "period": item.period, "from_seq": item.from_seq, "to_seq": item.to_seq, "state": DeliveryState.QUEUED,
            "attempts": 0, "next_attempt_at": now, "reply_code": 0, "reply_enhanced": "", "reply_text": "",
            "message_id": item.message_id, "created_at": now,
        })
    slots: dict[planned.Slot, list[int]] = {}
    for item in held:
        if item.next_due_at is not None and item.due_at is not None:
            slots.setdefault((item.next_due_at, item.due_at), []).append(item.subscription_id)
    for slot, ids in slots.items():
        await planned.move(tx, slot, ids)
    return written


async def open_deliveries(tx: Tx, subscription_ids: Sequence[int]) -> dict[int, Open]:
    """The open delivery of each of these subscriptions that has one, by subscription."""
    columns = (deliveries.c.id, deliveries.c.subscription_id, deliveries.c.state, deliveries.c.period)
    # What is open has not ended; said so, the query reads an index of those alone.
    query = select(*columns).where(among(tx, deliveries.c.subscription_id, subscription_ids))
    rows = (await tx.execute(query.where(deliveries.c.finished_at.is_(None)))).all()
    return {
        row.subscription_id: Open(row.id, row.subscription_id, DeliveryState(row.state), row.period) for row in rows
    }


async def taken(tx: Tx, slots: Sequence[tuple[int, str]]) -> set[tuple[int, str]]:
    """Of these (subscription, period), those for which a delivery was planned before, whatever became of it."""
    found: set[tuple[int, str]] = set()
    for start in range(0, len(slots), _CHUNK):
        chunk = slots[start : start + _CHUNK]
        query = select(deliveries.c.subscription_id, deliveries.c.period).where(
            deliveries.c.subscription_id.in_({subscription for subscription, _ in chunk}),
            deliveries.c.period.in_({period for _, period in chunk}),
        )
        found |= {(row.subscription_id, row.period) for row in await tx.execute(query)}
    return found & set(slots)


async def last_cutoff(tx: Tx, newsletter: str) -> int | None:
    """The highest cutoff of the newsletter's editions so far, welcome editions left out; None before the first."""
    mine = and_(issues.c.newsletter == newsletter, editions.c.kind != "welcome")
    query = select(func.max(editions.c.cutoff)).join(issues, editions.c.issue_id == issues.c.id).where(mine)
    found: int | None = (await tx.execute(query)).scalar_one()
    return found


async def expire(tx: Tx, delivery_ids: Sequence[int], now: datetime) -> int:
    """Ends those of these deliveries that are neither claimed nor in doubt; how many. Their windows stay open.

    Their readers must be locked.
    """
    ended = {
        "state": DeliveryState.EXPIRED, "finished_at": now, "next_attempt_at": None,
        "reply_text": "the next edition takes its place",
    }
    free = and_(among(tx, deliveries.c.id, delivery_ids), deliveries.c.state.in_(REPLACEABLE))
    return (await tx.execute(update(deliveries).where(free).values(**ended))).rowcount


async def cancel(tx: Tx, delivery_id: int, now: datetime, reason: str) -> bool:
    """Ends a delivery that no connection has claimed, with the reason; the window of one in doubt closes (I3)."""
    of = select(deliveries.c.subscription_id).where(deliveries.c.id == delivery_id).scalar_subquery()
    # The reader before the delivery, as everybody does: two who wait for each other would both stand still.
    await tx.execute(select(subscriptions.c.id).where(subscriptions.c.id == of).with_for_update())
    columns = (deliveries.c.state, deliveries.c.subscription_id, deliveries.c.to_seq, deliveries.c.created_at)
    unclaimed = and_(deliveries.c.id == delivery_id, deliveries.c.state.in_((*_UNSENT, DeliveryState.HELD)))
    row = (await tx.execute(select(*columns).where(unclaimed).with_for_update())).first()
    if row is None:
        return False
    ended = {"state": DeliveryState.CANCELLED, "finished_at": now, "next_attempt_at": None, "reply_text": reason}
    await tx.execute(update(deliveries).where(unclaimed).values(**ended))
    if row.state == DeliveryState.IN_DOUBT:  # it may have arrived
        await run_in(tx, opened_after(tx.dialect.name, [(row.subscription_id, row.to_seq, row.created_at)]))
    return True


async def get_variant(tx: Tx, variant_id: int) -> Variant | None:
    """The variant as rendered."""
    row = (await tx.execute(select(variants).where(variants.c.id == variant_id))).first()
    return None if row is None else await _variant(tx, row)


async def stale_variants(tx: Tx, limit: int = 100) -> list[Variant]:
    """Variants that hold a withdrawn article and still have unsent deliveries."""
    unsent = exists().where(deliveries.c.variant_id == variants.c.id, deliveries.c.state.in_(_UNSENT))
    query = select(variants).where(variants.c.stale, unsent).order_by(variants.c.id).limit(limit)
    return [await _variant(tx, row) for row in await tx.execute(query)]


async def stale_among(tx: Tx, variant_ids: Sequence[int]) -> set[int]:
    """Which of these variants hold a withdrawn article."""
    chosen = variants.c.id.in_(list(variant_ids))
    return set((await tx.execute(select(variants.c.id).where(chosen, variants.c.stale))).scalars())


async def move_unsent(tx: Tx, old_variant: int, new_variant: int, limit: int) -> int:
    """Unsent deliveries of a stale variant, at most so many, get the new revision; returns how many."""
    unsent = and_(deliveries.c.variant_id == old_variant, deliveries.c.state.in_(_UNSENT))
    some = select(deliveries.c.id).where(unsent).order_by(deliveries.c.id).limit(limit)
    moved = update(deliveries).where(deliveries.c.id.in_(some.scalar_subquery()), unsent)
    return (await tx.execute(moved.values(variant_id=new_variant))).rowcount


async def unsent_of(tx: Tx, variant_id: int, limit: int) -> list[int]:
    """Ids of the variant's unsent deliveries."""
    query = select(deliveries.c.id).where(deliveries.c.variant_id == variant_id, deliveries.c.state.in_(_UNSENT))
    return list((await tx.execute(query.order_by(deliveries.c.id).limit(limit))).scalars())


async def edition_of(tx: Tx, edition_id: int) -> tuple[str, date, str]:
    """(newsletter, date of the issue, kind) of an edition."""
    query = select(issues.c.newsletter, issues.c.date, editions.c.kind).join(issues, editions.c.issue_id == issues.c.id)
    row = (await tx.execute(query.where(editions.c.id == edition_id))).one()
    return row.newsletter, row.date, row.kind


async def variant_key(tx: Tx, variant_id: int) -> str:
    """The key that tells the variant from its edition's others."""
    return str((await tx.execute(select(variants.c.key).where(variants.c.id == variant_id))).scalar_one())


async def _any_gone(tx: Tx, article_ids: Sequence[str]) -> bool:
    """Whether any of the articles is not live; none of them can be withdrawn from here on until the commit."""
    chosen = articles.c.id.in_(list(article_ids))
    query = select(articles.c.id, articles.c.status).where(chosen).order_by(articles.c.id).with_for_update(read=True)
    return any(row.status != ArticleStatus.LIVE for row in await tx.execute(query))


async def _variant(tx: Tx, row: Row[Any]) -> Variant:
    query = select(variant_articles).where(variant_articles.c.variant_id == row.id)
    told = (await tx.execute(query.order_by(variant_articles.c.position))).all()
    return Variant(
        **{name: getattr(row, name) for name in ("id", "edition_id", "revision", *_RENDERED)},
        article_ids=tuple(one.article_id for one in told if not one.correction),
        corrected_ids=tuple(one.article_id for one in told if one.correction),
    )
