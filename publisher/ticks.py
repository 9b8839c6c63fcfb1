"""What the service does again and again: each tick one step, alone, and never the end of the service.

    pick_up, poll_feeds | go_live | push_feeds | plan_due | send | alert, tidy_up

The store says what is due; a tick that fails is logged with its reason and comes again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from publisher import log, metrics
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.digest.plan import plan
from publisher.errors import PublisherError
from publisher.feeds.pieces import Pieces
from publisher.feeds.publish import publish as publish_feeds
from publisher.intake.feed_poll import poll
from publisher.intake.ingest import ingest
from publisher.intake.ingest import publish as publish_due
from publisher.mail import alert as alerts
from publisher.mail.crew import Crew
from publisher.mail.deliver import deliver, recover
from publisher.mail.pace import Pace
from publisher.mail.pacing import resting_until
from publisher.mail.relay import Relay
from publisher.model import DocumentResult
from publisher.progress import Progress, Reporting, unheard
from publisher.site.publish import publish as publish_pages
from publisher.store import edition_hand
from publisher.store.engine import Store
from publisher.templating import Templates
from publisher.websub.distribute import Course, turn

T = TypeVar("T")

_log = log.get("service")

#: A tick that has not ended well for so long makes the service "not ready".
_STUCK = timedelta(minutes=5)


@dataclass(slots=True)
class Service:
    """What the ticks share. `stop` ends it all; the locks keep a tick from overlapping itself."""

    settings: Settings
    store: Store
    templates: Templates
    keys: Keys
    stop: asyncio.Event
    reporting: Reporting = unheard
    #: How long to leave the mail servers alone, after they failed.
    relay: Relay = field(default_factory=Relay)
    #: What was learnt of receiving domains.
    pace: Pace = field(default_factory=Pace)
    #: Sender processes beside this one.
    crew: Crew = field(default_factory=Crew)
    #: Entries of feeds that were made already.
    pieces: Pieces = field(default_factory=Pieces)
    #: What the operator was told is wrong.
    watch: alerts.Watch = field(default_factory=alerts.Watch)
    #: What the WebSub hub has under way.
    course: Course = field(default_factory=Course)
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    last_good: dict[str, datetime] = field(default_factory=dict)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Holds on to a task until it has ended."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def pick_up(service: Service) -> list[DocumentResult]:
    """Takes what is new in the sources; publishes it at once."""
    with service.reporting("picking up") as progress:
        found = await ingest(
            service.store, service.settings, now=utc_now, progress=progress, wait_settled=False, brief=True
        )
    for row in found:
        metrics.DOCUMENTS.labels(row.status).inc()
    if found:
        await guarded(service, go_live)
    return found


async def poll_feeds(service: Service) -> None:
    """Asks the feeds of others whose time has come; publishes at once what came in."""
    found: list[DocumentResult] | None = await unless_stopped(service, poll(
        service.store, service.settings, now=utc_now, jitter=random.random, due_only=True, brief=True,
        keys=service.keys,
    ))
    for row in found or ():
        metrics.DOCUMENTS.labels(row.status).inc()
    if found:
        await guarded(service, go_live)


async def go_live(service: Service) -> None:
    """Publishes scheduled articles whose time has come, then every feed and page that changed."""
    await publish_due(service.store, utc_now())
    # Articles' pages first: a link in a feed leads somewhere from its first moment. Then feeds, for readers wait for
    # them; then the pages of lists.
    with service.reporting("pages") as progress:
        pages = await publish_pages(
            service.store, service.settings, service.templates, progress=progress, meanwhile=partial(_feeds, service)
        )
    metrics.FILES_WRITTEN.inc(pages.written)


async def _feeds(service: Service) -> None:
    with service.reporting("feeds") as progress:
        feeds = await publish_feeds(service.store, service.settings, progress=progress, kept=service.pieces)
    metrics.FILES_WRITTEN.inc(feeds.written)
    if feeds.written:
        service.course.note(feeds)


async def push_feeds(service: Service) -> None:
    """One turn of the WebSub hub; what is slow goes on beside it."""
    await turn(service.store, service.settings, service.keys, service.course, now=utc_now, jitter=random.random)


async def plan_due(service: Service) -> None:
    """Plans what is due; a long sending goes on meanwhile, and takes it along."""
    await plan(service.store, service.settings, service.templates, now=utc_now())


async def send(service: Service) -> None:
    """Sends what waits."""
    # Nobody else sends, and this tick never overlaps itself: a claim that stands now was left by a run that failed.
    await recover(service.store, service.settings, utc_now())
    await service.crew.ready(service.settings)  # before there is work, which need not wait then
    with service.reporting("sending") as progress:
        sent = await deliver(
            service.store, service.settings, service.templates, service.keys, now=utc_now, stop=service.stop,
            progress=_alive(service, send.__name__, progress), relay=service.relay, pace=service.pace,
            crew=service.crew,
        )
    if sent.accepted:
        _log.info("sent", accepted=sent.accepted, deferred=sent.deferred, bounced=sent.bounced)


async def alert(service: Service) -> None:
    """Tells the operator what is wrong with mail, and that it is over."""
    why = "; ".join(way.why for way in service.relay.ways if way.why)
    resting = resting_until(service.settings, utc_now()) is not None
    await alerts.watch(service.store, service.settings, service.watch, utc_now(), why=why, resting=resting)


async def tidy_up(service: Service) -> None:
    """Brings back what was put aside for an edition that was paused, where the one who resumed it was cut off."""
    await edition_hand.unpark(service.store, utc_now(), repeat=False)


def _alive(service: Service, tick: str, progress: Progress) -> Progress:
    """`progress`, listened to; hearing of any is a sign that a long tick does well."""

    def heard(done: int, total: int) -> None:
        service.last_good[tick] = utc_now()
        progress(done, total)

    return heard


async def guarded(service: Service, step: Callable[[Service], Coroutine[Any, Any, T]]) -> T | None:
    """One tick: not beside itself, and never the end of the service; its result, or None where it failed."""
    name = step.__name__
    lock = service.locks.setdefault(name, asyncio.Lock())
    async with lock:
        if service.stop.is_set():
            return None
        try:
            result = await step(service)
        except (PublisherError, OSError) as error:
            _log.error("tick failed", tick=name, why=str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not stop the service; it is logged in full
            _log.exception("tick failed", tick=name, why=f"{type(error).__name__}: {error}")
        else:
            service.last_good[name] = utc_now()
            return result
        return None


async def unless_stopped(service: Service, work: Coroutine[Any, Any, Any]) -> Any:
    """The result of `work`, or None where a stop came first; `work` is then cancelled (it is safe to)."""
    task = asyncio.create_task(work)
    waiter = asyncio.create_task(service.stop.wait())
    await asyncio.wait((task, waiter), return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return None


def why_not_ready(service: Service, now: datetime) -> str | None:
    """What keeps the service from being ready, or None."""
    for name in (go_live.__name__, plan_due.__name__, send.__name__):
        last = service.last_good.get(name)
        if last is None:
            return f"{name} has not run yet"
        if now - last > _STUCK:
            return f"{name} has not ended well since {last.isoformat(timespec='seconds')}"
    return None


def utc_now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)
