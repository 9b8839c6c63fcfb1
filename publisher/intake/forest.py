"""Boosted trees, asked for many rows by bit masks, without any library. Pure.

Each tree has at most eight leaves, one bit each, and a forest's leaves are one integer with a byte for each tree. A
test that fails rules out the leaves on its left. For each feature the masks of all tests that a value fails are ready,
so a row costs one bisection and one `&` for each feature; then the lowest bit left in each byte is that tree's leaf.
(Lucchese et al., "QuickScorer", SIGIR 2015.)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from operator import getitem
from typing import Any

_LEAVES = 8
#: For each byte, the place of its lowest bit.
_LOWEST = bytes(((byte & -byte).bit_length() - 1) if byte else 0 for byte in range(256))


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees whose leaves' values sum up to the log odds of "yes"."""

    #: (feature, its thresholds in order, for each number of thresholds below a value the leaves still possible).
    tests: tuple[tuple[int, list[float], list[int]], ...]
    #: The values of each tree's leaves.
    values: tuple[tuple[float, ...], ...]
    #: Bits of all leaves.
    full: int


def build(trees: list[dict[str, Any]]) -> Forest:
    """The forest written as [{"tests": [[feature, threshold, bits of the leaves on its left]...], "values": [...]}]."""
    full = (1 << _LEAVES * len(trees)) - 1
    nodes: dict[int, list[tuple[float, int]]] = {}
    for place, tree in enumerate(trees):
        for feature, threshold, left in tree["tests"]:
            nodes.setdefault(feature, []).append((threshold, full ^ (left << _LEAVES * place)))
    tests = []
    for feature, found in sorted(nodes.items()):
        found.sort()
        masks = [full]
        for _, mask in found:
            masks.append(masks[-1] & mask)
        tests.append((feature, [threshold for threshold, _ in found], masks))
    return Forest(tuple(tests), tuple(tuple(tree["values"]) for tree in trees), full)


def share(forest: Forest, row: Sequence[float]) -> float:
    """How likely the answer for `row` is "yes", 0 to 1."""
    possible = forest.full
    for feature, thresholds, masks in forest.tests:
        possible &= masks[bisect_left(thresholds, row[feature])]
    leaves = possible.to_bytes(len(forest.values), "little").translate(_LOWEST)
    return 1 / (1 + exp(-sum(map(getitem, forest.values, leaves))))
