"""Takes what subscribers ask of the hub (W3C WebSub, section 5).

    form | read | a feed that is there? | a callback that may be asked? | within the limits? -> STORE

What is taken waits until the callback has said that it meant it (`publisher.websub.verify`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from publisher import hosts
from publisher.config import Settings
from publisher.crypto import Keys, seal
from publisher.errors import FetchError
from publisher.hub_state import HubMode, NewRequest
from publisher.store import hub, hub_requests
from publisher.store.engine import Store, Tx
from publisher.websub.ask import Ask, AskError, read
from publisher.websub.content import load

#: What a secret is sealed for.
SECRET = "hub secret"  # noqa: S105 - a purpose
#: Seconds that the name of a callback may take to be looked up; one that takes longer is judged when it is asked.
_PATIENCE = 2.0
#: Requests that one callback may have waiting for one topic.
_WAITING = 3
#: Requests of one host that may fail within ten minutes: whoever names a stranger's callbacks gets no further.
_FAILED = 100
#: Seconds.
_SOON, _LATER = 60, 600


def bound(feed: str, callback: str) -> str:
    """What a sealed secret is bound to."""
    return f"{feed}\n{callback}"


async def accept(
    store: Store, settings: Settings, keys: Keys, fields: Mapping[str, str], *, now: datetime
) -> None:
    """Notes the request. Raises AskError with what is wrong with it."""
    ask = read(fields, settings.hub, settings.site.url)
    content = await asyncio.to_thread(load, settings.path(settings.output.directory), ask.feed)
    if content is None and ask.mode == HubMode.SUBSCRIBE:
        raise AskError(404, f"There is no feed {ask.topic} here.")
    await _judge_callback(ask, settings)
    secret = "" if ask.secret is None else seal(keys, SECRET, ask.secret, bound(ask.feed, ask.callback))
    async with store.write() as tx:
        await _check_limits(tx, settings, ask)
        number = 0 if content is None else await hub.add_topic(tx, ask.feed, content.digest)
        new = NewRequest(ask.mode, ask.feed, ask.topic, ask.callback, ask.host, secret, ask.lease, number)
        await hub_requests.add(tx, new, now)


async def _judge_callback(ask: Ask, settings: Settings) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            await hosts.lawful(ask.host, ask.port, settings.hub.allow_private)
    except FetchError as error:
        raise AskError(403 if error.refused else 400, f"hub.callback is refused: {error}.") from error
    except TimeoutError:
        pass


async def _check_limits(tx: Tx, settings: Settings, ask: Ask) -> None:
    """A renewal takes no new place, but waits like all others."""
    if await hub_requests.count_waiting(tx, ask.feed, ask.callback) >= _WAITING:
        raise AskError(429, "This callback has not answered the hub's last questions yet.", _SOON)
    if await hub_requests.count_failed(tx, ask.host) >= _FAILED:
        raise AskError(429, f"Too many requests for callbacks at {ask.host} were not confirmed.", _LATER)
    limits = settings.hub
    known = await hub.get(tx, ask.feed, ask.callback) is not None
    if await hub.count(tx, ask.host) - known >= limits.callbacks_per_host:
        raise AskError(429, f"Callbacks at {ask.host} have as many subscriptions as one host may have.", _LATER)
    if await hub.count(tx) - known >= limits.callbacks:
        raise AskError(503, "This hub has as many subscriptions as it takes.", _LATER)
