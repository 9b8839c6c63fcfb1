"""The alert step: real messages, a real web hook, a real store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from publisher.config import Settings
from publisher.crypto import make_rsa
from publisher.delivery_state import Event
from publisher.errors import StoreError
from publisher.mail.alert import Watch, watch
from publisher.mail_settings import Alerts, Dkim
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply
from publisher.store import alarms, edition_hand, ledger_hand, outbox
from publisher.store.engine import Store
from publisher.store.express import open_express
from publisher.store.selection import Selection
from publisher.store.turn import turn
from tests.mail.conftest import NOON

MINUTE = timedelta(minutes=1)
LATER = "450 4.2.1 the mailbox is busy"


class Desk:
    """An operator with a mailbox and a web hook, and a service that looks again and again."""

    def __init__(self, store: Store, settings: Settings, server: Any, peer: Any) -> None:
        self.store, self.settings, self.server, self.peer = store, settings, server, peer
        self.state, self.now = Watch(), NOON
        self.posts: list[dict[str, Any]] = []

    async def look(self, after: timedelta = MINUTE, **more: Any) -> None:
        self.now += after
        await watch(self.store, self.settings, self.state, self.now, **more)

    @property
    def subjects(self) -> list[str]:
        lines = [line for _, mail, _ in self.server.taken for line in mail.decode().split("\r\n")]
        return [line.removeprefix("Subject: ") for line in lines if line.startswith("Subject: ")]

    async def standing(self) -> dict[str, str]:
        async with self.store.read() as tx:
            return {row.kind: row.reason for row in await alarms.standing(tx)}

    async def claim(self, want: int = 100) -> list[Claim]:
        async with self.store.read() as tx:
            found = await outbox.waiting(tx, self.now, want)
        return list((await open_express(self.store).run(turn(self.store.dialect, self.now, wanted=found))).taken) if found else []

    async def settle(self, claims: list[Claim], state: DeliveryState, reply: Reply, then: datetime | None = None) -> None:
        await open_express(self.store).run(
            turn(self.store.dialect, self.now, [Outcome(claim, state, reply, self.now, self.now, then) for claim in claims])
        )


@pytest.fixture
async def desk(store: Store, settings: Callable[..., Settings], scripted: Any, peer: Any) -> Desk:
    """Alarms go to a mailbox and a web hook."""
    server = await scripted()
    made = settings(port=server.port)

    async def hook(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n")

    peer.acts["/hook"] = hook
    ways = Alerts(email="operator@example.org", webhook=SecretStr(f"{peer.url}/hook?token=abc"))
    peer.acts["/hook?token=abc"] = hook
    return Desk(store, made.model_copy(update={"alerts": ways}), server, peer)


async def test_stuck_mail_is_told_once_and_once_more_when_it_goes_out(desk: Desk, plant: Any) -> None:
    """With the sender's own words; by mail and to the web hook; nothing before its time."""
    await plant(["a@x.org", "b@x.org"])
    await desk.look(timedelta())
    await desk.look(9 * MINUTE, why="relay.example.org:25: no connection")
    assert desk.subjects == []
    for _ in range(3):
        await desk.look(2 * MINUTE, why="relay.example.org:25: no connection")
    assert desk.subjects == ["[The Example Courier] Mail is stuck"]
    assert b"2 messages due for more than 10 min, and none went out: relay.example.org:25" in _body(desk)
    assert len(desk.peer.requests) == 1
    assert "relay.example.org:25" in (await desk.standing())["stuck"]
    await desk.settle(await desk.claim(), DeliveryState.ACCEPTED, Reply(250, "", "ok"))
    await desk.look()
    await desk.look()
    assert desk.subjects[1:] == ["[The Example Courier] Mail goes out again"]
    assert len(desk.peer.requests) == 2
    assert await desk.standing() == {}


def _body(desk: Desk) -> bytes:
    message: bytes = desk.server.taken[-1][1]
    return message.replace(b"=\r\n", b"")


async def test_what_stands_is_told_again_after_a_while_also_by_the_next_process(desk: Desk, plant: Any) -> None:
    """What was told lies in the store."""
    await plant(["a@x.org"])
    await desk.look()
    await desk.look(15 * MINUTE)
    assert len(desk.subjects) == 1
    desk.state = Watch()
    await desk.look(timedelta(hours=1))
    await desk.look(timedelta(hours=1))
    assert len(desk.subjects) == 1
    await desk.look(timedelta(hours=4))
    assert len(desk.subjects) == 2


async def test_one_slow_address_is_no_alarm_a_whole_edition_is(desk: Desk, plant: Any) -> None:
    """Deferred: an alarm where more of an edition is deferred than was accepted, with the most common reply."""
    await plant(["a@x.org", "b@x.org", "c@x.org"])
    await desk.look(timedelta())
    first, *rest = await desk.claim()
    busy = Reply(450, "4.2.1", "the mailbox is busy")
    far = desk.now + timedelta(days=1)
    await desk.settle(rest[:1], DeliveryState.DEFERRED, busy, far)
    await desk.settle([first], DeliveryState.ACCEPTED, Reply(250, "", "ok"))
    await desk.look(20 * MINUTE)
    assert await desk.standing() == {}
    await desk.settle(rest[1:], DeliveryState.DEFERRED, busy, far)
    await desk.look()
    assert await desk.standing() == {"stuck": f"2 messages refused for now, and none went out; most often: {LATER}"}


async def test_what_rests_on_purpose_is_no_alarm(desk: Desk, plant: Any) -> None:
    """A paused edition, and a sender that keeps quiet hours."""
    await plant(["a@x.org"])
    await desk.look(timedelta())
    await desk.look(20 * MINUTE, resting=True)
    await edition_hand.pause(desk.store, None)
    await desk.look(20 * MINUTE)
    assert await desk.standing() == {}
    await edition_hand.resume(desk.store, None, NOON, repeat=True)
    await desk.look()
    assert list(await desk.standing()) == ["stuck"]


async def test_messages_that_were_withheld_are_an_alarm_what_the_operator_holds_is_none(desk: Desk, plant: Any) -> None:
    """With the reason, until none is left."""
    await plant(["a@x.org", "b@x.org", "c@x.org"])
    await desk.settle(await desk.claim(2), DeliveryState.HELD, Reply(0, "", "the postal address is missing"))
    async with desk.store.read() as tx:
        assert (await alarms.held_back(tx)).count == 2
    await ledger_hand.act(desk.store, Event.HOLD, Selection(), desk.now)
    await desk.look()
    assert await desk.standing() == {"held": "2 messages held back: the postal address is missing"}
    await ledger_hand.act(desk.store, Event.RELEASE, Selection(), desk.now)
    await desk.look()
    assert desk.subjects == [
        "[The Example Courier] Messages are held back", "[The Example Courier] No message is held back any more",
    ]


async def test_doubt_that_waits_for_the_operator_is_an_alarm(desk: Desk, plant: Any) -> None:
    """One that is repeated by itself is none."""
    await plant(["a@x.org", "b@x.org"])
    one, other = await desk.claim()
    lost = Reply(0, "", "the connection broke")
    await desk.settle([one], DeliveryState.IN_DOUBT, lost)
    await desk.settle([other], DeliveryState.IN_DOUBT, lost, desk.now + MINUTE)
    await desk.look()
    assert (await desk.standing())["doubt"].startswith("1 message in doubt")


async def test_key_that_cannot_be_used_is_an_alarm_that_still_goes_out(desk: Desk, tmp_path: Path) -> None:
    """Unsigned; signed again when it is over."""
    key = tmp_path / "dkim.pem"
    make_rsa(key)
    mail = desk.settings.mail.model_copy(update={"dkim": Dkim(domain="example.org", selector="s1", key_file=key)})
    desk.settings = desk.settings.model_copy(update={"mail": mail})
    await desk.look()
    assert await desk.standing() == {}
    key.chmod(0o644)
    await desk.look()
    assert await desk.standing() == {"dkim": f"the private key {key} is open to others; run: chmod 600 {key}"}
    assert b"DKIM-Signature" not in desk.server.taken[-1][1]
    key.chmod(0o600)
    await desk.look()
    assert b"DKIM-Signature" in desk.server.taken[-1][1]
    assert await desk.standing() == {}


async def test_store_in_trouble_is_told_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, although nothing can be written; what stood of other kinds still stands."""
    await desk.look()

    def fails() -> Any:
        raise StoreError("the store gave up: database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "read", fails)
        patch.setattr(desk.store, "write", fails)
        await desk.look()
        await desk.look()
    assert desk.subjects == ["[The Example Courier] The store is in trouble"]
    await desk.look()
    assert desk.subjects[1:] == ["[The Example Courier] The store works again"]


@pytest.mark.parametrize("answer", ["451 not now", "DROP"])
async def test_way_out_that_fails_is_tried_again_the_other_is_not_told_twice(
    desk: Desk, plant: Any, answer: str
) -> None:
    """Best effort, and never an end of the step."""
    await plant(["a@x.org"])
    await desk.look()
    desk.server.script["RCPT"] = lambda _server, _argument: answer
    await desk.look(15 * MINUTE)
    await desk.look()
    assert (desk.subjects, len(desk.peer.requests)) == ([], 1)
    del desk.server.script["RCPT"]
    await desk.look()
    await desk.look()
    assert (len(desk.subjects), len(desk.peer.requests)) == (1, 1)


async def test_web_hook_gets_json_with_words_for_a_chat(desk: Desk, plant: Any) -> None:
    """What is wrong, since when, of which site; an answer that is no 2xx counts as not told."""
    told: list[dict[str, Any]] = []
    answers = [b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        told.append(json.loads(await reader.readexactly(length)))
        writer.write(answers[min(len(told), 2) - 1])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    desk.settings = desk.settings.model_copy(update={"alerts": Alerts(webhook=SecretStr(url))})
    await plant(["a@x.org"])
    await desk.look()
    for _ in range(3):
        await desk.look(15 * MINUTE, why="no route")
    server.close()
    await server.wait_closed()
    assert len(told) == 2
    assert told[1]["kind"] == "stuck"
    assert told[1]["state"] == "standing"
    assert told[1]["site"] == "The Example Courier"
    assert told[1]["since"] == (NOON + 16 * MINUTE).isoformat()
    assert told[1]["text"].startswith("The Example Courier: Mail is stuck. 1 message due")
