"""`make bench`, "inbound": reports a second through the LMTP listener into the store; the mail server is a process of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from sqlalchemy import insert

from publisher import return_path
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.inbound.lmtp import listening
from publisher.inbound.queue import Queue
from publisher.inbound.receive import receive
from publisher.inbound_settings import Inbound
from publisher.incoming import Letter
from publisher.store import bounce_view
from publisher.store.engine import Store, open_store
from publisher.store.mail_schema import deliveries, editions, issues, subscribers, subscriptions, variants

REPORTS = 5_000
CONNECTIONS = 50
DOMAIN = "bounces.example.org"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS = Keys((b"k" * 32,))


def report(number: int) -> tuple[str, bytes]:
    """The return path, and a report as Postfix writes them, 3.4 kB."""
    email = f"r{number}@d.example"
    path = return_path.bounce_address(KEYS, DOMAIN, "delivery", number, email)
    trace = "\r\n".join(f"X-Trace-{n}: some server wrote this line when it took the message on its way" for n in range(20))
    text = (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.net (Mail Delivery System)\r\nTo: {path}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: <{number}@mx.example.net>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b1"\r\n\r\n'
        f"--b1\r\nContent-Type: text/plain\r\n\r\nThe mail system here could not hand your message over.\r\n\r\n<{email}>: host mx.d.example[192.0.2.7] said:\r\n"
        f"    550 5.1.1 no such user here\r\n\r\n--b1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
        f"Final-Recipient: rfc822; {email}\r\nOriginal-Recipient: rfc822;{email}\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.d.example\r\n"
        f"Diagnostic-Code: smtp; 550 5.1.1 <{email}>: no such user here\r\n\r\n--b1\r\nContent-Type: text/rfc822-headers\r\n\r\n{trace}\r\n"
        f"From: digest@example.org\r\nTo: {email}\r\nSubject: News\r\n\r\n--b1--\r\n"
    )
    return path, text.encode()


async def _plant(store: Store) -> None:
    """A reader and a delivery for each report."""
    ids = range(1, REPORTS + 1)
    async with store.write() as tx:
        await tx.execute(insert(subscribers), [
            {"id": n, "email": f"r{n}@d.example", "email_key": f"r{n}@d.example", "name": "", "language": "", "timezone": "UTC", "created_at": NOW} for n in ids
        ])
        await tx.execute(insert(subscriptions), [
            {"id": n, "subscriber_id": n, "newsletter": "daily", "frequency": "daily", "weekday": 0, "local_time": "07:00", "sections": [],
             "state": "active", "from_seq": 0, "generation": 0} for n in ids
        ])
        await tx.execute(insert(issues), [{"id": 1, "newsletter": "daily", "date": NOW.date()}])
        await tx.execute(insert(editions), [{"id": 1, "issue_id": 1, "kind": "scheduled", "cutoff": 1, "created_at": NOW}])
        await tx.execute(insert(variants), [
            {"id": 1, "edition_id": 1, "revision": 1, "key": "k", "language": "en", "subject": "s", "html": "", "text": "", "stale": False}
        ])
        await tx.execute(insert(deliveries), [
            {"id": n, "edition_id": 1, "subscription_id": n, "variant_id": 1, "period": "D:1", "from_seq": 0, "to_seq": 1, "state": "accepted",
             "attempts": 1, "reply_code": 250, "reply_enhanced": "", "reply_text": "", "message_id": f"<{n}@x>", "created_at": NOW, "finished_at": NOW}
            for n in ids
        ])


def _hand_over(address: str, told: multiprocessing.SimpleQueue[tuple[float, int]]) -> None:
    """The mail server: all reports over its connections; how long that took, and how many were refused for now."""
    uvloop.run(_all(address, told))


async def _all(address: str, told: multiprocessing.SimpleQueue[tuple[float, int]]) -> None:
    host, _, port = address.rpartition(":")
    made = [report(number) for number in range(1, REPORTS + 1)]
    refused = 0

    async def connection(share: Sequence[tuple[str, bytes]]) -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection(host, int(port))
        await reader.readuntil(b"\r\n")
        writer.write(b"LHLO bench\r\n")
        while (await reader.readuntil(b"\r\n"))[3:4] == b"-":
            pass
        for path, content in share:
            writer.write(b"MAIL FROM:<>\r\nRCPT TO:<%b>\r\nDATA\r\n" % path.encode())
            for _ in range(3):
                await reader.readuntil(b"\r\n")
            writer.write(content + b".\r\n")
            refused += not (await reader.readuntil(b"\r\n")).startswith(b"250")
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(connection(made[at::CONNECTIONS]) for at in range(CONNECTIONS)))
    told.put((time.perf_counter() - begun, refused))


async def _serve(root: Path, row: Callable[..., None]) -> None:
    settings = Settings(root=root, inbound=Inbound(bounce_domain=DOMAIN))
    store = await open_store("sqlite:///publisher.db", root=root)
    await _plant(store)

    async def take(letters: Sequence[Letter]) -> Sequence[bool]:
        return (await receive(store, settings, KEYS, letters, NOW)).taken

    queue = Queue(take)
    serving = asyncio.create_task(queue.serve())
    told: multiprocessing.SimpleQueue[tuple[float, int]] = multiprocessing.get_context("spawn").SimpleQueue()
    cpu = time.process_time()
    async with listening("127.0.0.1:0", queue.put) as address:
        client = multiprocessing.get_context("spawn").Process(target=_hand_over, args=(address, told))
        client.start()
        took, refused = await asyncio.to_thread(told.get)
        await asyncio.to_thread(client.join)
    cpu = time.process_time() - cpu
    serving.cancel()
    async with store.read() as tx:
        rows = await bounce_view.listed(tx, bounce_view.Wanted(), 2 * REPORTS)
    await store.close()
    assert refused == 0
    assert len(rows) == REPORTS
    assert all(one["delivery_id"] for one in rows)
    row(f"{REPORTS:,} reports through LMTP into the store", f"{REPORTS / took:,.0f}/s", f"{1000 * cpu / REPORTS:.2f} ms of processor each; budget 1,000/s")


def run(row: Callable[..., None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(_serve(Path(folder), row))


if __name__ == "__main__":
    run(print)
