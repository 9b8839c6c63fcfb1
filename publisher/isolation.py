"""One bad article costs only itself (I12). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Fault:
    """An article that had to be left out of something."""

    article_id: str
    reason: str

    def __str__(self) -> str:
        return f"article {self.article_id} left out: {self.reason}"


def each(
    items: Iterable[Item], make: Callable[[Item], Made], id_of: Callable[[Item], str]
) -> tuple[list[Made], tuple[Fault, ...]]:
    """What `make` gives for each item, in order; an item that it fails on becomes a fault."""
    made: list[Made] = []
    faults: list[Fault] = []
    for item in items:
        try:
            made.append(make(item))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one article, the fault says it
            faults.append(Fault(id_of(item), f"{type(error).__name__}: {error}"))
    return made, tuple(faults)
