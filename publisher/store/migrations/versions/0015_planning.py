"""Editions know what was corrected, pauses end at a place in the order of articles, variants have a form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.add_column("subscriptions", sa.Column("corrections_from", instant))
    paused = sa.text("paused_until IS NOT NULL")
    op.create_index(
        "ix_subscriptions_paused_until", "subscriptions", ["paused_until"], sqlite_where=paused, postgresql_where=paused
    )
    op.add_column("variants", sa.Column("form", sa.String(length=10), nullable=False, server_default="full"))
    op.create_index(
        "ix_variants_stale", "variants", ["id"], sqlite_where=sa.text("stale = 1"), postgresql_where=sa.text("stale")
    )
    op.add_column(
        "variant_articles", sa.Column("correction", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    claimed = sa.text("claimed_at IS NOT NULL")
    op.create_index(
        "ix_deliveries_claimed", "deliveries", ["subscription_id", "to_seq"],
        sqlite_where=claimed, postgresql_where=claimed,
    )
    op.create_index("ix_article_versions_replaced_at", "article_versions", ["replaced_at"])
    _tides()


def _tides() -> None:
    op.create_table(
        "tides",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_tides_at", "tides", ["at", "seq"])
    counters, articles = sa.table("counters", sa.column("name"), sa.column("value")), sa.table(
        "articles", sa.column("changed_at", sa.DateTime(timezone=True))
    )
    # What is live by now went live before any pause that is known.
    last = sa.select(counters.c.value, sa.select(sa.func.min(articles.c.changed_at)).scalar_subquery())
    known = last.where(counters.c.name == "seq", counters.c.value > 0, sa.exists().select_from(articles))
    op.execute(sa.insert(sa.table("tides", sa.column("seq"), sa.column("at"))).from_select(["seq", "at"], known))
