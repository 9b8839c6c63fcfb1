"""The ways out: shares, failover and return."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail.deliver import DeliverReport, deliver
from publisher.mail.relay import Relay, Way, ways_of
from publisher.mail.transport import UnreachedError
from publisher.outgoing import Claim, Reply
from publisher.store.engine import Store
from publisher.templating import Templates
from tests.mail.conftest import DROP, NOON, Scripted

Start = Callable[..., Awaitable[Scripted]]
Plant = Callable[..., Awaitable[list[int]]]
Make = Callable[..., Settings]
BUSY = Reply(421, "4.3.2", "too many connections")


class Peer:
    """A transport that opens sessions, or not."""

    up = True

    async def open(self) -> Any:
        if not self.up:
            raise UnreachedError("down")
        return object()


@pytest.fixture
def run(store: Store, templates: Templates, keys: Keys) -> Callable[..., Awaitable[DeliverReport]]:
    async def run(settings: Settings, **options: Any) -> DeliverReport:
        options = {"now": lambda: NOON, "stop": asyncio.Event(), **options}
        return await deliver(store, settings, templates, keys, **options)

    return run


Run = Callable[..., Awaitable[DeliverReport]]


def noon() -> datetime:
    return NOON


def half() -> float:
    return 0.5


def to(domain: str) -> Claim:
    email = f"r@{domain}"
    return Claim("delivery", 1, email, "", "<1@example.org>", 1, 1, "daily", email_key=email)


async def test_sessions_are_shared_out_by_weight() -> None:
    """Weights of 3 and 1 get 6 and 2 of 8 sessions."""
    relay = Relay([Way(Peer(), 3), Way(Peer(), 1)])
    for _ in range(8):
        await relay.open(noon, half)
    assert [way.open for way in relay.ways] == [6, 2]


async def test_others_carry_the_share_of_one_that_is_down() -> None:
    """It is left alone, longer each time; connections that fail together are one failure."""
    down = Peer()
    down.up = False
    relay = Relay([Way(down, 3), Way(Peer(), 1)])
    for _ in range(4):
        await relay.open(noon, half)
    assert [way.open for way in relay.ways] == [0, 4]
    first = relay.ways[0]
    assert first.retry_at == NOON + timedelta(seconds=5)
    first.failed("again", NOON, 0.5)
    assert first.failures == 1
    first.failed("again", NOON + timedelta(seconds=5), 0.5)
    assert first.retry_at == NOON + timedelta(seconds=15)
    assert not relay.resting(NOON)


async def test_one_that_is_back_is_tried_by_one_session_then_by_its_share() -> None:
    """Its first session tries it; once it took a message the others come."""
    relay = Relay([Way(Peer()), Way(Peer())])
    first, second = relay.ways
    first.failed("down", NOON, 0.5)
    for _ in range(4):
        await relay.open(noon, half)
    assert not relay.better(second, NOON)
    then = NOON + timedelta(seconds=5)
    assert relay.better(second, then)
    second.open -= 1
    await relay.open(lambda: then, half)
    assert (first.open, second.open) == (1, 3)
    assert not relay.better(second, then)
    first.heard(to("m.example"), Reply(250, "", "ok"), then, half)
    assert first.failures == 0
    assert relay.better(second, then)
    second.open -= 1
    await relay.open(lambda: then, half)
    assert (first.open, second.open) == (2, 2)
    assert not relay.better(second, then)
    assert not relay.better(first, then)


async def test_all_down_is_told_with_the_reason() -> None:
    """No way out: the last reason is in the error."""
    peers = [Peer(), Peer()]
    for peer in peers:
        peer.up = False
    relay = Relay([Way(peer) for peer in peers])
    with pytest.raises(UnreachedError, match="down"):
        await relay.open(noon, half)
    assert relay.resting(NOON)
    assert relay.retry_at == NOON + timedelta(seconds=5)


def test_one_that_asks_for_less_whatever_the_domain_is_left_alone() -> None:
    """Three domains in a row with nothing accepted between them speak of the relay; one domain does not."""
    way = Way(Peer())
    for _ in range(5):
        way.heard(to("one.example"), BUSY, NOON, half)
    way.heard(to("two.example"), BUSY, NOON, half)
    assert not way.resting(NOON)
    way.heard(to("two.example"), Reply(250, "", "ok"), NOON, half)
    for domain in ("one.example", "two.example", "three.example"):
        assert not way.resting(NOON)
        way.heard(to(domain), BUSY, NOON, half)
    assert way.resting(NOON)
    assert "too many connections" in way.why


def test_each_relay_has_its_own_keys(settings: Make, tmp_path: Any) -> None:
    """Host, TLS, CA, log-in and weight are its own."""
    chosen = settings(
        host="one.example", username="u1", password="p1",
        relay=[{"host": "two.example", "port": 465, "security": "tls", "weight": 4, "ca_file": "ca.pem"}],
    )
    one, two = ways_of(chosen)
    assert (one.transport.host, one.transport.username, one.weight) == ("one.example", "u1", 1)  # type: ignore[attr-defined]  # SmtpTransport
    transport: Any = two.transport
    assert (transport.port, transport.security, transport.username, transport.password) == (465, "tls", "", "")
    assert (two.weight, transport.ca_file) == (4, tmp_path / "ca.pem")


async def test_relay_that_goes_down_midway_and_comes_back(
    scripted: Start, settings: Make, plant: Plant, run: Run
) -> None:
    """Everybody gets theirs once, over what works; the first one has its share again when it is back."""
    down = False
    times = [NOON]

    first = await scripted(
        AFTER=lambda s, _: DROP if down else None,
        CONNECT=lambda s, _: "421 down" if down else None,
    )

    def turn_of_events(server: Scripted, _: str) -> None:
        nonlocal down
        down = 20 <= len(server.taken) < 60
        if len(server.taken) == 60:
            times[0] += timedelta(minutes=10)

    second = await scripted(DOT=turn_of_events)
    await plant([f"r{n}@m{n}.example" for n in range(200)])
    chosen = settings(port=first.port, connections=4, relay=[{"port": second.port}])
    report = await run(chosen, now=lambda: times[0])
    assert report == DeliverReport(accepted=200)
    everybody = [to for server in (first, second) for to, *_ in server.taken]
    assert len(set(everybody)) == len(everybody) == 200
    assert len(second.taken) > 60
    assert len(first.taken) > 40


async def test_relay_that_closes_on_everybody_is_no_domains_fault(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run
) -> None:
    """A relay that says 421 for each domain is left alone; the others carry the mail, and no domain is spared."""
    first = await scripted(RCPT=lambda *_: "421 4.3.2 too many connections")
    second = await scripted()
    await plant([f"r{n}@m{n}.example" for n in range(100)])
    report = await run(settings(port=first.port, connections=2, relay=[{"port": second.port}]))
    assert report.accepted + report.deferred == 100
    assert report.deferred <= 8
    assert len(second.taken) == report.accepted


async def test_messages_per_connection(scripted: Start, settings: Make, plant: Plant, run: Run) -> None:
    """A connection ends after so many messages, and another takes its place."""
    server = await scripted()
    await plant([f"r{n}@m.example" for n in range(20)])
    assert (await run(settings(port=server.port, connections=1, messages_per_connection=5))).accepted == 20
    assert server.connections == 4
