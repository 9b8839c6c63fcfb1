"""Sender processes of the program's own: they make, sign and send messages; this process alone writes the ledger.

    this process: ledger | visit <- socket <- | that process: press | connections | outcome, wants the next

What a process that dies leaves unanswered is in doubt. Each process has a share of the connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import pickle
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from publisher import log, loop
from publisher.config import Settings
from publisher.crypto import load_keys
from publisher.mail.connections import GRACE, Run, jitter, run_connections
from publisher.mail.judge import Policy, judge
from publisher.mail.ledger import Ledger
from publisher.mail.press import press_for
from publisher.mail.relay import Relay
from publisher.outgoing import Claim, Outcome, Reply
from publisher.store.engine import open_store
from publisher.templating import templates_of

_log = log.get("mail")

#: Bytes of a frame's length.
_HEAD = struct.Struct(">I")
#: Seconds that a process may take to end once it is told to, beyond the grace of what is on the wire.
_LATE = 3.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A visit to the ledger, on its way from another process."""

    number: int
    outcome: Outcome | None
    unsent: Claim | None
    want: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """What the ledger said: a claim, nothing, or why the store failed."""

    number: int
    claim: Claim | None = None
    fault: Exception | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """No message is to begin any more."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The last word of a process: as `Run.lost` and `Run.drained`."""

    lost: str
    drained: bool
    #: A fault of ours that ended it.
    fault: str = ""


@dataclass(slots=True)
class Crew:
    """The other processes of one run."""

    #: Connections of this process.
    share: int
    lost: str = ""
    drained: bool = False
    _talks: list[asyncio.Task[None]] = field(default_factory=list)

    @staticmethod
    @contextlib.asynccontextmanager
    async def called(
        settings: Settings, ledger: Ledger, policy: Policy, stop: asyncio.Event, due: int
    ) -> AsyncIterator[Crew]:
        """Starts `mail.processes` less one, as long as there is work for all; ends them when the block ends."""
        connections = settings.mail.connections
        processes = min(settings.mail.processes, connections, due)
        shares = [connections // processes + (at < connections % processes) for at in range(processes)]
        crew = Crew(shares[0])
        async with contextlib.AsyncExitStack() as stack:
            for share in shares[1:]:
                talk = await stack.enter_async_context(_process(settings, share))
                talking = asyncio.create_task(crew._serve(talk, ledger, policy, stop))
                crew._talks.append(talking)
            yield crew

    async def ended(self) -> None:
        """Waits for all of them; raises the first fault that is ours."""
        await asyncio.gather(*self._talks)

    async def _serve(self, talk: Talk, ledger: Ledger, policy: Policy, stop: asyncio.Event) -> None:
        """Answers one process until it ends, well or not."""
        held: dict[int, Claim] = {}
        visits: set[asyncio.Task[None]] = set()
        stopping = asyncio.create_task(_tell_stop(talk, stop))
        try:
            while (frame := await talk.hear()) is not None:
                if isinstance(frame, Ended):
                    self.lost = self.lost or frame.lost
                    self.drained = self.drained or frame.drained
                    if frame.fault:
                        _log.error("a sender process failed", why=frame.fault)
                    continue
                for done in (frame.outcome.claim if frame.outcome else None, frame.unsent):
                    held.pop(done.id if done else 0, None)
                visit = asyncio.create_task(_visited(talk, ledger, frame, held))
                visits.add(visit)
                visit.add_done_callback(visits.discard)
        finally:
            stopping.cancel()
            await asyncio.gather(*visits, return_exceptions=True)
            await _left_behind(held, ledger, policy)


async def _visited(talk: Talk, ledger: Ledger, frame: Asked, held: dict[int, Claim]) -> None:
    try:
        claim = await ledger.visit(frame.outcome, unsent=frame.unsent, want=frame.want)
    except Exception as error:  # noqa: BLE001 - it is raised again where it was asked for
        talk.say(Answered(frame.number, fault=error))
        return
    if claim is not None:
        held[claim.id] = claim
    talk.say(Answered(frame.number, claim))


async def _left_behind(held: dict[int, Claim], ledger: Ledger, policy: Policy) -> None:
    """What a process that died had claimed may have been on the wire."""
    now = ledger.clock()
    for claim in held.values():
        reply = Reply(0, "", "the sender process ended before the server's reply")
        verdict = judge(reply, claim, policy, now, jitter(), on_wire=True)
        outcome = Outcome(claim, verdict.state, reply, now, now, verdict.next_attempt_at)
        await ledger.visit(outcome, want=False)


async def _tell_stop(talk: Talk, stop: asyncio.Event) -> None:
    await stop.wait()
    talk.say(Stop())


class Talk:
    """One end of a socket between two processes of ours: values, one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, value: object) -> None:
        """Sends `value`."""
        data = pickle.dumps(value)
        self._writer.write(_HEAD.pack(len(data)) + data)

    async def hear(self) -> Any:
        """The next value; None where the other end is gone."""
        try:
            (size,) = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
            return pickle.loads(await self._reader.readexactly(size))  # noqa: S301 - from a process of our own
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def close(self) -> None:
        """Ends it."""
        self._writer.close()


@contextlib.asynccontextmanager
async def _process(settings: Settings, share: int) -> AsyncIterator[Talk]:
    """A sender process with so many connections, and the talk with it."""
    ours, theirs = socket.socketpair()
    process = multiprocessing.get_context("spawn").Process(target=work, args=(settings, share, theirs), daemon=True)
    process.start()
    theirs.close()
    talk = Talk(*await asyncio.open_connection(sock=ours))
    try:
        yield talk
    finally:
        talk.close()
        await asyncio.to_thread(process.join, GRACE + _LATE)
        if process.is_alive():
            process.kill()
            await asyncio.to_thread(process.join)


def work(settings: Settings, share: int, theirs: socket.socket) -> None:
    """The life of a sender process."""
    log.configure(settings.log.level)
    loop.run(_work(settings, share, theirs))


async def _work(settings: Settings, share: int, theirs: socket.socket) -> None:
    talk = Talk(*await asyncio.open_connection(sock=theirs))
    store = await open_store(settings.store.url, root=settings.root, durability=settings.store.durability)
    stop = asyncio.Event()
    remote = _Remote(talk)
    listening = asyncio.create_task(remote.listen(stop))
    fault = ""
    relay = Relay()
    relay.use(settings)
    press = press_for(store, settings, templates_of(settings.root), load_keys(settings.store_folder / "keys.json"))
    policy = Policy(expiry=settings.mail.expiry, repeat=settings.mail.in_doubt == "repeat")
    run = Run(press, remote, relay, policy, _now, stop)
    try:
        await run_connections(run, share)
    except Exception as error:  # noqa: BLE001 - told to the process that waits for us
        fault = f"{type(error).__name__}: {error}"
    finally:
        press.close()
        await store.close()
    talk.say(Ended(run.lost, run.drained, fault))
    talk.close()
    listening.cancel()


class _Remote:
    """The ledger, as seen from another process."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._asked: dict[int, asyncio.Future[Claim | None]] = {}
        self._number = 0

    async def visit(
        self, outcome: Outcome | None = None, *, unsent: Claim | None = None, want: bool
    ) -> Claim | None:
        """See `publisher.mail.ledger.Ledger.visit`."""
        self._number += 1
        answer: asyncio.Future[Claim | None] = asyncio.get_running_loop().create_future()
        self._asked[self._number] = answer
        self._talk.say(Asked(self._number, outcome, unsent, want))
        return await answer

    async def listen(self, stop: asyncio.Event) -> None:
        """Hands out the answers; the end of the other process is the end of this one."""
        while (frame := await self._talk.hear()) is not None:
            if isinstance(frame, Stop):
                stop.set()
                continue
            answer = self._asked.pop(frame.number)
            if frame.fault is not None:
                answer.set_exception(frame.fault)
            else:
                answer.set_result(frame.claim)
        stop.set()


def _now() -> datetime:
    return datetime.now(UTC)
