"""Articles, readers and editions to put into a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from publisher.model import Article, ArticleStatus, Enclosure, Frequency, Related
from publisher.outgoing import Claim, Delivery, DeliveryState, NewDelivery, NewVariant, Outcome, Reply
from publisher.store import articles, audience, editions
from publisher.store.engine import Store
from tests import ledger
from tests.ledger import list_deliveries

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _article(number: int) -> Article:
    """A scheduled article with something in every field."""
    return Article(
        id=str(UUID(int=number)), seq=None, slug=f"story-{number}", title=f"Story {number}", standfirst="In short.",
        section="World News", authors=("Ada Ash", "Bo Birk"), tags=("harbour",), language="en",
        content_html="<p>Text.</p>", content_text="Text.", image="https://example.org/a.jpg", caption="A quay.",
        credit="Ada Ash", source_url=f"https://example.org/{number}",
        enclosures=(Enclosure("https://example.org/a.mp3", "audio/mpeg", 5),), related=(Related("Another", ""),),
        published_at=NOW, updated_at=NOW, first_seen_at=NOW, changed_at=NOW, content_hash="0" * 64, backfill=False,
        status=ArticleStatus.SCHEDULED, source="folder:seeds",
    )


@dataclass
class Scene:
    """A store, and what a test needs to fill it."""

    store: Store
    numbers: count[int] = field(default_factory=lambda: count(1))

    async def add(self, **values: Any) -> Article:
        """A new article; `values` take the place of what it would say."""
        new = replace(_article(next(self.numbers)), **values)
        async with self.store.write() as tx:
            await articles.insert(tx, new, source_id=f"id-{new.slug}", canonical_url=f"u/{new.slug}", title_key="key")
        return new

    async def live(self, number: int = 1, **values: Any) -> list[Article]:
        """As many new articles, all live, in the order of their `seq`."""
        new = [await self.add(**values) for _ in range(number)]
        async with self.store.write() as tx:
            await articles.publish_due(tx, NOW)
            found = await articles.get_many(tx, [article.id for article in new])
        return sorted(found.values(), key=lambda article: article.seq or 0)

    async def reader(self, email: str, *, confirmed: bool = True, newsletter: str = "daily") -> int:
        """The id of a new subscription."""
        async with self.store.write() as tx:
            person, _ = await audience.add_subscriber(
                tx, email=email, email_key=email.lower(), name="", language="", timezone="UTC", now=NOW
            )
            subscription, _ = await audience.subscribe(
                tx, subscriber_id=person.id, newsletter=newsletter, frequency=Frequency.DAILY, weekday=0,
                local_time=time(7), sections=(),
            )
            await audience.new_generation(tx, subscription.id)
            if confirmed:
                await audience.confirm(tx, subscription.id, NOW, welcome=False)
        return subscription.id

    async def delivery(self, subscription: int, to_seq: int, period: str, **values: Any) -> NewDelivery:
        """A delivery of what comes up to `to_seq`, as the plan step would ask for it."""
        async with self.store.read() as tx:
            reader = await audience.reader(tx, subscription)
        assert reader is not None
        found = reader.subscription
        return replace(
            NewDelivery(
                subscription_id=found.id, subscriber_id=found.subscriber_id, period=period, from_seq=found.from_seq,
                to_seq=to_seq, message_id=f"<{period}.{found.id}@example.org>", next_due_at=NOW + timedelta(days=1),
                due_at=NOW, expect_from_seq=found.from_seq, expect_generation=found.generation,
            ),
            **values,
        )

    async def plan(
        self, *subscriptions: int, period: str = "D:2026-11-22", to_seq: int = 1, article_ids: Sequence[str] = ()
    ) -> int:
        """The number of deliveries that were planned for these subscriptions, all of one variant."""
        new = [await self.delivery(subscription, to_seq, period) for subscription in subscriptions]
        async with self.store.write() as tx:
            edition = await editions.edition(tx, "daily", date(2026, 11, 22), "scheduled", to_seq, NOW)
            variant = await editions.variant(
                tx, edition, NewVariant(period, "en", "Subject", "<p>Html</p>", "Text", tuple(article_ids))
            )
            return await editions.plan(tx, edition, variant, new, NOW)

    async def claim(self, want: int = 10, now: datetime = NOW) -> list[Claim]:
        """Committed claims, taken as the sender takes them."""
        return await ledger.claim(self.store, now, want)

    async def settle(self, claim: Claim, state: DeliveryState, next_attempt_at: datetime | None = None) -> None:
        """The claim's outcome."""
        reply = Reply(250 if state == DeliveryState.ACCEPTED else 451, "", "as the server said")
        await ledger.settle(self.store, NOW, [Outcome(claim, state, reply, NOW, NOW, next_attempt_at)])

    async def ledger(self) -> dict[str, Delivery]:
        """The deliveries by reader and period."""
        async with self.store.read() as tx:
            return {f"{found.email} {found.period}": found for found in await list_deliveries(tx)}

    async def states(self) -> list[DeliveryState]:
        """The states of all deliveries, the first planned first."""
        async with self.store.read() as tx:
            return [found.state for found in reversed(await list_deliveries(tx))]

    async def from_seq(self, subscription: int) -> int:
        """Where the subscription's next window opens."""
        async with self.store.read() as tx:
            reader = await audience.reader(tx, subscription)
        assert reader is not None
        return reader.subscription.from_seq


@pytest.fixture
def scene(any_store: Store) -> Scene:
    """An empty store on each database in turn."""
    return Scene(any_store)
