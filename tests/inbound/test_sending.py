"""What goes out so that something can come back; and what comes back while it goes out."""

from __future__ import annotations

import asyncio
import email
import re
from collections.abc import Callable
from typing import Any

import pytest

from publisher import return_path
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.inbound.receive import receive
from publisher.incoming import Letter
from publisher.mail import alert as alerts
from publisher.mail.deliver import deliver
from publisher.mail.forward import forward_letters
from publisher.mail.pace import Pace
from publisher.mail.pacing import fill, spare
from publisher.outgoing import DeliveryState, Reply
from publisher.store import alarms, audience, forwards, throttles
from publisher.store.engine import Store
from publisher.templating import Templates
from tests.inbound.conftest import DAY, DOMAIN, NOON, arf, dsn, letter, listed, plant, planted
from tests.ledger import list_deliveries
from tests.mail.conftest import Scripted
from tests.mail.conftest import scripted as scripted  # noqa: PLC0414 - a fixture
from tests.mail.test_smtp import Handler, aiosmtpd_server

Make = Callable[..., Settings]


async def test_each_message_has_its_return_path_and_a_mailto(store: Store, settings: Make, keys: Keys) -> None:
    """Both end with the reader whom the message went to; the header keeps its web address first, on short lines."""
    handler = Handler()
    emails = ["anna@d.example", "Bo.Example@d.example"]
    async with aiosmtpd_server(handler) as port:
        subscriptions = await planted(store, emails)
        report = await deliver(store, settings({"port": port}), Templates(), keys, now=lambda: NOON, stop=asyncio.Event())
    assert report.accepted == 2
    for sender, (to,), raw, _ in handler.got:
        assert re.fullmatch(rf"bounce\+[a-z2-7]{{24}}@{DOMAIN}", sender)
        assert len(sender.partition("@")[0]) <= 64
        field = re.search(rb"List-Unsubscribe: <(\S+)>,\r\n <mailto:(\S+)>\r\n", raw)
        assert field is not None
        assert field[1].startswith(b"https://news.example.org/u/")
        assert max(map(len, field[0].split(b"\r\n"))) <= 78
        await receive(store, settings(), keys, [letter(dsn("x@y.example", to), sender)], NOON)
        assert return_path.proves_subscription(keys, field[2].decode().partition("+")[2].partition("@")[0])
    assert {row["subscription_id"] for row in await listed(store)} == set(subscriptions)


async def test_without_a_bounce_domain_messages_carry_neither(store: Store, settings: Make, keys: Keys) -> None:
    """The sender's address is the return path, and List-Unsubscribe has the web address alone."""
    handler = Handler()
    async with aiosmtpd_server(handler) as port:
        await planted(store, ["anna@d.example"])
        await deliver(store, settings({"port": port}, bounce_domain=""), Templates(), keys, now=lambda: NOON, stop=asyncio.Event())
    sender, _, raw, _ = handler.got[0]
    assert sender == "digest@example.org"
    assert b"mailto:" not in raw


async def test_unsubscription_that_comes_during_a_send_stops_what_has_not_started(
    store: Store, settings: Make, keys: Keys, scripted: Callable[..., Any]
) -> None:
    """While the first message is on the wire, all others leave by mail: none of them gets it."""
    ids: list[int] = []
    left = asyncio.Event()

    async def leave() -> None:
        paths = [return_path.unsubscribe_address(keys, DOMAIN, ident) for ident in ids[1:]]
        await receive(store, settings(), keys, [Letter(f"From: a@b.c\r\nTo: {to}\r\nSubject: x\r\n\r\n".encode(), "lmtp", (to,)) for to in paths], NOON)
        left.set()

    class Slow(Scripted):
        async def _say(self, writer: asyncio.StreamWriter, said: str) -> bool:
            if said.startswith("354") and not left.is_set():
                await leave()
            return await super()._say(writer, said)

    server = await scripted(Slow)
    ids += await planted(store, [f"r{n}@d.example" for n in range(20)])
    chosen = settings({"port": server.port, "connections": 1})
    await deliver(store, chosen, Templates(), keys, now=lambda: NOON, stop=asyncio.Event())
    assert len(server.taken) == 1
    async with store.read() as tx:
        states = [row.state for row in await list_deliveries(tx)]
    assert sorted(states) == sorted([DeliveryState.ACCEPTED, *[DeliveryState.CANCELLED] * 19])


# --- letters -----------------------------------------------------------------------------------------------------------


async def written(store: Store, settings: Settings, keys: Keys) -> bytes:
    reader = await plant(store, keys, "pen@d.example")
    content = "From: Pen <pen@d.example>\r\nSubject: Re: News\r\n\r\nDear editor,\r\n.\r\nüber and out\r\n".encode()
    await receive(store, settings, keys, [letter(content, reader.path())], NOON)
    return content


async def test_letter_goes_to_the_editor_as_it_came(store: Store, settings: Make, keys: Keys) -> None:
    """Enclosed whole, an answer goes to its author, and it is kept no longer; nothing is sent twice."""
    handler = Handler()
    async with aiosmtpd_server(handler) as port:
        chosen = settings({"port": port}, replies_to="editor@example.org")
        content = await written(store, chosen, keys)
        assert [await forward_letters(store, chosen, NOON) for _ in range(2)] == [1, 0]
    [(_, [to], raw, _)] = handler.got
    assert to == "editor@example.org"
    message = email.message_from_bytes(raw)
    assert (message["From"], message["Reply-To"]) == ("The Example Courier <digest@example.org>", "pen@d.example")
    assert message["Subject"] == "[The Example Courier] A reader wrote: Re: News"
    *_, enclosed = message.walk()
    assert enclosed.get_payload(decode=True) == content
    # What comes back to us of it is passed over.
    await receive(store, chosen, keys, [letter(raw, "digest@example.org")], NOON)
    async with store.read() as tx:
        assert await forwards.waiting(tx) == (0, 0)


async def test_letter_that_nobody_takes_waits(store: Store, settings: Make, keys: Keys, scripted: Callable[..., Any]) -> None:
    """Refused or unreachable: it is tried again, longer each time, and never dropped."""
    server = await scripted(RCPT=lambda server, _: "550 5.1.1 nobody" if server.connections < 3 else None)
    chosen = settings({"port": server.port})
    await written(store, chosen, keys)
    now = NOON
    for _ in range(2):
        assert await forward_letters(store, chosen, now) == 0
        assert await forward_letters(store, chosen, now) == 0
        now += DAY
    assert await forward_letters(store, chosen, now) == 1
    assert len(server.taken) == 1


# --- pace and alarms ---------------------------------------------------------------------------------------------------


async def test_domain_that_refuses_us_is_spared(store: Store, settings: Make) -> None:
    """At once for who sends now, and after a restart."""
    pace = Pace()
    await fill(pace, store, settings(), NOON)
    await spare(pace, store, {"d.example": Reply(0, "5.7.1", "blocked as spam")}, NOON)
    assert pace.changed()["d.example"].allowed == 1
    async with store.read() as tx:
        [(domain, until, allowed, reason)] = await throttles.load(tx)
    assert (domain, allowed, reason) == ("d.example", 1, "5.7.1 blocked as spam")
    assert until is not None
    assert until > NOON


async def standing(store: Store) -> dict[str, str]:
    async with store.read() as tx:
        return {row.kind: row.reason for row in await alarms.standing(tx)}


async def test_policy_refusals_are_told_with_their_words(any_store: Store, settings: Make, keys: Keys) -> None:
    """Only proven ones; it is over a day later."""
    chosen, watch = settings(), alerts.Watch()
    reader = await plant(any_store, keys, "alive@d.example")
    await receive(any_store, chosen, keys, [letter(dsn("x@y.example", "a@forged.example", status="5.7.1", words="spam"))], NOON)
    await alerts.watch(any_store, chosen, watch, NOON)
    assert await standing(any_store) == {}
    await receive(any_store, chosen, keys, [letter(dsn(reader.path(), reader.email, status="5.7.1", words="listed at a block list"), reader.path())], NOON)
    await alerts.watch(any_store, chosen, watch, NOON)
    assert "d.example" in (told := await standing(any_store))["policy"]
    assert "listed at a block list" in told["policy"]
    await alerts.watch(any_store, chosen, watch, NOON + 2 * DAY)
    assert await standing(any_store) == {}


@pytest.mark.parametrize(("complaints", "told"), [(0, False), (1, False), (2, True)])
async def test_complaints_are_told_before_a_provider_acts(
    any_store: Store, settings: Make, keys: Keys, complaints: int, told: bool
) -> None:
    """Over one in a thousand of what a domain accepted in a week."""
    readers = [await plant(any_store, keys, f"r{n}@d.example", 5) for n in range(2)]
    async with any_store.write() as tx:
        await _accepted(tx, 1000, readers[0].subscription)
    for reader in readers[:complaints]:
        await receive(any_store, settings(), keys, [letter(arf(reader.path(), reader.email), reader.path())], NOON + 5 * DAY)
    watch = alerts.Watch()
    await alerts.watch(any_store, settings(), watch, NOON + 5 * DAY)
    assert ("complaints" in await standing(any_store)) == told


async def _accepted(tx: Any, count: int, subscription: int) -> None:
    """So many deliveries more to this reader's domain."""
    from sqlalchemy import insert, select  # noqa: PLC0415

    from publisher.store.mail_schema import deliveries  # noqa: PLC0415

    row = (await tx.execute(select(deliveries).where(deliveries.c.subscription_id == subscription).limit(1))).mappings().one()
    values = {name: value for name, value in row.items() if name != "id"}
    await tx.execute(insert(deliveries), [values | {"period": f"X:{n}", "message_id": f"<x{n}@example.org>"} for n in range(count)])


async def test_history_and_reason_stand_beside_the_suppression(store: Store, settings: Make, keys: Keys) -> None:
    """What the operator needs to undo it."""
    reader = await plant(store, keys, "gone@d.example", 2)
    for number in (0, 1):
        await receive(store, settings(), keys, [letter(dsn(reader.path(number), reader.email), reader.path(number))], NOON + number * DAY)
    async with store.read() as tx:
        (told,) = await audience.list_consents(tx, reader.subscription)
    assert told["wording"] == "dead on 2 days: the address is given up"
