"""Pictures in the store, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from publisher.model import Article, ArticleStatus, Picture
from publisher.store import articles, pictures
from publisher.store.engine import Store
from publisher.store.pictures import Origin, Size

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BOAT = Picture("boat-0123456789ab.jpg", "image/jpeg", 640, 480, bytes(range(256)) * 40)


async def test_picture_comes_back_as_it_was_put(any_store: Store) -> None:
    """Put twice it is there once; what has its name is it."""
    async with any_store.write() as tx:
        await pictures.put(tx, BOAT)
        await pictures.put(tx, BOAT)
        await pictures.put(tx, replace(BOAT, width=1))
    async with any_store.read() as tx:
        assert await pictures.get(tx, BOAT.name) == BOAT
        assert await pictures.get(tx, "other-0123456789ab.jpg") is None
        assert await pictures.sizes(tx, [BOAT.name, "other"]) == {BOAT.name: Size(640, 480, 10_240)}
        assert await pictures.sizes(tx, []) == {}


async def test_origins_are_those_of_the_last_reading(any_store: Store) -> None:
    """By source and document; a file that is named twice counts once."""
    one, other, gone = Origin("a.jpg", 7, 2**60), Origin("b.jpg", 2**40, 1), Origin("c.jpg")
    async with any_store.write() as tx:
        await pictures.set_origins(tx, "folder:in", "a.md", [one, gone, one])
        await pictures.set_origins(tx, "folder:in", "b.md", [one])
        await pictures.set_origins(tx, "folder:out", "a.md", [gone])
        await pictures.set_origins(tx, "folder:in", "a.md", [other, one])
        await pictures.set_origins(tx, "folder:in", "b.md", [])
    async with any_store.read() as tx:
        found = await pictures.origins(tx, "folder:in")
        assert {path: sorted(rows, key=lambda row: row.picture) for path, rows in found.items()} == {"a.md": [one, other]}
        assert await pictures.origins(tx, "folder:none") == {}


async def test_picture_is_shown_as_long_as_an_article_with_a_page_has_it(
    any_store: Store, new_article: Callable[..., Article]
) -> None:
    """As its lead or in its text; a draft and a withdrawn article show nothing."""
    lead = new_article(1, image=f"https://news.example/images/{BOAT.name}")
    within = new_article(2, content_html=f'<p><img src="https://news.example/images/{BOAT.name}"></p>')
    draft = new_article(3, status=ArticleStatus.DRAFT, image=f"https://news.example/images/{BOAT.name}")
    async with any_store.write() as tx:
        for article in (lead, within, draft):
            await articles.insert(tx, article)
        await articles.publish_due(tx, NOW)
    for article, shown in ((draft, True), (lead, True), (within, False)):
        async with any_store.write() as tx:
            await articles.set_status(tx, article.id, ArticleStatus.WITHDRAWN, NOW)
            assert await pictures.is_shown(tx, BOAT.name) is shown
            assert not await pictures.is_shown(tx, "b%-0123456789ab.jpg")
