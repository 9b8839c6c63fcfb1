"""The deliver step against real servers and a real store: the ledger tells the truth in each case."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import dkim as judge_of_signatures
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import text
from structlog.testing import capture_logs

from publisher import slots, tokens
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.errors import MessageError, PublisherError, StoreError
from publisher.mail import connections, inbox
from publisher.mail.compose import Content
from publisher.mail.deliver import DeliverReport, deliver, recover
from publisher.mail.relay import Relay
from publisher.mail.testcopy import send_test
from publisher.mail_settings import Dkim
from publisher.outgoing import Delivery, DeliveryState
from publisher.store import audience
from publisher.store.engine import Store
from publisher.templating import Templates
from tests.ledger import claim as claim_of
from tests.ledger import list_deliveries
from tests.mail.conftest import DROP, HANG, NOON, SITE, STORIES, Scripted, html_part, text_part
from tests.mail.test_smtp import Handler, aiosmtpd_server

Start = Callable[..., Awaitable[Scripted]]
Plant = Callable[..., Awaitable[list[int]]]
Make = Callable[..., Settings]
Clock = Callable[[], datetime]


@pytest.fixture
def run(store: Store, templates: Templates, keys: Keys, clock: Clock) -> Callable[..., Coroutine[Any, Any, DeliverReport]]:
    """Runs the step with what rarely differs."""

    async def run(settings: Settings, **options: Any) -> DeliverReport:
        options = {"now": clock, "stop": asyncio.Event(), **options}
        return await deliver(store, settings, templates, keys, **options)

    return run


Run = Callable[..., Coroutine[Any, Any, DeliverReport]]


async def ledger(store: Store) -> dict[str, Delivery]:
    async with store.read() as tx:
        return {row.email: row for row in await list_deliveries(tx)}


async def states(store: Store) -> dict[str, DeliveryState]:
    return {email: row.state for email, row in (await ledger(store)).items()}


def later(delta: timedelta) -> Clock:
    return lambda: NOON + delta


async def test_digest_arrives_through_a_real_server(store: Store, settings: Make, keys: Keys, plant: Plant, run: Run) -> None:
    """Each reader gets one multipart/alternative with the stories and a way out of their own in both parts."""
    emails = [f"r{n}@example.net" for n in range(20)]
    subscriptions = dict(zip(emails, await plant(emails), strict=True))
    handler = Handler()
    progress: list[tuple[int, ...]] = []
    async with aiosmtpd_server(handler) as port:
        report = await run(settings(port=port, connections=4), progress=lambda *at: progress.append(at))
        assert await run(settings(port=port)) == DeliverReport()
    assert report == DeliverReport(accepted=20)
    assert progress == sorted(progress)
    assert (progress[0][1], progress[-1]) == (20, (20, 20))
    assert sorted(to for _, [to], *_ in handler.got) == sorted(emails)
    for sender, [to], content, _ in handler.got:
        parsed = message_from_bytes(content, policy=policy.default)
        assert sender == "digest@example.org"
        assert parsed.get_content_type() == "multipart/alternative"
        link = f"{SITE}/u/{tokens.make(keys, tokens.UNSUBSCRIBE, subscriptions[to])}"
        assert parsed["List-Unsubscribe"] == f"<{link}>"
        for part in parsed.iter_parts():
            assert all(wanted in part.get_content() for wanted in (*STORIES, link, to))
    rows = await ledger(store)
    assert {row.state for row in rows.values()} == {DeliveryState.ACCEPTED}
    async with store.read() as tx:
        reader = await audience.reader(tx, subscriptions[emails[0]])
    assert reader is not None
    assert reader.subscription.from_seq == 9


async def test_nothing_due_opens_no_connection(scripted: Start, settings: Make, run: Run) -> None:
    """A run without work leaves the server alone."""
    server = await scripted()
    assert await run(settings(port=server.port)) == DeliverReport()
    assert server.connections == 0


async def test_each_refusal_has_its_outcome(store: Store, scripted: Start, settings: Make, plant: Plant, run: Run) -> None:
    """Greylisting defers, an unknown user bounces, the others get theirs; the deferred one arrives in time."""
    answers = {"<grey@m.org>": "450 4.7.1 later", "<gone@m.org>": "550 5.1.1 no such user"}
    server = await scripted(RCPT=lambda _, said: answers.get(said.removeprefix("TO:")))
    await plant(["good@m.org", "grey@m.org", "gone@m.org"])
    chosen = settings(port=server.port, connections=2)
    assert await run(chosen) == DeliverReport(accepted=1, deferred=1, bounced=1)
    rows = await ledger(store)
    assert rows["gone@m.org"].reply.enhanced == "5.1.1"
    again_at = rows["grey@m.org"].next_attempt_at
    assert again_at is not None
    assert NOON < again_at < NOON + timedelta(minutes=10)
    answers.clear()
    assert await run(chosen) == DeliverReport()
    assert await run(chosen, now=later(timedelta(minutes=10))) == DeliverReport(accepted=1)
    assert sorted(to for to, *_ in server.taken) == ["good@m.org", "grey@m.org"]


async def test_server_down_bounces_nobody(store: Store, settings: Make, plant: Plant, run: Run, unused_tcp_port: int) -> None:
    """A server that is down costs no claim and no attempt; one line says so, and the relay is left alone for a while."""
    await plant([f"r{n}@m.org" for n in range(50)])
    relay, chosen = Relay(), settings(port=unused_tcp_port)
    with capture_logs() as logs:
        report = await run(chosen, relay=relay)
        again = await run(chosen, relay=relay)
    assert f"127.0.0.1:{unused_tcp_port}" in report.unreached
    assert again == DeliverReport()
    assert [line["event"] for line in logs if line["log_level"] != "debug"] == ["no way out for mail"]
    rows = (await ledger(store)).values()
    assert {(row.state, row.attempts) for row in rows} == {(DeliveryState.QUEUED, 0)}
    assert (await run(chosen, relay=relay, now=later(timedelta(seconds=10)))).unreached
    assert relay.failures == 2


async def test_server_that_goes_down_midway(store: Store, scripted: Start, settings: Make, plant: Plant, run: Run) -> None:
    """When the way out is lost between messages, claims are given back uncounted and the next run goes on."""
    server = await scripted(
        AFTER=lambda s, _: DROP if len(s.taken) == 3 else None,
        CONNECT=lambda s, _: "421 down" if len(s.taken) == 3 and s.connections < 5 else None,
    )
    await plant([f"r{n}@m.org" for n in range(8)])
    report = await run(settings(port=server.port, connections=1))
    assert report.accepted == 3
    assert "421 down" in report.unreached
    assert sorted(await states(store)).count(DeliveryState.CLAIMED) == 0
    server.connections = 9
    assert await run(settings(port=server.port, connections=1)) == DeliverReport(accepted=5)
    assert len({to for to, *_ in server.taken}) == len(server.taken) == 8


async def test_fewer_connections_than_asked_for(scripted: Start, settings: Make, plant: Plant, run: Run) -> None:
    """A server that allows two connections gets its mail over two."""
    server = await scripted(CONNECT=lambda s, _: "421 too many" if s.connections > 2 else None)
    await plant([f"r{n}@m.org" for n in range(30)])
    assert await run(settings(port=server.port, connections=8)) == DeliverReport(accepted=30)


@pytest.mark.parametrize("policy_name", ["repeat", "hold"])
async def test_I5_lost_replies_are_in_doubt(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run, policy_name: str
) -> None:
    """A reply that is lost leaves one message in doubt: repeated with the same Message-ID, or held by name."""
    lost: list[str] = []

    def once(server: Scripted, to: str) -> str | None:
        if to == "r1@m.org" and not lost:
            lost.append(to)
            return "250 " + DROP  # taken, and the reply never arrives
        return None

    server = await scripted(DOT=once)
    await plant([f"r{n}@m.org" for n in range(4)])
    chosen = settings(port=server.port, connections=2, in_doubt=policy_name)
    assert await run(chosen) == DeliverReport(accepted=3, in_doubt=1)
    assert (await states(store))["r1@m.org"] == DeliveryState.IN_DOUBT
    again = await run(chosen, now=later(timedelta(hours=1)))
    sent = [ident for to, _, ident in server.taken if to == "r1@m.org"]
    if policy_name == "repeat":
        assert again == DeliverReport(accepted=1)
        assert len(sent) == 2
        assert len(set(sent)) == 1
    else:
        assert again == DeliverReport()
        assert len(sent) == 1


async def test_what_the_lint_refuses_is_held(store: Store, scripted: Start, settings: Make, plant: Plant, run: Run) -> None:
    """A variant whose HTML lacks a story link sends nothing and says why; another variant goes out."""
    server = await scripted()
    await plant(["bad1@m.org", "bad2@m.org"], html=html_part().replace(STORIES[1], "#"))
    await plant(["slot@m.org"], html=html_part().replace("</body>", f"{slots.OPEN}shoe{slots.CLOSE}</body>"))
    await plant(["good@m.org"])
    with capture_logs() as logs:
        assert await run(settings(port=server.port)) == DeliverReport(accepted=1, held=3)
    assert [to for to, *_ in server.taken] == ["good@m.org"]
    rows = await ledger(store)
    assert rows["bad1@m.org"].reply.text == f"the HTML part lacks the story link {STORIES[1]}"
    assert rows["bad1@m.org"].state == DeliveryState.HELD
    assert "shoe" in rows["slot@m.org"].reply.text
    assert not any("@m.org" in str(line) for line in logs if line["log_level"] != "debug")


async def test_I12_a_store_that_fails_holds_nobody(store: Store, scripted: Start, settings: Make, plant: Plant, run: Run) -> None:
    """What cannot be read from the store is no fault of the message: it is given back, and goes out later."""
    server = await scripted()
    await plant(["r0@m.org", "r1@m.org"])
    await _rename(store, "variant_articles", "elsewhere")
    with pytest.raises(StoreError):
        await run(settings(port=server.port))
    rows = (await ledger(store)).values()
    assert {(row.state, row.attempts) for row in rows} == {(DeliveryState.QUEUED, 0)}
    await _rename(store, "elsewhere", "variant_articles")
    assert await run(settings(port=server.port)) == DeliverReport(accepted=2)


async def _rename(store: Store, table: str, to: str) -> None:
    async with store.write() as tx:
        await tx.execute(text(f"ALTER TABLE {table} RENAME TO {to}"))


async def test_I12_an_impossible_address_stops_no_other(store: Store, scripted: Start, settings: Make, plant: Plant, run: Run) -> None:
    """An address that cannot be written is held; the rest go out."""
    server = await scripted()
    await plant(["a@b.org>\r\nRCPT TO:<c@d.org", "good@m.org"])
    assert await run(settings(port=server.port)) == DeliverReport(accepted=1, held=1)
    assert [to for to, *_ in server.taken] == ["good@m.org"]


async def test_I10_no_edition_after_leaving(store: Store, scripted: Start, settings: Make, plant: Plant, run: Run) -> None:
    """Who unsubscribes while a send is on gets nothing that starts after it."""
    emails = [f"r{n}@m.org" for n in range(6)]
    subscriptions = dict(zip(emails, await plant(emails), strict=True))
    left: list[str] = []
    leaving: list[asyncio.Future[None]] = []

    async def leave(email: str) -> None:
        async with store.write() as tx:
            await audience.unsubscribe(tx, subscriptions[email], NOON)
        left.append(email)

    def third(server: Scripted, _: str) -> str | None:
        if len(server.taken) == 2 and not leaving:
            leaving.append(asyncio.ensure_future(leave(emails[5])))
        return "450 wait" if leaving and not left else None

    server = await scripted(RCPT=third)
    await run(settings(port=server.port, connections=1))
    await asyncio.gather(*leaving)
    await run(settings(port=server.port), now=later(timedelta(hours=1)))
    assert emails[5] not in [to for to, *_ in server.taken]
    assert (await states(store))[emails[5]] == DeliveryState.CANCELLED


async def test_notices_go_first(
    scripted: Start, settings: Make, plant: Plant, run: Run, ask_confirmation: Callable[[str], Awaitable[int]], keys: Keys
) -> None:
    """A confirmation passes the digests that wait, and its link is the one that the newest request holds."""
    server = await scripted()
    await plant([f"r{n}@m.org" for n in range(5)])
    subscription = await ask_confirmation("new@m.org")
    assert await run(settings(port=server.port, connections=1)) == DeliverReport(accepted=6)
    to, raw, ident = server.taken[0]
    assert (to, ident) == ("new@m.org", f"n{subscription}@example.org")
    link = f"{SITE}/confirm/{tokens.make(keys, tokens.CONFIRM, subscription, '1')}"
    parsed = message_from_bytes(raw, policy=policy.default)
    text, html = (part.get_content() for part in parsed.iter_parts())
    assert link in text.splitlines()
    assert html.count(f'href="{link}"') == 2
    assert parsed["Subject"] == "Please confirm your subscription to The Daily Courier"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert not [name for name in parsed if name.lower().startswith(("list-", "feedback-", "precedence"))]


async def test_stop_finishes_the_wire_and_begins_nothing(store: Store, scripted: Start, settings: Make, plant: Plant, run: Run) -> None:
    """After a stop the message on the wire is finished and recorded; no other begins."""
    stop = asyncio.Event()

    def stopping(server: Scripted, _: str) -> None:
        stop.set()

    server = await scripted(DATA=stopping)
    await plant([f"r{n}@m.org" for n in range(9)])
    assert await run(settings(port=server.port, connections=1), stop=stop) == DeliverReport(accepted=1)
    assert sorted((await states(store)).values()) == [DeliveryState.ACCEPTED] + [DeliveryState.QUEUED] * 8
    assert await run(settings(port=server.port), stop=stop) == DeliverReport()


async def test_stop_cuts_off_who_never_answers(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that takes the message and never answers holds nobody up: cut off after the grace, in doubt, listed."""
    monkeypatch.setattr(connections, "GRACE", 0.1)
    stop = asyncio.Event()
    server = await scripted(DOT=lambda *_: HANG)
    await plant(["r0@m.org", "r1@m.org"])
    running = asyncio.create_task(run(settings(port=server.port, connections=1, timeout="60s"), stop=stop))
    await server.hanging.wait()
    stop.set()
    assert await asyncio.wait_for(running, 2) == DeliverReport(in_doubt=1, unreached="")
    assert sorted((await states(store)).values()) == [DeliveryState.IN_DOUBT, DeliveryState.QUEUED]


async def test_stop_while_connecting(scripted: Start, settings: Make, plant: Plant, run: Run) -> None:
    """A stop does not wait for a server that does not greet."""
    stop = asyncio.Event()
    server = await scripted(CONNECT=lambda *_: HANG)
    await plant(["r0@m.org"])
    running = asyncio.create_task(run(settings(port=server.port, timeout="60s"), stop=stop))
    await server.hanging.wait()
    stop.set()
    assert await asyncio.wait_for(running, 2) == DeliverReport()


async def test_a_run_that_is_cancelled_leaves_nothing_behind(scripted: Start, settings: Make, plant: Plant, run: Run) -> None:
    """Neither tasks nor open connections, whether it was connecting or on the wire."""
    for verb in ("CONNECT", "DOT"):
        server = await scripted(**{verb: lambda *_: HANG})
        await plant([f"{verb}@m.org"])
        before = asyncio.all_tasks()
        running = asyncio.create_task(run(settings(port=server.port, connections=1, timeout="60s")))
        await server.hanging.wait()
        served = asyncio.all_tasks() - before - {running}
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.sleep(0)
        left = [task for task in asyncio.all_tasks() - before if "serve" not in repr(task.get_coro())]
        assert left == [], served


@pytest.mark.parametrize("policy_name", ["repeat", "hold"])
async def test_recover_after_a_death(store: Store, scripted: Start, settings: Make, plant: Plant, run: Run, policy_name: str) -> None:
    """Claims of a dead process are in doubt at the next start, then repeated or held as the operator chose."""
    server = await scripted()
    chosen = settings(port=server.port, in_doubt=policy_name)
    await plant(["r0@m.org", "r1@m.org"])
    [claim] = await claim_of(store, NOON, 1)
    assert await recover(store, chosen, NOON) == 1
    assert await recover(store, chosen, NOON) == 0
    report = await run(chosen)
    if policy_name == "repeat":
        assert report == DeliverReport(accepted=2)
        assert claim.message_id in [ident for *_, ident in server.taken]
    else:
        assert report == DeliverReport(accepted=1)
        assert (await states(store))[claim.email] == DeliveryState.IN_DOUBT


async def test_signed(scripted: Start, settings: Make, plant: Plant, run: Run, tmp_path: Path) -> None:
    """With [mail.dkim] each message carries a signature that an independent judge accepts."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tmp_path / "dkim.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (tmp_path / "dkim.pem").chmod(0o600)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    server = await scripted()
    await plant(["r0@m.org", "r1@m.org"])
    dkim = Dkim(domain="example.org", selector="s1", key_file=Path("dkim.pem"))
    assert await run(settings(port=server.port, dkim=dkim)) == DeliverReport(accepted=2)
    for _, raw, _ in server.taken:
        assert judge_of_signatures.verify(raw, dnsfunc=lambda *_, **__: b"v=DKIM1; p=" + base64.b64encode(public))


async def test_inbox_and_maildir(settings: Make, plant: Plant, run: Run, tmp_path: Path) -> None:
    """The same step fills the development inbox and a Maildir."""
    await plant(["r0@m.org"])
    chosen = settings(transport="inbox")
    assert await run(chosen) == DeliverReport(accepted=1)
    [entry] = await inbox.list_messages(chosen.inbox)
    assert (entry.subject, entry.recipient) == ("News – for you", "Jo Öst <r0@m.org>")
    await plant(["r1@m.org", "r2@m.org"])
    assert await run(settings(transport="maildir")) == DeliverReport(accepted=2)
    assert len(list((tmp_path / "var/maildir/new").iterdir())) == 2


async def test_test_copy_touches_no_ledger(store: Store, scripted: Start, settings: Make, keys: Keys) -> None:
    """A test copy goes out like a digest, and the store knows nothing of it; a refusal or a fault is told."""
    server = await scripted(RCPT=lambda _, said: "550 5.1.1 no" if "nobody" in said else None)
    content = Content("News", html_part(), text_part())
    reply = await send_test(settings(port=server.port), keys, "daily", content, "me@m.org", now=NOON)
    assert reply.code == 250
    [(to, raw, _)] = server.taken
    assert to == "me@m.org"
    assert b"List-Unsubscribe-Post" in raw
    with pytest.raises(PublisherError, match=r"550 5\.1\.1"):
        await send_test(settings(port=server.port), keys, "daily", content, "nobody@m.org", now=NOON)
    with pytest.raises(MessageError, match="lacks the story link"):
        await send_test(settings(port=server.port), keys, "daily", Content("s", "<p>", text_part()), "me@m.org", now=NOON)
    assert await states(store) == {}
