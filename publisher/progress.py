"""How steps report the progress of long work, without knowing who looks on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Progress(Protocol):
    """Called with how much is done and how much there is; `total` 0 where unknown."""

    def __call__(self, done: int, total: int) -> None:
        """Tells whoever looks on."""


def silent(done: int, total: int) -> None:
    """Reports to nobody."""


#: Opens the report of one piece of work, under its name; it is closed when the piece has ended, however it ended.
Reporting = Callable[[str], AbstractContextManager[Progress]]


def unheard(what: str) -> AbstractContextManager[Progress]:
    """A `Reporting` to nobody."""
    del what
    return nullcontext(silent)
