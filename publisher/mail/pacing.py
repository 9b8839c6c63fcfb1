"""Pace, made of the settings and of what earlier runs learnt, and written down as it goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime

from publisher import log
from publisher.config import Settings
from publisher.errors import StoreError
from publisher.mail.pace import Limits, Pace, Standing, after_quiet
from publisher.store import throttles
from publisher.store.engine import Store

_log = log.get("mail")

#: Seconds between two writings; what a process that dies forgets is so much.
_EVERY = 2.0


async def recalled(store: Store, settings: Settings) -> Pace:
    """The pace that the settings ask for, with what is known of receiving domains."""
    pace = Pace(limits_of(settings))
    async with store.read() as tx:
        found = await throttles.load(tx)
        day = await throttles.last_day(tx)
    standing = [
        (domain, Standing(stopped_until=until, allowed=allowed, reason=reason))
        for domain, until, allowed, reason in found
    ]
    pace.recall(standing, *(day or (None, 0)))
    return pace


def limits_of(settings: Settings) -> Limits:
    """What `[mail]` says of rates and hours."""
    mail = settings.mail
    warm_up = mail.warm_up
    return Limits(
        rate=mail.rate, domain_rate=mail.domain_rate, rates=mail.rates,
        warm_up=() if warm_up is None else warm_up.days, warm_up_since=None if warm_up is None else warm_up.since,
        quiet=mail.quiet, zone=settings.site.zone, connections=mail.connections,
    )


def resting_until(settings: Settings, now: datetime) -> datetime | None:
    """The end of the quiet hours in which `now` lies; None: digests may start."""
    at = after_quiet(limits_of(settings), now)
    return None if at <= now else at


@contextlib.asynccontextmanager
async def kept(store: Store, pace: Pace) -> AsyncIterator[None]:
    """Writes down what is learnt while the block runs, and at its end."""
    written = pace.day()

    async def write() -> None:
        nonlocal written
        changed, day = pace.changed(), pace.day()
        if not changed and day == written:
            return
        spared = [(n, s.stopped_until, s.allowed, s.reason) for n, s in changed.items() if s.allowed is not None]
        try:
            async with store.write() as tx:
                await throttles.save(tx, spared, [n for n, s in changed.items() if s.allowed is None])
                if day is not None and day != written:
                    await throttles.save_day(tx, *day)
            written = day
        except StoreError as error:
            _log.warning("what was learnt of receiving domains is not written down", why=str(error))
        for name, until, _, reason in spared:
            if until is not None:
                _log.warning("a receiving domain is spared", domain=name, until=until.isoformat(), why=reason)

    async def now_and_then() -> None:
        while True:
            await asyncio.sleep(_EVERY)
            await write()

    task = asyncio.create_task(now_and_then())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await write()
