"""`make bench`: how fast, side by side with a peer in one run. Absolute figures mean little on a shared machine; ratios do.

    run.py [NAME...]     intake, feed, publish, serve, send, plan, move, inbound; none named: all
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import coming_back
import material
import moving
import planning
import sending
import taking_in
import uvloop
from lxml import etree

from publisher import log
from publisher.config import Settings
from publisher.crypto import load_keys
from publisher.feeds.publish import publish as publish_feeds
from publisher.mail_settings import Mail
from publisher.settings import Newsletter, Site
from publisher.site.publish import publish as publish_pages
from publisher.store import articles
from publisher.store.engine import Store, open_store
from publisher.templating import Templates
from publisher.web.app import build_app
from publisher.web.server import listening

MESSAGES = 20_000
REQUESTS = 4000
ARCHIVES = (1_000, 10_000)
ROWS: list[tuple[str, str, str]] = []


def row(what: str, ours: str, ratio: str = "") -> None:
    ROWS.append((what, ours, ratio))
    print(f"{what:<58} {ours:>18}  {ratio}", flush=True)


async def intake(root: Path) -> None:
    taking_in.extraction(row)
    await taking_in.storing(root / "stored", row)
    await taking_in.looking_again(root / "again", row)


async def feed(root: Path) -> None:
    async with _opened(root) as (store, settings):
        await material.fill(store, 50)
        ours = await _median(lambda: publish_feeds(store, settings, everything=True), 5)
        async with store.read() as tx:
            found = await articles.newest(tx, 50)
    begun = time.perf_counter()
    for _ in range(5):
        _plain_feed(found)
    plain = (time.perf_counter() - begun) / 5
    row("site and 4 section feeds, 3 formats, 100 entries, all anew", f"{ours * 1000:,.0f} ms", f"plain lxml, one Atom feed of 50: {plain * 1000:.1f} ms")


def _plain_feed(found: list[Any]) -> bytes:
    root = etree.Element("feed", nsmap={None: "http://www.w3.org/2005/Atom"})
    for item in found:
        entry = etree.SubElement(root, "entry")
        for name, value in (("id", item.id), ("title", item.title), ("updated", item.updated_at.isoformat()), ("content", item.content_html)):
            etree.SubElement(entry, name).text = value
    made: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return made


async def publish(root: Path) -> None:
    took = []
    for size in ARCHIVES:
        folder = root / str(size)
        async with _opened(folder) as (store, settings):
            templates = Templates()
            await material.fill(store, size)
            await publish_feeds(store, settings)
            await publish_pages(store, settings, templates)
            times = []
            for extra in range(15):
                await material.fill(store, 1, begin=size + extra)
                begun = time.perf_counter()
                await publish_feeds(store, settings)
                await publish_pages(store, settings, templates)
                times.append(time.perf_counter() - begun)
            took.append(median(times))
    row(f"one article published at {ARCHIVES[0]:,} / {ARCHIVES[1]:,} articles", " / ".join(f"{t * 1000:.0f} ms" for t in took), f"ratio {took[1] / took[0]:.2f}, budget 1.2")


async def serve(root: Path) -> None:
    async with _opened(root) as (store, settings):
        await material.fill(store, 50)
        await publish_feeds(store, settings)
        app = build_app(store, settings, Templates(), load_keys(root / "keys.json"), ready=lambda: None)
        body = (settings.path(settings.output.directory) / "rss.xml").read_bytes()

        async def bare(scope: Any, _receive: Any, send: Any) -> None:
            assert scope["type"] == "http"
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
            await send({"type": "http.response.body", "body": body})

        async with listening(app, "127.0.0.1", 0) as ours, listening(bare, "127.0.0.1", 0) as peer:
            rates = {name: await _rate(address) for name, address in (("warm", ours), ("ours", ours), ("bare", peer))}
    row(f"requests for a feed of {len(body) // 1000} kB", f"{rates['ours']:,.0f}/s", f"{rates['ours'] / rates['bare']:.2f} of a bare ASGI application")


async def _rate(address: str) -> float:
    """Requests a second over 8 connections, from this process."""
    host, port = address.removeprefix("http://").split(":")

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(REQUESTS // 8):
            writer.write(b"GET /rss.xml HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(8)))
    return REQUESTS / (time.perf_counter() - begun)


@asynccontextmanager
async def _opened(root: Path, port: int = 25) -> AsyncIterator[tuple[Store, Settings]]:
    root.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        root=root, site=Site(postal_address="1 Bench Street"), newsletter=(Newsletter(name="daily", welcome=False),),
        mail=Mail(transport="smtp", port=port, sender="Bench <bench@example.org>"),
    )
    store = await open_store("sqlite:///publisher.db", root=root)
    try:
        yield store, settings
    finally:
        await store.close()


async def _median(work: Callable[[], Awaitable[object]], times: int) -> float:
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        took.append(time.perf_counter() - begun)
    return median(took)


def main() -> None:
    log.configure("error")
    wanted = sys.argv[1:] or ["intake", "feed", "publish", "serve", "send", "plan", "move", "inbound"]
    for work in (intake, feed, publish, serve):
        if work.__name__ in wanted:
            with tempfile.TemporaryDirectory() as folder:
                uvloop.run(work(Path(folder)))
    if "send" in wanted:
        sending.run(MESSAGES)
    if "plan" in wanted:
        planning.run(row)
    if "inbound" in wanted:
        coming_back.run(row)
    if "move" in wanted:
        moving.run(row)


if __name__ == "__main__":
    main()
