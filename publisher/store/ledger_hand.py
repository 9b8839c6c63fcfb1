"""The operator's hand on single deliveries: hold, release, retry, resolve, cancel.

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

from sqlalchemy import Row, func, select, update

from publisher.delivery_state import Event, Standing, after, delivered, refusal, sources, why_not_again
from publisher.outgoing import OPEN, DeliveryState
from publisher.progress import Progress, silent
from publisher.store import audience
from publisher.store.engine import Store, Tx
from publisher.store.express import run_in
from publisher.store.mail_schema import attempts, deliveries, editions, subscribers, subscriptions, suppressions
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
CANCELLED = "the operator cancelled the edition"

_WORDS = {
    Event.HOLD: HELD, Event.RELEASE: "", Event.RESOLVE_ACCEPTED: ARRIVED, Event.RESOLVE_LOST: LOST,
    Event.CANCEL: CANCELLED,
}
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
    """Lets the event happen to every chosen delivery that it may happen to; `dry_run` only counts."""
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
                await _decide(tx, event, page, done)
        else:
            began = time.monotonic()
            async with store.write() as tx:
                if tx.dialect.name != "sqlite":  # which has one writer
                    await audience.lock_all(tx, {row.subscription_id for row in page})
                await _write(tx, event, await _decide(tx, event, page, done), now)
            await breathe(time.monotonic() - began)
        seen += len(page)
        progress(min(seen, total), total)
    return done


async def breathe(taken: float) -> None:
    """Lets other writers in, for about as long as they waited."""
    await asyncio.sleep(min(max(taken, _BREATHS[0]), _BREATHS[1]))


async def _page(store: Store, event: Event, chosen: Selection, last: int | None) -> list[Row[Any]]:
    """The next rows that the event may happen to, the newest first: of two editions the later one counts."""
    query = reading(deliveries.c.id, deliveries.c.subscription_id, of=chosen)
    query = query.where(deliveries.c.state.in_(sources(event)))
    if last is not None:
        query = query.where(deliveries.c.id < last)
    async with store.read() as tx:
        return list(await tx.execute(query.order_by(deliveries.c.id.desc()).limit(PAGE)))


async def _decide(tx: Tx, event: Event, page: Sequence[Row[Any]], done: Done) -> list[Row[Any]]:
    """The rows of the page to change, as they stand now; the others are counted with their reasons."""
    names = ("id", "state", "subscription_id", "to_seq", "created_at")
    still = (deliveries.c.id.in_([row.id for row in page]), deliveries.c.state.in_(sources(event)))
    query = select(*(deliveries.c[name] for name in names)).where(*still).order_by(deliveries.c.id.desc())
    rows: list[Row[Any]] = list(await tx.execute(query))
    if event is Event.RETRY:
        rows = await _repeatable(tx, rows, done)
    done.changed += len(rows)
    return rows


async def _repeatable(tx: Tx, rows: Sequence[Row[Any]], done: Done) -> list[Row[Any]]:
    """Those that may be tried again; of several of one subscription the first."""
    facts = await standings(tx, [row.id for row in rows])
    found, reopened = [], set()
    for row in rows:
        why = why_not_again(facts[row.id])
        ended = row.state not in OPEN
        if not why and ended and row.subscription_id in reopened:
            why = "another delivery of this subscription is open"
        if why:
            done.passed[why] += 1
            continue
        found.append(row)
        if ended:
            reopened.add(row.subscription_id)
    return found


async def standings(tx: Tx, ids: Sequence[int]) -> dict[int, Standing]:
    """What decides whether each of these deliveries, at most a page, may be tried again."""
    # An attempt that died with its process left no row, one without a reply a row that says so.
    answered = select(func.count()).where(
        attempts.c.kind == "delivery", attempts.c.ref_id == deliveries.c.id, attempts.c.state != DeliveryState.IN_DOUBT
    ).correlate(deliveries).scalar_subquery()
    query = (
        select(
            *(deliveries.c[name] for name in ("id", "state", "subscription_id", "from_seq", "attempts", "reply_text")),
            answered.label("answered"), subscriptions.c.from_seq.label("next_from_seq"),
            subscriptions.c.state.label("subscription"), suppressions.c.reason.label("suppression"),
            editions.c.state.label("edition"),
        )
        .join(subscriptions, deliveries.c.subscription_id == subscriptions.c.id)
        .join(subscribers, subscriptions.c.subscriber_id == subscribers.c.id)
        .join(editions, deliveries.c.edition_id == editions.c.id)
        .outerjoin(suppressions, suppressions.c.email_key == subscribers.c.email_key)
    )
    rows: list[Row[Any]] = list(await tx.execute(query.where(deliveries.c.id.in_(ids))))
    open_ones = select(deliveries.c.id, deliveries.c.subscription_id).where(
        deliveries.c.subscription_id.in_({row.subscription_id for row in rows}), deliveries.c.state.in_(OPEN)
    )
    standing = {row.subscription_id: row.id for row in await tx.execute(open_ones)}
    return {row.id: _standing(row, standing.get(row.subscription_id, row.id) != row.id) for row in rows}


def _standing(row: Row[Any], other_open: bool) -> Standing:
    return Standing(
        state=DeliveryState(row.state), from_seq=row.from_seq, next_from_seq=row.next_from_seq,
        doubted=row.answered < row.attempts and row.reply_text != LOST, subscription=row.subscription,
        suppression=row.suppression or "", other_open=other_open, edition=row.edition,
    )


async def _write(tx: Tx, event: Event, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Each state that the rows come from with its own statement, as the table of states says."""
    for state in sources(event):
        mine = [row for row in rows if row.state == state]
        then = after(state, event)
        assert then is not None
        if mine:
            guard = (deliveries.c.id.in_([row.id for row in mine]), deliveries.c.state == state)
            await tx.execute(update(deliveries).where(*guard).values(_values(event, then, now)))
        if delivered(then, doubted=state == DeliveryState.IN_DOUBT) and event is not Event.RESOLVE_LOST:
            for row in mine:
                await run_in(tx, opened_after(row.subscription_id, row.to_seq, row.created_at))


def _values(event: Event, then: DeliveryState, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {
        "state": then, "next_attempt_at": now if event in _AT_ONCE else None,
        "finished_at": None if then in OPEN else now,
    }
    if event in _WORDS:  # the server's last words stand with the attempts
        values |= {"reply_code": 0, "reply_enhanced": "", "reply_text": _WORDS[event]}
    return values
