"""Addresses of ours, and others' in canonical form."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher import urls
from publisher.model import Listing, ListKind


def test_our_paths() -> None:
    """With and without a path in the site's own address."""
    assert urls.article_path("tide") == "/articles/tide"
    assert urls.list_path(Listing(ListKind.SECTION, "sea")) == "/sections/sea/"
    assert urls.absolute("https://example.org", "/articles/tide") == "https://example.org/articles/tide"
    assert urls.absolute("https://example.org/news/", "/rss.xml") == "https://example.org/news/rss.xml"


@pytest.mark.parametrize(
    ("section", "expected"), [("World News", "world-news"), ("Über uns", "uber-uns"), (" R&D ", "r-d"), ("", ""), ("  ", "")]
)
def test_slug_of_a_section(section: str, expected: str) -> None:
    """As a person would write it."""
    assert urls.section_slug(section) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Спорт", "Новости"), ("Министерство обороны", "Министерство образования"), ("Спорт 24", "Новости 24"),
        ("新闻", "体育"), ("UK", "Новости UK"), ("***", "+++"),
    ],
)
def test_sections_in_other_scripts_have_slugs_of_their_own(one: str, other: str) -> None:
    """Two sections never become one for want of Latin letters; case does not matter."""
    slugs = {urls.section_slug(one), urls.section_slug(other)}
    assert len(slugs) == 2
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) for slug in slugs)
    assert urls.section_slug(one.upper()) == urls.section_slug(one)


@given(st.text(max_size=200))
def test_slug_of_a_section_fits_its_column_and_an_address(section: str) -> None:
    """At most 69 characters of ASCII; empty only for a name that is."""
    slug = urls.section_slug(section)
    assert len(slug) <= 69
    assert re.fullmatch(r"[a-z0-9-]*", slug)
    assert bool(slug) or not section.strip(" '\u2019" + "".join(map(chr, range(0x300, 0x370)))) or section.isspace()


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("b.html", "https://example.org/a/b.html"), ("/b?x=1#y", "https://example.org/b?x=1#y"),
        ("//cdn.example.org/i.png", "https://cdn.example.org/i.png"), (" https://other.org/ ", "https://other.org/"),
        ("mailto:desk@example.org", "mailto:desk@example.org"), ("javascript:alert(1)", ""), ("data:text/html,x", ""),
        ("http:///x", ""), ("http://[broken/", ""), ("ftp://example.org/", ""), ("java\nscript:alert(1)", ""),
    ],
)
def test_link_is_made_absolute_or_dropped(link: str, expected: str) -> None:
    """Only http, https and mailto stay."""
    assert urls.resolve("https://example.org/a/index.html", link) == expected


def test_relative_link_on_an_unknown_page_is_dropped() -> None:
    """There is nothing to resolve it against."""
    assert urls.resolve("", "b.html") == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a/tide", "http://example.org/a/tide", "https://www.example.org/a/tide/",
        "https://EXAMPLE.org:443/a/tide#top", "http://example.org:80/a/tide?utm_source=x&fbclid=1",
        " https://example.org/a/tide?UTM_Medium=y ",
    ],
)
def test_canonical_form_leaves_out_what_does_not_tell_articles_apart(url: str) -> None:
    """Scheme, www, usual port, fragment, tracking, closing slash."""
    assert urls.canonical(url) == "example.org/a/tide"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/?p=1", "https://example.org/?p=2"), ("https://example.org/?tide", "https://example.org/?ebb"),
        ("https://example.org/a", "https://example.org/A"), ("https://example.org:8080/", "https://example.org/"),
        ("https://news.example.org/", "https://example.org/"), ("https://example.org/?id=", "https://example.org/"),
    ],
)
def test_I1_canonical_form_keeps_different_articles_apart(one: str, other: str) -> None:
    """Queries count, also those that are a key without a value."""
    assert urls.canonical(one) != urls.canonical(other)


def test_order_of_the_query_does_not_matter() -> None:
    """The same keys and values are the same address."""
    assert urls.canonical("https://x.org/?b=2&a=1") == urls.canonical("https://x.org/?a=1&b=2")


@pytest.mark.parametrize("url", ["", "tide", "mailto:a@b.org", "https://", "http://[broken", "http://x.org:port/", "www."])
def test_what_is_no_web_address_has_no_canonical_form(url: str) -> None:
    """So two of them never match."""
    assert urls.canonical(url) == ""


@pytest.mark.parametrize("link", ["java\nscript:alert(1)", " java\tscript:alert(1)", "java\r\nscript:alert(1)"])
def test_a_script_with_a_break_in_its_name_is_no_link(link: str) -> None:
    """Browsers read over tabs and line ends, so they must not hide a scheme."""
    assert urls.resolve("https://example.org/a", link) == ""
