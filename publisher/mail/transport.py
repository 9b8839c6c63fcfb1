"""The small face behind which mail leaves, and how its ways end.

A server's refusal is a value (`Reply`); an exception means that no reply came, and its type says where the message was.
"""

from __future__ import annotations

from typing import Protocol

from publisher.errors import PublisherError
from publisher.outgoing import Reply


class UnreachedError(PublisherError):
    """No server could be reached, or it refuses us: nothing was sent, and no recipient is at fault."""


class BrokenOffError(PublisherError):
    """The transaction broke before the first byte of its message. Nothing is in doubt."""


class LostReplyError(PublisherError):
    """Bytes of the message had left and no reply came. It is in doubt."""


class Session(Protocol):
    """An open way out, for one message at a time; it reopens itself where that is safe."""

    async def send(self, sender: str, recipient: str, message: bytes) -> Reply:
        """What the server said to the message, or to the first command that it refused.

        No line of `message` begins with a dot, and its last one is closed by CRLF. A 2xx code means that it was taken.
        Raises UnreachedError, BrokenOffError, LostReplyError.
        """
        ...

    async def close(self) -> None:
        """Ends the session politely; never raises."""
        ...

    def abort(self) -> None:
        """Cuts the session off at once: whoever waits in `send` gets its exception."""
        ...


class Transport(Protocol):
    """Opens sessions."""

    async def open(self) -> Session:
        """A session that is ready for a message; raises UnreachedError."""
        ...
