"""How much an article changed, and how the difference reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.change_kind import Change
from publisher.intake.change import change
from publisher.intake.difference import difference
from publisher.model import Article, Related
from publisher.store.versions import content, restored

TEXT = (
    "The ferry stops on Monday, the harbour office said. Its hull is 1.5 cm thin. Nobody knows when it sails again, "
    "and the shops on the far side have begun to order by post. A second boat would cost $40,000 a month."
)


@pytest.fixture
def article(new_article: Any) -> Article:
    made: Article = new_article(1, content_text=TEXT, content_html=f"<p>{TEXT}</p>", title="The ferry stops")
    return made


def said(article: Article, text: str) -> Article:
    return replace(article, content_text=text, content_html=f"<p>{text}</p>")


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("said. Its", "said.  Its", Change.NONE),
        ("Monday, the", "Monday – the", Change.MINOR),
        ("The ferry stops", "THE FERRY STOPS", Change.MINOR),
        ("Nobody knows", "No one knows", Change.CORRECTION),
        ("1.5 cm", "15 cm", Change.CORRECTION),
        ("$40,000", "€40,000", Change.CORRECTION),
        ("Nobody knows", "Nobody knows " + "what it will take to mend it " * 8, Change.SUBSTANTIAL),
    ],
    ids=["spaces", "dash", "case", "a word", "decimal point", "currency", "much more"],
)
def test_change_is_told_by_the_words(article: Article, old: str, new: str, kind: Change) -> None:
    """Typography is minor; any other word, number or sign is a correction; much new text is substantial."""
    assert old in TEXT
    assert change(article, said(article, TEXT.replace(old, new))) is kind


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, Change.NONE),
        ({"title": "The ferry stays"}, Change.CORRECTION),
        ({"authors": ("Other Name",)}, Change.CORRECTION),
        ({"caption": "The boat"}, Change.CORRECTION),
        ({"section": "Harbour"}, Change.MINOR),
        ({"tags": ("boats",)}, Change.MINOR),
        ({"image": "https://example.org/2.jpg"}, Change.MINOR),
        ({"related": (Related("More"),)}, Change.MINOR),
        ({"content_html": f"<p><b>{TEXT}</b></p>"}, Change.MINOR),
        ({"content_text": "", "content_html": ""}, Change.SUBSTANTIAL),
    ],
    ids=str,
)
def test_change_is_told_by_the_fields(article: Article, fields: dict[str, Any], kind: Change) -> None:
    """What is read is a correction; what stands around it is minor."""
    assert change(article, replace(article, **fields)) is kind


def test_spaces_count_in_preformatted_text(article: Article) -> None:
    """Code is indented for a reason."""
    code = replace(article, content_html="<pre>a\n  b</pre>")
    assert change(code, replace(code, content_html="<pre>a\nb</pre>")) is Change.MINOR


def test_sentences_that_change_places_are_a_correction(article: Article) -> None:
    """The same words in another order say something else."""
    first, _, rest = TEXT.partition(". ")
    assert change(article, said(article, f"{rest} {first}.")) is Change.CORRECTION


@given(st.text(max_size=60), st.text(max_size=60))
def test_change_is_none_only_where_nothing_is_read_otherwise(one: str, other: str) -> None:
    """Whatever the texts: equal is none, and other words never are."""
    from publisher.intake.change import words  # noqa: PLC0415

    assert (words(one) == words(other)) or one != other


def test_difference_marks_words_within_paragraphs() -> None:
    """Titles as a whole; paragraphs that stayed are named, those that changed show their words."""
    old = {"title": "The ferry stops", "content_html": "<p>It stops on Monday at noon.</p><p>All is well.</p><p>Old end.</p>"}
    new = {"title": "The ferry stays", "content_html": "<p>It stops on Sunday at noon.</p><p>All is well.</p>"}
    assert difference(old, new) == [
        "- title: The ferry stops", "+ title: The ferry stays", "~ It stops on [-Monday-] {+Sunday+} at noon.",
        "  All is well.", "- Old end.",
    ]
    assert difference(old, old) == []
    assert difference({"content_html": "<p>a</p>"}, {"content_html": "<p><i>a</i></p>"}) == ["~ the markup of the text"]


def test_difference_of_long_paragraphs_is_not_searched_word_by_word() -> None:
    """It stays quick however long they are."""
    old, new = ("<p>" + " ".join(f"{word}{i}" for i in range(30_000)) + "</p>" for word in "ab")
    assert [line[:3] for line in difference({"content_html": old}, {"content_html": new})] == ["- a", "+ b"]


def test_version_gives_back_what_it_kept(article: Article) -> None:
    """All that readers see."""
    full = replace(article, related=(Related("More", "https://example.org/more"),), authors=("A", "B"))
    assert restored(replace(full, title="Other", related=(), authors=()), content(full)) == full
