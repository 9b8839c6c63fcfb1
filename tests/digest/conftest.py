"""Articles, readers and a clock for the tests of digests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any

import pytest

from publisher.config import Settings
from publisher.digest.plan import PlanReport, plan
from publisher.mail_settings import Mail
from publisher.model import Article, ArticleStatus, Frequency
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply
from publisher.settings import Newsletter, Site
from publisher.store import articles, audience, editions
from publisher.store.engine import Store
from publisher.templating import Templates
from tests import ledger

#: A Sunday in winter: London is on UTC.
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def article(number: int, **values: Any) -> Article:
    """A live article; `values` take the place of what it would say."""
    plain = Article(
        id=f"00000000-0000-0000-0000-{number:012d}", seq=number, slug=f"story-{number}", title=f"Story number {number}",
        standfirst=f"What happened in story {number}.", section="News", authors=("Anna Petrenko",), tags=(),
        language="en", content_html="<p>Text.</p>", content_text=f"Text of story {number}. It goes on for a while.",
        image="", caption="", credit="", source_url="", enclosures=(), related=(), published_at=NOW, updated_at=NOW,
        first_seen_at=NOW, changed_at=NOW, content_hash=f"hash-{number}", backfill=False, status=ArticleStatus.LIVE,
        source="folder:seeds",
    )
    return replace(plain, **values)


@pytest.fixture
def make_article() -> Callable[..., Article]:
    """Makes live articles."""
    return article


@dataclass
class World:
    """A store with a clock that the test moves, and the plan step around it."""

    store: Store
    settings: Settings
    templates: Templates
    now: datetime = NOW
    numbers: count[int] = field(default_factory=lambda: count(1))

    async def publish(self, title: str = "", **values: Any) -> Article:
        """An article that goes live now."""
        number = next(self.numbers)
        new = article(
            number, seq=None, status=ArticleStatus.SCHEDULED, published_at=self.now, changed_at=self.now,
            **({"title": title} if title else {}) | values,
        )
        async with self.store.write() as tx:
            await articles.insert(tx, new)
            await articles.publish_due(tx, self.now)
            found = await articles.get(tx, new.id)
        assert found is not None
        return found

    async def subscribe(
        self, email: str = "reader@example.org", *, frequency: Frequency = Frequency.DAILY, at: str = "07:00",
        zone: str = "Europe/London", sections: tuple[str, ...] = (), newsletter: str = "daily", weekday: int = 0,
        welcome: bool = False,
    ) -> int:
        """A confirmed reader; the id of the subscription."""
        async with self.store.write() as tx:
            person, _ = await audience.add_subscriber(
                tx, email=email, email_key=email, name="", language="", timezone=zone, now=self.now
            )
            subscription, _ = await audience.subscribe(
                tx, subscriber_id=person.id, newsletter=newsletter, frequency=frequency, weekday=weekday,
                local_time=time.fromisoformat(at), sections=sections,
            )
            await audience.new_generation(tx, subscription.id)
            assert await audience.confirm(tx, subscription.id, self.now, welcome=welcome)
        return subscription.id

    async def plan(self, manual: str = "", newsletter: str = "") -> PlanReport:
        """Runs the plan step now."""
        return await plan(
            self.store, self.settings, self.templates, now=self.now, manual=manual, newsletter=newsletter
        )

    async def claim(self) -> list[Claim]:
        """Claims everything that may be sent now."""
        return await ledger.claim(self.store, self.now, 10_000)

    async def settle(self, claims: list[Claim], state: DeliveryState, wait: timedelta | None = None) -> None:
        """Gives all of them the same outcome."""
        reply = Reply(250 if state == DeliveryState.ACCEPTED else 451, "", "")
        at = None if wait is None else self.now + wait
        outcomes = [Outcome(claim, state, reply, self.now, self.now, at) for claim in claims]
        await ledger.settle(self.store, self.now, outcomes)

    async def send(self) -> list[Claim]:
        """Claims everything and has it accepted."""
        claims = await self.claim()
        await self.settle(claims, DeliveryState.ACCEPTED)
        return claims

    async def stories(self, claims: list[Claim]) -> list[tuple[str, list[str]]]:
        """(address, titles of the stories from the newest on) of each claim."""
        found = []
        async with self.store.read() as tx:
            for claim in claims:
                assert claim.variant_id is not None
                variant = await editions.get_variant(tx, claim.variant_id)
                assert variant is not None
                held = await articles.get_many(tx, variant.article_ids)
                found.append((claim.email, [held[id_].title for id_ in variant.article_ids]))
        return found


@pytest.fixture
def settings() -> Settings:
    """A configuration with one newsletter, and no wait for articles to settle."""
    return settings_with()


def settings_with(*newsletters: Newsletter, **mail: Any) -> Settings:
    """A configuration with these newsletters (else one, "daily") and mail settings."""
    default = Newsletter(name="daily", title="The Daily Courier", frequencies=tuple(Frequency))
    return Settings(
        site=Site(
            title="The Example Courier", url="https://news.example.org", timezone="Europe/London",
            postal_address="12 Harbour Street\nMillport KA28 0AS",
        ),
        newsletter=newsletters or (default,),
        mail=Mail(sender="The Courier <digest@example.org>", **{"settle_mail": timedelta(), **mail}),
    )


@pytest.fixture
def make_settings() -> Callable[..., Settings]:
    """Makes configurations: `make_settings(newsletter, ..., settle_mail=...)`."""
    return settings_with


@pytest.fixture
def make_world(store: Store) -> Callable[..., World]:
    """Makes a world from a configuration."""
    return lambda settings: World(store, settings, Templates())


@pytest.fixture
def world_type() -> type[World]:
    """For tests that open stores of their own."""
    return World


@pytest.fixture
def world(make_world: Callable[..., World], settings: Settings) -> World:
    """A world with the usual configuration."""
    return make_world(settings)
