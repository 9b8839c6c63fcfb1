"""One turn of the hub: what is done, without waiting for anybody.

    write down what was answered and pushed | see what changed | ask | push | tell other hubs | (now and then) tidy up

The questions and pushes themselves go on beside it; each that ends wakes the next turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.hub_state import Answer, Pushed
from publisher.output import PublishReport
from publisher.store import hub_pings
from publisher.store.engine import Store
from publisher.websub import deliver, notice, ping, topics, verify
from publisher.websub.lanes import Lanes
from publisher.websub.notice import Seen
from publisher.websub.verify import Asking

#: Between two looks at leases and leavings.
_TIDY = timedelta(seconds=5)


@dataclass(slots=True)
class Course:
    """What is under way between two turns; all that must last is in the store."""

    #: Set when a turn is worth while.
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    #: Feeds that were written and are not noted yet.
    written: set[str] = field(default_factory=set)
    seen: Seen = field(default_factory=dict)
    caught_up: bool = False
    tidied_at: datetime | None = None
    telling: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    asking: Asking = field(init=False)
    pushing: Lanes[Pushed] = field(init=False)

    def __post_init__(self) -> None:
        self.asking = Asking(Lanes[Answer](self.wake, quick_places=24, slow_places=16))
        self.pushing = Lanes[Pushed](self.wake, quick_places=64, slow_places=32)

    def note(self, report: PublishReport) -> None:
        """Feeds were written just now."""
        self.written.update(report.changed)
        self.caught_up = self.caught_up and len(report.changed) == report.written
        self.wake.set()

    async def stop(self, store: Store, now: datetime) -> None:
        """Ends what is under way, and writes down what came of the rest."""
        for task in self.telling.values():
            task.cancel()
        await asyncio.gather(*self.telling.values(), return_exceptions=True)
        await self.asking.lanes.stop()
        await self.pushing.stop()
        await verify.record(store, self.asking.lanes, now)
        await deliver.record(store, self.pushing, now)


async def turn(
    store: Store, settings: Settings, keys: Keys, course: Course, *, now: Callable[[], datetime],
    jitter: Callable[[], float],
) -> None:
    """One turn. Where the hub is off only the hubs of others are told, and leases run out."""
    await verify.record(store, course.asking.lanes, now())
    await deliver.record(store, course.pushing, now())
    if course.tidied_at is None or now() - course.tidied_at >= _TIDY:
        await notice.endings(store, settings, now())
        async with store.write() as tx:
            await hub_pings.give_up(tx, settings.hub.ping, now())
        course.tidied_at = now()
    if settings.hub.enabled:
        await notice.changes(store, settings, course.seen, now())
        await deliver.push_due(store, settings, keys, course.pushing, now=now, jitter=jitter)
        await verify.ask_due(store, settings, course.asking, now=now)
    await _tell_others(store, settings, course, now, jitter)


async def _tell_others(
    store: Store, settings: Settings, course: Course, now: Callable[[], datetime], jitter: Callable[[], float]
) -> None:
    if not settings.hub.ping:
        course.written.clear()
        return
    if not course.caught_up:
        await ping.catch_up(store, settings, now())
        course.caught_up = True
    if course.written:
        noted = frozenset(course.written)
        await ping.note(store, settings, filter(topics.feed_at, noted), now())
        course.written -= noted
    for hub in settings.hub.ping:
        task = course.telling.get(hub)
        if task is not None and task.done():
            await course.telling.pop(hub)  # raises what went wrong, for the log
        if hub not in course.telling:
            course.telling[hub] = asyncio.create_task(ping.tell(store, settings, hub, now=now, jitter=jitter))
