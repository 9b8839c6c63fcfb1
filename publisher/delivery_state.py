"""The life of a delivery: its states, what may happen to it, and what it becomes. Pure; the one statement of both.

    event             from                          becomes      after an earlier doubt
    ───────────────   ───────────────────────────   ──────────   ─────────────────────────────────────────
    claim             queued, deferred, in doubt    claimed
    accept            claimed                       accepted*    accepted*
    defer             claimed                       deferred     in doubt: the first copy may have arrived
    refuse            claimed                       bounced      bounced*
    give up           claimed                       expired      expired*
    lose              claimed                       in doubt     in doubt
    withhold          claimed                       held         in doubt, not by itself again
    give back         claimed                       what it was before the claim
    die               claimed                       in doubt     in doubt
    overtake          queued, deferred, held        expired
    cancel            queued, deferred, held        cancelled
                      in doubt                      cancelled*
    hold              queued, deferred              held
    release           held                          queued
    retry             deferred                      deferred, due at once
                      bounced, expired, cancelled   queued (where nothing of it may have arrived)
    resolve_accepted  in doubt                      accepted*
    resolve_repeat    in doubt                      in doubt, due at once
    resolve_lost      in doubt                      expired

    *  its window closes: what stands in it counts as delivered, and is in no later edition (I3)

*Delivered* means accepted, or in doubt until resolved. What a server says to a repetition tells nothing of the copy
before it. So whatever ends a doubt closes the window, but for the operator's word that nothing arrived; no later
bounce opens it again. With `mail.in_doubt = "repeat"` a doubt ends by itself once `mail.expiry` has passed; with "hold"
it waits for the operator, and so does its reader's next edition.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from publisher.outgoing import DIGESTS, SENDABLE, DeliveryState

_S = DeliveryState


class Event(StrEnum):
    """What may happen to a delivery."""

    CLAIM = "claim"
    """A connection takes it; committed before the first byte."""
    ACCEPT = "accept"
    """The server took it, 2xx."""
    DEFER = "defer"
    """Refused for now, 4xx, or broken off before the message."""
    REFUSE = "refuse"
    """Refused for good, 5xx."""
    GIVE_UP = "give up"
    """Refused for now, for too long."""
    LOSE = "lose"
    """The message was on the wire and no reply came."""
    WITHHOLD = "withhold"
    """The message cannot be made, or breaks a rule of mail: no byte was sent."""
    GIVE_BACK = "give back"
    """No server could be reached: no byte was sent, and it was no attempt."""
    DIE = "die"
    """The process ended in the middle of it."""
    OVERTAKE = "overtake"
    """The reader's next edition takes its place, and its window."""
    CANCEL = "cancel"
    """The reader left, all its articles were withdrawn, or the operator cancelled the edition."""
    HOLD = "hold"
    """The operator keeps it back."""
    RELEASE = "release"
    """The operator lets it go."""
    RETRY = "retry"
    """The operator has it tried again."""
    RESOLVE_ACCEPTED = "resolve accepted"
    """The operator knows that it arrived."""
    RESOLVE_REPEAT = "resolve repeat"
    """The operator has it sent again, with the same Message-ID."""
    RESOLVE_LOST = "resolve lost"
    """The operator knows that it never arrived."""


_FREE = (*SENDABLE, _S.HELD)
_ENDED_UNSENT = (_S.BOUNCED, _S.EXPIRED, _S.CANCELLED)

#: Whatever does not come from a claim: state before -> state after.
_TABLE: dict[Event, dict[DeliveryState, DeliveryState]] = {
    Event.CLAIM: dict.fromkeys((*SENDABLE, _S.IN_DOUBT), _S.CLAIMED),
    Event.OVERTAKE: dict.fromkeys(_FREE, _S.EXPIRED),
    Event.CANCEL: dict.fromkeys((*_FREE, _S.IN_DOUBT), _S.CANCELLED),
    Event.HOLD: dict.fromkeys(SENDABLE, _S.HELD),
    Event.RELEASE: {_S.HELD: _S.QUEUED},
    Event.RETRY: {_S.DEFERRED: _S.DEFERRED, **dict.fromkeys(_ENDED_UNSENT, _S.QUEUED)},
    Event.RESOLVE_ACCEPTED: {_S.IN_DOUBT: _S.ACCEPTED},
    Event.RESOLVE_REPEAT: {_S.IN_DOUBT: _S.IN_DOUBT},
    Event.RESOLVE_LOST: {_S.IN_DOUBT: _S.EXPIRED},
}
#: How a claim ends: (without, after) an earlier doubt.
_OF_CLAIMS: dict[Event, tuple[DeliveryState, DeliveryState]] = {
    Event.ACCEPT: (_S.ACCEPTED, _S.ACCEPTED),
    Event.DEFER: (_S.DEFERRED, _S.IN_DOUBT),
    Event.REFUSE: (_S.BOUNCED, _S.BOUNCED),
    Event.GIVE_UP: (_S.EXPIRED, _S.EXPIRED),
    Event.LOSE: (_S.IN_DOUBT, _S.IN_DOUBT),
    Event.WITHHOLD: (_S.HELD, _S.IN_DOUBT),
    Event.DIE: (_S.IN_DOUBT, _S.IN_DOUBT),
}


def after(state: DeliveryState, event: Event, *, before: DeliveryState = DeliveryState.QUEUED) -> DeliveryState | None:
    """What a delivery in `state` becomes; None: this cannot happen to it.

    `before`, of a claimed one: what it was claimed from.
    """
    if event in _TABLE:
        return _TABLE[event].get(state)
    if state != _S.CLAIMED:
        return None
    if event is Event.GIVE_BACK:
        return before
    return _OF_CLAIMS[event][before == _S.IN_DOUBT]


def sources(event: Event) -> tuple[DeliveryState, ...]:
    """The states in which the event may happen: the guard of every statement that writes it."""
    return tuple(_TABLE[event]) if event in _TABLE else (_S.CLAIMED,)


def delivered(state: DeliveryState, *, doubted: bool) -> bool:
    """Whether a delivery that came to `state` by itself counts as delivered, so that its window closes (I3).

    `doubted`: an earlier copy may have arrived, and nobody said that it did not.
    """
    return state == _S.ACCEPTED or (doubted and state in _ENDED_UNSENT)


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether a delivery may be tried again."""

    state: DeliveryState
    #: Its window, and where the subscription's next window opens.
    from_seq: int
    next_from_seq: int
    #: A copy of it may have arrived, and nobody said that it did not.
    doubted: bool
    #: The subscription's state, as "active".
    subscription: str
    #: Why its address is suppressed, or empty; empty too where that does not bar a notice of its kind.
    suppression: str
    #: Another delivery of the subscription is open.
    other_open: bool
    #: Of its edition: "running", "paused" or "cancelled".
    edition: str
    #: It is a notice, which has no window.
    notice: bool = False
    #: What its subscription may be.
    wanted_by: tuple[str, ...] = DIGESTS.states
    #: Nothing is known of its reader any more.
    erased: bool = False


#: What to do instead where a delivery is not in a state for the event.
_INSTEAD = {
    _S.QUEUED: "it waits for its turn", _S.CLAIMED: "it is on the wire", _S.ACCEPTED: "the server took it",
    _S.DEFERRED: "it waits for its next try", _S.BOUNCED: "it was refused for good",
    _S.IN_DOUBT: "it is in doubt: `outbox resolve`", _S.HELD: "it is held: `outbox release`",
    _S.EXPIRED: "it ended unsent", _S.CANCELLED: "it was cancelled",
}


def refusal(state: DeliveryState) -> str:
    """Why a command does nothing to a delivery in this state, which is none of its `sources`."""
    return _INSTEAD[state]


def why_not_again(it: Standing) -> str:
    """Why a delivery may not be tried again, or nothing: no reader gets an article twice, nor unasked mail."""
    ended = it.state in _ENDED_UNSENT
    what = "notice" if it.notice else "delivery"
    against = (
        (it.state not in sources(Event.RETRY), refusal(it.state)),
        (it.erased, "its reader was erased"),
        (it.subscription not in it.wanted_by, f"the subscription is {it.subscription}"),
        (bool(it.suppression), f"the address is suppressed: {it.suppression}"),
        (it.edition == "cancelled", "its edition is cancelled: `outbox resume` it first"),
        (ended and it.doubted, "it may have arrived, and counts as delivered"),
        (ended and it.other_open, f"another {what} of this subscription is open"),
        (ended and it.from_seq != it.next_from_seq, "its articles came in another edition, or the reader came back"),
    )
    return next((why for holds, why in against if holds), "")
