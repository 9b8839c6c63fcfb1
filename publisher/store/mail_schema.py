"""The tables of readers and of mail. Meanings stand here, as in `schema`."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from publisher.store.instant import Instant
from publisher.store.schema import Key, metadata

_UNENDED = text("finished_at IS NULL")
_REFUSED = text("state IN ('bounced', 'expired')")
_CLAIMED = text("claimed_at IS NOT NULL")
_PAUSED = text("paused_until IS NOT NULL")

subscribers = Table(
    "subscribers", metadata,
    Column("id", Key, primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("language", String(35), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    #: Messages come without their HTML part.
    Column("plain_text", Boolean, nullable=False, server_default=false()),
    #: The operator's own words for groups of readers.
    Column("tags", JSON, nullable=False, server_default="[]"),
    #: Counts links for what a forwarded digest must not allow (export, erasure, another address): only the last one
    #: asked for is good, for a while, once.
    Column("link_number", Integer, nullable=False, server_default="0"),
    Column("link_asked_at", Instant),
    #: The address that the reader wants to have from its confirmation on, or empty.
    Column("new_email", Text, nullable=False, server_default=""),
    #: Where mail to the address ends up (`publisher.address`), for pacing; empty where nobody asked by a form.
    Column("mailbox", Text, nullable=False, server_default="", index=True),
    sqlite_autoincrement=True,  # ids stand in links, and must never come back for somebody else
)

subscriptions = Table(
    "subscriptions", metadata,
    Column("id", Key, primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.id"), nullable=False),
    Column("newsletter", String(40), nullable=False),
    Column("frequency", String(10), nullable=False),
    Column("weekday", Integer, nullable=False),
    Column("local_time", String(5), nullable=False),
    Column("sections", JSON, nullable=False),
    Column("state", String(12), nullable=False),
    Column("from_seq", BigInteger, nullable=False),
    Column("next_due_at", Instant),
    Column("last_due_at", Instant),
    Column("confirmed_at", Instant),
    Column("generation", Integer, nullable=False),
    Column("welcome_after", BigInteger),
    #: Active, and not due before this instant; what goes live until then is passed over.
    Column("paused_until", Instant),
    #: When the last edition that was delivered was planned: corrections since then are still to be told.
    Column("corrections_from", Instant),
    UniqueConstraint("subscriber_id", "newsletter"),
    Index("ix_subscriptions_state_next_due_at", "state", "next_due_at", "id"),
    Index("ix_subscriptions_paused_until", "paused_until", sqlite_where=_PAUSED, postgresql_where=_PAUSED),
    sqlite_autoincrement=True,  # ids stand in links, and must never come back for somebody else
)

#: A reader's own feed at an address of its own: `number` makes a new address from an old one.
private_feeds = Table(
    "private_feeds", metadata,
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("open", Boolean, nullable=False),
)

#: When, from where and to what words a person agreed.
consents = Table(
    "consents", metadata,
    Column("id", Key, primary_key=True),
    Column("subscription_id", ForeignKey("subscriptions.id"), nullable=False, index=True),
    Column("action", String(20), nullable=False),
    Column("at", Instant, nullable=False),
    Column("origin", Text, nullable=False),
    Column("wording", Text, nullable=False),
    Index("ix_consents_action_at", "action", "at"),
)

suppressions = Table(
    "suppressions", metadata,
    Column("email_key", Text, primary_key=True),
    Column("reason", String(20), nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

#: What was taken off the suppression list, by whom and why.
releases = Table(
    "releases", metadata,
    Column("id", Key, primary_key=True),
    Column("email_key", Text, nullable=False, index=True),
    #: Why it stood on the list, and since when.
    Column("reason", String(20), nullable=False),
    Column("note", Text, nullable=False),
    Column("suppressed_at", Instant, nullable=False),
    Column("released_at", Instant, nullable=False),
    Column("released_by", Text, nullable=False),
    Column("release_note", Text, nullable=False),
)

issues = Table(
    "issues", metadata,
    Column("id", Key, primary_key=True),
    Column("newsletter", String(40), nullable=False),
    Column("date", Date, nullable=False),
    UniqueConstraint("newsletter", "date"),
)

editions = Table(
    "editions", metadata,
    Column("id", Key, primary_key=True),
    Column("issue_id", ForeignKey("issues.id"), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("cutoff", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    #: "running", "paused" or "cancelled": only a running edition's deliveries are claimed.
    Column("state", String(10), nullable=False, server_default="running"),
    UniqueConstraint("issue_id", "kind", "cutoff"),
)

#: What the operator turned on for all that comes: "pause", every edition from now on.
switches = Table(
    "switches", metadata,
    Column("name", String(20), primary_key=True),
    Column("on", Boolean, nullable=False),
)

variants = Table(
    "variants", metadata,
    Column("id", Key, primary_key=True),
    Column("edition_id", ForeignKey("editions.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("key", String(64), nullable=False),
    Column("language", String(35), nullable=False),
    Column("subject", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("text", Text, nullable=False),
    #: True once an article in it was withdrawn: nothing more of it may be sent.
    Column("stale", Boolean, nullable=False),
    #: "full", or "headlines": shared by readers of rare windows (`publisher.digest.shelf`).
    Column("form", String(10), nullable=False, server_default="full"),
    UniqueConstraint("edition_id", "key", "revision"),
    Index("ix_variants_stale", "id", sqlite_where=text("stale = 1"), postgresql_where=text("stale")),
)

variant_articles = Table(
    "variant_articles", metadata,
    Column("variant_id", ForeignKey("variants.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("article_id", ForeignKey("articles.id"), nullable=False, index=True),
    #: It stands there because it was corrected, not as news.
    Column("correction", Boolean, nullable=False, server_default=false()),
)

deliveries = Table(
    "deliveries", metadata,
    Column("id", Key, primary_key=True),
    Column("edition_id", ForeignKey("editions.id"), nullable=False, index=True),
    Column("subscription_id", ForeignKey("subscriptions.id"), nullable=False),
    Column("variant_id", ForeignKey("variants.id"), nullable=False, index=True),
    Column("period", String(60), nullable=False),
    Column("from_seq", BigInteger, nullable=False),
    Column("to_seq", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant),
    Column("claimed_at", Instant),
    Column("reply_code", Integer, nullable=False),
    Column("reply_enhanced", String(12), nullable=False),
    Column("reply_text", Text, nullable=False),
    Column("message_id", Text, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    UniqueConstraint("subscription_id", "period"),
    Index("ix_deliveries_state_next_attempt_at", "state", "next_attempt_at"),
    #: What has not ended: finding a reader's open delivery costs the same whatever they got before.
    Index("ix_deliveries_open", "subscription_id", sqlite_where=_UNENDED, postgresql_where=_UNENDED),
    #: What a reader was mailed, by windows.
    Index("ix_deliveries_claimed", "subscription_id", "to_seq", sqlite_where=_CLAIMED, postgresql_where=_CLAIMED),
)

#: Transactional mail: a ledger of its own.
notices = Table(
    "notices", metadata,
    Column("id", Key, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("subscription_id", ForeignKey("subscriptions.id"), nullable=False, index=True),
    #: Where it goes, if not to the subscriber's address: to one that is not theirs yet.
    Column("recipient", Text, nullable=False, server_default=""),
    #: Normal form of `recipient`.
    Column("recipient_key", Text, nullable=False, server_default=""),
    #: A copy of what this variant says; never once it is stale.
    Column("variant_id", BigInteger),
    Column("params", JSON, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant),
    Column("claimed_at", Instant),
    Column("reply_code", Integer, nullable=False),
    Column("reply_enhanced", String(12), nullable=False),
    Column("reply_text", Text, nullable=False),
    Column("message_id", Text, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Index("ix_notices_state_next_attempt_at", "state", "next_attempt_at"),
)

#: Every attempt at a delivery or notice, with what the server said.
attempts = Table(
    "attempts", metadata,
    Column("id", Key, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("ref_id", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reply_code", Integer, nullable=False),
    Column("reply_enhanced", String(12), nullable=False),
    Column("reply_text", Text, nullable=False),
    Index("ix_attempts_kind_ref_id", "kind", "ref_id"),
    #: What a receiving server refused for good, or for too long: the way back reads the newest of them.
    Index("ix_attempts_refused", "finished_at", sqlite_where=_REFUSED, postgresql_where=_REFUSED),
)

#: What the operator was told is wrong, and that it is over: one row for each kind.
alarms = Table(
    "alarms", metadata,
    Column("kind", String(20), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", Instant, nullable=False),
    #: NULL: it stands.
    Column("cleared_at", Instant),
    #: When each of the ways out was last told of it.
    Column("mailed_at", Instant),
    Column("posted_at", Instant),
)

#: Receiving domains that are spared, and how long.
throttles = Table(
    "throttles", metadata,
    Column("domain", String(255), primary_key=True),
    Column("stopped_until", Instant),
    #: Messages that it gets at once.
    Column("allowed", Integer, nullable=False),
    Column("reason", Text, nullable=False),
)
