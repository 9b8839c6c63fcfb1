"""One sender at a time: the lock that keeps a second service off the same store."""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import text

from publisher.errors import StoreBusyError
from publisher.store.engine import Store

#: Advisory lock on PostgreSQL that the sender holds.
_SENDER = 7_205_760


@asynccontextmanager
async def sender_lock(store: Store, folder: Path) -> AsyncIterator[None]:
    """Held while this process sends. Freed by the system when the process dies, however it dies.

    Raises StoreBusyError where another process holds it. `folder` is where the lock file of SQLite lies.
    """
    if store.dialect == "sqlite":
        with _locked(folder / "sender.lock"):
            yield
        return
    async with store.session() as connection:
        if not (await connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _SENDER})).scalar_one():
            raise StoreBusyError("another publisher is already running on this store; stop it first")
        try:
            yield
        finally:
            await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _SENDER})


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
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
