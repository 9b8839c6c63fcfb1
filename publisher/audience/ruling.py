"""What becomes of a wish for one address: the one place of the rules for adding and importing. Pure.

    what was said x what is known of the address -> ruling

I11: nothing is sent to a suppressed address, and nobody's word but their own brings back who left.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from publisher.model import LEFT, SubscriptionState

#: Why an address may stand on the suppression list.
REASONS = ("operator", "bounce", "complaint", *LEFT)


class Word(StrEnum):
    """What the operator, or the file that they bring, says of an address."""

    CONFIRMED = "confirmed"
    """The person agreed; the operator vouches for it."""
    ASK = "ask"
    """The person is to be asked by mail."""
    UNSAID = "unsaid"
    """Nothing that allows mail, and nothing that forbids it."""
    LEFT = "left"
    """The person unsubscribed."""
    BARRED = "barred"
    """The address bounced, complained, or is on a block list."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of an address and of one newsletter; the defaults: nothing."""

    #: Why the address is suppressed, or None.
    suppression: str | None = None
    #: Of the subscription; None: there is none.
    state: SubscriptionState | None = None
    #: The reader left once, and did not come back.
    left: bool = False
    #: The reader confirmed the subscription themselves.
    own: bool = False


class Ruling(StrEnum):
    """What is to be done."""

    ACTIVATE = "activate"
    """Make the subscription active."""
    ASK = "ask"
    """Ask the person to confirm, unless they were asked lately."""
    WAIT = "wait"
    """Keep the subscription pending, and send nothing."""
    KEEP = "keep"
    """The reader is subscribed already."""
    END = "end"
    """Note that the reader left."""
    BAR = "bar"
    """Put the address on the suppression list."""
    LEFT_BEFORE = "left before"
    """Only the reader's own fresh confirmation brings them back."""
    SUPPRESSED = "suppressed"
    """Nothing may be sent to the address, not even a confirmation."""


def left_before(state: SubscriptionState, confirmed_at: datetime | None, actions: Collection[str]) -> bool:
    """Whether the reader left and did not come back; `actions`: those of the subscription's consents."""
    if state == SubscriptionState.ACTIVE:
        return False
    return state == SubscriptionState.UNSUBSCRIBED or confirmed_at is not None or "left" in actions


def rule(word: Word, known: Known) -> Ruling:
    """What is to be done where `word` is said of an address of which this is known."""
    if word == Word.BARRED:
        return Ruling.SUPPRESSED if known.suppression not in (None, *LEFT) else Ruling.BAR
    if known.suppression not in (None, *LEFT):
        return Ruling.SUPPRESSED
    if word == Word.LEFT:
        return _leaving(known)
    if known.state == SubscriptionState.ACTIVE:
        return Ruling.KEEP
    if known.suppression is not None or known.left:
        return Ruling.LEFT_BEFORE
    return {Word.CONFIRMED: Ruling.ACTIVATE, Word.ASK: Ruling.ASK}.get(word, Ruling.WAIT)


def _leaving(known: Known) -> Ruling:
    """An older file must not end what the reader confirmed here themselves."""
    if known.state == SubscriptionState.ACTIVE and known.own:
        return Ruling.KEEP
    if known.state == SubscriptionState.UNSUBSCRIBED:
        return Ruling.LEFT_BEFORE
    return Ruling.END


def weightier(reason: str, before: str) -> bool:
    """Whether a suppression takes the place of one that is there: what no confirmation lifts, of what one does."""
    return before in LEFT and reason not in LEFT
