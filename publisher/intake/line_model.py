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
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import log2

from publisher.intake import features, forest
from publisher.intake.features import Row
from publisher.intake.forest import Forest

_DATA = "data/lines.json"
_FAR = 40
_SURE, _LIKELY = 0.8, 0.5
#: A line of a run of likely lines costs so much where it is none.
_RUN_COST = 0.4
#: The second opinion sees these of a line's own numbers: words, width, end, capitals and the like.
_OWN = (0, 1, 3, 5, 7, 9, 10, 11, 16, 17, 20, 21)


@dataclass(frozen=True, slots=True)
class Model:
    """The two forests."""

    first: Forest
    second: Forest


@cache
def packaged() -> Model:
    """The model that comes with the program."""
    data = pkgutil.get_data(__package__, _DATA)
    assert data is not None
    written = json.loads(data)
    return Model(forest.build(written["first"]), forest.build(written["second"]))


def shares(lines: list[str], folded: list[str], model: Model | None = None) -> list[float]:
    """For each of `lines`, whose folded forms are `folded`, how likely it is part of the body, 0 to 1."""
    model = model or packaged()
    rows = features.rows(lines, folded)
    opinions = [forest.share(model.first, row) for row in rows]
    return [forest.share(model.second, row) for row in around(rows, opinions)]


def around(rows: list[Row], opinions: list[float]) -> list[Row]:
    """For each line, the opinions of it and of the lines around it, and some of its own numbers."""
    size = len(rows)
    sums = [0.0, *accumulate(opinions)]
    masses = [opinion * min(row[1], 400.0) / 100 for opinion, row in zip(opinions, rows, strict=True)]
    mass = [0.0, *accumulate(masses)]
    whole = mass[-1] + 0.001
    sure = [at for at, opinion in enumerate(opinions) if opinion > _SURE]
    first, last = (sure[0], sure[-1]) if sure else (-_FAR, size + _FAR)
    start, end = run(opinions, masses)
    back, ahead = features.distances([opinion > _LIKELY for opinion in opinions])
    padded = [0.0, 0.0, 0.0, *opinions, 0.0, 0.0, 0.0]
    share = sums[-1] / size if size else 0.0
    much = log2(1 + whole)
    found = []
    for at, row in enumerate(rows):
        made = padded[at : at + 7]
        for span in (4, 10, 25):
            made.append((sums[at] - sums[max(0, at - span)]) / span)
            made.append((sums[min(size, at + 1 + span)] - sums[at + 1]) / span)
        made += [
            mass[at] / whole,
            (whole - mass[at + 1]) / whole,
            much,
            share,
            float(max(-_FAR, min(_FAR, at - first))),
            float(max(-_FAR, min(_FAR, last - at))),
            float(max(-_FAR, min(_FAR, at - start))),
            float(max(-_FAR, min(_FAR, end - 1 - at))),
            float(back[at]),
            float(ahead[at]),
        ]
        made += [row[place] for place in _OWN]
        found.append(made)
    return found


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
