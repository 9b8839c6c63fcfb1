"""The service: one process that picks up, publishes, plans, sends and serves, until it is told to stop.

    lock | recover | serve HTTP | first round | announce | tick, tick, tick ... | stop: finish what is on the wire

The store says what is due; the scheduler only ticks (the only code that knows APScheduler). A tick that fails is
logged with its reason and comes again.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from publisher import log
from publisher.errors import StoreError
from publisher.intake.watch import wake_ups
from publisher.model import DocumentResult
from publisher.settings import Source
from publisher.store.lock import sender_lock
from publisher.ticks import (
    Service,
    alert,
    go_live,
    guarded,
    pick_up,
    plan_due,
    poll_feeds,
    push_feeds,
    send,
    tidy_up,
    unless_stopped,
    utc_now,
    why_not_ready,
)
from publisher.way_back import forward, judge, open_for_mail
from publisher.web.app import build_app
from publisher.web.server import listening

_log = log.get("service")

#: Seconds that a stop waits for what is on the wire before it gives up.
_LAST_WORDS = 9.0
#: Seconds that the start summary waits for a large first sending; it goes on behind it.
_PATIENCE = 8.0
#: Seconds between two looks at which feeds are due, and at what is to be pushed.
_ROUND = 1.0
#: Seconds between two turns of the hub: outcomes gather meanwhile, and whoever else has work gets to it.
_BREATH = 0.05
#: A tick that has not ended well for so long makes the service "not ready".
_STUCK = timedelta(minutes=5)


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
        service.store, settings, service.templates, service.keys, ready=lambda: why_not_ready(service, utc_now())
    )
    async with (
        sender_lock(service.store, settings.store_folder),
        listening(app, settings.web.host, settings.web.port) as address,
        open_for_mail(service),
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
    documents: list[DocumentResult] | None = await unless_stopped(service, guarded(service, pick_up))
    await unless_stopped(service, guarded(service, go_live))
    await unless_stopped(service, guarded(service, tidy_up))
    await unless_stopped(service, guarded(service, plan_due))
    sending = asyncio.create_task(guarded(service, send))
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
    service.keep(asyncio.create_task(_keep_pushing(service)))
    await service.stop.wait()
    _log.info("stopping", why="asked to")


def _scheduler(service: Service) -> AsyncIOScheduler:
    """The ticks, not started yet."""
    scheduler = AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1})
    beats: list[tuple[Callable[[Service], Coroutine[Any, Any, object]], float]] = [
        (go_live, 1.0), (plan_due, 2.0), (send, 2.0), (judge, 5.0), (forward, 10.0), (alert, 15.0), (tidy_up, 60.0),
    ]
    for step, seconds in beats:
        scheduler.add_job(
            guarded, "interval", args=(service, step), seconds=seconds, id=step.__name__, misfire_grace_time=None
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
    await service.crew.close()
    if scheduler.running:
        scheduler.shutdown(wait=False)


async def _watch(service: Service) -> None:
    """Looks at the folders the moment that something moves in them, and by the clock whatever the system tells."""
    sources = _of_kind(service, "folder")
    folders = [service.settings.path(source.path) for source in sources]
    async for _ in wake_ups(folders, poll=min(source.poll for source in sources), stop=service.stop):
        await guarded(service, pick_up)


async def _keep_polling(service: Service) -> None:
    """Asks the feeds that are due, one round after the other: a round may take as long as the slowest server."""
    while not service.stop.is_set():
        await guarded(service, poll_feeds)
        with suppress(TimeoutError):
            await asyncio.wait_for(service.stop.wait(), _ROUND)


async def _keep_pushing(service: Service) -> None:
    """Turns of the hub: when there is something to do, and now and then to see what another process wrote."""
    course = service.course
    try:
        while not service.stop.is_set():
            course.wake.clear()
            await _let_publish(service)
            await guarded(service, push_feeds)
            with suppress(TimeoutError):
                await asyncio.wait_for(course.wake.wait(), _ROUND)
            await _breathe()
    finally:
        with suppress(StoreError):  # what is not written down is done again
            await course.stop(service.store, utc_now())


async def _breathe() -> None:
    """Lets others get to their work; all the longer where the loop is late because it has much."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    await asyncio.sleep(_BREATH)
    await asyncio.sleep(min(2 * (clock() - begun - _BREATH), _ROUND))


async def _let_publish(service: Service) -> None:
    """Waits for a publication that is under way, a second at most: feeds go before their pushes."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_ROUND), service.locks.setdefault(go_live.__name__, asyncio.Lock()):
            pass


async def _let_finish(service: Service) -> None:
    """Waits for a delivery that is on the wire; the deliver step sees the stop and ends within eight seconds."""
    try:
        async with asyncio.timeout(_LAST_WORDS), service.locks.setdefault(send.__name__, asyncio.Lock()):
            pass
    except TimeoutError:
        _log.warning("gave up waiting for the wire", why="no reply; what was sent stays in doubt and is listed")


def _of_kind(service: Service, kind: str) -> list[Source]:
    return [source for source in service.settings.source if source.kind == kind]
