"""I3 and I4 against a plain model: whatever happens, in any order, each reader gets each article exactly once."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from publisher.config import Settings
from publisher.model import Article, ArticleStatus, Frequency
from publisher.outgoing import Claim, DeliveryState
from publisher.store import articles, audience, editions, outbox, preferences
from publisher.store.engine import open_store
from publisher.templating import Templates
from tests.faults import killed
from tests.ledger import list_deliveries

T = TypeVar("T")
SECTIONS = ("News", "Arts", "Sport")
CHOICES = ((), ("news",), ("arts", "sport"), ("sport", "travel"))
ZONES = (
    "Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Auckland", "Africa/Casablanca",
)
TIMES = (time(0), time(1, 30), time(2, 15), time(7), time(23, 30))
#: Before changes of the clocks of some of these zones, a leap day, an ordinary night.
STARTS = tuple(
    datetime.fromisoformat(f"{day}T20:00+00:00")
    for day in ("2026-03-07", "2026-03-28", "2026-04-03", "2026-10-03", "2026-10-24", "2026-10-31", "2028-02-27", "2026-11-21")
)
SETTLE = timedelta(seconds=60)
#: Runs, and steps in each: thousands of steps in all. By `make model` many times as many.
LONG = int(os.environ.get("PUBLISHER_MODEL", "0"))


@dataclass
class Person:
    """What the model knows of a reader; a new one for each confirmation."""

    id: int
    email: str
    sections: tuple[str, ...]
    confirmed_at: int
    #: Of articles that went live since: what has to come, and what may.
    must: set[int] = field(default_factory=set)
    may: set[int] = field(default_factory=set)
    #: What went live in a pause.
    skipped: set[int] = field(default_factory=set)
    here: bool = True
    paused_until: datetime | None = None
    got: dict[int, datetime] = field(default_factory=dict)
    welcomed: dict[int, datetime] = field(default_factory=dict)
    #: When the last edition that came was planned.
    planned_at: datetime | None = None

    def wants(self, article: Article) -> bool:
        return not self.sections or article.section.lower() in self.sections

    def skip(self) -> None:
        """What has not come by now need not come any more."""
        self.must &= set(self.got)


async def move(tx: Any, ident: int, zone: str) -> None:
    """The reader lives elsewhere."""
    found = await audience.lock(tx, ident)
    assert found is not None
    await preferences.change_person(tx, found.subscriber_id, timezone=zone, language="", plain_text=False)


async def choose(tx: Any, ident: int, frequency: Frequency, weekday: int, at: time, sections: tuple[str, ...]) -> None:
    """Other choices; a pause stays."""
    await audience.change_subscription(
        tx, ident, frequency=frequency, weekday=weekday, local_time=at, sections=sections)


class Machine(RuleBasedStateMachine):
    """Publishes, withdraws, subscribes, leaves, pauses, plans, dies, sends and fails, under a clock that only rises."""

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
        self.corrected: dict[int, list[datetime]] = {}
        self.runs = 0
        self.slots: dict[tuple[int, str], int] = {}

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

    @property
    def here(self) -> list[Person]:
        return [person for person in self.people if person.here]

    @initialize(frequency=st.sampled_from(tuple(Frequency)), start=st.sampled_from(STARTS))
    def begin(self, frequency: Frequency, start: datetime) -> None:
        self.world.now = start
        self.subscribe(frequency, 0, time(7), (), welcome=True)

    @rule(section=st.sampled_from(SECTIONS), backfill=st.sampled_from((False, False, False, True)))
    def publish(self, section: str, backfill: bool) -> None:
        new = self.wait(self.world.publish(section=section, backfill=backfill))
        self.articles[new.seq] = new
        for person in self.here:
            if person.paused_until is not None and self.world.now > person.paused_until:
                person.paused_until = None
            if not backfill and person.paused_until is None and person.wants(new):
                person.must.add(new.seq)
                person.may.add(new.seq)
            elif person.paused_until is not None:
                person.skipped.add(new.seq)

    @rule(
        frequency=st.sampled_from(tuple(Frequency)), zone=st.integers(0, 5), at=st.sampled_from(TIMES),
        sections=st.sampled_from(CHOICES), welcome=st.booleans(),
    )
    def subscribe(self, frequency: Frequency, zone: int, at: time, sections: tuple[str, ...], welcome: bool) -> None:
        email = f"r{len(self.people)}@example.org"
        self.confirm(email, frequency, zone, at, sections, welcome=welcome)

    def confirm(
        self, email: str, frequency: Frequency, zone: int, at: time, sections: tuple[str, ...], *, welcome: bool
    ) -> None:
        ident = self.wait(self.world.subscribe(
            email, frequency=frequency, at=at.strftime("%H:%M"), zone=ZONES[zone], sections=sections, welcome=welcome))
        self.people.append(Person(ident, email, sections, max(self.articles, default=0)))

    @precondition(lambda self: self.here)
    @rule(which=st.integers(0, 100))
    def leave(self, which: int) -> None:
        person = self.here[which % len(self.here)]
        self.wait(self.act(audience.unsubscribe, person.id, self.world.now))
        person.here = False
        person.skip()

    @precondition(lambda self: len(self.here) < len(self.people))
    @rule(which=st.integers(0, 100))
    def come_back(self, which: int) -> None:
        emails = {person.email for person in self.here}
        gone = [person for person in self.people if person.email not in emails]
        if gone:  # the subscription keeps the sections that it had
            person = gone[which % len(gone)]
            last = [one for one in self.people if one.email == person.email][-1]
            self.confirm(person.email, Frequency.DAILY, 0, time(7), last.sections, welcome=bool(which % 2))

    @precondition(lambda self: self.here)
    @rule(
        which=st.integers(0, 100), frequency=st.sampled_from(tuple(Frequency)), at=st.sampled_from(TIMES),
        weekday=st.integers(0, 6), sections=st.sampled_from(CHOICES), other=st.booleans(),
    )
    def choose(
        self, which: int, frequency: Frequency, at: time, weekday: int, sections: tuple[str, ...], other: bool
    ) -> None:
        person = self.here[which % len(self.here)]
        sections = sections if other else person.sections
        self.wait(self.act(choose, person.id, frequency, weekday, at, sections))
        person.sections = sections
        # What matches is judged when it is planned: what came in between may come by either choice.
        since = {seq: article for seq, article in self.articles.items() if seq in self.open_to(person)}
        wanted = {seq for seq, article in since.items() if person.wants(article)}
        person.must &= wanted | set(person.got)
        person.may |= wanted

    def open_to(self, person: Person) -> set[int]:
        """Articles that went live for this reader, whatever their sections."""
        live = {seq for seq, article in self.articles.items() if seq > person.confirmed_at and not article.backfill}
        return live - person.skipped

    @precondition(lambda self: self.here)
    @rule(which=st.integers(0, 100), zone=st.integers(0, 5))
    def move(self, which: int, zone: int) -> None:
        self.wait(self.act(move, self.here[which % len(self.here)].id, ZONES[zone]))

    @precondition(lambda self: self.here)
    @rule(which=st.integers(0, 100), span=st.sampled_from((timedelta(hours=2), timedelta(days=1), timedelta(days=9))))
    def pause(self, which: int, span: timedelta) -> None:
        person = self.here[which % len(self.here)]
        until = self.world.now + span
        self.wait(self.act(preferences.pause, person.id, until, self.world.now))
        person.paused_until = until
        person.skip()

    @precondition(lambda self: self.here)
    @rule(which=st.integers(0, 100))
    def resume(self, which: int) -> None:
        person = self.here[which % len(self.here)]
        if person.paused_until is not None and person.paused_until > self.world.now:
            self.wait(self.act(preferences.resume, person.id, self.world.now))
            person.paused_until = None

    @precondition(lambda self: self.here)
    @rule(
        which=st.integers(0, 100), span=st.sampled_from((timedelta(hours=2), timedelta(days=1), timedelta(days=9))),
        section=st.sampled_from(SECTIONS), noticed=st.booleans(),
    )
    def go_through_a_pause(self, which: int, span: timedelta, section: str, noticed: bool) -> None:
        """News in a pause, and after it, before the next tick or after."""
        self.pause(which, span)
        self.publish(section, backfill=False)
        self.world.now += span + timedelta(minutes=1)
        if noticed:
            self.plan(by_hand=False, times=1)
        self.publish(section, backfill=False)

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
        self.world.now += timedelta(seconds=1)

        async def corrected(tx: Any) -> None:
            now = await articles.get(tx, article.id)
            assert now is not None
            await articles.update(tx, now, self.world.now)

        self.wait(self.act(corrected))
        self.corrected.setdefault(article.seq or 0, []).append(self.world.now)

    @rule(span=st.sampled_from((
        timedelta(seconds=40), timedelta(minutes=7), timedelta(hours=1), timedelta(hours=3), timedelta(hours=11),
        timedelta(days=4),
    )))
    def advance(self, span: timedelta) -> None:
        self.world.now += span

    @rule(hours=st.integers(1, 30), fate=st.sampled_from(("accepted", "deferred", "died", "bounced")))
    def go_on(self, hours: int, fate: str) -> None:
        """A tick of the service after some time: what is due is planned and sent."""
        self.world.now += timedelta(hours=hours)
        self.plan(by_hand=False, times=1)
        self.send(fate)
        if fate == "died":
            self.send("accepted")

    @rule(by_hand=st.sampled_from((False, False, False, True)), times=st.integers(1, 2))
    def plan(self, by_hand: bool, times: int) -> None:
        self.runs += by_hand
        manual = f"run{self.runs}" if by_hand else ""
        self.wait(self.world.plan(manual, "daily"))
        if times > 1:
            assert self.wait(self.world.plan(manual, "daily")).planned == 0

    @rule()
    def plan_twice_at_once(self) -> None:
        async def both() -> None:
            await asyncio.gather(self.world.plan(), self.world.plan())

        self.wait(both())

    @rule(at=st.integers(1, 60))
    def die_planning(self, at: int) -> None:
        """The planner is killed before its statement number `at`; the next one comes later."""
        with killed(self.world.store, at):
            self.wait(self.world.plan())

    @rule()
    def restart(self) -> None:
        """The service stops and starts: what it claimed meanwhile is in doubt, and is sent again."""
        self.wait(self.world.store.close())
        self.world.store = self.wait(open_store("sqlite:///store/publisher.db", root=self.folder))
        self.wait(self.act(outbox.recover, self.world.now, repeat=True))

    @rule(fate=st.sampled_from(("accepted", "accepted", "deferred", "died", "unknown", "given up", "bounced")))
    def send(self, fate: str) -> None:
        claims = self.wait(self.world.claim())
        told = self.wait(self.told(claims))
        # What may have arrived before counts as delivered, whatever is said to its repetition.
        doubted = [claim.in_doubt for claim in claims]
        if fate == "deferred":
            self.wait(self.world.settle(claims, DeliveryState.DEFERRED, timedelta(minutes=20)))
        elif fate in ("given up", "bounced"):
            state = DeliveryState.EXPIRED if fate == "given up" else DeliveryState.BOUNCED
            self.wait(self.world.settle(claims, state))
            sent = [pair for pair, doubt in zip(zip(claims, told, strict=True), doubted, strict=True) if doubt]
            self.note([claim for claim, _ in sent], [what for _, what in sent])
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

    async def told(self, claims: list[Claim]) -> list[tuple[bool, list[int], list[int]]]:
        """(whether a welcome, seqs of stories, of corrections) of each; nothing in it is withdrawn (I10)."""
        found = []
        async with self.world.store.read() as tx:
            for claim in claims:
                variant = await editions.get_variant(tx, claim.variant_id or 0)
                assert variant is not None
                held = await articles.get_many(tx, (*variant.article_ids, *variant.corrected_ids))
                assert all(article.status == ArticleStatus.LIVE for article in held.values())
                kind = (await editions.edition_of(tx, variant.edition_id))[2]
                found.append((
                    kind == "welcome", [held[ident].seq or 0 for ident in variant.article_ids],
                    [held[ident].seq or 0 for ident in variant.corrected_ids],
                ))
        return found

    def note(self, claims: list[Claim], told: list[tuple[bool, list[int], list[int]]]) -> None:
        for claim, (welcome, seqs, corrections) in zip(claims, told, strict=True):
            person = [p for p in self.people if p.email == claim.email][-1]
            assert person.here, "nothing starts after the reader left"
            assert claim.created_at is not None
            if not welcome:
                self.judge_corrections(person, corrections, claim.created_at)
            assert not set(seqs) & set(person.got), "an article came twice"
            (person.welcomed if welcome else person.got).update(dict.fromkeys(seqs, claim.created_at))
            person.planned_at = max(claim.created_at, person.planned_at or claim.created_at)

    def judge_corrections(self, person: Person, told: list[int], planned_at: datetime) -> None:
        """Each is told once, and all are told that the reader was mailed before."""
        mailed = {seq: at for p in self.people if p.email == person.email for seq, at in (p.welcomed | p.got).items()}
        lasts = [p.planned_at for p in self.people if p.email == person.email and p.planned_at]
        assert len(set(told)) == len(told)
        assert set(told) <= set(mailed), "a correction of what the reader was not mailed"
        if not lasts:
            return
        new = {
            seq: [at for at in instants if max(lasts) - SETTLE < at <= planned_at - SETTLE]
            for seq, instants in self.corrected.items() if seq in mailed
        }
        assert set(told) <= {seq for seq, instants in new.items() if instants}, "a correction was told twice"
        owed = {seq for seq, instants in new.items() if any(at > mailed[seq] for at in instants)}
        assert owed - self.withdrawn_once <= set(told), "a correction was not told"

    async def drain(self) -> None:
        """Time goes on until everything that is owed was sent."""
        await self.act(outbox.recover, self.world.now, repeat=True)
        self.world.now = max(self.world.now, *(p.paused_until for p in self.here if p.paused_until), self.world.now)
        for _ in range(20):
            await self.world.plan()
            claims = await self.world.claim()
            told = await self.told(claims)
            await self.world.settle(claims, DeliveryState.ACCEPTED)
            self.note(claims, told)
            self.world.now += timedelta(hours=11)

    def check(self) -> None:
        for person in self.people:
            got, welcomed = set(person.got), set(person.welcomed)
            assert len(welcomed) <= 10
            assert all(seq <= person.confirmed_at for seq in welcomed), "news in a welcome edition"
            assert all(seq > person.confirmed_at for seq in got), "an article from before the confirmation"
            assert got <= person.may, "an article that the reader did not ask for, or from a pause"
            assert person.must - self.withdrawn_once <= got, "an article was missed"
        self.wait(self.check_ledger())

    async def check_ledger(self) -> None:
        """Windows of delivered editions are disjoint and leave no gap; no slot has two."""
        async with self.world.store.read() as tx:
            rows = sorted(await list_deliveries(tx, limit=10_000), key=lambda row: row.id)
        ends: dict[int, int] = {}
        for row in rows:
            if row.state == DeliveryState.ACCEPTED and row.to_seq > row.from_seq:
                assert row.from_seq >= ends.get(row.subscription_id, 0)
                ends[row.subscription_id] = row.to_seq
        assert len({(row.subscription_id, row.period) for row in rows}) == len(rows)
        assert not [row for row in rows if row.state in (DeliveryState.QUEUED, DeliveryState.CLAIMED)]


@pytest.mark.parametrize("seed", range(LONG or 1))
def test_I3_I4_each_reader_gets_each_article_exactly_once(
    seed: int, world_type: Callable[..., Any], make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Through deferrals, doubt, death, new choices, pauses, corrections, withdrawals and days without the service."""
    store = asyncio.run(open_store("sqlite:///empty.db", root=tmp_path))
    asyncio.run(store.close())
    configuration = make_settings(settle_mail=SETTLE, catch_up=timedelta(hours=12))

    class Bound(Machine):
        def __init__(self) -> None:
            super().__init__(world_type, configuration, tmp_path / "empty.db")

    run_state_machine_as_test(
        Bound,
        settings=hypothesis_settings(
            max_examples=40, phases=(Phase.generate,), stateful_step_count=60, deadline=None,
            derandomize=not LONG, suppress_health_check=list(HealthCheck), database=None,
        ),
    )
