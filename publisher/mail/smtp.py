"""Mail out by SMTP (the only code that knows aiosmtplib, RFC 5321).

    connect | TLS | EHLO | AUTH -> a session; then for each message: MAIL | RCPT | DATA | ready bytes -> reply

aiosmtplib connects, negotiates and logs in. The transaction is ours: it writes ready bytes without looking at them
again, and it knows at each step whether the message is in doubt.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiosmtplib

from publisher.mail.transport import BrokenOffError, LostReplyError, UnreachedError
from publisher.outgoing import Reply
from publisher.text import one_line, shorten

#: Seconds that a polite farewell may take.
_FAREWELL = 2.0
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")
_TROUBLE = (aiosmtplib.SMTPException, OSError, TimeoutError)


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
        self._client: aiosmtplib.SMTP | None = None
        #: Ended from outside: it must not open itself again.
        self._over = False
        #: Messages since the last connect: a used connection may have been closed in silence.
        self._used = 0

    async def connect(self) -> None:
        """Connects anew; raises UnreachedError."""
        self._cut()
        if self._over:
            raise UnreachedError("the session was ended")
        self._used = 0
        try:
            # In a thread: reading the system's certificates takes tens of milliseconds.
            self._client = client = await asyncio.to_thread(self._transport.client)
            await client.connect()
            await self._greet(client)
        except (*_TROUBLE, ValueError) as error:
            self._cut()
            raise UnreachedError(f"{self._where()}: {_said(error)}") from error
        except asyncio.CancelledError:
            self._cut()
            raise

    async def send(self, sender: str, recipient: str, message: bytes) -> Reply:
        """See `publisher.mail.transport.Session.send`."""
        if self._client is None or not self._client.is_connected:
            await self.connect()
        if self._used:
            try:
                return await self._transaction(sender, recipient, message)
            except (BrokenOffError, _RefusedSenderError):
                # Servers end used connections without a word, or by refusing the next MAIL: once again on a new one.
                await self.connect()
        try:
            return await self._transaction(sender, recipient, message)
        except _RefusedSenderError as error:
            said = f"{error.reply.code} {error.reply.text}"
            raise UnreachedError(f"{self._where()} refuses the sender: {said}") from error

    async def close(self) -> None:
        """Says QUIT and closes."""
        client = self._client
        if client is not None and client.is_connected:
            with contextlib.suppress(*_TROUBLE):
                await client.quit(timeout=_FAREWELL)
        self._cut()

    def abort(self) -> None:
        """Cuts the connection for good, whatever waits in its buffers."""
        self._over = True
        self._cut()

    def _cut(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        if isinstance(client.transport, asyncio.WriteTransport):
            client.transport.abort()
        client.close()

    async def _greet(self, client: aiosmtplib.SMTP) -> None:
        """EHLO now, so that the first transaction knows what the server can do."""
        if client.is_ehlo_or_helo_needed:
            try:
                await client.ehlo()
            except aiosmtplib.SMTPHeloError:
                await client.helo()

    async def _transaction(self, sender: str, recipient: str, message: bytes) -> Reply:
        client = self._client
        assert client is not None
        utf8 = not (recipient.isascii() and sender.isascii())
        if utf8 and not client.supports_extension("smtputf8"):
            return Reply(553, "5.6.7", "the server takes no address beyond ASCII (SMTPUTF8)")
        async with self._breaking_off():
            refusal = await self._envelope(client, sender, recipient, utf8=utf8)
        self._used += 1
        if refusal is not None:
            return refusal
        return await self._content(client, _stuffed(message))

    async def _envelope(self, client: aiosmtplib.SMTP, sender: str, recipient: str, *, utf8: bool) -> Reply | None:
        """MAIL, RCPT, DATA; the reply that refused the message, or None where the server waits for it."""
        option = (b"SMTPUTF8",) if utf8 else ()
        reply = _reply(await client.execute_command(b"MAIL", b"FROM:<" + sender.encode() + b">", *option))
        if not 200 <= reply.code <= 299:
            raise _RefusedSenderError(reply)
        for command, good in (((b"RCPT", b"TO:<" + recipient.encode() + b">"), 2), ((b"DATA",), 3)):
            reply = _reply(await client.execute_command(*command))
            if reply.code // 100 == good:
                continue
            if reply.code // 100 not in (4, 5):
                raise BrokenOffError(f"an answer out of place: {reply.code} {reply.text}")
            await self._reset(client, reply)
            return reply
        return None

    async def _reset(self, client: aiosmtplib.SMTP, refusal: Reply) -> None:
        """Makes the connection ready for the next message; whatever goes wrong here, the refusal stands."""
        try:
            if refusal.code == 421 or (await client.execute_command(b"RSET")).code != 250:
                self._cut()
        except _TROUBLE:
            self._cut()

    async def _content(self, client: aiosmtplib.SMTP, stuffed: bytes) -> Reply:
        """Writes the message and waits for the verdict on it: from here on it is in doubt."""
        protocol = client.protocol
        if protocol is None or not protocol.is_connected:
            self._cut()
            raise BrokenOffError("the connection closed before the message")
        try:
            protocol.write(stuffed)
            reply = _reply(await protocol.read_response(timeout=self._transport.timeout))
        except _TROUBLE as error:
            self._cut()
            raise LostReplyError(_said(error)) from error
        if reply.code // 100 not in (2, 4, 5):
            self._cut()
            raise LostReplyError(f"an answer out of place: {reply.code} {reply.text}")
        if reply.code == 421:
            self._cut()
        return reply

    @contextlib.asynccontextmanager
    async def _breaking_off(self) -> AsyncIterator[None]:
        """Whatever goes wrong inside happens before the message, and ends the connection."""
        try:
            yield
        except _TROUBLE as error:
            self._cut()
            raise BrokenOffError(_said(error)) from error
        except BrokenOffError:
            self._cut()
            raise

    def _where(self) -> str:
        return f"the mail server {self._transport.host}:{self._transport.port}"


class _RefusedSenderError(Exception):
    """MAIL was refused: that is about us or about the connection, never about the recipient."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


def _stuffed(message: bytes) -> bytes:
    """`message` with its dots doubled (RFC 5321 section 4.5.2) and the end mark."""
    end = b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n"
    first = b"." if message.startswith(b".") else b""
    return first + message.replace(b"\r\n.", b"\r\n..") + end


def _reply(response: aiosmtplib.SMTPResponse) -> Reply:
    """The server's words, on one line and bounded; they may end up in a terminal."""
    text = one_line(response.message)
    match = _ENHANCED.match(text)
    return Reply(response.code, match[1] if match else "", shorten(text[match.end() :] if match else text, 500))


def _said(error: Exception) -> str:
    """What went wrong, on one line."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return shorten(f"{error.code} {one_line(error.message)}", 300)
    return shorten(one_line(str(error)) or type(error).__name__, 300)
