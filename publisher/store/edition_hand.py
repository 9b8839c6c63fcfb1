"""The operator's hand on whole editions: pause, resume, cancel.

    pause   state -> paused: no delivery of it is claimed from the next claim on
    resume  state -> running | what was put aside meanwhile is due again, page by page
    cancel  state -> cancelled | what has not left yet ends, page by page

The state is one column, committed first, so each acts at once and outlives a restart. The sender puts deliveries aside
that it meets of an edition that does not run: they have no time until `unpark` gives them one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select, update

from publisher.delivery_state import Event
from publisher.outgoing import SENDABLE, DeliveryState
from publisher.progress import Progress, silent
from publisher.store.editions import PAUSE
from publisher.store.engine import Store, Tx
from publisher.store.ledger_hand import Done, act, breathe
from publisher.store.mail_schema import deliveries, editions, switches
from publisher.store.selection import Selection
from publisher.store.upsert import upsert

#: Rows of one transaction that gives them a time.
_PAGE = 1000
RUNNING, PAUSED, CANCELLED = "running", "paused", "cancelled"


async def states(tx: Tx, ids: Sequence[int]) -> dict[int, str]:
    """The states of these editions; those that are not there are left out."""
    query = select(editions.c.id, editions.c.state).where(editions.c.id.in_(list(ids)))
    return {row.id: row.state for row in await tx.execute(query)}


async def paused(tx: Tx) -> int:
    """How many editions are paused."""
    query = select(func.count()).select_from(editions).where(editions.c.state == PAUSED)
    return int((await tx.execute(query)).scalar_one())


async def all_paused(tx: Tx) -> bool:
    """Whether editions planned from now on are paused."""
    return bool((await tx.execute(select(switches.c.on).where(switches.c.name == PAUSE))).scalar_one_or_none())


async def pause(store: Store, ids: Sequence[int] | None) -> int:
    """Pauses these running editions, or all (None), those planned later too; how many did run."""
    return await _move(store, ids, (RUNNING,), PAUSED)


async def resume(store: Store, ids: Sequence[int] | None, now: datetime, *, repeat: bool) -> tuple[int, int]:
    """Lets these editions run, or all that are paused; how many, and how many deliveries are due again.

    Where all were paused, those planned later are too, until all are resumed. A cancelled one runs again where it is
    named; what was cancelled of it stays so until it is retried.
    """
    moved = await _move(store, ids, (PAUSED,) if ids is None else (PAUSED, CANCELLED), RUNNING)
    return moved, await unpark(store, now, repeat=repeat)


async def cancel(store: Store, ids: Sequence[int], now: datetime, *, progress: Progress = silent) -> Done:
    """Ends all of these editions that has not left yet; what is on the wire is finished.

    What is in doubt counts as delivered. The articles of the rest come with their readers' next editions.
    """
    await _move(store, ids, (RUNNING, PAUSED), CANCELLED)
    done = Done()
    for ident in ids:
        one = await act(store, Event.CANCEL, Selection(edition=ident), now, progress=progress)
        done.changed += one.changed
        done.passed += one.passed
    return done


async def unpark(store: Store, now: datetime, *, repeat: bool) -> int:
    """Brings what was put aside in line with its edition; how many are due again.

    What belongs to a running edition is due again, what belongs to a cancelled one ends: whatever a command that was
    cut off, or a message that was on the wire meanwhile, left behind. Safe at any time. `repeat`, of a resume alone:
    what is in doubt is sent again; at other times it cannot be told from what waits for the operator, and is left.
    """
    wanted = (*SENDABLE, DeliveryState.IN_DOUBT) if repeat else SENDABLE
    found = 0
    while page := await _page(store, RUNNING, wanted):  # looked for without keeping any writer waiting
        began = time.monotonic()
        still = and_(
            deliveries.c.id.in_(page), deliveries.c.state.in_(wanted), deliveries.c.next_attempt_at.is_(None)
        )
        async with store.write() as tx:
            found += (await tx.execute(update(deliveries).where(still).values(next_attempt_at=now))).rowcount
        await breathe(time.monotonic() - began)
    while left := await _page(store, CANCELLED, (*SENDABLE, DeliveryState.IN_DOUBT)):
        await act(store, Event.CANCEL, Selection(ids=left), now)
    return found


async def _page(store: Store, state: str, wanted: Sequence[DeliveryState]) -> tuple[int, ...]:
    async with store.read() as tx:
        return tuple((await tx.execute(_aside(state, wanted))).scalars())


def _aside(state: str, wanted: Sequence[DeliveryState]) -> Select[Any]:
    """A page of ids of deliveries that were put aside and belong to editions in `state`."""
    each = or_(*(deliveries.c.state == one for one in wanted))  # along the index of state and time
    return (
        select(deliveries.c.id)
        .join(editions, deliveries.c.edition_id == editions.c.id)
        .where(each, deliveries.c.next_attempt_at.is_(None), editions.c.state == state)
        .limit(_PAGE)
    )


async def _move(store: Store, ids: Sequence[int] | None, before: tuple[str, ...], then: str) -> int:
    chosen = [editions.c.state.in_(before)]
    if ids is not None:
        chosen.append(editions.c.id.in_(list(ids)))
    async with store.write() as tx:
        if ids is None:
            await upsert(tx, switches, ["name"], {"name": PAUSE, "on": then == PAUSED})
        return (await tx.execute(update(editions).where(*chosen).values(state=then))).rowcount
