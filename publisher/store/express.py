"""Transactions that run thousands of times a second: the same statements, without the layers above the driver.

    script (a generator) | yields Step(statement, values) | ... runner ... | receives the number of rows -> its result

A script says what a transaction does, once for both databases. On SQLite a runner of ours hands the compiled
statements straight to the driver, on the event loop: a transaction of a few rows takes less time than the way to
another thread and back. What may take long is elsewhere: waiting for the lock, and checkpoints. On PostgreSQL the
engine runs them.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import Executable
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement

from publisher.store.bulk import plain
from publisher.store.engine import Store, Tx, trouble
from publisher.store.instant import Instant

T = TypeVar("T")

#: Seconds that a writer waits for a writer of another process, and between two tries.
_PATIENCE = 10.0
_PAUSE = 0.002
#: Transactions between two checkpoints.
_TIDY = 500


class Statement:
    """A statement whose values come at each run; made once, at import."""

    def __init__(self, statement: Executable, *, lock: bool = False) -> None:
        self.statement = statement
        #: It only takes locks: SQLite, which has one writer, does without.
        self.lock = lock

    @cached_property
    def plain(self) -> tuple[str, dict[str, Any], tuple[str, ...]]:
        """SQL of SQLite's with named parameters; the values that never change; the names of those that are instants."""
        assert isinstance(self.statement, ClauseElement)
        compiled: Any = self.statement.compile(dialect=sqlite.dialect(paramstyle="named"))
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        instants = tuple(name for name, bound in compiled.binds.items() if isinstance(bound.type, Instant))
        return str(compiled), fixed, instants


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a script."""

    statement: Statement
    values: Mapping[str, Any]


#: Yields steps, receives the number of rows that each changed, returns its result.
Script = Generator[Step, int, T]


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
                result = _transaction(connection, script)
        self._runs += 1
        if self._runs % _TIDY == 0 and (self._tidying is None or self._tidying.done()):
            self._tidying = asyncio.create_task(asyncio.to_thread(_tidy, self._store))
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
    changed = 0
    started = False
    while True:
        try:
            step = script.send(changed) if started else next(script)
        except StopIteration as end:
            result: T = end.value
            return result
        started = True
        changed = 0
        if not (step.statement.lock and tx.dialect.name == "sqlite"):
            changed = (await tx.execute(step.statement.statement, dict(step.values))).rowcount


def _drive(connection: sqlite3.Connection, script: Script[T]) -> T:
    try:
        step = next(script)
        while True:
            changed = 0
            if not step.statement.lock:
                sql, fixed, instants = step.statement.plain
                values = {**fixed, **step.values}
                for name in instants:
                    if (at := values[name]) is not None:
                        values[name] = plain("sqlite", at)
                changed = connection.execute(sql, values).rowcount
            step = script.send(changed)
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


def _transaction(connection: sqlite3.Connection, script: Script[T]) -> T:
    """Runs the script to its end, and commits."""
    try:
        result = _drive(connection, script)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # the first error is the one to tell
            connection.execute("ROLLBACK")
        raise
    return result


def _tidy(store: Store) -> None:
    connection = store.connect_directly()
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    finally:
        connection.close()
