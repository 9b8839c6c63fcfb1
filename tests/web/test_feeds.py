"""Feeds over HTTP: of a search, a reader's own, what is new since a version; and what is gone."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import feedparser
import httpx
import pytest
import zstandard

from publisher.audience import own_feed
from publisher.audience.optin import add
from publisher.config import Settings
from publisher.feeds.publish import publish
from publisher.feeds.search import Search
from publisher.model import Article, ArticleStatus
from publisher.settings import Feeds
from publisher.site.publish import publish as publish_pages
from publisher.store import articles
from publisher.store.engine import Store
from publisher.templating import Templates
from publisher.web.app import build_app
from publisher.web.deltas import Deltas
from publisher.web.face import Face
from publisher.web.feeds import AT_ONCE, Made, Wanted
from publisher.web.prepared import prepare
from publisher.web.server import listening
from tests.web.conftest import Running

NewArticle = Callable[..., Article]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def feeds(web: Running, new_article: NewArticle) -> Running:
    """Four articles in three sections, published."""
    for path in web.public.rglob("*.*"):
        if path.is_file():
            path.unlink()
    await go_live(
        web.store, new_article(1, section="Sea", tags=("Tide",)), new_article(2, section="Town", tags=("Market",)),
        new_article(3, section="Town", tags=("Tide",)), new_article(4, section="Sky", tags=(), status=ArticleStatus.UNLISTED),
    )
    await write(web)
    return web


async def go_live(store: Store, *new: Article) -> None:
    async with store.write() as tx:
        for article in new:
            await articles.insert(tx, article)
        await articles.publish_due(tx, NOW)


async def write(web: Running) -> None:
    await publish_pages(web.store, web.settings, Templates())
    await publish(web.store, web.settings)


async def set_status(web: Running, ident: str, status: ArticleStatus, ago: timedelta = timedelta(hours=2)) -> None:
    async with web.store.write() as tx:
        await articles.set_status(tx, ident, status, datetime.now(UTC) - ago)
    await write(web)


def titles(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [entry.title for entry in feedparser.parse(answer.content).entries]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sections=town", ["Story 3", "Story 2"]), ("tags=tide", ["Story 3", "Story 1"]),
        ("sections=sea&tags=market", ["Story 2", "Story 1"]), ("sections=sea,town", ["Story 3", "Story 2", "Story 1"]),
        ("sections=Town&format=rss", ["Story 3", "Story 2"]), ("sections=sky", []), ("sections=no-such", []),
    ],
)
async def test_a_search_takes_from_any_of_its_lists(feeds: Running, query: str, expected: list[str]) -> None:
    """Newest first; what is unlisted is found by nobody."""
    answer = await feeds.client.get(f"/feed?{query}")
    assert titles(answer) == expected
    assert answer.headers["content-type"] == ("application/rss+xml" if "rss" in query else "application/atom+xml")
    again = await feeds.client.get(f"/feed?{query}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_search_is_the_same_however_it_is_written(feeds: Running) -> None:
    """One id, one address, one entity tag; a new article shows at once."""
    one, other = await feeds.client.get("/feed?sections=town,sea"), await feeds.client.get("/feed?sections=Sea&sections=town,town")
    assert (one.content, one.headers["etag"]) == (other.content, other.headers["etag"])
    assert b'href="http://127.0.0.1:8000/feed?sections=sea,town"' in one.content
    async with feeds.store.write() as tx:
        found = await articles.get(tx, feedparser.parse(one.content).entries[0].id.removeprefix("urn:uuid:"))
        assert found is not None
        await articles.set_status(tx, found.id, ArticleStatus.WITHDRAWN, NOW)
    assert titles(await feeds.client.get("/feed?sections=town,sea")) == ["Story 2", "Story 1"]


async def test_what_left_a_search_leaves_a_reader_that_knows_dates_alone(feeds: Running) -> None:
    """What still stands there is older than what was taken out, so no date is given, and none is heard."""
    dates = {"If-Modified-Since": "Wed, 01 Jan 2031 00:00:00 GMT", "If-Unmodified-Since": "Wed, 01 Jan 2020 00:00:00 GMT"}
    answer = await feeds.client.get("/feed?sections=town", headers=dates)
    assert titles(answer) == ["Story 3", "Story 2"]
    assert "last-modified" not in answer.headers


@pytest.mark.parametrize("query", ["format=pdf&tags=a", "tags=" + ",".join(f"t{n}" for n in range(21))])
async def test_a_search_has_bounds(feeds: Running, query: str) -> None:
    """One line says which."""
    answer = await feeds.client.get(f"/feed?{query}")
    assert (answer.status_code, answer.text.count("\n")) == (400, 1)


async def test_a_search_that_many_ask_for_at_once_is_made_for_all_of_them(feeds: Running) -> None:
    """By those who have a turn at the same time, and by nobody behind them."""
    made, wanted = Made(), Wanted(Search(("town",)), "atom", "/feed?sections=town", "public")
    face = Face(feeds.store, feeds.settings, Templates(), feeds.keys, lambda: None)
    got = await asyncio.gather(*(made.get(face, wanted, "gzip") for _ in range(30)))
    assert len({id(each) for each in got}) <= AT_ONCE


async def test_a_search_for_nothing_is_the_sites_feed(feeds: Running) -> None:
    """There is one address for it."""
    answer = await feeds.client.get("/feed?format=json")
    assert (answer.status_code, answer.headers["location"]) == (301, "http://127.0.0.1:8000/feed.json")


async def test_a_reader_has_a_feed_of_the_own_preferences(feeds: Running) -> None:
    """Not for shared caches; asked for, renewed, ended."""
    _, reader = await add(feeds.store, feeds.settings, "a@example.org", newsletter="daily", sections=("town",), confirmed=True, now=NOW)
    token = await own_feed.address(feeds.store, feeds.keys, reader.subscriber.id)
    assert token == await own_feed.address(feeds.store, feeds.keys, reader.subscriber.id)
    answer = await feeds.client.get(f"/feed/{token}")
    assert titles(answer) == ["Story 3", "Story 2"]
    assert answer.headers["cache-control"].startswith("private")
    assert "example.org" not in answer.text
    assert titles(await feeds.client.get(f"/feed/{token}?format=rss")) == ["Story 3", "Story 2"]
    renewed = await own_feed.address(feeds.store, feeds.keys, reader.subscriber.id, renew=True)
    assert (await feeds.client.get(f"/feed/{token}")).status_code == 410
    assert titles(await feeds.client.get(f"/feed/{renewed}")) == ["Story 3", "Story 2"]
    assert await own_feed.end(feeds.store, reader.subscriber.id)
    assert (await feeds.client.get(f"/feed/{renewed}")).status_code == 410
    assert (await feeds.client.get("/feed/" + "A" * 20)).status_code == 404


async def test_readers_that_name_their_version_get_what_is_new(feeds: Running, new_article: NewArticle) -> None:
    """RFC 3229: 226 with the new entry alone, in the coding that is asked for; else all, or 304."""
    aim = {"A-IM": "feed", "Accept-Encoding": "gzip"}
    whole = await feeds.client.get("/atom.xml", headers={"Accept-Encoding": "gzip"})
    known = {**aim, "If-None-Match": whole.headers["etag"]}
    assert (await feeds.client.get("/atom.xml", headers=known)).status_code == 304
    await go_live(feeds.store, new_article(7, section="Town", tags=()))
    await write(feeds)
    part = await feeds.client.get("/atom.xml", headers=known)
    assert part.status_code == 226
    assert (part.headers["im"], part.headers["cache-control"]) == ("feed", "no-store, im")
    assert {"A-IM", "If-None-Match"} <= {name.strip() for name in part.headers["vary"].split(",")}
    parsed = feedparser.parse(part.content)
    assert not parsed.bozo
    assert [entry.title for entry in parsed.entries] == ["Story 7"]
    fresh = await feeds.client.get("/atom.xml", headers={"Accept-Encoding": "gzip"})
    assert fresh.headers["etag"] == part.headers["etag"]
    assert titles(fresh) == ["Story 7", "Story 3", "Story 2", "Story 1"]
    for headers in ({"If-None-Match": whole.headers["etag"]}, {**aim, "If-None-Match": '"unknown"'}, {**known, "A-IM": "feed;q=0"}, aim):
        assert (await feeds.client.get("/atom.xml", headers=headers)).status_code == 200
    head = await feeds.client.head("/rss.xml", headers=known)
    assert head.status_code == 200


def test_a_version_that_was_forgotten_meanwhile_means_all_of_it() -> None:
    """Others may be remembered between the question whether it is known and the answer."""
    content = b"<feed>\n<entry>a</entry>\n</feed>\n"
    whole = prepare(content, "identity", modified=None, cache="public", kind="application/atom+xml", more=[])
    assert Deltas().since("atom.xml", '"old"', whole, content, "identity", "application/atom+xml") is None


async def test_zstandard_is_served(feeds: Running) -> None:
    """With an entity tag of its own."""
    packed = await feeds.client.get("/rss.xml", headers={"Accept-Encoding": "zstd"})
    plain = await feeds.client.get("/rss.xml", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "zstd"
    assert packed.headers["etag"] != plain.headers["etag"]
    async with feeds.client.stream("GET", "/rss.xml", headers={"Accept-Encoding": "zstd"}) as raw:
        body = b"".join([part async for part in raw.aiter_raw()])
    assert zstandard.decompress(body) == plain.content
    assert len(gzip.compress(plain.content)) > 0


async def test_feeds_name_their_hub(feeds: Running) -> None:
    """In the `Link` header, with their own address; also those of a section."""
    answer = await feeds.client.get("/sections/town/rss.xml")
    assert answer.headers["link"] == (
        '<http://127.0.0.1:8000/hub>; rel="hub", <http://127.0.0.1:8000/sections/town/rss.xml>; rel="self"'
    )
    assert "link" not in (await feeds.client.get("/index.html")).headers


async def test_what_is_gone_answers_410(feeds: Running, new_article: NewArticle) -> None:
    """A withdrawn article, and the feeds of a list that has emptied; what never was answers 404."""
    await set_status(feeds, new_article(1).id, ArticleStatus.WITHDRAWN)
    for path in ("/articles/story-1", "/sections/sea/", "/sections/sea/rss.xml"):
        answer = await feeds.client.get(path)
        assert answer.status_code == 410, path
        assert "Story 1" not in answer.text
    for path in ("/articles/story-99", "/sections/none/", "/tags/none/rss.xml", "/archive/9/atom.xml"):
        assert (await feeds.client.get(path)).status_code == 404
    assert (await feeds.client.get("/articles/story-4")).status_code == 200
    await set_status(feeds, new_article(1).id, ArticleStatus.LIVE)
    assert (await feeds.client.get("/articles/story-1")).status_code == 200


async def test_a_list_that_has_just_emptied_may_fill_again(feeds: Running, new_article: NewArticle) -> None:
    """Whoever hears 410 never asks again: for an hour it is only not found."""
    await set_status(feeds, new_article(1).id, ArticleStatus.WITHDRAWN, timedelta(minutes=10))
    for path in ("/sections/sea/", "/sections/sea/rss.xml"):
        assert (await feeds.client.get(path)).status_code == 404
    assert (await feeds.client.get("/articles/story-1")).status_code == 410


async def test_the_next_archive_document_leads_to_the_feed(feeds: Running) -> None:
    """Until it is sealed."""
    answer = await feeds.client.get("/archive/1/atom.xml")
    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.1:8000/atom.xml")


async def test_moved_and_ended_feeds(store: Store, settings: Settings) -> None:
    """As configured: 301 to the new address, 410 for what has ended."""
    config = settings.model_copy(update={"feeds": Feeds(moved={"/feed.xml": "/rss.xml", "/podcast/rss": ""})})
    from publisher.crypto import Keys  # noqa: PLC0415 - of this test alone

    app = build_app(store, config, Templates(), Keys((b"k" * 32,)), ready=lambda: None)
    async with listening(app, "127.0.0.1", 0) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        answer = await client.get("/feed.xml")
        assert (answer.status_code, answer.headers["location"]) == (301, "http://127.0.0.1:8000/rss.xml")
        assert (await client.get("/podcast/rss")).status_code == 410


async def test_every_list_has_a_page_that_announces_its_feeds(feeds: Running) -> None:
    """Tags and authors as sections; the archive; OPML and sitemaps by their media types."""
    for path, title in (("/tags/tide/", "Tide"), ("/authors/ada-byrne/", "Ada Byrne"), ("/sections/town/", "Town")):
        page = (await feeds.client.get(path)).text
        assert f'<h1 class="title" dir="auto">{title}</h1>' in page
        for file in ("rss.xml", "atom.xml", "feed.json"):
            assert f'href="{path}{file}"' in page
    assert "Story 3" in (await feeds.client.get("/archive/")).text
    assert (await feeds.client.get("/feeds.opml")).headers["content-type"].startswith("text/x-opml")
    for path in ("/sitemap.xml", "/sitemaps/1.xml", "/news-sitemap.xml"):
        answer = await feeds.client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
        assert "story-4" not in answer.text
    assert "Sitemap: http://127.0.0.1:8000/sitemap.xml" in (await feeds.client.get("/robots.txt")).text
