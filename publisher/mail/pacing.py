"""Pace, made of the settings and of what earlier runs learnt, and written down as it goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from publisher import log
from publisher.config import Settings
from publisher.errors import StoreError
from publisher.mail.exchanges import Exchanges
from publisher.mail.hours import Hours
from publisher.mail.pace import Limits, Pace
from publisher.mail.standing import Standing
from publisher.outgoing import Reply
from publisher.store import throttles
from publisher.store.engine import Store

_log = log.get("mail")

#: Seconds between two writings; what a process that dies forgets is so much.
_EVERY = 2.0


async def fill(pace: Pace, store: Store, settings: Settings, now: datetime) -> None:
    """Fills in, once, what the settings ask for and what is known of receiving domains."""
    if pace.filled:
        return
    pace.limits = limits_of(settings)
    if settings.mail.group_by_mx and settings.mail.transport == "smtp":
        pace.group_of = Exchanges(settings.mail.resolver)
    hours = pace.limits.hours
    async with store.read() as tx:
        found = await throttles.load(tx)
        # The ledger knows it best: nothing is forgotten with a process that dies.
        sent = await throttles.accepted_since(tx, hours.day_began(now)) if hours.warm_up else 0
    standing = [
        (domain, Standing(stopped_until=until, allowed=allowed, reason=reason))
        for domain, until, allowed, reason in found
    ]
    pace.recall(standing, hours.day(now), sent)
    pace.filled = True


async def spare(pace: Pace, store: Store, refusals: Mapping[str, Reply], now: datetime) -> None:
    """Spares domains that refused us, by what came back from them; written down, for whoever sends next."""
    known = [(domain, Standing(), reply) for domain, reply in refusals.items()]
    for domain, standing, reply in known:
        pace.spare(domain, reply, now)
        standing.stop(reply, now)
    rows = [(domain, one.stopped_until, one.allowed or 1, one.reason) for domain, one, _ in known]
    if rows:
        async with store.write() as tx:
            await throttles.save(tx, rows, ())


def limits_of(settings: Settings) -> Limits:
    """What `[mail]` says of rates and hours."""
    mail = settings.mail
    warm_up = mail.warm_up
    hours = Hours(
        zone=settings.site.zone, quiet=mail.quiet, warm_up=() if warm_up is None else warm_up.days,
        warm_up_since=None if warm_up is None else warm_up.since,
    )
    return Limits(mail.rate, mail.domain_rate, mail.rates, hours, mail.connections)


def resting_until(settings: Settings, now: datetime) -> datetime | None:
    """The end of the quiet hours in which `now` lies; None: digests may start."""
    at = limits_of(settings).hours.after_quiet(now)
    return None if at <= now else at


@contextlib.asynccontextmanager
async def kept(store: Store, pace: Pace) -> AsyncIterator[None]:
    """A run: writes down what is learnt while the block runs, and at its end."""
    pace.begin_anew()

    async def write() -> None:
        changed = pace.changed()
        if not changed:
            return
        spared = [(n, s.stopped_until, s.allowed, s.reason) for n, s in changed.items() if s.allowed is not None]
        try:
            async with store.write() as tx:
                await throttles.save(tx, spared, [n for n, s in changed.items() if s.allowed is None])
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
        if isinstance(pace.group_of, Exchanges):
            await pace.group_of.close()
        await write()
