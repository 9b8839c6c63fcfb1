"""The step that writes pages, on a real store and a real folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from publisher.config import Settings
from publisher.model import Article, ArticleStatus
from publisher.output import PublishReport
from publisher.settings import Site
from publisher.site.publish import publish
from publisher.store import articles
from publisher.store.engine import Store
from publisher.templating import Templates

NewArticle = Callable[..., Article]
ARCHIVE = ("archive/index.html", "archive/pages/1/index.html")
AUTHOR, TAG = "authors/ada-byrne/index.html", "tags/harbour/index.html"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEMPLATES = Templates()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        root=tmp_path, site=Site(title="The Test Courier", url="https://news.example", timezone="America/New_York")
    )


@pytest.fixture
def public(settings: Settings) -> Path:
    return settings.path(settings.output.directory)


async def go_live(store: Store, *new: Article) -> None:
    async with store.write() as tx:
        for article in new:
            await articles.insert(tx, article)
        await articles.publish_due(tx, NOW)


async def set_status(store: Store, article: Article, status: ArticleStatus, hours: int = 1) -> None:
    async with store.write() as tx:
        await articles.set_status(tx, article.id, status, NOW + timedelta(hours=hours))


def files(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*.html"))


async def test_home_sections_and_articles_are_written(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """An unlisted article has a page, and stands in no list; a draft has none."""
    await go_live(
        store, new_article(1), new_article(2, section="Culture"), new_article(3, status=ArticleStatus.UNLISTED),
        new_article(4, status=ArticleStatus.DRAFT),
    )
    report = await publish(store, settings, TEMPLATES)
    assert files(public) == [
        *ARCHIVE, "articles/story-1.html", "articles/story-2.html", "articles/story-3.html", AUTHOR, "index.html",
        "sections/culture/index.html", "sections/news/index.html", TAG,
    ]
    assert report == PublishReport(written=6 + 4)  # a tag, an author, the archive
    assert "Story 3" not in (public / "index.html").read_text()


async def test_I7_building_twice_rewrites_nothing(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """Not even the modification time, which is that of the newest change."""
    await go_live(store, new_article(1))
    await publish(store, settings, TEMPLATES)
    before = {path: path.stat().st_mtime_ns for path in public.rglob("*.*")}
    assert await publish(store, settings, TEMPLATES) == PublishReport()
    assert await publish(store, settings, TEMPLATES, everything=True) == PublishReport(unchanged=7)
    assert {path: path.stat().st_mtime_ns for path in public.rglob("*.*")} == before
    assert (public / "index.html").stat().st_mtime == NOW.timestamp()


async def test_I8_one_more_article_means_three_pages(
    store: Store, settings: Settings, new_article: NewArticle
) -> None:
    """Its own, the home page, its section's: however many there are."""
    await go_live(store, *(new_article(n, section=f"Section {n % 9}") for n in range(1, 60)))
    await publish(store, settings, TEMPLATES)
    await go_live(store, new_article(100, section="Section 7"))
    assert await publish(store, settings, TEMPLATES) == PublishReport(written=3 + 4)


async def test_a_new_section_appears_in_every_list(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """Article pages name only their own section, so no archive is rebuilt for it."""
    await go_live(store, new_article(1))
    await publish(store, settings, TEMPLATES)
    await go_live(store, new_article(2, section="Culture"))
    report = await publish(store, settings, TEMPLATES)
    assert report == PublishReport(written=4 + 4)
    assert "/sections/culture/" in (public / "sections/news/index.html").read_text()
    assert "/sections/culture/" not in (public / "articles/story-1.html").read_text()


async def test_withdrawn_articles_disappear(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """The page goes, the lists forget it; restored, all comes back."""
    await go_live(store, new_article(1), new_article(2, section="Culture"))
    await publish(store, settings, TEMPLATES)
    await set_status(store, new_article(2), ArticleStatus.WITHDRAWN)
    await publish(store, settings, TEMPLATES)
    assert files(public) == [
        *ARCHIVE, "articles/story-1.html", AUTHOR, "index.html", "sections/news/index.html", TAG,
    ]
    assert not (public / "sections/culture").exists()
    assert "Story 2" not in (public / "index.html").read_text()
    await set_status(store, new_article(2), ArticleStatus.LIVE, 2)
    await publish(store, settings, TEMPLATES)
    assert len(files(public)) == 9


async def test_a_correction_reaches_page_and_lists(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """At the same address."""
    await go_live(store, new_article(1))
    await publish(store, settings, TEMPLATES)
    async with store.write() as tx:
        found = await articles.get(tx, new_article(1).id)
        assert found is not None
        await articles.update(tx, replace(found, title="Corrected", section="Town"), NOW + timedelta(hours=1))
    await publish(store, settings, TEMPLATES)
    assert files(public) == [*ARCHIVE, "articles/story-1.html", AUTHOR, "index.html", "sections/town/index.html", TAG]
    assert all("Corrected" in (public / name).read_text() for name in files(public))


async def test_another_template_rebuilds_all(
    store: Store, settings: Settings, public: Path, new_article: NewArticle, tmp_path: Path
) -> None:
    """A site's own template takes effect without being told; so does another title of the site."""
    await go_live(store, new_article(1))
    await publish(store, settings, TEMPLATES)
    own = tmp_path / "own"
    (own / "site").mkdir(parents=True)
    (own / "site/home.html").write_text("<p>{{ stories|length }} of {{ site.title }}</p>")
    assert (await publish(store, settings, Templates(own))).written == 1
    assert (public / "index.html").read_text() == "<p>1 of The Test Courier</p>"
    renamed = settings.model_copy(update={"site": Site(title="The Other", url="https://news.example")})
    assert (await publish(store, renamed, Templates(own))).written == 7


async def test_I12_an_article_that_cannot_be_shown_costs_only_itself(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """A date that its zone cannot tell: named in the report, left out, and not tried for ever."""
    bad = new_article(2, published_at=datetime(1, 1, 1, tzinfo=UTC))
    await go_live(store, new_article(1), bad, new_article(3))
    report = await publish(store, settings, TEMPLATES)
    assert (report.failed, report.skipped) == (0, 7)
    assert all(bad.id in fault or bad.slug in fault for fault in report.faults)
    assert files(public) == [
        *ARCHIVE, "articles/story-1.html", "articles/story-3.html", AUTHOR, "index.html", "sections/news/index.html", TAG,
    ]
    assert await publish(store, settings, TEMPLATES) == PublishReport()


async def test_a_page_that_cannot_be_written_is_tried_again(
    store: Store, settings: Settings, public: Path, new_article: NewArticle
) -> None:
    """A folder stands in its place: the other pages are written, and the next run writes this one."""
    (public / "articles/story-1.html").mkdir(parents=True)
    await go_live(store, new_article(1), new_article(2))
    report = await publish(store, settings, TEMPLATES)
    assert (report.written, report.failed) == (7, 1)
    (public / "articles/story-1.html").rmdir()
    report = await publish(store, settings, TEMPLATES)
    assert (report.written, report.unchanged, report.failed) == (1, 7, 0)


async def test_a_broken_template_leaves_the_old_pages(
    store: Store, settings: Settings, public: Path, new_article: NewArticle, tmp_path: Path
) -> None:
    """The report names template and line."""
    await go_live(store, new_article(1))
    await publish(store, settings, TEMPLATES)
    before = (public / "index.html").read_bytes()
    (tmp_path / "own/site").mkdir(parents=True)
    (tmp_path / "own/site/home.html").write_text("\n{{ nothing }}")
    report = await publish(store, settings, Templates(tmp_path / "own"))
    assert report.failed == 1
    assert "template site/home.html" in report.faults[0]
    assert (public / "index.html").read_bytes() == before


async def test_progress_goes_by_changes(store: Store, settings: Settings, new_article: NewArticle) -> None:
    """In batches, up to its total."""
    seen: list[tuple[int, int]] = []
    await go_live(store, *(new_article(n) for n in range(1, 251)))
    await publish(store, settings, TEMPLATES, progress=lambda done, total: seen.append((done, total)))
    assert len(seen) > 1
    assert seen[-1][0] == seen[-1][1]
    assert seen == sorted(seen)
