"""Feeds and pages together: however a site came about, its files are those of its store."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from publisher.config import Settings
from publisher.feeds.publish import publish as publish_feeds
from publisher.model import Article, ArticleStatus
from publisher.settings import Feeds, Output, Site
from publisher.site.publish import publish as publish_pages
from publisher.store import articles
from publisher.store.engine import Store, open_store
from publisher.templating import Templates

NewArticle = Callable[..., Article]
TEMPLATES = Templates()
START = datetime(2026, 11, 22, 12, tzinfo=UTC)
STATUSES = (ArticleStatus.WITHDRAWN, ArticleStatus.LIVE, ArticleStatus.UNLISTED, ArticleStatus.DRAFT)

#: (what to do, which article, which section or status)
STEPS = st.lists(
    st.tuples(st.sampled_from(["new", "correct", "move", "status", "publish"]), st.integers(0, 9), st.integers(0, 3)),
    max_size=14,
)


def tree(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*") if path.is_file() and ".publisher" not in path.parts
    }


async def act(
    store: Store, known: list[str], new: NewArticle, step: tuple[str, int, int], now: datetime
) -> None:
    what, which, choice = step
    async with store.write() as tx:
        if what == "new":
            article = new(len(known) + 1, section=["News", "Culture", "Town", ""][choice])
            known.append(article.id)
            await articles.insert(tx, article)
            await articles.publish_due(tx, now)
        elif known:
            found = await articles.get(tx, known[which % len(known)])
            assert found is not None
            if what == "correct":
                await articles.update(tx, replace(found, title=f"{found.title}, corrected", updated_at=now), now)
            elif what == "move":
                await articles.update(tx, replace(found, section=["News", "Culture", "news", ""][choice]), now)
            elif found.seq is not None:
                await articles.set_status(tx, found.id, STATUSES[choice], now)


async def compare(new: NewArticle, steps: list[tuple[str, int, int]], root: Path) -> None:
    """Runs `steps`, publishing now and then, and compares with what one build at the end writes elsewhere."""
    store = await open_store("sqlite:///store.db", root=root)
    config = Settings(root=root, site=Site(url="https://news.example"), feeds=Feeds(items=4))
    known: list[str] = []
    for count, step in enumerate([*steps, ("publish", 0, 0)]):
        if step[0] == "publish":
            await publish_pages(store, config, TEMPLATES)
            await publish_feeds(store, config)
        else:
            await act(store, known, new, step, START + timedelta(minutes=count))
    fresh = config.model_copy(update={"output": Output(directory=Path("fresh"))})
    await publish_pages(store, fresh, TEMPLATES)
    await publish_feeds(store, fresh)
    await store.close()
    assert tree(root / "var/public") == tree(root / "fresh")


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_I7_files_depend_on_the_store_alone(new_article: NewArticle, steps: list[tuple[str, int, int]]) -> None:
    """Written step by step or all at once: the same files with the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(new_article, steps, Path(folder)))
