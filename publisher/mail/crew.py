"""Sender processes of the program's own: they make, sign and send messages; this process alone writes the ledger.

    this process: ledger | visit <- socket <- | that process: press | connections | outcome, wants the next

What a process that dies leaves unanswered is in doubt. Each process has a share of the connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from publisher import log
from publisher.config import Settings
from publisher.errors import PublisherError
from publisher.mail.ahead import Ahead
from publisher.mail.connections import GRACE, jitter
from publisher.mail.judge import Policy, judge
from publisher.mail.ledger import Ledger
from publisher.mail.sender import work
from publisher.mail.talk import Answered, Asked, Ended, Stop, Talk
from publisher.outgoing import Claim, Outcome, Reply

_log = log.get("mail")

#: Messages for which another process is worth its start.
_WORTH = 200
#: Seconds that a process may take to end once it is told to, beyond the grace of what is on the wire.
_LATE = 3.0


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
        settings: Settings, ledger: Ledger, ahead: Ahead, policy: Policy, stop: asyncio.Event, due: int
    ) -> AsyncIterator[Crew]:
        """Starts `mail.processes` less one, as long as there is work for all; ends them when the block ends."""
        connections = settings.mail.connections
        processes = max(1, min(settings.mail.processes, connections, due // _WORTH))
        shares = [connections // processes + (at < connections % processes) for at in range(processes)]
        crew = Crew(shares[0])
        broken = asyncio.Event()
        try:
            async with contextlib.AsyncExitStack() as stack:
                for share in shares[1:]:
                    talk = await stack.enter_async_context(_process(settings, share, broken))
                    mate = Mate(talk, ledger, ahead, policy)
                    crew._talks.append(asyncio.create_task(crew._serve(mate, stop)))
                try:
                    yield crew
                except Exception:
                    broken.set()  # the others finish what is on the wire
                    raise
        finally:  # what they had is settled before the ledger closes
            await asyncio.gather(*crew._talks, return_exceptions=True)

    async def ended(self) -> None:
        """Waits for all of them; raises the first fault that is ours."""
        await asyncio.gather(*self._talks)

    async def _serve(self, mate: Mate, stop: asyncio.Event) -> None:
        """Answers one process until it ends, well or not."""
        stopping = asyncio.create_task(_tell_stop(mate.talk, stop))
        ended = False
        try:
            while (frame := await mate.talk.hear()) is not None:
                if isinstance(frame, Ended):
                    ended = True
                    self.lost = self.lost or frame.lost
                    self.drained = self.drained or frame.drained
                    if frame.fault:
                        _log.error("a sender process failed", why=frame.fault)
                else:
                    mate.begin(frame)
        finally:
            stopping.cancel()
            in_doubt = await mate.leave()
            if in_doubt or not (ended or stop.is_set()):
                _log.error("a sender process ended in the middle of its work", in_doubt=in_doubt)


@dataclass(slots=True)
class Mate:
    """Another process, as this one sees it."""

    talk: Talk
    ledger: Ledger
    ahead: Ahead
    policy: Policy
    #: Candidates that it was given, and claims that it has.
    _given: dict[tuple[str, int], Claim] = field(default_factory=dict)
    _claimed: dict[tuple[str, int], Claim] = field(default_factory=dict)
    _visits: set[asyncio.Task[None]] = field(default_factory=set)

    def begin(self, frame: Asked) -> None:
        """Does what it asks for, beside what it asks next."""
        visit = asyncio.create_task(self._answer(frame))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def leave(self) -> int:
        """It ended: what it had claimed and not answered for may have been on the wire; how many."""
        await asyncio.gather(*self._visits, return_exceptions=True)
        for claim in self._given.values():
            self.ahead.decided(claim, claimed=False)
        now = self.ledger.clock()
        for claim in self._claimed.values():
            reply = Reply(0, "", "the sender process ended before the server's reply")
            verdict = judge(reply, claim, self.policy, now, jitter(), on_wire=True)
            await self.ledger.visit(Outcome(claim, verdict.state, reply, now, now, verdict.next_attempt_at))
        return len(self._claimed)

    async def _answer(self, frame: Asked) -> None:
        try:
            answer = await (self._give(frame.more) if frame.more else self._visit(frame))
        except Exception as error:  # noqa: BLE001 - it is raised again where it was asked for
            fault = str(error) if isinstance(error, PublisherError) else f"{type(error).__name__}: {error}"
            self.talk.say(Answered(frame.number, fault=fault))
        else:
            self.talk.say(Answered(frame.number, answer))

    async def _give(self, want: int) -> list[Claim]:
        claims = await self.ahead.give(want)
        self._given.update(((claim.kind, claim.id), claim) for claim in claims)
        return claims

    async def _visit(self, frame: Asked) -> bool:
        outcome, done = None, frame.done
        if done is not None:
            claim = self._claimed[done.claim]
            outcome = Outcome(claim, done.state, done.reply, done.started_at, done.finished_at, done.next_attempt_at)
        unsent = None if frame.unsent is None else self._claimed[frame.unsent]
        want = None if frame.want is None else self._given[frame.want]
        claimed = await self.ledger.visit(outcome, unsent=unsent, want=want)
        for key in (None if done is None else done.claim, frame.unsent):
            if key is not None:
                del self._claimed[key]
        if frame.want is not None:
            del self._given[frame.want]
            if claimed and want is not None:
                self._claimed[frame.want] = want
        return claimed


async def _tell_stop(talk: Talk, stop: asyncio.Event) -> None:
    await stop.wait()
    talk.say(Stop())


@contextlib.asynccontextmanager
async def _process(settings: Settings, share: int, broken: asyncio.Event) -> AsyncIterator[Talk]:
    """A sender process with so many connections, and the talk with it. It is waited for, also once all is `broken`."""
    ours, theirs = socket.socketpair()
    process = multiprocessing.get_context("spawn").Process(target=work, args=(settings, share, theirs), daemon=True)
    process.start()
    theirs.close()
    talk = Talk(*await asyncio.open_connection(sock=ours))
    waits = False
    try:
        yield talk
        waits = True
    finally:
        if broken.is_set():
            talk.say(Stop())
        elif not waits:  # this run was cancelled
            await talk.close()
        await asyncio.to_thread(process.join, GRACE + _LATE)
        await talk.close()
        if process.is_alive():
            process.kill()
            await asyncio.to_thread(process.join)
