"""The step that writes feeds, on a real store and a real folder."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest

from publisher.config import Settings
from publisher.feeds.publish import publish
from publisher.model import Article, ArticleStatus
from publisher.output import PublishReport
from publisher.settings import Feeds, Site
from publisher.store import articles
from publisher.store.engine import Store

NewArticle = Callable[..., Article]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
THREE = ("rss.xml", "atom.xml", "feed.json")
#: What leads to articles and feeds: written with every change, and new bytes or not.
GUIDES = ("feeds.opml", "news-sitemap.xml", "robots.txt", "sitemap.xml", "sitemaps/lists.xml")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path, site=Site(title="The Test Courier", url="https://news.example"))


@pytest.fixture
def public(settings: Settings) -> Path:
    return settings.path(settings.output.directory)


async def go_live(store: Store, *new: Article) -> None:
    async with store.write() as tx:
        for article in new:
            await articles.insert(tx, article)
        await articles.publish_due(tx, NOW)


async def correct(store: Store, article: Article, **fields: object) -> None:
    async with store.write() as tx:
        found = await articles.get(tx, article.id)
        assert found is not None
        await articles.update(tx, replace(found, **fields), NOW + timedelta(hours=1))  # type: ignore[arg-type]  # any field


def tree(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*") if path.is_file() and ".publisher" not in path.parts
    }


def titles(path: Path) -> list[str]:
    return [entry.title for entry in feedparser.parse(path.read_bytes()).entries]


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """No file of this process can grow past `size` bytes: to a writer much as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_site_and_sections_get_three_feeds_each(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """Every live article stands in the site's feeds and in those of its section, newest first."""
    await go_live(store, new_article(1), new_article(2, section="Culture"), new_article(3))
    report = await publish(store, settings)
    assert report == PublishReport(written=3 * (1 + 2 + 1 + 1) + len(GUIDES) + 1)  # a tag, an author, a sitemap
    for folder, expected in (("", ["Story 3", "Story 2", "Story 1"]), ("sections/news/", ["Story 3", "Story 1"])):
        assert titles(public / folder / "rss.xml") == expected
        assert titles(public / folder / "atom.xml") == expected
        assert [item["title"] for item in json.loads((public / folder / "feed.json").read_text())["items"]] == expected
    assert titles(public / "sections/culture/rss.xml") == ["Story 2"]


async def test_feeds_stand_before_the_first_article(store: Store, settings: Settings, public: Path) -> None:
    """A reader may subscribe on the first day."""
    await publish(store, settings)
    assert sorted(tree(public)) == sorted((*THREE, *GUIDES))


async def test_I7_building_twice_rewrites_nothing(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """Not even the modification time, and also when all is built."""
    await go_live(store, new_article(1), new_article(2))
    await publish(store, settings)
    before = {path: path.stat().st_mtime_ns for path in public.rglob("*.*")}
    assert await publish(store, settings) == PublishReport()
    assert await publish(store, settings, everything=True) == PublishReport(unchanged=18)
    assert {path: path.stat().st_mtime_ns for path in public.rglob("*.*")} == before


async def test_last_modified_is_the_newest_change(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """The same on every node, and never now."""
    await go_live(store, new_article(1))
    await publish(store, settings)
    assert (public / "rss.xml").stat().st_mtime == NOW.timestamp()


async def test_I1_ids_survive_a_title_change(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """Readers do not meet a corrected article as a new one."""
    await go_live(store, new_article(1))
    await publish(store, settings)
    before = feedparser.parse((public / "rss.xml").read_bytes()).entries[0]
    await correct(store, new_article(1), title="Quite another title")
    await publish(store, settings)
    after = feedparser.parse((public / "rss.xml").read_bytes()).entries[0]
    assert (after.title, after.id, after.link) == ("Quite another title", before.id, before.link)


async def test_I8_only_touched_feeds_are_built(store: Store, settings: Settings, new_article: NewArticle) -> None:
    """One more article means the feeds of the site and of its own section, tag and author, however many there are."""
    await go_live(store, *(new_article(n, section=f"S {n}", tags=(f"T {n}",), authors=(f"A {n}",)) for n in range(1, 30)))
    await publish(store, settings)
    await go_live(store, new_article(50, section="S 7", tags=("T 8",), authors=("A 9",)))
    # Beside them the two sitemaps in which it stands.
    assert await publish(store, settings) == PublishReport(written=12 + 2, unchanged=len(GUIDES) - 1)


async def test_a_move_to_another_section_touches_both(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """The feeds of a section that is empty now are gone."""
    await go_live(store, new_article(1, section="News"), new_article(2, section="Culture"))
    await publish(store, settings)
    await correct(store, new_article(1), section="Culture")
    assert (await publish(store, settings)).removed == 3
    assert titles(public / "sections/culture/rss.xml") == ["Story 2", "Story 1"]
    assert not (public / "sections/news").exists()


async def test_withdrawn_articles_leave_the_feeds(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """And come back in their old place when restored; Last-Modified never goes back."""
    await go_live(store, new_article(1), new_article(2), new_article(3))
    await publish(store, settings)
    first = (public / "rss.xml").stat().st_mtime
    async with store.write() as tx:
        await articles.set_status(tx, new_article(2).id, ArticleStatus.WITHDRAWN, NOW + timedelta(hours=1))
    await publish(store, settings)
    assert titles(public / "rss.xml") == ["Story 3", "Story 1"]
    assert (public / "rss.xml").stat().st_mtime > first
    async with store.write() as tx:
        await articles.set_status(tx, new_article(2).id, ArticleStatus.LIVE, NOW + timedelta(hours=2))
    await publish(store, settings)
    assert titles(public / "rss.xml") == ["Story 3", "Story 2", "Story 1"]


@pytest.mark.parametrize("status", [ArticleStatus.DRAFT, ArticleStatus.UNLISTED])
async def test_what_is_not_public_stands_in_no_feed(
    store: Store, settings: Settings, public: Path, new_article: NewArticle, status: ArticleStatus
) -> None:
    """Drafts and unlisted articles touch nothing."""
    await go_live(store, new_article(1))
    await publish(store, settings)
    await go_live(store, new_article(2, status=status))
    assert await publish(store, settings) == PublishReport()
    assert titles(public / "rss.xml") == ["Story 1"]


async def test_feeds_hold_so_many_items(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """As configured; another number rebuilds them without being told."""
    await go_live(store, *(new_article(n) for n in range(1, 8)))
    await publish(store, settings)
    fewer = settings.model_copy(update={"feeds": Feeds(items=3)})
    await publish(store, fewer)
    assert titles(public / "atom.xml") == ["Story 7", "Story 6", "Story 5"]


async def test_lost_files_come_back(store: Store, settings: Settings, public: Path, new_article: NewArticle) -> None:
    """Also when the mark survived them."""
    await go_live(store, new_article(1))
    await publish(store, settings)
    (public / "feed.json").unlink()
    await publish(store, settings)
    assert (public / "feed.json").is_file()


async def test_a_full_disk_keeps_the_old_feed_whole_and_is_tried_again(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """The failure is in the report; once there is room the next run writes what is missing."""
    await go_live(store, new_article(1))
    await publish(store, settings)
    before = tree(public)
    await go_live(store, new_article(2, content_html=f"<p>{'word ' * 40_000}</p>"))
    with files_limited_to(100_000):
        report = await publish(store, settings)
    assert report.failed == 12
    assert "File too large" in report.faults[0]
    assert {name: data for name, data in tree(public).items() if "map" not in name} == {
        name: data for name, data in before.items() if "map" not in name
    }
    report = await publish(store, settings)
    assert (report.written, report.failed) == (12, 0)
    assert titles(public / "rss.xml") == ["Story 2", "Story 1"]


async def test_I12_one_unwritable_feed_stops_no_other(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """A folder stands where the Atom feed belongs: the others are written."""
    (public / "atom.xml").mkdir(parents=True)
    await go_live(store, new_article(1))
    report = await publish(store, settings)
    assert (report.written, report.failed) == (17, 1)
    (public / "atom.xml").rmdir()
    report = await publish(store, settings)
    assert (report.written, report.unchanged, report.failed) == (1, 17, 0)


async def test_I12_a_bad_article_is_left_out_and_named(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """An id that XML cannot hold: the feeds stand without it, and it is no reason to try for ever."""
    await go_live(store, new_article(1), new_article(2, id="bad \x01 id"), new_article(3))
    report = await publish(store, settings)
    assert (report.written, report.failed, report.skipped) == (18, 0, 4)
    assert all("article bad \x01 id left out" in fault for fault in report.faults)
    assert titles(public / "rss.xml") == titles(public / "atom.xml") == ["Story 3", "Story 1"]
    assert await publish(store, settings) == PublishReport()


async def test_a_whole_build_removes_feeds_of_sections_that_are_no_more(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """As after another store was put in place."""
    await go_live(store, new_article(1))
    await publish(store, settings)
    (public / "sections/old").mkdir()
    for name in THREE:
        (public / "sections/old" / name).write_text("old")
    assert (await publish(store, settings, everything=True)).removed == 3
    assert not (public / "sections/old").exists()


async def test_progress_ends_at_its_total(store: Store, settings: Settings, new_article: NewArticle) -> None:
    """Each list counts once."""
    seen: list[tuple[int, int]] = []
    await go_live(store, new_article(1), new_article(2, section="Culture"))
    await publish(store, settings, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 5) for done in range(1, 6)]
