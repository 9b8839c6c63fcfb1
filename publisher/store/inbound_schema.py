"""The tables of the way back. Meanings stand here, as in `schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from publisher.store.instant import Instant
from publisher.store.schema import Key, metadata

#: Every report that came in, or that a receiving server gave at its door, with what was made of it.
bounces = Table(
    "bounces", metadata,
    Column("id", Key, primary_key=True),
    #: SHA-256 in hex: the same report is recorded once.
    Column("digest", String(64), nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    #: "smtp", "lmtp", "imap" or "maildir".
    Column("way", String(8), nullable=False),
    #: `publisher.incoming.ReportClass`, `ReportKind`.
    Column("class", String(12), nullable=False),
    Column("kind", String(12), nullable=False),
    #: As the report gives it; or the reader's.
    Column("address", Text, nullable=False),
    #: The receiving domain, in A-labels and lower case.
    Column("domain", String(255), nullable=False),
    Column("code", String(12), nullable=False),
    Column("reason", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    #: What became of it, in plain words.
    Column("effect", Text, nullable=False),
    #: Whom it is proven to be about; NULL: nobody. No foreign keys: it is kept when they are gone.
    Column("subscriber_id", BigInteger, index=True),
    Column("subscription_id", BigInteger),
    Column("delivery_id", BigInteger, index=True),
    Column("edition_id", BigInteger, index=True),
    Index("ix_bounces_class_at", "class", "at"),
    Index("ix_bounces_way_at", "way", "at"),
)

#: What is held against an address since mail last got through to it (`publisher.incoming.Tally`).
bounce_tallies = Table(
    "bounce_tallies", metadata,
    Column("email_key", Text, primary_key=True),
    Column("hard_days", Integer, nullable=False),
    Column("hard_first_at", Instant),
    Column("hard_last_at", Instant),
    Column("soft_sends", Integer, nullable=False),
    Column("soft_first_at", Instant),
    Column("soft_last_at", Instant),
    Column("delivery_id", BigInteger, nullable=False),
)

#: Letters on their way to the editor.
forwards = Table(
    "forwards", metadata,
    Column("id", Key, primary_key=True),
    #: SHA-256 in hex, as in `bounces`.
    Column("digest", String(64), nullable=False, unique=True),
    #: These three are empty once it is with the editor; the content is as it came.
    Column("sender", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    #: NULL: it is with the editor.
    Column("next_attempt_at", Instant, index=True),
    Column("created_at", Instant, nullable=False),
    Column("reply_text", Text, nullable=False),
)
