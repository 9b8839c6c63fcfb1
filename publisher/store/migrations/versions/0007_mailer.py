"""The mailer: editions can be paused; what was learnt of receiving domains; alarms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("editions", sa.Column("state", sa.String(length=10), nullable=False, server_default="running"))
    op.create_table(
        "alarms",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True)),
        sa.Column("mailed_at", sa.DateTime(timezone=True)),
        sa.Column("posted_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("kind"),
    )
    op.drop_index("ix_subscriptions_state_next_due_at", "subscriptions")
    op.create_index("ix_subscriptions_state_next_due_at", "subscriptions", ["state", "next_due_at", "id"])
    unended = sa.text("finished_at IS NULL")
    op.create_index(
        "ix_deliveries_open", "deliveries", ["subscription_id"], sqlite_where=unended, postgresql_where=unended
    )
    op.create_table(
        "throttles",
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("stopped_until", sa.DateTime(timezone=True)),
        sa.Column("allowed", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("domain"),
    )
