"""The way back: reports, what is held against addresses, letters for the editor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _bounces()
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "bounce_tallies",
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("hard_days", sa.Integer(), nullable=False),
        sa.Column("hard_first_at", instant),
        sa.Column("hard_last_at", instant),
        sa.Column("soft_sends", sa.Integer(), nullable=False),
        sa.Column("soft_first_at", instant),
        sa.Column("soft_last_at", instant),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("email_key", name=op.f("pk_bounce_tallies")),
    )
    op.create_table(
        "forwards",
        sa.Column("id", _key(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", instant),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("reply_text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forwards")),
        sa.UniqueConstraint("digest", name=op.f("uq_forwards_digest")),
    )
    op.create_index(op.f("ix_forwards_next_attempt_at"), "forwards", ["next_attempt_at"])
    ended = sa.text("state IN ('bounced', 'expired')")
    op.create_index("ix_attempts_refused", "attempts", ["finished_at"], sqlite_where=ended, postgresql_where=ended)


def _bounces() -> None:
    op.create_table(
        "bounces",
        sa.Column("id", _key(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("way", sa.String(length=8), nullable=False),
        sa.Column("class", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("reason", "rule", "evidence", "effect")),
        *(sa.Column(f"{name}_id", sa.BigInteger()) for name in ("subscriber", "subscription", "delivery", "edition")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounces")),
        sa.UniqueConstraint("digest", name=op.f("uq_bounces_digest")),
    )
    for name in ("subscriber_id", "delivery_id", "edition_id"):
        op.create_index(op.f(f"ix_bounces_{name}"), "bounces", [name])
    op.create_index("ix_bounces_class_at", "bounces", ["class", "at"])
    op.create_index("ix_bounces_way_at", "bounces", ["way", "at"])


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
