"""Sender processes of the program's own: they make, sign and send messages; this process alone writes the ledger.

    this process: begin | ledger | visits <- socket <- | that process: press | connections | outcomes, wants the next

They are started once, and serve one run of the deliver step after the other; each has a share of the connections. What
a process that dies leaves unanswered is in doubt, and the next run starts another in its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from publisher import log
from publisher.config import Settings
from publisher.errors import PublisherError
from publisher.mail.ahead import Ahead
from publisher.mail.connections import GRACE, jitter
from publisher.mail.judge import Policy, judge
from publisher.mail.ledger import Ledger
from publisher.mail.talk import (
    Answered,
    Begin,
    Ended,
    Given,
    Key,
    Stop,
    Talk,
    Visit,
    Visits,
    Wanted,
    claim_values,
    open_talk,
    outcome_of,
    pack,
)
from publisher.outgoing import Claim, Outcome, Reply

_log = log.get("mail")

#: Messages for which another process is worth its start.
_WORTH = 200
#: Seconds that a process may take to end once it is told to, beyond the grace of what is on the wire.
_LATE = 3.0


@dataclass(slots=True)
class Process:
    """A sender process, and the talk with it."""

    child: subprocess.Popen[bytes]
    talk: Talk

    async def end(self) -> None:
        """Ends it: it sees that nobody talks to it any more. One that serves a run ends at once."""
        await self.talk.close()
        try:
            await asyncio.to_thread(self.child.wait, GRACE + _LATE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            await asyncio.to_thread(self.child.wait)


@dataclass(slots=True)
class Crew:
    """The other processes of one program, from one run of the deliver step to the next. Close it at the end."""

    _processes: list[Process] = field(default_factory=list)

    async def ready(self, settings: Settings) -> None:
        """Starts those that `mail.processes` names, and waits until they wait for a run; between runs only."""
        for process in await self._complete(min(settings.mail.processes, settings.mail.connections) - 1):
            await process.talk.hear()

    async def _complete(self, count: int) -> list[Process]:
        """Starts what is missing of so many processes."""
        await self._discharge([process for process in self._processes if process.child.poll() is not None])
        missing: list[Process] = []
        try:
            while len(self._processes) < count:
                missing.append(await self._start())
        except OSError as error:
            _log.error("a sender process cannot be started", why=error.strerror)
        return missing

    async def _start(self) -> Process:
        """Another one. Also of one that is cancelled meanwhile the crew knows, and ends it."""
        starting = asyncio.create_task(_started())
        starting.add_done_callback(self._join)
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.wait((starting,))
            raise

    def _join(self, starting: asyncio.Task[Process]) -> None:
        if not starting.cancelled() and starting.exception() is None:
            self._processes.append(starting.result())

    @contextlib.asynccontextmanager
    async def called(
        self, settings: Settings, ledger: Ledger, ahead: Ahead, policy: Policy, stop: asyncio.Event, due: int
    ) -> AsyncIterator[Called]:
        """A run with `mail.processes` less one, as long as there is work for all; they end it with the block."""
        connections = settings.mail.connections
        wanted = max(1, min(settings.mail.processes, connections, due // _WORTH))
        await self._complete(wanted - 1)
        mates = [Mate(process, ledger, ahead, policy) for process in self._processes[: wanted - 1]]
        count = len(mates) + 1
        called = Called(connections // count + (connections % count > 0))
        broken, packed = asyncio.Event(), pack(settings)
        for number, mate in enumerate(mates, 1):
            mate.talk.say(Begin(packed, connections // count + (number < connections % count)))
            called.serving.append(asyncio.create_task(_serve(called, mate, stop, broken)))
        whole = False
        try:
            try:
                yield called
                whole = True
            except Exception:
                broken.set()  # the others finish what is on the wire
                whole = True
                raise
        finally:
            if not whole:  # this run was cancelled
                await asyncio.gather(*(mate.process.end() for mate in mates))
            # What they had is settled before the ledger closes.
            await asyncio.gather(*called.serving, return_exceptions=True)
            await self._discharge([mate.process for mate in mates if mate.gone or not whole])

    async def close(self) -> None:
        """Ends them all."""
        await self._discharge(self._processes)

    async def _discharge(self, gone: Sequence[Process]) -> None:
        self._processes = [process for process in self._processes if process not in gone]
        await asyncio.gather(*(process.end() for process in gone))


@dataclass(slots=True)
class Called:
    """What the other processes do in one run."""

    #: Connections of this process.
    share: int
    lost: str = ""
    drained: bool = False
    serving: list[asyncio.Task[int]] = field(default_factory=list)

    async def ended(self) -> int:
        """Waits for all; how many messages are in doubt because one died. Raises the first fault that is ours."""
        return sum(await asyncio.gather(*self.serving))


async def _serve(called: Called, mate: Mate, stop: asyncio.Event, broken: asyncio.Event) -> int:
    """Answers one process until it ends its run, well or not; how many messages it left in doubt."""
    stopping = [asyncio.create_task(_tell_stop(mate.talk, sign)) for sign in (stop, broken)]
    ended = None
    try:
        while ended is None and (frame := await mate.talk.hear()) is not None:
            if isinstance(frame, Ended):
                ended = frame
                called.lost = called.lost or frame.lost
                called.drained = called.drained or frame.drained
                if frame.fault:
                    _log.error("a sender process failed", why=frame.fault)
            elif isinstance(frame, Visits | Wanted):
                mate.begin(frame)
    finally:
        for task in stopping:
            task.cancel()
        mate.gone = ended is None
        in_doubt = await mate.leave()
    if in_doubt or not (ended or stop.is_set()):
        _log.error("a sender process ended in the middle of its work", in_doubt=in_doubt)
    return in_doubt


@dataclass(slots=True)
class Mate:
    """Another process in one run, as this one sees it."""

    process: Process
    ledger: Ledger
    ahead: Ahead
    policy: Policy
    #: It ended before its run did.
    gone: bool = False
    #: Candidates that it was given, and claims that it has.
    _given: dict[Key, Claim] = field(default_factory=dict)
    _claimed: dict[Key, Claim] = field(default_factory=dict)
    _answering: set[asyncio.Task[None]] = field(default_factory=set)
    _giving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def talk(self) -> Talk:
        """The talk with it."""
        return self.process.talk

    def begin(self, frame: Visits | Wanted) -> None:
        """Does what it asks for, beside what it asks next."""
        if isinstance(frame, Wanted):
            task, tasks = asyncio.create_task(self._give(frame)), self._giving
        else:
            task, tasks = asyncio.create_task(self._visit(frame)), self._answering
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def leave(self) -> int:
        """It ended: what it had claimed and not answered for may have been on the wire; how many.

        Where that is to be repeated it is at once, as after the death of the whole program.
        """
        for task in self._giving:  # candidates may be long in coming, and nobody waits for them any more
            task.cancel()
        await asyncio.gather(*self._answering, *self._giving, return_exceptions=True)
        for claim in self._given.values():
            self.ahead.decided(claim, claimed=False)
        now = self.ledger.clock()
        for claim in self._claimed.values():
            reply = Reply(0, "", "the sender process ended before the server's reply")
            verdict = judge(reply, claim, self.policy, now, jitter(), on_wire=True)
            again_at = None if verdict.next_attempt_at is None else now
            await self.ledger.visit(Outcome(claim, verdict.state, reply, now, now, again_at))
        return len(self._claimed)

    async def _give(self, frame: Wanted) -> None:
        try:
            claims = await self.ahead.give(frame.more)
        except Exception as error:  # noqa: BLE001 - it is raised again where it was asked for
            self.talk.say(Given(frame.number, [], _words(error)))
        else:
            self._given.update(((claim.kind, claim.id), claim) for claim in claims)
            self.talk.say(Given(frame.number, [claim_values(claim) for claim in claims]))

    async def _visit(self, frame: Visits) -> None:
        # All of them enter at once, so they are served by one commit: it is for all of them, or for none.
        entered = [self._enter(visit) for visit in frame.visits]
        answers = await asyncio.gather(*entered, return_exceptions=True)
        fault = next((_words(error) for error in answers if isinstance(error, BaseException)), "")
        claimed = [answer is True for answer in answers]
        for (done, unsent, want), mine in zip(frame.visits, claimed, strict=True):
            candidate = None if want is None else self._given.pop(want)
            if not fault:
                for key in (None if done is None else done[0], unsent):
                    if key is not None:
                        del self._claimed[key]
            if mine and want is not None and candidate is not None:
                self._claimed[want] = candidate
        self.talk.say(Answered(frame.number, claimed, fault))

    def _enter(self, visit: Visit) -> asyncio.Future[bool]:
        """One of its connections at the counter."""
        done, unsent, want = visit
        outcome = None if done is None else outcome_of(done, self._claimed[done[0]])
        back = None if unsent is None else self._claimed[unsent]
        return self.ledger.enter(outcome, back, None if want is None else self._given[want])


def _words(error: BaseException) -> str:
    return str(error) if isinstance(error, PublisherError) else f"{type(error).__name__}: {error}"


async def _tell_stop(talk: Talk, sign: asyncio.Event) -> None:
    await sign.wait()
    talk.say(Stop())


async def _started() -> Process:
    """A sender process."""
    ours, theirs = socket.socketpair()
    with theirs:
        number = str(theirs.fileno())
        child = await asyncio.to_thread(
            subprocess.Popen, [sys.executable, "-m", "publisher.mail.sender", number], pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL, process_group=0,  # a terminal's Ctrl-C is for the first one alone
        )
    return Process(child, await open_talk(ours))
