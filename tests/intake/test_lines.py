"""Blocks of plain text."""

from __future__ import annotations

import textwrap

from hypothesis import given
from hypothesis import strategies as st

from publisher.intake.lines import blocks, ends_sentence

WORDS = ["the", "bridge", "over", "the", "quiet", "river", "was", "opened", "again", "on", "Saturday", "after", "fourteen", "months", "of", "patient", "work", "by", "divers"]


def test_each_line_is_a_block_where_nothing_is_wrapped() -> None:
    """Lines of a scrape are blocks, with or without blank lines between."""
    assert blocks("Title\nA first paragraph that goes on for a while.\n\n\nA second.\r\n") == [
        "Title",
        "A first paragraph that goes on for a while.",
        "A second.",
    ]


@given(st.lists(st.integers(min_value=30, max_value=80), min_size=2, max_size=5), st.integers(min_value=50, max_value=90))
def test_wrapped_paragraphs_are_joined(lengths: list[int], width: int) -> None:
    """Paragraphs that an editor wrapped come back whole, whatever the width."""
    paragraphs = [" ".join(WORDS[i % len(WORDS)] for i in range(count)) + "." for count in lengths]
    assert blocks("\n\n".join(textwrap.fill(paragraph, width) for paragraph in paragraphs)) == paragraphs


def test_lists_and_short_lines_stay_apart() -> None:
    """Items of a list and lines of a poem are no wrapped paragraph."""
    text = "- one thing to bring\n- another thing\n- a third\n\nRoses are red\nviolets are not\n"
    assert blocks(text) == ["- one thing to bring", "- another thing", "- a third", "Roses are red", "violets are not"]


def test_indented_paragraphs_are_told_apart() -> None:
    """In wrapped text without blank lines, an indented line begins a paragraph."""
    first, second = " ".join(WORDS * 2) + ".", " ".join(WORDS) + "."
    text = textwrap.fill(first, 60, initial_indent="    ") + "\n" + textwrap.fill(second, 60, initial_indent="    ")
    assert blocks(text) == [first, second]


def test_sentences_end_in_every_script() -> None:
    """Full stops of other scripts, and closing quotes behind them, end a sentence."""
    assert all(ends_sentence(line) for line in ("Yes.", "“No!”", "开了。", "حقا؟", "क्या।", "He said:", "« Oui. »"))
    assert not any(ends_sentence(line) for line in ("Headline", "One, two", "A – B"))
