"""How steps report the progress of long work, without knowing who looks on."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with how much is done and how much there is; `total` 0 where unknown."""

    def __call__(self, done: int, total: int) -> None:
        """Tells whoever looks on."""


def silent(done: int, total: int) -> None:
    """Reports to nobody."""
