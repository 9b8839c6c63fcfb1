"""What hubs say to us: their questions, their refusals, and the feeds that they push (W3C WebSub, sections 5 to 7).

    question | did we ask that? -> its challenge, and the lease in the STORE
    delivery | whose? | signed? | parse, in a thread | what is new, like a poll's -> STORE

A push is never the last word: the next poll reads the whole feed again, whatever it had before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from publisher import http, log, tokens
from publisher.config import Settings
from publisher.crypto import Keys, same
from publisher.errors import DocumentError
from publisher.intake import feed_parse, feed_take, push_ask, push_schedule
from publisher.intake.feed_parse import Entry
from publisher.intake.feed_rows import is_news, tell
from publisher.intake.ingest import publish
from publisher.settings import Source
from publisher.source_state import Push, PushMode
from publisher.store import documents, pushes, sources
from publisher.store.engine import Store
from publisher.store.lock import pick_up_lock

#: Seconds that a hub is kept waiting; what takes longer is left to a poll, at once.
_PATIENCE = 10.0
_LONGEST_CHALLENGE = 2000
#: Statuses: taken (or not wanted in this form, which the hub need not know), ended, too large, later.
TAKEN, GONE, TOO_LARGE, LATER = 202, 410, 413, 503

_log = log.get("intake")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a hub posted."""

    #: None: it is larger than a feed may be.
    body: bytes | None
    content_type: str
    #: `X-Hub-Signature`, or empty.
    signature: str


async def question(
    store: Store, keys: Keys, token: str, fields: Mapping[str, str], *, now: datetime
) -> str | None:
    """What to answer a hub that asks whether we meant it, or tells that it denies; None: nobody asked for that."""
    push = await _push(store, keys, token)
    if push is None or not same(fields.get("hub.topic", "").encode(), push.topic.encode()):
        return None
    mode = fields.get("hub.mode", "")
    if mode == "denied":
        changed = push_schedule.denied(push, fields.get("hub.reason", ""), now)
        async with store.write() as tx:
            await pushes.put(tx, changed)
        _log.warning("no push; the feed is polled", source=push.source, hub=push.hub, reason=changed.reason)
        return ""
    challenge = fields.get("hub.challenge", "")
    wanted = PushMode.SUBSCRIBE if push.wanted else PushMode.UNSUBSCRIBE
    if not (0 < len(challenge) <= _LONGEST_CHALLENGE and mode == push.pending.value == wanted.value):
        return None
    async with store.write() as tx:
        if push.wanted:
            await pushes.put(tx, push_schedule.granted(push, _lease(fields.get("hub.lease_seconds", "")), now))
        else:
            await pushes.remove(tx, push.id)
    _log.info("pushed from now on" if push.wanted else "pushed no more", source=push.source, hub=push.hub)
    return challenge


def _lease(said: str) -> timedelta:
    told = said.isascii() and said.isdigit() and len(said) <= 9
    return timedelta(seconds=int(said)) if told else push_schedule.LEASE


async def is_known(store: Store, keys: Keys, token: str) -> bool:
    """Whether this is the address of a subscription: a stranger's body is not even read."""
    return await _push(store, keys, token) is not None


async def delivery(
    store: Store, settings: Settings, keys: Keys, token: str, given: Delivery, *, now: Callable[[], datetime]
) -> int:
    """Takes in what a hub pushes; the HTTP status to answer.

    What is not signed with our secret is ignored, and the hub not told so (section 7.1).
    """
    push = await _push(store, keys, token)
    source = next((one for one in settings.source if push is not None and one.name == push.source), None)
    if push is None or source is None or not push_ask.is_possible(settings, source):
        return GONE
    if not push.wanted or push.lease_until is None:
        return GONE
    if given.body is None:
        return await _poll_instead(store, source, "it is too large", now(), TOO_LARGE)
    if not push_schedule.signed(keys, token, given.body, given.signature):
        _log.warning("push ignored", source=source.name, hub=push.hub, reason="it is not signed with our secret")
        return TAKEN
    try:
        async with asyncio.timeout(_PATIENCE):
            return await _take(store, settings, source, given.body, given.content_type, now)
    except TimeoutError:
        return await _poll_instead(store, source, "a pick-up takes its time", now(), LATER)


async def _push(store: Store, keys: Keys, token: str) -> Push | None:
    row = tokens.row_of(token)
    if row is None:
        return None
    async with store.read() as tx:
        push = await pushes.get(tx, row)
    return push if push is not None and push_schedule.is_token(keys, push, token) else None


async def _poll_instead(store: Store, source: Source, reason: str, now: datetime, status: int) -> int:
    """Has the feed asked at the next occasion."""
    _log.warning("push left to a poll", source=source.name, reason=reason)
    async with store.write() as tx:
        state = await sources.get(tx, source.name)
        await sources.put(tx, replace(state, next_poll_at=None if state.gone else now))
    return status


async def _take(
    store: Store, settings: Settings, source: Source, body: bytes, content_type: str, now: Callable[[], datetime]
) -> int:
    async with store.read() as tx:
        state = await sources.get(tx, source.name)
        first = await documents.first_read_at(tx, source.name)
    if first is None:  # what it held before cannot be told from what is new
        return await _poll_instead(store, source, "the feed was never read before", now(), TAKEN)
    try:  # against the address that a poll uses: an entry must not look changed because of the way that it came
        feed = await asyncio.to_thread(
            feed_parse.parse, body, content_type, state.url or source.url, settings.site.zone
        )
    except DocumentError as error:
        return await _poll_instead(store, source, error.reason, now(), TAKEN)
    await _write(store, settings, source, feed.entries, now)
    return TAKEN


async def _write(
    store: Store, settings: Settings, source: Source, entries: Sequence[Entry], now: Callable[[], datetime]
) -> None:
    limits = http.Limits(total=_PATIENCE / 2)
    compared = await feed_take.compare(store, settings, source, entries, now=now(), limits=limits)
    if not compared.loaded:
        return
    async with pick_up_lock(store):
        pick_up = await feed_take.pick_up(store, settings, source, entries, now=now(), whole=False)
        rows = await feed_take.write(store, pick_up, compared.loaded)
        async with store.write() as tx:
            # A poll that is under way is older than this; the next one asks for all, were this an old delivery.
            state = await sources.get(tx, source.name)
            await sources.put(tx, replace(state, etag="", last_modified="", digest="", polled_at=pick_up.now))
    await publish(store, now())
    tell(source, [row for row in rows if is_news(row, compared.known.get(row.path))])
