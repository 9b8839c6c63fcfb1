"""Pointers to other stories in an author's own markup."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from publisher.intake import pointers
from publisher.intake.markdown import parse
from publisher.model import Related

DEPOT = Related("The old depot", "https://courier.example.org/depot")
LINK = '<a href="https://courier.example.org/depot">The old depot</a>'


@pytest.mark.parametrize(
    "promo",
    [
        f"<p>Read more: {LINK}</p>",
        f"<p><strong>READ MORE:</strong> {LINK}</p>",
        f"<p>Related: {LINK}.</p>",
        f"<p>Lesen Sie auch – {LINK}</p>",
        f"<p>À lire aussi : {LINK}</p>",
        f"<p>Читайте також: {LINK}</p>",
        f"<p>اقرأ أيضاً: {LINK}</p>",
        '<p><a href="https://courier.example.org/depot">Read more: The old depot</a></p>',
        f"<h3>Related stories</h3>\n<ul>\n<li>{LINK}</li>\n</ul>",
    ],
)
def test_a_pointer_goes_to_the_related_stories(promo: str) -> None:
    """A label with a link, in one paragraph or as a list below it, leaves the text for the related stories."""
    assert pointers.apart(f"<p>One.</p>\n{promo}\n<p>Two.</p>") == ("<p>One.</p>\n<p>Two.</p>", (DEPOT,))


@pytest.mark.parametrize(
    "paragraph",
    [
        f"<p>{LINK}</p>",
        f"<p>Read more about it in {LINK}, which is long.</p>",
        f"<p>What I read: {LINK}</p>",
        f"<p>Read more: {LINK} and then come back on Sunday.</p>",
        "<p>WARNING SIGNS: what to look for</p>",
        f"<h2>Related work</h2>\n<ul>\n<li>{LINK}</li>\n</ul>",
        f"<blockquote>\n<p>Related: {LINK}</p>\n</blockquote>",
    ],
)
def test_what_the_author_tells_stays_in_the_text(paragraph: str) -> None:
    """A paragraph without a label of the trade, or one that goes on, is no pointer."""
    content = f"<p>One.</p>\n{paragraph}"
    assert pointers.apart(content) == (content, ())


def test_a_text_of_nothing_but_pointers_stays() -> None:
    """No document loses all of its text."""
    content = f"<p>Read more: {LINK}</p>"
    assert pointers.apart(content) == (content, ())


def test_pointers_keep_their_order_and_front_matter_comes_first() -> None:
    """Several stories of one pointer, a list, and what front matter names, each once; relative links are resolved."""
    text = (
        "---\ntitle: T\nrelated:\n  - {title: First, url: 'https://courier.example.org/1'}\n---\nOne.\n\n"
        "Related: [Second](/2), [Third](https://courier.example.org/3)\n\n## Read more\n\n- [Fourth story](/4)\n\nTwo.\n"
    )
    found = parse(text, ZoneInfo("UTC"), "https://courier.example.org/", now=datetime(2026, 11, 22, tzinfo=UTC))
    assert [story.title for story in found.related] == ["First", "Second", "Third", "Fourth story"]
    assert {story.url for story in found.related} == {f"https://courier.example.org/{n}" for n in range(1, 5)}
    assert found.content_text == "One.\n\nTwo."
