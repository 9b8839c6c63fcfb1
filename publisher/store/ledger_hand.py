"""The operator's hand on single deliveries and notices: hold, release, retry, resolve, cancel.

    selection | page of ids, newest first (read) | guarded by what the event allows (short write) ... next page

Every write is guarded by the states that the event may happen in, so a delivery that went its way meanwhile is left
alone. It works beside a running service: a page is one transaction of at most 500 rows, and after each the others have
as long for theirs.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, func, literal, select, update

from publisher.delivery_state import Event, Standing, after, delivered, refusal, sources, why_not_again
from publisher.model import LEFT
from publisher.outgoing import DIGESTS, NOTICES, OPEN, DeliveryState, NoticeRule
from publisher.progress import Progress, silent
from publisher.store import audience, recipients
from publisher.store.engine import Store, Tx
from publisher.store.express import run_in
from publisher.store.mail_schema import (
    attempts,
    deliveries,
    editions,
    notices,
    subscribers,
    subscriptions,
    suppressions,
)
from publisher.store.selection import Selection, count_by_state, reading
from publisher.store.turn import opened_after

#: Rows of one transaction.
PAGE = 500
#: Seconds that other writers have after a page, at the least and at the most.
_BREATHS = (0.02, 0.2)
#: What the ledger says of the operator's decisions.
HELD = "held by the operator"
ARRIVED = "the operator: it arrived"
LOST = "the operator: it never arrived; its articles come with the next edition"
LOST_NOTICE = "the operator: it never arrived"
CANCELLED = "the operator cancelled the edition"

_WORDS = {
    Event.HOLD: HELD, Event.RELEASE: "", Event.RESOLVE_ACCEPTED: ARRIVED, Event.RESOLVE_LOST: LOST,
    Event.CANCEL: CANCELLED,
}
#: Of a kind of notice that there is not.
_NEVER = NoticeRule((), asked_for=False)
#: Events after which the delivery is due at once.
_AT_ONCE = (Event.RELEASE, Event.RETRY, Event.RESOLVE_REPEAT)


@dataclass(slots=True)
class Done:
    """What a command did."""

    changed: int = 0
    #: Why the others were passed over, and how many for each reason.
    passed: Counter[str] = field(default_factory=Counter)


async def act(
    store: Store, event: Event, chosen: Selection, now: datetime, *, dry_run: bool = False, progress: Progress = silent
) -> Done:
    """Lets the event happen to every chosen one that it may happen to; `dry_run` only counts."""
    done = Done()
    async with store.read() as tx:
        counts = await count_by_state(tx, chosen)
    able = sources(event)
    done.passed += Counter({refusal(state): n for state, n in counts.items() if state not in able})
    total = sum(n for state, n in counts.items() if state in able)
    seen, last = 0, None
    while page := await _page(store, event, chosen, last):
        last = page[-1].id
        if dry_run:
            async with store.read() as tx:
                await _decide(tx, event, chosen.table, page, done)
        else:
            began = time.monotonic()
            async with store.write() as tx:
                if tx.dialect.name != "sqlite":  # which has one writer
                    await audience.lock_all(tx, {row.subscription_id for row in page})
                await _write(tx, event, chosen.table, await _decide(tx, event, chosen.table, page, done), now)
            await breathe(time.monotonic() - began)
        seen += len(page)
        progress(min(seen, total), total)
    return done


async def breathe(taken: float) -> None:
    """Lets other writers in, for about as long as they waited."""
    await asyncio.sleep(min(max(taken, _BREATHS[0]), _BREATHS[1]))


async def _page(store: Store, event: Event, chosen: Selection, last: int | None) -> list[Row[Any]]:
    """The next rows that the event may happen to, the newest first: of two editions the later one counts."""
    table = chosen.table
    query = reading(table.c.id, table.c.subscription_id, of=chosen)
    query = query.where(table.c.state.in_(sources(event)))
    if last is not None:
        query = query.where(table.c.id < last)
    async with store.read() as tx:
        return list(await tx.execute(query.order_by(table.c.id.desc()).limit(PAGE)))


async def _decide(tx: Tx, event: Event, table: Table, page: Sequence[Row[Any]], done: Done) -> list[Row[Any]]:
    """The rows of the page to change, as they stand now; the others are counted with their reasons."""
    still = (table.c.id.in_([row.id for row in page]), table.c.state.in_(sources(event)))
    to_seq = literal(0).label("to_seq") if table is notices else table.c.to_seq
    query = select(table.c.id, table.c.state, table.c.subscription_id, to_seq, table.c.created_at)
    rows: list[Row[Any]] = list(await tx.execute(query.where(*still).order_by(table.c.id.desc())))
    if event is Event.RETRY:
        rows = await _repeatable(tx, table, rows, done)
    done.changed += len(rows)
    return rows


async def _repeatable(tx: Tx, table: Table, rows: Sequence[Row[Any]], done: Done) -> list[Row[Any]]:
    """Those that may be tried again; of several of one subscription the first."""
    facts = await standings(tx, [row.id for row in rows], table)
    found, reopened = [], set()
    for row in rows:
        why = why_not_again(facts[row.id])
        ended = row.state not in OPEN
        if not why and ended and row.subscription_id in reopened:
            why = f"another {_kind(table)} of this subscription is open"
        if why:
            done.passed[why] += 1
            continue
        found.append(row)
        if ended:
            reopened.add(row.subscription_id)
    return found


def _kind(table: Table) -> str:
    return "notice" if table is notices else "delivery"


async def standings(tx: Tx, ids: Sequence[int], table: Table = deliveries) -> dict[int, Standing]:
    """What decides whether each of these rows of `table`, at most a page, may be tried again."""
    # An attempt that died with its process left no row, one without a reply a row that says so.
    answered = select(func.count()).where(
        attempts.c.kind == _kind(table), attempts.c.ref_id == table.c.id, attempts.c.state != DeliveryState.IN_DOUBT
    ).correlate(table).scalar_subquery()
    query = (
        select(
            *(table.c[name] for name in ("id", "state", "subscription_id", "attempts", "reply_text")),
            answered.label("answered"), subscriptions.c.from_seq.label("next_from_seq"),
            subscriptions.c.state.label("subscription"), suppressions.c.reason.label("suppression"),
            subscribers.c.email,
        )
        .join(subscriptions, table.c.subscription_id == subscriptions.c.id)
        .join(subscribers, subscriptions.c.subscriber_id == subscribers.c.id)
        .outerjoin(suppressions, suppressions.c.email_key == recipients.email_key(_kind(table)))
    )
    if table is notices:  # which have no window and no edition
        query = query.add_columns(subscriptions.c.from_seq, literal("running").label("edition"), notices.c.kind)
    else:
        query = query.add_columns(deliveries.c.from_seq, editions.c.state.label("edition"))
        query = query.join(editions, deliveries.c.edition_id == editions.c.id)
    rows: list[Row[Any]] = list(await tx.execute(query.where(table.c.id.in_(ids))))
    open_ones = select(table.c.id, table.c.subscription_id).where(
        table.c.subscription_id.in_({row.subscription_id for row in rows}), table.c.state.in_(OPEN)
    )
    standing = {row.subscription_id: row.id for row in await tx.execute(open_ones)}
    return {
        row.id: _standing(row, standing.get(row.subscription_id, row.id) != row.id, table is notices) for row in rows
    }


def _standing(row: Row[Any], other_open: bool, notice: bool) -> Standing:
    """By the same rule as a claim: `publisher.store.recipients`."""
    rule = NOTICES.get(row.kind, _NEVER) if notice else DIGESTS
    suppression = row.suppression or ""
    if rule.asked_for and suppression in LEFT:  # who only left may get what they ask for (I11)
        suppression = ""
    return Standing(
        state=DeliveryState(row.state), from_seq=row.from_seq, next_from_seq=row.next_from_seq,
        doubted=row.answered < row.attempts and row.reply_text not in (LOST, LOST_NOTICE),
        subscription=row.subscription, suppression=suppression, other_open=other_open, edition=row.edition,
        notice=notice, wanted_by=rule.states, erased=not row.email,
    )


async def _write(tx: Tx, event: Event, table: Table, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Each state that the rows come from with its own statement, as the table of states says."""
    for state in sources(event):
        mine = [row for row in rows if row.state == state]
        then = after(state, event)
        assert then is not None
        if mine:
            guard = (table.c.id.in_([row.id for row in mine]), table.c.state == state)
            await tx.execute(update(table).where(*guard).values(_values(event, table, then, now)))
        closes = delivered(then, doubted=state == DeliveryState.IN_DOUBT) and event is not Event.RESOLVE_LOST
        if closes and table is deliveries:
            arrived = [(row.subscription_id, row.to_seq, row.created_at) for row in mine]
            await run_in(tx, opened_after(tx.dialect.name, arrived))


def _values(event: Event, table: Table, then: DeliveryState, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {
        "state": then, "next_attempt_at": now if event in _AT_ONCE else None,
        "finished_at": None if then in OPEN else now,
    }
    if event in _WORDS:  # the server's last words stand with the attempts
        lost = table is notices and event is Event.RESOLVE_LOST
        words = LOST_NOTICE if lost else _WORDS[event]
        values |= {"reply_code": 0, "reply_enhanced": "", "reply_text": words}
    return values
