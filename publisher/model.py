"""The vocabulary: frozen values that travel between the steps. Imports nothing of ours.

All instants are timezone-aware and in UTC unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum


class ArticleStatus(StrEnum):
    """Where an article stands in its life."""

    DRAFT = "draft"
    """Written, not to be published."""
    SCHEDULED = "scheduled"
    """To go live at `published_at`. Every new article passes through here, if only for an instant."""
    LIVE = "live"
    """Published: it has a `seq`, and stands in feeds, pages and digests."""
    UNLISTED = "unlisted"
    """Has a page for those who know its address; stands in no feed, list or digest."""
    WITHDRAWN = "withdrawn"
    """Taken back: no page, no feed, no digest; keeps its id and `seq`."""


class DocumentState(StrEnum):
    """What became of a document that was seen."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Frequency(StrEnum):
    """How often a subscription is due."""

    DAILY = "daily"
    WEEKLY = "weekly"
    IMMEDIATE = "immediate"


class SubscriptionState(StrEnum):
    """Where a subscription stands."""

    PENDING = "pending"
    """Asked for; the confirmation has not come yet."""
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"


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
class Related:
    """A pointer from an article to another story."""

    #: Plain text, never empty.
    title: str
    #: Absolute, or empty where only the title is known.
    url: str = ""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that belongs to an article, such as audio."""

    #: Absolute.
    url: str
    #: Media type, as `audio/mpeg`.
    type: str
    #: Size in bytes, 0 where unknown.
    length: int = 0


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a parser makes of one document, before the store knows it."""

    #: Plain text on one line, never empty.
    title: str
    #: Paragraphs separated by a blank line.
    content_text: str
    #: Sanitised HTML of the body alone: no title, standfirst or caption.
    content_html: str
    #: Display name as found, as "News"; empty where none.
    section: str = ""
    #: Plain text on one line; empty where none.
    standfirst: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    #: BCP 47, as "en"; empty where unknown.
    language: str = ""
    #: As the document says; None where it says nothing.
    published_at: datetime | None = None
    #: Absolute URL of the lead image, or empty.
    image: str = ""
    caption: str = ""
    credit: str = ""
    related: tuple[Related, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    #: Where the article was first published (its canonical URL), or empty.
    source_url: str = ""
    #: The id that the source itself gives to the article, or empty.
    source_id: str = ""
    #: The slug that the document asks for, or empty.
    slug: str = ""
    #: What the document asks to be: SCHEDULED (the usual), DRAFT or UNLISTED.
    status: ArticleStatus = ArticleStatus.SCHEDULED
    #: How the bytes were read, as "utf-8" or "windows-1252".
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class Article:
    """An article as the store holds it."""

    #: A UUID: never changes, made from nothing of the article's content.
    id: str
    #: Place in publication order, set once when the article first goes live; None before.
    seq: int | None
    #: Last part of its page's address; unique, ASCII; never changes.
    slug: str
    title: str
    standfirst: str
    section: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    language: str
    content_html: str
    content_text: str
    image: str
    caption: str
    credit: str
    source_url: str
    enclosures: tuple[Enclosure, ...]
    related: tuple[Related, ...]
    #: Never moves once the article is live.
    published_at: datetime
    #: Moves when the text is corrected.
    updated_at: datetime
    first_seen_at: datetime
    #: When the row last changed in any way; what mail waits for (`settle_mail`).
    changed_at: datetime
    #: Of what readers see; equal hashes mean that nothing changed.
    content_hash: str
    #: Held by its source at the first fetch and not to be mailed.
    backfill: bool
    status: ArticleStatus
    #: Name of the source that it came from, as "folder:seeds".
    source: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file or remote entry that was seen, and what became of it."""

    #: Name of the source, as "folder:seeds".
    source: str
    #: Path relative to the source's root, with `/`.
    path: str
    #: SHA-256 of its bytes in hex; empty where they could not be read.
    digest: str
    #: Bytes.
    size: int
    #: Modification time in nanoseconds since the epoch.
    mtime_ns: int
    state: DocumentState
    #: Why it was rejected, or empty.
    reason: str
    #: What its owner can do about it, or empty.
    remedy: str
    article_id: str | None
    seen_at: datetime
    #: False once the file is gone from the source.
    present: bool = True


@dataclass(frozen=True, slots=True)
class DocumentResult:
    """One row of a pick-up's report."""

    path: str
    #: "added", "updated", "unchanged" or "rejected".
    status: str
    article_id: str | None = None
    title: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person."""

    id: int
    #: As given by the person.
    email: str
    name: str
    #: BCP 47; empty: the site's.
    language: str
    #: IANA name, as "Europe/London".
    timezone: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Subscription:
    """One person's subscription to one newsletter."""

    id: int
    subscriber_id: int
    newsletter: str
    frequency: Frequency
    #: 0 is Monday; only of weight for WEEKLY.
    weekday: int
    #: In the subscriber's zone.
    local_time: time
    #: Section slugs; empty: all that the newsletter offers.
    sections: tuple[str, ...]
    state: SubscriptionState
    #: The next window opens after this `seq`. Moves when a delivery is accepted.
    from_seq: int
    #: None: not scheduled yet; the plan step gives it one.
    next_due_at: datetime | None
    #: Due instant of the last slot that was planned or passed over.
    last_due_at: datetime | None
    confirmed_at: datetime | None
    #: Counts confirmations asked for; an older link has a smaller one and is void.
    generation: int
    #: A welcome edition is owed: articles after this `seq` and up to `from_seq`; None: not owed.
    welcome_after: int | None


@dataclass(frozen=True, slots=True)
class Reader:
    """A subscription together with its person: what planning and sending need."""

    subscription: Subscription
    subscriber: Subscriber


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
    article_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewVariant:
    """A variant on its way into the store."""

    #: Equal keys within an edition are the same variant.
    key: str
    language: str
    subject: str
    html: str
    text: str
    article_ids: tuple[str, ...]


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
    """A delivery or notice that a connection may now send; the claim is already committed."""

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


@dataclass(frozen=True, slots=True)
class Issue:
    """A newsletter on one date of its own zone."""

    id: int
    newsletter: str
    date: date
