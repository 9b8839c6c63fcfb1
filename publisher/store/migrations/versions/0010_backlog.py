"""Articles without sketches, from before there were any; what is remembered from one run to the next."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unsketched",
        sa.Column("article_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_unsketched")),
    )
    op.execute(
        "INSERT INTO unsketched (article_id) "
        "SELECT id FROM articles WHERE id NOT IN (SELECT article_id FROM sketches)"
    )
    op.create_table(
        "notes",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_notes")),
    )
