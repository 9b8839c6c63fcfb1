"""Five feed readers that people use read every feed, and find the same in it: feedparser, reader, newsboat, sfeed, rss-parser."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sqlite3
import subprocess
from calendar import timegm
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import feedparser
import httpx
import pytest
import reader as reader_library

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.feeds.publish import publish
from publisher.model import Article, Enclosure
from publisher.settings import Feeds, Podcast, SectionFeed, Site, Web
from publisher.store import articles
from publisher.store.engine import Store
from publisher.templating import Templates
from publisher.web.app import build_app
from publisher.web.server import listening

NewArticle = Callable[..., Article]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FEEDS = ("rss.xml", "atom.xml", "sections/news/rss.xml", "tags/harbour/atom.xml", "authors/ada-byrne/rss.xml", "archive/1/atom.xml", "sections/talks/rss.xml")
#: What a reader tells of an entry: title, id, link, epoch seconds, first author, (address, type) of the enclosure.
Told = tuple[str, str, str, int, str, tuple[str, str] | None]

PARSE = """
const Parser = require('rss-parser'); const fs = require('fs');
new Parser().parseString(fs.readFileSync(process.argv[2], 'utf8')).then(feed => console.log(JSON.stringify(feed.items)));
"""


def told(article: Article, base: str) -> Told:
    files = [(one.url, one.type) for one in article.enclosures]
    return (
        article.title, f"urn:uuid:{article.id}", f"{base}/articles/{article.slug}", int(article.published_at.timestamp()),
        article.authors[0], files[0] if files else None,
    )


class Served:
    """A site that is served, and what stands in it."""

    def __init__(self, base: str, found: list[Article], public: Path) -> None:
        self.base, self.articles, self.public = base, found, public

    def expected(self, path: str) -> list[Told]:
        """Of the feed at this path, in any order."""
        data = (self.public / path).read_text()
        return sorted(told(one, self.base) for one in self.articles if one.id in data)


@pytest.fixture
async def site(store: Store, tmp_path: Path, new_article: NewArticle) -> AsyncIterator[Served]:
    """Articles with what readers stumble over."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    talks = SectionFeed(podcast=Podcast(image="https://x.example/cover.jpg", email="talks@example.org"))
    base = f"http://127.0.0.1:{port}"
    settings = Settings(root=tmp_path, site=Site(title="The Test Courier", url=base), feeds=Feeds(items=4, section={"talks": talks}), web=Web(port=port))
    audio = (Enclosure("https://x.example/talk.mp3", "audio/mpeg", 12345),)
    new = [
        new_article(1, title="AT&T and <b>friends</b>"), new_article(2, title="Größe & Maß: 5 < 6", authors=("Ada Byrne", "Bo Lind")),
        new_article(3, enclosures=audio), new_article(4, title="عنوان", language="ar", content_html="<p>]]></p>"),
        new_article(5, content_html="<p>a <script>alert(1)</script> b</p>", source_url="https://else.example/5"),
        new_article(6, section="Talks", enclosures=audio, image="https://x.example/a.jpg"),
    ]
    async with store.write() as tx:
        for article in new:
            await articles.insert(tx, article)
        await articles.publish_due(tx, NOW)
    await publish(store, settings)
    app = build_app(store, settings, Templates(), Keys((b"k" * 32,)), ready=lambda: None)
    async with listening(app, "127.0.0.1", port):
        yield Served(base, new, tmp_path / "var/public")


def entry_of(entry: Any) -> Told:
    """As feedparser gives it."""
    files = [(one.href, one.type) for one in entry.get("enclosures", ())]
    when = timegm(entry.published_parsed)
    return entry.title, entry.id, entry.link, when, entry.authors[0]["name"], files[0] if files else None


def check(site: Served, path: str, found: list[Told], *, enclosed: bool = True) -> None:
    """Of several authors these readers show one, and not all of them the first."""
    names = {f"urn:uuid:{one.id}": one.authors for one in site.articles}
    assert all(row[4] in names[row[1]] for row in found)
    expected = [row if enclosed else (*row[:5], None) for row in site.expected(path)]
    assert sorted((*row[:4], names[row[1]][0], row[5]) for row in found) == expected


@pytest.mark.parametrize("path", FEEDS)
async def test_feedparser(site: Served, path: str) -> None:
    """Without a complaint."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{site.base}/{path}")
    parsed = feedparser.parse(answer.content, response_headers=dict(answer.headers))
    assert not parsed.bozo
    assert sorted(map(entry_of, parsed.entries)) == site.expected(path)


@pytest.mark.parametrize("path", [*FEEDS, "feed.json"])
async def test_reader(site: Served, path: str) -> None:
    """The library `reader`, over HTTP."""

    def read() -> list[Told]:
        with reader_library.make_reader(":memory:") as library:
            library.add_feed(f"{site.base}/{path}")
            library.update_feeds()
            assert library.get_feed(f"{site.base}/{path}").last_exception is None
            return sorted(
                (
                    one.title or "", one.id, one.link or "", int(one.published.timestamp()) if one.published else 0,
                    (one.authors_str or "").split(",")[0], (one.enclosures[0].href, one.enclosures[0].type or "") if one.enclosures else None,
                )
                for one in library.get_entries()
            )

    check(site, path, await asyncio.to_thread(read))


@pytest.mark.parametrize("path", FEEDS)
async def test_newsboat(site: Served, path: str, tmp_path: Path) -> None:
    """As its cache has it after a reload."""
    if shutil.which("newsboat") is None:
        pytest.skip("newsboat is not installed")
    (tmp_path / "urls").write_text(f"{site.base}/{path}\n")
    (tmp_path / "config").write_text("")
    command = ["newsboat", "-u", tmp_path / "urls", "-c", tmp_path / "cache.db", "-C", tmp_path / "config", "-x", "reload"]
    environment = {**os.environ, "HOME": str(tmp_path), "http_proxy": "", "no_proxy": "*"}
    await asyncio.to_thread(partial(subprocess.run, command, check=True, env=environment, capture_output=True, timeout=60))
    with sqlite3.connect(tmp_path / "cache.db") as cache:
        rows = cache.execute("SELECT title, guid, url, pubDate, author, enclosure_url, enclosure_type FROM rss_item").fetchall()
    check(site, path, [(r[0], r[1], r[2], r[3], r[4].split(",")[0], (r[5], r[6]) if r[5] else None) for r in rows])


@pytest.mark.parametrize("path", FEEDS)
async def test_sfeed(site: Served, path: str) -> None:
    """As its lines have it."""
    if shutil.which("sfeed") is None:
        pytest.skip("sfeed is not installed")
    data = (site.public / path).read_bytes()
    told_by: bytes = await asyncio.to_thread(lambda: subprocess.check_output(["sfeed", site.base], input=data))
    rows = [line.split("\t") for line in told_by.decode().splitlines()]
    types = {one.url: one.type for article in site.articles for one in article.enclosures}
    check(site, path, [(r[1], r[5], r[2], int(r[0]), r[6], (r[7], types[r[7]]) if r[7] else None) for r in rows])


@pytest.fixture(scope="session")
def rss_parser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which rss-parser of npm is installed."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("npm")
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-progress", "rss-parser@3.13.0"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=180, check=False)
    if done.returncode:
        pytest.skip("npm cannot reach its registry")
    (folder / "parse.js").write_text(PARSE)
    return folder


@pytest.mark.parametrize("path", FEEDS)
def test_rss_parser(site: Served, path: str, rss_parser: Path) -> None:
    """The parser of many programs in JavaScript; it passes over enclosures of Atom."""
    command: list[str | Path] = ["node", rss_parser / "parse.js", site.public / path]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    found = [
        (
            row["title"], row.get("guid") or row["id"], row["link"],
            int(datetime.fromisoformat(row["isoDate"] if "rss" in path else row["pubDate"]).timestamp()),
            row.get("creator") or row["author"],
            (row["enclosure"]["url"], row["enclosure"]["type"]) if "enclosure" in row else None,
        )
        for row in rows
    ]
    check(site, path, found, enclosed="rss" in path)
