"""Requests to the WebSub hub whose callbacks are still to be asked whether they meant it, or told that it is denied."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update

from publisher.hub_state import Answer, HubMode, HubRequest, HubSubscription, NewRequest
from publisher.store import hub
from publisher.store.engine import Tx
from publisher.store.hub_schema import hub_requests

#: How long those that failed are kept, and count against their host.
KEPT = timedelta(minutes=10)

_requests = hub_requests.c
_columns = [_requests[name] for name in HubRequest.__slots__]


def _request(row: Row[Any]) -> HubRequest:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return HubRequest(**{**values, "mode": HubMode(row.mode), "lease": timedelta(seconds=row.lease)})


async def add(tx: Tx, new: NewRequest, now: datetime) -> None:
    """A request, to be dealt with at once."""
    names = ("mode", "feed", "topic", "callback", "host", "secret", "number", "reason")
    values = {name: getattr(new, name) for name in names}
    lease = int(new.lease.total_seconds())
    await tx.execute(hub_requests.insert().values(**values, lease=lease, tries=0, next_try_at=now))


async def deny(tx: Tx, ended: Iterable[HubSubscription], reason: str, now: datetime) -> None:
    """Ends these subscriptions, and has their callbacks told so (WebSub, section 5.2)."""
    for it in ended:
        await hub.end(tx, it.feed, it.callback)
        await add(tx, NewRequest(HubMode.DENIED, it.feed, it.topic, it.callback, it.host, reason=reason), now)


async def due(
    tx: Tx, now: datetime, *, busy: Collection[int], full: Collection[str], limit: int
) -> list[HubRequest]:
    """Those whose callbacks are to be asked now: of each callback and topic the newest; none at the hosts `full`."""
    newest = (
        select(func.max(_requests.id)).where(_requests.next_try_at.is_not(None))
        .group_by(_requests.feed, _requests.callback)
    )
    query = (
        select(*_columns)
        .where(
            _requests.next_try_at <= now, _requests.id.in_(newest), _requests.id.not_in(list(busy)),
            _requests.host.not_in(list(full)),
        )
        .order_by(_requests.id)
        .limit(limit)
    )
    return [_request(row) for row in await tx.execute(query)]


async def settle(tx: Tx, answers: Iterable[Answer], now: datetime) -> None:
    """What the callbacks said. A confirmed request goes into force, and settles what was asked before it."""
    for answer in answers:
        it = answer.request
        here = (_requests.id == it.id) & (_requests.feed == it.feed) & (_requests.callback == it.callback)
        if answer.confirmed:
            await _confirm(tx, it, now)
        elif it.mode == HubMode.DENIED and answer.retry_at is None:
            await tx.execute(delete(hub_requests).where(here))
        else:
            failed = now if answer.retry_at is None else None
            values = {"next_try_at": answer.retry_at, "failed_at": failed, "tries": it.tries + 1}
            await tx.execute(update(hub_requests).where(here).values(**values, reason=answer.reason[:300]))


async def _confirm(tx: Tx, it: HubRequest, now: datetime) -> None:
    if it.mode == HubMode.SUBSCRIBE:
        await hub.grant(tx, it, now + it.lease)
    elif it.mode == HubMode.UNSUBSCRIBE:
        await hub.end(tx, it.feed, it.callback)
    older = (_requests.feed == it.feed) & (_requests.callback == it.callback) & (_requests.id <= it.id)
    await tx.execute(delete(hub_requests).where(older))


async def forget_failed(tx: Tx, now: datetime) -> None:
    """Forgets those that failed long ago."""
    old = select(_requests.id).where(_requests.failed_at <= now - KEPT).limit(hub.BATCH)
    await tx.execute(delete(hub_requests).where(_requests.id.in_(old)))


async def count_waiting(tx: Tx, feed: str, callback: str) -> int:
    """How many of this callback and topic wait."""
    here = (_requests.feed == feed) & (_requests.callback == callback) & _requests.next_try_at.is_not(None)
    return int((await tx.execute(select(func.count()).select_from(hub_requests).where(here))).scalar_one())


async def count_failed(tx: Tx, host: str) -> int:
    """How many of this host failed lately."""
    here = (_requests.host == host) & _requests.failed_at.is_not(None)
    return int((await tx.execute(select(func.count()).select_from(hub_requests).where(here))).scalar_one())
