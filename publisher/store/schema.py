"""The tables. Meanings stand here; `migrations/` brings a store to this shape, and a test holds both equal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: An integer key: 64 bits on PostgreSQL; on SQLite the row id, which is just as wide.
Key = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware datetime, in UTC both ways; a naive one is refused at the door."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: SQLite keeps no zone, so it gets UTC without one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime at the store's door: {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database."""
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


#: Numbers that are given out in commit order: "seq" (publication order), "change" (every change of an article).
counters = Table(
    "counters", metadata,
    Column("name", String(20), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

articles = Table(
    "articles", metadata,
    Column("id", String(36), primary_key=True),
    Column("seq", BigInteger, unique=True),
    Column("change", BigInteger, nullable=False, index=True),
    Column("slug", String(100), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("standfirst", Text, nullable=False),
    Column("section", Text, nullable=False),
    Column("section_slug", String(100), nullable=False),
    Column("authors", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("language", String(35), nullable=False),
    Column("content_html", Text, nullable=False),
    Column("content_text", Text, nullable=False),
    Column("image", Text, nullable=False),
    Column("caption", Text, nullable=False),
    Column("credit", Text, nullable=False),
    Column("source_url", Text, nullable=False),
    Column("enclosures", JSON, nullable=False),
    Column("related", JSON, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False, index=True),
    Column("content_hash", String(64), nullable=False),
    Column("backfill", Boolean, nullable=False),
    Column("status", String(12), nullable=False),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("canonical_url", Text, nullable=False),
    Column("title_key", Text, nullable=False),
    Index("ix_articles_status_published_at", "status", "published_at"),
    Index("ix_articles_status_seq", "status", "seq"),
    Index("ix_articles_section_slug_status_seq", "section_slug", "status", "seq"),
    Index("ix_articles_source_source_id", "source", "source_id"),
    Index("ix_articles_source_canonical_url", "source", "canonical_url"),
    Index("ix_articles_source_title_key", "source", "title_key"),
)

#: What an article said before each change, and in which section it stood.
article_versions = Table(
    "article_versions", metadata,
    Column("article_id", ForeignKey("articles.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("replaced_at", Instant, nullable=False),
    Column("section_slug", String(100), nullable=False),
    Column("content", JSON, nullable=False),
)

documents = Table(
    "documents", metadata,
    Column("source", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("state", String(10), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("article_id", ForeignKey("articles.id"), index=True),
    Column("seen_at", Instant, nullable=False),
    Column("present", Boolean, nullable=False),
    Index("ix_documents_source_digest", "source", "digest"),
)

#: When each source was first read to its end; before that its documents are its backfill.
sources = Table(
    "sources", metadata,
    Column("name", Text, primary_key=True),
    Column("first_read_at", Instant, nullable=False),
)

subscribers = Table(
    "subscribers", metadata,
    Column("id", Key, primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("language", String(35), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
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
    UniqueConstraint("subscriber_id", "newsletter"),
    Index("ix_subscriptions_state_next_due_at", "state", "next_due_at"),
    sqlite_autoincrement=True,  # ids stand in links, and must never come back for somebody else
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
)

suppressions = Table(
    "suppressions", metadata,
    Column("email_key", Text, primary_key=True),
    Column("reason", String(20), nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Instant, nullable=False),
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
    UniqueConstraint("issue_id", "kind", "cutoff"),
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
    UniqueConstraint("edition_id", "key", "revision"),
)

variant_articles = Table(
    "variant_articles", metadata,
    Column("variant_id", ForeignKey("variants.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("article_id", ForeignKey("articles.id"), nullable=False, index=True),
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
)

#: Transactional mail: a ledger of its own.
notices = Table(
    "notices", metadata,
    Column("id", Key, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("subscription_id", ForeignKey("subscriptions.id"), nullable=False, index=True),
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
)
