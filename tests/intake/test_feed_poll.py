"""Feeds of others, from a real server into a real store: nothing lost, nothing doubled, nobody bothered."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from publisher.config import Settings
from publisher.http import Limits
from publisher.intake import feed_poll, feed_take
from publisher.intake.commit import commit
from publisher.intake.record import CAPPED, HELD
from publisher.model import Article, ArticleStatus, Document, DocumentResult, DocumentState
from publisher.settings import Site, Source
from publisher.source_state import SourceState
from publisher.store import articles, documents, engine, sources, versions
from publisher.store.engine import Store, open_store

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIMITS = Limits(body=1_000_000, total=3.0, idle=1.0)
WORDS = (
    "harbour", "ferry", "office", "morning", "council", "bridge", "winter", "school", "traffic", "storm", "market",
    "village", "engine", "letter", "garden",
)


def text(seed: int) -> str:
    """A paragraph that shares little with that of another seed."""
    return " ".join(WORDS[(seed * 7 + i * (seed % 5 + 1)) % len(WORDS)] + str(seed) for i in range(40))


def item(number: int, **more: str) -> str:
    """One item; any of its parts can be given another value, or none."""
    parts = {
        "guid": f"id-{number}", "title": f"Story number {number}", "link": f"https://news.example.org/{number}",
        "description": f"&lt;p&gt;{text(number)}&lt;/p&gt;", "pubDate": format_datetime(NOON - timedelta(hours=number)),
    } | more
    return "<item>" + "".join(f"<{name}>{value}</{name}>" for name, value in parts.items() if value) + "</item>"


def rss(*items: str) -> str:
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{"".join(items)}</channel></rss>'


class Reader:
    """A store, a clock, and somebody who polls one feed of the test's server."""

    def __init__(self, store: Store, root: Path, peer: Any, *paths: str, **source: Any) -> None:
        self.store, self.peer, self.now = store, peer, NOON
        given: dict[str, Any] = {"kind": "feed", "allow_private": True, **source}
        self.sources = tuple(Source(**given, url=peer.url + path) for path in paths or ("/feed",))
        self.settings = Settings(root=root, source=self.sources, site=Site(language="en-GB"))
        self.jitter = 0.0

    async def poll(self, *, later: timedelta = timedelta(minutes=20), **more: Any) -> list[DocumentResult]:
        self.now += later
        return await feed_poll.poll(
            self.store, self.settings, now=lambda: self.now, jitter=lambda: self.jitter, limits=LIMITS, **more
        )

    async def statuses(self, **more: Any) -> dict[str, str]:
        return {row.path: row.status for row in await self.poll(**more)}

    async def state(self, number: int = 0) -> SourceState:
        async with self.store.read() as tx:
            return await sources.get(tx, self.sources[number].name)

    async def live(self) -> list[Article]:
        async with self.store.read() as tx:
            return await articles.newest(tx, 1000)

    async def rejected(self) -> list[Document]:
        async with self.store.read() as tx:
            return [d for d in await documents.list_documents(tx, DocumentState.REJECTED) if d.present]


NewReader = Callable[..., Reader]


@pytest.fixture
def reader(store: Store, tmp_path: Path, peer: Any) -> NewReader:
    return lambda *paths, **source: Reader(store, tmp_path, peer, *paths, **source)


# --- what comes in ---------------------------------------------------------------------------------------------------


async def test_first_fetch_is_backfill_in_the_order_of_its_dates(reader: NewReader, peer: Any) -> None:
    """Live, never mailed, the oldest first; what comes later is news."""
    desk = reader()
    peer.say("/feed", rss(item(1), item(3), item(2)))
    assert await desk.statuses() == {"id-1": "added", "id-3": "added", "id-2": "added"}
    assert [(a.title, a.backfill, a.status) for a in await desk.live()] == [
        (f"Story number {n}", True, ArticleStatus.LIVE) for n in (1, 2, 3)
    ]
    peer.say("/feed", rss(item(4, pubDate=""), item(1)))
    assert await desk.statuses() == {"id-4": "added", "id-1": "unchanged"}
    newest = (await desk.live())[0]
    assert (newest.title, newest.backfill, newest.published_at) == ("Story number 4", False, desk.now)
    async with desk.store.read() as tx:
        assert [a.title for a in await articles.window(tx, 0, 100)] == ["Story number 4"]


async def test_backfill_is_news_where_it_is_configured_so(reader: NewReader, peer: Any) -> None:
    """`backfill = "mail"`."""
    desk = reader(backfill="mail")
    peer.say("/feed", rss(item(1)))
    await desk.poll()
    assert [a.backfill for a in await desk.live()] == [False]


async def test_date_that_cannot_be_meant_is_passed_over(reader: NewReader, peer: Any) -> None:
    """An item of the next century comes out now, and its document says why."""
    desk = reader()
    peer.say("/feed", rss(item(1, pubDate="Thu, 01 Jan 2099 00:00:00 GMT"), item(2, pubDate="Thu, 01 Jan 1970 00:00:00 GMT")))
    await desk.poll()
    assert [article.published_at for article in await desk.live()] == [desk.now] * 2
    async with desk.store.read() as tx:
        found = await documents.all_of(tx, desk.sources[0].name)
    assert all("cannot be meant" in document.reason for document in found.values())


async def test_failure_before_the_first_success_leaves_the_backfill_one(reader: NewReader, peer: Any) -> None:
    """What counts is what the feed held when it was first read."""
    desk = reader()
    peer.say("/feed", status=500)
    await desk.poll()
    peer.say("/feed", rss(item(1)))
    await desk.poll()
    assert [a.backfill for a in await desk.live()] == [True]


async def test_edit_is_a_correction(reader: NewReader, peer: Any) -> None:
    """The same article, its date of publication fixed whatever the entry says, its version kept."""
    desk = reader()
    peer.say("/feed", rss(item(1)))
    await desk.poll()
    (before,) = await desk.live()
    peer.say("/feed", rss(item(1, title="Story number 1, corrected", pubDate=format_datetime(NOON + timedelta(days=3)))))
    assert await desk.statuses() == {"id-1": "updated"}
    (after,) = await desk.live()
    assert (after.id, after.seq, after.slug, after.published_at) == (before.id, before.seq, before.slug, before.published_at)
    assert (after.title, after.updated_at) == ("Story number 1, corrected", desk.now)


@pytest.mark.parametrize(
    "change",
    [
        {"guid": "other"}, {"guid": ""}, {"link": "https://news.example.org/moved"}, {"link": "http://www.news.example.org/1/?utm_source=x#top"},
        {"guid": "other", "link": "https://news.example.org/moved"},
    ],
)
async def test_article_whose_id_or_address_changes_stays_one(reader: NewReader, peer: Any, change: dict[str, str]) -> None:
    """By the other of the two, or by its text where both changed."""
    desk = reader()
    peer.say("/feed", rss(item(1), item(2)))
    await desk.poll()
    peer.say("/feed", rss(item(1, **change), item(2)))
    rows = await desk.poll()
    assert "added" not in {row.status for row in rows}
    assert len(await desk.live()) == 2


async def test_entries_of_one_fetch_stay_apart(reader: NewReader, peer: Any) -> None:
    """Same words, other ids: both are there together, so they are two."""
    desk = reader()
    peer.say("/feed", rss(*(item(1, guid=f"g{n}", link=f"https://news.example.org/weather/{n}", title="Weather") for n in range(5))))
    assert set((await desk.statuses()).values()) == {"added"}
    assert len(await desk.live()) == 5


async def test_entries_that_fall_off_the_end_stay_articles(reader: NewReader, peer: Any) -> None:
    """A feed shows its newest; what is gone from it is not gone from here, and is known when it comes back."""
    desk = reader()
    for first in range(1, 10, 3):
        peer.say("/feed", rss(*(item(n) for n in range(first, first + 5))))
        await desk.poll()
    assert len(await desk.live()) == 11
    peer.say("/feed", rss(item(1)))
    assert await desk.statuses() == {"id-1": "unchanged"}
    async with desk.store.read() as tx:
        assert list(await documents.present(tx, desk.sources[0].name)) == ["id-1"]


async def test_repeated_id_is_one_article_and_is_said(reader: NewReader, peer: Any) -> None:
    """The first counts, at each fetch again; the second stands among the rejected until it is gone."""
    desk = reader()
    peer.say("/feed", rss(item(1), item(2, guid="id-1")))
    for _ in range(2):
        rows = await desk.poll()
        assert {row.path: row.reason[:30] for row in rows} == {"id-1": "", "id-1 (2)": "the feed gives this id to seve"}
    assert [a.title for a in await desk.live()] == ["Story number 1"]
    assert [d.path for d in await desk.rejected()] == ["id-1 (2)"]
    peer.say("/feed", rss(item(1)))
    await desk.poll()
    assert await desk.rejected() == []


async def test_broken_entry_stops_no_other(reader: NewReader, peer: Any) -> None:
    """It is refused with its reason, and accepted once it is mended (I12)."""
    desk = reader()
    peer.say("/feed", rss(item(1), "<item><guid>bad</guid></item>", item(2)))
    assert await desk.statuses() == {"id-1": "added", "bad": "rejected", "id-2": "added"}
    (document,) = await desk.rejected()
    assert (document.path, document.reason) == ("bad", "it holds neither title nor text")
    assert [row.path for row in await desk.poll(brief=True)] == []
    peer.say("/feed", rss(item(1), item(3, guid="bad")))
    assert await desk.statuses() == {"id-1": "unchanged", "bad": "added"}


async def test_future_date_schedules(reader: NewReader, peer: Any) -> None:
    """An entry that is dated tomorrow is not live before."""
    desk = reader()
    peer.say("/feed", rss(item(1, pubDate=format_datetime(NOON + timedelta(days=1)))))
    await desk.poll()
    assert await desk.live() == []
    await desk.poll(later=timedelta(days=2))
    peer.say("/feed", rss(item(2)))
    await desk.poll()
    assert len(await desk.live()) == 2


async def test_json_feed_and_utf_16_come_in_the_same_way(reader: NewReader, peer: Any) -> None:
    """Whatever the form, the encoding, and the type that the server names."""
    desk = reader("/json", "/wide", "/typed")
    peer.say("/json", '{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "j", "content_text": "From JSON."}]}', Content_Type="text/plain")
    peer.say("/wide", rss(item(1, title="Fähre")).replace("<?xml ", '<?xml encoding="utf-16" ').encode("utf-16"), Content_Type="text/xml; charset=utf-16")
    peer.say("/typed", rss(item(2)), Content_Type="image/png")
    assert set((await desk.statuses()).values()) == {"added"}
    assert {a.title for a in await desk.live()} == {"From JSON.", "Fähre", "Story number 2"}


# --- changes without end ---------------------------------------------------------------------------------------------


async def test_addresses_that_rotate_make_no_endless_corrections(reader: NewReader, peer: Any) -> None:
    """A few a day at most, and it is said; the newest is taken when the day has passed."""
    desk = reader()
    updates = 0
    rows: list[DocumentResult] = []
    for fetch in range(40):
        picture = f"&lt;p&gt;{text(1)}&lt;/p&gt;&lt;img src='https://cdn.example/{fetch}.jpg'&gt;"
        peer.say("/feed", rss(item(1, description=picture)))
        rows = await desk.poll()
        updates += rows[0].status == "updated"
    assert updates == 2
    assert (rows[0].status, rows[0].reason) == ("unchanged", HELD)
    assert await desk.poll(brief=True) == []
    assert (await desk.statuses(later=timedelta(days=1)))["id-1"] == "updated"
    assert "39.jpg" in (await desk.live())[0].content_html
    assert [row.reason for row in await desk.poll()] == [""]


async def test_ids_and_links_that_rotate_make_no_new_articles(reader: NewReader, peer: Any) -> None:
    """Known by title and text; and capped as well."""
    desk = reader()
    for fetch in range(12):
        peer.say("/feed", rss(*(item(n, guid=f"g-{fetch}-{n}", link=f"https://news.example.org/s/{fetch}/{n}") for n in (1, 2, 3))))
        await desk.poll()
    found = await desk.live()
    assert len(found) == 3
    async with desk.store.read() as tx:
        assert [await versions.changes_since(tx, article.id, NOON) for article in found] == [2, 2, 2]


async def test_words_that_change_at_each_fetch_make_no_endless_versions(reader: NewReader, peer: Any) -> None:
    """The article follows its source; its versions of one day, and the moves of its date, have an end that is said."""
    desk = reader()
    rows: list[DocumentResult] = []
    for fetch in range(30):
        peer.say("/feed", rss(item(1, description=f"{text(1)} {fetch} comments")))
        rows = await desk.poll()
    (article,) = await desk.live()
    assert article.content_text.endswith("29 comments")
    assert [row.reason for row in rows] == [CAPPED]
    assert article.updated_at < desk.now - timedelta(hours=1)
    async with desk.store.read() as tx:
        assert await versions.changes_since(tx, article.id, NOON) < 25


# --- asking ----------------------------------------------------------------------------------------------------------


async def test_unchanged_feed_costs_a_304(reader: NewReader, peer: Any) -> None:
    """Both validators go back as they came; a 304 without them leaves them as they are."""
    desk = reader()
    peer.say("/feed", rss(item(1)), ETag='W/"a b"', Last_Modified="Fri, 20 Nov 2026 10:00:00 GMT")
    await desk.poll()
    peer.say("/feed", status=304)
    for _ in range(2):
        assert await desk.statuses() == {"id-1": "unchanged"}
    first, *others = peer.asked("/feed")
    assert "if-none-match" not in first
    assert [(h["if-none-match"], h["if-modified-since"]) for h in others] == [('W/"a b"', "Fri, 20 Nov 2026 10:00:00 GMT")] * 2


async def test_same_bytes_again_are_not_read_again(reader: NewReader, peer: Any) -> None:
    """From a server without validators; new validators are kept."""
    desk = reader()
    peer.say("/feed", rss(item(1)))
    await desk.poll()
    peer.say("/feed", rss(item(1)), ETag='"new"')
    assert await desk.statuses() == {"id-1": "unchanged"}
    assert (await desk.state()).etag == '"new"'


@pytest.mark.parametrize(
    ("header", "minutes"),
    [
        ("", 15), ("max-age=60", 15), ("public, max-age=3600", 60), ("max-age=99999999", 360), ("max-age=3600, no-cache", 15),
        ('max-age="7200"', 120), ("s-maxage=7200", 15), ("max-age=x", 15),
    ],
)
async def test_max_age_is_honoured_within_bounds(reader: NewReader, peer: Any, header: str, minutes: int) -> None:
    """Never oftener than configured, never seldomer than every six hours."""
    desk = reader()
    peer.say("/feed", rss(item(1)), Cache_Control=header)
    await desk.poll()
    assert (await desk.state()).next_poll_at == desk.now + timedelta(minutes=minutes)
    assert await desk.poll(due_only=True, later=timedelta(minutes=minutes - 1)) == []
    assert len(peer.requests) == 1
    assert len(await desk.poll(due_only=True, later=timedelta(minutes=1))) == 1
    assert len(peer.requests) == 2


@pytest.mark.parametrize(
    ("headers", "minutes"),
    [
        ({"Expires": "Fri, 20 Nov 2026 14:20:00 GMT"}, 120), ({"Expires": "Fri, 20 Nov 2026 14:20:00 GMT", "Date": "Fri, 20 Nov 2026 13:20:00 GMT"}, 60),
        ({"Expires": "Fri, 20 Nov 2026 14:20:00 GMT", "Cache_Control": "max-age=1800"}, 30), ({"Expires": "0"}, 15), ({"Expires": "-1"}, 15),
        ({"Expires": "Fri, 20 Nov 2020 14:20:00 GMT"}, 15), ({"Expires": "Fri, 20 Nov 2099 14:20:00 GMT"}, 360), ({"Expires": "Fri, 20 Nov 2026 14:20:00 GMT", "Cache_Control": "No-Cache"}, 15),
    ],
)
async def test_expires_counts_where_there_is_no_max_age(reader: NewReader, peer: Any, headers: dict[str, str], minutes: int) -> None:
    """By the server's own clock where it tells it; within the same bounds."""
    desk = reader()
    peer.say("/feed", rss(item(1)), **headers)
    await desk.poll()
    assert (await desk.state()).next_poll_at == desk.now + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("hops", "remembered"),
    [((308,), "/1"), ((301, 308), "/2"), ((302,), ""), ((307,), ""), ((303,), ""), ((301, 302), "/1"), ((302, 301), ""), ((301, 307, 301), "/1")],
)
async def test_only_a_chain_of_permanent_redirects_is_remembered(reader: NewReader, peer: Any, hops: tuple[int, ...], remembered: str) -> None:
    """Up to the first temporary one."""
    desk = reader("/0")
    for number, status in enumerate(hops):
        peer.say(f"/{number}", status=status, Location=f"/{number + 1}")
    peer.say(f"/{len(hops)}", rss(item(1)))
    assert await desk.statuses() == {"id-1": "added"}
    assert (await desk.state()).url == (f"{peer.url}{remembered}" if remembered else "")


async def test_redirects_in_a_circle_are_a_failure(reader: NewReader, peer: Any) -> None:
    """With its reason; asked again later, and nothing is remembered."""
    desk = reader("/a")
    peer.say("/a", status=301, Location="/b")
    peer.say("/b", status=301, Location="/a")
    (row,) = await desk.poll()
    assert "it redirects in a circle" in row.reason
    assert (await desk.state()).url == ""


async def test_410_where_a_redirect_led_asks_the_configured_address_again(reader: NewReader, peer: Any) -> None:
    """The feed may have moved on from there; only where that is 410 too it has ended."""
    desk = reader()
    peer.say("/feed", status=301, Location="/new")
    peer.say("/new", rss(item(1)))
    await desk.poll()
    peer.say("/new", status=410)
    (row,) = await desk.poll()
    assert "where it had moved to it has ended" in row.reason
    peer.say("/feed", status=301, Location="/newer")
    peer.say("/newer", rss(item(1), item(2)))
    assert await desk.statuses(due_only=True, later=timedelta(0)) == {"id-1": "unchanged", "id-2": "added"}
    assert await desk.rejected() == []
    peer.say("/newer", status=410)
    peer.say("/feed", status=410)
    for _ in range(2):
        await desk.poll()
    assert (await desk.state()).gone


async def test_feed_whose_address_is_configured_anew_starts_again(reader: NewReader, peer: Any) -> None:
    """After a 410 too: it is another source, what it holds first is its backfill."""
    desk = reader()
    peer.say("/feed", rss(item(1)))
    await desk.poll()
    peer.say("/feed", status=410)
    await desk.poll()
    assert (await desk.state()).gone
    moved = reader("/moved")
    moved.now = desk.now
    peer.say("/moved", rss(item(1), item(2)))
    assert set((await moved.statuses()).values()) == {"added"}
    assert all(article.backfill for article in await moved.live())
    peer.say("/moved", rss(item(3)))
    await moved.poll()
    assert [article.backfill for article in await moved.live()].count(False) == 1


async def test_feed_of_fifty_megabytes_takes_little_memory(reader: NewReader, peer: Any) -> None:
    """Sent to the last byte if we let it: cut off at the limit, said, and not read."""
    sent = 0

    async def huge(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n<rss><channel>")
        part = item(1).encode() * 100
        while sent < 50_000_000:
            writer.write(part)
            sent += len(part)
            await writer.drain()

    peer.acts["/feed"] = huge
    desk = reader()
    before = _resident()
    (row,) = await desk.poll()
    assert "it is too large: the limit is 1 MB" in row.reason
    assert sent < 30_000_000  # what the buffers between the two hold
    assert _resident() - before < 30_000_000


async def test_feed_of_ten_megabytes_is_read_in_bounded_memory(reader: NewReader, peer: Any) -> None:
    """The largest that is taken: some long texts; and one of a hundred thousand entries is refused at once."""
    desk = reader("/long", "/crowd")
    peer.say("/long", rss(*(item(n, description="word " * 5_000) for n in range(1, 390))))
    peer.say("/crowd", rss("<item><title>T</title></item>" * 100_000))
    before, took = _resident(), time.process_time()
    rows = await feed_poll.poll(desk.store, desk.settings, now=lambda: NOON, jitter=lambda: 0.0, limits=Limits(total=50.0))
    assert time.process_time() - took < 30
    assert _resident() - before < 300_000_000
    reasons = {row.path: row.reason for row in rows if row.status != "added"}
    assert [*reasons] == [f"{peer.url}/crowd"]
    assert "more than 10,000 entries" in reasons[f"{peer.url}/crowd"]
    assert len(await desk.live()) == 389


def _resident() -> int:
    """Bytes that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def test_permanent_redirect_is_remembered(reader: NewReader, peer: Any) -> None:
    """Asked there from then on; a temporary one is followed each time anew."""
    desk = reader("/old", "/now")
    peer.say("/old", status=301, Location="/new")
    peer.say("/now", status=302, Location="/elsewhere")
    peer.say("/new", rss(item(1)))
    peer.say("/elsewhere", rss(item(2)))
    for _ in range(2):
        await desk.poll()
    assert [path for path, _ in peer.requests if path in ("/old", "/new")] == ["/old", "/new", "/new"]
    assert [path for path, _ in peer.requests if path in ("/now", "/elsewhere")] == ["/now", "/elsewhere"] * 2
    assert (await desk.state()).url == f"{peer.url}/new"
    assert len(await desk.live()) == 2


async def test_remembered_address_that_dies_is_forgotten(reader: NewReader, peer: Any) -> None:
    """After some failures the configured one is asked again."""
    desk = reader()
    peer.say("/feed", status=301, Location="/new")
    peer.say("/new", rss(item(1)))
    await desk.poll()
    peer.say("/new", status=404)
    peer.say("/feed", rss(item(1), item(2)))
    for _ in range(3):
        await desk.poll()
    assert (await desk.statuses())["id-2"] == "added"


async def test_410_stops(reader: NewReader, peer: Any) -> None:
    """Never asked again; it is said, and the articles stay."""
    desk = reader()
    peer.say("/feed", rss(item(1)))
    await desk.poll()
    peer.say("/feed", status=410)
    for _ in range(3):
        (row,) = await desk.poll(later=timedelta(days=3))
        assert (row.path, row.status) == (f"{peer.url}/feed", "rejected")
        assert "410" in row.reason
    assert await desk.poll(due_only=True, later=timedelta(days=300)) == []
    assert len(peer.requests) == 2
    assert len(await desk.live()) == 1
    assert [(d.path, d.reason) for d in await desk.rejected()] == [(".", "it has ended: its server answers 410")]


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_honoured_by_everybody(reader: NewReader, peer: Any, status: int) -> None:
    """Seconds or a date; by whoever asks by hand too."""
    desk = reader()
    for wish in ("7200", "date"):
        at = desk.now + timedelta(minutes=20)
        peer.say("/feed", status=status, Retry_After=wish if wish != "date" else format_datetime(at + timedelta(hours=2), usegmt=True).replace("+0000", "GMT"))
        await desk.poll()
        asked = len(peer.requests)
        (row,) = await desk.poll(later=timedelta(hours=1))
        assert "left alone until 2026-11-20T" in row.reason
        assert await desk.poll(due_only=True, later=timedelta(minutes=59)) == []
        assert len(peer.requests) == asked
        peer.say("/feed", rss(item(1)))
        assert len(await desk.poll(due_only=True, later=timedelta(minutes=2))) == 1
        assert await desk.rejected() == []


async def test_failures_back_off_with_jitter(reader: NewReader, peer: Any) -> None:
    """Twice as long each time, at most a day and a quarter; success ends it."""
    desk = reader()
    peer.say("/feed", status=500)
    waits = []
    for _ in range(10):
        await desk.poll(later=timedelta(days=2))
        at = (await desk.state()).next_poll_at
        assert at is not None
        waits.append((at - desk.now) / timedelta(minutes=1))
    assert waits == [15, 30, 60, 120, 240, 480, 960, 1440, 1440, 1440]
    desk.jitter = 0.8
    await desk.poll(later=timedelta(days=2))
    assert (await desk.state()).next_poll_at == desk.now + timedelta(minutes=1440) * 1.2
    (document,) = await desk.rejected()
    assert (document.path, document.reason) == (".", "its server answers 500")
    peer.say("/feed", rss(item(1)))
    await desk.poll(later=timedelta(days=2))
    assert ((await desk.state()).failures, await desk.rejected()) == (0, [])


async def test_feed_that_cannot_be_taken_is_refused_and_keeps_no_other(reader: NewReader, peer: Any) -> None:
    """Endless, dripping, silent, huge, bombs, pages: each with its reason; the good one comes in, and in time (I12)."""

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n<rss>")
        while True:
            writer.write(b"<item><title>x</title></item>" * 1000)
            await writer.drain()

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.1)

    async def silence(_writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(10)

    paths = ("/endless", "/drip", "/silence", "/large", "/page", "/bomb", "/empty", "/nothing", "/good")
    desk = reader(*paths)
    peer.acts |= {"/endless": endless, "/drip": drip, "/silence": silence}
    peer.say("/large", "", Content_Length="50000000")
    peer.say("/page", "<!doctype html><title>Not here</title>", Content_Type="application/rss+xml")
    peer.say("/bomb", '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><rss><channel><title>&b;</title></channel></rss>')
    peer.say("/empty", "")
    peer.say("/good", rss(item(1)))
    rows = {row.path.removeprefix(peer.url): row.reason or row.status for row in await desk.poll()}
    reasons = {
        "/endless": "too large", "/drip": "longer than", "/silence": "fell silent", "/large": "too large", "/page": "web page",
        "/bomb": "entities", "/empty": "empty", "/nothing": "404", "id-1": "added",
    }
    assert rows.keys() == reasons.keys()
    assert [path for path in reasons if reasons[path] not in rows[path]] == []
    assert len(await desk.rejected()) == 8


async def test_private_address_is_refused_unless_configured(reader: NewReader, peer: Any) -> None:
    """Nothing is sent there; the reason says why."""
    desk = reader(allow_private=False)
    (row,) = await desk.poll()
    assert "127.0.0.1, which is no public address" in row.reason
    assert peer.requests == []


async def test_empty_feed_is_one(reader: NewReader, peer: Any) -> None:
    """Its first entries are news, not backfill: it was read, and held nothing."""
    desk = reader()
    peer.say("/feed", rss())
    assert await desk.poll() == []
    peer.say("/feed", rss(item(1)))
    await desk.poll()
    assert [a.backfill for a in await desk.live()] == [False]


# --- full text -------------------------------------------------------------------------------------------------------

PAGE = (
    "<html lang=en><head><title>Story number 1 | News</title><meta property='og:image' content='/lead.jpg'></head><body><nav>Home</nav>"
    "<article><h1>Story number 1</h1>{0}</article><footer>Imprint</footer></body></html>"
)
LONG = "".join(f"<p>Paragraph {n} of the page says at some length what the harbour office told us on that day.</p>" for n in range(8))


async def test_full_text_comes_from_the_page(reader: NewReader, peer: Any) -> None:
    """Fetched once, while the entry stays as it is; title and link are the feed's."""
    desk = reader(full_text=True)
    peer.say("/1", PAGE.format(LONG), Content_Type="text/html")
    peer.say("/feed", rss(item(1, link=f"{peer.url}/1", description="A teaser.")))
    await desk.poll()
    (article,) = await desk.live()
    assert article.content_text.startswith("Paragraph 0 of the page")
    assert (article.title, article.source_url, article.image) == ("Story number 1", f"{peer.url}/1", f"{peer.url}/lead.jpg")
    peer.say("/feed", rss(item(1, link=f"{peer.url}/1", description="A teaser."), item(2, link="")))
    assert await desk.statuses() == {"id-1": "unchanged", "id-2": "added"}
    assert len(peer.asked("/1")) == 1


async def test_feeds_text_stays_where_the_page_cannot_be_had(reader: NewReader, peer: Any) -> None:
    """Missing, no HTML, shorter than the feed; and an article does not shrink to a teaser later."""
    desk = reader(full_text=True)
    peer.say("/2", b"%PDF", Content_Type="application/pdf")
    peer.say("/3", PAGE.format("<p>Log in.</p>"), Content_Type="text/html")
    peer.say("/4", PAGE.format(LONG), Content_Type="text/html")
    links = {n: f"{peer.url}/{n}" for n in (1, 2, 3, 4)}
    peer.say("/feed", rss(*(item(n, link=link, description=f"A teaser, number {n}, of some words.") for n, link in links.items())))
    assert set((await desk.statuses()).values()) == {"added"}
    texts = {a.source_url: a.content_text for a in await desk.live()}
    assert [texts[links[n]] for n in (1, 2, 3)] == [f"A teaser, number {n}, of some words." for n in (1, 2, 3)]
    assert texts[links[4]].startswith("Paragraph 0")
    peer.say("/4", status=403)
    peer.say("/feed", rss(item(4, link=links[4], description="A teaser, edited.")))
    await desk.poll()
    assert {a.source_url: a.content_text for a in await desk.live()}[links[4]].startswith("Paragraph 0")


# --- the store -------------------------------------------------------------------------------------------------------


async def test_two_that_poll_at_once_take_each_entry_once(reader: NewReader, peer: Any) -> None:
    """A service and a person at the command line."""
    desk = reader()
    peer.say("/feed", rss(*(item(n) for n in range(1, 40))))
    await asyncio.gather(*(desk.poll() for _ in range(3)))
    assert len(await desk.live()) == 39


async def test_validators_wait_for_the_entries(reader: NewReader, peer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended in the middle of writing, the next poll asks for all again and goes on where this one stopped."""
    desk = reader()
    peer.say("/feed", rss(*(item(n) for n in range(1, 60))), ETag='"a"')
    real = commit
    chunks = 0

    async def dies(*given: Any) -> Any:
        nonlocal chunks
        chunks += 1
        if chunks == 2:
            raise asyncio.CancelledError
        return await real(*given)

    monkeypatch.setattr(feed_take, "commit", dies)
    with pytest.raises(asyncio.CancelledError):
        await desk.poll()
    monkeypatch.undo()
    assert (await desk.state()).etag == ""
    statuses = list((await desk.statuses()).values())
    assert (statuses.count("unchanged"), statuses.count("added")) == (25, 34)
    assert all(a.backfill for a in await desk.live())


async def test_state_survives_and_first_reading_is_kept(any_store: Store) -> None:
    """On both databases: what `put` writes, `get` reads; neither touches when the source was first read."""
    state = SourceState("feed:x", "https://x/", '"e"', "lm", "d" * 64, NOON, NOON, NOON, 3, gone=True, reason="why")
    async with any_store.write() as tx:
        assert await sources.get(tx, "feed:x") == SourceState("feed:x")
        await sources.put(tx, state)
        assert await documents.first_read_at(tx, "feed:x") is None
        await documents.mark_read(tx, "feed:x", NOON)
        await sources.put(tx, state)
        await documents.mark_read(tx, "feed:x", NOON + timedelta(days=1))
        assert await documents.first_read_at(tx, "feed:x") == NOON
        assert await sources.get_many(tx, ["feed:x", "y"]) == {"feed:x": state, "y": SourceState("y")}


async def test_store_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """With its sources: what was read before stays read."""
    config = Config()
    config.set_main_option("script_location", str(engine._MIGRATIONS))
    old = create_engine(f"sqlite:///{tmp_path}/old.db")
    with old.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    old.dispose()
    with sqlite3.connect(tmp_path / "old.db") as plain:
        plain.execute("INSERT INTO sources (name, first_read_at) VALUES ('folder:in', '2026-11-20 12:00:00.000000')")
    plain.close()
    store = await open_store("sqlite:///old.db", root=tmp_path)
    async with store.read() as tx:
        assert await documents.first_read_at(tx, "folder:in") == NOON
        assert await sources.get(tx, "folder:in") == SourceState("folder:in")
    await store.close()
