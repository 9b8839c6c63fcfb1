"""kill -9 while feeds and pages are written: every file is whole, and the next run brings them to where the store is."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lxml import etree

from publisher.config import Settings
from publisher.feeds.publish import publish as publish_feeds
from publisher.model import ArticleStatus
from publisher.settings import Feeds, Output, Site
from publisher.site.publish import publish as publish_pages
from publisher.store import articles
from publisher.store.engine import open_store
from publisher.templating import Templates

ROUNDS = 4

#: Publishes, corrects and withdraws without end, and builds after each: until it is killed.
WORK = """
import asyncio, sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4
from publisher import log
from publisher.config import Settings
from publisher.feeds.publish import publish as publish_feeds
from publisher.model import Article, ArticleStatus
from publisher.settings import Feeds, Site
from publisher.site.publish import publish as publish_pages
from publisher.store import articles
from publisher.store.engine import open_store
from publisher.templating import Templates

log.configure("error")

async def main():
    root = Path(sys.argv[1])
    settings = Settings(root=root, site=Site(url="https://news.example"), feeds=Feeds(items=3))
    store = await open_store("sqlite:///store.db", root=root)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    print("ready", flush=True)
    async with store.read() as tx:
        number = await articles.max_change(tx)
    while True:
        number += 1
        now = at + timedelta(minutes=number)
        async with store.write() as tx:
            await articles.insert(tx, Article(
                id=str(uuid4()), seq=None, slug=f"story-{number}", title=f"Story {number}", standfirst="", section="News",
                authors=("Ada Byrne",), tags=(f"tag {number % 3}",), language="en", content_html="<p>Text</p>" * 500,
                content_text="Text", image="", caption="", credit="", source_url="", enclosures=(), related=(),
                published_at=now, updated_at=now, first_seen_at=now, changed_at=now, content_hash=str(number),
                backfill=number % 7 == 0, status=ArticleStatus.SCHEDULED, source="folder:in",
            ))
            await articles.publish_due(tx, now)
            old = await articles.newest(tx, 20)
            if number % 3 == 0:
                await articles.update(tx, replace(old[-1], title=f"Corrected {number}", updated_at=now), now)
            if number % 5 == 0:
                await articles.set_status(tx, old[-2].id, ArticleStatus.WITHDRAWN, now)
        await publish_pages(store, settings, Templates())
        await publish_feeds(store, settings)

asyncio.run(main())
"""


def tree(root: Path) -> dict[str, bytes]:
    """What readers are served; what a dead writer left beside is hidden, and is no file of the site."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    }


def check_whole(files: dict[str, bytes]) -> None:
    for name, data in files.items():
        if name.endswith((".xml", ".opml")):
            etree.fromstring(data)
        elif name.endswith(".json"):
            json.loads(data)
        elif name.endswith(".html"):
            assert data.rstrip().endswith(b"</html>"), name


async def both(root: Path) -> None:
    """The next start, and a build from nothing beside it."""
    store = await open_store("sqlite:///store.db", root=root)
    settings = Settings(root=root, site=Site(url="https://news.example"), feeds=Feeds(items=3))
    for each in (settings, settings.model_copy(update={"output": Output(directory=Path("fresh"))})):
        await publish_pages(store, each, Templates())
        await publish_feeds(store, each)
    async with store.read() as tx:
        withdrawn = [one.id.encode() for one in await articles.list_articles(tx, 1000) if one.status == ArticleStatus.WITHDRAWN]
    await store.close()
    archived = [data for name, data in tree(root / "var/public").items() if name.startswith("archive/") and name.endswith(".xml")]
    assert not any(ident in data for ident in withdrawn for data in archived)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_killed_while_publishing_every_file_is_whole(tmp_path: Path, seed: int) -> None:
    """And the next start makes them those of the store, byte for byte, archive and sitemaps with them."""
    chance = random.Random(seed)
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", WORK, tmp_path], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0.3, 2.5))
            os.kill(process.pid, signal.SIGKILL)
        check_whole(tree(tmp_path / "var/public"))
    asyncio.run(both(tmp_path))
    assert tree(tmp_path / "var/public") == tree(tmp_path / "fresh")
