"""Pictures as files of the site, on a real store and a real folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from publisher.config import Settings
from publisher.feeds.publish import publish as publish_feeds
from publisher.model import Article, ArticleStatus, Picture
from publisher.output import PublishReport
from publisher.settings import Site
from publisher.site.pictures import names
from publisher.site.publish import publish
from publisher.store import articles, pictures
from publisher.store.engine import Store
from publisher.templating import Templates

NewArticle = Callable[..., Article]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEMPLATES = Templates()
BOAT = Picture("boat-0123456789ab.jpg", "image/jpeg", 640, 480, b"a boat")
SEA = Picture("sea-ba9876543210.png", "image/png", 640, 480, b"the sea")
IMAGES = "https://news.example/daily/images/"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path, site=Site(title="The Test Courier", url="https://news.example/daily"))


@pytest.fixture
def public(settings: Settings) -> Path:
    return settings.path(settings.output.directory)


@pytest.fixture
async def illustrated(store: Store, new_article: NewArticle) -> Article:
    """An article with a lead picture, and another in its text."""
    article = new_article(
        1, image=IMAGES + BOAT.name, caption="A boat",
        content_html=f'<p>See:</p><p><img src="{IMAGES}{SEA.name}" alt="" width="640" height="480"></p>',
    )
    async with store.write() as tx:
        await pictures.put(tx, BOAT)
        await pictures.put(tx, SEA)
        await articles.insert(tx, article)
        await articles.publish_due(tx, NOW)
    return article


def files(public: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((public / "images").glob("*"))}


@pytest.mark.usefixtures("illustrated")
async def test_pictures_are_written_once(store: Store, settings: Settings, public: Path) -> None:
    """With the pages that show them; one that is there is not looked at again, one that is gone comes back."""
    assert await publish(store, settings, TEMPLATES) == PublishReport(written=9)
    assert files(public) == {BOAT.name: BOAT.content, SEA.name: SEA.content}
    assert await publish(store, settings, TEMPLATES, everything=True) == PublishReport(unchanged=7)
    (public / "images" / SEA.name).unlink()
    assert await publish(store, settings, TEMPLATES, everything=True) == PublishReport(written=1, unchanged=7)
    assert files(public)[SEA.name] == SEA.content


@pytest.mark.usefixtures("illustrated")
async def test_pages_show_our_pictures_under_any_host(store: Store, settings: Settings, public: Path) -> None:
    """Their addresses are without host, but for machines that need one; those of others stay as they are."""
    await publish(store, settings, TEMPLATES)
    page = (public / "articles/story-1.html").read_text()
    assert f'<img src="/daily/images/{BOAT.name}" alt="A boat" width="640" height="480">' in page
    assert f'<img src="/daily/images/{SEA.name}" alt="" width="640" height="480">' in page
    assert f'<meta property="og:image" content="{IMAGES}{BOAT.name}">' in page
    assert f'"image": ["{IMAGES}{BOAT.name}"]' in page
    assert f'<img src="/daily/images/{BOAT.name}" alt="">' in (public / "index.html").read_text()


@pytest.mark.usefixtures("illustrated")
async def test_feeds_tell_absolute_addresses(store: Store, settings: Settings, public: Path) -> None:
    """Readers resolve nothing."""
    await publish_feeds(store, settings)
    for name in ("rss.xml", "atom.xml", "feed.json"):
        text = (public / name).read_text()
        assert IMAGES + BOAT.name in text
        assert IMAGES + SEA.name in text


async def test_draft_keeps_its_pictures_to_itself(store: Store, settings: Settings, public: Path, new_article: NewArticle) -> None:
    """Nothing of an article is public before it is."""
    async with store.write() as tx:
        await pictures.put(tx, BOAT)
        await articles.insert(tx, new_article(1, status=ArticleStatus.DRAFT, image=IMAGES + BOAT.name))
    await publish(store, settings, TEMPLATES)
    assert files(public) == {}


async def test_withdrawn_article_takes_its_pictures_along(
    store: Store, settings: Settings, public: Path, new_article: NewArticle, illustrated: Article
) -> None:
    """But not those that another page shows."""
    async with store.write() as tx:
        await articles.insert(tx, new_article(2, image=IMAGES + SEA.name))
        await articles.publish_due(tx, NOW)
    await publish(store, settings, TEMPLATES)
    assert set(files(public)) == {BOAT.name, SEA.name}
    async with store.write() as tx:
        await articles.set_status(tx, illustrated.id, ArticleStatus.WITHDRAWN, NOW + timedelta(hours=1))
    await publish(store, settings, TEMPLATES)
    assert set(files(public)) == {SEA.name}


def test_only_names_that_ours_have_are_read(new_article: NewArticle) -> None:
    """Whatever stands in an address."""
    article = replace(
        new_article(1), image="https://x.example/images/../../a-0123456789ab.jpg",
        content_html='<img src="/images/b-0123456789ab.png"><img src="/images/c.png">'
        '<img src="/images/d-0123456789ab.png.exe"><img src="/images/sub/e-0123456789ab.gif">',
    )
    assert names(article) == ["b-0123456789ab.png"]
