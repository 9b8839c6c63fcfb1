"""Lists and the archive in the store, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from publisher.model import SITE_LISTING, Article, ArticleStatus, Listing, ListKind
from publisher.store import archive, articles, audience, listings, private_feeds
from publisher.store.engine import Store
from publisher.store.private_feeds import Standing

NewArticle = Callable[..., Article]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TAG = Listing(ListKind.TAG, "tide")


async def go_live(store: Store, *new: Article) -> None:
    async with store.write() as tx:
        for article in new:
            await articles.insert(tx, article)
        await articles.publish_due(tx, NOW)


async def test_lists_follow_their_articles(any_store: Store, new_article: NewArticle) -> None:
    """Names by the newest; what leaves is not shown, and is known to have stood there."""
    await go_live(
        any_store, new_article(1, tags=("Tide", "tide")), new_article(2, tags=("TIDE",), authors=()),
        new_article(3, tags=(), status=ArticleStatus.UNLISTED),
    )
    async with any_store.write() as tx:
        assert [place.seq for place in await listings.places(tx, TAG, 9)] == [2, 1]
        assert [one.seq for one in await listings.newest(tx, SITE_LISTING, 1)] == [2]
        assert await listings.known(tx, ListKind.TAG) == [("tide", "TIDE")]
        assert await listings.known(tx, ListKind.AUTHOR) == [("ada-byrne", "Ada Byrne")]
        second = await articles.get(tx, new_article(2).id)
        assert second is not None
        await articles.update(tx, replace(second, tags=("Other",)), NOW)
        assert await listings.name_of(tx, TAG) == "Tide"
        assert TAG in (await listings.touching(tx, [2]))[2]
        await articles.set_status(tx, new_article(1).id, ArticleStatus.WITHDRAWN, NOW)
        assert await listings.places(tx, TAG, 9) == []
        assert await listings.known(tx, ListKind.TAG) == [("other", "Other")]
        assert await listings.changed_at(tx, TAG) is not None
        assert await listings.changed_at(tx, Listing(ListKind.TAG, "none")) is None


async def test_backfill_stands_where_there_is_room(any_store: Store, new_article: NewArticle) -> None:
    """By seq, whatever came when."""
    await go_live(any_store, new_article(9))
    await go_live(any_store, *(new_article(n, backfill=True) for n in (1, 2, 3)))
    async with any_store.read() as tx:
        assert [place.seq for place in await listings.places(tx, SITE_LISTING, 3)] == [4, 3, 1]
        assert [one.seq for one in await listings.headlines(tx, 9)] == [1]
        assert [one.seq for one in await listings.headlines_between(tx, 1, 3)] == [3, 2]


async def test_what_is_sealed_stays_as_it_was(any_store: Store, new_article: NewArticle) -> None:
    """A correction is frozen out of it and issued again; a withdrawal takes the article out, and says so by its number."""
    await go_live(any_store, *(new_article(n) for n in (1, 2, 3)))
    async with any_store.write() as tx:
        assert await archive.ripe(tx, 2)
        await archive.seal(tx, 2)
        assert not await archive.ripe(tx, 2)
        since = await articles.max_change(tx)
        first = await articles.get(tx, new_article(1).id)
        assert first is not None
        await articles.update(tx, replace(first, title="New", updated_at=NOW + timedelta(hours=1)), NOW)
        assert await archive.document(tx, 1) == [await articles.get(tx, new_article(2).id), first]
        stands = await archive.issued(tx, 2)
        assert [place.seq for place in stands.places] == [1, 3, 2]
        assert stands.last_document == 1
        assert await archive.changed_documents(tx, since, await articles.max_change(tx)) == []
        await articles.set_status(tx, new_article(2).id, ArticleStatus.WITHDRAWN, NOW)
        assert [one.seq for one in await archive.document(tx, 1)] == [1]
        assert await archive.changed_documents(tx, since, await articles.max_change(tx)) == [1]
        assert [ident for ident, _ in (await archive.issued(tx, 2)).withdrawn] == [new_article(2).id]


async def test_a_feed_of_ones_own_stands_as_it_was_put(any_store: Store) -> None:
    """Nobody has one who did not ask."""
    async with any_store.write() as tx:
        person, _ = await audience.add_subscriber(
            tx, email="a@example.org", email_key="a@example.org", name="", language="", timezone="UTC", now=NOW
        )
        reader = person.id
        assert await private_feeds.standing(tx, reader) == Standing(0, open=False)
        await private_feeds.put(tx, reader, Standing(1, open=True))
        await private_feeds.put(tx, reader, Standing(2, open=True))
        assert await private_feeds.standing(tx, reader) == Standing(2, open=True)
        assert await private_feeds.wishes(tx, reader) == []
