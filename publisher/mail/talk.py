"""What two processes of ours say to each other while they send, over a socket between them.

    keeper of the ledger: begin -> sender: give me candidates; this came of these claims, I want those candidates
                                -> keeper: here; yes, no -> ... -> sender: ended

A frame is a tuple of plain values, and speaks for all connections that wait: each frame costs both sides more than
what it holds.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from collections import deque
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from publisher.config import Settings
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply

#: Bytes of a frame's length.
_HEAD = struct.Struct(">I")

#: Which claim it is: kind and id.
Key = tuple[str, int]


class Begin(NamedTuple):
    """A run begins, with so many connections; may be said again once the last one has ended."""

    settings: Settings
    share: int


class Ready(NamedTuple):
    """The process is there, and waits for a run."""


class Done(NamedTuple):
    """What became of a claim: an `Outcome` without what the other process knows."""

    claim: Key
    state: str
    code: int
    enhanced: str
    text: str
    started_at: datetime
    finished_at: datetime
    next_attempt_at: datetime | None


class Visit(NamedTuple):
    """A connection at the counter, as `publisher.mail.ledger.Ledger.visit`."""

    done: Done | None
    unsent: Key | None
    want: Key | None


class Visits(NamedTuple):
    """All that came to the counter in a turn of the event loop."""

    number: int
    visits: list[Visit]


class Wanted(NamedTuple):
    """A wish for up to so many candidates."""

    number: int
    more: int


class Answered(NamedTuple):
    """The answer to `Visits`, claimed or not, or why the store failed, in words."""

    number: int
    claimed: list[bool]
    fault: str = ""


class Given(NamedTuple):
    """The answer to `Wanted`: candidates as `claim_values` gives them, or why the store failed."""

    number: int
    candidates: list[tuple[Any, ...]]
    fault: str = ""


class Stop(NamedTuple):
    """No message is to begin any more."""


class Ended(NamedTuple):
    """The last word of a run: as `Run.lost` and `Run.drained`."""

    lost: str
    drained: bool
    #: A fault of ours that ended it.
    fault: str = ""


def done_of(outcome: Outcome) -> Done:
    """An outcome, on its way."""
    claim, reply = outcome.claim, outcome.reply
    return Done(
        (claim.kind, claim.id), outcome.state.value, reply.code, reply.enhanced, reply.text, outcome.started_at,
        outcome.finished_at, outcome.next_attempt_at,
    )


def outcome_of(done: Done, claim: Claim) -> Outcome:
    """The way back; `claim` is the one that `done` names."""
    reply = Reply(done.code, done.enhanced, done.text)
    return Outcome(claim, DeliveryState(done.state), reply, done.started_at, done.finished_at, done.next_attempt_at)


#: A candidate, on its way, and back by `Claim(*values)`: a tuple travels at a tenth of the cost of a frozen value.
claim_values = attrgetter(*(field.name for field in fields(Claim)))


class Talk(asyncio.Protocol):
    """One end of a socket between two processes of ours: frames, one after the other. Use `open_talk`."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._held = b""
        self._frames: deque[Any] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = asyncio.get_running_loop().create_future()

    def say(self, frame: tuple[Any, ...]) -> None:
        """Sends `frame`; nothing happens where the other end is gone."""
        if self._transport is not None and not self._transport.is_closing():
            data = pickle.dumps(frame, pickle.HIGHEST_PROTOCOL)
            self._transport.write(_HEAD.pack(len(data)) + data)

    async def hear(self) -> Any:
        """The next frame; None where the other end is gone."""
        if not self._frames and not self._closed.done():
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._frames.popleft() if self._frames else None

    async def close(self) -> None:
        """Ends it, with all that was said."""
        if self._transport is not None:
            self._transport.close()
            await asyncio.shield(self._closed)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = transport  # type: ignore[assignment]  # uvloop's is one by its methods only

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        held = self._held + data if self._held else data
        at = 0
        while len(held) - at >= _HEAD.size:
            (size,) = _HEAD.unpack_from(held, at)
            end = at + _HEAD.size + size
            if end > len(held):
                break
            self._frames.append(pickle.loads(held[at + _HEAD.size : end]))  # noqa: S301 - from a process of our own
            at = end
        self._held = held[at:]
        if self._frames:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        del exc
        if not self._closed.done():
            self._closed.set_result(None)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def open_talk(end: socket.socket) -> Talk:
    """The talk over this end of a pair of sockets."""
    _, talk = await asyncio.get_running_loop().create_connection(Talk, sock=end)
    return talk
