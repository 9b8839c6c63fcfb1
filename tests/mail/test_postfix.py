"""Through a real Postfix on loopback, with a configuration, a queue and ports of its own, to a server of the tests."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail.deliver import DeliverReport, deliver
from publisher.outgoing import DeliveryState
from publisher.store.engine import Store
from publisher.templating import Templates
from tests.ledger import list_deliveries
from tests.mail.conftest import NOON
from tests.mail.test_smtp import Handler, aiosmtpd_server

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.org
mydestination =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{sink}
smtp_tls_security_level = none
smtpd_recipient_restrictions = check_recipient_access inline:{{{{ nobody@d.example = 550 5.1.1 no such user }}, {{ later@d.example = 450 4.2.0 later }}}}, permit_mynetworks, reject
minimal_backoff_time = 1s
queue_run_delay = 1s
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@pytest.fixture
def postfix() -> Iterator[Callable[[int], int]]:
    """Starts Postfix, which hands its mail on to the port that it is given; returns its own."""
    program = shutil.which("postfix") or shutil.which("postfix", path="/usr/sbin")
    if program is None:
        pytest.skip("Debian's package postfix is not installed")
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root only")
    folder = Path(tempfile.mkdtemp(prefix="publisher-postfix-"))
    folder.chmod(0o755)

    def command(word: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, "-c", str(folder / "etc"), word], capture_output=True, text=True, timeout=30, check=False
        )

    def start(sink: int) -> int:
        port = free_port()
        for name in ("etc", "queue", "data"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix")
        (folder / "etc/main.cf").write_text(MAIN.format(folder=folder, sink=sink))
        (folder / "etc/master.cf").write_text(MASTER.format(port=port))
        done = command("start")
        assert done.returncode == 0, done.stderr + done.stdout
        return port

    yield start
    command("stop")
    shutil.rmtree(folder, ignore_errors=True)


async def test_through_postfix(
    postfix: Callable[[int], int], store: Store, settings: Callable[..., Settings], keys: Keys, templates: Templates,
    plant: Callable[..., Awaitable[list[int]]],
) -> None:
    """Everyone's digest goes through unchanged but for Postfix's own lines on top; refusals stand in the ledger."""
    handler = Handler()
    emails = [f"r{n}@d.example" for n in range(60)]
    async with aiosmtpd_server(handler) as sink:
        port = await asyncio.to_thread(postfix, sink)
        await plant([*emails, "nobody@d.example", "later@d.example"])
        chosen = settings(port=port, connections=4)
        report = await deliver(store, chosen, templates, keys, now=lambda: NOON, stop=asyncio.Event())
        assert report == DeliverReport(accepted=60, bounced=1, deferred=1)
        for _ in range(200):
            if len(handler.got) >= len(emails):
                break
            await asyncio.sleep(0.1)
    assert sorted(to for _, [to], *_ in handler.got) == sorted(emails)
    assert len(re.findall(rb"(?m)^Message-ID: ", b"".join(raw for *_, raw, _ in handler.got))) == len(emails)
    assert all(raw.endswith(b"--=_publisher-parts--\r\n") for *_, raw, _ in handler.got)
    async with store.read() as tx:
        rows = {row.email: row for row in await list_deliveries(tx)}
    assert (rows["nobody@d.example"].state, rows["nobody@d.example"].reply.enhanced) == (DeliveryState.BOUNCED, "5.1.1")
    assert (rows["later@d.example"].state, rows["later@d.example"].reply.enhanced) == (DeliveryState.DEFERRED, "4.2.0")
