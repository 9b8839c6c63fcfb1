"""The event loop under everything that waits (the only code that knows uvloop)."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` to its end on uvloop; its result.

    For what serves and sends. What is written to a pipe afterwards may be cut off at 64 KiB, without an error.
    """
    return uvloop.run(main)
