"""What the hubs of others are to be told, and how they take it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update

from publisher.hub_state import Peer, Ping
from publisher.store.engine import Tx
from publisher.store.hub_schema import hub_peers, hub_pings
from publisher.store.upsert import insert_new

#: What a hub could not be told for so long, it is not told.
GIVEN_UP = timedelta(days=1)

_pings, _peers = hub_pings.c, hub_peers.c


async def peers(tx: Tx) -> dict[str, Peer]:
    """The hubs that are known, by their addresses."""
    columns = [_peers[name] for name in Peer.__slots__]
    return {row.hub: Peer(*row) for row in await tx.execute(select(*columns).order_by(_peers.hub))}


async def put(tx: Tx, peer: Peer) -> None:
    """Records how the hub takes what it is told; up to when changes are noted stays as it is."""
    values = {name: getattr(peer, name) for name in ("failing_since", "retry_at", "reason")}
    await tx.execute(update(hub_peers).where(_peers.hub == peer.hub).values(**values))


async def note(tx: Tx, hub: str, feeds: Iterable[str], now: datetime, *, until: datetime | None = None) -> None:
    """These feeds changed: the hub is to be told. `until`: all changes up to then are noted by this."""
    for feed in feeds:
        row = {"hub": hub, "feed": feed, "number": 1, "noted_at": now}
        if not await insert_new(tx, hub_pings, row):
            here = (_pings.hub == hub) & (_pings.feed == feed)
            await tx.execute(update(hub_pings).where(here).values(number=_pings.number + 1))
    if until is not None and not await insert_new(tx, hub_peers, {"hub": hub, "noted_at": until, "reason": ""}):
        await tx.execute(update(hub_peers).where(_peers.hub == hub).values(noted_at=until))


async def due(tx: Tx, hub: str, now: datetime, limit: int) -> list[Ping]:
    """What the hub is to be told now."""
    resting = select(_peers.hub).where(_peers.hub == hub, _peers.retry_at > now)
    query = select(_pings.feed, _pings.number).where(_pings.hub == hub, _pings.hub.not_in(resting))
    return [Ping(*row) for row in await tx.execute(query.order_by(_pings.noted_at, _pings.feed).limit(limit))]


async def told(tx: Tx, hub: str, pings: Iterable[Ping]) -> None:
    """The hub knows these; what changed again meanwhile it is told again."""
    for ping in pings:
        here = (_pings.hub == hub) & (_pings.feed == ping.feed) & (_pings.number == ping.number)
        await tx.execute(delete(hub_pings).where(here))


async def give_up(tx: Tx, hubs: Collection[str], now: datetime) -> int:
    """Drops what has waited for too long, and all for other hubs than these; how many pings."""
    gone = or_(_pings.noted_at <= now - GIVEN_UP, _pings.hub.not_in(list(hubs)))
    dropped = (await tx.execute(delete(hub_pings).where(gone))).rowcount
    await tx.execute(delete(hub_peers).where(_peers.hub.not_in(list(hubs))))
    return dropped


async def waiting(tx: Tx) -> dict[str, int]:
    """How many pings wait, by hub."""
    rows = await tx.execute(select(_pings.hub, func.count()).group_by(_pings.hub))
    return {row[0]: row[1] for row in rows}
