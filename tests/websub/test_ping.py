"""Hubs of others are told which feeds changed: each once for a change, durably, and without haste towards one that fails."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from publisher.feeds.publish import publish
from publisher.model import Article
from publisher.output import PublishReport
from publisher.store import articles, hub_pings
from publisher.urls import FEED_FILES
from tests.conftest import NewArticle
from tests.websub.conftest import SITE, Desk, Subscriber


@pytest.fixture
def pinging(desk: Desk, subscriber: Subscriber) -> Desk:
    """A hub of others at "/hub", known for a while."""
    desk.configure(ping=(f"{subscriber.url}/hub?key=1",))
    return desk


async def put(desk: Desk, *new: Article) -> PublishReport:
    """New articles, live, and the feeds that they stand in."""
    async with desk.store.write() as tx:
        for article in new:
            await articles.insert(tx, article, source_id=article.id, canonical_url=article.id, title_key=article.id)
        await articles.publish_due(tx, datetime(2027, 1, 1, tzinfo=UTC))
    report = await publish(desk.store, desk.settings)
    assert report.failed == 0
    return report


def feeds_of(report: PublishReport) -> list[str]:
    """What hubs are told of, of all that was written."""
    return [name for name in report.changed if name.rpartition("/")[2] in FEED_FILES]


def told(subscriber: Subscriber) -> list[dict[str, str]]:
    return [dict(parse_qsl(body.decode())) for body in subscriber.pushed("/hub")]


def urls_of(subscriber: Subscriber) -> list[str]:
    return sorted(form["hub.url"] for form in told(subscriber))


async def test_each_feed_that_changed_is_told(pinging: Desk, subscriber: Subscriber, new_article: NewArticle) -> None:
    """As the publish step reports them; nothing where nothing changed."""
    await pinging.settle()
    report = await put(pinging, new_article(1))
    assert {"rss.xml", "sections/news/feed.json"} <= set(report.changed)
    pinging.course.note(report)
    await pinging.settle()
    assert urls_of(subscriber) == sorted(f"{SITE}/{feed}" for feed in feeds_of(report))
    assert all(form == {"hub.mode": "publish", "hub.url": form["hub.url"]} for form in told(subscriber))
    assert subscriber.headers("/hub")["content-type"] == "application/x-www-form-urlencoded"
    assert subscriber.raw[0] == "POST /hub?key=1"
    count = len(told(subscriber))
    pinging.course.note(await put(pinging))
    await pinging.settle(timedelta(minutes=1))
    assert len(told(subscriber)) == count


async def test_pings_go_on_where_the_own_hub_is_off(pinging: Desk, subscriber: Subscriber, new_article: NewArticle) -> None:
    """The one has nothing to do with the other."""
    pinging.configure(enabled=False)
    await pinging.settle()
    pinging.course.note(await put(pinging, new_article(1)))
    await pinging.settle()
    assert f"{SITE}/atom.xml" in urls_of(subscriber)


async def test_what_was_written_before_the_end_is_told_after_the_start(
    pinging: Desk, subscriber: Subscriber, new_article: NewArticle
) -> None:
    """Killed between the writing of a file and its note: found by the times of the files; a new hub begins with now."""
    pinging.now = datetime.now(UTC)
    await put(pinging, new_article(1))
    await pinging.settle(timedelta(seconds=1))
    assert told(subscriber) == []
    await asyncio.sleep(3.2)  # what a file's own clock may lag, and a new hub's first moment
    report = await put(pinging, new_article(2))
    await pinging.restart()
    pinging.now = datetime.now(UTC)
    await pinging.settle()
    assert set(urls_of(subscriber)) == {f"{SITE}/{feed}" for feed in feeds_of(report)}


async def test_report_that_names_not_all_has_the_files_looked_at(
    pinging: Desk, subscriber: Subscriber, new_article: NewArticle
) -> None:
    """A rebuild of everything may write more files than a report holds."""
    pinging.now = datetime.now(UTC) - timedelta(seconds=5)
    await pinging.settle()
    report = await put(pinging, new_article(1))
    pinging.course.note(PublishReport(written=report.written, changed=report.changed[:1]))
    await pinging.settle()
    assert set(urls_of(subscriber)) >= {f"{SITE}/{feed}" for feed in feeds_of(report)}


@pytest.mark.parametrize("status", [307, 429, 500, 503])
async def test_hub_that_fails_is_left_alone_and_told_later(
    pinging: Desk, subscriber: Subscriber, new_article: NewArticle, status: int
) -> None:
    """Waits double; after a restart too; each feed is told once in the end, however often it changed."""
    await pinging.settle()
    subscriber.say("POST /hub", status, location=f"{subscriber.url}/other")
    report = await put(pinging, new_article(1))
    pinging.course.note(report)
    await pinging.settle()
    first = len(told(subscriber))
    assert 1 <= first <= 4
    pinging.course.note(await put(pinging, new_article(2)))
    await pinging.settle(timedelta(seconds=1))
    await pinging.restart()
    await pinging.settle()
    assert len(told(subscriber)) == first
    subscriber.say("POST /hub", 202)
    await pinging.settle(timedelta(seconds=1))
    assert len(told(subscriber)) > first
    assert set(urls_of(subscriber)) == {f"{SITE}/{feed}" for feed in feeds_of(report)}
    async with pinging.store.read() as tx:
        assert await hub_pings.waiting(tx) == {}
        (peer,) = (await hub_pings.peers(tx)).values()
    assert (peer.reason, peer.retry_at) == ("", None)
    assert subscriber.pushed("/other") == []


async def test_hub_that_refuses_is_not_told_again(pinging: Desk, subscriber: Subscriber, new_article: NewArticle) -> None:
    """400 is its last word on this change; the reason is kept."""
    await pinging.settle()
    subscriber.say("POST /hub", 400)
    report = await put(pinging, new_article(1))
    pinging.course.note(report)
    await pinging.settle()
    await pinging.settle(timedelta(hours=1))
    assert len(told(subscriber)) == len(feeds_of(report))
    async with pinging.store.read() as tx:
        (peer,) = (await hub_pings.peers(tx)).values()
    assert peer.reason == "it answers 400"


async def test_one_hub_keeps_no_other_waiting(pinging: Desk, subscriber: Subscriber, new_article: NewArticle) -> None:
    """One hangs, the other is told all."""
    hanging = asyncio.Event()

    async def act(request: object) -> object:
        del request
        await hanging.wait()
        raise AssertionError

    subscriber.acts["POST /slow"] = act  # type: ignore[assignment]
    pinging.configure(ping=(f"{subscriber.url}/slow", f"{subscriber.url}/hub"))
    await pinging.turn()
    report = await put(pinging, new_article(1))
    pinging.course.note(report)
    async with asyncio.timeout(30):
        while len(told(subscriber)) < len(feeds_of(report)):
            await pinging.turn()
            await asyncio.sleep(0.02)
    await pinging.restart()


async def test_private_hub_is_refused_unless_allowed(pinging: Desk, subscriber: Subscriber, new_article: NewArticle) -> None:
    """By the same guard."""
    pinging.configure(allow_private=False)
    await pinging.settle()
    pinging.course.note(await put(pinging, new_article(1)))
    await pinging.settle()
    assert subscriber.seen == []
    async with pinging.store.read() as tx:
        (peer,) = (await hub_pings.peers(tx)).values()
    assert "no public address" in peer.reason
