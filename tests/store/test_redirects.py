"""The contract of old addresses and copied pictures, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from publisher.model import Picture
from publisher.store import articles, picture_addresses, pictures, redirects

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_old_address_leads_to_its_article(scene: Any) -> None:
    """The last word counts, unless what stands is to be kept."""
    one, two = await scene.add(), await scene.add()
    async with scene.store.write() as tx:
        assert await redirects.find(tx, "/a") is None
        await redirects.put(tx, ["/a", "/?p=1"], one.id)
        await redirects.put(tx, ["/a", "/b"], two.id, keep=True)
        found = [await redirects.find(tx, path) for path in ("/a", "/?p=1", "/b")]
        assert [article.id for article in found if article] == [one.id, one.id, two.id]
        await redirects.put(tx, ["/a"], two.id)
        await redirects.put(tx, [], two.id)
        moved = await redirects.find(tx, "/a")
        assert moved is not None
        assert moved.id == two.id


async def test_merged_article_is_found_as_what_it_is_now(scene: Any) -> None:
    """At the end of the chain."""
    one, two, three = [await scene.add() for _ in range(3)]
    async with scene.store.write() as tx:
        await redirects.put(tx, ["/a"], one.id)
        await articles.set_merged_into(tx, one.id, two.id)
        await articles.set_merged_into(tx, two.id, three.id)
        found = await redirects.find(tx, "/a")
        assert found is not None
        assert found.id == three.id


async def test_all_old_addresses_come_in_their_order(scene: Any) -> None:
    """However many."""
    one = await scene.add()
    paths = [f"/{number:04d}" for number in range(1201)]
    async with scene.store.write() as tx:
        await redirects.put(tx, reversed(paths), one.id, keep=True)
    assert [path async for path, article in redirects.every(scene.store) if article.id == one.id] == paths


async def test_copied_picture_is_found_by_its_address(scene: Any) -> None:
    """With its size, and without its bytes."""
    picture = Picture("quay-1.png", "image/png", 40, 30, b"bytes")
    async with scene.store.write() as tx:
        await pictures.put(tx, picture)
        for _ in range(2):
            await picture_addresses.put(tx, "https://o.example/quay.png", picture.name)
        found = await picture_addresses.find(tx, [f"https://o.example/{n}" for n in range(1000)] + ["https://o.example/quay.png"])
        assert found == {"https://o.example/quay.png": picture_addresses.Copied("quay-1.png", 40, 30)}
        assert await picture_addresses.find(tx, []) == {}
