"""I10 during a send, on both databases: leaving, a suppression and a pause are heard at once; nobody else is lost."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail.ahead import Ahead
from publisher.mail.deliver import DeliverReport, deliver
from publisher.mail.ledger import Ledger, open_ledger
from publisher.mail.pace import Pace
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply
from publisher.store import audience, edition_hand
from publisher.store.engine import Store
from publisher.templating import Templates
from tests.ledger import counts_of_all, list_deliveries
from tests.mail.conftest import NOON, Scripted

Start = Callable[..., Awaitable[Scripted]]
Plant = Callable[..., Awaitable[list[int]]]
Make = Callable[..., Settings]
#: Not claimed when the last word committed.
GONE = (DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.CANCELLED)


class Slow(Scripted):
    """A server that takes a moment for each message."""

    #: When it took the last one.
    last = 0.0

    async def _say(self, writer: asyncio.StreamWriter, said: str) -> bool:
        await asyncio.sleep(0.002)
        self.last = time.monotonic() if said.startswith("250 2.0.0") else self.last
        return await super()._say(writer, said)


def now() -> datetime:
    return datetime.now(UTC)


async def states(store: Store) -> dict[str, DeliveryState]:
    async with store.read() as tx:
        return {row.email: row.state for row in await list_deliveries(tx)}


@pytest.mark.parametrize("how", ["unsubscribe", "suppress"])
async def test_I10_nothing_starts_after_the_last_word(
    any_store: Store, scripted: Start, settings: Make, plant: Plant, keys: Keys, templates: Templates, how: str
) -> None:
    """Whoever was not claimed when it committed gets nothing; all others get theirs, once."""
    emails = [f"r{n}@d{n}.example" for n in range(120)]
    subscriptions = dict(zip(emails, await plant(emails, into=any_store), strict=True))
    server = await scripted(Slow)
    never: set[str] = set()

    async def go() -> None:
        dice = random.Random(1)
        for email in dice.sample(emails, 50):
            async with any_store.write() as tx:
                if how == "unsubscribe":
                    await audience.unsubscribe(tx, subscriptions[email], NOON)
                else:
                    await audience.suppress(tx, email, reason="operator", note="", now=NOON)
                [row] = [row for row in await list_deliveries(tx) if row.email == email]
                if row.state in GONE:
                    never.add(email)

    chosen = settings(port=server.port, connections=4)
    sending = deliver(any_store, chosen, templates, keys, now=now, stop=asyncio.Event())
    await asyncio.gather(sending, go())
    await deliver(any_store, chosen, templates, keys, now=now, stop=asyncio.Event())
    copies = Counter(to for to, *_ in server.taken)
    assert never
    assert never & set(copies) == set()
    assert set(copies) == set(emails) - never
    assert set(copies.values()) == {1}
    found = await states(any_store)
    assert {found[email] for email in never} == {DeliveryState.CANCELLED}
    assert {found[email] for email in copies} == {DeliveryState.ACCEPTED}


async def test_pause_stops_all_within_a_second(
    any_store: Store, scripted: Start, settings: Make, plant: Plant, keys: Keys, templates: Templates
) -> None:
    """What is on the wire is finished; nothing else starts until the edition is resumed, and then all of it goes."""
    emails = [f"r{n}@d{n}.example" for n in range(150)]
    await plant(emails, into=any_store)
    server = await scripted(Slow)
    assert isinstance(server, Slow)
    chosen = settings(port=server.port, connections=4)
    sending = asyncio.create_task(deliver(any_store, chosen, templates, keys, now=now, stop=asyncio.Event()))
    while len(server.taken) < 20:
        await asyncio.sleep(0.002)
    assert await edition_hand.pause(any_store, None) == 1
    paused, taken = time.monotonic(), len(server.taken)
    await sending
    assert len(server.taken) <= taken + 4
    assert server.last - paused < 1
    assert await deliver(any_store, chosen, templates, keys, now=now, stop=asyncio.Event()) == DeliverReport()
    assert set((await states(any_store)).values()) == {DeliveryState.ACCEPTED, DeliveryState.QUEUED}
    left = len(emails) - len(server.taken)
    assert await edition_hand.resume(any_store, None, now(), repeat=True) == (1, left)
    report = await deliver(any_store, chosen, templates, keys, now=now, stop=asyncio.Event())
    assert report == DeliverReport(accepted=left)
    assert sorted(to for to, *_ in server.taken) == sorted(emails)


async def test_no_message_is_claimed_twice_and_none_forgotten(any_store: Store, plant: Plant) -> None:
    """Thousands wait, more come while they are claimed, readers leave, visitors are cancelled; each goes once."""
    first = [f"a{n}@d{n % 40}.example" for n in range(300 if any_store.dialect == "postgresql" else 1500)]
    subscriptions = await plant(first, into=any_store)
    sent: Counter[int] = Counter()
    pace, stop = Pace(), asyncio.Event()
    dice = random.Random(3)

    async def connection(ledger: Ledger, ahead: Ahead) -> None:
        outcome: Outcome | None = None
        while given := await ahead.give(8):
            for claim in given:
                if dice.random() < 0.02:  # whoever wanted it is gone: it is claimed or not, and given back
                    visit = asyncio.create_task(ledger.visit(want=claim))
                    await asyncio.sleep(0)
                    visit.cancel()
                    await asyncio.gather(visit, return_exceptions=True)
                elif await ledger.visit(outcome, want=claim):
                    outcome = _sent(claim, sent)
                    continue
                else:
                    outcome = None
        await ledger.visit(outcome)

    async def more() -> None:
        for batch in range(6):
            await asyncio.sleep(0.02)
            await plant([f"b{batch}.{n}@d{n}.example" for n in range(20 + batch)], into=any_store)

    async def leave() -> None:
        for subscription in dice.sample(subscriptions, 30):
            async with any_store.write() as tx:
                await audience.unsubscribe(tx, subscription, NOON)

    ahead = Ahead(any_store, lambda: NOON, pace, stop)
    async with open_ledger(any_store, lambda: NOON, pace, decided=ahead.decided) as ledger:
        await asyncio.gather(*(connection(ledger, ahead) for _ in range(6)), more(), leave())
        await connection(ledger, ahead)
        await ahead.close()
    assert set(sent.values()) == {1}
    async with any_store.read() as tx:
        counted = await counts_of_all(tx)
    assert set(counted) <= {DeliveryState.ACCEPTED, DeliveryState.CANCELLED}
    assert counted[DeliveryState.ACCEPTED] == len(sent)
    assert {name: found.under_way for name, found in pace._groups.items() if found.under_way} == {}


def _sent(claim: Claim, sent: Counter[int]) -> Outcome:
    sent[claim.id] += 1
    return Outcome(claim, DeliveryState.ACCEPTED, Reply(250, "2.0.0", "ok"), NOON, NOON)
