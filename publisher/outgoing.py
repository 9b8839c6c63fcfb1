"""The vocabulary of what leaves: editions' variants, deliveries, claims, replies. Imports nothing of ours.

All instants are timezone-aware and in UTC unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class DeliveryState(StrEnum):
    """Where a delivery or a notice stands. See `publisher.mail.judge` for the transitions."""

    QUEUED = "queued"
    """Planned; no attempt yet."""
    CLAIMED = "claimed"
    """Committed to a connection; its message may be on the wire."""
    ACCEPTED = "accepted"
    """The server took it (a 2xx reply to the message)."""
    DEFERRED = "deferred"
    """Refused for now; tried again at `next_attempt_at`."""
    BOUNCED = "bounced"
    """Refused for good (a 5xx reply)."""
    IN_DOUBT = "in_doubt"
    """The message was on the wire and no reply is known."""
    HELD = "held"
    """Waits for the operator, with a reason."""
    EXPIRED = "expired"
    """Ended unsent: its articles are in a later edition."""
    CANCELLED = "cancelled"
    """Ended unsent: the reader left, or nothing was left to send."""

#: States in which a delivery may still be claimed.
SENDABLE = (DeliveryState.QUEUED, DeliveryState.DEFERRED)
#: States in which a delivery is open: its subscription gets no other meanwhile.
OPEN = (*SENDABLE, DeliveryState.CLAIMED, DeliveryState.IN_DOUBT, DeliveryState.HELD)


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """To whom a kind of notice may go, or a digest."""

    #: What its subscription may be, as "pending".
    states: tuple[str, ...]
    #: The person asked for it themselves: an address that only left may get it (I11).
    asked_for: bool


DIGESTS = NoticeRule(("active",), asked_for=False)
_ANY = ("pending", "active", "unsubscribed")
#: Every kind of transactional mail; what is not in it is never sent.
NOTICES = {
    "confirm": NoticeRule(("pending",), asked_for=True),
    #: A copy of the last digest.
    "again": NoticeRule(("active",), asked_for=False),
    #: Links for what a forwarded digest must not allow.
    "export": NoticeRule(_ANY, asked_for=True),
    "erase": NoticeRule(_ANY, asked_for=True),
    "address": NoticeRule(_ANY, asked_for=True),
    #: To an address that is to take the place of the reader's, and to the one whose place was taken.
    "new_address": NoticeRule(_ANY, asked_for=True),
    "moved": NoticeRule(_ANY, asked_for=True),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered, RFC 5321 section 4.2 and RFC 3463."""

    #: Three digits, or 0 where no reply came.
    code: int
    #: As "5.1.1", or empty.
    enhanced: str
    text: str


@dataclass(frozen=True, slots=True)
class Variant:
    """What one group of readers of an edition gets; rendered once.

    The parts hold the slots of `publisher.digest.slots` in place of what is personal.
    """

    id: int
    edition_id: int
    revision: int
    language: str
    subject: str
    html: str
    text: str
    #: The stories.
    article_ids: tuple[str, ...]
    #: What stands in it because it was corrected.
    corrected_ids: tuple[str, ...] = ()
    #: "full" or "headlines".
    form: str = "full"


@dataclass(frozen=True, slots=True)
class NewVariant:
    """A variant on its way into the store."""

    #: Equal keys within an edition are the same variant.
    key: str
    language: str
    subject: str
    html: str
    text: str
    #: The stories.
    article_ids: tuple[str, ...]
    #: What stands in it because it was corrected.
    corrected_ids: tuple[str, ...] = ()
    #: "full" or "headlines".
    form: str = "full"


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery on its way into the store."""

    subscription_id: int
    subscriber_id: int
    #: As `D:2026-11-22`, `W:2026-W47`, `I:123`, `welcome:1`, `manual:<run>`; unique for the subscription.
    period: str
    #: The window is (from_seq, to_seq].
    from_seq: int
    to_seq: int
    message_id: str
    #: The subscription's next due instant from now on; None leaves it alone (manual, welcome).
    next_due_at: datetime | None
    #: The due instant of the slot that this delivery fills; None for manual and welcome.
    due_at: datetime | None
    #: What must still be true of the subscription when the delivery is written.
    expect_from_seq: int
    expect_generation: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery or notice that is due, with all that sending it needs; whoever holds it committed may send it."""

    #: "delivery" or "notice".
    kind: str
    id: int
    email: str
    name: str
    message_id: str
    #: 1 for the first attempt.
    attempt: int
    subscription_id: int
    #: Newsletter name; empty for notices that concern none.
    newsletter: str
    #: Of a delivery.
    edition_id: int | None = None
    #: Of a delivery, and of a copy of one.
    variant_id: int | None = None
    #: Of a notice: what it is about, as "confirm".
    notice_kind: str = ""
    #: Of a notice: what its template needs.
    params: dict[str, str] = field(default_factory=dict)
    #: Of a notice: counts confirmations asked for; binds the link to the last one.
    generation: int = 0
    #: When the delivery was planned: the message's Date, the same in every attempt.
    created_at: datetime | None = None
    #: An earlier attempt may have arrived: whatever comes now but success or a final refusal, the doubt remains.
    in_doubt: bool = False
    #: The state that it is claimed from, and since when it is due: a row that changed since is not claimed.
    state: DeliveryState = DeliveryState.QUEUED
    due_at: datetime | None = None
    #: Normal form of `email`.
    email_key: str = ""
    #: Of a delivery: the end of its window.
    to_seq: int = 0
    #: False: its edition is paused or cancelled.
    running: bool = True
    #: The reader wants the text part alone.
    plain_text: bool = False

    @property
    def domain(self) -> str:
        """The receiving domain, in A-labels and lower case."""
        return self.email_key.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claim."""

    claim: Claim
    state: DeliveryState
    reply: Reply
    started_at: datetime
    finished_at: datetime
    #: For DEFERRED, and for IN_DOUBT that is to be repeated: when to try again. None: not by itself.
    next_attempt_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the ledger, as shown to the operator."""

    id: int
    kind: str
    edition_id: int | None
    subscription_id: int
    email: str
    newsletter: str
    period: str
    from_seq: int
    to_seq: int
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    reply: Reply
    message_id: str
    created_at: datetime
    finished_at: datetime | None
