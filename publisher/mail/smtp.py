"""Mail out by SMTP (the only code that knows aiosmtplib, RFC 5321).

    connect | TLS | EHLO | AUTH -> a session; then for each message: MAIL, RCPT, DATA | ready bytes -> reply

aiosmtplib connects, negotiates and logs in; then its transport is handed to `publisher.mail.wire`. The transaction is
ours: where the server offers PIPELINING (RFC 2920) its commands leave in one piece, where it offers CHUNKING (RFC 3030)
the message follows as one BDAT; it writes ready bytes without looking at them again, and it knows at each step whether
the message is in doubt.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import aiosmtplib

from publisher.mail.envelope import GOOD, UNKNOWN, LostTrackError, in_one_piece, one_by_one, refused
from publisher.mail.transport import BrokenOffError, LostReplyError, UnreachedError
from publisher.mail.wire import NoReplyError, Wire, reply
from publisher.outgoing import Reply
from publisher.text import one_line, shorten

#: Seconds that a polite farewell may take.
_FAREWELL = 2.0
_TROUBLE = (aiosmtplib.SMTPException, OSError, TimeoutError)
#: The end of a message (RFC 5321 section 4.1.1.4): no line of ours begins with a dot, and the last one is closed.
_END = b".\r\n"


@dataclass(frozen=True, slots=True)
class SmtpTransport:
    """Where the server is and how to get in."""

    host: str
    port: int
    #: "none", "starttls" or "tls"; certificates are verified always.
    security: str
    #: Seconds for each step.
    timeout: float
    #: What we call ourselves where this machine has no full name.
    own_name: str
    #: Trusted beside nothing else; None: what the system trusts.
    ca_file: Path | None = None
    #: Empty: no log-in.
    username: str = ""
    password: str = field(default="", repr=False)
    #: Messages that one connection carries; 0: as many as the server takes.
    messages: int = 0

    async def open(self) -> SmtpSession:
        """A session that is connected, encrypted and logged in as configured."""
        session = SmtpSession(self)
        await session.connect()
        return session

    def client(self) -> aiosmtplib.SMTP:
        """A client that is not connected yet. Raises OSError where `ca_file` cannot be read."""
        context = None
        if self.security != "none":
            context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        name = socket.gethostname()
        return aiosmtplib.SMTP(
            hostname=self.host, port=self.port, timeout=self.timeout, tls_context=context,
            use_tls=self.security == "tls", start_tls=self.security == "starttls",
            username=self.username or None, password=self.password if self.username else None,
            local_hostname=name if "." in name and name.isascii() else self.own_name,
        )


class SmtpSession:
    """One connection, used for many messages, one at a time."""

    def __init__(self, transport: SmtpTransport) -> None:
        self._transport = transport
        self._timeout = transport.timeout
        self._wire: Wire | None = None
        #: Connecting now.
        self._opening: aiosmtplib.SMTP | None = None
        #: Extensions that the server offers, as "pipelining".
        self._offers: frozenset[str] = frozenset()
        #: Ended from outside: it must not open itself again.
        self._over = False
        #: Messages since the last connect: a used connection may have been closed in silence.
        self._used = 0
        #: What it offers and turned out not to know.
        self._distrusted: frozenset[str] = frozenset()

    async def connect(self) -> None:
        """Connects anew; raises UnreachedError."""
        self._cut()
        if self._over:
            raise UnreachedError("the session was ended")
        self._used = 0
        try:
            # In a thread: reading the system's certificates takes tens of milliseconds.
            self._opening = client = await asyncio.to_thread(self._transport.client)
            await client.connect()
            await _greet(client)
            self._take_over(client)
        except (*_TROUBLE, ValueError) as error:
            _drop(self._opening)
            raise UnreachedError(f"{self._where()}: {_said(error)}") from error
        except asyncio.CancelledError:
            _drop(self._opening)
            raise
        finally:
            self._opening = None

    async def send(self, sender: str, recipient: str, message: bytes) -> Reply:
        """See `publisher.mail.transport.Session.send`."""
        if self._transport.messages and self._used >= self._transport.messages:
            await self.close()
        if self._wire is None or not self._wire.usable:
            await self.connect()
        again = self._used > 0
        while True:
            distrusted = self._distrusted
            try:
                return await self._transaction(sender, recipient, message)
            except (BrokenOffError, _RefusedSenderError) as error:
                # Servers end used connections without a word, or by refusing the next MAIL; and some do not know what
                # they offer. Nothing is in doubt: once again on a new connection, in plain steps where it must be.
                if not again and distrusted == self._distrusted:
                    if isinstance(error, BrokenOffError):
                        raise
                    raise UnreachedError(f"{self._where()} refuses the sender: {error}") from error
            again = False
            await self.connect()

    async def close(self) -> None:
        """Says QUIT and closes."""
        wire = self._wire
        if wire is not None and wire.usable:
            wire.write(b"QUIT\r\n")
            with contextlib.suppress(NoReplyError):
                await wire.replies(1, _FAREWELL)
        self._cut()

    def abort(self) -> None:
        """Cuts the connection for good, whatever waits in its buffers."""
        self._over = True
        _drop(self._opening)
        self._cut()

    def _cut(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.cut()

    def _take_over(self, client: aiosmtplib.SMTP) -> None:
        """From here on the connection's replies come to us."""
        transport = _transport(client)
        if transport is None or transport.is_closing():
            raise ConnectionError("the server closed the connection")
        self._offers = frozenset(name.lower() for name in client.esmtp_extensions)
        self._wire = Wire(transport)
        transport.set_protocol(self._wire)
        if self._over:
            self._cut()
            raise ConnectionError("the session was ended")

    async def _transaction(self, sender: str, recipient: str, message: bytes) -> Reply:
        wire = self._wire
        assert wire is not None
        utf8 = not (recipient.isascii() and sender.isascii())
        if utf8 and "smtputf8" not in self._offers:
            return Reply(553, "5.6.7", "the server takes no address beyond ASCII (SMTPUTF8)")
        option = " SMTPUTF8" if utf8 else ""
        commands = [f"MAIL FROM:<{sender}>{option}\r\n", f"RCPT TO:<{recipient}>\r\n"]
        chunking = self._knows("chunking")
        if not chunking:
            commands.append("DATA\r\n")
        try:
            refusal = await self._envelope(wire, commands)
        except NoReplyError as error:
            self._cut()
            raise BrokenOffError(str(error)) from error
        self._used += 1
        if refusal is not None:
            return refusal
        wire.write(b"BDAT %d LAST\r\n%b" % (len(message), message) if chunking else message + _END)
        verdict = await self._verdict(wire)
        if chunking and verdict.code in UNKNOWN:
            self._distrust("chunking")
            raise BrokenOffError(f"BDAT is refused: {verdict.code} {verdict.text}")
        return verdict

    def _knows(self, extension: str) -> bool:
        return extension in self._offers and extension not in self._distrusted

    def _distrust(self, extension: str) -> None:
        """The server lost track of it: never again in this session, and the connection is of no more use."""
        self._distrusted |= {extension}
        self._cut()

    async def _envelope(self, wire: Wire, commands: list[str]) -> Reply | None:
        """The commands before the message; the reply that refused it, or None where the server waits for it."""
        ask = in_one_piece if self._knows("pipelining") else one_by_one
        try:
            said = await ask(wire, commands, self._timeout)
        except LostTrackError:
            self._distrust("pipelining")
            raise
        first_bad = refused(said)
        if first_bad is None:
            return None
        refusal = reply(said[first_bad])
        if first_bad == 0:
            self._cut()
            raise _RefusedSenderError(f"{refusal.code} {refusal.text}")
        if refusal.code // 100 not in (4, 5):
            self._cut()
            raise BrokenOffError(f"an answer out of place: {refusal.code} {refusal.text}")
        await self._reset(wire, refusal, waits=len(said) == len(GOOD) and said[-1][0] == 354)
        return refusal

    async def _reset(self, wire: Wire, refusal: Reply, *, waits: bool) -> None:
        """Makes the connection ready for the next message; whatever goes wrong here, the refusal stands.

        `waits`: a server that takes commands in one piece wants a message although nobody is to get it: an empty one
        (RFC 2920 section 3.1).
        """
        try:
            if refusal.code == 421 or not wire.usable:
                self._cut()
                return
            if waits:
                wire.write(_END)
                await wire.replies(1, self._timeout)
            wire.write(b"RSET\r\n")
            if (await wire.replies(1, self._timeout))[0][0] != 250:
                self._cut()
        except NoReplyError:
            self._cut()

    async def _verdict(self, wire: Wire) -> Reply:
        """The reply to the message, which has left: from here on it is in doubt."""
        try:
            (said,) = await wire.replies(1, self._timeout * _PATIENCE)
        except NoReplyError as error:
            self._cut()
            raise LostReplyError(str(error)) from error
        verdict = reply(said)
        if verdict.code // 100 not in (2, 4, 5):
            self._cut()
            raise LostReplyError(f"an answer out of place: {verdict.code} {verdict.text}")
        if verdict.code == 421:
            self._cut()
        return verdict

    def _where(self) -> str:
        return f"the mail server {self._transport.host}:{self._transport.port}"


#: The word on a message is waited for so much longer: whoever gives up too early sends it twice (RFC 5321 section
#: 4.5.3.2.6 asks for ten minutes).
_PATIENCE = 10


class _RefusedSenderError(Exception):
    """MAIL was refused: that is about us or about the connection, never about the recipient."""


async def _greet(client: aiosmtplib.SMTP) -> None:
    """EHLO now, so that the first transaction knows what the server can do."""
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except aiosmtplib.SMTPHeloError:
            await client.helo()


def _drop(client: aiosmtplib.SMTP | None) -> None:
    """Ends a connection that did not come about."""
    if client is not None:
        transport = _transport(client)
        if transport is not None:
            transport.abort()
        client.close()


def _transport(client: aiosmtplib.SMTP) -> asyncio.Transport | None:
    """The client's transport; that of uvloop is one by its methods only, not by its class."""
    return cast("asyncio.Transport | None", client.transport)


def _said(error: Exception) -> str:
    """What went wrong, on one line."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return shorten(f"{error.code} {one_line(error.message)}", 300)
    return shorten(one_line(str(error)) or type(error).__name__, 300)
