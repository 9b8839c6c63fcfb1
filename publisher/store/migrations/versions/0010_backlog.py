"""Articles without sketches, from before there were any; what is remembered from one run to the next."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

#: EXCEPT, as PostgreSQL looks NOT IN up row by row where the list is longer than its working memory.
_UNSKETCHED = "SELECT id FROM articles EXCEPT SELECT article_id FROM sketches"


def upgrade() -> None:
    op.create_table(
        "unsketched",
        sa.Column("article_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_unsketched")),
    )
    op.execute(f"INSERT INTO unsketched (article_id) {_UNSKETCHED}")
    op.create_table(
        "notes",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_notes")),
    )
