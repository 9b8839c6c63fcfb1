"""SQLite's connection for SQLAlchemy: one change of threads for a statement. The only code that knows aiosqlite.

    statement | to the connection's thread: execute, fetch all, close | back with the rows

The stock driver goes there and back for each of these three and for making a cursor; that took more time than the
statements of a pick-up themselves. SQLAlchemy's adapter asks for all rows at once in any case.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

import aiosqlite
from sqlalchemy.ext.asyncio import AsyncConnection

#: Seconds between two tries for the write lock.
_PAUSE = 0.002


class _Cursor(aiosqlite.Cursor):
    """One statement, and what it gave. Made without a change of threads; nothing is left to be closed."""

    def __init__(self, connection: _Connection) -> None:
        self._on = connection
        self._rows: list[Any] = []
        self._facts: tuple[Any, int, int | None] = (None, -1, None)

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> _Cursor:
        return await self._done("execute", sql, () if parameters is None else parameters)

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> _Cursor:
        return await self._done("executemany", sql, parameters)

    async def _done(self, method: str, sql: str, parameters: Iterable[Any]) -> _Cursor:
        self._rows, *facts = await self._on.run(method, sql, parameters)
        self._facts = (facts[0], facts[1], facts[2])
        return self

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []

    @property
    def description(self) -> Any:
        return self._facts[0]

    @property
    def rowcount(self) -> int:
        return self._facts[1]

    @property
    def lastrowid(self) -> int | None:
        return self._facts[2]


class _Connection(aiosqlite.Connection):
    #: Statements run in the caller's thread.
    near = False

    def cursor(self) -> Any:
        return _Cursor(self)

    async def run(self, method: str, sql: str, parameters: Iterable[Any]) -> tuple[list[Any], Any, int, int | None]:
        """(rows, description, number of rows changed, last row id) of a statement."""
        if self.near:
            return _run(self._conn, method, sql, parameters)
        done = self._execute(_run, self._conn, method, sql, parameters)  # type: ignore[no-untyped-call]  # not ours
        found: tuple[list[Any], Any, int, int | None] = await done
        return found


def connection(path: Path) -> Callable[[], aiosqlite.Connection]:
    """What opens the database at `path`, for `create_async_engine(async_creator=...)`."""

    def opened() -> aiosqlite.Connection:
        made = _Connection(partial(sqlite3.connect, str(path), check_same_thread=False), iter_chunk_size=64)
        made._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does: a connection left open must not stop the exit
        return made

    return opened


@asynccontextmanager
async def quickly(tx: AsyncConnection) -> AsyncIterator[None]:
    """For many statements that each find or write a few rows by key, in a write transaction of SQLite's.

    They wait for nobody and take some ten microseconds each; the change of threads takes ten times as long, so they run
    in the caller's. Beginning and commit, which may wait, do not. No change for other databases.
    """
    driver = (await tx.get_raw_connection()).driver_connection
    if not isinstance(driver, _Connection):
        yield
        return
    driver.near = True
    try:
        yield
    finally:
        driver.near = False


def _run(
    connection: sqlite3.Connection, method: str, sql: str, parameters: Iterable[Any]
) -> tuple[list[Any], Any, int, int | None]:
    if sql == "BEGIN IMMEDIATE":
        _begin_writing(connection)
        return [], None, -1, None
    cursor = connection.cursor()
    try:
        getattr(cursor, method)(sql, parameters)
        rows = cursor.fetchall() if cursor.description else []
        return rows, cursor.description, cursor.rowcount, cursor.lastrowid
    finally:
        cursor.close()


def _begin_writing(connection: sqlite3.Connection) -> None:
    """Takes the write lock; waits for another process's writer as long as the connection waits for anything.

    SQLite asks again ever more rarely, after 100 ms in the end, and so misses the moments between the transactions of a
    neighbour who writes a lot. This asks every few milliseconds.
    """
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    until = time.monotonic() + patience / 1000
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(_PAUSE)
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")
