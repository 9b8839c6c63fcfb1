"""What two processes of ours say to each other while they send, over a socket between them.

    sender: give me candidates; this came of one claim, I want that candidate -> keeper of the ledger: here; yes, no
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from publisher.outgoing import Claim, DeliveryState, Reply

#: Bytes of a frame's length.
_HEAD = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a claim, on its way from another process: an `Outcome` without what this process knows."""

    claim: tuple[str, int]
    state: DeliveryState
    reply: Reply
    started_at: datetime
    finished_at: datetime
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A visit to the ledger, or (`more` above 0) a wish for candidates, on its way from another process."""

    number: int
    done: Done | None = None
    unsent: tuple[str, int] | None = None
    want: tuple[str, int] | None = None
    more: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """What was said to it: claimed or not, the candidates, or why the store failed, in words."""

    number: int
    answer: bool | list[Claim] = False
    fault: str = ""


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

    async def close(self) -> None:
        """Ends it, with all that was said."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
