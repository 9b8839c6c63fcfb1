"""Notices beyond the confirmation: a copy of a digest, mail to an address that is not the reader's yet; mailboxes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscribers", sa.Column("mailbox", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_subscribers_mailbox", "subscribers", ["mailbox"])
    op.add_column("notices", sa.Column("recipient_key", sa.Text(), nullable=False, server_default=""))
    op.add_column("notices", sa.Column("variant_id", sa.BigInteger()))
