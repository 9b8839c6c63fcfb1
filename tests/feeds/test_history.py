"""The site's history as archive documents (RFC 5005), tombstones (RFC 6721), and a client that walks through it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lxml import etree

from publisher.config import Settings
from publisher.feeds.publish import publish
from publisher.intake.own_addresses import follow
from publisher.model import Article, ArticleStatus
from publisher.settings import Feeds, Site
from publisher.store import archive, articles
from publisher.store.engine import Store, open_store

NewArticle = Callable[..., Article]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"
SITE = "https://news.example"


def configured(root: Path, items: int = 3) -> Settings:
    return Settings(root=root, site=Site(title="The Test Courier", url=SITE), feeds=Feeds(items=items))


async def go_live(store: Store, *new: Article, at: datetime = NOW) -> None:
    async with store.write() as tx:
        for article in new:
            await articles.insert(tx, article)
        await articles.publish_due(tx, at)


async def correct(store: Store, ident: str, at: datetime, **fields: object) -> None:
    async with store.write() as tx:
        found = await articles.get(tx, ident)
        assert found is not None
        await articles.update(tx, replace(found, updated_at=at, **fields), at)  # type: ignore[arg-type]  # any field


async def set_status(store: Store, ident: str, status: ArticleStatus, at: datetime) -> None:
    async with store.write() as tx:
        await articles.set_status(tx, ident, status, at)


def links(path: Path) -> dict[str, str]:
    return {link.get("rel"): link.get("href") for link in etree.parse(path).getroot().findall(f"{ATOM}link")}


def titles(path: Path) -> list[str]:
    return [entry.title for entry in feedparser.parse(path.read_bytes()).entries]


def archives(public: Path) -> dict[str, bytes]:
    return {str(path.relative_to(public)): path.read_bytes() for path in sorted(public.glob("archive/*/atom.xml"))}


async def test_documents_count_from_the_oldest_and_are_sealed_when_full(
    store: Store, tmp_path: Path, new_article: NewArticle
) -> None:
    """The feed holds what is not sealed, and at least as many entries as it should."""
    config, public = configured(tmp_path), tmp_path / "var/public"
    await go_live(store, new_article(1), new_article(2))
    await publish(store, config)
    assert "prev-archive" not in links(public / "atom.xml")
    await go_live(store, *(new_article(n) for n in range(3, 9)))
    await publish(store, config)
    assert titles(public / "archive/1/atom.xml") == ["Story 3", "Story 2", "Story 1"]
    assert titles(public / "archive/2/atom.xml") == ["Story 6", "Story 5", "Story 4"]
    assert titles(public / "atom.xml") == ["Story 8", "Story 7", "Story 6"]
    assert links(public / "atom.xml")["prev-archive"] == f"{SITE}/archive/2/atom.xml"
    assert links(public / "archive/2/atom.xml") == {
        "self": f"{SITE}/archive/2/atom.xml", "alternate": f"{SITE}/", "hub": f"{SITE}/hub",
        "prev-archive": f"{SITE}/archive/1/atom.xml", "next-archive": f"{SITE}/archive/3/atom.xml",
        "current": f"{SITE}/atom.xml",
    }
    assert "prev-archive" not in links(public / "archive/1/atom.xml")
    assert b"<fh:archive/>" in (public / "archive/1/atom.xml").read_bytes()
    assert b'"next_url": "https://news.example/archive/1/feed.json"' in (public / "archive/2/feed.json").read_bytes()


async def test_a_correction_is_issued_again_and_leaves_the_sealed_document(
    store: Store, tmp_path: Path, new_article: NewArticle
) -> None:
    """At the top of the feed, with its id; the document stays byte for byte, also when all is built anew."""
    config, public = configured(tmp_path), tmp_path / "var/public"
    await go_live(store, *(new_article(n) for n in range(1, 8)))
    await publish(store, config)
    before = archives(public)
    await correct(store, new_article(2).id, NOW + timedelta(hours=1), title="Better")
    await correct(store, new_article(7).id, NOW + timedelta(hours=2), title="Seventh")
    await publish(store, config)
    assert titles(public / "atom.xml") == ["Better", "Seventh", "Story 6", "Story 5"]
    assert archives(public) == before
    await publish(store, config.model_copy(update={"output": config.output.model_copy(update={"directory": Path("x")})}))
    assert archives(tmp_path / "x") == before
    await go_live(store, new_article(8))
    await publish(store, config)
    assert titles(public / "archive/3/atom.xml") == ["Story 8", "Better", "Seventh"]


async def test_a_withdrawal_rewrites_the_document_and_leaves_a_tombstone(
    store: Store, tmp_path: Path, new_article: NewArticle
) -> None:
    """RFC 6721 in the feed; the article is in no file any more. Come back, it is issued again."""
    config, public = configured(tmp_path), tmp_path / "var/public"
    await go_live(store, *(new_article(n) for n in range(1, 8)))
    await publish(store, config)
    gone = new_article(2).id
    await set_status(store, gone, ArticleStatus.WITHDRAWN, NOW + timedelta(hours=1))
    await publish(store, config)
    assert titles(public / "archive/1/atom.xml") == ["Story 3", "Story 1"]
    assert not any(b"Story 2" in path.read_bytes() for path in public.rglob("*.*") if path.is_file())
    stone = f'<at:deleted-entry ref="urn:uuid:{gone}" when="2026-11-22T13:00:00+00:00"/>'
    assert stone.encode() in (public / "atom.xml").read_bytes()
    await set_status(store, gone, ArticleStatus.LIVE, NOW + timedelta(hours=2))
    await publish(store, config)
    assert titles(public / "atom.xml")[0] == "Story 2"
    assert titles(public / "archive/1/atom.xml") == ["Story 3", "Story 1"]
    assert b"deleted-entry" not in (public / "atom.xml").read_bytes()


async def test_unlisted_articles_leave_no_trace(store: Store, tmp_path: Path, new_article: NewArticle) -> None:
    """Neither an entry nor a tombstone, in no document."""
    config, public = configured(tmp_path), tmp_path / "var/public"
    await go_live(store, *(new_article(n) for n in range(1, 8)))
    await publish(store, config)
    await set_status(store, new_article(2).id, ArticleStatus.UNLISTED, NOW + timedelta(hours=1))
    await publish(store, config)
    ident = new_article(2).id.encode()
    assert not any(ident in path.read_bytes() or b"story-2" in path.read_bytes() for path in public.rglob("*.*") if path.is_file())


async def test_backfill_is_sealed_at_once_in_documents_of_its_own(
    store: Store, tmp_path: Path, new_article: NewArticle
) -> None:
    """In the order of its dates; in the feed only while there is room."""
    config, public = configured(tmp_path), tmp_path / "var/public"
    await go_live(store, new_article(20), new_article(21))
    await publish(store, config)
    await go_live(store, *(new_article(n, backfill=True) for n in (4, 2, 1, 3)))
    await publish(store, config)
    assert titles(public / "archive/1/atom.xml") == ["Story 3", "Story 2", "Story 1"]
    assert titles(public / "archive/2/atom.xml") == ["Story 4"]
    assert sorted(titles(public / "atom.xml")) == ["Story 20", "Story 21", "Story 4"]
    await go_live(store, new_article(22))
    await publish(store, config)
    assert titles(public / "atom.xml") == ["Story 22", "Story 21", "Story 20"]
    assert titles(public / "archive/3/atom.xml") == ["Story 22", "Story 21", "Story 20"]
    assert titles(public / "sections/news/atom.xml") == ["Story 22", "Story 21", "Story 20"]


#: (what happens, to which article); "read" is one step of the client, "publish" one run.
STEPS = st.lists(
    st.tuples(st.sampled_from(["new", "new", "backfill", "correct", "withdraw", "restore", "publish", "read"]), st.integers(0, 30)),
    max_size=40,
)


class Walker:
    """A client that reads the feed, then each document before the last one read."""

    def __init__(self, public: Path) -> None:
        self.public = public
        self.next: str | None = "atom.xml"
        self.met: set[str] = set()

    def read(self) -> None:
        if self.next is None:
            return
        path = self.public / self.next
        self.met |= {entry.id.removeprefix("urn:uuid:") for entry in feedparser.parse(path.read_bytes()).entries}
        before = links(path).get("prev-archive")
        self.next = before.removeprefix(f"{SITE}/") if before else None


async def act(store: Store, config: Settings, new: NewArticle, live: dict[str, bool], what: str, which: int, at: datetime) -> None:
    ident = list(live)[which % len(live)] if live else ""
    if what in ("new", "backfill"):
        article = new(len(live) + 1, backfill=what == "backfill")
        await go_live(store, article, at=at)
        live[article.id] = True
    elif what == "publish":
        await publish(store, config)
    elif what == "correct" and ident:
        await correct(store, ident, at, title=f"Corrected at {at:%H:%M}")
    elif ident and (what == "withdraw") == live[ident] and what in ("withdraw", "restore"):
        live[ident] = what == "restore"
        await set_status(store, ident, ArticleStatus.LIVE if live[ident] else ArticleStatus.WITHDRAWN, at)


async def walk(new: NewArticle, steps: list[tuple[str, int]], head: int, root: Path) -> None:
    store = await open_store("sqlite:///store.db", root=root)
    config, live = configured(root, 2), dict[str, bool]()
    for number in range(head):
        await act(store, config, new, live, "new", number, NOW)
    await publish(store, config)
    walker = Walker(root / "var/public")
    walker.read()
    throughout = {ident for ident, is_live in live.items() if is_live}
    for count, (what, which) in enumerate(steps):
        if what == "read":
            walker.read()
        else:
            await act(store, config, new, live, what, which, NOW + timedelta(minutes=count))
        throughout &= {ident for ident, is_live in live.items() if is_live}
    await publish(store, config)
    while walker.next:
        walker.read()
    await store.close()
    assert throughout <= walker.met


@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, head=st.integers(0, 9))
def test_a_walk_meets_every_live_article(new_article: NewArticle, steps: list[tuple[str, int]], head: int) -> None:
    """Whatever is published, corrected, withdrawn and restored meanwhile: all that was live from end to end."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(walk(new_article, steps, head, Path(folder)))


async def test_a_document_that_another_node_sealed_is_linked_from_this_ones_feed(
    store: Store, tmp_path: Path, new_article: NewArticle
) -> None:
    """Though no article changed; as when all is built anew."""
    mine, other = configured(tmp_path, items=5), configured(tmp_path / "other")
    await go_live(store, *(new_article(n) for n in range(1, 5)))
    await publish(store, mine)
    await publish(store, other)
    await publish(store, mine)
    public = tmp_path / "var/public"
    assert links(public / "atom.xml")["prev-archive"] == f"{SITE}/archive/1/atom.xml"
    before = (public / "atom.xml").read_bytes()
    await publish(store, mine, everything=True)
    assert (public / "atom.xml").read_bytes() == before


async def test_sealed_documents_follow_the_sites_address(any_store: Store, tmp_path: Path, new_article: NewArticle) -> None:
    """Those of what was corrected since too; what they say stays as it was."""
    config, public, new = configured(tmp_path), tmp_path / "var/public", "https://moved.example"
    link = f'<p><a href="{SITE}/about">About</a></p>'
    await follow(any_store, SITE, NOW)
    await go_live(any_store, *(new_article(n, content_html=link, image=f"{SITE}/images/{n}.jpg") for n in range(1, 8)))
    await publish(any_store, config)
    await correct(any_store, new_article(2).id, NOW + timedelta(hours=1), title="Better", content_html="<p>None.</p>", image="")
    # The first run with the new address comes before the articles follow.
    moved = config.model_copy(update={"site": Site(title="The Test Courier", url=new)})
    await publish(any_store, moved)
    await follow(any_store, new, NOW)
    await publish(any_store, moved)
    assert [path for path in public.rglob("*.*") if path.is_file() and SITE.encode() in path.read_bytes()] == []
    assert titles(public / "archive/1/atom.xml") == ["Story 3", "Story 2", "Story 1"]
    assert (public / "archive/1/atom.xml").read_bytes().count(f"{new}/about".encode()) == 3
    async with any_store.read() as tx:
        assert list(await archive.frozen(tx, 0, 10)) == [2]
