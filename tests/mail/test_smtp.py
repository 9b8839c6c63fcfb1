"""The SMTP transport against a real server (aiosmtpd, in-process) and against a scripted one that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from publisher.mail.smtp import SmtpTransport
from publisher.mail.transport import BrokenOffError, LostReplyError, UnreachedError
from tests.mail.conftest import DROP, HANG, NOON, Scripted

MESSAGE = b"From: a@example.org\r\nTo: b@example.org\r\nMessage-ID: <1@example.org>\r\nSubject: s\r\n\r\nfirst\r\n=2E\r\ntwo\r\nend\r\n"
SENDER, RECIPIENT = "a@example.org", "b@example.org"
Start = Callable[..., Awaitable[Scripted]]


@dataclass
class Handler:
    got: list[tuple[Any, list[str], Any, bool]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.got.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content, session.ssl is not None))
        return "250 2.0.0 taken"


@contextlib.asynccontextmanager
async def aiosmtpd_server(handler: Any, *, wrap: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    made = []

    def factory() -> SMTP:
        made.append(SMTP(handler, loop=loop, hostname="mx.example.org", **options))
        return made[-1]

    server = await loop.create_server(factory, "127.0.0.1", 0, ssl=wrap)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for one in made:
            if isinstance(one.transport, asyncio.WriteTransport):
                one.transport.abort()
        await asyncio.sleep(0.01)


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 or for a host name, signed by itself; paths of certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    alternative: x509.GeneralName = x509.DNSName(name)
    if name[0].isdigit():
        alternative = x509.IPAddress(ipaddress.ip_address(name))
    built = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(NOON - timedelta(days=3650)).not_valid_after(NOON + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / f"{name}.pem", folder / f"{name}.key"
    cert.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, secret


def context(folder: Path, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    cert, secret = certificate(folder, name)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(cert, secret)
    return made, cert


def transport(port: int, **options: Any) -> SmtpTransport:
    base = SmtpTransport(host="127.0.0.1", port=port, security="none", timeout=5.0, own_name="client.example.org")
    return replace(base, **options)


async def send(way: SmtpTransport, count: int = 1, recipient: str = RECIPIENT) -> list[int]:
    session = await way.open()
    try:
        return [(await session.send(SENDER, recipient, MESSAGE)).code for _ in range(count)]
    finally:
        await session.close()


async def test_bytes_arrive_as_they_are() -> None:
    """Bytes arrive unchanged, one connection carries many messages."""
    handler = Handler()
    async with aiosmtpd_server(handler) as port:
        assert await send(transport(port), count=3) == [250] * 3
    assert [(sender, to, content) for sender, to, content, _ in handler.got] == [(SENDER, [RECIPIENT], MESSAGE)] * 3


async def test_starttls_and_login(tmp_path: Path) -> None:
    """STARTTLS with a certificate that the CA file vouches for, then AUTH."""
    tls, cert = context(tmp_path)
    handler = Handler()

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
        good = data.login == b"jo" and data.password == b"secret"
        return AuthResult(success=good, handled=False)

    options: dict[str, Any] = {"tls_context": tls, "require_starttls": True, "auth_required": True, "authenticator": check}
    async with aiosmtpd_server(handler, **options) as port:
        way = transport(port, security="starttls", ca_file=cert, username="jo", password="secret")
        assert await send(way, count=2) == [250, 250]
        with pytest.raises(UnreachedError, match="535"):
            await send(replace(way, password="wrong"))
        with pytest.raises(UnreachedError, match="certificate verify failed"):
            await send(replace(way, ca_file=None))
    assert [encrypted for *_, encrypted in handler.got] == [True, True]


async def test_tls_from_the_start(tmp_path: Path) -> None:
    """TLS before the first word; a certificate for another name is refused."""
    tls, cert = context(tmp_path)
    other, other_cert = context(tmp_path, "other.example.org")
    handler = Handler()
    async with aiosmtpd_server(handler, wrap=tls) as port:
        assert await send(transport(port, security="tls", ca_file=cert)) == [250]
    async with aiosmtpd_server(handler, wrap=other) as port:
        with pytest.raises(UnreachedError, match="certificate verify failed"):
            await send(transport(port, security="tls", ca_file=other_cert))
    assert len(handler.got) == 1


async def test_no_starttls_no_mail(scripted: Start) -> None:
    """Where STARTTLS is asked for and not offered, nothing is sent in the clear."""
    server = await scripted()
    with pytest.raises(UnreachedError, match="STARTTLS"):
        await send(transport(server.port, security="starttls"))
    assert server.taken == []


async def test_smtputf8_only_where_needed() -> None:
    """An address beyond ASCII goes out with SMTPUTF8, or is refused for good where the server has none."""
    handler = Handler()
    async with aiosmtpd_server(handler, enable_SMTPUTF8=True) as port:
        assert await send(transport(port), recipient="jörg@example.org") == [250]
    assert handler.got[0][1] == ["jörg@example.org"]
    async with aiosmtpd_server(handler, enable_SMTPUTF8=False) as port:
        assert await send(transport(port), recipient="jörg@example.org") == [553]
        assert await send(transport(port)) == [250]


async def test_nobody_there(unused_tcp_port: int, tmp_path: Path) -> None:
    """A server that is down, and a CA file that is not there, are one clear error."""
    with pytest.raises(UnreachedError, match=f"the mail server 127.0.0.1:{unused_tcp_port}"):
        await send(transport(unused_tcp_port))
    with pytest.raises(UnreachedError, match="No such file"):
        await send(transport(unused_tcp_port, security="tls", ca_file=tmp_path / "none.pem"))


@pytest.mark.parametrize(
    "script",
    [
        {"CONNECT": "421 too many connections"}, {"CONNECT": "554 go away"}, {"CONNECT": DROP}, {"CONNECT": "rubbish"},
        {"EHLO": DROP}, {"MAIL": "550 5.7.1 who are you"}, {"MAIL": "451 busy"}, {"MAIL": "421 closing"},
    ],
    ids=str,
)
async def test_refusals_of_us_are_no_recipients_fault(scripted: Start, script: dict[str, str]) -> None:
    """A greeting or a MAIL that is refused says nothing about the recipient."""
    server = await scripted(**{verb: lambda *_, said=said: said for verb, said in script.items()})
    with pytest.raises(UnreachedError):
        await send(transport(server.port))


@pytest.mark.parametrize(
    ("verb", "said", "code", "enhanced"),
    [
        ("RCPT", "550 5.1.1 no such user", 550, "5.1.1"), ("RCPT", "450 4.2.1 greylisted", 450, "4.2.1"),
        ("DATA", "554 no", 554, ""), ("DOT", "552 5.3.4 too big", 552, "5.3.4"), ("DOT", "451 4.3.0 later", 451, "4.3.0"),
        ("RCPT", "421 4.7.28 slow down", 421, "4.7.28"), ("DOT", "421 4.7.28 slow down", 421, "4.7.28"),
    ],
)
async def test_refusals_are_values(scripted: Start, verb: str, said: str, code: int, enhanced: str) -> None:
    """A refusal is returned with its codes; the next message goes out, on the same connection or a new one."""
    server = await scripted(**{verb: lambda s, _: said if s.seen.count(verb) == 1 else None})
    session = await transport(server.port).open()
    reply = await session.send(SENDER, RECIPIENT, MESSAGE)
    assert (reply.code, reply.enhanced) == (code, enhanced)
    assert (await session.send(SENDER, RECIPIENT, MESSAGE)).code == 250
    await session.close()
    assert len(server.taken) == 1
    assert server.connections == (2 if code == 421 else 1)


@pytest.mark.parametrize(
    ("verb", "said", "error"),
    [
        ("RCPT", DROP, BrokenOffError), ("DATA", DROP, BrokenOffError), ("RCPT", "rubbish", BrokenOffError),
        ("DATA", "250 what", BrokenOffError), ("DOT", DROP, LostReplyError), ("DOT", "rubbish", LostReplyError),
        ("DOT", "354 more", LostReplyError), ("DATA", HANG, BrokenOffError), ("DOT", HANG, LostReplyError),
    ],
)
async def test_breaks_tell_where_the_message_was(scripted: Start, verb: str, said: str, error: type[Exception]) -> None:
    """A break before the message leaves nothing in doubt, one after it does; then the session works again."""
    server = await scripted(**{verb: lambda s, _: said if s.seen.count(verb) == 1 else None})
    session = await transport(server.port, timeout=0.2).open()
    with pytest.raises(error):
        await session.send(SENDER, RECIPIENT, MESSAGE)
    assert (await session.send(SENDER, RECIPIENT, MESSAGE)).code == 250
    await session.close()


async def test_silent_close_between_messages(scripted: Start) -> None:
    """A server that closes after each message without a word costs a new connection and nothing else."""
    server = await scripted(AFTER=lambda *_: DROP)
    assert await send(transport(server.port), count=4) == [250] * 4
    assert len(server.taken) == 4
    assert server.connections == 4


async def test_limit_of_messages_for_each_connection(scripted: Start) -> None:
    """MAIL refused on a used connection is tried once more on a new one."""
    server = await scripted(MAIL=lambda s, _: "452 4.4.5 enough" if s.connections == 1 and len(s.taken) == 2 else None)
    assert await send(transport(server.port), count=4) == [250] * 4
    assert server.connections == 2


async def test_refusal_survives_a_broken_reset(scripted: Start) -> None:
    """A server that drops the connection after its refusal has still refused."""
    server = await scripted(RCPT=lambda s, _: "550 5.1.1 no" if len(s.taken) == 0 and s.connections == 1 else None,
                            RSET=lambda *_: DROP)
    assert await send(transport(server.port), count=2) == [550, 250]


async def test_abort_frees_who_waits(scripted: Start) -> None:
    """A session that is cut off answers at once that the reply is lost, and stays closed."""
    server = await scripted(DOT=lambda *_: HANG)
    session = await transport(server.port, timeout=60.0).open()
    sending = asyncio.create_task(session.send(SENDER, RECIPIENT, MESSAGE))
    await server.hanging.wait()
    session.abort()
    with pytest.raises(LostReplyError):
        await asyncio.wait_for(sending, 1)
    with pytest.raises(UnreachedError, match="ended"):
        await session.send(SENDER, RECIPIENT, MESSAGE)


async def test_words_of_a_server_are_tamed(scripted: Start) -> None:
    """What a server says is kept on one line, bounded and without control characters."""
    server = await scripted(RCPT=lambda *_: "550-5.1.1 first\x1b[31m\r\n550 " + "word " * 500)
    session = await transport(server.port).open()
    reply = await session.send(SENDER, RECIPIENT, MESSAGE)
    await session.close()
    assert reply.text.startswith("first word ")
    assert len(reply.text) <= 501


def test_a_transport_shows_no_password() -> None:
    """Not in a log, nor in a traceback that prints values."""
    assert "pass word" not in repr(SmtpTransport("h", 25, "none", 1, "own", username="u", password="pass word"))
