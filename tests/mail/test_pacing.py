"""Pace in the deliver step: real store, scripted server; what one domain bears never delays the others."""

from __future__ import annotations

import asyncio
import time as clocks
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail import ahead, pacing
from publisher.mail.deliver import DeliverReport, deliver
from publisher.mail.pace import Pace
from publisher.mail.standing import STOP
from publisher.outgoing import DeliveryState
from publisher.store import throttles
from publisher.store.engine import Store
from publisher.templating import Templates
from tests.ledger import list_deliveries
from tests.mail.conftest import NOON, Scripted

Start = Callable[..., Awaitable[Scripted]]
Plant = Callable[..., Awaitable[list[int]]]
Make = Callable[..., Settings]
SLOW_DOWN = "450 4.7.28 too much mail from you"


@pytest.fixture
def run(store: Store, templates: Templates, keys: Keys) -> Callable[..., Awaitable[DeliverReport]]:
    """Runs the step, at noon as a rule."""

    async def run(settings: Settings, **options: Any) -> DeliverReport:
        options = {"now": lambda: NOON, "stop": asyncio.Event(), **options}
        return await deliver(store, settings, templates, keys, **options)

    return run


Run = Callable[..., Awaitable[DeliverReport]]


def running() -> Callable[[], datetime]:
    """A clock that begins at noon, and goes."""
    begun = clocks.monotonic()
    return lambda: NOON + timedelta(seconds=clocks.monotonic() - begun)


async def rows(store: Store, domain: str) -> list[tuple[DeliveryState, datetime | None, int]]:
    async with store.read() as tx:
        found = await list_deliveries(tx, domain=domain, limit=10_000)
    return [(row.state, row.next_attempt_at, row.attempts) for row in found]


def refuses(domain: str, reply: str = SLOW_DOWN) -> Callable[[Scripted, str], str | None]:
    return lambda _, said: reply if said.rstrip(">").endswith(f"@{domain}") else None


async def test_limited_domain_stands_in_nobodys_way(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than is read at a time waits for a domain that limits us: it is asked a few times, all others get theirs."""
    monkeypatch.setattr(ahead, "AHEAD", 64)
    server = await scripted(RCPT=refuses("slow.example"))
    await plant([*(f"r{n}@slow.example" for n in range(300)), *(f"r{n}@other{n % 7}.example" for n in range(100))])
    moved: list[int] = []
    event.listen(
        store._engine.sync_engine, "before_cursor_execute",
        lambda _c, _cursor, sql, values, _context, many: moved.append(len(values) if many else 1)
        if sql.startswith("UPDATE deliveries SET next_attempt_at") else None,
    )
    report = await run(settings(port=server.port, connections=4))
    assert report.accepted == 100
    assert report.deferred <= 4
    waiting = [row for row in await rows(store, "slow.example") if row[0] == DeliveryState.QUEUED]
    assert len(waiting) == 300 - report.deferred
    assert all(at is not None and at >= NOON + STOP and attempts == 0 for _, at, attempts in waiting)
    assert sum(moved) <= 300  # each once
    assert len(moved) <= 10


async def test_slow_domain_has_the_connections_that_it_is_given(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run
) -> None:
    """A domain that gets one message at a time, and takes long for it, keeps one connection: the others go on."""
    open_now = most = 0

    server = await scripted()
    usual = server._say

    async def say(writer: asyncio.StreamWriter, said: str) -> bool:
        nonlocal open_now, most
        if said.startswith("250 slow"):
            open_now += 1
            most = max(most, open_now)
            await asyncio.sleep(0.05)
            open_now -= 1
        return await usual(writer, said)

    server._say = say  # type: ignore[method-assign]  # the server waits
    server.script["DOT"] = lambda _, to: "250 slow" if to.endswith("@slow.example") else None
    await plant([*(f"r{n}@slow.example" for n in range(8)), *(f"r{n}@fast.example" for n in range(200))])
    async with store.write() as tx:
        await throttles.save(tx, [("slow.example", None, 1, "421 earlier")], [])
    assert (await run(settings(port=server.port, connections=4), now=running())).accepted == 208
    order = [to.partition("@")[2] for to, *_ in server.taken]
    assert most == 1
    assert order.index("slow.example") < 40
    assert order[-3:] == ["slow.example"] * 3


async def test_stop_survives_a_restart(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run
) -> None:
    """A new process knows who is spared, and until when; afterwards mail goes on."""
    server = await scripted(RCPT=refuses("slow.example"))
    await plant(["one@slow.example"])
    chosen = settings(port=server.port, connections=1)
    assert (await run(chosen)).deferred == 1
    server.script.clear()
    await plant(["two@slow.example", "three@fine.example"])
    assert (await run(chosen)).accepted == 1
    assert [to for to, *_ in server.taken] == ["three@fine.example"]
    assert (await run(chosen, now=lambda: NOON + 2 * STOP)).accepted == 2


async def test_ready_messages_of_a_domain_that_stops_us_wait(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run
) -> None:
    """What was made ready before the server's word is not sent after it."""
    server = await scripted(RCPT=refuses("slow.example"))
    await plant([f"r{n}@slow.example" for n in range(100)])
    report = await run(settings(port=server.port, connections=1))
    assert report.deferred == 1
    assert server.seen.count("RCPT") == 1


async def test_quiet_hours_hold_digests_back(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run, ask_confirmation: Callable[..., Awaitable[int]]
) -> None:
    """A confirmation goes at once; digests go when the hours are over."""
    server = await scripted()
    await plant([f"r{n}@m.example" for n in range(30)])
    await ask_confirmation("new@m.example")
    chosen = settings(port=server.port, quiet="11:00-14:30")
    assert (await run(chosen)).accepted == 1
    assert {at for _, at, _ in await rows(store, "m.example")} == {datetime(2026, 11, 22, 14, 30, tzinfo=UTC)}
    assert (await run(chosen, now=lambda: NOON + timedelta(hours=2.5))).accepted == 30


async def test_warm_up_counts_what_the_ledger_knows(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run
) -> None:
    """Ten digests on the first day, whatever runs there are; the others on the next."""
    server = await scripted()
    await plant([f"r{n}@m.example" for n in range(30)])
    chosen = settings(port=server.port, warm_up={"since": NOON.date(), "days": [10, 15]})
    assert (await run(chosen)).accepted == 10
    assert await run(chosen, now=lambda: NOON + timedelta(hours=1)) == DeliverReport()
    pace = Pace()
    await pacing.fill(pace, store, chosen, NOON)
    assert pace._sent == 10
    assert (await run(chosen, now=lambda: NOON + timedelta(days=1))).accepted == 15
    assert (await run(chosen, now=lambda: NOON + timedelta(days=2))).accepted == 5


async def test_rate_spaces_messages(store: Store, scripted: Start, settings: Make, plant: Plant, run: Run) -> None:
    """Thirty messages at a hundred a second take no less than two tenths, in one run."""
    server = await scripted()
    await plant([f"r{n}@m.example" for n in range(30)])
    begun = clocks.monotonic()
    report = await run(settings(port=server.port, rate=100), now=running())
    assert report.accepted == 30
    assert clocks.monotonic() - begun >= 0.19


async def test_spread_messages_go_at_their_times(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run
) -> None:
    """What is due later is not sent now; what is due within seconds is waited for, in the same run."""
    server = await scripted()
    await plant([f"r{n}@m.example" for n in range(4)])
    now = running()
    began = now()
    times = [began, began + timedelta(seconds=0.3), began + timedelta(seconds=0.6), began + timedelta(hours=1)]
    async with store.write() as tx:
        for number, at in enumerate(times, 1):
            plain = at.replace(tzinfo=None).isoformat(" ", "microseconds")
            await tx.exec_driver_sql("UPDATE deliveries SET next_attempt_at = ? WHERE id = ?", (plain, number))
    assert (await run(settings(port=server.port), now=now)).accepted == 3
    assert now() >= times[2]
    assert [state for state, _, _ in await rows(store, "m.example")].count(DeliveryState.QUEUED) == 1
