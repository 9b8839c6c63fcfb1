"""The vocabulary: frozen values that travel between the steps. Imports nothing of ours.

All instants are timezone-aware and in UTC unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
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


class ListKind(StrEnum):
    """What a list of articles is of."""

    SITE = "site"
    SECTION = "section"
    TAG = "tag"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True, order=True)
class Listing:
    """A list of live articles that has a page and feeds: of the whole site, a section, a tag or an author."""

    kind: ListKind
    #: Of the name, as `urls.section_slug` makes it; empty for the site.
    slug: str = ""


SITE_LISTING = Listing(ListKind.SITE)


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


#: Reasons of a suppression that a fresh double opt-in lifts: the person left, their address did not fail (I11).
LEFT = ("unsubscribed", "erased")


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
class Picture:
    """A picture of ours, ready to be served."""

    #: File name, as "harbour-at-dawn-0123456789ab.jpg": equal names mean equal pictures.
    name: str
    #: Media type, as "image/jpeg".
    media_type: str
    #: Pixels.
    width: int
    #: Pixels.
    height: int
    #: The file's bytes; they hold nothing but the picture.
    content: bytes


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
    #: As the document says, with the offset that it gives, else in the site's zone; None where it says nothing.
    published_at: datetime | None = None
    #: When the document says that it was last changed; None where it says nothing.
    updated_at: datetime | None = None
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
    #: What was odd about it and passed over, in plain words for its owner.
    remarks: tuple[str, ...] = ()


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
    #: Why it was rejected; of an accepted one what was odd about it; or empty.
    reason: str
    #: What its owner can do about it, or empty.
    remedy: str
    article_id: str | None
    seen_at: datetime
    #: False once the file is gone from the source.
    present: bool = True
    #: The source's archive holds the file now: it is gone from its place, and still there.
    archived: bool = False


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
    #: Messages come without their HTML part.
    plain_text: bool = False
    #: The operator's own words for groups of readers.
    tags: tuple[str, ...] = ()


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
    #: Not due before this instant, and what goes live until then is passed over; None: not paused.
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """A subscription together with its person: what planning and sending need."""

    subscription: Subscription
    subscriber: Subscriber
