"""The connections of one run of the deliver step: each carries one message after the other.

    open a session | claim (committed) | message ready | the wire | reply, or how it broke | judge | outcome, next claim

A connection whose server fails gives its claim back and goes on over another way, if there is one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from publisher import log
from publisher.errors import PublisherError, StoreError
from publisher.mail.judge import Policy, Verdict, judge, withheld
from publisher.mail.press import Press
from publisher.mail.relay import Relay, Way
from publisher.mail.transport import BrokenOffError, LostReplyError, Session, UnreachedError
from publisher.outgoing import Claim, Outcome, Reply

_log = log.get("mail")

#: Seconds after a stop in which what is on the wire may still be answered.
GRACE = 8.0
#: Waits, in seconds, before an outcome that could not be recorded is handed in again.
_PERSISTENCE = (0.2, 1.0, 3.0)


class Counter(Protocol):
    """Where outcomes are handed in and claims given out: the ledger, or the way to it from another process."""

    async def visit(
        self, outcome: Outcome | None = None, *, unsent: Claim | None = None, want: bool
    ) -> Claim | None:
        """See `publisher.mail.ledger.Ledger.visit`."""
        ...


@dataclass(slots=True)
class Run:
    """What the connections of one process share."""

    press: Press
    counter: Counter
    relay: Relay
    policy: Policy
    now: Callable[[], datetime]
    stop: asyncio.Event
    sessions: set[Session] = field(default_factory=set)
    #: Why a connection ended early.
    lost: str = ""
    #: A connection found nothing more to do: the way out works.
    drained: bool = False


async def run_connections(run: Run, count: int) -> None:
    """Runs up to `count` connections to their ends; raises the first fault that is ours."""
    first = await _open(run)
    if first is None:
        return
    cut = asyncio.create_task(_cut_off(run))
    others = [_connection(run, None) for _ in range(count - 1)]
    try:
        ended = await asyncio.gather(_connection(run, first), *others, return_exceptions=True)
    finally:
        cut.cancel()
    for result in ended:
        if isinstance(result, BaseException):
            raise result


def jitter() -> float:
    """In [0, 1): all that is random in this step."""
    return secrets.randbelow(1000) / 1000


async def _open(run: Run) -> tuple[Way, Session] | None:
    """A session, or None where a stop came first or no way is open."""
    opening = asyncio.ensure_future(run.relay.open(run.now, jitter))
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
    try:
        way, session = opening.result()
    except UnreachedError as error:
        run.lost = run.lost or str(error)
        return None
    run.sessions.add(session)
    return way, session


async def _cut_off(run: Run) -> None:
    """After a stop, and the grace that it leaves, ends whatever still waits for a reply."""
    await run.stop.wait()
    await asyncio.sleep(GRACE)
    for session in run.sessions:
        session.abort()


async def _connection(run: Run, opened: tuple[Way, Session] | None) -> None:
    """One message after the other until nothing is due, the run is stopped or no way out is left."""
    opened = opened or await _open(run)
    while opened is not None:
        way, session = opened
        try:
            claim = await run.counter.visit(want=not run.stop.is_set())
            while claim is not None:
                claim = await _one(run, way, session, claim)
        except UnreachedError as error:
            run.lost = run.lost or str(error)
            way.failed(str(error), run.now(), jitter())
            opened = await _open(run)
        else:
            run.drained = run.drained or not run.stop.is_set()
            opened = None
        finally:
            way.open -= 1
            await session.close()
            run.sessions.discard(session)


async def _one(run: Run, way: Way, session: Session, claim: Claim) -> Claim | None:
    """Sends one message and hands in its outcome; the next claim, or None.

    Raises UnreachedError and StoreError, the claim given back.
    """
    started = run.now()
    try:
        reply, verdict = await _attempt(run, session, claim, started)
    except (UnreachedError, StoreError):
        await _hand_in(run, None, unsent=claim)
        raise
    if reply.code and way.failures:
        way.worked()
    return await _hand_in(run, Outcome(claim, verdict.state, reply, started, run.now(), verdict.next_attempt_at))


async def _attempt(run: Run, session: Session, claim: Claim, started: datetime) -> tuple[Reply, Verdict]:
    """The server's reply and what it means; a message that cannot be made is held."""
    try:
        ready = await run.press.ready(claim, started)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - I12: one message that cannot be made stops no other; its reason is kept
        reason = str(error) if isinstance(error, PublisherError) else f"{type(error).__name__}: {error}"
        return Reply(0, "", reason), withheld(claim)
    on_wire = True
    try:
        reply = await session.send(ready.sender, ready.recipient, ready.message)
    except BrokenOffError as error:
        reply, on_wire = Reply(0, "", str(error)), False
    except LostReplyError as error:
        reply = Reply(0, "", str(error))
    return reply, judge(reply, claim, run.policy, run.now(), jitter(), on_wire=on_wire)


async def _hand_in(run: Run, outcome: Outcome | None, unsent: Claim | None = None) -> Claim | None:
    """Hands in at the ledger, again after a while where the store fails: what is known must not be forgotten."""
    for pause in _PERSISTENCE:
        try:
            return await run.counter.visit(outcome, unsent=unsent, want=outcome is not None and not run.stop.is_set())
        except Exception as error:  # noqa: BLE001 - tried again; the last time it is raised
            _log.warning("the ledger could not be written", why=str(error), again_in=pause)
            await asyncio.sleep(pause)
    return await run.counter.visit(outcome, unsent=unsent, want=False)
