"""The deliver step: everything that is due goes out, and the ledger tells what became of it.

    store    | anything due? | open a session                    (a server that is down costs no claim)
    ledger   | claim, committed                                  (I5: before the first byte)
    claim    | fill, sign, lint                                  (what the lint refuses is held, with its reason)
    message  | session -> reply, or how the session broke
    reply    | judge -> accepted, deferred, bounced, in doubt
    ledger   | settle, and the next claim, in one commit for all connections that wait

Each connection carries one message at a time; notices go before digests. With `mail.processes` above 1 the connections
are shared out among so many processes, this one among them, and this one alone writes the ledger.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from publisher import log, metrics
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail import pacing
from publisher.mail.ahead import Ahead
from publisher.mail.connections import Run, run_connections
from publisher.mail.crew import Called, Crew
from publisher.mail.judge import Policy
from publisher.mail.ledger import open_ledger
from publisher.mail.pace import Pace
from publisher.mail.press import press_for
from publisher.mail.relay import Relay
from publisher.mail.stock import Stock
from publisher.outgoing import DeliveryState, Outcome
from publisher.progress import Progress, silent
from publisher.store import ledger_view, outbox
from publisher.store.engine import Store
from publisher.templating import Templates

_log = log.get("mail")

#: Time between two signs of progress.
_GLIMPSE = timedelta(seconds=0.2)
#: What is due within this time counts for the number of connections: an edition may be spread.
_SOON = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DeliverReport:
    """How many attempts of this run ended how."""

    accepted: int = 0
    deferred: int = 0
    bounced: int = 0
    in_doubt: int = 0
    held: int = 0
    expired: int = 0
    #: Why no way out was found, or empty.
    unreached: str = ""


@dataclass(slots=True)
class _Count:
    """What becomes of the messages of a run."""

    #: Messages that were due at the start.
    total: int
    progress: Progress
    tally: Counter[DeliveryState] = field(default_factory=Counter)
    counted: Counter[DeliveryState] = field(default_factory=Counter)
    done: int = 0
    shown_at: datetime | None = None
    #: Bound once, and whether it tells of what goes well: a line that nobody sees must cost nothing.
    logger: log.Logger = field(default_factory=_log.bind)
    chatty: bool = field(default_factory=lambda: log.chatty(_log))

    def __call__(self, outcome: Outcome) -> None:
        """Hears of an outcome that is recorded."""
        self.tally[outcome.state] += 1
        self.done += 1
        if self.chatty or outcome.state != DeliveryState.ACCEPTED:
            _tell(self.logger, outcome)
        if self.shown_at is None or outcome.finished_at - self.shown_at >= _GLIMPSE:
            self.shown_at = outcome.finished_at
            self.show()

    def show(self) -> None:
        """Tells how far it is, and counts what is not counted yet."""
        for state, number in self.tally.items():
            metrics.MESSAGES.labels(state.value).inc(number - self.counted[state])
        self.counted = Counter(self.tally)
        self.progress(self.done, max(self.done, self.total))


async def deliver(
    store: Store, settings: Settings, templates: Templates, keys: Keys, *, now: Callable[[], datetime],
    stop: asyncio.Event, progress: Progress = silent, relay: Relay | None = None, pace: Pace | None = None,
    crew: Crew | None = None,
) -> DeliverReport:
    """Sends what is due over up to `mail.connections` connections; returns when nothing is due any more.

    After `stop` no message begins; what is on the wire has 8 seconds, then it is cut off and stays in doubt. `relay`
    carries the rest after a failure, `pace` what was learnt of receiving domains, and `crew` the other processes, from
    one run to the next.
    """
    relay = relay or Relay()
    relay.use(settings)
    due, soon = (0, 0) if stop.is_set() or relay.resting(now()) else await _waiting(store, now())
    if not due:
        return DeliverReport()
    if settings.mail.transport == "smtp" and not settings.site.url.startswith("https:"):
        _log.warning("links in mail are not HTTPS", why="site.url is not; one-click unsubscribing asks for it")
    pace = pace or Pace()
    await pacing.fill(pace, store, settings, now())
    count = _Count(due, progress)
    policy = Policy(expiry=settings.mail.expiry, repeat=settings.mail.in_doubt == "repeat")
    async with AsyncExitStack() as stack:
        press = press_for(store, settings, templates, keys)
        stack.callback(press.close)
        await stack.enter_async_context(pacing.kept(store, pace))
        ahead = Ahead(store, now, pace, stop)
        stack.push_async_callback(ahead.close)
        ledger = await stack.enter_async_context(open_ledger(store, now, pace, count, ahead.decided))
        stack.callback(_on(stop, ledger.no_more).cancel)
        stock = Stock(ahead, press, now)
        stack.push_async_callback(_put_back, stock, ahead)
        run = Run(stock, ledger, relay, policy, now, stop)
        if crew is None:
            crew = Crew()
            stack.push_async_callback(crew.close)
        called = await stack.enter_async_context(crew.called(settings, ledger, ahead, policy, stop, due))
        await run_connections(run, min(called.share, soon))
        if await called.ended() and policy.repeat:  # what a process had when it died is due again
            await run_connections(run, called.share)
    if count.done:
        count.show()
    return _report(run, called, count)


async def _waiting(store: Store, now: datetime) -> tuple[int, int]:
    """How many messages are due, and how many are in a minute."""
    async with store.read() as tx:
        due = await ledger_view.due(tx, now)
        return due, await ledger_view.due(tx, now + _SOON) if due else 0


async def _put_back(stock: Stock, ahead: Ahead) -> None:
    """What was made ready and not wanted was never claimed."""
    for claim in await stock.close():
        ahead.decided(claim, claimed=False)


def _on(stop: asyncio.Event, call: Callable[[], None]) -> asyncio.Task[None]:
    """Calls `call` once `stop` is set; to be cancelled at the end."""

    async def waiting() -> None:
        await stop.wait()
        call()

    return asyncio.create_task(waiting())


def _report(run: Run, called: Called, count: _Count) -> DeliverReport:
    """What the run did."""
    lost, drained = run.lost or called.lost, run.drained or called.drained
    if lost and not drained and not run.stop.is_set():
        failures, retry_at = run.relay.failures, run.relay.retry_at
        next_try = None if retry_at is None else retry_at.isoformat()
        _log.warning("no way out for mail", why=lost, failures=failures, next_try=next_try)
    counted = ("accepted", "deferred", "bounced", "in_doubt", "held", "expired")
    counts = {name: count.tally[DeliveryState(name)] for name in counted}
    return DeliverReport(**counts, unreached="" if drained else lost)


async def recover(store: Store, settings: Settings, now: datetime) -> int:
    """While nobody sends: claims that an earlier run left are in doubt, sent again or held as `mail.in_doubt` says."""
    async with store.read() as tx:
        if not await outbox.any_claimed(tx):
            return 0
    repeat = settings.mail.in_doubt == "repeat"
    async with store.write() as tx:
        found = await outbox.recover(tx, now, repeat=repeat)
    if found:
        then = "sent again with the same Message-ID" if repeat else "listed: publisher outbox list --state in_doubt"
        _log.warning("messages in doubt", count=found, why="an earlier run ended in the middle of them", then=then)
    return found


def _tell(logger: log.Logger, outcome: Outcome) -> None:
    """One line a decision; the server's words may hold the reader's address, so they are for the debug level."""
    claim, reply = outcome.claim, outcome.reply
    words = {"kind": claim.kind, "id": claim.id, "attempt": claim.attempt, "code": reply.code}
    if outcome.state in (DeliveryState.ACCEPTED, DeliveryState.DEFERRED):
        logger.debug(outcome.state.value, **words, enhanced=reply.enhanced, text=reply.text)
        return
    why = {"why": reply.text} if outcome.state == DeliveryState.HELD else {}
    logger.warning(outcome.state.value, **words, enhanced=reply.enhanced, **why)
    if not why:
        logger.debug("reply", kind=claim.kind, id=claim.id, text=reply.text)
