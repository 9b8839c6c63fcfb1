"""A hostile server: nothing is lost or stuck, nothing is repeated but what was in doubt, and the ledger tells the truth.

Each server misbehaves in its own way, for a while or for ever. The step runs again and again, hours apart, as the service
does; then every reader has the digest once, or once more for each attempt that the ledger calls in doubt.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from publisher import loop
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail.deliver import DeliverReport, deliver
from publisher.outgoing import Delivery, DeliveryState
from publisher.store import mail_schema
from publisher.store.engine import Store
from publisher.templating import Templates
from tests.ledger import list_deliveries
from tests.mail.conftest import DROP, HANG, NOON, Scripted
from tests.mail.test_smtp import Handler, aiosmtpd_server, context

Plant = Callable[..., Awaitable[list[int]]]
Make = Callable[..., Settings]
Say = Callable[[Any, str], str | None]
ACCEPTED, BOUNCED, DEFERRED, IN_DOUBT, QUEUED = (
    DeliveryState.ACCEPTED, DeliveryState.BOUNCED, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT, DeliveryState.QUEUED
)
#: What a server offers: nothing, commands in one piece, and messages in one piece too.
OFFERS = ("", "PIPELINING", "PIPELINING CHUNKING")
READERS = [f"r{n}@d{n}.example" for n in range(12)]


@dataclass
class Hostile(Scripted):
    """A scripted server that knows PIPELINING and CHUNKING, well or badly."""

    #: Extensions, by words.
    offers: str = ""
    #: Seconds before each reply, and before each piece of a message that is read.
    slow: float = 0.0
    #: What to do with several commands that came in one piece: "", "lose", "reverse", "close".
    burst: str = ""
    #: Goes on as if a refused recipient had been taken.
    lenient: bool = False
    #: Takes no more than one message at a time.
    gate: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._say(writer, self.answer("CONNECT")):
            return
        recipient = ""
        while True:
            lines = [await reader.readuntil(b"\r\n")]
            while self.burst and b"\r\n" in (more := bytes(reader._buffer)) and not lines[-1].startswith((b"DATA", b"BDAT")):  # type: ignore[attr-defined]
                lines.append(await reader.readexactly(more.index(b"\r\n") + 2))
            if len(lines) > 1 and self.burst == "close":
                return
            if self.burst == "lose":
                lines = lines[:1]
            said = []
            verb = argument = answer = ""
            for line in lines:
                verb, _, argument = line.decode().strip().partition(" ")
                verb = verb.upper()
                answer = self._command(verb, argument, recipient)
                if verb in ("MAIL", "RSET"):
                    recipient = ""
                if verb == "RCPT" and answer.startswith("2"):
                    recipient = argument.partition("<")[2].rpartition(">")[0]
                said.append(answer)
            for answer in reversed(said) if self.burst == "reverse" else said:
                if not await self._say(writer, answer):
                    return
            if verb == "QUIT":
                return
            if (verb == "DATA" and answer.startswith("354")) or verb == "BDAT":
                message = await self._body(reader, argument)
                if message is None or not await self._say(writer, await self._taken(verb, recipient, message)):
                    return
                if self.answer("AFTER") == DROP:
                    return

    def _command(self, verb: str, argument: str, recipient: str) -> str:
        if verb == "BDAT":
            return ""
        if verb == "DATA" and not recipient and not self.lenient:
            return "503 5.5.1 no valid recipients"
        answer = self.answer(verb, argument)
        if verb == "EHLO" and self.offers and answer == self.USUAL["EHLO"]:
            return "\r\n".join(["250-hostile", *(f"250-{word}" for word in self.offers.split()), "250 8BITMIME"])
        return answer or "502 5.5.1 what"

    async def _body(self, reader: asyncio.StreamReader, argument: str) -> bytes | None:
        """A message, after DATA or BDAT; None where the server goes in the middle of it."""
        size = int(argument.split(maxsplit=1)[0]) if argument else None
        read = bytearray()
        while size is None or len(read) < size:
            line = await reader.readuntil(b"\r\n") if size is None else await reader.read(min(500, size - len(read)))
            if size is None and line == b".\r\n":
                break
            if not line:
                return None
            read += line
            if self.slow and len(read) % 7 == 0:
                await asyncio.sleep(self.slow)
            if len(read) > 300 and self.answer("BODY") == DROP:
                return None
        return bytes(read)

    async def _taken(self, verb: str, recipient: str, message: bytes) -> str:
        async with self.gate:
            said = self.script["BDAT"](self, recipient) if verb == "BDAT" and "BDAT" in self.script else None
            said = said or (self.answer("DOT", recipient) if recipient else "554 5.5.1 for nobody")
            if said.startswith("2"):
                ident = message.partition(b"Message-ID: <")[2].partition(b">")[0]
                self.taken.append((recipient, message, ident.decode()))
            return said

    async def _say(self, writer: asyncio.StreamWriter, said: str) -> bool:
        if self.slow:
            await asyncio.sleep(self.slow)
        return not said or await super()._say(writer, said)


@pytest.fixture
async def hostile() -> AsyncIterator[Callable[..., Awaitable[Hostile]]]:
    """Starts a hostile server; its arguments are the script and, in small letters, its fields."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(**how: Any) -> Hostile:
            fields = {name: value for name, value in how.items() if name.islower()}
            server = Hostile({name: value for name, value in how.items() if name.isupper()}, **fields)
            await stack.enter_async_context(_listening(server))
            return server

        yield start


@contextlib.asynccontextmanager
async def _listening(server: Hostile) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[Any] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        await server.serve(reader, writer)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1_000_000)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        listening.close()
        running = [task for task in tasks if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@dataclass
class Rounds:
    """Runs of the step, hours apart, on a clock that goes on."""

    store: Store
    keys: Keys
    templates: Templates
    hours: int = 0
    reports: list[DeliverReport] = field(default_factory=list)

    async def run(self, settings: Settings) -> DeliverReport:
        base, began = NOON + timedelta(hours=self.hours), time.monotonic()
        self.hours += 5

        def now() -> datetime:
            return base + timedelta(seconds=time.monotonic() - began)

        report = await asyncio.wait_for(
            deliver(self.store, settings, self.templates, self.keys, now=now, stop=asyncio.Event()), 20
        )
        self.reports.append(report)
        return report

    async def until_done(self, settings: Settings, most: int = 6) -> dict[str, Delivery]:
        """Runs until nothing is due any more; the ledger then."""
        while await self.run(settings) != DeliverReport() and len(self.reports) < most:
            pass
        async with self.store.read() as tx:
            return {row.email: row for row in await list_deliveries(tx)}

    async def attempts(self) -> dict[str, list[tuple[str, int]]]:
        """(state, reply code) of each attempt, by address."""
        found = defaultdict(list)
        async with self.store.read() as tx:
            emails = {row.id: row.email for row in await list_deliveries(tx)}
            for row in await tx.execute(mail_schema.attempts.select().order_by(mail_schema.attempts.c.id)):
                found[emails[row.ref_id]].append((row.state, row.reply_code))
        return found


@pytest.fixture
def rounds(store: Store, keys: Keys, templates: Templates) -> Rounds:
    return Rounds(store, keys, templates)


async def told_the_truth(rounds: Rounds, rows: dict[str, Delivery], server: Scripted) -> None:
    """What must hold after any of these servers."""
    copies = Counter(to for to, *_ in server.taken)
    attempts = await rounds.attempts()
    assert len({(to, ident) for to, _, ident in server.taken}) == len(copies), "a repeat has another Message-ID"
    for email, row in rows.items():
        tries = attempts[email]
        doubts = sum(state == IN_DOUBT for state, _ in tries)
        assert row.attempts == len(tries), f"{email}: the attempts are not those of the row"
        assert (copies[email] >= 1) or row.state != ACCEPTED, f"{email}: accepted, and never taken"
        assert copies[email] <= doubts + (row.state == ACCEPTED), f"{email}: taken more often than the ledger says"
        assert all(code // 100 == 2 for state, code in tries if state == ACCEPTED)
        assert all(code // 100 in (0, 4) for state, code in tries if state == DEFERRED)
        assert all(code // 100 == 5 for state, code in tries if state == BOUNCED)
        assert row.reply.code == tries[-1][1] if tries else row.reply.code == 0
        assert row.state != DeliveryState.CLAIMED


def first(said: str, *, times: int = 1) -> Say:
    """Says so the first times, then the usual."""
    return lambda server, _: said if server.seen.count("said") < times and not server.seen.append("said") else None


def each_once(said: str) -> Say:
    """Says so once to each recipient."""
    met: set[str] = set()

    def say(_: Scripted, to: str) -> str | None:
        return None if to in met or met.add(to) else said  # type: ignore[func-returns-value]  # a set's way to note it

    return say


def the_third(said: str) -> Say:
    """Says so to every third."""
    return lambda server, _: said if server.seen.count("MAIL") % 3 == 0 else None


#: Name -> script. All of these come to their senses, so that everyone has the digest in the end.
PASSING: dict[str, dict[str, Any]] = {
    "behaves": {},
    "greylisting": {"RCPT": each_once},
    "greeting refused": {"CONNECT": lambda: first("421 4.3.2 too many connections", times=2)},
    "greeting garbage": {"CONNECT": lambda: first("\x00\xff garbage", times=2)},
    "greeting too long": {"CONNECT": lambda: first("220 " + "x" * 200_000, times=2)},
    "EHLO dropped": {"EHLO": lambda: first(DROP, times=2)},
    "EHLO unknown": {"EHLO": lambda: first("502 5.5.1 what", times=99)},
    "421 to MAIL": {"MAIL": lambda: first("421 4.3.2 closing" + DROP)},
    "421 to RCPT": {"RCPT": lambda: first("421 4.3.2 closing")},
    "421 to DATA": {"DATA": lambda: first("421 4.3.2 closing")},
    "421 to the message": {"DOT": lambda: first("421 4.7.0 closing")},
    "drop at MAIL": {"MAIL": lambda: first(DROP)},
    "drop at RCPT": {"RCPT": lambda: first(DROP)},
    "drop at DATA": {"DATA": lambda: first(DROP)},
    "drop before the dot": {"BODY": lambda: first(DROP)},
    "drop after the dot": {"DOT": lambda: first(DROP)},
    "reply lost": {"DOT": lambda: first("250 " + DROP)},
    "garbage to MAIL": {"MAIL": lambda: first("hello there")},
    "garbage to RCPT": {"RCPT": lambda: first("999 what")},
    "garbage to DATA": {"DATA": lambda: first("2500 what")},
    "garbage to the message": {"DOT": lambda: first("\x1b[2J")},
    "no reply to RCPT": {"RCPT": lambda: first(HANG)},
    "no reply to the message": {"DOT": lambda: first(HANG)},
    "long reply to RCPT": {"RCPT": lambda: first("250 " + "x" * 200_000)},
    "long reply to the message": {"DOT": lambda: first("250 " + "x" * 200_000)},
    "replies too many": {"RCPT": lambda: first("250 ok\r\n250 ok\r\n550 no\r\n250 ok")},
    "closes in silence": {"AFTER": lambda: lambda *_: DROP},
    "MAIL refused after some": {"MAIL": lambda: the_third("452 4.5.3 enough")},
    "one after the other": {"DOT": lambda: lambda *_: None, "slow": 0.02},
}


@pytest.mark.parametrize("offers", ["", "PIPELINING CHUNKING"])
@pytest.mark.parametrize("name", PASSING)
async def test_everyone_has_it_in_the_end(
    hostile: Callable[..., Awaitable[Hostile]], settings: Make, plant: Plant, rounds: Rounds, name: str, offers: str
) -> None:
    """Whatever the server does for a while: nobody is lost, nobody stuck, and who got it twice was in doubt."""
    script = {key: value if key.islower() else (value("450 4.2.0 greylisted") if value is each_once else value())
              for key, value in PASSING[name].items()}
    server = await hostile(offers=offers, **script)
    await plant(READERS)
    rows = await rounds.until_done(settings(port=server.port, connections=3, timeout="150ms"))
    assert {row.state for row in rows.values()} == {ACCEPTED}, {row.email: (row.state, row.reply) for row in rows.values()}
    await told_the_truth(rounds, rows, server)


def _bdat(said: str) -> Say:
    return lambda *_: said


#: Name -> fields and script of servers that never come to their senses: they offer what they do not know.
BROKEN: dict[str, dict[str, Any]] = {
    "loses commands": {"burst": "lose", "offers": "PIPELINING"},
    "answers out of order": {"burst": "reverse", "offers": "PIPELINING"},
    "answers out of order, in pieces": {"burst": "reverse", "offers": "PIPELINING CHUNKING"},
    "loses commands, in pieces": {"burst": "lose", "offers": "PIPELINING CHUNKING"},
    "closes after a burst": {"burst": "close", "offers": "PIPELINING"},
    "closes after a burst, in pieces": {"burst": "close", "offers": "PIPELINING CHUNKING"},
    "BDAT unknown": {"BDAT": _bdat("502 5.5.1 what"), "offers": "CHUNKING"},
    "BDAT unknown, in pieces": {"BDAT": _bdat("500 what"), "offers": "PIPELINING CHUNKING"},
    "BDAT out of place": {"BDAT": _bdat("503 5.5.1 not now"), "offers": "PIPELINING CHUNKING"},
}


@pytest.mark.parametrize("name", BROKEN)
async def test_server_that_does_not_know_what_it_offers(
    hostile: Callable[..., Awaitable[Hostile]], settings: Make, plant: Plant, rounds: Rounds, name: str
) -> None:
    """It gets its commands one by one and its messages by DATA, at once: no message waits for that, none is in doubt."""
    server = await hostile(**BROKEN[name])
    await plant(READERS)
    rows = await rounds.until_done(settings(port=server.port, connections=3, timeout="200ms"))
    assert {(row.state, row.attempts) for row in rows.values()} == {(ACCEPTED, 1)}
    assert rounds.reports[0] == DeliverReport(accepted=len(READERS))
    await told_the_truth(rounds, rows, server)


@pytest.mark.parametrize("offers", OFFERS)
@pytest.mark.parametrize("said", ["550 5.1.1 no such user", "450 4.2.2 full"])
@pytest.mark.parametrize("lenient", [False, True])
async def test_one_recipient_refused(
    hostile: Callable[..., Awaitable[Hostile]], settings: Make, plant: Plant, rounds: Rounds, offers: str, said: str,
    lenient: bool,
) -> None:
    """Only that one bounces or waits, also where the server then asks for a message to nobody (354)."""
    server = await hostile(offers=offers, lenient=lenient, RCPT=lambda _, to: said if "r5@" in to else None)
    await plant(READERS)
    report = await rounds.run(settings(port=server.port, connections=2))
    final = said.startswith("5")
    assert report == DeliverReport(accepted=len(READERS) - 1, bounced=int(final), deferred=int(not final))
    rows = await rounds.until_done(settings(port=server.port, connections=2), most=3)
    assert rows["r5@d5.example"].state == (BOUNCED if said.startswith("5") else DEFERRED)
    assert rows["r5@d5.example"].reply.text == said[10:]
    assert "r5@d5.example" not in [to for to, *_ in server.taken]
    await told_the_truth(rounds, rows, server)


@pytest.mark.parametrize("offers", OFFERS)
async def test_no_smtputf8(
    hostile: Callable[..., Awaitable[Hostile]], settings: Make, plant: Plant, rounds: Rounds, offers: str
) -> None:
    """An address that the server cannot take bounces with the reason; a domain beyond ASCII is none of these."""
    server = await hostile(offers=offers)
    await plant([*READERS[:3], "jörg@d.example", "jo@bücher.example"])
    rows = await rounds.until_done(settings(port=server.port, connections=2))
    assert (rows["jörg@d.example"].state, rows["jörg@d.example"].reply.enhanced) == (BOUNCED, "5.6.7")
    assert "jo@xn--bcher-kva.example" in [to for to, *_ in server.taken]
    assert len(server.taken) == 4


async def test_refuses_tls(
    hostile: Callable[..., Awaitable[Hostile]], settings: Make, plant: Plant, rounds: Rounds
) -> None:
    """Where TLS is asked for and refused nothing is sent, nobody bounces, and the report says why."""
    server = await hostile(offers="STARTTLS PIPELINING", STARTTLS=lambda *_: "454 4.7.0 not now")
    await plant(READERS)
    report = await rounds.run(settings(port=server.port, connections=2, security="starttls"))
    assert "454" in report.unreached
    assert server.taken == []
    rows = await rounds.until_done(settings(port=server.port, security="starttls"), most=2)
    assert {(row.state, row.attempts) for row in rows.values()} == {(QUEUED, 0)}


async def test_plain_text_slipped_in_before_tls(
    hostile: Callable[..., Awaitable[Hostile]], settings: Make, plant: Plant, rounds: Rounds
) -> None:
    """Replies that came before the encryption count for nothing."""
    server = await hostile(offers="STARTTLS", STARTTLS=lambda *_: "220 go\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on")
    await plant(READERS)
    report = await rounds.run(settings(port=server.port, connections=1, security="starttls", timeout="200ms"))
    assert report.unreached
    assert report.accepted == 0
    assert server.taken == []


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_certificate_for_another_name(
    settings: Make, plant: Plant, rounds: Rounds, tmp_path: Path, security: str
) -> None:
    """Nothing is sent to a server that is somebody else; all waits in the queue, and the report says why."""
    tls, cert = context(tmp_path, "other.example.org")
    server = Handler()
    options = {"wrap": tls} if security == "tls" else {"tls_context": tls, "require_starttls": True}
    async with aiosmtpd_server(server, **options) as port:
        await plant(READERS)
        report = await rounds.run(settings(port=port, security=security, ca_file=cert, connections=2))
    assert "certificate verify failed" in report.unreached
    assert server.got == []
    async with rounds.store.read() as tx:
        assert {row.state for row in await list_deliveries(tx)} == {QUEUED}


@pytest.mark.parametrize("where", ["CONNECT", "MAIL", "RCPT", "DOT"])
@pytest.mark.parametrize("piece", [b"250-\r\n" * 5000, b"250 ok\r\n" * 5000, b"250-" + b"y" * 40_000])
async def test_endless_replies(settings: Make, plant: Plant, rounds: Rounds, where: str, piece: bytes) -> None:
    """A server that never stops talking is cut off long before it fills the memory."""
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        usual = {b"CONN": b"220 hi", b"DATA": b"354 go on"}
        line = b"CONNECT"
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not (line.startswith(where.encode()) or (where == "DOT" and line == b".\r\n")):
                if not line.startswith(b"DATA") or where != "DOT":
                    writer.write(usual.get(line[:4], b"250 ok") + b"\r\n")
                    line = await reader.readuntil(b"\r\n")
                    continue
                writer.write(b"354 go on\r\n")
                while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
                    pass
            while True:
                writer.write(piece)
                sent += len(piece)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    await plant(READERS[:1])
    began = time.monotonic()
    report = await rounds.run(settings(port=server.sockets[0].getsockname()[1], connections=1, timeout="2s"))
    server.close()
    assert report.accepted == (1 if where == "DOT" and piece.startswith(b"250 ok") else 0)
    assert report.bounced == 0
    assert sent < 40_000_000
    assert time.monotonic() - began < 15


async def test_on_the_loop_of_the_program(
    hostile: Callable[..., Awaitable[Hostile]], settings: Make, plant: Plant, rounds: Rounds
) -> None:
    """The same on uvloop, where a connection breaks in other ways: every second message loses its reply."""
    server = await hostile(offers="PIPELINING", DOT=lambda s, _: "250 " + DROP if s.seen.count("DOT") % 2 else None)
    await plant(READERS)
    chosen = settings(port=server.port, connections=2)

    async def run() -> DeliverReport:
        from publisher.store.engine import open_store  # noqa: PLC0415 - a store belongs to one loop

        store = await open_store("sqlite:///store/publisher.db", root=chosen.root)
        try:
            return await deliver(store, chosen, rounds.templates, rounds.keys, now=lambda: NOON, stop=asyncio.Event())
        finally:
            await store.close()

    report = await asyncio.to_thread(loop.run, run())
    assert (report.accepted, report.in_doubt) == (6, 6)
    rounds.hours = 5
    rows = await rounds.until_done(chosen, most=8)
    assert {row.state for row in rows.values()} == {ACCEPTED}
    await told_the_truth(rounds, rows, server)
