"""LMTP, a Maildir, a mailbox: each hands over, and lets go once what it said is committed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.lmtp import LMTP

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.errors import PublisherError, StoreError
from publisher.inbound import queue as queue_module
from publisher.inbound.collect import from_mailbox, from_maildir
from publisher.inbound.lmtp import _Handler, _Session, listening
from publisher.inbound.queue import FullError, Queue
from publisher.inbound.receive import receive
from publisher.inbound_settings import Imap
from publisher.incoming import Letter
from publisher.store.engine import Store
from tests.inbound.conftest import NOON, dsn, listed, plant
from tests.mail.test_smtp import certificate

MESSAGE = b"From: a@x.example\r\nSubject: hello\r\n\r\n.a dot\r\nend\r\n"


class Desk:
    """Takes messages in, as it is told: `hold` keeps it waiting, `fail` makes it fail, `leave` is not taken."""

    def __init__(self) -> None:
        self.took: list[Letter] = []
        self.batches: list[int] = []
        self.go = asyncio.Event()
        self.go.set()
        self.fail: Exception | None = None
        self.leave = b"\0"

    async def take(self, letters: Sequence[Letter]) -> Sequence[bool]:
        await self.go.wait()
        if self.fail:
            raise self.fail
        self.batches.append(len(letters))
        taken = [self.leave not in letter.content for letter in letters]
        self.took += [letter for letter, went in zip(letters, taken, strict=True) if went]
        return taken


@contextlib.asynccontextmanager
async def lmtp(desk: Desk, room: int = 100) -> AsyncIterator[tuple[str, Queue]]:
    queue = Queue(desk.take, room)
    task = asyncio.create_task(queue.serve())
    try:
        async with listening("127.0.0.1:0", queue.put) as address:
            yield address, queue
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def hand_over(address: str, content: bytes, *recipients: str) -> dict[str, tuple[int, bytes]]:
    """As a mail server does; the refusals by recipient."""
    host, _, port = address.rpartition(":")
    with smtplib.LMTP(host, int(port)) as client:
        try:
            return client.sendmail("", list(recipients), content, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        except smtplib.SMTPRecipientsRefused as error:
            return error.recipients
        except smtplib.SMTPDataError as error:
            return {recipients[0]: (error.smtp_code, b"")}


async def test_message_is_taken_over_lmtp_as_it_is() -> None:
    """Bytes, envelope, a null sender, dots."""
    desk = Desk()
    async with lmtp(desk) as (address, _):
        assert await asyncio.to_thread(hand_over, address, MESSAGE, "Bounce+X@b.example") == {}
    assert desk.took == [Letter(MESSAGE, "lmtp", ("Bounce+X@b.example",))]


async def test_each_recipient_is_answered() -> None:
    """RFC 2033 section 4.2: one reply for each, and the next message's replies are its own."""
    desk = Desk()
    async with lmtp(desk) as (address, _):
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        said = [
            b"LHLO x\r\n", *([b"MAIL FROM:<>\r\n", b"RCPT TO:<a@b.example>\r\n", b"RCPT TO:<c@b.example>\r\n", b"DATA\r\n", b"x\r\n.\r\n"] * 2),
            b"QUIT\r\n",
        ]
        writer.write(b"".join(said))
        replies = (await reader.read()).decode().splitlines()
        writer.close()
    assert sum(line.startswith("250 2.0.0") for line in replies) == 4
    assert [letter.recipients for letter in desk.took] == [("a@b.example", "c@b.example")] * 2


async def test_250_comes_after_the_commit_and_451_where_there_is_none() -> None:
    """As long as it is not taken in, there is no answer; where that fails the mail server keeps the message."""
    desk = Desk()
    async with lmtp(desk) as (address, _):
        desk.go.clear()
        sending = asyncio.create_task(asyncio.to_thread(hand_over, address, MESSAGE, "a@b.example"))
        await asyncio.sleep(0.2)
        assert not sending.done()
        desk.go.set()
        assert await sending == {}
        for error in (StoreError("the store gave up: disk full"), RuntimeError("a fault of ours")):
            desk.fail = error
            refused = await asyncio.to_thread(hand_over, address, MESSAGE, "a@b.example")
            assert refused["a@b.example"][0] == 451
        desk.fail = None
        desk.leave = b"hello"
        assert (await asyncio.to_thread(hand_over, address, MESSAGE, "a@b.example"))["a@b.example"][0] == 451


async def test_full_queue_refuses_for_now_and_loses_nothing() -> None:
    """What was waiting is taken in; what came beyond is told to come again."""
    desk = Desk()
    desk.go.clear()
    async with lmtp(desk, room=3) as (address, _):
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(9) as threads:
            sending = [loop.run_in_executor(threads, hand_over, address, MESSAGE, f"{n}@b.example") for n in range(9)]
            while sum(one.done() for one in sending) < 6:
                await asyncio.sleep(0.02)
            desk.go.set()
            found = await asyncio.gather(*sending)
    refused = [one for one in found if one]
    assert len(refused) == 6
    assert all(code == 451 for one in refused for code, _ in one.values())
    assert len(desk.took) == 9 - len(refused)


async def test_bytes_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large letters fill the queue before it is full of them."""
    monkeypatch.setattr(queue_module, "ROOM_BYTES", 100)
    queue = Queue(Desk().take)
    with pytest.raises(FullError):
        await queue.put(Letter(b"x" * 101, "lmtp"))


async def test_whoever_waits_shares_a_commit() -> None:
    """Many connections, few commits."""
    desk = Desk()
    desk.go.clear()
    queue = Queue(desk.take)
    task = asyncio.create_task(queue.serve())
    waiting = [asyncio.create_task(queue.put(Letter(b"%d" % n, "lmtp"))) for n in range(50)]
    await asyncio.sleep(0.05)
    desk.go.set()
    await asyncio.gather(*waiting)
    task.cancel()
    assert sum(desk.batches) == 50
    assert len(desk.batches) <= 2


async def test_address_that_is_taken_is_told() -> None:
    """By the name of its key."""
    async with listening("127.0.0.1:0", Desk().take) as address:  # type: ignore[arg-type]  # nobody calls it
        with pytest.raises(PublisherError, match=r"cannot listen for mail at 127\.0\.0\.1:\d+ \(inbound\.lmtp\)"):
            async with listening(address, Desk().take):  # type: ignore[arg-type]
                pass


# --- Maildir -----------------------------------------------------------------------------------------------------------


def maildir(root: Path, count: int) -> Path:
    for name in ("new", "cur", "tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (root / "new" / f"17.{number:03}.host").write_bytes(MESSAGE.replace(b"hello", b"hello %d" % number))
    return root


async def test_maildir_is_read_and_its_files_moved(tmp_path: Path) -> None:
    """All of it, in order; hidden files are none of it."""
    desk = Desk()
    folder = maildir(tmp_path / "box", 120)
    (folder / "new/.hidden").write_bytes(MESSAGE)
    assert await from_maildir(folder, desk.take, asyncio.Event()) == 120
    assert [letter.way for letter in desk.took] == ["maildir"] * 120
    assert sorted(path.name for path in (folder / "new").iterdir()) == [".hidden"]
    assert len(list((folder / "cur").glob("17.*:2,S"))) == 120


async def test_maildir_keeps_what_is_not_taken_in(tmp_path: Path) -> None:
    """Nothing is moved before the commit; what is left for now stays, and does not hold up the rest."""
    desk = Desk()
    folder = maildir(tmp_path / "box", 70)
    desk.fail = StoreError("the store gave up")
    with pytest.raises(StoreError):
        await from_maildir(folder, desk.take, asyncio.Event())
    assert len(list((folder / "new").iterdir())) == 70
    desk.fail, desk.leave = None, b"hello 0"
    assert await from_maildir(folder, desk.take, asyncio.Event()) == 69
    assert [path.name for path in (folder / "new").iterdir()] == ["17.000.host"]


async def test_maildir_that_is_none_is_told(tmp_path: Path) -> None:
    """By the name of its key."""
    with pytest.raises(PublisherError, match=r"inbound\.maildir"):
        await from_maildir(tmp_path / "nowhere", Desk().take, asyncio.Event())


async def test_report_left_in_the_maildir_by_a_crash_counts_once(
    store: Store, settings: Callable[..., Settings], keys: Keys, tmp_path: Path
) -> None:
    """Killed between the commit and the move, it is met again."""
    reader = await plant(store, keys, "gone@d.example")
    folder = maildir(tmp_path / "box", 0)

    async def take(letters: Sequence[Letter]) -> Sequence[bool]:
        return (await receive(store, settings(), keys, letters, NOON)).taken

    for _ in range(2):
        (folder / "new/1.a.host").write_bytes(dsn(reader.path(), reader.email, serial="same"))
        assert await from_maildir(folder, take, asyncio.Event()) == 1
    assert len(await listed(store)) == 1


# --- IMAP --------------------------------------------------------------------------------------------------------------


@dataclass
class Mailbox:
    """An IMAP server of the tests' own: one user, one mailbox, as much of RFC 3501 as its client asks for."""

    messages: dict[int, bytes]
    seen: set[int] = field(default_factory=set)
    commands: list[str] = field(default_factory=list)
    port: int = 0
    #: Ends the connection in the middle of this command.
    drop: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.write(b"* OK ready\r\n")
            while line := (await reader.readuntil(b"\r\n")).decode().strip():
                tag, _, words = line.partition(" ")
                self.commands.append(re.sub(r'"secret"|secret', "...", words))
                if self.drop and words.startswith(self.drop):
                    break
                writer.write(self.answer(words) + f"{tag} {self.status(words)}\r\n".encode())
                await writer.drain()
                if words.upper().startswith("LOGOUT"):
                    break
        writer.close()

    def status(self, words: str) -> str:
        if words.startswith("LOGIN") and '"secret"' not in words:
            return "NO wrong password"
        if words.startswith("SELECT") and "INBOX" not in words:
            return "NO no such mailbox"
        return "OK done"

    def answer(self, words: str) -> bytes:
        if words == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1\r\n"
        if words.startswith("UID SEARCH"):
            left = " ".join(str(uid) for uid in sorted(set(self.messages) - self.seen))
            return f"* SEARCH {left}".rstrip().encode() + b"\r\n"
        if fetched := re.match(r"UID FETCH (\d+) \(BODY\.PEEK\[\]", words):
            content = self.messages[int(fetched[1])]
            return b"* 1 FETCH (UID %b BODY[]<0> {%d}\r\n%b)\r\n" % (fetched[1].encode(), len(content), content)
        if stored := re.match(r"UID STORE ([\d,]+) \+FLAGS.SILENT \(\\Seen\)", words):
            self.seen |= {int(uid) for uid in stored[1].split(",")}
        return b"* BYE\r\n" if words == "LOGOUT" else b""


@contextlib.asynccontextmanager
async def imap(tmp_path: Path, mailbox: Mailbox) -> AsyncIterator[Callable[..., tuple[Imap, Path]]]:
    """Over TLS, with a certificate of its own."""
    cert, secret = certificate(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, secret)
    tasks: set[asyncio.Task[Any] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        await mailbox.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]

    def settings(**keys: Any) -> tuple[Imap, Path]:
        return Imap.model_validate({"host": "127.0.0.1", "port": port, "username": "u", "password": "secret"} | keys), cert

    yield settings
    server.close()
    for task in filter(None, tasks):
        task.cancel()
    await asyncio.gather(*filter(None, tasks), return_exceptions=True)


async def test_mailbox_is_read_over_tls_and_marked(tmp_path: Path) -> None:
    """What is unseen, each once; nothing is marked before it is taken in."""
    desk = Desk()
    box = Mailbox({uid: MESSAGE.replace(b"hello", b"hello %d" % uid) for uid in range(1, 121)}, seen={5})
    async with imap(tmp_path, box) as settings:
        desk.fail = StoreError("the store gave up")
        with pytest.raises(StoreError):
            await from_mailbox(*settings(), desk.take, asyncio.Event())
        assert box.seen == {5}
        desk.fail, desk.leave = None, b"hello 7\r"
        assert await from_mailbox(*settings(), desk.take, asyncio.Event()) == 118
        assert set(box.messages) - box.seen == {7}
        assert {letter.way for letter in desk.took} == {"imap"}
        desk.leave = b"\0"
        assert await from_mailbox(*settings(), desk.take, asyncio.Event()) == 1
    assert any(one.startswith("LOGIN") for one in box.commands)


@pytest.mark.parametrize(
    ("keys", "drop", "told"),
    [
        ({"password": "wrong"}, "", "wrong password"), ({"mailbox": "Else"}, "", "'Else' .inbound.imap. cannot be opened"),
        ({}, "UID SEARCH", "broke off"), ({}, "UID FETCH", "broke off"), ({"port": 1}, "", "cannot read mail at 127.0.0.1:1"),
        ({"security": "none"}, "", "cannot read mail at"),
    ],
)
async def test_mailbox_that_cannot_be_read_is_told(tmp_path: Path, keys: dict[str, Any], drop: str, told: str) -> None:
    """In one line that names the setting."""
    async with imap(tmp_path, Mailbox({1: MESSAGE}, drop=drop)) as settings:
        chosen, cert = settings(**keys)
        if keys.get("security") == "none":
            chosen = chosen.model_copy(update={"port": 1})
        with pytest.raises(PublisherError, match=told):
            await from_mailbox(chosen, cert, Desk().take, asyncio.Event())


async def test_mailbox_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    """Its certificate must be one that we know."""
    async with imap(tmp_path, Mailbox({1: MESSAGE})) as settings:
        with pytest.raises(PublisherError, match="certificate"):
            await from_mailbox(settings()[0], None, Desk().take, asyncio.Event())


@pytest.mark.parametrize(
    "argument",
    ["<>", "<a@b.example>", "<a.b+c@b.example> SIZE=12 BODY=8BITMIME", "<a@b.example> SMTPUTF8", '<"a b"@c.example>', "a@b.example", "<@x:a@b.example>", "<a@b", "nothing"],
)
async def test_addresses_are_read_as_the_library_reads_them(argument: str) -> None:
    """The short way and its own agree."""
    session = _Session(_Handler(lambda _: asyncio.sleep(0)), loop=asyncio.get_running_loop(), hostname="x", enable_SMTPUTF8=True)
    assert session._getaddr(argument) == LMTP._getaddr(session, argument)
