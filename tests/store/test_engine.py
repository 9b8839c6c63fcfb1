"""Opening, migrating and closing the store; transactions."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, StatementError

from publisher.errors import StoreError
from publisher.store import articles, documents, hub_schema
from publisher.store.engine import Store, open_store
from publisher.store.inbound_schema import bounces as _bounces  # noqa: F401 - its tables are part of the schema
from publisher.store.schema import metadata

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _difference(connection: Connection) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


async def test_migrated_store_has_the_shape_of_the_schema(any_store: Store) -> None:
    """The migrations end where schema.py and its neighbours stand."""
    assert hub_schema.hub_topics.metadata is metadata
    async with any_store.read() as tx:
        assert await tx.run_sync(_difference) == []


async def test_opened_again_it_holds_what_it_held(tmp_path: Path) -> None:
    """A second opening migrates nothing and loses nothing."""
    for round_ in range(2):
        store = await open_store("sqlite:///a/b/publisher.db", root=tmp_path)
        async with store.write() as tx:
            assert (await documents.first_read_at(tx, "folder:seeds") is None) is (round_ == 0)
            await documents.mark_read(tx, "folder:seeds", NOW)
        await store.close()


async def test_many_open_a_new_store_at_once(tmp_path: Path, postgres_url: str) -> None:
    """The migrations run once, whoever comes first."""
    for url in ("sqlite:///publisher.db", postgres_url):
        stores = await asyncio.gather(*(open_store(url, root=tmp_path) for _ in range(5)))
        async with stores[3].read() as tx:
            assert (await tx.execute(text("SELECT count(*) FROM counters"))).scalar_one() == 2
        for store in stores:
            await store.close()


async def test_articles_without_sketches_are_found_in_one_pass(any_store: Store) -> None:
    """The migration that looks for them asks nothing once for each article, however small the working memory."""
    query = import_module("publisher.store.migrations.versions.0010_backlog")._UNSKETCHED
    async with any_store.write() as tx:
        await tx.execute(text(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
            "INSERT INTO sketches (hash, added, article_id) SELECT i, 0, 'article ' || i FROM n"
        ))
        assert (await tx.execute(text(query))).all() == []
        if tx.dialect.name == "postgresql":
            await tx.execute(text("ANALYZE sketches"))
            await tx.execute(text("SET LOCAL work_mem = '64kB'"))
            plan = "\n".join((await tx.execute(text(f"EXPLAIN {query}"))).scalars())
            assert "SubPlan" not in plan, plan


async def test_store_of_a_newer_program_is_refused(tmp_path: Path, postgres_url: str) -> None:
    """An older program leaves a newer store alone."""
    for url in ("sqlite:///publisher.db", postgres_url):
        store = await open_store(url, root=tmp_path)
        async with store.write() as tx:
            await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await store.close()
        with pytest.raises(StoreError, match=r"is not of this version: .*9999"):
            await open_store(url, root=tmp_path)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite:///folder", "unable to open database file"),
        ("sqlite:///file/publisher.db", "cannot make the folder"),
        ("sqlite:///rubbish.db", "file is not a database"),
        ("postgresql://courier:geheim@127.0.0.1:1/news", "refused"),
        ("postgresql:///news?host=/nowhere", "No such file or directory"),
        ("postgresql://courier:geheim@host:port/news", "URL"),
    ],
)
async def test_store_that_cannot_be_opened_gives_one_line(tmp_path: Path, url: str, reason: str) -> None:
    """The line says why, without a traceback and without the password."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "rubbish.db").write_text("no database " * 100)
    with pytest.raises(StoreError) as caught:
        await open_store(url, root=tmp_path)
    line = str(caught.value)
    assert reason in line
    assert "\n" not in line
    assert "Traceback" not in line
    assert "geheim" not in line


@pytest.mark.parametrize(("durability", "expected"), [("normal", 1), ("full", 2)])
async def test_sqlite_is_in_wal_mode_with_the_durability_asked_for(
    tmp_path: Path, durability: Any, expected: int
) -> None:
    """Write-ahead log, foreign keys, and `synchronous` as configured."""
    store = await open_store("sqlite:///publisher.db", root=tmp_path, durability=durability)
    async with store.read() as tx:
        assert (await tx.execute(text("PRAGMA journal_mode"))).scalar_one() == "wal"
        assert (await tx.execute(text("PRAGMA synchronous"))).scalar_one() == expected
        assert (await tx.execute(text("PRAGMA foreign_keys"))).scalar_one() == 1
    await store.close()


async def test_write_that_fails_leaves_nothing_behind(any_store: Store) -> None:
    """An exception undoes the transaction."""

    async def fail() -> None:
        async with any_store.write() as tx:
            await documents.mark_read(tx, "folder:seeds", NOW)
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        await fail()
    async with any_store.read() as tx:
        assert await documents.first_read_at(tx, "folder:seeds") is None


async def test_reader_sees_one_state_of_the_store(any_store: Store) -> None:
    """What is committed meanwhile does not show inside a read."""
    async with any_store.read() as before:
        assert await documents.first_read_at(before, "folder:seeds") is None
        async with any_store.write() as tx:
            await documents.mark_read(tx, "folder:seeds", NOW)
        assert await documents.first_read_at(before, "folder:seeds") is None
    async with any_store.read() as after:
        assert await documents.first_read_at(after, "folder:seeds") == NOW


async def test_writers_of_one_store_take_turns(any_store: Store) -> None:
    """Many writers at once all get their turn, none is refused."""

    async def one(number: int) -> None:
        async with any_store.write() as tx:
            await documents.mark_read(tx, f"folder:{number}", NOW)

    await asyncio.gather(*(one(number) for number in range(20)))
    async with any_store.read() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM sources"))).scalar_one() == 20


async def test_naive_datetime_is_refused_at_the_door(any_store: Store) -> None:
    """Nothing without a zone gets in."""
    with pytest.raises(StatementError, match="naive datetime"):
        async with any_store.write() as tx:
            await documents.mark_read(tx, "folder:seeds", NOW.replace(tzinfo=None))


async def test_instant_comes_back_in_utc(any_store: Store) -> None:
    """Whatever zone it came in, to the microsecond."""
    at = datetime(2026, 7, 1, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    async with any_store.write() as tx:
        await documents.mark_read(tx, "folder:seeds", at)
    async with any_store.read() as tx:
        found = await documents.first_read_at(tx, "folder:seeds")
    assert found == at
    assert found is not None
    assert found.tzinfo is UTC


async def test_error_of_the_database_names_no_values(any_store: Store) -> None:
    """What a statement carried, as a reader's address, stays out of errors and so out of logs."""
    with pytest.raises((DBAPIError, StoreError)) as caught:
        async with any_store.write() as tx:
            await tx.execute(text("INSERT INTO nothing VALUES (:email)"), {"email": "ada@example.org"})
    assert "ada@" not in str(caught.value)


async def test_a_database_that_gives_up_is_a_store_error(any_store: Store) -> None:
    """A full disk, a server that goes away: one clear line, reading or writing, and the store can be used again."""
    trouble = {
        "sqlite": ("PRAGMA max_page_count = 1", "INSERT INTO counters VALUES (hex(zeroblob(900000)), 1)", "full"),
        "postgresql": ("SELECT 1", "SELECT pg_terminate_backend(pg_backend_pid())", "terminat"),
    }
    first, second, reason = trouble[any_store.dialect]

    async def fail() -> None:
        async with any_store.write() as tx:
            await tx.execute(text(first))
            await tx.execute(text(second))

    with pytest.raises(StoreError, match=reason):
        await fail()
    async with any_store.read() as tx:
        assert await articles.count_live(tx) == 0


async def test_close_frees_the_database(tmp_path: Path, postgres_url: str) -> None:
    """No connection is left behind."""
    for url in ("sqlite:///publisher.db", postgres_url):
        store = await open_store(url, root=tmp_path)
        async with store.read() as tx:
            assert await articles.count_live(tx) == 0
        await store.close()
    connection = sqlite3.connect(tmp_path / "publisher.db")
    connection.execute("PRAGMA journal_mode = DELETE")  # needs the file for itself
    connection.close()
    with psycopg.connect(postgres_url) as other:
        other.autocommit = True
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        mine = None
        for _ in range(100):  # a server process ends a moment after its connection
            mine = other.execute(query).fetchone()
            if mine == (1,):
                break
            time.sleep(0.05)
        assert mine == (1,)
