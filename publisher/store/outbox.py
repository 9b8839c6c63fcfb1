"""The ledger of mail: claimed before the first byte, settled after the reply.

    queued | claim (committed) | ... the wire ... | settle (committed) -> accepted, deferred, bounced, in doubt

Deliveries (editions) and notices (transactional mail) have tables of their own and go the same way; notices go first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Row, Select, and_, bindparam, case, exists, func, insert, null, or_, select, update

from publisher.model import SubscriptionState
from publisher.outgoing import SENDABLE, Claim, DeliveryState, Outcome, Reply
from publisher.store import audience
from publisher.store.engine import Tx
from publisher.store.instant import Instant
from publisher.store.mail_schema import (
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
#: Not ended yet.
_WAITING = (DeliveryState.DEFERRED, DeliveryState.IN_DOUBT, DeliveryState.HELD)
_TABLES = {"delivery": deliveries, "notice": notices}
#: Where due messages may be found.
_PLACES = [(kind, state) for kind in _TABLES for state in _CLAIMABLE]
_NOW = bindparam("now", type_=Instant)


async def claim(tx: Tx, now: datetime, want: int) -> list[Claim]:
    """Up to `want` messages that may be sent now, notices before digests. Commit before the first byte (I5).

    Messages to readers who left or are suppressed are ended here instead (I10, I11). The readers' rows are locked, so
    a claim and an unsubscription never pass each other; what was suppressed or withdrawn while this waited for the
    locks is left for the next claim.
    """
    claims: list[Claim] = []
    for kind, query in await _queues(tx, now):
        while len(claims) < want:
            rows = list(await tx.execute(query.limit(want - len(claims)), {"now": now}))
            if not rows:
                break
            refused = {row.id: reason for row in rows if (reason := _refusal(kind, row))}
            await _end(tx, kind, refused, now)
            if kind == "delivery":  # what is in doubt may have arrived: its window is not to be opened again (I3)
                doubtful = (row for row in rows if row.state == DeliveryState.IN_DOUBT)
                await _advance(tx, [row.id for row in doubtful if row.id in refused])
            late = await _overtaken(tx, kind, rows)
            taken = [row for row in rows if row.id not in refused and row.id not in late]
            if not taken and not refused:
                break
            await _mark_claimed(tx, kind, [row.id for row in taken], now)
            claims += [_claim(kind, row) for row in taken]
    return claims


async def settle(tx: Tx, outcomes: Sequence[Outcome]) -> None:
    """Records what became of claims; acceptance moves the subscription's window on (I3)."""
    if tx.dialect.name != "sqlite":  # which has one writer
        accepted = [outcome.claim.subscription_id for outcome in outcomes if outcome.state == DeliveryState.ACCEPTED]
        await audience.lock_all(tx, accepted)  # the reader before the delivery, as everybody does
    for kind in _TABLES:
        mine = {outcome.claim.id: outcome for outcome in outcomes if outcome.claim.kind == kind}
        if mine:
            await _settle(tx, kind, mine)


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


async def any_claimed(tx: Tx) -> bool:
    """Whether a connection has a claim, or had one when it ended without an outcome."""
    standing = [exists().where(table.c.state == DeliveryState.CLAIMED) for table in _TABLES.values()]
    return bool((await tx.execute(select(or_(*standing)))).scalar_one())


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


#: What an outcome writes, by kind; `of` is the row.
_SETTLED = {
    kind: update(table).where(table.c.id == bindparam("of")).values({
        name: bindparam(f"new_{name}")
        for name in ("state", "next_attempt_at", "finished_at", "reply_code", "reply_enhanced", "reply_text")
    })
    for kind, table in _TABLES.items()
}


async def _queues(tx: Tx, now: datetime) -> list[tuple[str, Select[Any]]]:
    """What is due, as (kind, query): notices, then for each state the deliveries, what waits longest first.

    A query for each state reads along the index and stops at its limit; one for all would sort all that waits (I8).
    """
    row = (await tx.execute(_heads(), {"now": now})).one()
    waiting = [(place[0] == "delivery", at, place) for place, at in zip(_PLACES, row, strict=True) if at is not None]
    return [(kind, _due(kind, state)) for _, _, (kind, state) in sorted(waiting)]


@cache
def _heads() -> Select[Any]:
    """Since when the first message of each of `_PLACES` is due, or NULL, at `now`."""
    firsts = []
    for kind, state in _PLACES:
        table = _TABLES[kind]
        first = select(func.min(table.c.next_attempt_at)).where(table.c.state == state, table.c.next_attempt_at <= _NOW)
        firsts.append(first.scalar_subquery().label(f"{kind}_{state}"))
    return select(*firsts)


@cache
def _due(kind: str, state: DeliveryState) -> Select[Any]:
    """Messages of this state that are due at `now`."""
    table = _TABLES[kind]
    query: Select[Any] = select(table, *_reader_columns())
    if kind == "notice":
        extra = (notices.c.kind.label("notice_kind"), null().label("edition_id"), null().label("variant_id"))
        query = query.add_columns(*extra)
    else:
        query = query.join(variants, deliveries.c.variant_id == variants.c.id).where(variants.c.stale.is_(False))
    return (
        query.join(subscriptions, table.c.subscription_id == subscriptions.c.id)
        .join(subscribers, subscriptions.c.subscriber_id == subscribers.c.id)
        .outerjoin(suppressions, suppressions.c.email_key == subscribers.c.email_key)
        .where(table.c.state == state, table.c.next_attempt_at <= _NOW)
        .order_by(table.c.next_attempt_at, table.c.id)
        .with_for_update(of=[table, subscriptions], skip_locked=True)
    )


def _reader_columns() -> list[Any]:
    return [
        subscriptions.c.newsletter, subscriptions.c.generation, subscriptions.c.state.label("subscription_state"),
        subscribers.c.email, subscribers.c.name, suppressions.c.reason.label("suppression"),
    ]


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


async def _settle(tx: Tx, kind: str, outcomes: dict[int, Outcome]) -> None:
    """Records the outcomes of one table, by id; those that are settled already change nothing."""
    table = _TABLES[kind]
    claimed = select(table.c.id).where(table.c.id.in_(list(outcomes)), table.c.state == DeliveryState.CLAIMED)
    held = sorted((await tx.execute(claimed.with_for_update())).scalars())
    if not held:
        return
    found = [(ident, outcomes[ident], _reply(outcomes[ident].reply)) for ident in held]
    await tx.execute(_SETTLED[kind], [
        {"of": ident, "new_state": outcome.state, "new_next_attempt_at": outcome.next_attempt_at,
         "new_finished_at": None if outcome.state in _WAITING else outcome.finished_at,
         **{f"new_{name}": value for name, value in reply.items()}}
        for ident, outcome, reply in found
    ])
    if kind == "delivery":
        await _advance(tx, [ident for ident, outcome, _ in found if outcome.state == DeliveryState.ACCEPTED])
    await tx.execute(insert(attempts), [
        {"kind": kind, "ref_id": ident, "number": outcome.claim.attempt, "started_at": outcome.started_at,
         "finished_at": outcome.finished_at, "state": outcome.state, **reply}
        for ident, outcome, reply in found
    ])


def _reply(reply: Reply) -> dict[str, Any]:
    """What the server said, less what a database refuses: a reply must never keep outcomes from being recorded."""
    return {
        "reply_code": reply.code, "reply_enhanced": clean(reply.enhanced)[:12], "reply_text": clean(reply.text)[:2000],
    }


#: No further back than `to`, for the subscription `of`.
_TO = bindparam("to", type_=BigInteger)
_ADVANCED = update(subscriptions).where(subscriptions.c.id == bindparam("of")).values({
    column: case((column < _TO, _TO), else_=column)
    for column in (subscriptions.c.from_seq, subscriptions.c.welcome_after)
})


async def _advance(tx: Tx, delivery_ids: Sequence[int]) -> None:
    """Each subscription's next window opens where its accepted delivery ends; it never moves back.

    So does that of a welcome edition that is still owed: the reader left and came back while this was on its way.
    """
    if not delivery_ids:
        return
    query = select(deliveries.c.subscription_id, deliveries.c.to_seq).where(deliveries.c.id.in_(delivery_ids))
    reached = [{"of": row.subscription_id, "to": row.to_seq} for row in await tx.execute(query)]
    await tx.execute(_ADVANCED, reached)
