"""Every file that publishing writes, held against the rules of the W3C feed validator, RFC 4287, OPML and sitemaps.

The checks are our own; each is shown to fail on a document made up for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from lxml import etree

from publisher.config import Settings
from publisher.feeds.publish import publish
from publisher.model import Article, ArticleStatus, Enclosure
from publisher.settings import Feeds, Podcast, SectionFeed, Site
from publisher.store import articles
from publisher.store.engine import Store
from tests.feeds.test_formats import HOSTILE

NewArticle = Callable[..., Article]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ATOM, XML = "{http://www.w3.org/2005/Atom}", "{http://www.w3.org/XML/1998/namespace}"
CONTENT, ITUNES = "{http://purl.org/rss/1.0/modules/content/}", "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")
_RELATIONS = {"self", "alternate", "hub", "via", "enclosure", "prev-archive", "next-archive", "current"}
_ONCE = ("id", "title", "updated", "published", "content", "summary", "rights", "subtitle", "generator", "logo", "icon")


def absolute(url: str | None) -> bool:
    parts = urlsplit(url or "")
    return parts.scheme in ("http", "https") and bool(parts.netloc) and bool(re.fullmatch(r"[!-~]+", url or ""))


class Markup(HTMLParser):
    """What a validator dislikes in the HTML of an entry."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "iframe", "object", "embed", "meta", "link", "form", "base"):
            self.faults.append(f"contains {tag}")
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.faults.append(f"contains {name}")
            if name in ("href", "src") and not (absolute(value) or (value or "").startswith("mailto:")):
                self.faults.append(f"relative {name}: {value!r}")


def of_markup(content: str | None) -> Iterator[str]:
    parser = Markup()
    parser.feed(content or "")
    yield from parser.faults


def of_atom(data: bytes) -> Iterator[str]:
    """RFC 4287, and the validator's warnings."""
    root = etree.fromstring(data, etree.XMLParser(huge_tree=True))
    entries = root.findall(f"{ATOM}entry")
    for parent in (root, *entries):
        for name in ("id", "title", "updated"):
            if not (parent.findtext(f"{ATOM}{name}") or "").strip():
                yield f"{parent.tag}: no {name}"
        for name in _ONCE:
            if len(parent.findall(f"{ATOM}{name}")) > 1:
                yield f"{parent.tag}: {name} twice"
        for name in ("updated", "published"):
            if any(not _RFC3339.fullmatch(found.text or "") for found in parent.findall(f"{ATOM}{name}")):
                yield f"{name} is no date"
        links = parent.findall(f"{ATOM}link")
        yield from (f"no absolute link: {link.get('href')}" for link in links if not absolute(link.get("href")))
        yield from (f"unknown relation {link.get('rel')}" for link in links if link.get("rel") not in _RELATIONS)
        alternates = [(link.get("type"), link.get("hreflang")) for link in links if link.get("rel") == "alternate"]
        if len(set(alternates)) != len(alternates):
            yield "two alternates of one type"
        if any(not (author.findtext(f"{ATOM}name") or "").strip() for author in parent.findall(f"{ATOM}author")):
            yield "an author without a name"
        if any(title.get("type", "text") != "text" for title in parent.findall(f"{ATOM}title")):
            yield "a title that is no plain text"
    if not root.findall(f"{ATOM}link[@rel='self']") or not root.get(f"{XML}lang"):
        yield "no self link or language"
    if root.find(f"{ATOM}author") is None:
        yield "no author"
    idents = [entry.findtext(f"{ATOM}id") for entry in entries]
    if len(set(idents)) != len(idents):
        yield "an id twice"
    for entry in entries:
        if entry.find(f"{ATOM}link[@rel='alternate']") is None and entry.find(f"{ATOM}content") is None:
            yield "neither content nor alternate"
        yield from of_markup(entry.findtext(f"{ATOM}content"))


def of_rss(data: bytes) -> Iterator[str]:
    """RSS 2.0 and the profile of its advisory board."""
    root = etree.fromstring(data, etree.XMLParser(huge_tree=True))
    (channel,) = root
    for name in ("title", "link", "description"):
        if len(channel.findall(name)) != 1 or not channel.findtext(name).strip():
            yield f"channel: {name}"
    if len(channel.findall(f"{ATOM}link[@rel='self']")) != 1:
        yield "no self link"
    guids = [item.findtext("guid") for item in channel.findall("item")]
    if len(set(guids)) != len(guids) or not all(guids):
        yield "an id twice, or none"
    for item in channel.findall("item"):
        names = [child.tag for child in item if child.tag not in ("category", "{http://purl.org/dc/elements/1.1/}creator")]
        own = [name for name in names if not name.startswith("{http://search.yahoo.com/mrss/}")]
        if len(set(own)) != len(own):
            yield f"an element twice: {sorted(own)}"
        if not absolute(item.findtext("link")) or item.find("title") is None:
            yield "no title or link"
        if item.find("guid").get("isPermaLink") != "false":
            yield "an id that is said to be a link"
        if parsedate_to_datetime(item.findtext("pubDate")).tzinfo is None:
            yield "a date without a zone"
        for found in item.findall("enclosure"):
            if not (absolute(found.get("url")) and found.get("length", "").isdigit() and "/" in found.get("type", "")):
                yield "an enclosure that is not complete"
        yield from of_markup(item.findtext(f"{CONTENT}encoded"))


def of_podcast(data: bytes) -> Iterator[str]:
    """PSP-1: what must stand in a show, and in an episode."""
    channel = etree.fromstring(data)[0]
    for name in ("image", "category", "explicit", "author"):
        if channel.find(f"{ITUNES}{name}") is None:
            yield f"no {name}"
    if channel.findtext(f"{ITUNES}explicit") not in ("true", "false"):
        yield "explicit is neither true nor false"
    if channel.find("{https://podcastindex.org/namespace/1.0}guid") is None or channel.find("language") is None:
        yield "no guid or language"
    if any(item.find("enclosure") is None for item in channel.findall("item")):
        yield "an episode without a file"


def of_json(data: bytes) -> Iterator[str]:
    """JSON Feed 1.1."""
    feed = json.loads(data)
    if feed["version"] != "https://jsonfeed.org/version/1.1" or not feed["title"]:
        yield "no version or title"
    yield from (f"no absolute {key}" for key in ("home_page_url", "feed_url") if not absolute(feed[key]))
    for item in feed["items"]:
        if not item["id"] or ("content_html" in item) == ("content_text" in item):
            yield "no id, or not one content"
        yield from (f"{key} is no date" for key in ("date_published", "date_modified") if not _RFC3339.fullmatch(item[key]))
        yield from of_markup(item.get("content_html"))


def of_guide(data: bytes) -> Iterator[str]:
    """OPML 2.0; sitemaps: at most 50,000 absolute addresses, at least one (a news sitemap may be empty)."""
    root = etree.fromstring(data)
    if root.tag == "opml":
        for outline in root.iter("outline"):
            if not outline.get("text") or ("xmlUrl" in outline.attrib and outline.get("type") != "rss"):
                yield "an outline without text or type"
        yield from (f"no absolute {url}" for url in root.xpath("//@xmlUrl | //@htmlUrl") if not absolute(url))
        return
    found = [element.text for element in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    yield from (f"no absolute {url}" for url in found if not absolute(url))
    if len(found) > 50_000 or (not found and "news" not in root.nsmap):
        yield "too many addresses, or none"


CHECKS: dict[str, Callable[[bytes], Iterator[str]]] = {"atom.xml": of_atom, "rss.xml": of_rss, "feed.json": of_json}


async def test_no_error_and_no_warning_in_any_file(store: Store, tmp_path: Path, new_article: NewArticle) -> None:
    """Hostile articles in every list and in the archive, with a podcast and a section of summaries."""
    talks = SectionFeed(podcast=Podcast(image="https://x.example/c.jpg", subcategory="Daily News", email="a@example.org"))
    settings = Settings(
        root=tmp_path, site=Site(title="Tests & <more>", url="https://news.example/paper", language="en-GB"),
        feeds=Feeds(items=6, section={"talks": talks, "short": SectionFeed(content="summary")}),
    )
    audio = (Enclosure("https://x.example/a.mp3", "audio/mpeg", 5), Enclosure("https://x.example/b.pdf", "application/pdf"))
    # A store holds no lone surrogates; `test_formats` has them.
    fields_of = [fields for name, fields in HOSTILE.items() if name != "surrogates"]
    new = [new_article(n, **fields) for n, fields in enumerate(fields_of, start=1)]
    new += [new_article(70, section="Talks", enclosures=audio), new_article(71, section="Talks"), new_article(72, section="Short")]
    async with store.write() as tx:
        for article in new:
            await articles.insert(tx, article)
        await articles.publish_due(tx, datetime(9999, 1, 1, tzinfo=UTC))
        await articles.set_status(tx, new_article(2).id, ArticleStatus.WITHDRAWN, NOW)
    assert (await publish(store, settings)).faults == ()
    public, faults = tmp_path / "var/public", []
    for path in sorted(public.rglob("*.*")):
        name = path.relative_to(public).as_posix()
        if name.startswith(".") or name == "robots.txt":
            continue
        data = path.read_bytes()
        faults += [f"{name}: {fault}" for fault in CHECKS.get(path.name, of_guide)(data)]
        if name == "sections/talks/rss.xml":
            faults += [f"{name}: {fault}" for fault in of_podcast(data)]
            assert data.count(b"<item>") == 1
    assert faults == []
    assert b"content:encoded>" not in (public / "sections/short/rss.xml").read_bytes()
    assert len(list(public.glob("archive/*/atom.xml"))) == 2


@pytest.mark.parametrize(
    ("check", "document", "fault"),
    [
        (of_atom, '<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title></feed>', "no id"),
        (of_atom, '<feed xmlns="http://www.w3.org/2005/Atom"><entry><link rel="alternate" href="/x"/></entry></feed>', "no absolute link"),
        (of_rss, '<rss version="2.0"><channel><title>x</title><link>x</link><description>x</description></channel></rss>', "no self link"),
        (of_podcast, "<rss><channel><item/></channel></rss>", "an episode without a file"),
        (of_guide, '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"/>', "none"),
        (lambda data: of_markup(data.decode()), '<p onclick="x"><a href="../x">x</a><script></script>', "relative href"),
    ],
)
def test_the_checks_find_faults(check: Callable[[bytes], Iterator[Any]], document: str, fault: str) -> None:
    """On documents that have them."""
    assert any(fault in found for found in check(document.encode()))
