"""Genuine reports: a real Postfix on loopback relays to servers that refuse, and returns what they said by LMTP."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import insert, select

from publisher import return_path
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.inbound.lmtp import listening
from publisher.inbound.queue import Queue
from publisher.inbound.receive import Received, receive
from publisher.incoming import Letter
from publisher.mail.deliver import deliver
from publisher.store import bounces
from publisher.store.engine import Store
from publisher.store.mail_schema import deliveries
from publisher.templating import Templates
from tests.inbound.conftest import DAY, DOMAIN, NOON, dsn, letter, listed, planted, suppression
from tests.mail.test_postfix import MAIN, MASTER, free_port
from tests.mail.test_smtp import aiosmtpd_server

#: By domain: what its server says to every recipient.
REFUSALS = {
    "gone.example": "550 5.1.1 nobody of that name lives here", "full.example": "552 5.2.2 the mailbox is full",
    "policy.example": "550 5.7.1 this message looks like spam to us", "rate.example": "421 4.7.28 mail from you comes at an unusual rate",
}
MORE = """
transport_maps = inline:{{ {routes} }}
relay_domains = {domains}
recipient_delimiter = +
maximal_queue_lifetime = 3s
bounce_queue_lifetime = 1h
maximal_backoff_time = 1s
"""


class Refusing:
    def __init__(self, reply: str) -> None:
        self.reply = reply

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        return self.reply


@pytest.fixture
def postfix() -> Iterator[Callable[[dict[str, int], int], int]]:
    """Starts Postfix with a route for each domain, and one for what comes back; returns its port."""
    program = shutil.which("postfix") or shutil.which("postfix", path="/usr/sbin")
    if program is None:
        pytest.skip("Debian's package postfix is not installed")
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root only")
    folder = Path(tempfile.mkdtemp(prefix="publisher-postfix-"))
    folder.chmod(0o755)

    def command(word: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, "-c", str(folder / "etc"), word], capture_output=True, text=True, timeout=30, check=False)

    def start(routes: dict[str, int], back: int) -> int:
        port = free_port()
        for name in ("etc", "queue", "data"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix")
        told = [f"{{ {domain} = smtp:[127.0.0.1]:{to} }}" for domain, to in routes.items()]
        told.append(f"{{ {DOMAIN} = lmtp:inet:127.0.0.1:{back} }}")
        more = MORE.format(routes=", ".join(told), domains=", ".join([*routes, DOMAIN]))
        (folder / "etc/main.cf").write_text(MAIN.format(folder=folder, sink=1) + more)
        (folder / "etc/master.cf").write_text(MASTER.format(port=port) + "lmtp unix - - n - - lmtp\n")
        done = command("start")
        assert done.returncode == 0, done.stderr + done.stdout
        return port

    yield start
    command("stop")
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def way_back(store: Store, settings: Settings, keys: Keys) -> AsyncIterator[tuple[int, list[Received]]]:
    """The listener, as the service has it; its port, and what each commit did."""
    done: list[Received] = []

    async def take(letters: Sequence[Letter]) -> Sequence[bool]:
        done.append(await receive(store, settings, keys, letters, NOON))
        return done[-1].taken

    queue = Queue(take)
    task = asyncio.create_task(queue.serve())
    try:
        async with listening("127.0.0.1:0", queue.put) as address:
            yield int(address.rpartition(":")[2]), done
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_genuine_reports_end_in_the_right_state(
    postfix: Callable[[dict[str, int], int], int], store: Store, settings: Callable[..., Settings], keys: Keys,
) -> None:
    """5.1.1 is counted and ends the address on a second day; 5.2.2 waits; 5.7.1 and an expired 4.7.28 spare the domain."""
    emails = [f"reader@{domain}" for domain in REFUSALS]
    async with contextlib.AsyncExitStack() as stack:
        port, done = await stack.enter_async_context(way_back(store, settings(), keys))
        routes = {d: await stack.enter_async_context(aiosmtpd_server(Refusing(reply))) for d, reply in REFUSALS.items()}
        chosen = settings({"port": await asyncio.to_thread(postfix, routes, port)})
        people = set(await planted(store, emails))
        report = await deliver(store, chosen, Templates(), keys, now=lambda: NOON, stop=asyncio.Event())
        assert report.accepted == len(emails)
        for _ in range(300):
            if len(await listed(store)) == len(emails):
                break
            await asyncio.sleep(0.1)
    found = {row["address"]: (row["class"], row["code"], row["subscription_id"] in people) for row in await listed(store)}
    assert found == {
        "reader@gone.example": ("hard", "5.1.1", True), "reader@full.example": ("soft", "5.2.2", True),
        "reader@policy.example": ("policy", "5.7.1", True), "reader@rate.example": ("soft", "4.7.28", True),
    }
    assert {domain for one in done for domain in one.spared} == {"policy.example", "rate.example"}
    async with store.read() as tx:
        tallies = await bounces.tallies(tx, emails)
    assert {key: (one.hard_days, one.soft_sends) for key, one in tallies.items()} == {
        "reader@gone.example": (1, 0), "reader@full.example": (0, 1),
    }
    assert [await suppression(store, email) for email in emails] == [None] * 4
    await _on_the_next_day(store, settings(), keys, "reader@gone.example")
    assert await suppression(store, "reader@gone.example") == "bounce"


async def _on_the_next_day(store: Store, settings: Settings, keys: Keys, email: str) -> None:
    """A further report, of the next day's message."""
    async with store.write() as tx:
        first = (await tx.execute(select(deliveries).order_by(deliveries.c.id).limit(1))).mappings().one()
        next_one = dict(first) | {"id": 99, "period": "D:2026-11-23", "message_id": "<next@example.org>"}
        await tx.execute(insert(deliveries).values(**next_one))
    path = return_path.bounce_address(keys, DOMAIN, "delivery", 99, email)
    await receive(store, settings, keys, [letter(dsn(path, email), path)], NOON + DAY)
