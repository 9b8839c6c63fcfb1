"""kill -9 in the middle of a send, and a restart: nobody is lost, and repeats are the same message."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from publisher.config import load
from publisher.crypto import Keys
from publisher.mail.deliver import deliver, recover
from publisher.outgoing import DeliveryState
from publisher.store import ledger_view
from publisher.store.engine import open_store
from publisher.templating import Templates
from tests.mail.conftest import ADDRESS, NOON, SITE, Scripted

CONNECTIONS = 4
URL = "sqlite:///store/publisher.db"

#: The sender that gets killed: the same step on the same store, in a process of its own.
SENDER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from publisher import log
from publisher.config import load
from publisher.crypto import Keys
from publisher.mail.deliver import deliver
from publisher.store.engine import open_store
from publisher.templating import Templates

async def main(root):
    log.configure("error")
    store = await open_store("sqlite:///store/publisher.db", root=root)
    settings = load(root / "publisher.toml")
    now = lambda: datetime(2026, 11, 22, 12, tzinfo=UTC)
    await deliver(store, settings, Templates(), Keys((b"k" * 32,)), now=now, stop=asyncio.Event())

asyncio.run(main(Path(sys.argv[1])))
"""

CONFIGURATION = """
[site]
url = "{site}"
postal_address = "{address}"
[mail]
transport = "smtp"
sender = "The Example Courier <digest@example.org>"
port = {port}
connections = {connections}
in_doubt = "{policy}"
"""


@pytest.mark.parametrize(("policy", "readers"), [("repeat", 500), ("hold", 120)])
async def test_I5_kill_in_the_middle(
    tmp_path: Path, scripted: Callable[..., Awaitable[Scripted]], plant: Callable[..., Awaitable[list[int]]],
    keys: Keys, templates: Templates, policy: str, readers: int,
) -> None:
    """After kill -9 and a restart everyone has the digest once, or, at most one for each connection, again with its Message-ID."""
    reached = asyncio.Event()

    def count(server: Scripted, _: str) -> None:
        if len(server.taken) >= readers // 3:
            reached.set()

    server = await scripted(DOT=count)
    (tmp_path / "publisher.toml").write_text(
        CONFIGURATION.format(site=SITE, address=ADDRESS, port=server.port, connections=CONNECTIONS, policy=policy)
    )
    chosen = load(tmp_path / "publisher.toml")
    store = await open_store(URL, root=tmp_path)
    await plant([f"r{n}@example.net" for n in range(readers)], into=store)
    await store.close()

    root = Path(__file__).parents[2]
    sender = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SENDER, str(tmp_path), cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    try:
        await asyncio.wait_for(reached.wait(), 20)
    finally:
        sender.send_signal(signal.SIGKILL)
        await sender.wait()
    before = len(server.taken)
    assert before < readers

    store = await open_store(URL, root=tmp_path)
    doubtful = await recover(store, chosen, NOON)
    assert doubtful <= CONNECTIONS
    report = await deliver(store, chosen, templates, keys, now=lambda: NOON, stop=asyncio.Event())
    async with store.read() as tx:
        rows = await ledger_view.list_deliveries(tx)
    await store.close()

    copies = Counter(to for to, *_ in server.taken)
    named = {(to, ident) for to, _, ident in server.taken}
    held = {row.email for row in rows if row.state == DeliveryState.IN_DOUBT}
    assert len(named) == len(copies), "a repeat has another Message-ID"
    assert sum(copies.values()) - len(copies) <= (CONNECTIONS if policy == "repeat" else 0)
    assert {row.email for row in rows} - set(copies) <= held
    assert len(held) == (0 if policy == "repeat" else doubtful)
    assert {row.state for row in rows if row.email not in held} == {DeliveryState.ACCEPTED}
    assert report.accepted + before >= readers - len(held)
