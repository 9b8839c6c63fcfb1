"""Which article a document is: the rules in their order, and what must never be merged."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.intake.identity import (
    Decision,
    Facts,
    Known,
    containment,
    content_hash,
    decide,
    similar_titles,
    slugs,
    title_key,
    url_key,
)
from publisher.model import ArticleStatus, Extracted

DAY = datetime(2026, 11, 20, 8, tzinfo=UTC)
WORDS = [f"{a}{b}" for a in ("bra", "cor", "del", "fen", "gil", "har", "jul") for b in ("den", "lo", "mist", "na", "ple", "ry")]


def prose(seed: int, count: int = 120) -> str:
    """Text that shares next to nothing with that of another seed."""
    return " ".join(random.Random(seed).choices(WORDS, k=count))


def document(title: str = "The bridge opens at last", text: str = prose(1), **more: Any) -> Extracted:
    return Extracted(title=title, content_text=text, content_html=f"<p>{text}</p>", **more)


def known(name: str, title: str = "The bridge opens at last", text: str = prose(1), *, elsewhere: bool = False) -> Known:
    return Known(name, title, text, DAY, elsewhere)


OTHER = {"title": "Rain for the rest of May", "text": prose(2)}


def test_rules_hold_in_their_order() -> None:
    """Id before URL before path before bytes before text."""
    facts = Facts(
        by_source_id=(known("id"),), by_url=(known("url"),), at_path=known("path"), by_bytes=(known("bytes"),), gone=(known("text"),)
    )
    without: tuple[dict[str, Any], ...] = ({}, {"by_source_id": ()}, {"by_url": ()}, {"at_path": None}, {"by_bytes": ()}, {"gone": ()})
    seen = []
    for less in without:
        facts = replace(facts, **less)
        seen.append(decide(document(), facts))
    assert seen == [
        Decision("id", "source id"), Decision("url", "canonical URL"), Decision("path", "path"), Decision("bytes", "bytes"),
        Decision("text", "text"), Decision(None, "new"),
    ]


def test_same_path_is_the_same_article_however_much_changed() -> None:
    """A file that is rewritten in place is a correction."""
    assert decide(document(**OTHER), Facts(at_path=known("a"))).article_id == "a"


def test_path_whose_content_went_elsewhere_holds_a_new_article() -> None:
    """Files that are renamed around take their articles along."""
    assert decide(document(**OTHER), Facts(at_path=known("a"), path_left=True)) == Decision(None, "new")
    assert decide(document(**OTHER), Facts(at_path=known("a"), path_left=True, by_bytes=(known("b"),))).article_id == "b"


def test_path_that_was_empty_meanwhile_is_known_by_its_text() -> None:
    """A file saved by deleting and writing anew is still the same article."""
    assert decide(document("The bridge opens"), Facts(at_path=known("a"), path_left=True)).article_id == "a"


@pytest.mark.parametrize("rule", ["by_source_id", "by_url"])
def test_same_id_in_two_files_that_are_nothing_alike_is_a_mistake(rule: str) -> None:
    """A copied header must not swallow an article that lies beside it; a new version in a file of its own is one."""
    beside = (known("a", elsewhere=True),)
    facts = Facts(by_source_id=beside) if rule == "by_source_id" else Facts(by_url=beside)
    assert decide(document(**OTHER), facts) == Decision(None, "new")
    assert decide(document(text=prose(1) + " and more"), facts).article_id == "a"


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        (document(text=prose(1) + " " + prose(9, 60)), True),
        (document("The bridge opens", text=prose(1, 118)), True),
        (document("The bridge opens at last", text=prose(2)), False),
        (document("A quite other headline today", text=prose(1)), False),
        (document(published_at=DAY + timedelta(hours=5)), True),
        (document(published_at=DAY + timedelta(days=2)), False),
    ],
    ids=["grew", "cut and retitled", "other text", "other title", "same day", "next in a series"],
)
def test_renamed_and_edited_file_is_known_by_title_and_text(changed: Extracted, same: bool) -> None:
    """Both must agree, and the dates must not speak against it."""
    assert (decide(changed, Facts(gone=(known("a"),))).article_id == "a") is same


def test_documents_present_together_are_never_merged_by_text() -> None:
    """Two that differ by a word are two, while both lie there."""
    assert decide(document(), Facts(gone=(known("a", elsewhere=True),))) == Decision(None, "new")


def test_I1_thousand_pairs_from_one_template_stay_apart() -> None:
    """Daily reports share a title and most of their words; the numbers tell them apart, also when the last is gone."""
    body = prose(5, 200)
    for number in range(1000):
        last = known("a", f"Results, round {number}", f"Round {number}. {body}")
        assert decide(document(f"Results, round {number + 1}", f"Round {number + 1}. {body}"), Facts(gone=(last,))).article_id is None


@given(
    present=st.booleans(), same_title=st.booleans(), same_text=st.booleans(),
    rule=st.sampled_from(["by_source_id", "by_url", "gone"]),
)
def test_I1_never_merges_unlike_documents_that_lie_together(present: bool, same_title: bool, same_text: bool, rule: str) -> None:
    """Whatever the store finds: with another document present, title or text must speak for it, and text alone never does."""
    found = (known("a", "The bridge opens at last" if same_title else "Rain for May", prose(1 if same_text else 2), elsewhere=present),)
    facts = {"by_source_id": Facts(by_source_id=found), "by_url": Facts(by_url=found), "gone": Facts(gone=found)}[rule]
    merged = decide(document(), facts).article_id is not None
    if present and (rule == "gone" or not (same_title or same_text)):
        assert not merged


@pytest.mark.parametrize(
    ("one", "other", "similar"),
    [
        ("Council votes to close the bridge", "Council votes to close old bridge", True),
        ("The Bridge Opens!", "the bridge opens", True),
        ("Weather, Tuesday", "Weather, Wednesday", False),
        ("Results of round 3 of the cup", "Results of round 4 of the cup", False),
        ("Wetterbericht", "Wetterberichte", True),
        ("橋が開通しました", "橋が開通した", True),
        ("橋が開通しました", "雨が続く見込み", False),
        ("", "", True),
    ],
)
def test_titles_are_similar_by_their_words(one: str, other: str, similar: bool) -> None:
    """Most words are the same, and every number is."""
    assert similar_titles(one, other) is similar
    assert similar_titles(other, one) is similar


def test_containment_survives_growth_and_not_another_story() -> None:
    """The share is of the shorter text."""
    text = prose(1)
    assert containment(text, text + " " + prose(2, 300)) == 1.0
    assert containment(text, prose(2)) < 0.1
    assert containment("short news", "short news") == 1.0
    assert containment("short news", "short news today") == 0.0


@given(st.text(), st.text())
def test_containment_is_a_share_whatever_the_texts(one: str, other: str) -> None:
    """Between 0 and 1, the same both ways, and 1 with itself."""
    assert 0 <= containment(one, other) == containment(other, one) <= 1
    assert containment(one, one) == 1


def test_hash_is_of_what_readers_see() -> None:
    """Dates, ids and the way the bytes were read are not."""
    first = document()
    for unseen in (
        {"published_at": DAY}, {"source_id": "7"}, {"slug": "x"}, {"status": ArticleStatus.DRAFT}, {"encoding": "utf-16"}
    ):
        assert content_hash(replace(first, **unseen)) == content_hash(first)
    for seen in (
        {"title": "x"}, {"standfirst": "x"}, {"section": "x"}, {"authors": ("x",)}, {"caption": "x"}, {"credit": "x"},
        {"content_html": "<p>x</p>"}, {"tags": ("x",)}, {"language": "de"}, {"image": "https://example.org/x.png"},
    ):
        assert content_hash(replace(first, **seen)) != content_hash(first)


def test_hash_refuses_what_no_store_can_hold() -> None:
    """A lone surrogate is found while the document can still be refused by itself."""
    with pytest.raises(UnicodeEncodeError):
        content_hash(document("\ud800"))


def test_slugs_are_tried_in_order_and_end_in_one_that_is_free() -> None:
    """As asked, else of the title, in Latin letters, else "article"; then numbered; at last the article's id decides."""
    assert list(islice(slugs(document(), "0f1e2d3c-4b5a"), 3)) == [f"the-bridge-opens-at-last{end}" for end in ("", "-2", "-3")]
    assert next(slugs(document(slug="My Own"), "0f1e2d3c")) == "my-own"
    assert next(slugs(document("橋"), "0f1e2d3c")) == "qiao"
    assert next(slugs(document("?!"), "0f1e2d3c")) == "article"
    assert list(slugs(document("A"), "0f1e2d3c-4b5a"))[-2:] == ["a-0f1e2d3c", "a-0f1e2d3c-4b5a"]


def test_url_of_a_whole_site_tells_nothing() -> None:
    """Some systems give every page the address of the home page."""
    assert url_key(document(source_url="https://example.org/")) == ""
    assert url_key(document(source_url="https://www.example.org/a/?utm_source=x")) == "example.org/a"
    assert title_key(document("The  Bridge!")) == "the bridge"
