"""Replies of an SMTP server, paired with the commands that they answer (RFC 5321 section 4.2, RFC 2920).

aiosmtplib drops replies that nobody waits for yet, so after log-in its transport is handed to this protocol, which
keeps them in order: several commands may leave in one piece.
"""

from __future__ import annotations

import asyncio
import re

from publisher.outgoing import Reply
from publisher.text import one_line, shorten

#: Bytes that one reply may have, and replies that nobody waits for yet; what is more is no server's.
_LIMIT = 65_536
_MOST = 100
_CLOSED, _LOST = "the server closed the connection", "the connection was lost"
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*?))?\r?", re.DOTALL)


class NoReplyError(Exception):
    """The connection ended, timed out, or said something that is no reply."""


class Wire(asyncio.Protocol):
    """One connection, after log-in."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._held = b""
        #: Lines of a reply that is not complete yet.
        self._lines: list[bytes] = []
        #: Code and words.
        self._replies: list[tuple[int, bytes]] = []
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        #: Until when the replies are waited for, by the loop's clock, in seconds; and what looks whether they came.
        self._patience = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        #: Why no more replies come.
        self._end = ""

    @property
    def usable(self) -> bool:
        """Whether the connection stands and nothing unasked-for was said."""
        return not self._end and not self._replies and not self._held and not self._transport.is_closing()

    @property
    def closed(self) -> bool:
        """Whether the server ended it."""
        return self._end.startswith((_CLOSED, _LOST))

    def write(self, data: bytes) -> None:
        """Sends `data` as soon as the system takes it."""
        self._transport.write(data)

    async def replies(self, count: int, timeout: float) -> list[tuple[int, bytes]]:  # noqa: ASYNC109 - a timer costs less
        """The next `count` replies, waited for `timeout` seconds at most: code and words. Raises NoReplyError."""
        if len(self._replies) < count and not self._end:
            self._wanted = count
            self._waiter = waiter = self._loop.create_future()
            self._patience = self._loop.time() + timeout
            if self._alarm is None or self._alarm.when() > self._patience:
                self._look_at(self._patience)
            try:
                await waiter
            finally:
                self._waiter = None
        if len(self._replies) < count:
            raise NoReplyError(self._end)
        found, self._replies = self._replies[:count], self._replies[count:]
        return found

    def said(self) -> list[tuple[int, bytes]]:
        """The replies that came and that nobody took."""
        found, self._replies = self._replies, []
        return found

    def cut(self) -> None:
        """Ends the connection at once, whatever waits in its buffers."""
        self._ends("the connection was closed")
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self._end:  # after garbage nothing says which command an answer belongs to
            return
        held = self._held + data if self._held else data
        *lines, self._held = held.split(b"\n")
        for line in lines:
            match = _LINE.fullmatch(line)
            if match is None:
                words = one_line(line.removesuffix(b"\r").decode("utf-8", "replace"))
                self._ends(f"an answer that is none: {shorten(words, 100)}")
                return
            code, follows, said = match.groups()
            if follows == b"-" or self._lines:
                self._lines.append(said or b"")
                if follows == b"-":
                    continue
                said = b"\n".join(self._lines)
                self._lines.clear()
            self._replies.append((int(code), said or b""))
        if (self._held or self._lines or len(self._replies) > _MOST) and self._endless():
            self._ends("an endless reply")
            self._transport.abort()
        if self._waiter is not None and len(self._replies) >= self._wanted and not self._waiter.done():
            self._waiter.set_result(None)

    def eof_received(self) -> None:
        """See asyncio."""
        self._ends(_CLOSED)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._ends(f"{_LOST}: {exc}" if exc else _CLOSED)

    def _endless(self) -> bool:
        held = len(self._held) + len(self._lines) + sum(map(len, self._lines))
        return held > _LIMIT or len(self._replies) > _MOST

    def _look_at(self, when: float) -> None:
        """Looks at that time whether the replies came. One timer serves many replies: most come in time."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(when, self._looks)

    def _looks(self) -> None:
        self._alarm = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() >= self._patience:
            self._ends("no reply in time")
        else:
            self._look_at(self._patience)

    def _ends(self, why: str) -> None:
        self._end = self._end or why
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def reply(said: tuple[int, bytes]) -> Reply:
    """The server's words, on one line and bounded; they may end up in a terminal."""
    code, raw = said
    words = one_line(raw.decode("utf-8", "replace"))
    match = _ENHANCED.match(words)
    return Reply(code, match[1] if match else "", shorten(words[match.end() :] if match else words, 500))
