"""Feeds of others that push: what was asked of their hubs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "pushes",
        sa.Column("id", KEY, primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("source", "hub", "topic")),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("pending", sa.String(length=12), nullable=False),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("next_ask_at", INSTANT, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.UniqueConstraint("source", "hub", "topic", name="uq_pushes_source_hub_topic"),
    )
