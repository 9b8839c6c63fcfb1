"""Opening the store: SQLite in WAL mode, or PostgreSQL; migrations run first, under a lock.

    url | migrate (under a lock) | engine -> Store: `read()` for a snapshot, `write()` for a short transaction
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from publisher.errors import StoreError
from publisher.store import sqlite_driver

#: What the functions of this package take first: a connection inside a transaction.
Tx = AsyncConnection

#: Gives the marks of an address in normal form, under which it is known once it was erased.
Fingerprints = Callable[[str], tuple[str, ...]]

_MIGRATIONS = Path(__file__).parent / "migrations"
#: Advisory lock on PostgreSQL under which migrations run.
_MIGRATION_LOCK = 7_205_759
#: Milliseconds that a SQLite writer waits for a writer of another process.
_BUSY_MS = 10_000
#: Pages of 4 kB in SQLite's log before it moves into the file: a page of an index that many transactions in a row write
#: to moves once.
_LOG_PAGES = 4000
#: Seconds between two tries at a new SQLite file that others open at the same time.
_PAUSE = 0.05


class Store:
    """An open store. One write transaction at a time within this process: waiting in turn beats retrying."""

    def __init__(self, engine: AsyncEngine, durability: str) -> None:
        self._engine = engine
        #: Held by whoever writes to SQLite in this process.
        self.writer = asyncio.Lock()
        #: This process's share of `publisher.store.lock.pick_up_lock`.
        self.picking_up = asyncio.Lock()
        #: "sqlite" or "postgresql".
        self.dialect = engine.dialect.name
        #: Where the SQLite file lies.
        self.folder = Path(engine.url.database or "").parent
        #: "normal" or "full": whether a commit waits for the disk.
        self.durability = durability

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """A transaction that only reads, and sees one state of the store. Raises StoreError as `write` does."""
        with trouble():
            async with self._reading() as connection:
                yield connection

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Tx]:
        async with self._engine.connect() as connection:
            if self.dialect == "postgresql":
                await connection.execution_options(isolation_level="REPEATABLE READ")
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """A transaction that writes: committed at the end, undone when an exception leaves it. Keep it short.

        Raises StoreError where the database gives up: busy for too long, full, gone. Trying again later is safe.
        """
        with trouble():
            async with self._writing() as connection:
                yield connection

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Tx]:
        if self.dialect == "sqlite":
            async with self.writer, self._engine.connect() as connection:
                await connection.execution_options(publisher_write=True)
                async with connection.begin():
                    yield connection
        else:
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Tx]:
        """A connection that commits each statement by itself: for locks that outlive a transaction."""
        async with self._engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    def connect_directly(self) -> sqlite3.Connection:
        """A connection of the driver's own to a SQLite store, for one thread at a time, which holds `writer` to write.

        It waits for nobody, so that whoever holds the lock may wait in its own way.
        """
        connection = sqlite3.connect(
            self._engine.url.database or "", isolation_level=None, cached_statements=256, check_same_thread=False
        )
        _set_up(connection.cursor(), self.durability, busy_ms=0)
        return connection

    async def close(self) -> None:
        """Closes all connections."""
        await self._engine.dispose()


@contextmanager
def trouble() -> Iterator[None]:
    """Trouble of the database, which passes or which its operator ends, as one clear line."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise StoreError(f"the store gave up: {str(error.orig).strip().splitlines()[0]}") from error
    except (sqlite3.OperationalError, sqlite3.InterfaceError) as error:
        raise StoreError(f"the store gave up: {error}") from error
    except NoConnectionError as error:
        raise StoreError("the store is too busy: no connection became free") from error


async def open_store(
    url: str, *, root: Path, durability: Literal["normal", "full"] = "normal", fingerprints: Fingerprints | None = None,
    prepared: bool = False,
) -> Store:
    """The store at `url` (`sqlite:///path`, relative to `root`, or `postgresql://...`), brought up to date.

    `fingerprints`: without it erased addresses are not known again, and none can be erased. `prepared`: the process
    that started this one brought it up to date; looking takes half a second, most of it for the means. Raises
    StoreError where it cannot be opened, or was made by a newer version.
    """
    engine = _engine(url, root, durability)
    engine.sync_engine.update_execution_options(publisher_fingerprints=fingerprints)
    try:
        if not prepared:
            await _prepare(engine)
    except CommandError as error:
        await engine.dispose()
        raise StoreError(f"the store {_shown(url)} is not of this version: {error}") from error
    except (DBAPIError, OSError) as error:
        await engine.dispose()
        reason = getattr(error, "orig", None) or error
        raise StoreError(f"cannot open the store {_shown(url)}: {str(reason).strip().splitlines()[0]}") from error
    return Store(engine, durability)


def fingerprints_of(tx: Tx, email_key: str) -> tuple[str, ...]:
    """The marks of an address, as given to `open_store`; none where it was opened without."""
    assert tx.sync_connection is not None
    marks: Fingerprints | None = tx.sync_connection.get_execution_options().get("publisher_fingerprints")
    return marks(email_key) if marks else ()


async def _prepare(engine: AsyncEngine) -> None:
    """Brings the store up to date. A new SQLite file refuses all others, at once, while the first turns WAL on."""
    clock = asyncio.get_running_loop().time
    last = clock() + _BUSY_MS / 1000
    while True:
        try:
            async with engine.connect() as connection:
                await connection.execution_options(publisher_write=True)
                async with connection.begin():
                    await connection.run_sync(_migrate)
                return
        except OperationalError as error:
            if clock() > last or "database is locked" not in str(error.orig):
                raise
        await asyncio.sleep(_PAUSE)


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _engine(url: str, root: Path, durability: str) -> AsyncEngine:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreError("the store's URL is none; write it as postgresql://user@host:5432/name") from error
    if parsed.get_backend_name() == "postgresql":
        return create_async_engine(
            parsed.set(drivername="postgresql+psycopg"), pool_size=8, max_overflow=8, hide_parameters=True
        )
    path = root / (parsed.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the folder of the store, {path.parent}: {error.strerror}") from error
    try:
        sqlite3.connect(path).close()  # aiosqlite leaves a thread behind where this fails
    except sqlite3.Error as error:
        raise StoreError(f"cannot open the store {url}: {error}") from error
    # Errors name no parameters: they stand in logs, and a parameter may be a reader's address.
    named = parsed.set(drivername="sqlite+aiosqlite", database=str(path))
    engine = create_async_engine(named, hide_parameters=True, async_creator=sqlite_driver.connection(path))
    _prepare_sqlite(engine, durability)
    return engine


def _prepare_sqlite(engine: AsyncEngine, durability: str) -> None:
    """WAL, foreign keys, and transactions that begin when we say so (the driver's own begin too late)."""

    @event.listens_for(engine.sync_engine, "connect")
    def _connect(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        try:
            _set_up(cursor, durability, busy_ms=_BUSY_MS)
        except BaseException:  # the pool knows nothing of it yet, and its thread would live on
            dbapi_connection.close()
            raise
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("publisher_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    @event.listens_for(engine.sync_engine, "invalidate")
    def _invalidate(dbapi_connection: Any, _record: Any, exception: BaseException | None) -> None:
        # A task cancelled inside a statement has its connection dropped, not rolled back: as long as anything still
        # holds that statement (a traceback does), the file would stay locked for all writers.
        if isinstance(exception, asyncio.CancelledError):
            dbapi_connection.rollback()


def _set_up(cursor: Any, durability: str, *, busy_ms: int) -> None:
    """What every connection to SQLite needs to be told."""
    cursor.execute(f"PRAGMA busy_timeout = {busy_ms}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
    cursor.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    cursor.execute("PRAGMA foreign_keys = ON")


def _migrate(connection: Connection) -> None:
    """Brings the tables to the newest shape; on SQLite the write transaction is the lock."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
