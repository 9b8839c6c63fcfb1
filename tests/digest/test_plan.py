"""The plan step on a real store: who gets which edition when, exactly once."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from publisher.config import Settings
from publisher.digest.desk import Desk
from publisher.digest.plan import plan
from publisher.digest.press import Press
from publisher.model import ArticleStatus, Frequency
from publisher.outgoing import DeliveryState
from publisher.settings import Newsletter
from publisher.store import articles, audience, editions, outbox
from publisher.store.engine import Store
from publisher.templating import Templates
from tests.ledger import list_deliveries

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


async def due_at(world: Any, subscription: int) -> datetime | None:
    async with world.store.read() as tx:
        reader = await audience.reader(tx, subscription)
    assert reader is not None
    return reader.subscription.next_due_at


async def periods(world: Any) -> list[tuple[str, str]]:
    async with world.store.read() as tx:
        return [(row.period, row.state.value) for row in sorted(await list_deliveries(tx), key=lambda row: row.id)]


async def test_a_new_reader_gets_a_due_instant_and_no_mail(world: Any) -> None:
    """Without a welcome owed, the first edition comes at the reader's own time."""
    await world.publish("Before")
    reader = await world.subscribe(at="07:00")
    report = await world.plan()
    assert (report.scheduled, report.planned) == (1, 0)
    assert await due_at(world, reader) == datetime(2026, 11, 22, 7, tzinfo=UTC)
    assert await world.claim() == []


async def test_everyone_gets_the_daily_at_their_own_hour_in_their_own_zone(world: Any) -> None:
    """Three readers, three zones: each message is planned when their clock says 07:00, and not a minute before."""
    await world.subscribe("kathmandu@example.org", zone="Asia/Kathmandu")
    await world.subscribe("london@example.org", zone="Europe/London")
    await world.subscribe("new.york@example.org", zone="America/New_York")
    await world.plan()
    await world.publish("News")
    got = []
    for _ in range(26 * 12):
        world.now += timedelta(minutes=5)
        await world.plan()
        got += [(claim.email.partition("@")[0], world.now) for claim in await world.send()]
    assert got == [
        ("london", datetime(2026, 11, 22, 7, 0, tzinfo=UTC)),
        ("new.york", datetime(2026, 11, 22, 12, 0, tzinfo=UTC)),
        ("kathmandu", datetime(2026, 11, 23, 1, 15, tzinfo=UTC)),
    ]


async def test_planning_twice_at_the_same_instant_plans_once(world: Any) -> None:
    """Also by two planners at the same time."""
    for n in range(3):
        await world.subscribe(f"r{n}@example.org")
    await world.plan()
    await world.publish("News")
    world.now += 2 * HOUR
    reports = await asyncio.gather(world.plan(), world.plan(), world.plan())
    assert sum(report.planned for report in reports) == 3
    assert (await world.plan()).planned == 0
    assert len(await world.send()) == 3


async def test_I4_two_planners_at_once_plan_once_on_either_database(
    any_store: Store, world_type: Callable[..., Any], settings: Settings
) -> None:
    """As when two nodes tick together: each reader has one delivery, and one planner wrote it."""
    one, two = (world_type(any_store, settings, Templates()) for _ in range(2))
    for n in range(20):
        await one.subscribe(f"r{n}@example.org", welcome=n % 2 == 0)
    await one.publish("Old")
    await asyncio.gather(one.plan(), two.plan())
    await one.send()
    await one.publish("News")
    one.now = two.now = one.now + 2 * HOUR
    reports = await asyncio.gather(one.plan(), two.plan())
    assert sum(report.planned for report in reports) == 20
    assert len(await one.send()) == 20
    assert (await two.plan()).planned == 0


async def test_readers_of_the_same_stories_share_a_variant_and_others_do_not(world: Any) -> None:
    """Rendered once for all who get the same; each delivery has a Message-ID of its own at the sender's domain."""
    for n in range(4):
        await world.subscribe(f"r{n}@example.org", sections=("arts",) if n == 3 else ())
    await world.plan()
    await world.publish("News", section="News")
    await world.publish("Arts", section="Arts")
    world.now += 2 * HOUR
    await world.plan()
    claims = await world.claim()
    assert len({claim.variant_id for claim in claims}) == 2
    assert len({claim.message_id for claim in claims}) == 4
    assert all(re.fullmatch(r"<[0-9a-f]{32}\.\d+\.[0-9a-f]{16}@example\.org>", claim.message_id) for claim in claims)
    assert len({claim.message_id.split(".")[2] for claim in claims}) == 4, "who knows one can guess no other"
    assert dict(await world.stories(claims)) == {
        "r0@example.org": ["Arts", "News"], "r1@example.org": ["Arts", "News"], "r2@example.org": ["Arts", "News"],
        "r3@example.org": ["Arts"],
    }


async def test_sections_are_the_newsletters_and_the_readers(make_world: Any, make_settings: Any) -> None:
    """Outside of what the newsletter offers nothing is sent, whatever the reader chose."""
    world = make_world(make_settings(Newsletter(name="daily", sections=("news", "arts"))))
    await world.subscribe("all@example.org")
    await world.subscribe("arts@example.org", sections=("arts", "sport"))
    await world.subscribe("sport@example.org", sections=("sport",))
    await world.plan()
    for section in ("News", "Arts", "Sport", ""):
        await world.publish(section or "None", section=section)
    world.now += 2 * HOUR
    await world.plan()
    assert sorted(await world.stories(await world.send())) == [
        ("all@example.org", ["Arts", "News"]), ("arts@example.org", ["Arts"]),
    ]


async def test_an_empty_window_sends_nothing_and_moves_the_due_instant_on(world: Any) -> None:
    """Nothing, no edition; the window stays open, and the next one covers it."""
    reader = await world.subscribe()
    await world.plan()
    world.now += 2 * HOUR
    report = await world.plan()
    assert (report.planned, report.empty) == (0, 1)
    assert await due_at(world, reader) == datetime(2026, 11, 23, 7, tzinfo=UTC)
    await world.publish("Later")
    world.now += DAY
    assert (await world.plan()).planned == 1


async def test_missed_slots_fold_into_one_edition(world: Any) -> None:
    """After three days without the service, one edition with all that was missed, named for the latest slot."""
    await world.subscribe()
    await world.plan()
    for title in ("One", "Two", "Three"):
        await world.publish(title)
        world.now += DAY
    world.now += 2 * HOUR
    await world.plan()
    assert await periods(world) == [("D:2026-11-25", "queued")]
    assert await world.stories(await world.send()) == [("reader@example.org", ["Three", "Two", "One"])]
    assert (await world.plan()).planned == 0


async def test_an_edition_past_catch_up_waits_for_the_next_slot(world: Any) -> None:
    """13 hours late is too late; 11 hours is not."""
    reader = await world.subscribe()
    await world.plan()
    await world.publish("News")
    world.now = datetime(2026, 11, 22, 20, tzinfo=UTC)
    report = await world.plan()
    assert (report.planned, report.passed_over) == (0, 1)
    assert await due_at(world, reader) == datetime(2026, 11, 23, 7, tzinfo=UTC)
    world.now = datetime(2026, 11, 23, 18, tzinfo=UTC)
    assert (await world.plan()).planned == 1
    assert await periods(world) == [("D:2026-11-23", "queued")]


async def test_mail_waits_until_articles_have_settled(make_world: Any, make_settings: Any) -> None:
    """An article that changed a moment ago, and what came after it, is left for the next look; the slot stays due."""
    world = make_world(make_settings(settle_mail=timedelta(seconds=60)))
    reader = await world.subscribe()
    await world.plan()
    world.now = datetime(2026, 11, 22, 6, 59, 30, tzinfo=UTC)
    await world.publish("Fresh")
    world.now = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
    report = await world.plan()
    assert (report.planned, report.unsettled) == (0, 1)
    assert await due_at(world, reader) == world.now
    world.now += timedelta(seconds=31)
    assert (await world.plan()).planned == 1
    assert await periods(world) == [("D:2026-11-22", "queued")]


async def test_the_cutoff_stays_below_the_first_unsettled_article(make_world: Any, make_settings: Any) -> None:
    """What came before a change in progress is sent; the changed article and what follows are in the next edition."""
    world = make_world(make_settings(settle_mail=timedelta(seconds=60)))
    await world.subscribe()
    await world.plan()
    await world.publish("One")
    two = await world.publish("Two")
    await world.publish("Three")
    world.now = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
    async with world.store.write() as tx:
        await articles.update(tx, two, world.now - timedelta(seconds=5))
    await world.plan()
    assert await world.stories(await world.send()) == [("reader@example.org", ["One"])]
    world.now += DAY
    await world.plan()
    assert await world.stories(await world.send()) == [("reader@example.org", ["Three", "Two"])]


async def test_a_change_in_progress_elsewhere_does_not_hold_an_empty_slot(make_world: Any, make_settings: Any) -> None:
    """Where nothing unsettled matches the reader, the due instant moves on."""
    world = make_world(make_settings(settle_mail=timedelta(seconds=60)))
    await world.subscribe(sections=("arts",))
    await world.plan()
    world.now = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
    await world.publish("News", section="News")
    assert (await world.plan()).empty == 1


async def test_the_next_slot_replaces_an_edition_that_could_not_be_sent(world: Any) -> None:
    """It ends as expired, and the new one begins where it began."""
    await world.subscribe()
    await world.plan()
    await world.publish("One")
    world.now += 2 * HOUR
    await world.plan()
    await world.settle(await world.claim(), DeliveryState.DEFERRED, wait=30 * HOUR)
    await world.publish("Two")
    world.now += DAY
    report = await world.plan()
    assert (report.planned, report.expired) == (1, 1)
    assert await periods(world) == [("D:2026-11-22", "expired"), ("D:2026-11-23", "queued")]
    assert await world.stories(await world.send()) == [("reader@example.org", ["Two", "One"])]


@pytest.mark.parametrize("state", [DeliveryState.CLAIMED, DeliveryState.IN_DOUBT])
async def test_a_message_on_the_wire_is_waited_for(world: Any, state: DeliveryState) -> None:
    """While an edition is claimed or in doubt no other is planned; the slot stays due until it is resolved."""
    await world.subscribe()
    await world.plan()
    await world.publish("One")
    world.now += 2 * HOUR
    await world.plan()
    claims = await world.claim()
    if state == DeliveryState.IN_DOUBT:
        await world.settle(claims, state)
    await world.publish("Two")
    world.now += DAY
    report = await world.plan()
    assert (report.planned, report.waiting) == (0, 1)
    if state == DeliveryState.CLAIMED:
        await world.settle(claims, DeliveryState.ACCEPTED)
        assert (await world.plan()).planned == 1
        assert await world.stories(await world.send()) == [("reader@example.org", ["Two"])]


async def test_a_welcome_edition_brings_the_newest_ten(world: Any) -> None:
    """Matching articles, backfill included, newest first; only once, and it leaves the first slot alone."""
    for n in range(14):
        await world.publish(f"Story {n}", backfill=n % 2 == 0)
    reader = await world.subscribe(welcome=True)
    report = await world.plan()
    assert (report.planned, report.scheduled) == (1, 1)
    assert await world.stories(await world.send()) == [("reader@example.org", [f"Story {n}" for n in range(13, 3, -1)])]
    assert await periods(world) == [("welcome:1", "accepted")]
    assert await due_at(world, reader) == datetime(2026, 11, 22, 7, tzinfo=UTC)
    assert (await world.plan()).planned == 0
    await world.publish("New")
    world.now += 2 * HOUR
    await world.plan()
    assert await world.stories(await world.send()) == [("reader@example.org", ["New"])]


async def test_an_empty_welcome_sends_nothing(world: Any) -> None:
    """And is not owed any more: what comes later comes as news."""
    await world.subscribe(welcome=True)
    report = await world.plan()
    assert (report.planned, report.scheduled) == (0, 1)
    await world.publish("First")
    world.now += 2 * HOUR
    await world.plan()
    assert await periods(world) == [("D:2026-11-22", "queued")]


async def test_who_comes_back_is_welcomed_with_what_is_new_to_them(world: Any) -> None:
    """After leaving and confirming again: articles since then, none of those that were mailed before."""
    await world.publish("Old")
    reader = await world.subscribe(welcome=True)
    await world.plan()
    await world.send()
    async with world.store.write() as tx:
        await audience.unsubscribe(tx, reader, world.now)
    await world.publish("Meanwhile")
    await world.subscribe(welcome=True)
    await world.plan()
    assert await world.stories(await world.send()) == [("reader@example.org", ["Meanwhile"])]


async def test_immediate_readers_get_at_most_one_mail_in_a_coalescing_time(world: Any) -> None:
    """The first article at once, those of the next five minutes together."""
    await world.subscribe(frequency=Frequency.IMMEDIATE)
    await world.plan()
    got = []
    for minute in range(12):
        if minute in (1, 2, 4, 5):
            await world.publish(f"At {minute}")
        await world.plan()
        got += [(minute, titles) for _, titles in await world.stories(await world.send())]
        world.now += timedelta(minutes=1)
    assert [title for _, titles in got for title in reversed(titles)] == ["At 1", "At 2", "At 4", "At 5"]
    minutes = [minute for minute, _ in got]
    assert all(later - earlier >= 5 for earlier, later in itertools.pairwise(minutes))


async def test_weekly_readers_get_theirs_on_their_weekday(world: Any) -> None:
    """All of the week's articles, under the ISO week's name."""
    await world.subscribe(frequency=Frequency.WEEKLY, weekday=2)
    await world.plan()
    for n in range(3):
        await world.publish(f"Day {n}")
        world.now += DAY
        await world.plan()
    world.now = datetime(2026, 11, 25, 7, tzinfo=UTC)
    await world.plan()
    assert await periods(world) == [("W:2026-W48", "queued")]
    assert await world.stories(await world.send()) == [("reader@example.org", ["Day 2", "Day 1", "Day 0"])]


async def test_by_hand_every_active_reader_gets_theirs_at_once(make_world: Any, make_settings: Any) -> None:
    """Whatever is due and settled or not; a run plans once, and due instants stay."""
    world = make_world(make_settings(
        Newsletter(name="daily"), Newsletter(name="other"), settle_mail=timedelta(seconds=60)))
    reader = await world.subscribe()
    await world.subscribe("else@example.org", newsletter="other")
    await world.plan()
    before = await due_at(world, reader)
    await world.publish("Breaking")
    assert (await world.plan(manual="run1", newsletter="daily")).planned == 1
    assert (await world.plan(manual="run1", newsletter="daily")).planned == 0
    assert await periods(world) == [("manual:run1", "queued")]
    assert await due_at(world, reader) == before
    await world.send()
    world.now += 2 * HOUR
    report = await world.plan()
    assert (report.planned, report.empty) == (1, 1)  # the other newsletter's reader has not had it yet


async def test_a_welcome_of_this_run_is_not_replaced_by_hand(world: Any) -> None:
    """Both are news to the reader: the second is planned when the first has left."""
    await world.publish("Old")
    await world.subscribe(welcome=True)
    await world.publish("New")
    report = await world.plan(manual="run1", newsletter="daily")
    assert (report.planned, report.waiting) == (1, 1)
    assert await world.stories(await world.send()) == [("reader@example.org", ["Old"])]
    await world.plan(manual="run1", newsletter="daily")
    assert await world.stories(await world.send()) == [("reader@example.org", ["New"])]


async def test_a_withdrawn_article_leaves_messages_that_are_not_sent_yet(world: Any) -> None:
    """A new revision without it takes their place; who has nothing left gets nothing (I10)."""
    await world.subscribe("all@example.org")
    await world.subscribe("arts@example.org", sections=("arts",))
    await world.plan()
    await world.publish("News", section="News")
    arts = await world.publish("Arts", section="Arts")
    world.now += 2 * HOUR
    await world.plan()
    async with world.store.write() as tx:
        await articles.set_status(tx, arts.id, ArticleStatus.WITHDRAWN, world.now)
    assert await world.claim() == []
    report = await world.plan()
    assert (report.revised, report.cancelled) == (1, 1)
    assert await world.stories(await world.send()) == [("all@example.org", ["News"])]


async def test_a_message_in_doubt_is_repeated_without_a_withdrawn_article(world: Any) -> None:
    """The same Message-ID, a new revision: what starts later holds nothing that was withdrawn."""
    await world.subscribe()
    await world.plan()
    await world.publish("One")
    gone = await world.publish("Two")
    world.now += 2 * HOUR
    await world.plan()
    first = await world.claim()
    async with world.store.write() as tx:
        await outbox.recover(tx, world.now, repeat=True)
        await articles.set_status(tx, gone.id, ArticleStatus.WITHDRAWN, world.now)
    assert (await world.plan()).revised == 1
    again = await world.send()
    assert [claim.message_id for claim in again] == [claim.message_id for claim in first]
    assert await world.stories(again) == [("reader@example.org", ["One"])]


async def test_I3_what_may_have_arrived_before_all_of_it_was_withdrawn_is_in_no_later_edition(world: Any) -> None:
    """Its doubt ends with the withdrawal, so its window closes; restored, the article is not sent a second time."""
    await world.subscribe()
    await world.plan()
    one = await world.publish("One")
    world.now += 2 * HOUR
    await world.plan()
    assert len(await world.claim()) == 1
    async with world.store.write() as tx:
        await outbox.recover(tx, world.now, repeat=True)
        await articles.set_status(tx, one.id, ArticleStatus.WITHDRAWN, world.now)
    assert (await world.plan()).cancelled == 1
    async with world.store.write() as tx:
        await articles.set_status(tx, one.id, ArticleStatus.LIVE, world.now)
    await world.publish("Two")
    world.now += DAY
    await world.plan()
    assert await world.stories(await world.send()) == [("reader@example.org", ["Two"])]


async def test_a_restored_article_is_planned_with_the_others_again(world: Any) -> None:
    """The revision without it belongs to those who had it taken away, not to readers who are planned later."""
    await world.subscribe("early@example.org", at="07:00")
    await world.subscribe("late@example.org", at="07:30")
    await world.plan()
    await world.publish("One")
    two = await world.publish("Two")
    world.now = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
    await world.plan()
    for status in (ArticleStatus.WITHDRAWN, ArticleStatus.LIVE):
        async with world.store.write() as tx:
            await articles.set_status(tx, two.id, status, world.now)
        await world.plan()
    world.now = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
    await world.plan()
    assert await world.stories(await world.send()) == [
        ("early@example.org", ["One"]), ("late@example.org", ["Two", "One"])]


async def test_I4_new_choices_never_open_a_slot_twice(world: Any) -> None:
    """Who moves from 07:00 to 18:00 after the morning's edition gets the next one tomorrow."""
    reader = await world.subscribe()
    await world.plan()
    await world.publish("One")
    world.now = datetime(2026, 11, 22, 8, tzinfo=UTC)
    await world.plan()
    await world.send()
    async with world.store.write() as tx:
        await audience.change_subscription(
            tx, reader, frequency=Frequency.DAILY, weekday=0, local_time=time(18), sections=())
    await world.publish("Two")
    await world.plan()
    assert await due_at(world, reader) == datetime(2026, 11, 23, 18, tzinfo=UTC)


async def test_I12_a_broken_template_costs_only_its_own_editions(world: Any, tmp_path: Path) -> None:
    """The reader stays due, the report names the template; mended, the edition goes out."""
    reader = await world.subscribe()
    await world.plan()
    await world.publish("News")
    world.now += 2 * HOUR
    (tmp_path / "own/digest").mkdir(parents=True)
    (tmp_path / "own/digest/digest.html").write_text("{{ no_such_thing }}")
    good, world.templates = world.templates, Templates(tmp_path / "own")
    report = await world.plan()
    assert (report.planned, report.failed) == (0, 1)
    assert "digest/digest.html" in report.faults[0]
    assert await due_at(world, reader) == datetime(2026, 11, 22, 7, tzinfo=UTC)
    world.templates = good
    assert (await world.plan()).planned == 1


async def test_a_zone_that_is_no_more_falls_back_to_the_sites(world: Any) -> None:
    """And a newsletter that left the configuration sends nothing and stops nothing."""
    reader = await world.subscribe(zone="Mars/Olympus")
    gone = await world.subscribe("gone@example.org", newsletter="gone", welcome=True)
    await world.plan()
    assert await due_at(world, reader) == datetime(2026, 11, 22, 7, tzinfo=UTC)
    await world.publish("News")
    world.now += 2 * HOUR
    report = await world.plan()
    assert (report.planned, report.passed_over) == (1, 1)
    assert await due_at(world, gone) == datetime(2026, 11, 23, 7, tzinfo=UTC)


async def test_many_readers_are_planned_in_batches(world: Any) -> None:
    """More than one write transaction, one variant, nobody left out."""
    async with world.store.write() as tx:
        for n in range(250):
            person, _ = await audience.add_subscriber(
                tx, email=f"r{n}@example.org", email_key=f"r{n}@example.org", name="", language="", timezone="UTC",
                now=world.now)
            made, _ = await audience.subscribe(
                tx, subscriber_id=person.id, newsletter="daily", frequency=Frequency.DAILY, weekday=0,
                local_time=time(7), sections=())
            await audience.confirm(tx, made.id, world.now, welcome=False)
    assert (await world.plan()).scheduled == 250
    await world.publish("News")
    world.now += 2 * HOUR
    report = await plan(world.store, world.settings, world.templates, now=world.now, batch=100)
    assert report.planned == 250
    claims = await world.claim()
    assert len(claims) == 250
    assert len({claim.variant_id for claim in claims}) == 1


async def test_the_edition_is_of_today_in_the_sites_zone(make_world: Callable[..., Any], settings: Settings) -> None:
    """The issue's date, and its number in the store."""
    world = make_world(settings)
    await world.subscribe(zone="Pacific/Auckland")
    await world.plan()
    await world.publish("News")
    world.now = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    await world.plan()
    (claim,) = await world.send()
    assert claim.edition_id is not None
    async with world.store.read() as tx:
        assert await editions.edition_of(tx, claim.edition_id) == ("daily", world.now.date(), "scheduled")
    assert await periods(world) == [("D:2026-11-23", "accepted")]


async def test_an_edition_is_spread_over_the_time_that_the_settings_give(make_world: Any, make_settings: Any) -> None:
    """Evenly, by Message-ID; a welcome edition and one sent by hand go at once."""
    world = make_world(make_settings(spread=timedelta(hours=1)))
    for n in range(60):
        await world.subscribe(f"r{n}@example.org", welcome=n == 0)
    await world.publish("Old")
    await world.plan()
    await world.subscribe("new@example.org", welcome=True)
    await world.plan()
    assert len(await world.send()) == 1
    await world.publish("News")
    world.now = datetime(2026, 11, 22, 7, tzinfo=UTC)
    assert (await world.plan()).planned == 61
    got = []
    for _ in range(4):
        got.append(len(await world.send()))
        world.now += timedelta(minutes=20)
    assert got[0] <= 2
    assert all(8 <= number <= 32 for number in got[1:])
    assert sum(got) == 61
    await world.publish("Breaking")
    assert (await world.plan("run1", "daily")).planned == 61
    assert len(await world.send()) == 61


async def test_a_change_while_planning_is_heeded(world: Any) -> None:
    """What is withdrawn between two batches is in no message of either, and costs nobody their edition."""
    for n in range(4):
        await world.subscribe(f"r{n}@example.org")
    await world.plan()
    await world.publish("One")
    two = await world.publish("Two")
    world.now += 2 * HOUR
    withdrawn: list[asyncio.Task[None]] = []

    async def withdraw() -> None:
        async with world.store.write() as tx:
            await articles.set_status(tx, two.id, ArticleStatus.WITHDRAWN, world.now)

    def told(done: int, total: int) -> None:
        assert total == 0
        if done == 2:
            withdrawn.append(asyncio.get_running_loop().create_task(withdraw()))

    report = await plan(world.store, world.settings, world.templates, now=world.now, batch=1, progress=told)
    await asyncio.gather(*withdrawn)
    await world.plan()
    assert report.planned == 4
    assert [titles for _, titles in await world.stories(await world.send())] == [["One"]] * 4


async def test_planning_by_hand_again_leaves_what_waits(world: Any) -> None:
    """The same run names the same slot: its edition is not ended for a second one that cannot be."""
    await world.subscribe()
    await world.plan()
    await world.publish("News")
    for planned in (1, 0):
        assert (await world.plan("run1", "daily")).planned == planned
    assert await periods(world) == [("manual:run1", "queued")]


async def test_frames_of_message_ids_are_unique_and_in_order(world: Any) -> None:
    """Those given out later sort later, in one run and from one second to the next; the reader stands in the middle."""
    desks = [Desk(world.store, world.settings, Press(world.settings, world.templates), at) for at in
             (world.now, world.now + timedelta(seconds=1))]
    given = [f"{frame.begin}7{frame.end}" for desk in desks for _ in range(300) for frame in (desk.frame(),)]
    assert given == sorted(set(given))
    assert all(re.fullmatch(r"<[0-9a-f]{32}\.7@example\.org>", ident) for ident in given)
