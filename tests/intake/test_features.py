"""The numbers that the line model is asked with."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from publisher.intake import features, line_model
from publisher.intake.forest import Table, share
from publisher.text import folded_words, one_line

LINE = st.one_of(st.text(min_size=1, max_size=60), st.sampled_from(["Menu", "A sentence of some words, which ends.", "10 comments", "橋が開いた。"]))


def rows(lines: list[str]) -> Table:
    words = list(map(folded_words, lines))
    return features.rows(lines, list(map(" ".join, words)), words)


def shares(lines: list[str]) -> list[float]:
    words = list(map(folded_words, lines))
    return line_model.shares(lines, list(map(" ".join, words)), words)


@given(st.lists(LINE, max_size=30))
def test_every_line_has_numbers_of_the_same_kind(texts: list[str]) -> None:
    """One row for each line, all of one length, whatever stands in the lines."""
    lines = [line for line in map(one_line, texts) if line]
    made = rows(lines)
    assert len(made) == len(lines)
    assert len({len(row) for row in made}) <= 1
    assert all(isinstance(value, float) for row in made for value in row)
    assert all(0 <= found <= 1 for found in shares(lines))


def test_words_do_not_count_but_shapes_do() -> None:
    """Another text of the same shape, in another alphabet, has the same numbers."""
    latin = ["Red tram", "The old red tram ran down the hill at noon, and no one was in it.", "One man saw it."]
    small, greek_small = "abcdefghijklmnopqrstuvwxyz", "αβγδεζηθικλμνξοπρσυφχψωбгд"
    greek = [line.translate(str.maketrans(small + small.upper(), greek_small + greek_small.upper())) for line in latin]
    assert rows(latin).tolist() == rows(greek).tolist()


def test_distances_are_told_both_ways() -> None:
    """How far the nearest marked line is behind and ahead; a line far from all says only that."""
    back, ahead = features.distances([False, True, False, False, True])
    assert back.tolist() == [40, 40, 1, 2, 3]
    assert ahead.tolist() == [1, 3, 2, 1, 40]


def test_opinions_around_count_in_the_second_look() -> None:
    """A short line between paragraphs is likelier the article's than the same line among a menu's."""
    paragraph = "The harbour board said on Monday that the crane would stay, and that its cabin would become a small hotel for two."
    inside = [paragraph, paragraph.replace("Monday", "Friday"), "What happens next", paragraph.replace("two", "six")]
    menu = ["Home", "News", "What happens next", "Contact"]
    found = [shares(lines)[2] for lines in (inside, menu)]
    assert found[0] > 0.5 > found[1]
    assert share(line_model.packaged().first, rows(menu)[0]) < 0.5
