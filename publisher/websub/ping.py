"""Tells the hubs of others which feeds changed, so that they push them (`hub.ping`).

    feeds that were written | note -> STORE | POST hub.mode=publish, guarded, each hub by itself -> STORE

What was written when the service died is found at the next start by the times of the files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from publisher import http, log, metrics
from publisher.config import Settings
from publisher.errors import FetchError
from publisher.hub_state import Peer, Ping
from publisher.store import hub_pings
from publisher.store.engine import Store
from publisher.websub import topics
from publisher.websub.content import changed_since
from publisher.websub.schedule import next_try

_AT_ONCE, _ROUND = 4, 100
#: Rows of one commit.
_BATCH = 500
_LIMITS = http.Limits(body=0, total=20.0, idle=10.0, redirects=0)
#: What the clock of files may lag behind ours.
_MARGIN = timedelta(seconds=2)
#: Statuses of a hub that may take the same later.
_BUSY = (408, 425, 429)

_log = log.get("hub")


async def note(store: Store, settings: Settings, feeds: Iterable[str], now: datetime) -> None:
    """These feeds were written: each hub is to be told."""
    changed = sorted(feeds)
    for hub in settings.hub.ping:
        for at in range(0, len(changed), _BATCH):
            last = at + _BATCH >= len(changed)
            async with store.write() as tx:
                await hub_pings.note(tx, hub, changed[at : at + _BATCH], now, until=now if last else None)


async def catch_up(store: Store, settings: Settings, now: datetime) -> None:
    """Notes what was written and not noted yet, as before the last end; a new hub begins with the present."""
    root = settings.path(settings.output.directory)
    async with store.read() as tx:
        known = await hub_pings.peers(tx)
    for hub in settings.hub.ping:
        changed: list[str] = []
        if hub in known:
            changed = await asyncio.to_thread(changed_since, root, (known[hub].noted_at - _MARGIN).timestamp())
        if changed or hub not in known:
            async with store.write() as tx:
                await hub_pings.note(tx, hub, changed, now, until=now)


async def tell(
    store: Store, settings: Settings, hub: str, *, now: Callable[[], datetime], jitter: Callable[[], float]
) -> None:
    """Tells one hub what it is to be told now; a hub that fails is left alone for a while."""
    async with store.read() as tx:
        due = await hub_pings.due(tx, hub, now(), _ROUND)
    for at in range(0, len(due), _AT_ONCE):
        some = due[at : at + _AT_ONCE]
        reasons = await asyncio.gather(*(_told(settings, hub, ping) for ping in some))
        await _record(store, hub, some, reasons, now(), jitter())
        if any(again for _, again in reasons):
            return


async def _told(settings: Settings, hub: str, ping: Ping) -> tuple[str, bool]:
    """Why the hub does not take it, and whether it is to be told again; ("", False) where it does."""
    form = {"hub.mode": "publish", "hub.url": topics.address(ping.feed, settings.site.url)}
    try:
        got = await http.post(hub, form, limits=_LIMITS, allow_private=settings.hub.allow_private)
    except FetchError as error:
        return str(error), True
    if 200 <= got.status < 300:
        return "", False
    return f"it answers {got.status}", got.status in _BUSY or not 400 <= got.status < 500


async def _record(
    store: Store, hub: str, pings: Sequence[Ping], reasons: Sequence[tuple[str, bool]], now: datetime, jitter: float
) -> None:
    ended = [ping for ping, (_, again) in zip(pings, reasons, strict=True) if not again]
    reason = next((why for why, _ in reasons if why), "")
    waits = any(again for _, again in reasons)
    async with store.write() as tx:
        before = (await hub_pings.peers(tx)).get(hub) or Peer(hub, now)
        since = (before.failing_since or now) if waits else None
        retry = (next_try(since, now, jitter) or now + hub_pings.GIVEN_UP / 4) if waits else None
        await hub_pings.told(tx, hub, ended)
        await hub_pings.put(tx, replace(before, failing_since=since, retry_at=retry, reason=reason[:300]))
    metrics.HUB_PINGS.labels("told").inc(sum(1 for why, _ in reasons if not why))
    metrics.HUB_PINGS.labels("failed").inc(sum(1 for why, _ in reasons if why))
    if reason and reason != before.reason:
        _log.warning("hub not told", hub=hub, why=reason)
