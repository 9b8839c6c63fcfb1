"""Boosted trees asked by bit masks."""

from __future__ import annotations

from math import exp
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.intake import forest, line_model

#: x0 <= 1 ? (x1 <= 5 ? 1 : 2) : 3, and x1 <= 7 ? -1 : 0.5
TREES: list[dict[str, Any]] = [
    {"tests": [[0, 1.0, 0b011], [1, 5.0, 0b001]], "values": [1.0, 2.0, 3.0, 0, 0, 0, 0, 0]},
    {"tests": [[1, 7.0, 0b01]], "values": [-1.0, 0.5, 0, 0, 0, 0, 0, 0]},
]
VALUES = st.floats(min_value=-20, max_value=20)


@given(x=VALUES, y=VALUES)
def test_a_forest_answers_as_its_trees_read(x: float, y: float) -> None:
    """Whatever the row, the answer is that of walking down each tree."""
    odds = ((1.0 if y <= 5 else 2.0) if x <= 1 else 3.0) + (-1.0 if y <= 7 else 0.5)
    assert forest.share(forest.build(TREES), [x, y]) == pytest.approx(1 / (1 + exp(-odds)))


def test_a_value_on_the_threshold_goes_left() -> None:
    """A test is passed by its threshold itself."""
    assert forest.share(forest.build(TREES), [1.0, 5.0]) == pytest.approx(0.5)


def test_many_rows_are_answered_as_each_alone() -> None:
    """Also more rows than are asked at once."""
    made = forest.build(TREES)
    rows = [[float(n % 3), float(n % 11)] for n in range(1200)]
    assert forest.shares(made, rows).tolist() == [forest.share(made, row) for row in rows]


def test_the_packaged_model_is_small_and_loads_once() -> None:
    """Two forests of at most eight leaves a tree come with the program."""
    model = line_model.packaged()
    assert model is line_model.packaged()
    assert all(len(part.values) == 8 * len(part.begins) for part in (model.first, model.second))
