"""Plain text and slots."""

from __future__ import annotations

import html
import re
import unicodedata
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher import slots, text

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=200)


@given(ANYTHING)
def test_clean_text_fits_into_xml_headers_and_messages(found: str) -> None:
    """Whatever comes in; cleaning twice changes nothing."""
    cleaned = text.clean(found)
    ET.fromstring(f"<p>{html.escape(cleaned)}</p>")
    cleaned.encode("utf-8")
    assert not {"\r", "\0", "\x85", slots.OPEN, slots.CLOSE} & set(cleaned)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert text.clean(cleaned) == cleaned


@given(ANYTHING)
def test_one_line_is_one_line(found: str) -> None:
    """Without spaces around it or two in a row; doing it twice changes nothing."""
    line = text.one_line(found)
    assert len(line.splitlines()) <= 1
    assert "  " not in line
    assert line == line.strip()
    assert text.one_line(line) == line


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"), ("a\u2029b", "a\n\nb"), ("\ufeffcafe\u0301", "caf\u00e9"), ("a\tb", "a\tb"),
        ("a\x00\x0b\ud800\uffff\ue000b", "ab"), ("\x1b[1;31mRed\x1b[0m alert", "Red alert"), ("\x1b]0;name\x07a", "a"),
        ("\x9b1ma\x1b(Bb\x1bc", "abc"),
    ],
)
def test_clean_keeps_the_lines(found: str, expected: str) -> None:
    """Every kind of line end becomes a line feed; terminals' control sequences go whole."""
    assert text.clean(found) == expected


def test_fold_compares_words_alone() -> None:
    """Case, punctuation and spacing do not matter."""
    assert text.fold("  “Harbour—bridge”:  OPENS_again! ") == "harbour bridge opens again"
    assert text.fold("STRASSE") == text.fold("Straße")
    assert text.fold("?!") == ""


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("Harbour bridge opens", "harbour-bridge-opens"), ("Ærø & Łódź: it’s Größe", "aero-lodz-its-grosse"),
        ("  --- ", ""), ("新闻", ""), ("Ünïcödé", "unicode"), ("C'est l'été", "cest-lete"), ("№ 5² ™", "no-52-tm"),
    ],
)
def test_slugs(found: str, expected: str) -> None:
    """Latin letters lose their accents; everything else parts words."""
    assert text.slugify(found) == expected


@given(ANYTHING, st.integers(1, 70))
def test_slug_is_ascii_and_within_its_limit(found: str, limit: int) -> None:
    """No stray hyphens; a slug is its own slug."""
    slug = text.slugify(found, limit)
    assert len(slug) <= limit
    assert slug == "" or all(re.fullmatch("[a-z0-9]+", part) for part in slug.split("-"))
    assert text.slugify(slug, limit) == slug


def test_long_slug_is_cut_between_words() -> None:
    """Unless its first word is too long itself."""
    assert text.slugify("harbour bridge opens", 16) == "harbour-bridge"
    assert text.slugify("harbour bridge opens", 14) == "harbour-bridge"
    assert text.slugify("harbour bridge", 5) == "harbo"


@given(ANYTHING, st.integers(1, 50))
def test_shortened_text_is_within_its_limit(found: str, limit: int) -> None:
    """And as it was where it fits."""
    short = text.shorten(found, limit)
    assert len(short) <= limit
    assert short == found if len(found) <= limit else short.endswith("\u2026")


@pytest.mark.parametrize(
    ("found", "limit", "expected"),
    [
        ("The harbour bridge opens", 20, "The harbour bridge\u2026"), ("The harbour, bridge", 13, "The harbour\u2026"),
        ("Harbourbridge", 8, "Harbour\u2026"), ("short", 5, "short"),
    ],
)
def test_shorten_cuts_between_words(found: str, limit: int, expected: str) -> None:
    """No comma stands before the ellipsis."""
    assert text.shorten(found, limit) == expected


def test_reading_takes_at_least_a_minute() -> None:
    """At 220 words a minute."""
    assert text.reading_minutes("") == 1
    assert text.reading_minutes("word " * 660) == 3
    assert text.word_count(" two  words ") == 2


@pytest.mark.parametrize(("language", "expected"), [("ar", "rtl"), ("he-IL", "rtl"), ("en", "ltr"), ("", "ltr"), ("FA", "rtl")])
def test_direction_follows_the_language(language: str, expected: str) -> None:
    """By its first part."""
    assert text.direction(language) == expected


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>One <em>two</em>\nthree</p><p>Four</p>", "One two three\n\nFour"),
        ("<ul><li>One<ul><li>Two</li></ul></li></ul>", "One\n\nTwo"),
        ("One<br>two<br/>three<hr>four", "One\n\ntwo\n\nthree\n\nfour"),
        ("<table><tr><th>A</th><td>B</td></tr></table>", "A\n\nB"),
        ("<dl><dt>Term</dt><dd>Words</dd></dl>", "Term\n\nWords"),
        ('<p title="a > b">Q&amp;A &lt;here&gt;</p>', "Q&A <here>"),
        ("<pre>a</pre><blockquote>b</blockquote><h2 id='x>y'>c</h2>", "a\n\nb\n\nc"),
        ("<p><picture>not</picture> a paragraph of <prefix>its</prefix> own</p>", "not a paragraph of its own"),
        ("a&#1;b&#xd800;", "ab\ufffd"),
        ("", ""),
    ],
)
def test_text_of_html(markup: str, expected: str) -> None:
    """A blank line between blocks, none within; no word is glued to its neighbour."""
    assert text.from_html(markup) == expected


# --- slots -----------------------------------------------------------------------------------------------------------


def test_slots_are_filled_by_name() -> None:
    """Each as often as it stands there; a value is not searched for further slots."""
    values = {slots.EMAIL: slots.UNSUBSCRIBE_URL, slots.UNSUBSCRIBE_URL: "https://x/u/1"}
    template = f"{slots.EMAIL} {slots.UNSUBSCRIBE_URL} {slots.UNSUBSCRIBE_URL}"
    assert slots.fill(template, values) == f"{slots.UNSUBSCRIBE_URL} https://x/u/1 https://x/u/1"


@pytest.mark.parametrize("template", [f"a {slots.EMAIL}", "\ue000", "\ue001", "\ue000Email\ue001", "\ue000email"])
def test_open_slot_is_refused(template: str) -> None:
    """A message with one must never leave, nor with half of one."""
    with pytest.raises(KeyError):
        slots.fill(template, {slots.UNSUBSCRIBE_URL: "x"})


@given(ANYTHING)
def test_no_article_can_open_a_slot(found: str) -> None:
    """Cleaned text holds none."""
    assert slots.fill(text.clean(found + slots.EMAIL), {}) == text.clean(found + "email")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("Harbour bridge: it’s Größe", "harbour-bridge-its-grosse"), ("Новий міст відкрито", "noviy-mist-vidkrito"),
        ("Новини 2026", "novini-2026"), ("한국어 제목", "hangugeo-jemog"), ("?!", ""),
    ],
)
def test_readable_slugs(found: str, expected: str) -> None:
    """As slugs, with the letters of other scripts written in Latin ones."""
    assert text.readable_slug(found) == expected


@given(ANYTHING)
def test_readable_slug_is_ascii_and_within_its_limit(found: str) -> None:
    """Whatever the script; a readable slug is its own slug."""
    slug = text.readable_slug(found)
    assert len(slug) <= 60
    assert slug == "" or all(re.fullmatch("[a-z0-9]+", part) for part in slug.split("-"))
    assert text.readable_slug(slug) == slug
