"""Pushes feeds that changed to those who subscribed to them (W3C WebSub, section 7).

    who is behind in the STORE | the newest content | sign | POST, guarded, each by itself | judge -> STORE

A callback that missed several changes gets the newest, once. What was sent and not written down when the service died
is sent again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from publisher import http, log, metrics
from publisher.config import Settings
from publisher.crypto import Keys, unseal
from publisher.errors import FetchError
from publisher.hub_state import HubSubscription, Pushed, Took, Topic
from publisher.store import hub, hub_requests
from publisher.store.engine import Store
from publisher.websub import topics
from publisher.websub.accept import SECRET, bound
from publisher.websub.content import Content, load
from publisher.websub.lanes import Lanes
from publisher.websub.schedule import next_try
from publisher.websub.verify import HEADERS

#: What is answered means nothing; no redirects.
LIMITS = http.Limits(body=0, total=20.0, idle=15.0, redirects=0)
#: Pushes that one turn begins in each lane: more at once would keep the loop from whoever publishes meanwhile.
_PER_TURN = 16
_UNSIGNED = "The key to the secret of this subscription was lost. Please subscribe again."

_log = log.get("hub")


@dataclass(frozen=True, slots=True)
class _Push:
    """What one attempt needs."""

    subscription: HubSubscription
    topic: Topic
    content: Content
    #: In [0, 1).
    jitter: float


async def push_due(
    store: Store, settings: Settings, keys: Keys, lanes: Lanes[Pushed], *, now: Callable[[], datetime],
    jitter: Callable[[], float],
) -> None:
    """Begins to push to whoever is due, as far as there is place."""
    due: list[HubSubscription] = []
    async with store.read() as tx:
        for slow in (False, True):
            if free := min(lanes.free(slow=slow), _PER_TURN):
                due += await hub.due(tx, now(), slow=slow, busy=lanes.busy, limit=free)
        known = {it.feed: it for it in await hub.topics(tx)} if due else {}
    if len(due) >= _PER_TURN:
        lanes.wake.set()  # there may be more
    root = settings.path(settings.output.directory)
    for feed in dict.fromkeys(it.feed for it in due):
        try:
            content = await asyncio.to_thread(load, root, feed)
        except OSError as error:  # the disk's trouble; the next turn tries again, and other feeds go on
            _log.warning("feed cannot be read", feed=feed, why=error.strerror or str(error))
            continue
        if content is None or content.digest != known[feed].digest:
            lanes.wake.set()  # changed this very moment: noted first
            continue
        for it in due:
            if it.feed == feed:
                _start(settings, keys, lanes, _Push(it, known[feed], content, jitter()), now)


def _start(
    settings: Settings, keys: Keys, lanes: Lanes[Pushed], push: _Push, now: Callable[[], datetime]
) -> None:
    it = push.subscription
    work = _push(settings, keys, push, now)
    lanes.start(it.id, work, lambda reason: _failed(push, reason, now(), slow=True), slow=it.slow)


async def _push(settings: Settings, keys: Keys, push: _Push, now: Callable[[], datetime]) -> Pushed:
    it = push.subscription
    secret = unseal(keys, SECRET, it.secret, bound(it.feed, it.callback)) if it.secret else None
    if it.secret and secret is None:
        return Pushed(it, Took.UNSIGNED, push.topic.number, now(), reason=_UNSIGNED)
    site = settings.site.url
    headers = topics.headers(it.feed, site, push.content.data, settings.hub.signature, secret)
    begun = time.monotonic()
    try:
        got = await http.post_bytes(
            it.callback, push.content.data, headers={**HEADERS, **headers}, limits=LIMITS,
            allow_private=settings.hub.allow_private,
        )
    except FetchError as error:
        return _failed(push, str(error), now(), slow=time.monotonic() - begun > 1)
    slow = time.monotonic() - begun > 1
    if 200 <= got.status < 300:
        return Pushed(it, Took.DELIVERED, push.topic.number, now(), slow)
    if got.status == 410:
        return Pushed(it, Took.ENDED, push.topic.number, now(), reason="it answers 410")
    return _failed(push, f"it answers {got.status}", now(), slow=slow)


def _failed(push: _Push, reason: str, now: datetime, *, slow: bool) -> Pushed:
    it = push.subscription
    again = next_try(it.failing_since, now, push.jitter)
    return Pushed(it, Took.FAILED, push.topic.number, now, slow, reason, again)


async def record(store: Store, lanes: Lanes[Pushed], now: datetime) -> None:
    """Writes down what became of attempts, all of it in one commit."""
    pushes = dict(lanes.outcomes)
    if not pushes:
        return
    unsigned = [push.subscription for push in pushes.values() if push.took == Took.UNSIGNED]
    async with store.write() as tx:
        await hub.settle(tx, pushes.values())
        await hub_requests.deny(tx, unsigned, _UNSIGNED, now)
    for number, push in pushes.items():
        del lanes.outcomes[number]
        _tell(push)


def _tell(push: Pushed) -> None:
    it = push.subscription
    metrics.HUB_PUSHES.labels(push.took.value).inc()
    if push.took in (Took.ENDED, Took.UNSIGNED):
        _log.info("subscription ended", feed=it.feed, host=it.host, why=push.reason)
    elif push.took == Took.FAILED and (it.failing_since is None or push.retry_at is None):
        what = "push failed; tried again" if push.retry_at else "push given up until the next change"
        _log.warning(what, feed=it.feed, host=it.host, why=push.reason)
