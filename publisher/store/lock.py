"""What only one process may do at a time: send, and pick up. The system frees a lock when its process dies."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from publisher.errors import StoreBusyError, StoreError
from publisher.store.engine import Store

#: Advisory lock on PostgreSQL that the sender holds.
_SENDER = 7_205_760
#: Advisory lock on PostgreSQL that a pick-up holds.
_PICK_UP = 7_205_761
#: How often, and how many seconds apart, the lock file is tried.
_TRIES = 6
_PAUSE = 0.1


@asynccontextmanager
async def sender_lock(store: Store, folder: Path) -> AsyncIterator[None]:
    """Held while this process sends. Freed by the system when the process dies, however it dies.

    Raises StoreBusyError where another process holds it. `folder` is where the lock file of SQLite lies.
    """
    if store.dialect == "sqlite":
        with await _patiently(folder / "sender.lock"):
            yield
        return
    async with store.session() as connection:
        for attempt in range(_TRIES):  # as `_patiently`
            if (await connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _SENDER})).scalar_one():
                break
            if attempt == _TRIES - 1:
                raise StoreBusyError("another publisher is already running on this store; stop it first")
            await asyncio.sleep(_PAUSE)
        try:
            yield
        finally:
            with suppress(DBAPIError):  # the server is gone, and the lock with it
                await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _SENDER})


async def sender(store: Store, folder: Path) -> str | None:
    """Who sends at present, as "running (process 123)"; None where nobody does."""
    try:
        if store.dialect == "sqlite":
            with _locked(folder / "sender.lock"):
                return None
        async with sender_lock(store, folder):
            return None
    except StoreBusyError:
        if store.dialect != "sqlite":
            return "running"
        holder = (folder / "sender.lock").read_text(encoding="ascii").strip()
        return f"running (process {holder})"


@asynccontextmanager
async def pick_up_lock(store: Store) -> AsyncIterator[None]:
    """Waits its turn, then is held by a pick-up to its end.

    So two pick-ups never take the same file for two articles (I1), and nothing of one goes live before its articles
    can follow their dates (I2).
    """
    async with store.picking_up:
        if store.dialect == "sqlite":
            with await _in_turn(store.folder / "pick-up.lock"):
                yield
            return
        async with store.session() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _PICK_UP})
            try:
                yield
            finally:
                with suppress(DBAPIError):  # the server is gone, and the lock with it
                    await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _PICK_UP})


async def _in_turn(path: Path) -> ExitStack:
    """The lock, however long another process holds it."""
    while True:
        with suppress(StoreBusyError):
            return await _patiently(path)


async def _patiently(path: Path) -> ExitStack:
    """The lock; tried for half a second, since whoever only asks who sends holds it for an instant."""
    for attempt in range(_TRIES):
        with ExitStack() as stack:
            try:
                stack.enter_context(_locked(path))
            except StoreBusyError:
                if attempt == _TRIES - 1:
                    raise
            else:
                return stack.pop_all()
        await asyncio.sleep(_PAUSE)
    raise AssertionError("unreachable")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"cannot open the lock file {path}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(handle, 20).decode("ascii", "replace").strip()
        os.close(handle)
        who = f" (process {holder})" if holder else ""
        raise StoreBusyError(f"another publisher{who} is already running on this store; stop it first") from None
    try:
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.ftruncate(handle, 0)
        os.close(handle)
