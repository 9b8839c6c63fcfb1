"""A process that ends between two statements of the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from publisher.store.engine import Store


class KilledError(Exception):
    """The end."""


@contextmanager
def killed(store: Store, at: int) -> Iterator[list[int]]:
    """What runs inside ends before its statement number `at`, the first being 1; yields how many are left to it.

    As with a real end nothing of the open transaction stays, and what was committed does.
    """
    left = [at]

    def before(*_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KilledError

    engine = store._engine.sync_engine
    event.listen(engine, "before_cursor_execute", before)
    try:
        yield left
    except KilledError:
        pass
    finally:
        event.remove(engine, "before_cursor_execute", before)
