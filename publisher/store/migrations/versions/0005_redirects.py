"""Old addresses of imported articles lead to the new ones; pictures of other sites are copied once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "redirects",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("article_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_redirects")),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_redirects_article_id")),
    )
    op.create_index("ix_redirects_article_id", "redirects", ["article_id"])
    op.create_table(
        "picture_addresses",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("picture", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_picture_addresses")),
        sa.ForeignKeyConstraint(["picture"], ["pictures.name"], name=op.f("fk_picture_addresses_picture")),
    )
