"""Junk, truncated, nested, mis-encoded and hostile mail: nothing breaks, nothing grows, nobody is judged by it.

    PUBLISHER_FUZZ_REPORTS=1000000 pytest -n 2 tests/inbound/test_hostile.py     (make fuzz-reports)
"""

from __future__ import annotations

import json
import os
import random
import resource
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Table, select

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.inbound import report as report_module
from publisher.inbound.classify import classify
from publisher.inbound.mime import Part
from publisher.inbound.receive import receive
from publisher.inbound.report import report_of
from publisher.incoming import Finding, Letter, ReportClass, ReportKind
from publisher.outgoing import DeliveryState
from publisher.store import bounces as bounces_module
from publisher.store import forwards
from publisher.store.engine import Store
from publisher.store.inbound_schema import bounce_tallies
from publisher.store.mail_schema import consents, deliveries, subscribers, subscriptions, suppressions, throttles
from tests.fuzz.run import mutated
from tests.inbound.conftest import DAY, DOMAIN, NOON, arf, dsn, letter, listed, plant

DATA = Path(__file__).parent.parent / "data" / "inbound"
SEEDS = [path.read_bytes() for path in sorted(DATA.glob("*.eml"))]
WORDS = [
    b"\r\n", b"\n\n", b"--", b"=", b"<", b">", b";", b":", b"\0", b"\xff\xfe", b"=?utf-8?b?", b"?=", b"=?x?q?=ff?=", b"boundary=", b"multipart/report",
    b"message/rfc822", b"message/delivery-status", b"Content-Type: ", b"Content-Transfer-Encoding: base64\r\n", b"charset=punycode", b"charset=utf-16",
    b"Final-Recipient: rfc822; ", b"Status: 5.1.1", b"Action: failed", b"550 5.1.1 user unknown", b"@", b"a@b.example", b"unsubscribe",
    b"bounce+aaaaaaaaaaaaaaaaaaaaaaaa@" + DOMAIN.encode(), b"/u/AAAAAAAAAAAAAAAAAAAA", b"From: mailer-daemon@x.example\r\n", "ü漢\u202e".encode(),
    b"Feedback-Type: abuse", b"\\x{110000}", b"Subject: unsubscribe\r\n", b"(((((", b"aaaa " * 50,
]
#: Messages of the mutation test; a million by `make fuzz-reports`.
COUNT = int(os.environ.get("PUBLISHER_FUZZ_REPORTS", "3000"))
STATE = (subscribers, subscriptions, suppressions, consents, bounce_tallies, throttles, deliveries)


@pytest.mark.parametrize("share", range(2))
def test_mutated_reports_break_nothing(share: int) -> None:
    """Whatever the bytes: a finding of the vocabulary, within bounds; and no more memory after many than after few."""
    dice, before = random.Random(share), 0
    for number in range(COUNT // 2):
        data = mutated(dice, dice.choice(SEEDS), WORDS)
        if number % 50 == 0:
            data = dice.randbytes(dice.randrange(5000))
        found = report_of(Letter(data, "lmtp"))
        assert found.finding.rule != "unreadable", data
        assert isinstance(found.finding.report_class, ReportClass)
        assert isinstance(found.finding.kind, ReportKind)
        assert len(found.finding.reason) <= 310
        assert len(found.evidence) <= 2000
        assert len(found.proofs) <= 8
        json.dumps(found.finding.reason + found.evidence + found.finding.address).encode()
        if number == 500:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if number > 500 and number % 500 == 0:
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


NEST = b"Content-Type: message/rfc822\r\n\r\n"
BOMBS: dict[str, Callable[[], bytes]] = {
    "messages in messages": lambda: NEST * 100_000,
    "parts in parts": lambda: b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(50_000)),
    "one boundary for all": lambda: b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 50_000,
    "many parts": lambda: b"Content-Type: multipart/report; boundary=b\r\n\r\n" + b"--b\n" * 1_000_000,
    "many headers": lambda: b"".join(b"h%d: v\r\n" % n for n in range(300_000)) + b"\r\n",
    "one header": lambda: b"Subject: " + b"x" * 5_000_000,
    "folded header": lambda: b"Subject: x\r\n" + b" y\r\n" * 1_000_000,
    "encoded words": lambda: b"Subject: " + b"=?utf-8?q?=C3?= " * 300_000,
    "comment": lambda: b"From: " + b"(" * 2_000_000,
    "addresses": lambda: b"From: mailer-daemon@x\r\nSubject: failure notice\r\n\r\n" + b"a@a.b " * 500_000,
    "at signs": lambda: b"From: mailer-daemon@x\r\nSubject: failure notice\r\n\r\n" + b"a@" * 500_000,
    "dots": lambda: b"From: mailer-daemon@x\r\nSubject: failure notice\r\n\r\n" + b"user " + b"a." * 500_000 + b"@",
    "tags": lambda: b"From: mailer-daemon@x\r\nContent-Type: text/html\r\n\r\n" + b"<" * 1_000_000,
    "style": lambda: b"From: mailer-daemon@x\r\nContent-Type: text/html\r\n\r\n" + b"<style>" * 200_000,
    "base64": lambda: b"Content-Transfer-Encoding: base64\r\nFrom: mailer-daemon@x\r\n\r\n" + b"QUFB\r\n" * 500_000,
    "status groups": lambda: b"Content-Type: message/delivery-status\r\n\r\n" + b"Final-Recipient: rfc822; a@b.c\n\n" * 100_000,
    "one group": lambda: b"Content-Type: message/delivery-status\r\n\r\n" + b"Final-Recipient: rfc822; a@b.c\n" * 100_000,
    "spaces": lambda: b"From: mailer-daemon@x\r\n\r\nuser" + b" " * 2_000_000 + b"unknown",
    "words": lambda: b"From: mailer-daemon@x\r\n\r\n" + b"user recipient mailbox account not exceed " * 50_000,
    "dashes": lambda: b"From: mailer-daemon@x\r\n\r\n" + b"-" * 1_000_000,
    "dashed lines": lambda: b"From: mailer-daemon@x\r\n\r\n" + b"---- x\n" * 200_000,
    "quotes": lambda: b"From: " + b'"' * 500_000 + b"\r\nSubject: " + b"\\" * 500_000 + b"\r\n\r\n",
    "types": lambda: b"Content-Type: " + b"multipart/mixed; a=b;" * 200_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_stays_within_memory(name: str) -> None:
    """Reading megabytes made to explode takes no more than some copies of the part that is read."""
    bomb = BOMBS[name]()
    assert report_of(Letter(bomb[:1000], "lmtp")).finding.rule != "unreadable"
    tracemalloc.start()
    try:
        report_of(Letter(bomb, "lmtp"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24_000_000, f"{name}: {peak}"


async def test_message_that_cannot_be_read_stops_no_other(
    store: Store, settings: Callable[..., Settings], keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours on one costs that one its judgement: it goes to the editor, and the others are taken in (I12)."""

    def broken(message: Part, *_: object) -> Finding:
        if "poison" in message.get("subject"):
            raise TypeError("a fault of ours")
        return classify(message, *_)  # type: ignore[arg-type]

    monkeypatch.setattr(report_module, "classify", broken)
    reader = await plant(store, keys, "gone@d.example")
    poison = letter(b"From: a@b.example\r\nSubject: poison\r\n\r\nx", f"bounce@{DOMAIN}")
    done = await receive(store, settings(), keys, [poison, letter(dsn(reader.path(), reader.email), reader.path())], NOON)
    assert done.taken == (True, True)
    assert [row["rule"] for row in await listed(store)] == ["unreadable", "no such user"]
    async with store.read() as tx:
        assert [one.content for one in await forwards.due(tx, NOON, 9)] == [poison.content]


async def state(store: Store) -> dict[str, list[tuple[object, ...]]]:
    async def rows(table: Table) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await tx.execute(select(table))]

    async with store.read() as tx:
        return {table.name: await rows(table) for table in STATE}


async def test_nothing_without_a_valid_token_changes_anything(store: Store, settings: Callable[..., Settings], keys: Keys) -> None:
    """Mutated and forged reports about real readers, over three days: not one row of theirs differs."""
    readers = [await plant(store, keys, f"r{n}@d.example", 2) for n in range(5)]
    held = await plant(store, keys, "queued@d.example", state=DeliveryState.QUEUED)
    before = await state(store)
    dice = random.Random(7)
    forged = [
        content for reader in (*readers, held) for content in (
            dsn(f"bounce@{DOMAIN}", reader.email), arf(f"bounce@{DOMAIN}", reader.email),
            dsn(f"bounce+{'q' * 24}@{DOMAIN}", reader.email, status="5.7.1", words="blocked as spam"),
            f"From: {reader.email}\r\nTo: unsubscribe+{'q' * 24}@{DOMAIN}\r\nSubject: unsubscribe\r\n\r\n".encode(),
        )
    ]
    for day in range(3):
        letters = [letter(mutated(dice, dice.choice([*forged, *SEEDS]), WORDS), f"bounce@{DOMAIN}") for _ in range(150)]
        done = await receive(store, settings(), keys, [*letters, *(letter(content, f"bounce@{DOMAIN}") for content in forged)], NOON + day * DAY)
        assert not done.spared
    assert await state(store) == before


async def test_flood_of_forged_reports_leaves_a_bounded_list(
    store: Store, settings: Callable[..., Settings], keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest that prove nothing are dropped; what is proven stays."""
    monkeypatch.setattr(bounces_module, "UNPROVEN", 50)
    reader = await plant(store, keys, "gone@d.example")
    await receive(store, settings(), keys, [letter(dsn(reader.path(), reader.email), reader.path())], NOON)
    await receive(store, settings(), keys, [letter(dsn(f"bounce@{DOMAIN}", reader.email)) for _ in range(200)], NOON)
    async with store.write() as tx:
        assert await bounces_module.prune(tx) == 150
        assert await bounces_module.prune(tx) == 0
    rows = await listed(store)
    assert len(rows) == 51
    assert rows[0]["delivery_id"] == reader.deliveries[0]
    async with store.read() as tx:
        assert await forwards.waiting(tx) == (0, 0)
