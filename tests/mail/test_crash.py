"""kill -9 in the middle of a send, and a restart: nobody is lost, and repeats are the same message.

The sender is the deliver step in processes of its own, as the program starts it. It is killed again and again, each time
at another moment, and started anew at once. `PUBLISHER_CRASH=1` (`make crash`) kills 100 times while 5,000 digests go
out; without it the same test is a small one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from publisher.crypto import load_keys
from publisher.outgoing import Delivery, DeliveryState
from publisher.store.engine import open_store
from tests.ledger import list_deliveries
from tests.mail.conftest import ADDRESS, SITE, Scripted

FULL = bool(os.environ.get("PUBLISHER_CRASH"))
CONNECTIONS = 4
URL = "sqlite:///store/publisher.db"
ROOT = Path(__file__).parents[2]
#: Seconds in which a sender that starts anew must have handed over a message.
RESUMED = 5.0

#: The sender that gets killed: the start of the service, and the same step on the same store.
SENDER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from publisher import log, loop
from publisher.config import load
from publisher.crypto import load_keys
from publisher.mail.deliver import deliver, recover
from publisher.store.engine import open_store
from publisher.templating import Templates

async def main(root):
    log.configure("error")
    settings = load(root / "publisher.toml")
    store = await open_store(settings.store.url, root=root)
    now = lambda: datetime.now(UTC)
    await recover(store, settings, now())
    keys = load_keys(settings.store_folder / "keys.json")
    await deliver(store, settings, Templates(), keys, now=now, stop=asyncio.Event())
    await store.close()

if __name__ == "__main__":
    loop.run(main(Path(sys.argv[1])))
"""

CONFIGURATION = """
[site]
url = "{site}"
postal_address = "{address}"
[store]
url = "sqlite:///store/publisher.db"
[mail]
transport = "smtp"
sender = "The Example Courier <digest@example.org>"
port = {port}
connections = {connections}
processes = {processes}
in_doubt = "{policy}"
"""


#: What is killed and how often, and how many digests go out: (policy, processes, kills, readers).
SHOWS = [
    pytest.param(policy, processes, full if FULL else kills, 5000 if FULL else readers, id=f"{policy}-{processes}")
    for policy, processes, full, kills, readers in (
        ("repeat", 1, 100, 2, 200), ("hold", 1, 100, 1, 100), ("repeat", 2, 25, 1, 450), ("hold", 2, 25, 1, 450),
    )
]


class Slow(Scripted):
    """A server that takes its time before it takes a message, and before it says so."""

    async def _say(self, writer: asyncio.StreamWriter, said: str) -> bool:
        await asyncio.sleep(random.uniform(0, 0.015 if FULL else 0.004))
        return await super()._say(writer, said)


@dataclass
class Show:
    """A server, the sender that is killed again and again, and what was seen."""

    root: Path
    server: Scripted
    #: How often each address was in doubt after a kill.
    doubted: Counter[str] = field(default_factory=Counter)
    #: Of each kill: messages in doubt.
    doubts: list[int] = field(default_factory=list)
    #: Of each start that came so far: seconds until the first message was handed over.
    resumed: list[float] = field(default_factory=list)
    #: What senders wrote to stderr.
    told: str = ""

    @contextlib.asynccontextmanager
    async def sender(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The sender, in a session of its own; killed at the end if it still runs."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SENDER, str(self.root), cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=asyncio.subprocess.PIPE, start_new_session=True,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            assert process.stderr is not None
            self.told += (await asyncio.wait_for(process.stderr.read(), RESUMED)).decode()

    async def until(self, taken: int, process: asyncio.subprocess.Process) -> None:
        """Waits until the server has taken so many messages, or the sender ends."""
        while len(self.server.taken) < taken and process.returncode is None:
            await asyncio.sleep(0.002)

    async def kill_at(self, moment: int, *, together: bool = False) -> None:
        """Starts a sender and kills it a moment after it has handed over `moment` messages; 0: while it starts.

        `together`: once its second process is at work, where it has one.
        """
        before, began = len(self.server.taken), time.monotonic()
        async with self.sender() as process:
            if moment:
                await self.until(before + 1, process)
                self.resumed.append(time.monotonic() - began)
                await self.until(before + moment, process)
                if together:
                    await asyncio.sleep(random.uniform(0.5, 1.5))
            await asyncio.sleep(random.uniform(0, 0.02 if moment else 1.2))
        claimed = [row.email for row in await self.rows() if row.state == DeliveryState.CLAIMED]
        self.doubted.update(claimed)
        self.doubts.append(len(claimed))

    async def rows(self) -> list[Delivery]:
        """The ledger."""
        store = await open_store(URL, root=self.root)
        async with store.read() as tx:
            found = await list_deliveries(tx, limit=100_000)
        await store.close()
        return found

    def repeats(self) -> int:
        """Copies beyond the first; each is the same message, to somebody who was in doubt, and no more than that often."""
        copies = Counter(to for to, *_ in self.server.taken)
        named = {(to, ident) for to, _, ident in self.server.taken}
        assert len(named) == len(copies), "a repeat has another Message-ID"
        assert {to: n for to, n in copies.items() if n > 1 + self.doubted[to]} == {}
        return sum(copies.values()) - len(copies)


@pytest.fixture
async def show(
    tmp_path: Path, scripted: Callable[..., Awaitable[Scripted]], plant: Callable[..., Awaitable[list[int]]],
    request: pytest.FixtureRequest,
) -> Show:
    """A store with the digests of a configuration, nobody sending yet. `request.param`: policy, processes, readers."""
    policy, processes, readers = request.param
    server = await scripted(Slow)
    configuration = CONFIGURATION.format(
        site=SITE, address=ADDRESS, port=server.port, connections=CONNECTIONS, policy=policy, processes=processes
    )
    (tmp_path / "publisher.toml").write_text(configuration)
    store = await open_store(URL, root=tmp_path)
    load_keys(tmp_path / "store/keys.json")
    await plant([f"r{n}@d{n % 50}.example" for n in range(readers)], into=store)
    await store.close()
    return Show(tmp_path, server)


def sessions(leader: int) -> list[int]:
    """The processes of the session that `leader` led."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found


def mates(leader: int) -> list[int]:
    """The sender processes among them."""
    found = []
    for pid in sessions(leader):
        with contextlib.suppress(OSError):
            if b"publisher.mail.sender" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def each(*wanted: str, least: int = 1) -> pytest.MarkDecorator:
    """These shows, or all with so many processes; for tests that take (show, policy, processes, kills, readers)."""
    chosen = [one for one in SHOWS if one.id in wanted or (FULL and int(str(one.values[1])) >= least)]
    values = [pytest.param((one.values[0], one.values[1], one.values[3]), *one.values, id=one.id) for one in chosen]
    return pytest.mark.parametrize(("show", "policy", "processes", "kills", "readers"), values, indirect=["show"])


@each("repeat-1", "hold-1")
async def test_I5_kill_again_and_again(show: Show, policy: str, processes: int, kills: int, readers: int) -> None:
    """Nobody is without one; repeats are at most what was in doubt, each the same message; with "hold" there is none."""
    for number in range(kills):
        moment = 0 if number % 8 == 7 else random.randint(1, 2 * readers // (3 * kills * processes * processes))
        await show.kill_at(moment, together=processes > 1)
    async with show.sender() as last:
        assert await asyncio.wait_for(last.wait(), 120) == 0
    rows = await show.rows()
    copies = Counter(to for to, *_ in show.server.taken)
    in_doubt = {row.email for row in rows if row.state == DeliveryState.IN_DOUBT}
    repeats = show.repeats()
    print(
        f"{policy}: {len(show.doubts)} kills, {readers} digests, in doubt {sum(show.doubts)} (most at once "
        f"{max(show.doubts)}), repeats {repeats}, resumed within {max(show.resumed):.2f} s"
    )
    assert max(show.doubts) <= CONNECTIONS
    assert not FULL or max(show.resumed) < RESUMED, "a figure of the long run, on a machine that has nothing else to do"
    assert {row.state for row in rows if row.email not in in_doubt} == {DeliveryState.ACCEPTED}
    assert len(rows) == readers
    if policy == "repeat":
        assert in_doubt == set()
        assert set(copies) == {row.email for row in rows}
        assert repeats <= sum(show.doubts)
    else:
        assert repeats == 0
        assert in_doubt == set(show.doubted), "not listed by name"
        assert {row.email for row in rows} - set(copies) <= in_doubt
    assert show.told == ""


@each("repeat-2", least=2)
async def test_processes_of_a_sender_that_was_killed_end_too(
    show: Show, policy: str, processes: int, kills: int, readers: int
) -> None:
    """Whoever starts next has the store, and the readers, for itself."""
    async with show.sender() as process:
        await show.until(1, process)
        while not mates(process.pid):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.8)
        process.kill()
        await process.wait()
        before = time.monotonic()
        while sessions(process.pid):
            assert time.monotonic() < before + RESUMED, "it lives on"
            await asyncio.sleep(0.01)


@each("repeat-2", least=2)
async def test_I5_a_sender_process_is_killed(
    show: Show, policy: str, processes: int, kills: int, readers: int
) -> None:
    """The first process notes what the other had claimed as in doubt, says so, and sends the rest; and that, or not."""
    async with show.sender() as process:
        while not mates(process.pid) and process.returncode is None:
            await asyncio.sleep(0.01)
        await asyncio.sleep(1.0)
        for pid in mates(process.pid):
            os.kill(pid, signal.SIGKILL)
        assert await asyncio.wait_for(process.wait(), 120) == 0
    rows = await show.rows()
    waiting = [row for row in rows if row.state == DeliveryState.IN_DOUBT]
    show.doubted.update(row.email for row in rows if row.attempts > 1 or row in waiting)
    assert sum(show.doubted.values()) <= CONNECTIONS // 2
    assert {row.state for row in rows if row not in waiting} == {DeliveryState.ACCEPTED}
    assert show.repeats() <= sum(show.doubted.values())
    if policy == "repeat":
        assert waiting == []
    else:
        assert show.repeats() == 0
        assert {row.reply.text for row in waiting} <= {"the sender process ended before the server's reply"}
    assert "a sender process ended" in show.told
