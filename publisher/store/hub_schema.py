"""The tables of the WebSub hub (`publisher.hub_state`). Meanings stand here, as in `schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from publisher.store.instant import Instant
from publisher.store.schema import Key, metadata

#: A change writes one row here, however many subscribe: who is behind shows by comparing numbers.
hub_topics = Table(
    "hub_topics", metadata,
    Column("feed", Text, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("gone_since", Instant),
)

#: Verified subscriptions.
hub_subscriptions = Table(
    "hub_subscriptions", metadata,
    Column("id", Key, primary_key=True),
    Column("feed", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("callback", Text, nullable=False),
    Column("host", Text, nullable=False, index=True),
    Column("secret", Text, nullable=False),
    Column("lease_until", Instant, nullable=False, index=True),
    #: Of the topic's content that it got last, or that was given up.
    Column("number", BigInteger, nullable=False),
    #: Of the content that was tried last, and when.
    Column("tried", BigInteger, nullable=False),
    Column("tried_at", Instant),
    #: It is behind, and tried again then; empty: at once.
    Column("retry_at", Instant),
    Column("failing_since", Instant),
    Column("slow", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("feed", "callback"),
    Index("ix_hub_subscriptions_feed_number", "feed", "number"),
)

#: Requests whose callbacks are to be asked, or told; those that failed stay for a while, so that they count.
hub_requests = Table(
    "hub_requests", metadata,
    Column("id", Key, primary_key=True),
    Column("mode", String(12), nullable=False),
    Column("feed", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("callback", Text, nullable=False),
    Column("host", Text, nullable=False, index=True),
    Column("secret", Text, nullable=False),
    #: Seconds.
    Column("lease", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    #: Empty: it failed.
    Column("next_try_at", Instant, index=True),
    Column("failed_at", Instant, index=True),
    Index("ix_hub_requests_feed_callback", "feed", "callback"),
)

#: Feeds of which the hubs of others are to be told.
hub_pings = Table(
    "hub_pings", metadata,
    Column("hub", Text, primary_key=True),
    Column("feed", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("noted_at", Instant, nullable=False),
)

#: The hubs of others, and how they took what they were told.
hub_peers = Table(
    "hub_peers", metadata,
    Column("hub", Text, primary_key=True),
    Column("noted_at", Instant, nullable=False),
    Column("failing_since", Instant),
    Column("retry_at", Instant),
    Column("reason", Text, nullable=False),
)
