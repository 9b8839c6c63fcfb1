"""I3 and I4 against a plain model: whatever happens, in any order, each reader gets each article exactly once."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from publisher.config import Settings
from publisher.model import Article, ArticleStatus, Frequency
from publisher.outgoing import Claim, DeliveryState
from publisher.store import articles, audience, editions, ledger_view, outbox
from publisher.store.engine import open_store
from publisher.templating import Templates

T = TypeVar("T")
SECTIONS = ("News", "Arts", "Sport")
ZONES = ("Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
TIMES = (time(0), time(1, 30), time(7), time(23, 30))


@dataclass
class Person:
    """What the model knows of a reader; a new one for each confirmation."""

    id: int
    email: str
    sections: tuple[str, ...]
    confirmed_at: int
    #: Highest seq when they left; None while they are readers.
    left_at: int | None = None
    got: list[int] = field(default_factory=list)
    welcomed: list[int] = field(default_factory=list)


class Machine(RuleBasedStateMachine):
    """Publishes, withdraws, subscribes, leaves, plans, sends and fails, under a clock that only rises."""

    def __init__(self, world_type: Callable[..., Any], configuration: Settings, empty: Path) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        (self.folder / "store").mkdir()
        shutil.copy(empty, self.folder / "store/publisher.db")
        self.loop = asyncio.new_event_loop()
        store = self.wait(open_store("sqlite:///store/publisher.db", root=self.folder))
        self.world = world_type(store, configuration, Templates())
        self.people: list[Person] = []
        self.articles: dict[int, Article] = {}
        self.withdrawn_once: set[int] = set()
        self.runs = 0

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            self.wait(self.drain())
            self.check()
        finally:
            self.wait(self.world.store.close())
            self.loop.close()
            shutil.rmtree(self.folder)

    @initialize(frequency=st.sampled_from(tuple(Frequency)))
    def begin(self, frequency: Frequency) -> None:
        self.subscribe(frequency, 0, time(7), (), welcome=True)

    @rule(section=st.sampled_from(SECTIONS), backfill=st.sampled_from((False, False, False, True)))
    def publish(self, section: str, backfill: bool) -> None:
        new = self.wait(self.world.publish(section=section, backfill=backfill))
        self.articles[new.seq] = new

    @rule(
        frequency=st.sampled_from(tuple(Frequency)), zone=st.integers(0, 3), at=st.sampled_from(TIMES),
        sections=st.sampled_from(((), ("news",), ("arts", "sport"))), welcome=st.booleans(),
    )
    def subscribe(
        self, frequency: Frequency, zone: int, at: time, sections: tuple[str, ...], welcome: bool
    ) -> None:
        email = f"r{len(self.people)}@example.org"
        self.confirm(email, frequency, zone, at, sections, welcome=welcome)

    def confirm(self, email: str, frequency: Frequency, zone: int, at: time, sections: tuple[str, ...], *, welcome: bool) -> None:
        ident = self.wait(self.world.subscribe(
            email, frequency=frequency, at=at.strftime("%H:%M"), zone=ZONES[zone], sections=sections, welcome=welcome))
        self.people.append(Person(ident, email, sections, max(self.articles, default=0)))

    @precondition(lambda self: any(p.left_at is None for p in self.people))
    @rule(which=st.integers(0, 100), back=st.booleans())
    def leave(self, which: int, back: bool) -> None:
        here = [p for p in self.people if p.left_at is None]
        person = here[which % len(here)]
        self.wait(self.act(audience.unsubscribe, person.id, self.world.now))
        person.left_at = max(self.articles, default=0)
        if back:
            self.confirm(person.email, Frequency.DAILY, 0, time(7), person.sections, welcome=bool(which % 2))
            # The subscription keeps the sections that it was made with.
            self.people[-1].sections = person.sections

    @rule(which=st.integers(0, 100), frequency=st.sampled_from(tuple(Frequency)), at=st.sampled_from(TIMES), weekday=st.integers(0, 6))
    def choose(self, which: int, frequency: Frequency, at: time, weekday: int) -> None:
        here = [p for p in self.people if p.left_at is None]
        if here:
            person = here[which % len(here)]

            async def change(tx: Any) -> None:
                await audience.change_subscription(
                    tx, person.id, frequency=frequency, weekday=weekday, local_time=at, sections=person.sections)

            self.wait(self.act(change))

    @precondition(lambda self: self.articles)
    @rule(which=st.integers(0, 100), status=st.sampled_from((ArticleStatus.WITHDRAWN, ArticleStatus.LIVE)))
    def set_status(self, which: int, status: ArticleStatus) -> None:
        article = list(self.articles.values())[which % len(self.articles)]
        self.wait(self.act(articles.set_status, article.id, status, self.world.now))
        if status == ArticleStatus.WITHDRAWN:
            self.withdrawn_once.add(article.seq or 0)

    @precondition(lambda self: self.articles)
    @rule(which=st.integers(0, 100))
    def correct(self, which: int) -> None:
        article = list(self.articles.values())[which % len(self.articles)]

        async def change(tx: Any) -> None:
            now = await articles.get(tx, article.id)
            assert now is not None
            await articles.update(tx, now, self.world.now)

        self.wait(self.act(change))

    @rule(span=st.sampled_from((timedelta(seconds=40), timedelta(minutes=7), timedelta(hours=3), timedelta(hours=11), timedelta(days=4))))
    def advance(self, span: timedelta) -> None:
        self.world.now += span

    @rule(hours=st.integers(1, 30), fate=st.sampled_from(("accepted", "deferred", "died")))
    def go_on(self, hours: int, fate: str) -> None:
        """A tick of the service after some time: what is due is planned and sent."""
        self.world.now += timedelta(hours=hours)
        self.plan(by_hand=False, twice=False)
        self.send(fate)
        if fate == "died":
            self.send("accepted")

    @rule(by_hand=st.sampled_from((False, False, False, True)), twice=st.booleans())
    def plan(self, by_hand: bool, twice: bool) -> None:
        self.runs += by_hand
        manual = f"run{self.runs}" if by_hand else ""
        self.wait(self.world.plan(manual, "daily"))
        if twice:
            assert self.wait(self.world.plan(manual, "daily")).planned == 0

    @rule(fate=st.sampled_from(("accepted", "accepted", "deferred", "died", "unknown", "given up")))
    def send(self, fate: str) -> None:
        claims = self.wait(self.world.claim())
        told = self.wait(self.told(claims))
        if fate == "deferred":
            self.wait(self.world.settle(claims, DeliveryState.DEFERRED, timedelta(minutes=20)))
        elif fate == "given up":
            self.wait(self.world.settle(claims, DeliveryState.EXPIRED))
        elif fate == "died":
            self.wait(self.act(outbox.recover, self.world.now, repeat=True))
        elif fate == "unknown":
            self.wait(self.world.settle(claims, DeliveryState.IN_DOUBT, timedelta(minutes=1)))
        else:
            self.wait(self.world.settle(claims, DeliveryState.ACCEPTED))
            self.note(claims, told)

    async def act(self, change: Callable[..., Any], *values: Any, **named: Any) -> None:
        async with self.world.store.write() as tx:
            await change(tx, *values, **named)

    async def told(self, claims: list[Claim]) -> list[tuple[bool, list[int]]]:
        """(whether a welcome, seqs) of each claim; what starts now holds nothing that is withdrawn (I10)."""
        found = []
        async with self.world.store.read() as tx:
            for claim in claims:
                variant = await editions.get_variant(tx, claim.variant_id or 0)
                assert variant is not None
                held = await articles.get_many(tx, variant.article_ids)
                assert all(article.status == ArticleStatus.LIVE for article in held.values())
                kind = (await editions.edition_of(tx, variant.edition_id))[2]
                found.append((kind == "welcome", [article.seq or 0 for article in held.values()]))
        return found

    def note(self, claims: list[Claim], told: list[tuple[bool, list[int]]]) -> None:
        for claim, (welcome, seqs) in zip(claims, told, strict=True):
            person = [p for p in self.people if p.email == claim.email][-1]
            assert person.left_at is None, "nothing starts after the reader left"
            (person.welcomed if welcome else person.got).extend(seqs)

    async def drain(self) -> None:
        """Time goes on until everything that is owed was sent."""
        await self.act(outbox.recover, self.world.now, repeat=True)
        for _ in range(18):
            for _ in range(3):
                await self.world.plan()
                claims = await self.world.claim()
                told = await self.told(claims)
                await self.world.settle(claims, DeliveryState.ACCEPTED)
                self.note(claims, told)
            self.world.now += timedelta(hours=11)

    def check(self) -> None:
        for person in self.people:
            got, welcomed = person.got, person.welcomed
            assert len(set(got)) == len(got), "an article came twice"
            assert len(set(welcomed)) == len(welcomed) <= 10
            assert all(seq <= person.confirmed_at for seq in welcomed), "news in a welcome edition"
            assert all(seq > person.confirmed_at for seq in got), "an article from before the confirmation"
            owed = {
                seq for seq, article in self.articles.items()
                if seq > person.confirmed_at and not article.backfill
                and (not person.sections or article.section.lower() in person.sections)
            }
            assert set(got) <= owed
            if person.left_at is None:
                assert owed - self.withdrawn_once <= set(got), "an article was missed"
        self.wait(self.check_ledger())

    async def check_ledger(self) -> None:
        """Windows of delivered editions are disjoint and leave no gap."""
        async with self.world.store.read() as tx:
            rows = sorted(await ledger_view.list_deliveries(tx, limit=10_000), key=lambda row: row.id)
        ends: dict[int, int] = {}
        for row in rows:
            if row.state == DeliveryState.ACCEPTED and row.to_seq > row.from_seq:
                assert row.from_seq >= ends.get(row.subscription_id, 0)
                ends[row.subscription_id] = row.to_seq
        assert len({(row.subscription_id, row.period) for row in rows}) == len(rows)


def test_I3_I4_each_reader_gets_each_article_exactly_once(
    world_type: Callable[..., Any], make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Through deferrals, doubt, death, new choices, corrections, withdrawals and days without the service."""
    store = asyncio.run(open_store("sqlite:///empty.db", root=tmp_path))
    asyncio.run(store.close())
    configuration = make_settings(settle_mail=timedelta(seconds=60), catch_up=timedelta(hours=12))

    class Bound(Machine):
        def __init__(self) -> None:
            super().__init__(world_type, configuration, tmp_path / "empty.db")

    run_state_machine_as_test(
        Bound,
        settings=hypothesis_settings(
            max_examples=12, phases=(Phase.generate,), stateful_step_count=30, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
