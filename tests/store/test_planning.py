"""What the plan step asks of the store: first due instants, slots passed over, periods taken, cutoffs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import event, update

from publisher.model import ArticleStatus, Frequency, Subscription, SubscriptionState
from publisher.outgoing import DeliveryState, NewVariant
from publisher.store import articles, audience, corrections, editions, pauses, planned, planning
from publisher.store.bulk import plain
from publisher.store.engine import Store
from publisher.store.mail_schema import subscriptions
from tests import ledger

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


async def subscription(scene: Any, ident: int) -> Subscription:
    async with scene.store.read() as tx:
        reader = await audience.reader(tx, ident)
    assert reader is not None
    return reader.subscription


async def test_new_subscriptions_are_read_in_pages(scene: Any) -> None:
    """Active ones without a due instant, in the order of their ids."""
    first, second, third = [await scene.reader(f"r{n}@example.org") for n in range(3)]
    await scene.reader("pending@example.org", confirmed=False)
    async with scene.store.read() as tx:
        page = await audience.unscheduled(tx, 2)
        rest = await audience.unscheduled(tx, 2, second)
    assert [reader.subscription.id for reader in page + rest] == [first, second, third]


async def test_a_first_due_instant_is_given_once(scene: Any) -> None:
    """Not to a subscription that has one, nor to one that was confirmed anew since it was read."""
    ident = await scene.reader("r@example.org")
    generation = (await subscription(scene, ident)).generation
    async with scene.store.write() as tx:
        assert not await audience.schedule(tx, [(ident, NOW, generation - 1)])
        assert await audience.schedule(tx, [(ident, NOW, generation)]) == 1
        assert not await audience.schedule(tx, [(ident, LATER, generation)])
    found = await subscription(scene, ident)
    assert (found.next_due_at, found.welcome_after) == (NOW, None)


async def test_due_readers_come_in_pages_by_due_instant(scene: Any) -> None:
    """Then by id; each once, and none that is due later, pending or not scheduled."""
    ids = [await scene.reader(f"r{n}@example.org") for n in range(6)]
    await scene.reader("pending@example.org", confirmed=False)
    async with scene.store.write() as tx:
        for ident, hours in zip(ids, (3, 1, 1, 2, 9), strict=False):
            await ledger.set_due(tx, ident, NOW - timedelta(days=1) + timedelta(hours=3 * hours))
    found, after = [], None
    async with scene.store.read() as tx:
        while (page := await planning.due(tx, NOW, 2, after)).last:
            found.append(sorted(ident for group in page.groups for ident in group.ids))
            after = page.last
    assert found == [[ids[1], ids[2]], sorted([ids[3], ids[0]])]


async def test_readers_who_are_alike_are_equal_but_for_themselves(scene: Any) -> None:
    """Their choices, their zone and their place come back as they were stored."""
    ids = [await scene.reader(f"r{n}@example.org") for n in range(3)]
    async with scene.store.write() as tx:
        for ident in ids:
            await ledger.set_due(tx, ident, NOW, last_due_at=NOW - timedelta(days=1))
        await audience.change_subscription(
            tx, ids[2], frequency=Frequency.WEEKLY, weekday=3, local_time=time(18, 30), sections=("arts", "news"))
        await ledger.set_due(tx, ids[2], LATER)
    async with scene.store.read() as tx:
        page = await planning.due(tx, LATER, 9)
    found = {tuple(group.ids): planning.read_alike(group.alike) for group in page.groups}
    assert set(found) == {(ids[0], ids[1]), (ids[2],)}
    first, third = found[ids[0], ids[1]], found[ids[2],]
    assert {planning.newsletter_of(group) for group in page.groups} == {"daily"}
    assert first == planning.Alike(
        "daily", Frequency.DAILY, 0, time(7), (), 0, NOW, NOW - timedelta(days=1), None, "UTC")
    assert (third.frequency, third.weekday, third.local_time) == (Frequency.WEEKLY, 3, time(18, 30))
    assert (third.sections, third.next_due_at) == (("arts", "news"), LATER)


async def test_only_those_are_held_who_are_still_as_they_were_read(scene: Any) -> None:
    """Not one who left, came to another place, was confirmed anew, or made new choices since."""
    ids = [await scene.reader(f"r{n}@example.org") for n in range(6)]
    async with scene.store.write() as tx:
        for ident in ids:
            await ledger.set_due(tx, ident, NOW)
        page = await planning.due(tx, NOW, 9)
        by_hand = await planning.active(tx, "daily", 9)
        await audience.unsubscribe(tx, ids[1], NOW)
        await ledger.set_due(tx, ids[2], LATER)
        await tx.execute(update(subscriptions).where(subscriptions.c.id == ids[3]).values(from_seq=7))
        await tx.execute(update(subscriptions).where(subscriptions.c.id == ids[4]).values(generation=9))
        await tx.execute(update(subscriptions).where(subscriptions.c.id == ids[5]).values(paused_until=LATER))
        assert await planning.changed(tx, page.groups) == await planning.changed(tx, by_hand.groups) == set(ids[1:])
        assert {found[0] for found in await planning.lock(tx, [*ids, 999])} == set(ids) - {ids[1], ids[5]}
        assert [group.ids for group in (await planning.due(tx, LATER, 9)).groups if ids[5] in group.ids] == []


async def test_those_without_a_due_instant_are_held_too(scene: Any) -> None:
    """A run by hand asks for readers who have none yet."""
    ids = [await scene.reader(f"r{n}@example.org") for n in range(2)]
    async with scene.store.write() as tx:
        page = await planning.active(tx, "daily", 9)
        await ledger.set_due(tx, ids[1], NOW)
        assert await planning.changed(tx, page.groups) == {ids[1]}


async def test_deliveries_are_added_where_the_slot_is_free(scene: Any) -> None:
    """And counted, whatever the database; due instants move for those named alone."""
    ids = [await scene.reader(f"r{n}@example.org") for n in range(3)]
    await scene.plan(ids[1], period="D:2026-11-22")
    async with scene.store.write() as tx:
        edition = await editions.edition(tx, "daily", NOW.date(), "scheduled", 1, NOW)
        variant = await editions.variant(tx, edition, NewVariant("key", "en", "Subject", "", "", ()))
        at = plain(tx.dialect.name, NOW)
        later = plain(tx.dialect.name, LATER)
        new = [
            planned.Parcel(edition, variant, "D:2026-11-22", (0, 1), at, ids[:2]),
            planned.Parcel(edition, variant, "D:2026-11-22", (0, 2), later, ids[2:]),
        ]
        frame = planned.Frame("<new.", "@example.org>")
        assert await planned.add(tx, new, frame, at) == 2
        assert await planned.add(tx, [], frame, at) == 0
        await planned.move(tx, (LATER, NOW), ids[:1])
    ledger = await scene.ledger()
    assert sorted(ledger) == [f"r{n}@example.org D:2026-11-22" for n in range(3)]
    third = ledger["r2@example.org D:2026-11-22"]
    assert re.fullmatch(rf"<new\.{ids[2]}\.[0-9a-f]{{15,}}@example\.org>", third.message_id)
    assert (third.to_seq, third.next_attempt_at, third.created_at) == (2, LATER, NOW)
    found = [await subscription(scene, ident) for ident in ids]
    assert [(s.next_due_at, s.last_due_at) for s in found] == [(LATER, NOW), (LATER, NOW), (None, None)]


async def test_the_stories_of_a_window_are_those_of_the_articles(scene: Any) -> None:
    """Live ones of the sections in question, newest first, no backfill."""
    await scene.live(3)
    await scene.live(2, section="Arts")
    await scene.live(1, backfill=True)
    gone = (await scene.live(2))[0]
    async with scene.store.write() as tx:
        await articles.set_status(tx, gone.id, ArticleStatus.WITHDRAWN, NOW)
        for sections in ((), ("arts",), ("arts", "world-news"), ("none",)):
            full = await articles.window(tx, 1, 9, sections, limit=4)
            assert await planning.stories(tx, 1, 9, sections, 4) == [(a.id, a.content_hash) for a in full]


async def test_a_period_is_taken_whatever_became_of_its_delivery(scene: Any) -> None:
    """For its own subscription only."""
    one, two = [await scene.reader(f"r{n}@example.org") for n in range(2)]
    await scene.plan(one, period="D:2026-11-22")
    (claim,) = await scene.claim()
    await scene.settle(claim, DeliveryState.BOUNCED)
    asked = [(one, "D:2026-11-22"), (one, "D:2026-11-23"), (two, "D:2026-11-22")]
    async with scene.store.read() as tx:
        assert await editions.taken(tx, asked) == {(one, "D:2026-11-22")}
        assert await editions.taken(tx, []) == set()


async def test_an_open_delivery_tells_its_period(scene: Any) -> None:
    """So that a welcome can be told from a slot's edition."""
    ident = await scene.reader("r@example.org")
    await scene.plan(ident, period="welcome:1")
    async with scene.store.read() as tx:
        found = await editions.open_deliveries(tx, [ident])
    assert (found[ident].period, found[ident].state) == ("welcome:1", DeliveryState.QUEUED)


async def test_the_last_cutoff_is_that_of_the_newsletters_own_editions(scene: Any) -> None:
    """Welcome editions, which look back, do not count."""
    async with scene.store.write() as tx:
        assert await editions.last_cutoff(tx, "daily") is None
        for kind, cutoff in (("scheduled", 5), ("manual", 7), ("welcome", 9)):
            await editions.edition(tx, "daily", NOW.date(), kind, cutoff, NOW)
        await editions.edition(tx, "other", NOW.date(), "scheduled", 11, NOW)
        assert await editions.last_cutoff(tx, "daily") == 7


async def test_I4_two_who_make_one_variant_at_once_agree(scene: Any) -> None:
    """Of an edition that stood before: the second waits for the first, and takes what it made."""
    new = NewVariant("key", "en", "Subject", "<p>Html</p>", "Text", ())
    async with scene.store.write() as tx:
        edition = await editions.edition(tx, "daily", NOW.date(), "scheduled", 1, NOW)

    async def make() -> int:
        async with scene.store.write() as tx:
            ident = await editions.variant(tx, edition, new)
            await asyncio.sleep(0.1)
        return ident

    assert len(set(await asyncio.gather(make(), make(), make()))) == 1


@asynccontextmanager
async def plans(store: Any) -> AsyncIterator[list[str]]:
    """How SQLite goes about each query that is run inside."""
    engine = store._engine.sync_engine
    found: list[str] = []
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)
    async with store.read() as tx:
        for statement, values in asked:
            if statement.startswith(("SELECT", "WITH", "INSERT", "UPDATE")):
                rows = await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                found.append("\n".join(row[3] for row in rows))


async def test_I8_an_index_finds_who_is_due(store: Store) -> None:
    """Along the order of due instants, from page to page; no look at a reader who is not due, and no sorting of all."""
    async with plans(store) as found, store.read() as tx:
        await planning.due(tx, NOW, 10)
        await planning.due(tx, NOW, 10, ("2026-11-22 07:00:00.000000", 7))
    assert len(found) == 2
    for plan in found:
        assert "SEARCH subscriptions USING INDEX ix_subscriptions_state_next_due_at (state=? AND next_due_at" in plan
        assert "next_due_at<?" in plan
        assert "SCAN subscriptions" not in plan
        assert "SCAN subscribers" not in plan
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan


async def test_I8_an_index_finds_pauses_that_are_over_and_messages_to_revise(store: Store) -> None:
    """Neither looks at what is not paused, or not stale."""
    async with plans(store) as found, store.read() as tx:
        await pauses.over(tx, NOW, 10)
        await editions.stale_variants(tx)
    assert "ix_subscriptions_paused_until" in found[0]
    assert "TEMP B-TREE" not in found[0]
    assert "SCAN subscriptions" not in found[1]
    assert "ix_variants_stale" in found[2]


async def test_I8_what_a_reader_was_mailed_is_found_by_their_last_windows(store: Store) -> None:
    """Whatever they got in years."""
    async with plans(store) as found, store.read() as tx:
        await corrections.mailed(tx, [1, 2], {1: frozenset("a")}, 7)
    assert "USING INDEX ix_deliveries_claimed (subscription_id=? AND to_seq>?)" in found[0]


async def test_I8_a_page_is_written_without_looking_at_others(store: Store) -> None:
    """Each reader's row by its id, each open delivery by its reader."""
    groups = [planning.Group(("daily", "daily", 0, "07:00", "[]", 0, None, None, None, "UTC"), 1, [1, 2])]
    async with plans(store) as found, store.write() as tx:
        await planning.changed(tx, groups)
        await editions.open_deliveries(tx, [1, 2])
        await planned.move(tx, (LATER, NOW), [1, 2])
    assert not [plan for plan in found if "SCAN subscriptions" in plan or "SCAN deliveries" in plan]
    assert "ix_deliveries_open" in found[1]


async def test_pauses_that_are_over_are_read_together(scene: Any) -> None:
    """As many as are asked for, whatever is paused and not active; with as many statements for one as for several."""
    ids = [await scene.reader(f"r{n}@example.org") for n in range(5)]
    async with scene.store.write() as tx:
        await tx.execute(update(subscriptions).values(paused_until=NOW, next_due_at=NOW))
        left = subscriptions.c.id.in_(ids[:2])
        await tx.execute(update(subscriptions).where(left).values(state=SubscriptionState.UNSUBSCRIBED))
    asked: list[str] = []
    engine = scene.store._engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: asked.append(statement))
    for limit in (1, 2, 9):
        asked.clear()
        async with scene.store.read() as tx:
            found = [it.subscription.id for it in await pauses.over(tx, NOW, limit)]
        assert found == ids[2 : 2 + limit]
        assert len([statement for statement in asked if statement.startswith("SELECT")]) == 2


async def test_a_pause_ends_at_the_place_that_was_reached_at_its_end(scene: Any) -> None:
    """Not where things stand when it is noticed; one that was moved on meanwhile stays."""
    await scene.live(2)
    ident = await scene.reader("r@example.org")
    until = NOW + timedelta(hours=1)
    async with scene.store.write() as tx:
        await tx.execute(update(subscriptions).values(paused_until=until, next_due_at=until))
        assert await pauses.over(tx, NOW, 10) == []
        assert [found.subscription.id for found in await pauses.over(tx, until, 10)] == [ident]
    await scene.add()
    async with scene.store.write() as tx:
        await articles.publish_due(tx, until)
    await scene.add()
    async with scene.store.write() as tx:
        await articles.publish_due(tx, until + timedelta(seconds=1))
        assert await pauses.end(tx, [(ident, NOW, LATER)]) == 0
        assert await pauses.end(tx, [(ident, until, LATER)]) == 1
    found = await subscription(scene, ident)
    assert (found.from_seq, found.paused_until, found.next_due_at) == (3, None, LATER)
