"""What an attempt means for its delivery. Pure: one function, and the table that its tests check.

    what happened                         then
    ───────────────────────────────────   ─────────────────────────────────────────────────────────────────────────────
    2xx to the message                    accepted
    5xx to recipient or message           bounced
    4xx, or broken off before the message deferred, longer each time; expired once refused for `expiry`
    the message on the wire, no reply     in doubt: again with the same Message-ID (`repeat`), or left to the operator
    the message cannot be made            held, with the reason

This says which event it was, and when to try again; `publisher.delivery_state` says what the delivery becomes, also
where an earlier copy is in doubt. With `repeat` a doubt is over once `expiry` has passed: it counts as delivered, and
its reader gets the next edition. A server that cannot be reached is no attempt at all: the claim is given back, and
nobody is ever bounced for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from publisher.delivery_state import Event, after
from publisher.outgoing import Claim, DeliveryState, Reply

#: The first wait; each further one is twice as long.
FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=4)
#: A delivery that waited long for other reasons (an outage) is still tried so often before it expires.
LEAST_ATTEMPTS = 3
#: Waits of the whole relay after it could not be reached.
RELAY_FIRST_WAIT = timedelta(seconds=5)
RELAY_LONGEST_WAIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's choices."""

    #: A message refused for so long is given up.
    expiry: timedelta
    #: A message in doubt is sent again; False: it waits for the operator.
    repeat: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the delivery."""

    state: DeliveryState
    #: None: not by itself.
    next_attempt_at: datetime | None = None


def judge(reply: Reply, claim: Claim, policy: Policy, now: datetime, jitter: float, *, on_wire: bool) -> Verdict:
    """The verdict on an attempt that ended with `reply` (code 0: none came).

    `on_wire`: bytes of the message had left when it ended. `jitter` in [0, 1) spreads the waits.
    """
    if 200 <= reply.code <= 299 and on_wire:
        return _verdict(Event.ACCEPT, claim)
    if 500 <= reply.code <= 599:
        return _verdict(Event.REFUSE, claim)
    lost = on_wire and not 400 <= reply.code <= 499
    given_up = claim.attempt >= LEAST_ATTEMPTS and now - (claim.created_at or now) >= policy.expiry
    if given_up and (policy.repeat if claim.in_doubt else not lost):
        return _verdict(Event.GIVE_UP, claim)
    # A claim that was in doubt already is here because it is to be repeated, by policy or by the operator.
    waits = (given_up and claim.in_doubt) or (lost and not policy.repeat)
    return _verdict(Event.LOSE if lost else Event.DEFER, claim, None if waits else now + wait(claim.attempt, jitter))


def withheld(claim: Claim) -> Verdict:
    """The verdict on a message that cannot be made, or that breaks a rule of mail: it waits for the operator."""
    return _verdict(Event.WITHHOLD, claim)


def _verdict(event: Event, claim: Claim, next_attempt_at: datetime | None = None) -> Verdict:
    before = DeliveryState.IN_DOUBT if claim.in_doubt else DeliveryState.QUEUED
    state = after(DeliveryState.CLAIMED, event, before=before)
    assert state is not None
    return Verdict(state, next_attempt_at)


def wait(attempt: int, jitter: float) -> timedelta:
    """How long to wait after so many attempts: 5 minutes, doubled each time up to 4 hours, spread by a quarter."""
    return _spread(min(FIRST_WAIT * 2 ** min(attempt - 1, 10), LONGEST_WAIT), jitter)


def relay_wait(failures: int, jitter: float) -> timedelta:
    """How long to leave a relay alone after so many failures in a row: 5 seconds, doubled up to 5 minutes."""
    return _spread(min(RELAY_FIRST_WAIT * 2 ** min(failures - 1, 10), RELAY_LONGEST_WAIT), jitter)


def _spread(base: timedelta, jitter: float) -> timedelta:
    return base * (0.75 + jitter / 2)
