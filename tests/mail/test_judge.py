"""The judge's table."""

from __future__ import annotations

from datetime import timedelta

import pytest

from publisher.delivery_state import delivered
from publisher.mail import judge
from publisher.mail.judge import Policy, Verdict
from publisher.outgoing import Claim, DeliveryState, Reply
from tests.mail.conftest import NOON

REPEAT, HOLD = Policy(timedelta(days=2), repeat=True), Policy(timedelta(days=2), repeat=False)
ACCEPTED, BOUNCED, DEFERRED, IN_DOUBT, EXPIRED = (
    DeliveryState.ACCEPTED, DeliveryState.BOUNCED, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT, DeliveryState.EXPIRED
)
SOON = timedelta(minutes=5)
NEW, OLD = timedelta(0), timedelta(days=3)


def claim(attempt: int, age: timedelta, *, in_doubt: bool = False) -> Claim:
    return Claim("delivery", 1, "a@b.org", "", "<m@b.org>", attempt, 1, "daily", created_at=NOON - age, in_doubt=in_doubt)


@pytest.mark.parametrize(
    ("code", "on_wire", "attempt", "age", "in_doubt", "policy", "state", "wait"),
    [
        (250, True, 1, NEW, False, REPEAT, ACCEPTED, None),
        (251, True, 9, OLD, True, HOLD, ACCEPTED, None),
        (550, True, 1, NEW, False, REPEAT, BOUNCED, None),
        (554, True, 1, NEW, True, REPEAT, BOUNCED, None),
        (450, True, 1, NEW, False, REPEAT, DEFERRED, SOON),
        (421, True, 2, NEW, False, HOLD, DEFERRED, 2 * SOON),
        (451, True, 5, timedelta(hours=3), False, REPEAT, DEFERRED, 16 * SOON),
        (451, True, 50, timedelta(hours=30), False, REPEAT, DEFERRED, timedelta(hours=4)),
        (451, True, 3, OLD, False, REPEAT, EXPIRED, None),
        (451, True, 2, OLD, False, REPEAT, DEFERRED, 2 * SOON),
        (0, False, 1, NEW, False, REPEAT, DEFERRED, SOON),
        (0, False, 1, NEW, False, HOLD, DEFERRED, SOON),
        (0, True, 1, NEW, False, REPEAT, IN_DOUBT, SOON),
        (0, True, 1, NEW, False, HOLD, IN_DOUBT, None),
        (0, True, 3, OLD, False, REPEAT, IN_DOUBT, 4 * SOON),
        (0, True, 3, OLD, False, HOLD, IN_DOUBT, None),
        (0, True, 4, OLD, True, REPEAT, EXPIRED, None),
        (450, True, 4, OLD, True, REPEAT, EXPIRED, None),
        (0, False, 4, OLD, True, REPEAT, EXPIRED, None),
        (450, True, 4, OLD, True, HOLD, IN_DOUBT, None),
        (550, True, 4, OLD, True, HOLD, BOUNCED, None),
        (450, True, 2, NEW, True, REPEAT, IN_DOUBT, 2 * SOON),
        (450, True, 2, NEW, True, HOLD, IN_DOUBT, 2 * SOON),
        (0, False, 2, NEW, True, REPEAT, IN_DOUBT, 2 * SOON),
        (0, True, 2, NEW, True, HOLD, IN_DOUBT, None),
        (354, True, 1, NEW, False, REPEAT, IN_DOUBT, SOON),
    ],
)
def test_table(
    code: int, on_wire: bool, attempt: int, age: timedelta, in_doubt: bool, policy: Policy, state: DeliveryState,
    wait: timedelta | None,
) -> None:
    """Each ending of an attempt has one meaning."""
    found = judge.judge(Reply(code, "", ""), claim(attempt, age, in_doubt=in_doubt), policy, NOON, 0.5, on_wire=on_wire)
    assert found == Verdict(state, None if wait is None else NOON + wait)


@pytest.mark.parametrize("code", [0, 250, 354, 421, 450, 550, 999])
@pytest.mark.parametrize("on_wire", [True, False])
@pytest.mark.parametrize("in_doubt", [True, False])
@pytest.mark.parametrize("policy", [REPEAT, HOLD])
@pytest.mark.parametrize("age", [NEW, OLD])
def test_I3_no_window_opens_again_while_a_copy_may_have_arrived(
    code: int, on_wire: bool, in_doubt: bool, policy: Policy, age: timedelta
) -> None:
    """Whatever is said, it stays in doubt, or it ends and counts as delivered; with `repeat` never for ever."""
    found = judge.judge(
        Reply(code, "", ""), claim(5, age, in_doubt=in_doubt), policy, NOON, 0.5, on_wire=on_wire
    )
    lost = on_wire and code in (0, 354, 999)
    if lost and not in_doubt:
        assert found.state == IN_DOUBT
    if found.state == IN_DOUBT and policy.repeat:
        assert found.next_attempt_at is not None
        assert age < policy.expiry or not in_doubt
    if in_doubt:
        assert found.state == IN_DOUBT or delivered(found.state, doubted=True)


def test_what_cannot_be_made_is_held_and_a_doubt_stays_one() -> None:
    """A repetition that the lint refuses says nothing of the copy before it."""
    assert judge.withheld(claim(1, NEW)) == Verdict(DeliveryState.HELD)
    assert judge.withheld(claim(2, NEW, in_doubt=True)) == Verdict(IN_DOUBT)


def test_waits_grow_and_spread() -> None:
    """Waits double up to a bound, and jitter spreads them by a quarter either way."""
    for wait, bound in ((judge.wait, judge.LONGEST_WAIT), (judge.relay_wait, judge.RELAY_LONGEST_WAIT)):
        steady = [wait(n, 0.5) for n in range(1, 40)]
        assert steady == sorted(steady)
        assert steady[-1] == bound
        assert wait(1, 0.0) == steady[0] * 0.75
        assert wait(1, 0.999) < steady[0] * 1.25
