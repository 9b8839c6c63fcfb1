"""Lists of sections, tags and authors; the archive of feeds. What is live already is listed and issued."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from publisher.store import listings

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BATCH = 1000


def upgrade() -> None:
    op.create_index("ix_articles_status_change", "articles", ["status", "change"])
    op.create_table(
        "listings",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("slug", sa.String(length=100), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("backfill", sa.Boolean(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("seq", "kind", "slug", name=op.f("pk_listings")),
    )
    op.create_index(
        "ix_listings_kind_slug_shown_backfill_seq", "listings", ["kind", "slug", "shown", "backfill", "seq"]
    )
    op.create_table(
        "archive_entries",
        sa.Column("number", KEY, nullable=False),
        sa.Column("article_id", sa.String(length=36), nullable=False),
        sa.Column("backfill", sa.Boolean(), nullable=False),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.Column("document", sa.BigInteger(), nullable=True),
        sa.Column("frozen", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_archive_entries")),
    )
    op.create_index("ix_archive_entries_article_id", "archive_entries", ["article_id"])
    op.create_index(
        "ix_archive_entries_document_backfill_number", "archive_entries", ["document", "backfill", "number"]
    )
    op.create_table(
        "archive_documents",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_archive_documents")),
    )
    op.create_index("ix_archive_documents_change", "archive_documents", ["change"])
    _private_feeds()
    _fill(op.get_bind())


def _private_feeds() -> None:
    op.create_table(
        "private_feeds",
        sa.Column("subscriber_id", KEY, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", name=op.f("pk_private_feeds")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_private_feeds_subscriber_id"), ondelete="CASCADE"
        ),
    )


def _fill(bind: sa.Connection) -> None:
    """Rows of the articles that have gone live, in their order."""
    articles = sa.table(
        "articles", *(sa.column(name) for name in ("id", "seq", "section", "status", "backfill")),
        sa.column("authors", sa.JSON()), sa.column("tags", sa.JSON()),
    )
    names = ("seq", "kind", "slug", "name", "backfill", "shown")
    into = sa.table("listings", *(sa.column(name) for name in names))
    entries = sa.table("archive_entries", *(sa.column(name) for name in ("article_id", "backfill", "again")))
    last = 0
    while True:
        query = sa.select(articles).where(articles.c.seq > last).order_by(articles.c.seq).limit(_BATCH)
        rows: list[Any] = list(bind.execute(query))
        if not rows:
            return
        last = rows[-1].seq
        found = [row for article in rows for row in listings.rows(
            article.seq, article.section, article.tags, article.authors, backfill=bool(article.backfill),
            live=article.status == "live",
        )]
        bind.execute(sa.insert(into), found)
        bind.execute(sa.insert(entries), [
            {"article_id": row.id, "backfill": bool(row.backfill), "again": False} for row in rows
        ])
