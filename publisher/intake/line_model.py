"""How likely each line of a text is to be the article's own, by a small trained model. Pure.

lines | rows of shape and neighbourhood       features
      | first opinion, line by line           forest
      | rows of the opinions around           here
      | second opinion                        forest

The weights lie in data/lines.json and come from training/train_lines.py.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import log2

from publisher.intake import features, forest
from publisher.intake.forest import Forest, Table

_DATA = "data/lines.json"
_FAR = 40
_SURE, _LIKELY = 0.8, 0.5
#: Opinions of the lines beyond either end.
_NOTHING = (0.0, 0.0, 0.0)
#: A line of a run of likely lines costs so much where it is none.
_RUN_COST = 0.4
#: The second opinion sees these of a line's own numbers: words, width, end, capitals and the like.
_OWN = (0, 1, 3, 5, 7, 9, 10, 11, 16, 17, 20, 21)


@dataclass(frozen=True, slots=True)
class Model:
    """The two forests, and the weights of a headline."""

    first: Forest
    second: Forest
    #: What each number of a line counts for it to be the headline (`publisher.intake.headline.candidates`).
    title: tuple[float, ...] = ()


@cache
def packaged() -> Model:
    """The model that comes with the program."""
    data = pkgutil.get_data(__package__, _DATA)
    assert data is not None
    written = json.loads(data)
    return Model(forest.build(written["first"]), forest.build(written["second"]), tuple(written["title"]))


def shares(
    lines: list[str], folded: list[str], words: list[list[str]], model: Model | None = None
) -> list[float]:
    """For each of `lines` (see `features.rows`), how likely it is part of the body, 0 to 1."""
    model = model or packaged()
    if not lines:
        return []
    rows = features.rows(lines, folded, words)
    opinions = forest.shares(model.first, rows)
    found: list[float] = forest.shares(model.second, around(rows, opinions)).tolist()
    return found


def around(rows: Table, opinions: Sequence[float]) -> Table:
    """For each line, the opinions of it and of the lines around it, and some of its own numbers."""
    import numpy as np  # noqa: PLC0415 - 0.1 s to load, and only plain texts need it

    size, given = len(rows), np.asarray(opinions)
    at = np.arange(size)
    sums = features.summed(given)
    masses = given * np.minimum(rows[:, 1], 400.0) / 100
    mass = features.summed(masses)
    whole = mass[-1] + 0.001
    sure = np.flatnonzero(given > _SURE)
    first, last = (sure[0], sure[-1]) if len(sure) else (-_FAR, size + _FAR)
    start, end = run(given.tolist(), masses.tolist())
    padded = np.concatenate((_NOTHING, given, _NOTHING))
    made: list[Table] = [padded[place : place + size] for place in range(7)]
    for span in (4, 10, 25):
        made.append((sums[:-1] - sums[np.maximum(0, at - span)]) / span)
        made.append((sums[np.minimum(size, at + 1 + span)] - sums[1:]) / span)
    made += [
        mass[:-1] / whole, (whole - mass[1:]) / whole, np.full(size, log2(1 + whole)), np.full(size, sums[-1] / size),
        *(np.clip(away, -_FAR, _FAR) for away in (at - first, last - at, at - start, end - 1 - at)),
        *features.distances(given > _LIKELY),
    ]
    return np.column_stack((*made, rows[:, _OWN]))


def run(opinions: list[float], masses: list[float]) -> tuple[int, int]:
    """(start, end) of the contiguous run that holds the most likely text, `masses` being how much each line has."""
    best, best_start, best_end = 0.0, 0, 0
    total, start = 0.0, 0
    for at, (opinion, mass) in enumerate(zip(opinions, masses, strict=True)):
        if total <= 0:
            total, start = 0.0, at
        total += (opinion - _RUN_COST) * (0.3 + mass / 2)
        if total > best:
            best, best_start, best_end = total, start, at + 1
    return best_start, best_end
