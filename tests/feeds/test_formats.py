"""The three formats, read by a real reader and held against the rules of their specifications."""

from __future__ import annotations

import json
import locale
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import feedparser
import pytest
from lxml import etree

from publisher.config import Settings
from publisher.feeds import generator
from publisher.feeds.collect import written
from publisher.feeds.entries import Piece, feed_of
from publisher.feeds.pieces import ATOM as ATOM_FORMAT
from publisher.feeds.pieces import JSON as JSON_FORMAT
from publisher.feeds.pieces import RSS as RSS_FORMAT
from publisher.feeds.pieces import Format, make
from publisher.isolation import Fault
from publisher.model import SITE_LISTING, Article, Enclosure, Listing, ListKind
from publisher.settings import Feeds, Hub, Site

NewArticle = Callable[..., Article]
SITE = Site(title="The Test Courier", url="https://news.example", description="Tests & more", language="en-GB")
ATOM = "{http://www.w3.org/2005/Atom}"
DC = "{http://purl.org/dc/elements/1.1/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
MEDIA = "{http://search.yahoo.com/mrss/}"
XML = "{http://www.w3.org/XML/1998/namespace}"
FORMATS = {"atom": ATOM_FORMAT, "rss": RSS_FORMAT, "json": JSON_FORMAT}

RENDERERS = pytest.mark.parametrize("render", FORMATS.values(), ids=FORMATS.keys())

#: What could break a feed, by name; each is a set of fields.
HOSTILE: dict[str, dict[str, Any]] = {
    "controls": {"title": "a\x00b\x0b\x1b", "content_html": "<p>\x00\x08\ufffe</p>", "standfirst": "\x7f\x9f"},
    "surrogates": {"title": "a\ud800", "content_html": "<p>\udfff</p>", "authors": ("\ud83d",), "tags": ("\udc00x",)},
    "cdata": {"title": "]]>", "content_html": "<p>]]></p><![CDATA[x]]>", "standfirst": "]]><x>"},
    "unclosed": {"content_html": "<p><b>never <a href='x'>closed <table><td>", "title": "<b><a href=", "caption": "<i>"},
    "rtl": {"title": "\u202eمرحبا \u200f(abc)", "language": "ar", "content_html": "<p>مرحبا</p>"},
    "long": {"title": "wörd " * 20_000},
    "relative": {"content_html": '<a href="../x">x</a><img src=\'//cdn.example/i.png\'>', "image": "pic.jpg"},
    "empty": {"content_html": "", "content_text": "", "standfirst": "", "section": "", "authors": (), "tags": ()},
    "untitled": {"title": "", "standfirst": ""},
    "emoji": {"title": "👩\u200d👩\u200d👧 🏴", "tags": ("🏳️\u200d🌈",), "section": "🎈"},
    "entities": {"title": "&amp; &lt;b&gt; &nbsp;", "standfirst": "&#0; &bogus; AT&T", "content_html": "<p>&#0;&bogus;</p>"},
    "markup in names": {"authors": ('"<a@b.example>',), "section": "<script>", "tags": ("a&b", '"')},
    "languages": {"language": 'en\x01"><x'},
    "files": {"enclosures": (Enclosure("https://x.example/ä.mp3", "au\x00dio", 5), Enclosure("nonsense", "", 0))},
    "old": {"published_at": datetime(1, 1, 1, tzinfo=UTC), "updated_at": datetime(9999, 12, 31, tzinfo=UTC)},
}


def made(form: Format, articles: list[Article], content: Any = "full", section: str = "", **more: Any) -> tuple[bytes, list[Fault]]:
    """The document, and what is missing in it."""
    settings = Settings(site=SITE, **more)
    listing = Listing(ListKind.SECTION, section) if section else SITE_LISTING
    found = [make(article, SITE, content, form) for article in articles]
    pieces = [piece for piece in found if isinstance(piece, Piece)]
    feed = feed_of(settings, listing, section.title(), [piece.updated for piece in pieces])
    return written(form, feed, pieces), [fault for fault in found if isinstance(fault, Fault)]


def rendered(form: Format, articles: list[Article], content: Any = "full", section: str = "", **more: Any) -> bytes:
    data, faults = made(form, articles, content, section, **more)
    assert faults == []
    return data


def absolute(url: str | None) -> bool:
    parts = urlsplit(url or "")
    return parts.scheme in ("http", "https") and bool(parts.netloc) and (url or "").isascii() and " " not in (url or "")


def one(parent: Any, name: str) -> Any:
    found = parent.findall(name)
    assert len(found) == 1, f"{name}: {len(found)}"
    return found[0]


def check_atom(data: bytes) -> None:
    """RFC 4287, sections 3 and 4."""
    root = etree.fromstring(data, etree.XMLParser(huge_tree=True))
    assert root.tag == f"{ATOM}feed"
    assert root.get(f"{XML}lang")
    for parent in (root, *root.findall(f"{ATOM}entry")):
        assert one(parent, f"{ATOM}id").text.startswith("urn:uuid:")
        assert one(parent, f"{ATOM}title").text.strip()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", one(parent, f"{ATOM}updated").text)
        links = parent.findall(f"{ATOM}link")
        assert all(absolute(link.get("href")) for link in links)
        alternates = [(link.get("type"), link.get("hreflang")) for link in links if link.get("rel") == "alternate"]
        assert alternates == [("text/html", None)]
        assert all(author.find(f"{ATOM}name").text.strip() for author in parent.findall(f"{ATOM}author"))
    assert root.find(f"{ATOM}author") is not None
    assert [link.get("type") for link in root.findall(f"{ATOM}link") if link.get("rel") == "self"] == ["application/atom+xml"]
    entries = root.findall(f"{ATOM}entry")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    for entry in entries:
        assert one(entry, f"{ATOM}published").text <= one(entry, f"{ATOM}updated").text
        assert all(content.get("type") == "html" for content in entry.findall(f"{ATOM}content"))
        assert all(category.get("term") for category in entry.findall(f"{ATOM}category"))
        for link in entry.findall(f"{ATOM}link[@rel='enclosure']"):
            assert re.fullmatch(r"[\w.+-]+/[\w.+-]+", link.get("type"))


def check_rss(data: bytes) -> None:
    """The RSS 2.0 specification, and the advisory board's profile."""
    root = etree.fromstring(data, etree.XMLParser(huge_tree=True))
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    channel = one(root, "channel")
    for name in ("title", "link", "description", "language", "lastBuildDate", "generator"):
        assert one(channel, name).text.strip()
    assert absolute(channel.findtext("link"))
    own = one(channel, f"{ATOM}link[@rel='self']")
    assert own.get("type") == "application/rss+xml"
    assert parsedate_to_datetime(channel.findtext("lastBuildDate")).tzinfo is not None
    guids = [item.findtext("guid") for item in channel.findall("item")]
    assert len(set(guids)) == len(guids)
    for item in channel.findall("item"):
        assert one(item, "title").text.strip()
        assert absolute(one(item, "link").text)
        guid = one(item, "guid")
        assert guid.get("isPermaLink") == "false"
        assert guid.text.startswith("urn:uuid:")
        assert parsedate_to_datetime(one(item, "pubDate").text).tzinfo is not None
        assert len(item.findall("enclosure")) <= 1
        assert len(item.findall("description")) <= 1
        assert item.find("author") is None
        assert item.find(f"{MEDIA}group") is None
        for enclosure in item.findall("enclosure"):
            assert absolute(enclosure.get("url"))
            assert enclosure.get("length").isdigit()
            assert enclosure.get("type")


def check_json(data: bytes) -> None:
    """JSON Feed 1.1."""
    feed = json.loads(data)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    assert absolute(feed["home_page_url"])
    assert absolute(feed["feed_url"])
    ids = [item["id"] for item in feed["items"]]
    assert len(set(ids)) == len(ids)
    for item in feed["items"]:
        assert item["id"].startswith("urn:uuid:")
        assert absolute(item["url"])
        assert "content_html" in item or "content_text" in item
        assert datetime.fromisoformat(item["date_published"]).tzinfo
        assert all(absolute(attached["url"]) and attached["mime_type"] for attached in item.get("attachments", []))


CHECKS = {"atom": check_atom, "rss": check_rss, "json": check_json}


@pytest.mark.parametrize("content", ["full", "summary"])
@pytest.mark.parametrize("fields", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("name", FORMATS)
def test_hostile_articles_give_valid_feeds(
    new_article: NewArticle, name: str, fields: dict[str, Any], content: str
) -> None:
    """Whatever an article holds, the feed keeps the rules, and its neighbours stand beside it."""
    data = rendered(FORMATS[name], [new_article(3), new_article(2, **fields), new_article(1)], content)
    CHECKS[name](data)
    if name == "json":
        assert len(json.loads(data)["items"]) == 3
    else:
        parsed = feedparser.parse(data)
        assert not parsed.bozo
        assert len(parsed.entries) == 3


@pytest.mark.parametrize("name", ["atom", "rss"])
def test_a_reader_finds_everything(new_article: NewArticle, name: str) -> None:
    """feedparser sees titles, ids, dates, links, authors, categories, enclosures and pictures as we meant them."""
    article = new_article(
        7, title="AT&T <b>and</b> friends", standfirst="5 < 6", authors=("Ada Byrne", "Bo Lind"), tags=("harbour",),
        enclosures=(Enclosure("https://x.example/a.mp3", "audio/mpeg", 1234),), image="https://x.example/p.jpg",
        caption="A quay", source_url="https://origin.example/7", updated_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
    )
    feed = feedparser.parse(rendered(FORMATS[name], [article, new_article(1)]))
    entry = feed.entries[0]
    assert not feed.bozo
    assert feed.feed.title == "The Test Courier"
    assert feed.feed.link == "https://news.example/"
    assert feed.feed.language == "en-GB"
    assert entry.id == f"urn:uuid:{article.id}"
    assert name == "atom" or not entry.guidislink
    assert entry.link == "https://news.example/articles/story-7"
    assert entry.published_parsed[:6] == (2026, 11, 1, 8, 7, 0)
    assert entry.updated_parsed[:6] == (2026, 11, 20, 9, 0, 0)
    assert [author["name"] for author in entry.authors] == ["Ada Byrne", "Bo Lind"]
    assert {tag.label or tag.term for tag in entry.tags} == {"News", "harbour"}
    assert [(e.href, e.type, e.length) for e in entry.enclosures] == [("https://x.example/a.mp3", "audio/mpeg", "1234")]
    assert entry.media_thumbnail == [{"url": "https://x.example/p.jpg"}]
    assert "The text of story 7." in entry.content[0].value
    assert [e.title for e in feed.entries][1] == "Story 1"


def test_titles_are_plain_text(new_article: NewArticle) -> None:
    """What looks like markup in a title is text, in each format."""
    articles = [new_article(title="AT&T <b>x</b>")]
    assert etree.fromstring(rendered(RSS_FORMAT, articles)).findtext("channel/item/title") == "AT&T <b>x</b>"
    title = etree.fromstring(rendered(ATOM_FORMAT, articles)).find(f"{ATOM}entry/{ATOM}title")
    assert (title.text, title.get("type")) == ("AT&T <b>x</b>", None)
    assert json.loads(rendered(JSON_FORMAT, articles))["items"][0]["title"] == "AT&T <b>x</b>"


def test_rss_has_a_short_description_beside_the_content(new_article: NewArticle) -> None:
    """The description is HTML to readers, so plain text is escaped once more; summaries have no content."""
    item = etree.fromstring(rendered(RSS_FORMAT, [new_article(standfirst="5 < 6")])).find("channel/item")
    assert item.findtext("description") == "5 &lt; 6"
    assert "<p>The text of story 1.</p>" in item.findtext(f"{CONTENT}encoded")
    assert [creator.text for creator in item.findall(f"{DC}creator")] == ["Ada Byrne"]
    short = etree.fromstring(rendered(RSS_FORMAT, [new_article()], "summary")).find("channel/item")
    assert short.find(f"{CONTENT}encoded") is None


def test_further_files_of_an_rss_item_are_media(new_article: NewArticle) -> None:
    """An item has one enclosure; the picture stands outside any group."""
    files = (Enclosure("https://x.example/a.mp3", "audio/mpeg", 1), Enclosure("https://x.example/b.mp3", "audio/mpeg", 2))
    item = etree.fromstring(
        rendered(RSS_FORMAT, [new_article(enclosures=files, image="https://x.example/p.jpg", credit="A. B.")])
    ).find("channel/item")
    assert [media.get("url") for media in item.findall(f"{MEDIA}content")] == [
        "https://x.example/b.mp3", "https://x.example/p.jpg",
    ]
    assert item.find(f"{MEDIA}content[@medium='image']/{MEDIA}credit").text == "A. B."


def test_atom_links_keep_relation_type_and_length(new_article: NewArticle) -> None:
    """So a reader does not open the audio as the article."""
    article = new_article(
        enclosures=(Enclosure("https://x.example/a.mp3", "audio/mpeg", 9), Enclosure("https://x.example/b.mp3", "audio/mpeg")),
        source_url="https://origin.example/1",
    )
    entry = etree.fromstring(rendered(ATOM_FORMAT, [article])).find(f"{ATOM}entry")
    assert [dict(link.attrib) for link in entry.findall(f"{ATOM}link")] == [
        {"rel": "alternate", "type": "text/html", "href": "https://news.example/articles/story-1"},
        {"rel": "via", "href": "https://origin.example/1"},
        {"rel": "enclosure", "type": "audio/mpeg", "href": "https://x.example/a.mp3", "length": "9"},
        {"rel": "enclosure", "type": "audio/mpeg", "href": "https://x.example/b.mp3"},
    ]


def test_an_entry_in_another_language_says_so(new_article: NewArticle) -> None:
    """In each format's own way."""
    articles = [new_article(language="ar")]
    assert etree.fromstring(rendered(ATOM_FORMAT, articles)).find(f"{ATOM}entry").get(f"{XML}lang") == "ar"
    assert etree.fromstring(rendered(RSS_FORMAT, articles)).findtext(f"channel/item/{DC}language") == "ar"
    assert json.loads(rendered(JSON_FORMAT, articles))["items"][0]["language"] == "ar"


@pytest.mark.parametrize(("name", "file"), [("atom", "atom.xml"), ("rss", "rss.xml"), ("json", "feed.json")])
def test_a_feed_knows_its_own_address(new_article: NewArticle, name: str, file: str) -> None:
    """The self link of a section's feed lies below the section."""
    data = rendered(FORMATS[name], [new_article()], section="news")
    assert f'"https://news.example/sections/news/{file}"'.encode() in data
    assert "The Test Courier – News".encode() in data


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_feed_is_valid(name: str) -> None:
    """Before the first article, too."""
    CHECKS[name](rendered(FORMATS[name], []))


@RENDERERS
def test_I7_the_same_articles_give_the_same_bytes(new_article: NewArticle, render: Format) -> None:
    """No clock, no counter, no version in them; UTF-8, and a line end at the end."""
    articles = [new_article(n) for n in (3, 2, 1)]
    data = rendered(render, articles)
    assert data == rendered(render, articles)
    assert data.endswith(b"\n")
    assert b"1.0.0" not in data
    assert str(datetime.now(UTC).year).encode() not in data.replace(b"2026", b"")


@RENDERERS
def test_entries_stand_in_the_order_given(new_article: NewArticle, render: Format) -> None:
    """Newest first, as the store gives them."""
    data = rendered(render, [new_article(n) for n in (9, 5, 7)]).decode()
    assert re.findall(r"(?<=\btitle>)Story \d|(?<=\"title\":\")Story \d", data) == ["Story 9", "Story 5", "Story 7"]


@pytest.mark.parametrize("name", ["atom", "rss"])
def test_I12_an_entry_that_xml_cannot_hold_costs_only_itself(new_article: NewArticle, name: str) -> None:
    """It is named with its article's id, and the rest of the feed is as without it."""
    bad = new_article(2, id="no uuid \x01")
    data, faults = made(FORMATS[name], [new_article(3), bad, new_article(1)])
    assert [fault.article_id for fault in faults] == [bad.id]
    assert data == rendered(FORMATS[name], [new_article(3), new_article(1)])


def test_dates_are_written_without_touching_the_locale(
    new_article: NewArticle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """feedgen's own way of writing dates flips the locale of the whole process, under the feet of other threads."""

    def refuse(*_: object) -> None:
        raise AssertionError("the locale was touched")

    monkeypatch.setattr(locale, "setlocale", refuse)
    assert b"<lastBuildDate>Sun, 01 Nov 2026 08:01:00 +0000</lastBuildDate>" in rendered(RSS_FORMAT, [new_article(1)])


@pytest.mark.parametrize("name", FORMATS)
def test_the_hub_is_announced_where_there_is_one(new_article: NewArticle, name: str) -> None:
    """Readers that know WebSub ask it; where it is off nobody asks in vain."""
    address = b"https://news.example/hub"
    assert address in rendered(FORMATS[name], [new_article()])
    assert address not in rendered(FORMATS[name], [new_article()], hub=Hub(enabled=False))


def test_rights_are_told(new_article: NewArticle) -> None:
    """Those of the site where nothing else is said; nothing where that is said."""
    articles = [new_article()]
    assert etree.fromstring(rendered(ATOM_FORMAT, articles)).findtext(f"{ATOM}rights") == "© The Test Courier"
    assert etree.fromstring(rendered(RSS_FORMAT, articles)).findtext("channel/copyright") == "© The Test Courier"
    other = rendered(ATOM_FORMAT, articles, feeds=Feeds(rights="CC BY 4.0"))
    assert etree.fromstring(other).findtext(f"{ATOM}rights") == "CC BY 4.0"
    assert etree.fromstring(rendered(ATOM_FORMAT, articles, feeds=Feeds(rights=""))).find(f"{ATOM}rights") is None


def test_atom_has_a_base_and_rss_a_source(new_article: NewArticle) -> None:
    """Where an article was first published elsewhere, RSS names that place."""
    articles = [new_article(source_url="https://origin.example/7")]
    assert etree.fromstring(rendered(ATOM_FORMAT, articles)).get(f"{XML}base") == "https://news.example/"
    source = etree.fromstring(rendered(RSS_FORMAT, articles)).find("channel/item/source")
    assert (source.get("url"), source.text) == ("https://origin.example/7", "origin.example")
    assert generator.GENERATOR.encode() in rendered(RSS_FORMAT, articles)
