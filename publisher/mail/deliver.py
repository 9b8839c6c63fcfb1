"""The deliver step: everything that is due goes out, and the ledger tells what became of it.

    store    | anything due? | open a session                    (a server that is down costs no claim)
    ledger   | claim, committed                                  (I5: before the first byte)
    claim    | compose, sign, lint                               (what the lint refuses is held, with its reason)
    message  | session -> reply, or how the session broke
    reply    | judge -> accepted, deferred, bounced, in doubt
    ledger   | settle, and the next claim, in one commit for all connections that wait

Each connection carries one message at a time; notices go before digests.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from publisher import log, metrics
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.errors import PublisherError, StoreError
from publisher.mail.judge import Policy, Verdict, judge
from publisher.mail.ledger import Ledger, open_ledger
from publisher.mail.press import Press, press_for
from publisher.mail.relay import Relay, transport_for
from publisher.mail.transport import BrokenOffError, LostReplyError, Session, Transport, UnreachedError
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply
from publisher.progress import Progress, silent
from publisher.store import ledger_view, outbox
from publisher.store.engine import Store
from publisher.templating import Templates

_log = log.get("mail")

#: Seconds after a stop in which what is on the wire may still be answered.
GRACE = 8.0
#: Waits, in seconds, before an outcome that could not be recorded is handed in again.
_PERSISTENCE = (0.2, 1.0, 3.0)


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
class _Run:
    """What the connections of one run share."""

    press: Press
    ledger: Ledger
    transport: Transport
    policy: Policy
    now: Callable[[], datetime]
    stop: asyncio.Event
    progress: Progress
    #: Messages that were due at the start.
    total: int
    tally: Counter[DeliveryState] = field(default_factory=Counter)
    sessions: set[Session] = field(default_factory=set)
    #: Why a connection ended early.
    lost: str = ""
    #: A connection found nothing more to do: the way out works.
    drained: bool = False


async def deliver(
    store: Store, settings: Settings, templates: Templates, keys: Keys, *, now: Callable[[], datetime],
    stop: asyncio.Event, progress: Progress = silent, transport: Transport | None = None, relay: Relay | None = None,
) -> DeliverReport:
    """Sends what is due over up to `mail.connections` connections; returns when nothing is due any more.

    After `stop` no message begins; what is on the wire has 8 seconds, then it is cut off and stays in doubt. `relay`
    carries the rest after a failure from one run to the next: until then the step returns at once.
    """
    relay = relay or Relay()
    due = 0
    if not (stop.is_set() or relay.resting(now())):
        async with store.read() as tx:
            due = await ledger_view.due(tx, now())
    if not due:
        return DeliverReport()
    press = press_for(store, settings, templates, keys)
    if settings.mail.transport == "smtp" and not settings.site.url.startswith("https:"):
        _log.warning("links in mail are not HTTPS", why="site.url is not; one-click unsubscribing asks for it")
    policy = Policy(expiry=settings.mail.expiry, repeat=settings.mail.in_doubt == "repeat")
    async with open_ledger(store, now) as ledger:
        run = _Run(press, ledger, transport or transport_for(settings), policy, now, stop, progress, due)
        await _all_connections(run, min(settings.mail.connections, due))
    return _report(run, relay)


def _report(run: _Run, relay: Relay) -> DeliverReport:
    """What the run did; notes at the relay whether there was a way out."""
    if run.drained:
        relay.worked()
    elif run.lost and not run.stop.is_set():
        retry_at = relay.failed(run.now(), _jitter())
        _log.warning("no way out for mail", why=run.lost, failures=relay.failures, next_try=retry_at.isoformat())
    counted = ("accepted", "deferred", "bounced", "in_doubt", "held", "expired")
    counts = {name: run.tally[DeliveryState(name)] for name in counted}
    return DeliverReport(**counts, unreached="" if run.drained else run.lost)


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


async def _all_connections(run: _Run, count: int) -> None:
    """Runs the connections to their ends; raises the first fault that is ours."""
    try:
        first = await _open(run)
    except UnreachedError as error:
        run.lost = str(error)
        return
    if first is None:
        return
    cut = asyncio.create_task(_cut_off(run))
    others = [_further_connection(run) for _ in range(count - 1)]
    try:
        ended = await asyncio.gather(_connection(run, first), *others, return_exceptions=True)
    finally:
        cut.cancel()
    for result in ended:
        if isinstance(result, BaseException):
            raise result


async def _open(run: _Run) -> Session | None:
    """A session, or None where a stop came first; raises UnreachedError."""
    opening = asyncio.ensure_future(run.transport.open())
    stopping = asyncio.ensure_future(run.stop.wait())
    try:
        await asyncio.wait((opening, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not opening.done():
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
    if opening.cancelled():
        return None
    session = opening.result()
    run.sessions.add(session)
    return session


async def _cut_off(run: _Run) -> None:
    """After a stop, and the grace that it leaves, ends whatever still waits for a reply."""
    await run.stop.wait()
    await asyncio.sleep(GRACE)
    for session in run.sessions:
        session.abort()


async def _further_connection(run: _Run) -> None:
    """A connection beside the first; a server that takes no more than it has is no fault."""
    try:
        session = await _open(run)
    except UnreachedError as error:
        run.lost = run.lost or str(error)
        return
    if session is not None:
        await _connection(run, session)


async def _connection(run: _Run, session: Session) -> None:
    """One message after the other until nothing is due, the run is stopped or the way out is lost."""
    try:
        claim = await run.ledger.visit(want=not run.stop.is_set())
        while claim is not None:
            claim = await _one(run, session, claim)
    except UnreachedError as error:
        run.lost = run.lost or str(error)
    else:
        run.drained = run.drained or not run.stop.is_set()
    finally:
        await session.close()
        run.sessions.discard(session)


async def _one(run: _Run, session: Session, claim: Claim) -> Claim | None:
    """Sends one message and hands in its outcome; the next claim, or None.

    Raises UnreachedError and StoreError, the claim given back.
    """
    started = run.now()
    try:
        reply, verdict = await _attempt(run, session, claim, started)
    except (UnreachedError, StoreError):
        await _hand_in(run, None, unsent=claim)
        raise
    outcome = Outcome(claim, verdict.state, reply, started, run.now(), verdict.next_attempt_at)
    following = await _hand_in(run, outcome)
    _tell(outcome)
    run.tally[verdict.state] += 1
    done = run.tally.total()
    run.progress(done, max(done, run.total))
    return following


async def _attempt(run: _Run, session: Session, claim: Claim, started: datetime) -> tuple[Reply, Verdict]:
    """The server's reply and what it means; a message that cannot be made is held."""
    try:
        ready = await run.press.ready(claim, started)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - I12: one message that cannot be made stops no other; its reason is kept
        reason = str(error) if isinstance(error, PublisherError) else f"{type(error).__name__}: {error}"
        return Reply(0, "", reason), Verdict(DeliveryState.HELD)
    on_wire = True
    try:
        reply = await session.send(ready.sender, ready.recipient, ready.message)
    except BrokenOffError as error:
        reply, on_wire = Reply(0, "", str(error)), False
    except LostReplyError as error:
        reply = Reply(0, "", str(error))
    return reply, judge(reply, claim, run.policy, run.now(), _jitter(), on_wire=on_wire)


async def _hand_in(run: _Run, outcome: Outcome | None, unsent: Claim | None = None) -> Claim | None:
    """Hands in at the ledger, again after a while where the store fails: what is known must not be forgotten."""
    for pause in _PERSISTENCE:
        try:
            return await run.ledger.visit(outcome, unsent=unsent, want=outcome is not None and not run.stop.is_set())
        except Exception as error:  # noqa: BLE001 - tried again; the last time it is raised
            _log.warning("the ledger could not be written", why=str(error), again_in=pause)
            await asyncio.sleep(pause)
    return await run.ledger.visit(outcome, unsent=unsent, want=False)


def _tell(outcome: Outcome) -> None:
    """One line a decision; the server's words may hold the reader's address, so they are for the debug level."""
    metrics.MESSAGES.labels(str(outcome.state)).inc()
    claim, reply = outcome.claim, outcome.reply
    quiet = outcome.state in (DeliveryState.ACCEPTED, DeliveryState.DEFERRED)
    tell = _log.debug if quiet else _log.warning
    held = {"why": reply.text} if outcome.state == DeliveryState.HELD else {}
    tell(str(outcome.state), kind=claim.kind, id=claim.id, attempt=claim.attempt, code=reply.code,
         enhanced=reply.enhanced, **held)
    _log.debug("reply", kind=claim.kind, id=claim.id, text=reply.text)


def _jitter() -> float:
    """In [0, 1): all that is random in this step."""
    return secrets.randbelow(1000) / 1000
