"""Versions know what kind of change replaced them; articles are found by their wording, merged and split."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "article_versions", sa.Column("change", sa.String(length=12), nullable=False, server_default="correction")
    )
    op.add_column("articles", sa.Column("merged_into", sa.String(length=36), nullable=True))
    op.add_column("documents", sa.Column("archived", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("documents", sa.Column("withdrawn_from", sa.String(length=12), nullable=False, server_default=""))
    for key in ("source_id", "canonical_url", "title_key"):  # of many with one key, only the newest are read
        op.create_index(f"ix_articles_source_{key}_first_seen_at", "articles", ["source", key, "first_seen_at"])
        op.drop_index(f"ix_articles_source_{key}", "articles")
    op.create_table(
        "sketches",
        sa.Column("hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("added", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("article_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("hash", "added", "article_id", name=op.f("pk_sketches")),
        sqlite_with_rowid=False,
    )
    _alike()
    _joins()


def _alike() -> None:
    op.create_table(
        "alike",
        sa.Column("article_id", sa.String(length=36), nullable=False),
        sa.Column("other_id", sa.String(length=36), nullable=False),
        sa.Column("found_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("article_id", "other_id", name=op.f("pk_alike")),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_alike_article_id")),
        sa.ForeignKeyConstraint(["other_id"], ["articles.id"], name=op.f("fk_alike_other_id")),
    )


def _joins() -> None:
    op.create_table(
        "joins",
        sa.Column("id", KEY, nullable=False),
        sa.Column("article_id", sa.String(length=36), nullable=False),
        sa.Column("rule", sa.String(length=20), nullable=False),
        sa.Column("documents", sa.JSON(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("merged_id", sa.String(length=36), nullable=True),
        sa.Column("merged_status", sa.String(length=12), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joins")),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_joins_article_id")),
    )
    op.create_index("ix_joins_article_id", "joins", ["article_id"])
