"""Safe HTML."""

from __future__ import annotations

import unicodedata

import pytest

from publisher.intake.clean import paragraphs, sanitise

BASE = "https://courier.example.org/news/one"


@pytest.mark.parametrize(
    ("markup", "safe"),
    [
        ("<p onclick='x()'>Hi<script>alert(1)</script></p>", "<p>Hi</p>"),
        ("<p><a href='javascript:alert(1)'>go</a></p>", "<p>go</p>"),
        ("<p><a href=' java\nscript:alert(1)'>go</a></p>", "<p>go</p>"),
        ("<p><a href='/two#x' target=_blank>go</a></p>", '<p><a href="https://courier.example.org/two#x">go</a></p>'),
        ("<p><a href='mailto:a@example.org'>write</a></p>", '<p><a href="mailto:a@example.org">write</a></p>'),
        ("<img src='../a.png' alt='A' onerror='x()'>", '<img src="https://courier.example.org/a.png" alt="A">'),
        ("<p>a<img src='data:image/png;base64,AA'>b</p>", "<p>ab</p>"),
        ("<h1>Top</h1><h2>Next</h2>", "<h2>Top</h2><h2>Next</h2>"),
        ("<p> </p><ul><li><p>&nbsp;</p></li></ul><p>x</p>", "<p>x</p>"),
        ("<div><p style='color:red' class=c>x</p></div>", "<p>x</p>"),
        ("<p>a&#1;b&#xFFFE;c\ue000d</p>", "<p>abcd</p>"),
        ("<p dir=rtl lang=ar>x</p><p dir=up>y</p>", '<p dir="rtl" lang="ar">x</p><p>y</p>'),
        ("<abbr title='x'>HTML</abbr> and <a>plain</a>", '<abbr title="x">HTML</abbr> and plain'),
        ("<table><tr><td colspan=2>x", '<table><tbody><tr><td colspan="2">x</td></tr></tbody></table>'),
    ],
)
def test_markup_is_made_safe(markup: str, safe: str) -> None:
    """Only harmless tags stay, with links that work anywhere and no empty shells."""
    assert sanitise(markup, BASE) == safe


def test_without_a_base_relative_links_lose_their_target() -> None:
    """A link that leads nowhere is text."""
    assert sanitise("<p><a href='/x'>go</a></p><img src=a.png>") == "<p>go</p>"


def test_tidying_never_sets_markup_free() -> None:
    """Markup that hides in an attribute stays there, or goes, whatever is cut around it."""
    for hidden in ("<img alt='\"><script>alert(1)</script>'>", "<img alt='><script>alert(1)</script>'>", "<a title='<img >\" onclick=x'>t</a>"):
        safe = sanitise(hidden)
        assert "<script" not in safe
        assert "onclick" not in safe.partition("title=")[0]


def test_no_later_normalisation_opens_a_tag() -> None:
    """A combining solidus does not melt into the bracket before it, now or when the text is normalised again."""
    safe = sanitise("<p>\u0338 onclick=alert(1) &#824; x</p>")
    assert unicodedata.normalize("NFC", safe) == safe
    assert safe.startswith("<p>")


def test_sanitising_twice_changes_nothing() -> None:
    """What came out safe goes through unchanged."""
    markup = "<h1>T</h1><p>A <a href='/x'>link</a> &amp; <em>more</em></p><blockquote><p>q</p></blockquote>"
    once = sanitise(markup, BASE)
    assert sanitise(once, BASE) == once


def test_plain_paragraphs_are_escaped() -> None:
    """Signs of markup in plain text are shown as they are."""
    assert paragraphs(["a < b & c", 'say "x"']) == '<p>a &lt; b &amp; c</p>\n<p>say "x"</p>'
