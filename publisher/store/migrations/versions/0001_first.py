"""The first shape of the store."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for table in (
        _articles, _attempts, _counters, _issues, _sources, _subscribers, _suppressions, _article_versions, _documents,
        _editions, _subscriptions, _consents, _notices, _variants, _deliveries, _variant_articles,
    ):  # in an order in which each finds those that it points to
        table()
    op.execute("INSERT INTO counters (name, value) VALUES ('seq', 0), ('change', 0)")


def _all(kind: Any, *names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=nullable) for name in names]


def _reply() -> list[sa.Column[Any]]:
    return [
        sa.Column("reply_code", sa.Integer(), nullable=False),
        sa.Column("reply_enhanced", sa.String(length=12), nullable=False),
        *_all(sa.Text(), "reply_text"),
    ]


def _sending() -> list[sa.Column[Any]]:
    return [
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        *_all(INSTANT, "next_attempt_at", "claimed_at", "finished_at", nullable=True),
        *_reply(),
        *_all(sa.Text(), "message_id"),
        *_all(INSTANT, "created_at"),
    ]


def _articles() -> None:
    op.create_table(
        "articles",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.String(length=100), nullable=False),
        *_all(sa.Text(), "title", "standfirst", "section"),
        sa.Column("section_slug", sa.String(length=100), nullable=False),
        *_all(sa.JSON(), "authors", "tags"),
        sa.Column("language", sa.String(length=35), nullable=False),
        *_all(sa.Text(), "content_html", "content_text", "image", "caption", "credit", "source_url"),
        *_all(sa.JSON(), "enclosures", "related"),
        *_all(INSTANT, "published_at", "updated_at", "first_seen_at", "changed_at"),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("backfill", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        *_all(sa.Text(), "source", "source_id", "canonical_url", "title_key"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
        sa.UniqueConstraint("seq", name=op.f("uq_articles_seq")),
        sa.UniqueConstraint("slug", name=op.f("uq_articles_slug")),
    )
    op.create_index(op.f("ix_articles_change"), "articles", ["change"], unique=False)
    op.create_index(op.f("ix_articles_changed_at"), "articles", ["changed_at"], unique=False)
    op.create_index(
        "ix_articles_section_slug_status_seq", "articles", ["section_slug", "status", "seq"], unique=False
    )
    op.create_index("ix_articles_source_canonical_url", "articles", ["source", "canonical_url"], unique=False)
    op.create_index("ix_articles_source_source_id", "articles", ["source", "source_id"], unique=False)
    op.create_index("ix_articles_source_title_key", "articles", ["source", "title_key"], unique=False)
    op.create_index("ix_articles_status_published_at", "articles", ["status", "published_at"], unique=False)
    op.create_index("ix_articles_status_seq", "articles", ["status", "seq"], unique=False)


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("ref_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        *_all(INSTANT, "started_at", "finished_at"),
        sa.Column("state", sa.String(length=10), nullable=False),
        *_reply(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_kind_ref_id", "attempts", ["kind", "ref_id"], unique=False)


def _counters() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )


def _issues() -> None:
    op.create_table(
        "issues",
        sa.Column("id", KEY, nullable=False),
        sa.Column("newsletter", sa.String(length=40), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issues")),
        sa.UniqueConstraint("newsletter", "date", name=op.f("uq_issues_newsletter_date")),
    )


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_read_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sources")),
    )


def _subscribers() -> None:
    op.create_table(
        "subscribers",
        sa.Column("id", KEY, nullable=False),
        *_all(sa.Text(), "email", "email_key", "name"),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscribers")),
        sa.UniqueConstraint("email_key", name=op.f("uq_subscribers_email_key")),
        sqlite_autoincrement=True,
    )


def _suppressions() -> None:
    op.create_table(
        "suppressions",
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("email_key", name=op.f("pk_suppressions")),
    )


def _article_versions() -> None:
    op.create_table(
        "article_versions",
        sa.Column("article_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("replaced_at", INSTANT, nullable=False),
        sa.Column("section_slug", sa.String(length=100), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_article_versions_article_id")),
        sa.PrimaryKeyConstraint("article_id", "version", name=op.f("pk_article_versions")),
    )


def _documents() -> None:
    op.create_table(
        "documents",
        *_all(sa.Text(), "source", "path"),
        sa.Column("digest", sa.String(length=64), nullable=False),
        *_all(sa.BigInteger(), "size", "mtime_ns"),
        sa.Column("state", sa.String(length=10), nullable=False),
        *_all(sa.Text(), "reason", "remedy"),
        sa.Column("article_id", sa.String(length=36), nullable=True),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_documents_article_id")),
        sa.PrimaryKeyConstraint("source", "path", name=op.f("pk_documents")),
    )
    op.create_index(op.f("ix_documents_article_id"), "documents", ["article_id"], unique=False)
    op.create_index("ix_documents_source_digest", "documents", ["source", "digest"], unique=False)
    op.create_index(op.f("ix_documents_state"), "documents", ["state"], unique=False)


def _editions() -> None:
    op.create_table(
        "editions",
        *_all(KEY, "id", "issue_id"),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("cutoff", sa.BigInteger(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_editions_issue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_editions")),
        sa.UniqueConstraint("issue_id", "kind", "cutoff", name=op.f("uq_editions_issue_id_kind_cutoff")),
    )


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        *_all(KEY, "id", "subscriber_id"),
        sa.Column("newsletter", sa.String(length=40), nullable=False),
        sa.Column("frequency", sa.String(length=10), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("local_time", sa.String(length=5), nullable=False),
        sa.Column("sections", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        *_all(INSTANT, "next_due_at", "last_due_at", "confirmed_at", nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("welcome_after", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name=op.f("fk_subscriptions_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("subscriber_id", "newsletter", name=op.f("uq_subscriptions_subscriber_id_newsletter")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_subscriptions_state_next_due_at", "subscriptions", ["state", "next_due_at"], unique=False)


def _consents() -> None:
    op.create_table(
        "consents",
        *_all(KEY, "id", "subscription_id"),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        *_all(sa.Text(), "origin", "wording"),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_consents_subscription_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_subscription_id"), "consents", ["subscription_id"], unique=False)


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subscription_id", KEY, nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        *_sending(),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_notices_subscription_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("message_id", name=op.f("uq_notices_message_id")),
    )
    op.create_index("ix_notices_state_next_attempt_at", "notices", ["state", "next_attempt_at"], unique=False)
    op.create_index(op.f("ix_notices_subscription_id"), "notices", ["subscription_id"], unique=False)


def _variants() -> None:
    op.create_table(
        "variants",
        *_all(KEY, "id", "edition_id"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        *_all(sa.Text(), "subject", "html", "text"),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_variants_edition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variants")),
        sa.UniqueConstraint("edition_id", "key", "revision", name=op.f("uq_variants_edition_id_key_revision")),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        *_all(KEY, "id", "edition_id", "subscription_id", "variant_id"),
        sa.Column("period", sa.String(length=60), nullable=False),
        *_all(sa.BigInteger(), "from_seq", "to_seq"),
        *_sending(),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_deliveries_edition_id")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_deliveries_subscription_id")),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_deliveries_variant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("message_id", name=op.f("uq_deliveries_message_id")),
        sa.UniqueConstraint("subscription_id", "period", name=op.f("uq_deliveries_subscription_id_period")),
    )
    op.create_index(op.f("ix_deliveries_edition_id"), "deliveries", ["edition_id"], unique=False)
    op.create_index("ix_deliveries_state_next_attempt_at", "deliveries", ["state", "next_attempt_at"], unique=False)
    op.create_index(op.f("ix_deliveries_variant_id"), "deliveries", ["variant_id"], unique=False)


def _variant_articles() -> None:
    op.create_table(
        "variant_articles",
        sa.Column("variant_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_variant_articles_article_id")),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_variant_articles_variant_id")),
        sa.PrimaryKeyConstraint("variant_id", "position", name=op.f("pk_variant_articles")),
    )
    op.create_index(op.f("ix_variant_articles_article_id"), "variant_articles", ["article_id"], unique=False)
