"""The service: one process that picks up, publishes, plans, sends and serves, until it is told to stop.

    lock | recover | serve HTTP | first round | announce | tick, tick, tick ... | stop: finish what is on the wire

The store says what is due; the scheduler only ticks (the only code that knows APScheduler). A tick that fails is
logged with its reason and comes again.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from publisher import log, metrics
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.digest.plan import plan
from publisher.errors import PublisherError
from publisher.feeds.publish import publish as publish_feeds
from publisher.intake.feed_poll import poll
from publisher.intake.ingest import ingest
from publisher.intake.ingest import publish as publish_due
from publisher.intake.watch import wake_ups
from publisher.mail.deliver import deliver, recover
from publisher.mail.relay import Relay
from publisher.model import DocumentResult
from publisher.progress import Progress, Reporting, unheard
from publisher.settings import Source
from publisher.site.publish import publish as publish_pages
from publisher.store.engine import Store
from publisher.store.lock import sender_lock
from publisher.templating import Templates
from publisher.web.app import build_app
from publisher.web.server import listening

T = TypeVar("T")

_log = log.get("service")

#: Seconds that a stop waits for what is on the wire before it gives up.
_LAST_WORDS = 9.0
#: Seconds that the start summary waits for a large first sending; it goes on behind it.
_PATIENCE = 8.0
#: Seconds between two looks at which feeds are due.
_ROUND = 1.0
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
    #: How long to leave the mail server alone, after it failed.
    relay: Relay = field(default_factory=Relay)
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    last_good: dict[str, datetime] = field(default_factory=dict)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Holds on to a task until it has ended."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


@dataclass(frozen=True, slots=True)
class Started:
    """What the first round did, for the start summary."""

    #: Address that HTTP is served at, as "http://127.0.0.1:8000".
    address: str
    documents: tuple[DocumentResult, ...]


async def run(service: Service, announce: Callable[[Started], Awaitable[None]]) -> None:
    """Runs until `service.stop` is set or a SIGTERM or SIGINT comes; then ends within ten seconds.

    Raises StoreBusyError where another service works on the store, PublisherError where the port is taken.
    """
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, service.stop.set)
    settings = service.settings
    app = build_app(
        service.store, settings, service.templates, service.keys, ready=lambda: _why_not_ready(service, _now())
    )
    async with (
        sender_lock(service.store, settings.store_folder),
        listening(app, settings.web.host, settings.web.port) as address,
    ):
        scheduler = _scheduler(service)
        try:
            documents = await _first_round(service)
            if not service.stop.is_set():
                await announce(Started(address, tuple(documents)))
                await _tick_until_stopped(service, scheduler)
        finally:
            await _wind_down(service, scheduler)
    _log.info("stopped")


async def _first_round(service: Service) -> list[DocumentResult]:
    """Everything once, in order, so that the summary can tell what stands; a stop cuts it short."""
    documents: list[DocumentResult] | None = await _unless_stopped(service, _guarded(service, pick_up))
    await _unless_stopped(service, _guarded(service, go_live))
    sending = asyncio.create_task(_guarded(service, send))
    service.keep(sending)
    waiter = asyncio.create_task(service.stop.wait())
    await asyncio.wait({sending, waiter}, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    return documents or []


async def _tick_until_stopped(service: Service, scheduler: AsyncIOScheduler) -> None:
    scheduler.start()
    if _of_kind(service, "folder"):
        service.keep(asyncio.create_task(_watch(service)))
    if _of_kind(service, "feed"):
        service.keep(asyncio.create_task(_keep_polling(service)))
    await service.stop.wait()
    _log.info("stopping", why="asked to")


def _scheduler(service: Service) -> AsyncIOScheduler:
    """The ticks, not started yet."""
    scheduler = AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1})
    beats: list[tuple[Callable[[Service], Coroutine[Any, Any, object]], float]] = [(go_live, 1.0), (send, 2.0)]
    for step, seconds in beats:
        scheduler.add_job(
            _guarded, "interval", args=(service, step), seconds=seconds, id=step.__name__, misfire_grace_time=None
        )
    return scheduler


async def _wind_down(service: Service, scheduler: AsyncIOScheduler) -> None:
    """Begins nothing more, finishes what is on the wire, and ends the rest."""
    service.stop.set()
    if scheduler.running:
        scheduler.pause()
    await _let_finish(service)
    last = tuple(service.tasks)
    for task in last:
        task.cancel()
    await asyncio.gather(*last, return_exceptions=True)
    if scheduler.running:
        scheduler.shutdown(wait=False)


async def _watch(service: Service) -> None:
    """Looks at the folders the moment that something moves in them, and by the clock whatever the system tells."""
    sources = _of_kind(service, "folder")
    folders = [service.settings.path(source.path) for source in sources]
    async for _ in wake_ups(folders, poll=min(source.poll for source in sources), stop=service.stop):
        await _guarded(service, pick_up)


async def _keep_polling(service: Service) -> None:
    """Asks the feeds that are due, one round after the other: a round may take as long as the slowest server."""
    while not service.stop.is_set():
        await _guarded(service, poll_feeds)
        with suppress(TimeoutError):
            await asyncio.wait_for(service.stop.wait(), _ROUND)


async def _let_finish(service: Service) -> None:
    """Waits for a delivery that is on the wire; the deliver step sees the stop and ends within eight seconds."""
    try:
        async with asyncio.timeout(_LAST_WORDS), service.locks.setdefault(send.__name__, asyncio.Lock()):
            pass
    except TimeoutError:
        _log.warning("gave up waiting for the wire", why="no reply; what was sent stays in doubt and is listed")


async def pick_up(service: Service) -> list[DocumentResult]:
    """Takes what is new in the sources; publishes it at once."""
    with service.reporting("picking up") as progress:
        found = await ingest(
            service.store, service.settings, now=_now, progress=progress, wait_settled=False, brief=True
        )
    for row in found:
        metrics.DOCUMENTS.labels(row.status).inc()
    if found:
        await _guarded(service, go_live)
    return found


async def poll_feeds(service: Service) -> None:
    """Asks the feeds of others whose time has come; publishes at once what came in."""
    found: list[DocumentResult] | None = await _unless_stopped(service, poll(
        service.store, service.settings, now=_now, jitter=random.random, due_only=True, brief=True, keys=service.keys,
    ))
    for row in found or ():
        metrics.DOCUMENTS.labels(row.status).inc()
    if found:
        await _guarded(service, go_live)


async def go_live(service: Service) -> None:
    """Publishes scheduled articles whose time has come, then every feed and page that changed."""
    await publish_due(service.store, _now())
    # Pages first: a link in a feed leads somewhere from its first moment.
    with service.reporting("pages") as progress:
        pages = await publish_pages(service.store, service.settings, service.templates, progress=progress)
    with service.reporting("feeds") as progress:
        feeds = await publish_feeds(service.store, service.settings, progress=progress)
    metrics.FILES_WRITTEN.inc(feeds.written + pages.written)


async def send(service: Service) -> None:
    """Plans what is due and sends what waits."""
    # Nobody else sends, and this tick never overlaps itself: a claim that stands now was left by a run that failed.
    await recover(service.store, service.settings, _now())
    await plan(service.store, service.settings, service.templates, now=_now())
    with service.reporting("sending") as progress:
        sent = await deliver(
            service.store, service.settings, service.templates, service.keys, now=_now, stop=service.stop,
            progress=_alive(service, send.__name__, progress), relay=service.relay,
        )
    if sent.accepted:
        _log.info("sent", accepted=sent.accepted, deferred=sent.deferred, bounced=sent.bounced)


def _alive(service: Service, tick: str, progress: Progress) -> Progress:
    """`progress`, listened to; hearing of any is a sign that a long tick does well."""

    def heard(done: int, total: int) -> None:
        service.last_good[tick] = _now()
        progress(done, total)

    return heard


async def _guarded(service: Service, step: Callable[[Service], Coroutine[Any, Any, T]]) -> T | None:
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
            service.last_good[name] = _now()
            return result
        return None


async def _unless_stopped(service: Service, work: Coroutine[Any, Any, Any]) -> Any:
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


def _of_kind(service: Service, kind: str) -> list[Source]:
    return [source for source in service.settings.source if source.kind == kind]


def _why_not_ready(service: Service, now: datetime) -> str | None:
    """What keeps the service from being ready, or None."""
    for name in (go_live.__name__, send.__name__):
        last = service.last_good.get(name)
        if last is None:
            return f"{name} has not run yet"
        if now - last > _STUCK:
            return f"{name} has not ended well since {last.isoformat(timespec='seconds')}"
    return None


def _now() -> datetime:
    return datetime.now(UTC)
