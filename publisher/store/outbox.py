"""The ledger of mail: what is due, what may not be sent any more, what an earlier run left.

    waiting (read) | claimed (committed) | ... the wire ... | settled (committed) -> accepted, deferred, bounced, ...

Deliveries (editions) and notices (transactional mail) have tables of their own and go the same way; notices go first.
What is read here is a candidate; `publisher.store.turn` claims it, if nothing speaks against it by then.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial
from operator import itemgetter
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, exists, insert, literal_column, null, or_, select, text, update

from publisher.model import LEFT, SubscriptionState
from publisher.outgoing import DIGESTS, NOTICES, SENDABLE, Claim, DeliveryState
from publisher.store import audience, bulk, recipients
from publisher.store.bulk import Bulk, instant, plain
from publisher.store.engine import Tx
from publisher.store.express import run_in
from publisher.store.instant import Instant
from publisher.store.mail_schema import (
    deliveries,
    editions,
    notices,
    subscribers,
    subscriptions,
    suppressions,
    variants,
)
from publisher.store.turn import opened_after

#: What a claim may take once its time has come; one in doubt has a time only where it is to be repeated.
_CLAIMABLE = (*SENDABLE, DeliveryState.IN_DOUBT)
_TABLES = {"delivery": deliveries, "notice": notices}
_COLUMNS = ("id", "subscription_id", "state", "attempts", "next_attempt_at", "message_id", "created_at")
#: Ids in one IN list.
_CHUNK = 500


async def waiting(tx: Tx, now: datetime, limit: int) -> list[Claim]:
    """Up to `limit` messages that are due: notices, then digests, what waits longest first.

    Those of editions that are paused or cancelled are among them, so that the caller can have them put aside by `weed`.
    """
    found: list[Claim] = []
    for kind in ("notice", "delivery"):
        # Each query reads along the index and stops; one for all states would sort all that waits (I8).
        values = (plain(tx.dialect.name, now), limit - len(found))
        rows = [await bulk.rows(tx, _DUE[kind, state], values) for state in _CLAIMABLE]
        merged = heapq.merge(*rows, key=itemgetter(*_PLACE))
        found += [_claim(kind, row) for row, _ in zip(merged, range(limit - len(found)), strict=False)]
    return found


async def next_due(tx: Tx, now: datetime) -> datetime | None:
    """When the next message is due that is not due at `now`; None where none is."""
    times = [
        (await tx.execute(
            select(table.c.next_attempt_at).where(table.c.state == state, table.c.next_attempt_at > now)
            .order_by(table.c.next_attempt_at).limit(1)
        )).scalar_one_or_none()
        for table in _TABLES.values() for state in _CLAIMABLE
    ]
    return min((at for at in times if at is not None), default=None)


async def weed(tx: Tx, refused: Sequence[Claim], now: datetime) -> int:
    """Deals with candidates that could not be claimed: ends those whose reader left or is suppressed (I10, I11).

    Those of an edition that does not run are put aside: they have no time until it is resumed. What merely changed
    since it was read is left as it is. Returns how many were ended or put aside.
    """
    await audience.lock_all(tx, {claim.subscription_id for claim in refused})
    changed = 0
    for kind, table in _TABLES.items():
        ids = [claim.id for claim in refused if claim.kind == kind]
        for start in range(0, len(ids), _CHUNK):
            chosen = and_(table.c.id.in_(ids[start : start + _CHUNK]), table.c.state.in_(_CLAIMABLE))
            rows = list(await tx.execute(_with_reader(kind).add_columns(subscriptions.c.paused_until).where(chosen)))
            for row in rows:
                changed += await _put_away(tx, kind, row, now)
    return changed


async def _put_away(tx: Tx, kind: str, row: Row[Any], now: datetime) -> bool:
    table = _TABLES[kind]
    reason = _refusal(kind, row)
    if reason:
        ended = {"state": DeliveryState.CANCELLED, "finished_at": now, "next_attempt_at": None, "reply_text": reason}
        await tx.execute(update(table).where(table.c.id == row.id).values(**ended))
        # What is in doubt may have arrived: its window is not to be opened again (I3). Nor is a suppressed reader's:
        # every way back begins at the present, and left open it would grow from slot to slot, a variant for each.
        kept_away = row.suppression and row.subscription_state == SubscriptionState.ACTIVE
        if kind == "delivery" and (row.state == DeliveryState.IN_DOUBT or kept_away):
            await run_in(tx, opened_after(tx.dialect.name, [(row.subscription_id, row.to_seq, row.created_at)]))
    elif row.edition_state != "running" and row.next_attempt_at is not None:
        await tx.execute(update(table).where(table.c.id == row.id).values(next_attempt_at=None))
    else:
        return False
    return True


async def postpone(tx: Tx, later: Sequence[tuple[Claim, datetime]]) -> None:
    """Gives each of these candidates, unless it changed since, another time: its receiving domain is to be spared."""
    for kind in _TABLES:
        rows = [
            {"of": claim.id, "due": claim.due_at, "at": at} for claim, at in later if claim.kind == kind
        ]
        if rows:
            await tx.execute(_POSTPONED[kind], rows)


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
    tx: Tx, kind: str, subscription_id: int, params: dict[str, str], message_id: str, now: datetime, *,
    to: tuple[str, str] = ("", ""), variant_id: int | None = None,
) -> int:
    """Queues a transactional mail of a kind of `NOTICES`. Returns its id.

    `to`: an address and its normal form, where it does not go to the subscriber's own. `variant_id`: a copy of it.
    """
    values = {
        "kind": kind, "subscription_id": subscription_id, "params": params, "recipient": to[0], "recipient_key": to[1],
        "variant_id": variant_id, "state": DeliveryState.QUEUED,
        "attempts": 0, "next_attempt_at": now, "reply_code": 0, "reply_enhanced": "", "reply_text": "",
        "message_id": message_id, "created_at": now,
    }
    return int((await tx.execute(insert(notices).values(**values).returning(notices.c.id))).scalar_one())


_POSTPONED = {
    kind: update(table)
    .where(
        table.c.id == bindparam("of"), or_(*(table.c.state == state for state in _CLAIMABLE)),
        table.c.next_attempt_at == bindparam("due", type_=Instant),
    )
    .values(next_attempt_at=bindparam("at", type_=Instant))
    for kind, table in _TABLES.items()
}


def _due(kind: str, state: DeliveryState, _dialect: str) -> Select[Any]:
    """Messages of this state that are due at `now`; those of a stale variant wait for its new revision."""
    table = _TABLES[kind]
    # The state is written out: a prepared statement must know which index it reads along.
    due = (table.c.state == literal_column(f"'{state.value}'"), table.c.next_attempt_at <= bindparam("now"))
    query = _with_reader(kind).where(*due)
    if kind == "delivery":
        query = query.join(variants, deliveries.c.variant_id == variants.c.id).where(variants.c.stale.is_(False))
    # `limit()` would add an offset of its own on SQLite.
    return query.order_by(table.c.next_attempt_at, table.c.id).suffix_with(text("LIMIT :limit"))


@cache
def _with_reader(kind: str) -> Select[Any]:
    """Messages with what is known of their readers and editions."""
    table = _TABLES[kind]
    query: Select[Any] = select(
        *(table.c[name] for name in _COLUMNS), subscriptions.c.newsletter, subscriptions.c.generation,
        subscriptions.c.state.label("subscription_state"), recipients.email(kind).label("email"),
        recipients.email_key(kind).label("email_key"), subscribers.c.name, subscribers.c.plain_text,
        suppressions.c.reason.label("suppression"),
    )
    if kind == "notice":
        query = query.add_columns(
            notices.c.kind.label("notice_kind"), notices.c.params, null().label("edition_id"),
            notices.c.variant_id, literal_column("0").label("to_seq"),
            literal_column("'running'").label("edition_state"), variants.c.stale,
        )
        query = query.outerjoin(variants, notices.c.variant_id == variants.c.id)
    else:
        query = query.add_columns(
            literal_column("''").label("notice_kind"), null().label("params"), deliveries.c.edition_id,
            deliveries.c.variant_id, deliveries.c.to_seq, editions.c.state.label("edition_state"),
            null().label("stale"),
        )
        query = query.join(editions, deliveries.c.edition_id == editions.c.id)
    return (
        query.join(subscriptions, table.c.subscription_id == subscriptions.c.id)
        .join(subscribers, subscriptions.c.subscriber_id == subscribers.c.id)
        .outerjoin(suppressions, suppressions.c.email_key == recipients.email_key(kind))
    )


def _refusal(kind: str, row: Row[Any]) -> str:
    """Why nothing may be sent to this reader any more, or nothing."""
    rule = NOTICES.get(row.notice_kind) if kind == "notice" else DIGESTS
    if rule is None:
        return f"there is no notice of the kind {row.notice_kind!r}"
    if row.suppression and not (rule.asked_for and row.suppression in LEFT):
        return f"suppressed: {row.suppression}"
    if row.stale:
        return "an article in it was withdrawn"
    if row.subscription_state not in rule.states:
        return f"the subscription is {row.subscription_state}"
    paused = kind == "delivery" and row.paused_until is not None and row.state != DeliveryState.IN_DOUBT
    return "the reader paused" if paused else ""


def _claim(kind: str, row: Row[Any]) -> Claim:
    """From the columns of `_with_reader`, as the driver gives them."""
    values: tuple[Any, ...] = tuple(row)
    (
        ident, subscription_id, state, attempts, due_at, message_id, created_at, newsletter, generation, _, email,
        email_key, name, plain_text, _, notice_kind, params, edition_id, variant_id, to_seq, edition_state, _,
    ) = values
    if isinstance(params, str):
        params = json.loads(params)
    return Claim(
        kind=kind, id=ident, email=email, name=name, message_id=message_id, attempt=attempts + 1,
        subscription_id=subscription_id, newsletter=newsletter, edition_id=edition_id, variant_id=variant_id,
        notice_kind=notice_kind, params=params or {}, generation=generation, created_at=instant(created_at),
        in_doubt=state == DeliveryState.IN_DOUBT, state=DeliveryState(state), due_at=instant(due_at),
        email_key=email_key, to_seq=to_seq, running=edition_state == "running",
        plain_text=bool(plain_text),
    )


#: Where time and id stand in a row, by which messages go out.
_PLACE = (4, 0)
_DUE = {
    (kind, state): Bulk(partial(_due, kind, state), ("now", "limit")) for kind in _TABLES for state in _CLAIMABLE
}
