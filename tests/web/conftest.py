"""A real HTTP server on a free port, with an empty store behind it and files in its output folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail_settings import Mail
from publisher.model import Frequency, Reader
from publisher.outgoing import DeliveryState, NewDelivery, NewVariant
from publisher.settings import Newsletter, Site, Web
from publisher.store import editions
from publisher.store.engine import Store
from publisher.store.mail_schema import deliveries
from publisher.templating import Templates
from publisher.web.app import build_app
from publisher.web.server import listening

FILES = {
    "index.html": "<!doctype html><title>Home</title>" + "<p>Harbour news</p>" * 100,
    "articles/tide.html": "<!doctype html><title>Tide</title><p>High water at noon.</p>",
    "sections/sea/index.html": "<!doctype html><title>Sea</title>",
    "rss.xml": '<?xml version="1.0"?><rss version="2.0">' + "<item>Tide</item>" * 500 + "</rss>",
    "atom.xml": '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"/>',
    "feed.json": '{"version": "https://jsonfeed.org/version/1.1"}',
    ".publisher/mark.json": "{}",
    "articles/.tide.html.tmp": "half",
}
#: When the files were last modified: 1 March 2026, noon.
MODIFIED = 1772366400


@dataclass(slots=True)
class Running:
    """What a test of the web face works with."""

    store: Store
    settings: Settings
    keys: Keys
    client: httpx.AsyncClient
    url: str
    public: Path
    #: Why the service is not ready; a test may change it.
    trouble: str | None = None


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    letters = (
        Newsletter(
            name="daily", title="The Daily Courier", time=time(7, 0),
            frequencies=(Frequency.DAILY, Frequency.WEEKLY, Frequency.IMMEDIATE),
        ),
        Newsletter(name="sea", title="Sea", frequencies=(Frequency.WEEKLY,), sections=("sea", "tides")),
    )
    return Settings(root=tmp_path, site=Site(timezone="Europe/London"), newsletter=letters, mail=Mail(), web=Web())


@pytest.fixture
async def web(store: Store, settings: Settings, tmp_path: Path) -> AsyncIterator[Running]:
    public = tmp_path / "var/public"
    for name, content in FILES.items():
        put(public, name, content)
    (tmp_path / "secret.txt").write_text("secret")
    keys = Keys((b"k" * 32,))
    found: list[Running] = []
    app = build_app(store, settings, Templates(), keys, ready=lambda: found[0].trouble)
    async with listening(app, "127.0.0.1", 0) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        found.append(Running(store, settings, keys, client, url, public))
        yield found[0]


@pytest.fixture
def planted(web: Running) -> Callable[[Reader, DeliveryState], Awaitable[int]]:
    """Plants a delivery of an edition to a reader; returns its variant."""

    async def plant(reader: Reader, state: DeliveryState) -> int:
        subscription, now = reader.subscription, datetime.now(UTC)
        new = NewDelivery(
            subscription_id=subscription.id, subscriber_id=subscription.subscriber_id, period="manual:1", from_seq=0,
            to_seq=0, message_id="<planted@example.org>", next_due_at=None, due_at=None,
            expect_from_seq=subscription.from_seq, expect_generation=subscription.generation,
        )
        async with web.store.write() as tx:
            edition = await editions.edition(tx, subscription.newsletter, date(2026, 11, 22), "scheduled", 0, now)
            variant = await editions.variant(tx, edition, NewVariant("k", "en", "Tides", "<p>Html</p>", "Text", ()))
            await editions.plan(tx, edition, variant, [new], now)
            await tx.execute(update(deliveries).values(state=state, finished_at=now))
        return variant

    return plant


def put(public: Path, name: str, content: str) -> None:
    path = public / name
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name("." + path.name + ".new")
    temporary.write_text(content, encoding="utf-8")
    os.utime(temporary, (MODIFIED, MODIFIED))
    temporary.replace(path)
