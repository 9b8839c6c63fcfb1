"""The life of a delivery: every state, every event."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from publisher.delivery_state import Event, Standing, after, delivered, refusal, sources, why_not_again
from publisher.outgoing import OPEN, DeliveryState

S, E = DeliveryState, Event

#: (event, state) -> what it becomes; whatever is missing here cannot happen.
ALLOWED = {
    (E.CLAIM, S.QUEUED): S.CLAIMED, (E.CLAIM, S.DEFERRED): S.CLAIMED, (E.CLAIM, S.IN_DOUBT): S.CLAIMED,
    (E.ACCEPT, S.CLAIMED): S.ACCEPTED, (E.DEFER, S.CLAIMED): S.DEFERRED, (E.REFUSE, S.CLAIMED): S.BOUNCED,
    (E.GIVE_UP, S.CLAIMED): S.EXPIRED, (E.LOSE, S.CLAIMED): S.IN_DOUBT, (E.WITHHOLD, S.CLAIMED): S.HELD,
    (E.GIVE_BACK, S.CLAIMED): S.QUEUED, (E.DIE, S.CLAIMED): S.IN_DOUBT,
    (E.OVERTAKE, S.QUEUED): S.EXPIRED, (E.OVERTAKE, S.DEFERRED): S.EXPIRED, (E.OVERTAKE, S.HELD): S.EXPIRED,
    (E.CANCEL, S.QUEUED): S.CANCELLED, (E.CANCEL, S.DEFERRED): S.CANCELLED, (E.CANCEL, S.HELD): S.CANCELLED,
    (E.CANCEL, S.IN_DOUBT): S.CANCELLED,
    (E.HOLD, S.QUEUED): S.HELD, (E.HOLD, S.DEFERRED): S.HELD, (E.RELEASE, S.HELD): S.QUEUED,
    (E.RETRY, S.DEFERRED): S.DEFERRED, (E.RETRY, S.BOUNCED): S.QUEUED, (E.RETRY, S.EXPIRED): S.QUEUED,
    (E.RETRY, S.CANCELLED): S.QUEUED,
    (E.RESOLVE_ACCEPTED, S.IN_DOUBT): S.ACCEPTED, (E.RESOLVE_REPEAT, S.IN_DOUBT): S.IN_DOUBT,
    (E.RESOLVE_LOST, S.IN_DOUBT): S.EXPIRED,
}
#: A claim that was in doubt before.
AFTER_A_DOUBT = {
    E.ACCEPT: S.ACCEPTED, E.DEFER: S.IN_DOUBT, E.REFUSE: S.BOUNCED, E.GIVE_UP: S.EXPIRED, E.LOSE: S.IN_DOUBT,
    E.WITHHOLD: S.IN_DOUBT, E.GIVE_BACK: S.IN_DOUBT, E.DIE: S.IN_DOUBT,
}
FREE = Standing(S.BOUNCED, 3, 3, doubted=False, subscription="active", suppression="", other_open=False, edition="running")


@pytest.mark.parametrize(("event", "state"), list(product(Event, DeliveryState)))
def test_every_pair(event: Event, state: DeliveryState) -> None:
    """Each event means one thing in each state, or cannot happen there; the guards say the same."""
    expected = ALLOWED.get((event, state))
    assert after(state, event) == expected
    assert (state in sources(event)) == (expected is not None)


@pytest.mark.parametrize("event", list(AFTER_A_DOUBT))
def test_I3_doubt_outlives_what_is_said_of_a_repetition(event: Event) -> None:
    """Only an end ends it: a 4xx, a break, a message withheld leave it as it was."""
    assert after(S.CLAIMED, event, before=S.IN_DOUBT) == AFTER_A_DOUBT[event]
    assert (event, S.CLAIMED) in ALLOWED


@pytest.mark.parametrize("state", list(DeliveryState))
def test_I3_what_counts_as_delivered(state: DeliveryState) -> None:
    """Accepted, and whatever ended after a doubt; what is open may still go either way."""
    assert delivered(state, doubted=False) == (state == S.ACCEPTED)
    assert delivered(state, doubted=True) == (state not in OPEN)


def test_claim_that_is_given_back_is_what_it_was() -> None:
    """No byte was sent."""
    for before in sources(Event.CLAIM):
        assert after(S.CLAIMED, Event.GIVE_BACK, before=before) == before


def test_no_end_is_left_but_by_the_operator() -> None:
    """Of the ended, accepted is final; the others know `retry` alone."""
    ended = set(DeliveryState) - set(OPEN)
    assert {event for event, state in product(Event, ended) if after(state, event)} == {Event.RETRY}
    assert not any(after(S.ACCEPTED, event) for event in Event)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"state": S.EXPIRED}, ""),
        ({"state": S.CANCELLED}, ""),
        ({"state": S.DEFERRED, "other_open": True, "next_from_seq": 9}, ""),
        ({"edition": "paused"}, ""),
        ({"state": S.ACCEPTED}, "the server took it"),
        ({"state": S.IN_DOUBT}, "it is in doubt: `outbox resolve`"),
        ({"subscription": "unsubscribed"}, "the subscription is unsubscribed"),
        ({"suppression": "complaint"}, "the address is suppressed: complaint"),
        ({"edition": "cancelled"}, "its edition is cancelled: `outbox resume` it first"),
        ({"state": S.DEFERRED, "edition": "cancelled"}, "its edition is cancelled: `outbox resume` it first"),
        ({"doubted": True}, "it may have arrived, and counts as delivered"),
        ({"other_open": True}, "another delivery of this subscription is open"),
        ({"erased": True}, "its reader was erased"),
        ({"next_from_seq": 4}, "its articles came in another edition, or the reader came back"),
    ],
)
def test_I3_what_may_be_tried_again(change: dict[str, object], why: str) -> None:
    """Only what nothing else delivered or will deliver, to a reader who still wants it."""
    assert why_not_again(replace(FREE, **change)) == why  # type: ignore[arg-type]  # keys of the table above


def test_every_state_tells_why_a_command_passes_it_over() -> None:
    """None is passed over in silence."""
    assert len({refusal(state) for state in DeliveryState}) == len(DeliveryState)
