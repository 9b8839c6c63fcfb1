"""I2 and I10 under concurrency: publishing, claiming, leaving and withdrawing at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from publisher.model import Article, ArticleStatus, Frequency
from publisher.outgoing import Claim, DeliveryState, NewDelivery, NewVariant, Outcome, Reply
from publisher.store import archive, articles, audience, editions, outbox
from publisher.store.engine import Store, open_store
from tests.ledger import claim_in, counts_of_all, list_deliveries, settle_in

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of a store that several open at the same time, on each database in turn."""
    if request.param == "sqlite":
        return "sqlite:///publisher.db"
    found: str = request.getfixturevalue("postgres_store_url")
    return found


@asynccontextmanager
async def _stores(url: str, root: Path, number: int) -> AsyncIterator[list[Store]]:
    """As many stores on the same database, as so many processes would have."""
    opened = [await open_store(url, root=root) for _ in range(number)]
    try:
        yield opened
    finally:
        for store in opened:
            await store.close()


def _article(number: int, **values: Any) -> Article:
    return replace(
        Article(
            id=str(UUID(int=number)), seq=None, slug=f"story-{number}", title="Story", standfirst="", section="",
            authors=(), tags=(), language="en", content_html="", content_text="", image="", caption="", credit="",
            source_url="", enclosures=(), related=(), published_at=NOW, updated_at=NOW, first_seen_at=NOW,
            changed_at=NOW, content_hash="", backfill=False, status=ArticleStatus.SCHEDULED, source="folder:in",
        ),
        **values,
    )


async def _planned(store: Store, number: int, article_ids: tuple[str, ...] = ()) -> list[int]:
    """Readers with a delivery each; returns their subscriptions."""
    async with store.write() as tx:
        edition = await editions.edition(tx, "daily", date(2026, 11, 22), "scheduled", 9, NOW)
        variant = await editions.variant(tx, edition, NewVariant("k", "en", "s", "h", "t", article_ids))
        found = []
        for n in range(number):
            person, _ = await audience.add_subscriber(
                tx, email=f"r{n}@x.org", email_key=f"r{n}@x.org", name="", language="", timezone="UTC", now=NOW
            )
            subscription, _ = await audience.subscribe(
                tx, subscriber_id=person.id, newsletter="daily", frequency=Frequency.DAILY, weekday=0,
                local_time=time(7), sections=(),
            )
            await audience.confirm(tx, subscription.id, NOW, welcome=False)
            found.append(subscription.id)
        present = await articles.max_seq(tx)
        new = [replace(_delivery(ident), expect_from_seq=present) for ident in found]
        assert await editions.plan(tx, edition, variant, new, NOW) == number
    return found


def _delivery(subscription: int, period: str = "D:1") -> NewDelivery:
    return NewDelivery(
        subscription_id=subscription, subscriber_id=1, period=period, from_seq=0, to_seq=9,
        message_id=f"<{period}.{subscription}@x.org>", next_due_at=None, due_at=None, expect_from_seq=0,
        expect_generation=0,
    )


async def test_I2_whoever_sees_a_seq_sees_every_live_one_below_it(url: str, tmp_path: Path) -> None:
    """Four publish at the same time, each through a store of its own, while two look on."""
    per_writer, writers = 12, 4
    async with _stores(url, tmp_path, writers + 2) as stores:
        done = asyncio.Event()

        async def publish(store: Store, writer: int) -> None:
            for number in range(per_writer):
                async with store.write() as tx:
                    await articles.insert(tx, _article(1 + writer * per_writer + number))
                    if number % 2:  # sometimes two at once
                        assert await articles.publish_due(tx, NOW)
                        await asyncio.sleep(0)

        async def watch(store: Store) -> int:
            looks = 0
            while not done.is_set():
                async with store.read() as tx:
                    seqs = [found.seq for found in await articles.newest(tx, 1000)]
                    assert await articles.count_live(tx) == len(seqs)
                    assert await articles.max_seq(tx) == len(seqs)
                assert seqs == list(range(len(seqs), 0, -1))
                looks += 1
            return looks

        watchers = [asyncio.create_task(watch(store)) for store in stores[writers:]]
        await asyncio.gather(*(publish(store, n) for n, store in enumerate(stores[:writers])))
        done.set()
        assert all(await asyncio.gather(*watchers))
        async with stores[0].read() as tx:
            assert await articles.count_live(tx) == per_writer * writers
            changes = [number for number, _ in await articles.changed_since(tx, 0)]
        assert len(set(changes)) == len(changes)


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(-3, 3)),
        st.tuples(st.just("publish"), st.integers(1, 3)),
        st.tuples(st.sampled_from(["correct", "withdraw", "restore", "reschedule"]), st.integers(0, 5)),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
async def test_I2_seqs_follow_dates_and_never_change(store: Store, steps: list[tuple[str, int]]) -> None:
    """Whatever is done to articles: a seq is given once, in order, without a gap, and stays."""
    known: dict[str, int] = {}
    async with store.write() as tx:
        for table in ("article_versions", "articles"):
            await tx.execute(text(f"DELETE FROM {table}"))
        await tx.execute(text("UPDATE counters SET value = 0"))
    ids: list[str] = []
    for step, (action, number) in enumerate(steps, 1):
        async with store.write() as tx:
            if action == "add":
                ids.append(str(UUID(int=step)))
                await articles.insert(tx, _article(step, published_at=NOW + timedelta(hours=number)))
            elif action == "publish":
                new = [ident for ident in await articles.publish_due(tx, NOW, limit=number) if ident not in known]
                found = await articles.get_many(tx, new)
                dates = [(found[ident].published_at, ident) for ident in new]
                assert dates == sorted(dates)
                known |= {ident: found[ident].seq or 0 for ident in new}
            elif ids:
                await _change(tx, action, ids[number % len(ids)])
        async with store.read() as tx:
            stored = await articles.get_many(tx, ids)
            assert {ident: a.seq for ident, a in stored.items() if a.seq is not None} == known
            assert sorted(known.values()) == list(range(1, len(known) + 1))
            assert await articles.max_seq(tx) == len(known)
            assert all(a.seq for a in stored.values() if a.status == ArticleStatus.LIVE)


async def _change(tx: Any, action: str, ident: str) -> None:
    if action == "correct":
        found = await articles.get(tx, ident)
        assert found is not None
        await articles.update(tx, replace(found, title="Corrected", seq=77), NOW)
    else:
        states = {"withdraw": "withdrawn", "restore": "live", "reschedule": "scheduled"}
        await articles.set_status(tx, ident, ArticleStatus(states[action]), NOW)


async def test_claims_of_two_claimers_never_overlap(url: str, tmp_path: Path) -> None:
    """Two processes that send at the same time share the work, and nothing is taken twice (I5)."""
    async with _stores(url, tmp_path, 3) as stores:
        readers = await _planned(stores[0], 60)

        async def work(store: Store) -> list[Claim]:
            mine: list[Claim] = []
            while True:
                async with store.write() as tx:
                    if not await outbox.waiting(tx, NOW, 1):
                        return mine
                    mine += await claim_in(tx, NOW, 4)
                    await asyncio.sleep(0)

        claims = [claim for part in await asyncio.gather(*map(work, stores)) for claim in part]
        assert sorted(claim.subscription_id for claim in claims) == sorted(readers)


@pytest.mark.parametrize("way", ["leave", "suppress"])
async def test_I10_claim_and_leaving_exclude_each_other(url: str, tmp_path: Path, way: str) -> None:
    """What is claimed was claimed before the reader left; after that nothing is."""
    async with _stores(url, tmp_path, 2) as (sender, web):
        readers = await _planned(sender, 20)
        order: list[tuple[str, int]] = []

        async def send() -> None:
            for _ in range(30):
                async with sender.write() as tx:
                    claims = await claim_in(tx, NOW, 1)
                    order.extend(("claim", claim.subscription_id) for claim in claims)
                    await asyncio.sleep(0)

        async def leave() -> None:
            for number in range(19, -1, -1):
                async with web.write() as tx:
                    if way == "leave":
                        await audience.unsubscribe(tx, readers[number], NOW)
                    else:
                        await audience.suppress(tx, f"r{number}@x.org", reason="complaint", note="", now=NOW)
                order.append(("left", readers[number]))

        await asyncio.gather(send(), leave())
        async with sender.read() as tx:
            found = {d.subscription_id: d.state for d in await list_deliveries(tx)}
        claimed = [ident for what, ident in order if what == "claim"]
        assert len(claimed) == len(set(claimed))
        assert {ident for ident, state in found.items() if state == DeliveryState.CLAIMED} == set(claimed)
        assert set(found.values()) <= {DeliveryState.CLAIMED, DeliveryState.CANCELLED}
        for ident in claimed:
            assert order.index(("claim", ident)) < order.index(("left", ident))


async def test_I10_unsubscription_waits_for_a_claim_that_is_being_committed(url: str, tmp_path: Path) -> None:
    """The message of a claim that is committed first may go out; the one that comes after finds the reader gone."""
    async with _stores(url, tmp_path, 2) as (sender, web):
        (reader,) = await _planned(sender, 1)

        async def leave() -> bool:
            async with web.write() as tx:
                return await audience.unsubscribe(tx, reader, NOW)

        async with sender.write() as tx:
            assert len(await claim_in(tx, NOW, 1)) == 1
            leaving = asyncio.create_task(leave())
            await asyncio.sleep(0.2)
            assert not leaving.done()
        assert await leaving
        async with sender.read() as tx:
            assert [d.state for d in await list_deliveries(tx)] == [DeliveryState.CLAIMED]


async def test_I10_withdrawal_and_storing_a_message_exclude_each_other(url: str, tmp_path: Path) -> None:
    """However the two fall, no message with the withdrawn article is claimed."""
    async with _stores(url, tmp_path, 2) as (planner, editor):
        async with planner.write() as tx:
            await articles.insert(tx, _article(1))
            await articles.publish_due(tx, NOW)
        ident = str(UUID(int=1))

        async def withdraw() -> None:
            async with editor.write() as tx:
                await articles.set_status(tx, ident, ArticleStatus.WITHDRAWN, NOW)

        async with planner.write() as tx:
            edition = await editions.edition(tx, "daily", date(2026, 11, 22), "scheduled", 9, NOW)
            await editions.variant(tx, edition, NewVariant("k", "en", "s", "h", "t", (ident,)))
            withdrawing = asyncio.create_task(withdraw())
            await asyncio.sleep(0.2)
            assert not withdrawing.done()
        await withdrawing
        await _planned(planner, 1, (ident,))
        async with planner.write() as tx:
            assert await claim_in(tx, NOW, 9) == []
            assert len(await editions.stale_variants(tx)) == 1


async def test_planning_and_settling_at_the_same_time_never_stand_still(url: str, tmp_path: Path) -> None:
    """Both lock several readers, each in its own order of work, and neither is the other's victim."""
    async with _stores(url, tmp_path, 2) as (planner, sender):
        readers = await _planned(planner, 30)
        async with sender.write() as tx:
            claims = await claim_in(tx, NOW, 30)

        async def settle() -> None:
            reply = Reply(250, "", "ok")
            outcomes = [Outcome(claim, DeliveryState.ACCEPTED, reply, NOW, NOW) for claim in reversed(claims)]
            async with sender.write() as tx:
                await settle_in(tx, NOW, outcomes)

        async def plan() -> None:
            async with planner.write() as tx:
                edition = await editions.edition(tx, "daily", date(2026, 11, 23), "scheduled", 9, NOW)
                variant = await editions.variant(tx, edition, NewVariant("k", "en", "s", "h", "t", ()))
                new = [_delivery(ident, "D:2") for ident in readers]
                assert await editions.plan(tx, edition, variant, new, NOW) == 0

        await asyncio.gather(settle(), plan())
        async with sender.read() as tx:
            assert await counts_of_all(tx) == {"accepted": 30}


async def test_sealing_waits_for_whoever_seals_or_withdraws(url: str, tmp_path: Path) -> None:
    """No entry moves to a second document, and what leaves meanwhile is in none."""
    async with _stores(url, tmp_path, 2) as (one, other):

        async def seal() -> None:
            async with other.write() as tx:
                await archive.seal(tx, 2)

        async with one.write() as tx:
            for number in range(1, 6):
                await articles.insert(tx, _article(number))
            await articles.publish_due(tx, NOW)
        async with one.write() as tx:
            await archive.seal(tx, 2)
            waiting = asyncio.create_task(seal())
            await asyncio.sleep(0.2)
        await waiting
        async with one.write() as tx:
            await articles.insert(tx, _article(6))
            await articles.publish_due(tx, NOW)
        async with one.write() as tx:
            await articles.set_status(tx, _article(5).id, ArticleStatus.WITHDRAWN, NOW)
            waiting = asyncio.create_task(seal())
            await asyncio.sleep(0.2)
        await waiting
        async with one.read() as tx:
            held = [[found.slug for found in await archive.document(tx, number)] for number in (1, 2, 3)]
        assert held == [["story-2", "story-1"], ["story-4", "story-3"], []]
