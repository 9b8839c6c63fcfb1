"""Boosted trees, asked for many rows by bit masks. Pure.

Each tree has at most eight leaves, one bit each, and a forest's leaves are a byte for each tree, eight to a word. A
test that fails rules out the leaves on its left. For each feature the masks of all tests that a value fails are ready,
so a row costs one search and one `&` for each feature; then the lowest bit left in each byte is that tree's leaf.
(Lucchese et al., "QuickScorer", SIGIR 2015.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: A table of numbers: a row for each line of a text. numpy's types say nothing of its shape.
Table = Any

_LEAVES = 8
#: Trees in one word of the masks.
_IN_A_WORD = 8
#: Rows asked at a time: a bound on memory (about 7 kB a row).
_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees whose leaves' values sum up to the log odds of "yes"."""

    #: (feature, its thresholds in order, the number of its first mask).
    tests: tuple[tuple[int, Table, int], ...]
    #: For each feature, and each number of its thresholds below a value, the leaves still possible.
    masks: Table
    #: The values of each tree's leaves, one tree after the other.
    values: Table
    #: Where the leaves of each tree begin in `values`.
    begins: Table
    #: For each byte, the place of its lowest bit.
    lowest: Table


def build(trees: list[dict[str, Any]]) -> Forest:
    """The forest written as [{"tests": [[feature, threshold, bits of the leaves on its left]...], "values": [...]}]."""
    import numpy as np  # noqa: PLC0415 - 0.1 s to load, and only plain texts need it

    width = -(-len(trees) // _IN_A_WORD) * _IN_A_WORD
    full = (1 << _LEAVES * width) - 1
    nodes: dict[int, list[tuple[float, int]]] = {}
    for place, tree in enumerate(trees):
        for feature, threshold, left in tree["tests"]:
            nodes.setdefault(feature, []).append((threshold, full ^ (left << _LEAVES * place)))
    tests: list[tuple[int, Table, int]] = []
    masks: list[int] = []
    for feature, found in sorted(nodes.items()):
        found.sort()
        tests.append((feature, np.array([threshold for threshold, _ in found]), len(masks)))
        masks.append(full)
        for _, mask in found:
            masks.append(masks[-1] & mask)
    written = b"".join(mask.to_bytes(width, "little") for mask in masks)
    values = [[*tree["values"], *[0.0] * _LEAVES][:_LEAVES] for tree in trees]
    return Forest(
        tuple(tests),
        np.frombuffer(written, dtype=np.uint64).reshape(len(masks), width // _IN_A_WORD),
        np.array(values).ravel(),
        np.arange(len(trees)) * _LEAVES,
        np.array([((byte & -byte).bit_length() - 1) if byte else 0 for byte in range(256)]),
    )


def shares(forest: Forest, rows: Table) -> Table:
    """For each of `rows`, how likely the answer is "yes", 0 to 1."""
    import numpy as np  # noqa: PLC0415 - as above

    if len(rows) > _AT_ONCE:
        parts = [shares(forest, rows[at : at + _AT_ONCE]) for at in range(0, len(rows), _AT_ONCE)]
        return np.concatenate(parts)
    columns = np.ascontiguousarray(np.asarray(rows, dtype=float).T)
    places = np.array([begin + thresholds.searchsorted(columns[at]) for at, thresholds, begin in forest.tests])
    possible = np.bitwise_and.reduce(forest.masks[places], axis=0)
    leaves = forest.lowest[possible.view(np.uint8)[:, : len(forest.begins)]]
    return 1 / (1 + np.exp(-forest.values[leaves + forest.begins].sum(axis=1)))


def share(forest: Forest, row: Sequence[float]) -> float:
    """How likely the answer for `row` is "yes", 0 to 1."""
    return float(shares(forest, [row])[0])
