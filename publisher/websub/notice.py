"""Sees which topics changed, and ends what cannot go on.

    topics in the STORE | their files' signatures | another digest? -> STORE: a new number, and all are behind
                        | no file for an hour, a host that is blocked, a lease that ended -> STORE: ended

What counts is what lies in the output folder, not what anybody tells of it: a crash between the writing of a file and
this loses nothing, and neither do files that another process wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from publisher import log
from publisher.config import Settings
from publisher.hub_state import Topic
from publisher.store import hub, hub_requests
from publisher.store.engine import Store
from publisher.websub.content import Content, Signature, load, signature_of

#: A section whose last article was withdrawn may have another one soon.
_GRACE = timedelta(hours=1)
_GONE = "This feed has ended."
_BLOCKED = "Callbacks at this host are not wanted here."

#: Signature and digest of each file that was looked at, by feed.
Seen = dict[str, tuple[Signature, str]]

_log = log.get("hub")


async def changes(store: Store, settings: Settings, seen: Seen, now: datetime) -> None:
    """Notes which topics changed, and which are gone; `seen` is kept up to date."""
    async with store.read() as tx:
        known = await hub.topics(tx)
    if not known:
        return
    root = settings.path(settings.output.directory)
    changed, gone, back = await asyncio.to_thread(_look, root, known, seen)
    for topic, content in changed:
        if content.digest != topic.digest:
            async with store.write() as tx:
                await hub.note_change(tx, topic.feed, content.digest)
        seen[topic.feed] = (content.signature, content.digest)
    for topic in back:
        async with store.write() as tx:
            await hub.note_gone(tx, topic.feed, None)
    for topic in gone:
        await _gone(store, topic, now)


def _look(
    root: Path, known: Sequence[Topic], seen: Seen
) -> tuple[list[tuple[Topic, Content]], list[Topic], list[Topic]]:
    """(those whose files are others, those without a file, those that have one again)."""
    changed: list[tuple[Topic, Content]] = []
    gone: list[Topic] = []
    back: list[Topic] = []
    if not root.is_dir():  # the disk's trouble, or the first build is still to come
        return changed, gone, back
    for topic in known:
        try:
            signature = signature_of(root, topic.feed)
            same = seen.get(topic.feed) == (signature, topic.digest)
            content = None if same or signature is None else load(root, topic.feed)
        except OSError as error:  # the disk's trouble; looked at again
            _log.warning("feed cannot be read", feed=topic.feed, why=error.strerror or str(error))
            continue
        if signature is None:
            gone.append(topic)
        elif topic.gone_since is not None:
            back.append(topic)
        if content is not None:
            changed.append((topic, content))
    return changed, gone, back


async def _gone(store: Store, topic: Topic, now: datetime) -> None:
    """Its subscribers are told once it has been gone for long."""
    if topic.gone_since is None:
        async with store.write() as tx:
            await hub.note_gone(tx, topic.feed, now)
    elif now - topic.gone_since >= _GRACE:
        async with store.write() as tx:
            ended = await hub.of_feed(tx, topic.feed)
            await hub_requests.deny(tx, ended, _GONE, now)
        if ended:
            _log.info("topic ended", feed=topic.feed, subscriptions=len(ended))


async def endings(store: Store, settings: Settings, now: datetime) -> None:
    """Ends the leases that are over and the subscriptions of blocked hosts; forgets what is of no use any more."""
    async with store.write() as tx:
        expired = await hub.expire(tx, now)
        if settings.hub.blocked:
            await hub_requests.deny(tx, await hub.of_hosts(tx, settings.hub.blocked), _BLOCKED, now)
        await hub_requests.forget_failed(tx, now)
        await hub.drop_unwanted_topics(tx)
    if expired:
        _log.info("leases ended", subscriptions=expired)
