"""Text cut to fit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.digest import prose
from publisher.model import Article

Make = Callable[..., Article]


@pytest.mark.parametrize(("title", "expected"), [
    ("Short", "Short"),
    ("A council votes, after eleven years of argument, to reopen the ferry", "A council votes, after eleven years of argument, to reopen…"),
    ("x" * 61, "The Courier"),
    ("Two\r\nBcc: someone@example.org", "Two Bcc: someone@example.org"),
    ("A family of emoji 👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦 here", "A family of emoji…"),
    ("\u202egnorw si siht\u202c and right", "gnorw si siht and right"),
    ("東" * 70, "東" * 59 + "…"),
])
def test_a_subject_is_the_lead_within_sixty_characters(title: str, expected: str) -> None:
    """Cut between words (or between signs of a script without spaces), never within a word or an emoji."""
    assert prose.subject(title, "The Courier") == expected


@given(st.text(min_size=1, max_size=200))
def test_a_subject_fits_and_never_cuts_a_word(title: str) -> None:
    """Whatever the title: one line, 60 characters at most, whole words of it or the fallback."""
    found = prose.subject(title, "The Courier")
    assert len(found) <= 60
    assert "\n" not in found
    assert "\r" not in found
    if found.isascii() and found not in ("The Courier", prose.calm(title)):
        assert prose.calm(title).startswith(found.removesuffix("…"))


def test_summaries_end_at_sentences(make_article: Make) -> None:
    """The standfirst, else the first whole sentences; an abbreviation ends none."""
    assert prose.summary(make_article(1, standfirst="As written.")) == "As written."
    opening = "Dr. Lindqvist measured the tide for a year. " * 3
    text = opening + "What she found in the end " + "surprised everyone who had followed the work " * 10
    assert prose.summary(make_article(1, standfirst="", content_text=text)) == opening.strip()
    assert prose.summary(make_article(1, standfirst="", content_text="")) == ""


def test_an_excerpt_does_not_repeat_the_standfirst(make_article: Make) -> None:
    """Opening paragraphs, at most two thirds of a screen."""
    text = "The same words.\n\nThe first paragraph.\n\n" + "A long second one. " * 60
    found = prose.excerpt(make_article(1, standfirst="The same words.", content_text=text))
    assert found[0] == "The first paragraph."
    assert found[1].endswith("one.")
    assert sum(map(len, found)) <= 640


@given(st.text(max_size=300), st.integers(20, 100))
def test_sentences_never_pass_their_limit(text: str, limit: int) -> None:
    """And a text that fits stays as it is."""
    found = prose.sentences(text, limit)
    assert len(found) <= limit
    assert found == text or len(text) > limit


def test_the_text_part_is_wrapped_at_72_columns() -> None:
    """A long word is broken, a number hangs."""
    lines = prose.wrap("word " * 30 + "x" * 100, "12. ").split("\n")
    assert max(map(len, lines)) <= 72
    assert lines[0].startswith("12. word")
    assert lines[1].startswith("    word")
