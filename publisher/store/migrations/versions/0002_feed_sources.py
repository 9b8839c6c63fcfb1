"""Sources may be feeds: how each is asked next, and the documents that it holds now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("sources") as table:
        # A feed has a row from its first fetch on, also where that fails.
        table.alter_column("first_read_at", existing_type=INSTANT, nullable=True)
        for name in ("url", "etag", "last_modified", "reason"):
            table.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("digest", sa.String(length=64), nullable=False, server_default=""))
        for name in ("polled_at", "next_poll_at", "retry_at"):
            table.add_column(sa.Column(name, INSTANT, nullable=True))
        table.add_column(sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("gone", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_documents_source_present", "documents", ["source", "present"])
