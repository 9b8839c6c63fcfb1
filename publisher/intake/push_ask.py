"""Asks the hubs of feeds to push, to go on pushing, or to stop (the subscriber's side of W3C WebSub, section 5).

    due | wanted? | note what is asked -> STORE | POST to the hub, guarded -> it comes back to the callback
                  | not wanted, no lease -> forgotten

Nothing hangs on the answer: a hub that does not come back is asked again later, and the feed is polled meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from publisher import http, log, urls
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.errors import FetchError
from publisher.intake import push_schedule
from publisher.intake.feed_parse import Feed
from publisher.intake.push_offer import find
from publisher.settings import Source
from publisher.source_state import Push, PushMode
from publisher.store import pushes
from publisher.store.engine import Store, Tx

#: Hubs that are asked at a time; what one may cost: its answer's body means nothing.
_AT_ONCE = 4
_LIMITS = http.Limits(body=100_000, total=20.0, idle=10.0)

_log = log.get("intake")


def is_possible(settings: Settings, source: Source) -> bool:
    """Whether hubs of this source can reach us: by https, or within a network of our own."""
    return source.kind == "feed" and source.push and (source.allow_private or settings.site.url.startswith("https://"))


async def note_offer(tx: Tx, settings: Settings, source: Source, feed: Feed, got: http.Fetched, now: datetime) -> None:
    """Records what hub the feed offers now, if any."""
    offer = find(got.headers, feed.links, got.url) if is_possible(settings, source) else None
    if offer is None:
        await pushes.withdraw(tx, source.name, now)
    else:
        await pushes.offer(tx, source.name, offer.hub, offer.topic, now)


async def ask(
    store: Store, settings: Settings, keys: Keys, *, now: Callable[[], datetime], jitter: Callable[[], float]
) -> None:
    """Asks the hubs whose time has come; ends what belongs to no source of the configuration any more."""
    feeds = {source.name: source for source in settings.source if source.kind == "feed"}
    able = [name for name, source in feeds.items() if is_possible(settings, source)]
    async with store.read() as tx:
        strange = await pushes.any_strange(tx, able)
    if strange:
        async with store.write() as tx:
            await pushes.keep_only(tx, able, now())
    async with store.read() as tx:
        due = await pushes.due(tx, now())
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(push: Push) -> None:
        async with gate:
            source = feeds.get(push.source)
            inside = source is not None and source.allow_private
            await _ask(store, settings, keys, push, now(), jitter(), allow_private=inside)

    await asyncio.gather(*map(one, due))


async def _ask(
    store: Store, settings: Settings, keys: Keys, push: Push, now: datetime, jitter: float, *, allow_private: bool
) -> None:
    mode = push_schedule.mode_due(push, now)
    if mode is PushMode.NOTHING:
        async with store.write() as tx:
            await pushes.remove(tx, push.id)
        return
    asking = push_schedule.asked(push, mode, now, jitter)
    async with store.write() as tx:
        await pushes.put(tx, asking)
    reason = await _told(_form(settings, keys, push, mode), push.hub, allow_private=allow_private)
    if not reason:
        return
    if reason != push.reason:
        _log.warning("no push; the feed is polled", source=push.source, hub=push.hub, reason=reason)
    async with store.write() as tx:
        await pushes.refused(tx, asking, reason)


async def _told(form: dict[str, str], hub: str, *, allow_private: bool) -> str:
    """Why the hub did not take the request; empty where it did."""
    try:
        got = await http.post(hub, form, limits=_LIMITS, allow_private=allow_private)
    except FetchError as error:
        return f"its hub could not be asked: {error}"
    return "" if 200 <= got.status < 300 else f"its hub answers {got.status}"


def _form(settings: Settings, keys: Keys, push: Push, mode: PushMode) -> dict[str, str]:
    """Section 5.1. The secret goes over plain HTTP too, where the hub has nothing better."""
    token = push_schedule.token(keys, push)
    callback = urls.absolute(settings.site.url, f"/push/{token}")
    form = {"hub.callback": callback, "hub.mode": mode.value, "hub.topic": push.topic}
    if mode is PushMode.SUBSCRIBE:
        form["hub.lease_seconds"] = str(int(push_schedule.LEASE.total_seconds()))
        form["hub.secret"] = push_schedule.secret(keys, token)
    return form
