"""A hub behind a real web server, a real store, a clock of the test's own, and a subscriber that does as it is told."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.output import write_if_changed
from publisher.settings import Hub, Site
from publisher.store.engine import Store
from publisher.store.hub_schema import hub_requests, hub_subscriptions
from publisher.templating import Templates
from publisher.web.app import build_app
from publisher.web.server import listening
from publisher.websub import distribute
from publisher.websub.distribute import Course

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SITE = "https://news.example.org"
#: Seconds after which a test gives up waiting.
PATIENCE = 60.0

Behaviour = Callable[[Request], Awaitable[Response]]


class Subscriber:
    """A server of callbacks: each path is one. Confirms whatever the hub asks and takes whatever it pushes."""

    def __init__(self) -> None:
        self.url = ""
        #: (method, path, query, headers, body) of each request.
        self.seen: list[tuple[str, str, dict[str, str], dict[str, str], bytes]] = []
        #: Of a path and method; "GET /a".
        self.acts: dict[str, Behaviour] = {}
        self.raw: list[str] = []

    def say(self, what: str, status: int = 200, text: str = "", **headers: str) -> None:
        """Answers so from now on, as `say("POST /a", 500)`; `_` in a header's name stands for `-`."""

        async def act(_request: Request) -> Response:
            return PlainTextResponse(text, status, {name.replace("_", "-"): value for name, value in headers.items()})

        self.acts[what] = act

    async def take(self, request: Request) -> Response:
        path, query = request.url.path, dict(request.query_params)
        self.raw.append(f"{request.method} {request.url.path}?{request.url.query}")
        self.seen.append((request.method, path, query, dict(request.headers), await request.body()))
        act = self.acts.get(f"{request.method} {path}")
        if act is not None:
            return await act(request)
        return PlainTextResponse(query.get("hub.challenge", ""))

    def asked(self, path: str = "/cb") -> list[dict[str, str]]:
        """The questions that this callback was asked."""
        return [query for method, at, query, _, _ in self.seen if method == "GET" and at == path]

    def pushed(self, path: str = "/cb") -> list[bytes]:
        """What was pushed to this callback."""
        return [body for method, at, _, _, body in self.seen if method == "POST" and at == path]

    def headers(self, path: str = "/cb") -> dict[str, str]:
        """The headers of the last push."""
        return [headers for method, at, _, headers, _ in self.seen if method == "POST" and at == path][-1]


@dataclass
class Desk:
    """The hub under test."""

    store: Store
    settings: Settings
    keys: Keys
    subscriber: Subscriber
    client: httpx.AsyncClient
    #: Ahead of the clock that the web server goes by.
    start: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(minutes=1))
    now: datetime = field(init=False)
    course: Course = field(default_factory=Course)

    def __post_init__(self) -> None:
        self.now = self.start

    def configure(self, **hub: Any) -> None:
        """Other settings, for the turns; the web server keeps its own."""
        self.settings = self.settings.model_copy(update={"hub": self.settings.hub.model_copy(update=hub)})

    def write(self, text: str, feed: str = "rss.xml") -> bytes:
        """Puts a feed into the output folder, as the publish step does; its bytes."""
        data = text.encode()
        write_if_changed(self.settings.path(self.settings.output.directory), feed, data, NOON)
        return data

    async def ask(self, path: str = "/cb", feed: str = "rss.xml", mode: str = "subscribe", **more: str) -> httpx.Response:
        """What the hub answers a subscriber; `_` in a field's name stands for `hub.`."""
        form = {"hub.callback": self.subscriber.url + path, "hub.mode": mode, "hub.topic": f"{SITE}/{feed}"}
        form |= {f"hub.{name}": value for name, value in more.items()}
        return await self.client.post("/hub", data=form)

    async def subscribe(self, path: str = "/cb", feed: str = "rss.xml", **more: str) -> None:
        """A subscription that is verified."""
        answer = await self.ask(path, feed, **more)
        assert answer.status_code == 202, answer.text
        await self.settle()

    async def turn(self) -> None:
        await distribute.turn(
            self.store, self.settings, self.keys, self.course, now=lambda: self.now, jitter=lambda: 0.0
        )

    async def settle(self, later: timedelta = timedelta()) -> None:
        """Turns until nothing is under way and nothing is due any more."""
        self.now += later
        self.course.tidied_at = None
        async with asyncio.timeout(PATIENCE):
            while True:
                self.course.wake.clear()
                await self.turn()
                telling = [task for task in self.course.telling.values() if not task.done()]
                await asyncio.gather(*telling)
                if not (self.course.pushing.busy or self.course.asking.lanes.busy or self.course.wake.is_set()):
                    return
                await self.course.wake.wait()

    async def restart(self) -> None:
        """Another process: all that was in memory is gone."""
        await self.course.asking.lanes.stop()
        await self.course.pushing.stop()
        for task in self.course.telling.values():
            task.cancel()
        await asyncio.gather(*self.course.telling.values(), return_exceptions=True)
        self.course = Course()

    async def subscriptions(self) -> list[Any]:
        """The rows."""
        async with self.store.read() as tx:
            return list(await tx.execute(select(hub_subscriptions).order_by(hub_subscriptions.c.id)))

    async def requests(self) -> list[Any]:
        """The rows of what is to be asked, and of what failed."""
        async with self.store.read() as tx:
            return list(await tx.execute(select(hub_requests).order_by(hub_requests.c.id)))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
async def subscriber() -> AsyncIterator[Subscriber]:
    found = Subscriber()
    methods = ["GET", "POST"]
    app = Starlette(routes=[Route("/{path:path}", found.take, methods=methods)])
    async with listening(app, "127.0.0.1", 0) as url:
        found.url = url
        yield found


@pytest.fixture
async def desk(store: Store, tmp_path: Path, subscriber: Subscriber) -> AsyncIterator[Desk]:
    settings = Settings(root=tmp_path, site=Site(url=SITE), hub=Hub(allow_private=True))
    keys = Keys((b"k" * 32,))
    app = build_app(store, settings, Templates(), keys, ready=lambda: None)
    async with listening(app, "127.0.0.1", 0) as url, httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        made = Desk(store, settings, keys, subscriber, client)
        made.write("<rss>one</rss>")
        yield made
        await made.restart()
