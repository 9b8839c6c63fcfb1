"""The event loop under everything that waits (the only code that knows uvloop)."""

from __future__ import annotations

import os
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")

#: Threads that look names up, made as they are needed. The loop's own four would all wait for the slow names of a few
#: strangers (feeds, callbacks), and mail behind them.
_LOOK_UPS = "64"


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` to its end on uvloop; its result.

    For what serves and sends. What is written to a pipe afterwards may be cut off at 64 KiB, without an error.
    """
    os.environ.setdefault("UV_THREADPOOL_SIZE", _LOOK_UPS)  # read by libuv at the first look-up
    return uvloop.run(main)
