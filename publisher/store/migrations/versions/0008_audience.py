"""Readers at their own hour: pauses, plain text, tags; links for what a forwarded digest must not allow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.add_column("subscribers", sa.Column("plain_text", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("subscribers", sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("subscribers", sa.Column("link_number", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("subscribers", sa.Column("link_asked_at", instant))
    op.add_column("subscribers", sa.Column("new_email", sa.Text(), nullable=False, server_default=""))
    op.add_column("subscriptions", sa.Column("paused_until", instant))
    op.add_column("notices", sa.Column("recipient", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_consents_action_at", "consents", ["action", "at"])
