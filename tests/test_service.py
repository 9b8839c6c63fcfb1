"""The service's ticks, with a real store and a real SMTP server: what they leave behind, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from publisher import service, slots, ticks
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail_settings import Mail
from publisher.model import Frequency
from publisher.outgoing import DeliveryState, NewDelivery, NewVariant
from publisher.progress import Progress, silent
from publisher.settings import Newsletter, Site, Web
from publisher.store import audience, editions, ledger_view
from publisher.store.engine import Store
from publisher.templating import Templates
from publisher.ticks import Service
from tests import ledger
from tests.ledger import list_deliveries
from tests.mail.test_smtp import aiosmtpd_server

STORY = "https://news.example.org/articles/story"
HTML = f'<!DOCTYPE html><html lang="en"><body><a href="{STORY}">A story</a> <a href="{slots.UNSUBSCRIBE_URL}">Leave</a></body></html>'
TEXT = f"A story\n{STORY}\nLeave:\n{slots.UNSUBSCRIBE_URL}\n"


@dataclass
class Handler:
    """Takes messages; from number `slow` on only once `go` is set."""

    slow: int = 99
    go: asyncio.Event = field(default_factory=asyncio.Event)
    #: Set when a message waits.
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    taken: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if len(self.taken) + 1 >= self.slow:
            self.waiting.set()
            await self.go.wait()
        self.taken += envelope.rcpt_tos
        return "250 2.0.0 taken"


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
async def parts(store: Store, tmp_path: Path, handler: Handler, unused_tcp_port: int) -> AsyncIterator[Service]:
    """A service whose mail goes to `handler`."""
    (tmp_path / "var").mkdir()
    async with aiosmtpd_server(handler) as port:
        settings = Settings(
            root=tmp_path, site=Site(url="https://news.example.org", postal_address=""), web=Web(port=unused_tcp_port),
            newsletter=(Newsletter(name="daily"),),
            mail=Mail(
                transport="smtp", port=port, connections=1, sender="The Example Courier <digest@example.org>",
            ),
        )
        yield Service(settings, store, Templates(), Keys((b"k" * 32,)), stop=asyncio.Event())
        handler.go.set()


async def plant(store: Store, *emails: str) -> None:
    """Plans a digest for each address."""
    now = datetime.now(UTC) - timedelta(seconds=1)
    async with store.write() as tx:
        edition = await editions.edition(tx, "daily", date(2026, 11, 22), "scheduled", 9, now)
        variant = await editions.variant(tx, edition, NewVariant("key", "en", "News", HTML, TEXT, ()))
        new = []
        for email in emails:
            person, _ = await audience.add_subscriber(
                tx, email=email, email_key=email, name="", language="", timezone="UTC", now=now
            )
            mine, _ = await audience.subscribe(
                tx, subscriber_id=person.id, newsletter="daily", frequency=Frequency.DAILY, weekday=0,
                local_time=time(7), sections=(),
            )
            await audience.confirm(tx, mine.id, now, welcome=False)
            new.append(NewDelivery(
                subscription_id=mine.id, subscriber_id=person.id, period="D:2026-11-22", from_seq=0, to_seq=9,
                message_id=f"d{mine.id}@example.org", next_due_at=None, due_at=None, expect_from_seq=0,
                expect_generation=0,
            ))
        assert await editions.plan(tx, edition, variant, new, now) == len(emails)


async def states(store: Store) -> list[DeliveryState]:
    async with store.read() as tx:
        return [found.state for found in reversed(await list_deliveries(tx))]


@asynccontextmanager
async def running(work: Callable[[], Any]) -> AsyncIterator[asyncio.Task[Any]]:
    """`work` as a task that is over at the end."""
    task = asyncio.create_task(work())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def announced(_started: service.Started) -> None:
    """Says nothing."""


async def test_I3_a_claim_that_a_failed_run_left_is_not_stuck(parts: Service, store: Store, handler: Handler) -> None:
    """The store failed before the outcome was written: the next tick finds it in doubt, not the next start."""
    await plant(store, "r0@m.org", "r1@m.org")
    [lost] = await ledger.claim(store, datetime.now(UTC), 1)
    await ticks.send(parts)
    assert await states(store) == [DeliveryState.ACCEPTED] * 2
    async with store.read() as tx:
        found = await ledger_view.show(tx, lost.id)
    assert found is not None
    assert found[0].attempts == 2
    assert sorted(handler.taken) == ["r0@m.org", "r1@m.org"]


async def test_I5_a_stop_in_the_first_round_finishes_what_is_on_the_wire(
    parts: Service, store: Store, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the first round may wait for the sending."""
    monkeypatch.setattr(service, "_PATIENCE", 0.05)
    handler.slow = 1
    await plant(store, "r0@m.org", "r1@m.org")
    async with running(lambda: service.run(parts, announced)) as task:
        await asyncio.wait_for(handler.waiting.wait(), 10)
        parts.stop.set()
        await asyncio.sleep(0.3)
        handler.go.set()
        await asyncio.wait_for(task, 5)
    assert await states(store) == [DeliveryState.ACCEPTED, DeliveryState.QUEUED]


async def test_a_long_send_is_no_reason_not_to_be_ready(parts: Service, store: Store, handler: Handler) -> None:
    """Each message is a sign of life; a send that stands still is found out."""
    handler.slow = 2
    await plant(store, "r0@m.org", "r1@m.org")
    parts.last_good["go_live"] = parts.last_good["plan_due"] = datetime.now(UTC)
    async with running(lambda: ticks.send(parts)):
        await asyncio.wait_for(handler.waiting.wait(), 10)
        assert ticks.why_not_ready(parts, datetime.now(UTC)) is None
        later = datetime.now(UTC) + timedelta(minutes=6)
        parts.last_good["go_live"] = parts.last_good["plan_due"] = later
        assert "send has not" in (ticks.why_not_ready(parts, later) or "")


async def test_progress_of_a_piece_of_work_ends_with_it(parts: Service) -> None:
    """Each piece is reported under its own name and closed at its end: nothing stays behind on the terminal."""
    opened: list[str] = []
    closed: list[str] = []

    @contextmanager
    def reporting(what: str) -> Iterator[Progress]:
        opened.append(what)
        yield silent
        closed.append(what)

    parts.reporting = reporting
    await ticks.pick_up(parts)
    await ticks.go_live(parts)
    await ticks.send(parts)
    assert opened == ["picking up", "pages", "feeds", "sending"]
    assert sorted(closed) == sorted(opened)  # feeds within pages
