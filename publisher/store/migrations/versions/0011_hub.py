"""The WebSub hub: topics, subscriptions, requests; the hubs of others that are told of changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "hub_topics",
        sa.Column("feed", sa.Text(), primary_key=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("gone_since", INSTANT),
    )
    op.create_table(
        "hub_subscriptions",
        sa.Column("id", KEY, primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("feed", "topic", "callback", "host", "secret")),
        sa.Column("lease_until", INSTANT, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("number", "tried")),
        *(sa.Column(name, INSTANT) for name in ("tried_at", "retry_at", "failing_since")),
        sa.Column("slow", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.UniqueConstraint("feed", "callback", name="uq_hub_subscriptions_feed_callback"),
    )
    op.create_index("ix_hub_subscriptions_host", "hub_subscriptions", ["host"])
    op.create_index("ix_hub_subscriptions_lease_until", "hub_subscriptions", ["lease_until"])
    op.create_index("ix_hub_subscriptions_feed_number", "hub_subscriptions", ["feed", "number"])
    _requests()
    _pings()


def _requests() -> None:
    op.create_table(
        "hub_requests",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("mode", sa.String(length=12), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("feed", "topic", "callback", "host", "secret")),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        *(sa.Column(name, INSTANT) for name in ("next_try_at", "failed_at")),
    )
    op.create_index("ix_hub_requests_host", "hub_requests", ["host"])
    op.create_index("ix_hub_requests_next_try_at", "hub_requests", ["next_try_at"])
    op.create_index("ix_hub_requests_failed_at", "hub_requests", ["failed_at"])
    op.create_index("ix_hub_requests_feed_callback", "hub_requests", ["feed", "callback"])


def _pings() -> None:
    op.create_table(
        "hub_pings",
        sa.Column("hub", sa.Text(), primary_key=True),
        sa.Column("feed", sa.Text(), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", INSTANT, nullable=False),
    )
    op.create_table(
        "hub_peers",
        sa.Column("hub", sa.Text(), primary_key=True),
        sa.Column("noted_at", INSTANT, nullable=False),
        *(sa.Column(name, INSTANT) for name in ("failing_since", "retry_at")),
        sa.Column("reason", sa.Text(), nullable=False),
    )
