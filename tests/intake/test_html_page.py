"""Web pages: what they say of themselves, and their body."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from publisher.errors import DocumentError
from publisher.intake import json_ld
from publisher.intake.html_page import parse
from publisher.model import Extracted

PROSE = "".join(f"<p>Paragraph {n} of the article goes on for long enough to be taken for running text by anyone.</p>" for n in (1, 2, 3))


def made(page: str) -> Extracted:
    return parse(page, ZoneInfo("UTC"), now=datetime(2026, 11, 22, tzinfo=UTC), base_url="https://courier.example.org/")


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ("<title>Bridge opens | Courier</title>", "<h1>Courier</h1><h1>Bridge opens</h1>", "Bridge opens"),
        ("<title>Courier</title>", "<h1>Bridge opens</h1>", "Bridge opens"),
        ("<title>Courier</title><meta property='og:title' content='Bridge opens'>", "<h1>A</h1><h1>B</h1>", "Bridge opens"),
        ("<title>Courier – The bridge opens again – News</title>", "", "The bridge opens again"),
        ("<title>x</title><meta property='og:title' content='Bridge opens'>", "<h1>Bridge <em>opens</em></h1><h1>Bridge</h1>", "Bridge opens"),
    ],
)
def test_the_title_is_the_h1_that_the_page_confirms(head: str, body: str, title: str) -> None:
    """The h1 that `<title>` or og:title contains, the only h1, og:title, the longest part of `<title>`: in this order."""
    assert made(f"<html><head>{head}</head><body>{body}{PROSE}</body></html>").title == title


def test_schema_org_data_is_read() -> None:
    """Authors, section, tags and date come from JSON-LD, also inside a graph and beside broken scripts."""
    data = """<script type="application/ld+json">{broken</script><script type="application/ld+json">{"@graph": [{"@type": "WebSite",
    "name": "C"}, {"@type": ["NewsArticle"], "author": [{"name": "Ann Other"}, "Ben Some"], "articleSection": ["News", "Local"],
    "keywords": "bridge, river", "datePublished": "2026-11-05T07:30:00+01:00", "image": {"url": "/i.jpg"}, "inLanguage": "en"}]}</script>"""
    found = made(f"<html><head><title>T of the page</title>{data}</head><body>{PROSE}</body></html>")
    assert found.authors == ("Ann Other", "Ben Some")
    assert (found.section, found.tags, found.language) == ("News", ("bridge", "river"), "en")
    assert found.published_at == datetime(2026, 11, 5, 6, 30, tzinfo=UTC)
    assert found.image == "https://courier.example.org/i.jpg"


def test_meta_elements_are_read() -> None:
    """Without JSON-LD, meta elements and the canonical link speak."""
    head = """<title>T</title><link rel=canonical href="https://courier.example.org/n/1"><meta name=author content="By Ann Other and Ben Some">
    <meta property=article:section content=News><meta property=article:tag content=a><meta property=article:tag content=b>
    <meta property=article:published_time content="2026-11-05">"""
    found = made(f"<html><head>{head}</head><body><h1>T</h1>{PROSE}<p><a href='../x'>l</a></p></body></html>")
    assert found.authors == ("Ann Other", "Ben Some")
    assert (found.section, found.tags, found.source_url) == ("News", ("a", "b"), "https://courier.example.org/n/1")
    assert found.published_at == datetime(2026, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("figure", "caption", "credit"),
    [
        ("<figcaption>The bridge © Agency / Person</figcaption>", "The bridge", "Agency / Person"),
        ("<figcaption>The bridge <span class=photo-credit>Photo: Person</span></figcaption>", "The bridge", "Person"),
        ("<figcaption>The bridge (Foto: Person)</figcaption>", "The bridge", "Person"),
        ("<figcaption>The bridge</figcaption>", "The bridge", ""),
        ("", "", ""),
    ],
)
def test_a_caption_is_parted_from_its_credit(figure: str, caption: str, credit: str) -> None:
    """The lead picture's figure gives caption and credit, however the page marks the latter."""
    found = made(f"<title>T</title><article><h1>T</h1><figure><img src=/a.jpg>{figure}</figure>{PROSE}</article>")
    assert (found.caption, found.credit, found.image) == (caption, credit, "https://courier.example.org/a.jpg")
    assert not caption or caption not in found.content_text


@pytest.mark.parametrize(
    "page",
    [
        "<h1>T</h1><p class='article-dek'>The summary of it all</p>",
        "<h1>T</h1><h2>The summary of it all</h2>",
        "<meta name=description content='The summary of it all'><h1>T</h1><p>The summary of it all</p>",
    ],
)
def test_the_standfirst_is_found_and_leaves_the_body(page: str) -> None:
    """By its class, its place or the page's description; the body does not repeat it."""
    found = made(f"<html><head><title>T</title></head><body>{page}{PROSE}</body></html>")
    assert found.standfirst == "The summary of it all"
    assert "summary" not in found.content_text


def test_inner_structure_is_kept() -> None:
    """Subheadings, both kinds of lists, quotations, tables, emphasis, code and links survive."""
    inner = (
        "<h2>Part</h2><ol><li>One</li><li>Two</li></ol><ul><li>Three</li></ul><blockquote><p>Quoted.</p></blockquote>"
        "<p>Some <strong>bold</strong> and <a href='/x'>linked</a> words, which <q>speak</q> for themselves in this place.</p>"
        "<table><tr><th>Head</th></tr><tr><td>Cell</td></tr></table>"
    )
    html = made(f"<html><head><title>T of it</title></head><body><article><h1>T of it</h1>{PROSE}{inner}{PROSE}</article></body></html>").content_html
    for piece in ("<h2>Part</h2>", "<ol><li>One</li>", "<ul><li>Three</li>", "<blockquote>", "<strong>bold</strong>", "“speak”", "<th>", "<td>"):
        assert piece in html, piece
    assert '<a href="https://courier.example.org/x">linked</a>' in html


def test_a_short_page_is_read_by_its_structure() -> None:
    """Where the usual extraction finds nothing, the article element or the body is taken, less the page's parts."""
    found = made("<title>T</title><nav>Menu</nav><main><h1>T</h1><p>Short.</p></main><footer>Imprint</footer>")
    assert found.content_text == "Short."


def test_a_page_that_is_none_is_refused() -> None:
    """No title, or nothing that can be parsed: each has its reason."""
    for page in ("<p>text</p>", "<!-- -->", "<?xml version='1.0'?>"):
        with pytest.raises(DocumentError):
            made(page)


def test_json_ld_survives_nonsense() -> None:
    """Deep nesting, wrong types and missing names are passed over."""
    deep = "[" * 5000 + "]" * 5000
    assert json_ld.article([deep, '{"@type": 5}', "null", '"x"', '{"@type": "Person"}']) == {}
    assert json_ld.strings([None, 3, {"x": 1}, " a ", {"name": "b"}]) == ["a", "b"]
    assert json_ld.url([{"contentUrl": "/i.png"}]) == "/i.png"
