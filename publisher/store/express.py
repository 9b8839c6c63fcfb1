"""Transactions that run thousands of times a second: the same statements, without the layers above the driver.

    script (a generator) | yields Step(statement, rows) | ... runner ... | receives how many each changed -> its result

A script says what a transaction does, once for both databases. On SQLite a runner of ours hands the compiled
statements straight to the driver, on the event loop: a transaction of a few rows takes less time than the way to
another thread and back. What may take long is elsewhere: waiting for the lock, checkpoints, and a commit that waits for
the disk (`store.durability = "full"`). On PostgreSQL the engine runs them.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Coroutine, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from publisher.store.bulk import Bulk, compiled
from publisher.store.engine import Store, Tx, trouble

T = TypeVar("T")

#: Seconds that a writer waits for a writer of another process, and between two tries.
_PATIENCE = 10.0
_PAUSE = 0.002
#: Transactions between two checkpoints.
_TIDY = 500


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a script, run for each of these rows of plain values."""

    statement: Bulk
    rows: Sequence[tuple[Any, ...]]


#: Yields steps, receives how many rows each of a step's changed, returns its result.
Script = Generator[Step, list[int], T]


class Express:
    """Runs scripts, each in a write transaction of its own. Use `open_express`; close it where it was opened."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: sqlite3.Connection | None = None
        #: Moves what was committed from the log into the file, beside the event loop.
        self._tidying: asyncio.Task[None] | None = None
        self._runs = 0

    async def run(self, script: Script[T]) -> T:
        """The script's result, committed. Raises StoreError as `Store.write` does, with nothing written."""
        if self._store.dialect != "sqlite":
            async with self._store.write() as tx:
                return await run_in(tx, script)
        with trouble():
            async with self._store.writer:
                connection = self._connection
                if connection is None:
                    connection = self._connection = self._store.connect_directly()
                    connection.execute("PRAGMA wal_autocheckpoint = 0")
                await _begin(connection)
                result = await self._transaction(connection, script)
        self._runs += 1
        if self._runs % _TIDY == 0 and (self._tidying is None or self._tidying.done()):
            self._tidying = asyncio.create_task(asyncio.to_thread(_tidy, self._store))
        return result

    async def _transaction(self, connection: sqlite3.Connection, script: Script[T]) -> T:
        """Runs the script to its end, and commits."""
        try:
            result = _drive(connection, script)
            if self._store.durability == "full":  # the disk is waited for: beside the event loop
                await _to_its_end(asyncio.to_thread(connection.execute, "COMMIT"))
            else:
                connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # the first error is the one to tell
                connection.execute("ROLLBACK")
            raise
        return result

    async def close(self) -> None:
        """Closes the connection."""
        if self._tidying is not None:
            await asyncio.gather(self._tidying, return_exceptions=True)
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def open_express(store: Store) -> Express:
    """Scripts for `store`."""
    return Express(store)


async def run_in(tx: Tx, script: Script[T]) -> T:
    """Runs the script inside a transaction of the engine's; its result."""
    try:
        step = next(script)
        while True:
            sql = compiled(step.statement, tx.dialect.name)
            step = script.send([(await tx.exec_driver_sql(sql, row)).rowcount for row in step.rows])
    except StopIteration as end:
        result: T = end.value
        return result


def _drive(connection: sqlite3.Connection, script: Script[T]) -> T:
    execute = connection.cursor().execute
    try:
        step = next(script)
        while True:
            sql = compiled(step.statement, "sqlite")
            step = script.send([execute(sql, row).rowcount for row in step.rows])
    except StopIteration as end:
        result: T = end.value
        return result


async def _begin(connection: sqlite3.Connection) -> None:
    """Takes the write lock; waits for another process's writer, and keeps nobody else waiting meanwhile."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            await asyncio.sleep(_PAUSE)
        else:
            return


async def _to_its_end(work: Coroutine[Any, Any, Any]) -> None:
    """Waits for work in a thread, which cannot be called off: whoever is cancelled meanwhile waits too."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        raise


def _tidy(store: Store) -> None:
    connection = store.connect_directly()
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    finally:
        connection.close()
