"""The connections of one run of the deliver step: each carries one message after the other.

    open a session | message ready, claimed (committed) | the wire | reply, or how it broke | judge | outcome, the next

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
from publisher.mail.judge import Policy, judge, withheld
from publisher.mail.press import Parcel
from publisher.mail.relay import Relay, Way
from publisher.mail.stock import Stock
from publisher.mail.transport import BrokenOffError, LostReplyError, Session, UnreachedError
from publisher.outgoing import Claim, Outcome, Reply

_log = log.get("mail")

#: Seconds after a stop in which what is on the wire may still be answered.
GRACE = 8.0
#: Seconds after which what is cancelled and goes on is cancelled again.
_AGAIN = 0.1
#: Waits, in seconds, before an outcome that could not be recorded is handed in again.
_PERSISTENCE = (0.2, 1.0, 3.0)


class Counter(Protocol):
    """Where outcomes are handed in and candidates claimed: the ledger, or the way to it from another process."""

    async def visit(
        self, outcome: Outcome | None = None, *, unsent: Claim | None = None, want: Claim | None = None
    ) -> bool:
        """See `publisher.mail.ledger.Ledger.visit`."""
        ...


@dataclass(slots=True)
class Run:
    """What the connections of one process share."""

    stock: Stock
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
        # More than once: what has just connected when it is cancelled goes on (asyncio.wait_for, until Python 3.12).
        while not opening.done():
            opening.cancel()
            await asyncio.wait((opening,), timeout=_AGAIN)
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
        moves = True
        try:
            moves = await _carry(run, way, session)
            run.drained = run.drained or not (moves or run.stop.is_set())
        except UnreachedError as error:
            run.lost = run.lost or str(error)
            way.failed(str(error), run.now(), jitter())
        finally:
            way.open -= 1
            await session.close()
            run.sessions.discard(session)
        opened = await _open(run) if moves else None


async def _carry(run: Run, way: Way, session: Session) -> bool:
    """Messages over one session; True where another way had better carry the next, False where nothing is to do."""
    parcel = await _next(run, None)
    while parcel is not None:
        outcome = await _one(run, way, session, parcel)
        if run.relay.better(way, outcome.finished_at):
            await _hand_in(run, outcome)
            return True
        parcel = await _next(run, outcome)
    return False


async def _next(run: Run, outcome: Outcome | None) -> Parcel | None:
    """Hands in the last outcome, and claims the next parcel in the same commit; None where there is no more to do."""
    while not run.stop.is_set():
        parcel = run.stock.at_hand()
        if parcel is None:
            if outcome is not None:  # what is known does not wait for what comes
                await _hand_in(run, outcome)
                outcome = None
            parcel = await run.stock.next()
        if parcel is None:
            return None
        if await _hand_in(run, outcome, want=parcel.claim):
            return parcel
        outcome = None
    if outcome is not None:
        await _hand_in(run, outcome)
    return None


async def _one(run: Run, way: Way, session: Session, parcel: Parcel) -> Outcome:
    """Sends one message; what became of it. Raises UnreachedError, the claim given back."""
    started, claim = run.now(), parcel.claim
    if not parcel.message:
        return Outcome(claim, withheld(claim).state, Reply(0, "", parcel.fault), started, started)
    on_wire = True
    try:
        reply = await session.send(parcel.sender, parcel.recipient, parcel.message)
    except UnreachedError:
        await _hand_in(run, None, unsent=claim)
        raise
    except BrokenOffError as error:
        reply, on_wire = Reply(0, "", str(error)), False
    except LostReplyError as error:
        reply = Reply(0, "", str(error))
    now = run.now()
    way.heard(claim, reply, now, jitter)
    spread = 0.0 if 200 <= reply.code <= 299 else jitter()
    verdict = judge(reply, claim, run.policy, now, spread, on_wire=on_wire)
    return Outcome(claim, verdict.state, reply, started, now, verdict.next_attempt_at)


async def _hand_in(
    run: Run, outcome: Outcome | None, *, unsent: Claim | None = None, want: Claim | None = None
) -> bool:
    """Visits the counter, again after a while where the store fails: what is known must not be forgotten.

    A candidate is wanted once only: after a failure it may be another's.
    """
    for pause in _PERSISTENCE:
        try:
            return await run.counter.visit(outcome, unsent=unsent, want=None if run.stop.is_set() else want)
        except Exception as error:
            if outcome is None and unsent is None:  # nothing is known that could be forgotten
                raise
            _log.warning("the ledger could not be written", why=str(error), again_in=pause)
            want = None
            await asyncio.sleep(pause)
    return await run.counter.visit(outcome, unsent=unsent)
