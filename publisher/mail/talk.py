"""What two processes of ours say to each other while they send, over a socket between them.

    keeper of the ledger: begin -> sender: give me candidates; this came of these claims, I want those candidates
                                -> keeper: here; yes, no -> ... -> sender: ended

A frame speaks for all connections that wait: each costs both sides more than what it holds. It holds plain values only,
which `marshal` takes as they are: classes would cost more than the rest of the way.
"""

from __future__ import annotations

import asyncio
import marshal
import pickle
import socket
import struct
from collections import deque
from dataclasses import fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

from publisher.config import Settings
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply

#: Which claim it is: kind and id.
Key = tuple[str, int]
#: What became of a claim: key, state, reply (code, enhanced, text), started, finished, next attempt (in seconds since
#: 1970).
Done = tuple[Key, str, int, str, str, float, float, float | None]
#: A connection at the counter, as `publisher.mail.ledger.Ledger.visit`: outcome, given back, wanted.
Visit = tuple[Done | None, Key | None, Key | None]

#: Bytes of a frame's length.
_HEAD = struct.Struct(">I")


class Ready(NamedTuple):
    """The process is there, and waits for a run."""


class Begin(NamedTuple):
    """A run begins, with so many connections; may be said again once the last one has ended."""

    #: As `pack` makes it.
    settings: bytes
    share: int


class Visits(NamedTuple):
    """All that came to the counter in a turn of the event loop."""

    number: int
    visits: list[Visit]


class Answered(NamedTuple):
    """The answer to `Visits`, claimed or not, or why the store failed, in words."""

    number: int
    claimed: list[bool]
    fault: str = ""


class Wanted(NamedTuple):
    """A wish for up to so many candidates."""

    number: int
    more: int


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


Frame = Ready | Begin | Visits | Answered | Wanted | Given | Stop | Ended
_KINDS: tuple[type[Frame], ...] = (Ready, Begin, Visits, Answered, Wanted, Given, Stop, Ended)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_FIELDS = attrgetter(*(field.name for field in fields(Claim)))
_AT = [number for number, field in enumerate(fields(Claim)) if field.name in ("created_at", "due_at")]
_STATE = [field.name for field in fields(Claim)].index("state")


def pack(settings: Settings) -> bytes:
    """Settings, on their way."""
    return pickle.dumps(settings)


def unpack(packed: bytes) -> Settings:
    """The way back."""
    found: Settings = pickle.loads(packed)  # noqa: S301 - from a process of our own
    return found


def done_of(outcome: Outcome) -> Done:
    """An outcome, on its way."""
    claim, reply, next_at = outcome.claim, outcome.reply, outcome.next_attempt_at
    return (
        (claim.kind, claim.id), outcome.state.value, reply.code, reply.enhanced, reply.text,
        outcome.started_at.timestamp(), outcome.finished_at.timestamp(),
        None if next_at is None else next_at.timestamp(),
    )


def outcome_of(done: Done, claim: Claim) -> Outcome:
    """The way back; `claim` is the one that `done` names."""
    _, state, code, enhanced, text, started, finished, next_at = done
    return Outcome(
        claim, DeliveryState(state), Reply(code, enhanced, text), datetime.fromtimestamp(started, UTC),
        datetime.fromtimestamp(finished, UTC), None if next_at is None else datetime.fromtimestamp(next_at, UTC),
    )


def claim_values(claim: Claim) -> tuple[Any, ...]:
    """A candidate, on its way."""
    values = list(_FIELDS(claim))
    values[_STATE] = claim.state.value
    for at in _AT:
        values[at] = None if values[at] is None else values[at].timestamp()
    return tuple(values)


def claim_of(values: tuple[Any, ...]) -> Claim:
    """The way back."""
    found = list(values)
    found[_STATE] = DeliveryState(found[_STATE])
    for at in _AT:
        found[at] = None if found[at] is None else datetime.fromtimestamp(found[at], UTC)
    return Claim(*found)


class Talk(asyncio.Protocol):
    """One end of a socket between two processes of ours: frames, one after the other. Use `open_talk`."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._held = b""
        self._frames: deque[Frame] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = asyncio.get_running_loop().create_future()

    def say(self, frame: Frame) -> None:
        """Sends `frame`; nothing happens where the other end is gone."""
        if self._transport is not None and not self._transport.is_closing():
            data = marshal.dumps((_NUMBERS[type(frame)], tuple(frame)))
            self._transport.write(_HEAD.pack(len(data)) + data)

    async def hear(self) -> Frame | None:
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
            kind, values = marshal.loads(held[at + _HEAD.size : end])  # noqa: S302 - from a process of our own
            self._frames.append(_KINDS[kind](*values))
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
