"""Old addresses over HTTP: a permanent redirect where nothing of ours stands, and nothing else ever."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from publisher.model import ArticleStatus
from publisher.store import articles, documents, redirects

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def moved(web: Any, new_article: Any, *paths: str, **fields: Any) -> str:
    """The id of a new live article that stood at these old addresses."""
    article = new_article(1, slug="old-tide", **fields)
    async with web.store.write() as tx:
        await articles.insert(tx, article)
        await redirects.put(tx, paths, article.id)
        await articles.publish_due(tx, NOW)
    return str(article.id)


async def test_old_address_leads_to_the_page(web: Any, new_article: Any) -> None:
    """With or without slash, whatever a newsletter added; HEAD too, and not a POST."""
    await moved(web, new_article, "/2020/05/tide", "/час", "/?p=7", "/blog?p=7")
    target = f"{web.settings.site.url}/articles/old-tide"
    for path in ("/2020/05/tide/", "/2020/05/tide", "/2020/05/tide?utm_source=x", "/%D1%87%D0%B0%D1%81/", "/?p=7",
                 "/?p=7&preview=true", "/blog/?p=7", "/2020/05/tide/?p=99"):
        answer = await web.client.get(path)
        assert (path, answer.status_code, answer.headers["location"]) == (path, 301, target)
    assert (await web.client.head("/2020/05/tide/")).status_code == 301
    assert (await web.client.post("/2020/05/tide/")).status_code == 404
    assert (await web.client.get("/2020/05/other/")).status_code == 404


async def test_what_is_ours_comes_first(web: Any, new_article: Any) -> None:
    """Files, pages and the home page; only an article's number is asked before them."""
    await moved(web, new_article, "/articles/tide", "/rss.xml", "/subscribe", "/healthz", "/?p=7")
    for path in ("/articles/tide", "/rss.xml", "/subscribe", "/healthz", "/", "/?p=8", "/?page=7", "/?xp=7"):
        assert (await web.client.get(path)).status_code == 200, path


FEEDS = {
    "/feed/": "rss.xml", "/feed": "rss.xml", "/feed/atom/": "atom.xml", "/feed/json": "feed.json", "/rss/": "rss.xml",
    "/index.xml": "rss.xml", "/?feed=rss2": "rss.xml", "/index.php?feed=atom": "atom.xml", "/wp-rss2.php": "rss.xml",
    "/category/sea/feed/": "sections/sea/rss.xml", "/tag/sea/rss/": "sections/sea/rss.xml",
    "/category/coast/sea/feed/atom": "sections/sea/atom.xml",
}  # fmt: skip


async def test_readers_of_the_old_sites_feed_go_on_with_ours(web: Any, new_article: Any) -> None:
    """After an import from a blog system, and not before; a section's where there is that section."""
    await moved(web, new_article, "/2020/05/tide", section="Sea")
    for path in FEEDS:
        answer = await web.client.get(path)
        # A search for nothing is a search for everything.
        assert answer.status_code in (200, 404) or (path, answer.headers["location"][-9:]) == ("/feed", "/atom.xml"), path
    async with web.store.write() as tx:
        await documents.mark_read(tx, "folder:in", NOW)
        await documents.mark_read(tx, "import:wordpress:old.example.org", NOW)
    for path, name in FEEDS.items():
        answer = await web.client.get(path)
        assert (path, answer.status_code, answer.headers.get("location")) == (path, 301, f"{web.settings.site.url}/{name}")
    for path in ("/category/land/feed/", "/comments/feed/", "/2020/05/tide/feed/", "/feed/x", "/?feed=comments"):
        assert (await web.client.get(path)).status_code in (200, 404), path
    assert (await web.client.get("/rss.xml")).status_code == 200


async def test_a_site_that_stood_below_a_path_had_its_feeds_there(web: Any) -> None:
    """As /blog/feed/; what stood beside it was none of that site's."""
    async with web.store.write() as tx:
        await documents.mark_read(tx, "import:ghost:old.example.org/blog", NOW)
    assert (await web.client.get("/blog/rss/")).headers["location"] == f"{web.settings.site.url}/rss.xml"
    for path in ("/rss/", "/blogs/rss/"):
        assert (await web.client.get(path)).status_code == 404


async def test_article_that_is_not_shown_is_not_found(web: Any, new_article: Any) -> None:
    """A draft or a withdrawn one answers like any address that leads nowhere, and comes back with the article."""
    article_id = await moved(web, new_article, "/2020/05/tide")
    for status, answer in ((ArticleStatus.WITHDRAWN, 404), (ArticleStatus.LIVE, 301), (ArticleStatus.DRAFT, 404)):
        async with web.store.write() as tx:
            await articles.set_status(tx, article_id, status, NOW)
        assert (await web.client.get("/2020/05/tide/")).status_code == answer


async def test_address_of_the_page_itself_is_no_circle(web: Any, new_article: Any) -> None:
    """Its page is not written yet; the old site had it at the very same address."""
    await moved(web, new_article, "/articles/old-tide")
    assert (await web.client.get("/articles/old-tide")).status_code == 404
    assert (await web.client.get("/articles/old-tide/")).status_code == 301


async def test_strange_requests_are_not_found(web: Any) -> None:
    """Never an error, and never a way to another host."""
    for path in ("//evil.example/%2e%2e", "/%00", "/%ff%fe", "/" + "a" * 3000, "/?p=" + "9" * 300, "/x?p=%zz", "/%5Cevil"):
        answer = await web.client.get(web.url + path)
        assert answer.status_code in (200, 404), path
        assert "location" not in answer.headers
