"""The hub's small parts: what names a topic, when to try again, lanes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.websub import topics
from publisher.websub.lanes import Lanes
from publisher.websub.schedule import next_question, next_try

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SITE = "https://news.example.org"


@pytest.mark.parametrize(
    ("topic", "site", "feed"),
    [
        (f"{SITE}/rss.xml", SITE, "rss.xml"), (f"{SITE}:443/rss.xml", SITE, "rss.xml"), ("HTTPS://NEWS.example.ORG/atom.xml", SITE, "atom.xml"),
        (f"{SITE}/sections/s%65a/feed.json", SITE, "sections/sea/feed.json"), (f"{SITE}/a/b/rss.xml", f"{SITE}/a", "b/rss.xml"),
        (f"{SITE}/a/rss.xml", f"{SITE}/a", "rss.xml"), (f"{SITE}/ab/rss.xml", f"{SITE}/a", None), (f"{SITE}/rss.xml", f"{SITE}/a", None),
        (f"{SITE}/rss.xml?", SITE, None), (f"{SITE}/rss.xml#", SITE, None), (f"{SITE}/rss.xml/", SITE, None), (f"{SITE}//rss.xml", SITE, None),
        (f"{SITE}/.publisher/rss.xml", SITE, None), (f"{SITE}/../rss.xml", SITE, None), (f"{SITE}/%2e%2e/rss.xml", SITE, None),
        (f"{SITE}/..%2frss.xml", SITE, None), (f"{SITE}/a\\rss.xml", SITE, None), (f"{SITE}/a%00/rss.xml", SITE, None), (f"{SITE}/%ff/rss.xml", SITE, None),
        ("http://news.example.org/rss.xml", SITE, None), (f"{SITE}:8443/rss.xml", SITE, None), (f"{SITE}:x/rss.xml", SITE, None),
        ("https://me@news.example.org/rss.xml", SITE, None), ("https://news.example.org.evil.example/rss.xml", SITE, None),
        (f"{SITE}/index.html", SITE, None), (f"{SITE}/feeds.opml", SITE, None), ("", SITE, None), ("https://[::1/rss.xml", SITE, None),
    ],
)
def test_topic_is_a_feed_of_this_site(topic: str, site: str, feed: str | None) -> None:
    """However it is written, and nothing else."""
    assert topics.feed_of(topic, site) == feed


@given(st.lists(st.text(st.characters(blacklist_characters="/\\", blacklist_categories=("C", "Z")), min_size=1, max_size=9), max_size=4))
def test_address_of_a_feed_names_it(folders: list[str]) -> None:
    """There and back, for any folder that a feed may lie in."""
    feed = "/".join([*folders, "atom.xml"])
    if topics.feed_at(feed) is not None:
        assert topics.feed_of(topics.address(feed, SITE), SITE) == feed


def test_waits_double_up_to_six_hours_and_end_after_a_day() -> None:
    """Fifteen tries or so; jitter only adds."""
    waits, now, since = [], NOON, None
    while (again := next_try(since, now, 0.0)) is not None:
        assert again <= (next_try(since, now, 0.99) or NOON) <= now + (again - now) * 1.25
        waits.append((again - now).total_seconds())
        since, now = since or now, again
    assert waits[:5] == [2, 2, 4, 8, 16]
    assert max(waits) == 6 * 3600
    assert 10 < len(waits) < 25
    assert timedelta(days=1) <= now - NOON < timedelta(days=1.5)


def test_silent_callback_is_asked_three_times() -> None:
    """And then no more."""
    assert [next_question(tries, NOON) for tries in range(4)] == [
        NOON + timedelta(seconds=5), NOON + timedelta(seconds=30), None, None,
    ]


async def test_slow_work_moves_over_and_is_cut_off_where_there_is_no_place() -> None:
    """Its outcome tells so; what breaks has an outcome too; numbers stay busy until theirs is written down."""
    lanes = Lanes[str](asyncio.Event(), quick_places=3, slow_places=1, patience=0.05)
    go = asyncio.Event()

    async def slow() -> str:
        await go.wait()
        return "done"

    async def broken() -> str:
        raise ValueError("bad")

    lanes.start(1, slow(), str)
    await asyncio.sleep(0.3)
    assert (lanes.free(slow=False), lanes.free(slow=True)) == (3, 0)
    lanes.start(2, slow(), str)
    lanes.start(3, broken(), str)
    assert lanes.free(slow=False) == 1
    await asyncio.sleep(0.3)
    assert lanes.outcomes == {2: "it is slow, as many are", 3: "ValueError: bad"}
    assert lanes.busy == {1, 2, 3}
    assert lanes.wake.is_set()
    go.set()
    await asyncio.sleep(0.1)
    assert lanes.outcomes[1] == "done"
    go.clear()
    lanes.start(4, slow(), str, slow=True)
    assert lanes.free(slow=True) == 0
    await lanes.stop()
    assert (lanes.free(slow=True), 4 in lanes.outcomes, len(lanes.tasks)) == (1, False, 0)
