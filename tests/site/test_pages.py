"""What pages are given to show, and how the shipped templates show it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from publisher.model import SITE_LISTING, Article, ArticleStatus, Enclosure, Listing, ListKind, Related
from publisher.settings import Site
from publisher.site import pages
from publisher.templating import Templates

NewArticle = Callable[..., Article]
SITE = Site(
    title="The Test Courier", url="https://news.example/paper", description="Tests & more", timezone="Europe/London"
)
SECTIONS = [("culture", "Culture"), ("news", "News")]
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Outline(HTMLParser):
    """Checks that every element is closed, and gathers what tests ask for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def article_html(article: Article, site: Site = SITE) -> str:
    return Templates().render("site/article.html", pages.article_page(article, site))


def list_html(articles: list[Article], section: tuple[str, str] | None = None) -> str:
    stories = [pages.story(article, SITE) for article in articles]
    listing = Listing(ListKind.SECTION, section[0]) if section else SITE_LISTING
    context = pages.list_page(stories, SITE, SECTIONS, listing=listing, name=section[1] if section else "")
    return Templates().render("site/section.html" if section else "site/home.html", context)


def test_the_frame_is_what_base_html_asks_for() -> None:
    """Exactly these names; other pages of the site build on them."""
    context = pages.frame(SITE, title="A", path="/a", sections=pages.section_links(SITE, SECTIONS))
    assert set(context) == {
        "site", "title", "description", "canonical", "feeds", "sections", "lang", "dir", "robots",
    }
    page = Templates().render("site/base.html", context)
    assert "<title>A – The Test Courier</title>" in page
    Outline(page)


def test_a_page_announces_feeds_the_main_ones_first(new_article: NewArticle) -> None:
    """Autodiscovery: site, then section; each with its media type."""
    links = [link for link in Outline(article_html(new_article())).all("link") if link.get("rel") == "alternate"]
    assert [(link["type"], link["href"]) for link in links] == [
        ("application/rss+xml", "/paper/rss.xml"),
        ("application/atom+xml", "/paper/atom.xml"),
        ("application/feed+json", "/paper/feed.json"),
        ("application/rss+xml", "/paper/sections/news/rss.xml"),
        ("application/atom+xml", "/paper/sections/news/atom.xml"),
        ("application/feed+json", "/paper/sections/news/feed.json"),
    ]


def test_an_article_page_tells_all(new_article: NewArticle) -> None:
    """Title, standfirst, authors, dates in the site's zone, reading time, text, tags, related stories, origin."""
    article = new_article(
        title="AT&T <b>cranes</b>", standfirst="Why & how", authors=("Ada Byrne", "Bo Lind", "Cy Moss"),
        published_at=datetime(2026, 7, 1, 23, 30, tzinfo=UTC), first_seen_at=datetime(2026, 7, 1, 23, 31, tzinfo=UTC),
        updated_at=datetime(2026, 7, 2, 9, 5, tzinfo=UTC), content_text="word " * 660,
        related=(Related("Ferries & trains", "https://x.example/?a=1&b=2"), Related("No address")), tags=("harbour",),
        source_url="https://www.origin.example/1",
        enclosures=(Enclosure("https://x.example/a.mp3", "audio/mpeg"), Enclosure("https://x.example/a.pdf", "application/pdf")),
    )
    page = article_html(article)
    for expected in (
        "<title>AT&amp;T &lt;b&gt;cranes&lt;/b&gt; – The Test Courier</title>", ">AT&amp;T &lt;b&gt;cranes&lt;/b&gt;</h1>",
        "Why &amp; how", "2 July 2026, 00:30", 'datetime="2026-07-01T23:30:00Z"',
        "2 July 2026, 10:05", "3 min read", "<p>The text of story 1.</p>",
        '<a href="https://x.example/?a=1&amp;b=2">Ferries &amp; trains</a>', "No address", "harbour", "origin.example",
        '<audio controls preload="none" src="https://x.example/a.mp3">', "https://x.example/a.pdf",
        '<link rel="canonical" href="https://news.example/paper/articles/story-1">',
    ):
        assert expected in page
    Outline(page)


def test_an_article_that_was_not_corrected_shows_no_correction(new_article: NewArticle) -> None:
    """First seen long after it was published is no correction either."""
    seen = datetime(2026, 11, 20, tzinfo=UTC)
    assert "Updated" not in article_html(new_article())
    assert "Updated" not in article_html(new_article(first_seen_at=seen, updated_at=seen + timedelta(seconds=30)))


def test_a_caption_needs_no_picture(new_article: NewArticle) -> None:
    """With a picture it stands below it, with the credit; without one it is a note."""
    words = {"caption": "The quay", "credit": "A. Byrne"}
    pictured = article_html(new_article(image="https://x.example/a.jpg", **words))
    assert '<img src="https://x.example/a.jpg" alt="The quay">' in pictured
    assert "<figcaption" in pictured
    assert "In the picture:" not in pictured
    bare = article_html(new_article(**words))
    assert "<figure" not in bare
    assert "In the picture:" in bare
    assert "A. Byrne" in bare


def test_a_page_has_the_language_and_direction_of_its_article(new_article: NewArticle) -> None:
    """The frame keeps those of the site."""
    outline = Outline(article_html(new_article(language="ar", title="مرحبا")))
    assert outline.all("html") == [{"lang": "ar", "dir": "rtl"}]
    assert outline.all("header")[0]["lang"] == "en"
    assert outline.all("h1")[0]["dir"] == "auto"


def test_no_page_runs_a_script(new_article: NewArticle) -> None:
    """The only script element is data, and an article cannot end it."""
    page = article_html(new_article(title="</script><script>alert(1)</script>", tags=("<!--",)))
    scripts = Outline(page).all("script")
    assert scripts == [{"type": "application/ld+json"}]
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert data["@type"] == "NewsArticle"
    assert data["headline"].startswith("</script>")
    assert data["keywords"] == ["<!--"]


def test_addresses_that_are_not_of_the_web_are_no_links(new_article: NewArticle) -> None:
    """Wherever an article can put an address."""
    page = article_html(
        new_article(
            image="javascript:a", source_url="javascript:b", related=(Related("x", "javascript:c"),),
            enclosures=(Enclosure("javascript:d", "audio/mpeg"),),
        )
    )
    assert "javascript:" not in page


def test_unlisted_articles_ask_not_to_be_indexed(new_article: NewArticle) -> None:
    """Live ones ask for nothing."""
    assert '<meta name="robots" content="noindex">' in article_html(new_article(status=ArticleStatus.UNLISTED))
    assert "robots" not in article_html(new_article(status=ArticleStatus.LIVE))


def test_the_home_page_shows_stories_and_sections(new_article: NewArticle) -> None:
    """Every story once, in order, with the way to its page; sections in the navigation."""
    page = list_html([new_article(n) for n in range(20, 0, -1)])
    outline = Outline(page)
    assert re.findall(r'<h2 dir="auto"><a href="/paper/articles/(.*?)">', page) == [f"story-{n}" for n in range(20, 0, -1)]
    assert {"/paper/sections/culture/", "/paper/sections/news/", "/paper/subscribe", "/paper/"} <= {
        link["href"] for link in outline.all("a")
    }
    assert len(outline.all("h1")) == 1
    assert page.count("<title>The Test Courier</title>") == 1


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 10, 11])
def test_the_home_page_holds_any_number_of_stories(new_article: NewArticle, count: int) -> None:
    """No part of it stands empty."""
    page = list_html([new_article(n) for n in range(count)])
    assert len(Outline(page).all("article")) == count
    assert not re.search(r'<div class="\w+">\s*</div>', page)


def test_a_section_page_is_named_after_its_section(new_article: NewArticle) -> None:
    """In title and heading; its stories do not repeat it."""
    page = list_html([new_article(2), new_article(1)], ("news", "News"))
    assert "<title>News – The Test Courier</title>" in page
    assert '<h1 class="title" dir="auto">News</h1>' in page
    assert "kicker" not in page.partition("</style>")[2]
    Outline(page)


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "a\x00<b>\ud800" + "wörd " * 20_000},
        {"title": "x" * 100_000},
        {"standfirst": "", "section": "", "authors": (), "tags": (), "content_html": "", "content_text": ""},
        {"section": '"><script>', "authors": ("<a>",), "credit": "<i>", "caption": "</figure>", "image": 'https://x.example/"><b>'},
    ],
    ids=["odd", "endless", "empty", "markup"],
)
def test_hostile_articles_break_no_page(new_article: NewArticle, fields: dict[str, Any]) -> None:
    """The page is well formed, and so is the list that the article stands in."""
    article = new_article(2, **fields)
    Outline(article_html(article))
    page = list_html([article, new_article(1)])
    Outline(page)
    assert len(page) < 30_000


def test_every_element_of_a_page_has_a_name_for_those_who_cannot_see(new_article: NewArticle) -> None:
    """One h1, one main, a way to skip the navigation, alternative texts."""
    for page in (article_html(new_article(image="https://x.example/a.jpg")), list_html([new_article()])):
        outline = Outline(page)
        assert len(outline.all("main")) == len(outline.all("h1")) == 1
        assert outline.all("a")[0] == {"class": "skip", "href": "#main", "lang": "en"}
        assert all("alt" in image for image in outline.all("img"))
