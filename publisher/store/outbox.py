"""The ledger of mail: claimed before the first byte, settled after the reply.

    queued | claim (committed) | ... the wire ... | settle (committed) -> accepted, deferred, bounced, in doubt

Deliveries (editions) and notices (transactional mail) have tables of their own and go the same way; notices go first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, Table, and_, func, insert, null, select, update

from publisher.model import SubscriptionState
from publisher.outgoing import SENDABLE, Claim, DeliveryState, Outcome, Reply
from publisher.store import audience
from publisher.store.engine import Tx
from publisher.store.schema import (
    attempts,
    deliveries,
    notices,
    subscribers,
    subscriptions,
    suppressions,
    variants,
)
from publisher.text import clean

#: What a claim may take once its time has come; one in doubt has a time only where it is to be repeated.
_CLAIMABLE = (*SENDABLE, DeliveryState.IN_DOUBT)
_TABLES = {"delivery": deliveries, "notice": notices}


async def claim(tx: Tx, now: datetime, want: int) -> list[Claim]:
    """Up to `want` messages that may be sent now, notices before digests. Commit before the first byte (I5).

    Messages to readers who left or are suppressed are ended here instead (I10, I11). The readers' rows are locked, so
    a claim and an unsubscription never pass each other; what was suppressed or withdrawn while this waited for the
    locks is left for the next claim.
    """
    claims: list[Claim] = []
    for kind, query in (("notice", _due_notices(now)), ("delivery", _due_deliveries(now))):
        while len(claims) < want:
            rows = list(await tx.execute(query.limit(want - len(claims))))
            if not rows:
                break
            refused = {row.id: reason for row in rows if (reason := _refusal(kind, row))}
            await _end(tx, kind, refused, now)
            late = await _overtaken(tx, kind, rows)
            taken = [row for row in rows if row.id not in refused and row.id not in late]
            if not taken and not refused:
                break
            await _mark_claimed(tx, kind, [row.id for row in taken], now)
            claims += [_claim(kind, row) for row in taken]
    return claims


async def settle(tx: Tx, outcomes: Sequence[Outcome]) -> None:
    """Records what became of claims; acceptance moves the subscription's window on (I3)."""
    for outcome in sorted(outcomes, key=lambda outcome: outcome.claim.subscription_id):
        if outcome.state == DeliveryState.ACCEPTED:  # the reader before the delivery, as everybody does
            await audience.lock(tx, outcome.claim.subscription_id)
        await _settle_one(tx, outcome)


async def release(tx: Tx, claims: Sequence[Claim]) -> None:
    """Gives back claims of which no byte was sent: they are as they were before."""
    for item in claims:
        table = _TABLES[item.kind]
        state = DeliveryState.QUEUED if item.attempt == 1 else DeliveryState.DEFERRED
        state = DeliveryState.IN_DOUBT if item.in_doubt else state
        mine = and_(table.c.id == item.id, table.c.state == DeliveryState.CLAIMED)
        await tx.execute(
            update(table).where(mine).values(state=state, attempts=item.attempt - 1, next_attempt_at=table.c.claimed_at)
        )


async def recover(tx: Tx, now: datetime, *, repeat: bool) -> int:
    """At start: what was claimed when the last process died is in doubt; returns how many.

    `repeat`: sent again with the same Message-ID. Otherwise it waits for the operator.
    """
    found = 0
    for table in _TABLES.values():
        changed = (
            update(table)
            .where(table.c.state == DeliveryState.CLAIMED)
            .values(
                state=DeliveryState.IN_DOUBT, next_attempt_at=now if repeat else null(), reply_code=0,
                reply_text="the program ended before the server's reply",
            )
        )
        found += (await tx.execute(changed)).rowcount
    return found


async def add_notice(
    tx: Tx, kind: str, subscription_id: int, params: dict[str, str], message_id: str, now: datetime
) -> int:
    """Queues a transactional mail; `kind` names its template, as "confirm". Returns its id."""
    values = {
        "kind": kind, "subscription_id": subscription_id, "params": params, "state": DeliveryState.QUEUED,
        "attempts": 0, "next_attempt_at": now, "reply_code": 0, "reply_enhanced": "", "reply_text": "",
        "message_id": message_id, "created_at": now,
    }
    return int((await tx.execute(insert(notices).values(**values).returning(notices.c.id))).scalar_one())


async def last_notice_at(tx: Tx, kind: str, subscription_id: int) -> datetime | None:
    """When a notice of this kind was last asked for, or None."""
    mine = and_(notices.c.kind == kind, notices.c.subscription_id == subscription_id)
    found: datetime | None = (await tx.execute(select(func.max(notices.c.created_at)).where(mine))).scalar_one()
    return found


async def _overtaken(tx: Tx, kind: str, rows: Sequence[Row[Any]]) -> set[int]:
    """Which of these freshly locked messages may not be sent by what was committed since the query began.

    On PostgreSQL a row that is locked late comes with its newest values, but the rows joined to it as they were.
    SQLite has one writer, so nothing can come between.
    """
    if tx.dialect.name == "sqlite":
        return set()
    query = (
        select(subscriptions.c.id)
        .join(subscribers, subscriptions.c.subscriber_id == subscribers.c.id)
        .join(suppressions, suppressions.c.email_key == subscribers.c.email_key)
        .where(subscriptions.c.id.in_({row.subscription_id for row in rows}))
    )
    suppressed = set((await tx.execute(query)).scalars())
    late = {row.id for row in rows if not row.suppression and row.subscription_id in suppressed}
    if kind == "notice":
        return late
    held = variants.c.id.in_({row.variant_id for row in rows})
    wanted = select(variants.c.id).where(held, variants.c.stale.is_(False))
    fresh = set((await tx.execute(wanted.with_for_update(read=True, skip_locked=True))).scalars())
    return late | {row.id for row in rows if row.variant_id not in fresh}


def _due_notices(now: datetime) -> Select[Any]:
    query = select(
        notices, *_reader_columns(), notices.c.params, notices.c.kind.label("notice_kind"),
        null().label("edition_id"), null().label("variant_id"),
    )
    return _due(query, notices, now)


def _due_deliveries(now: datetime) -> Select[Any]:
    query = select(deliveries, *_reader_columns()).join(variants, deliveries.c.variant_id == variants.c.id)
    return _due(query, deliveries, now).where(variants.c.stale.is_(False))


def _reader_columns() -> list[Any]:
    return [
        subscriptions.c.newsletter, subscriptions.c.generation, subscriptions.c.state.label("subscription_state"),
        subscribers.c.email, subscribers.c.name, suppressions.c.reason.label("suppression"),
    ]


def _due(query: Select[Any], table: Table, now: datetime) -> Select[Any]:
    return (
        query.join(subscriptions, table.c.subscription_id == subscriptions.c.id)
        .join(subscribers, subscriptions.c.subscriber_id == subscribers.c.id)
        .outerjoin(suppressions, suppressions.c.email_key == subscribers.c.email_key)
        .where(table.c.state.in_(_CLAIMABLE), table.c.next_attempt_at <= now)
        .order_by(table.c.next_attempt_at, table.c.id)
        .with_for_update(of=[table, subscriptions], skip_locked=True)
    )


def _refusal(kind: str, row: Row[Any]) -> str:
    """Why nothing may be sent to this reader any more, or nothing."""
    # An address that was only unsubscribed may still be asked for a fresh confirmation (I11).
    if row.suppression and not (kind == "notice" and row.suppression == "unsubscribed"):
        return f"suppressed: {row.suppression}"
    wanted = SubscriptionState.PENDING if kind == "notice" else SubscriptionState.ACTIVE
    return "" if row.subscription_state == wanted else f"the subscription is {row.subscription_state}"


async def _end(tx: Tx, kind: str, refused: dict[int, str], now: datetime) -> None:
    table = _TABLES[kind]
    for ident, reason in refused.items():
        ended = {"state": DeliveryState.CANCELLED, "finished_at": now, "next_attempt_at": None, "reply_text": reason}
        await tx.execute(update(table).where(table.c.id == ident).values(**ended))


async def _mark_claimed(tx: Tx, kind: str, ids: Sequence[int], now: datetime) -> None:
    table = _TABLES[kind]
    if ids:
        claimed = {"state": DeliveryState.CLAIMED, "claimed_at": now, "next_attempt_at": None}
        await tx.execute(
            update(table).where(table.c.id.in_(ids)).values(**claimed, attempts=table.c.attempts + 1)
        )


def _claim(kind: str, row: Row[Any]) -> Claim:
    return Claim(
        kind=kind, id=row.id, email=row.email, name=row.name, message_id=row.message_id, attempt=row.attempts + 1,
        subscription_id=row.subscription_id, newsletter=row.newsletter, edition_id=row.edition_id,
        variant_id=row.variant_id, notice_kind=row.notice_kind if kind == "notice" else "",
        params=dict(row.params) if kind == "notice" else {}, generation=row.generation, created_at=row.created_at,
        in_doubt=row.state == DeliveryState.IN_DOUBT,
    )


async def _settle_one(tx: Tx, outcome: Outcome) -> None:
    table = _TABLES[outcome.claim.kind]
    reply = _reply(outcome.reply)
    waits = outcome.state in (DeliveryState.DEFERRED, DeliveryState.IN_DOUBT, DeliveryState.HELD)
    changed = (
        update(table)
        .where(table.c.id == outcome.claim.id, table.c.state == DeliveryState.CLAIMED)
        .values(
            state=outcome.state, next_attempt_at=outcome.next_attempt_at, **reply,
            finished_at=None if waits else outcome.finished_at,
        )
    )
    if not (await tx.execute(changed)).rowcount:
        return
    if outcome.state == DeliveryState.ACCEPTED and outcome.claim.kind == "delivery":
        await _advance(tx, outcome.claim.id)
    await tx.execute(
        insert(attempts).values(
            kind=outcome.claim.kind, ref_id=outcome.claim.id, number=outcome.claim.attempt,
            started_at=outcome.started_at, finished_at=outcome.finished_at, state=outcome.state, **reply,
        )
    )


def _reply(reply: Reply) -> dict[str, Any]:
    """What the server said, less what a database refuses: a reply must never keep outcomes from being recorded."""
    return {
        "reply_code": reply.code, "reply_enhanced": clean(reply.enhanced)[:12], "reply_text": clean(reply.text)[:2000],
    }


async def _advance(tx: Tx, delivery_id: int) -> None:
    """The subscription's next window opens where the accepted delivery's ends; it never moves back."""
    row = (
        await tx.execute(
            select(deliveries.c.subscription_id, deliveries.c.to_seq).where(deliveries.c.id == delivery_id)
        )
    ).one()
    behind = and_(subscriptions.c.id == row.subscription_id, subscriptions.c.from_seq < row.to_seq)
    await tx.execute(update(subscriptions).where(behind).values(from_seq=row.to_seq))


