"""The LMTP listener, RFC 2033: a mail server hands over what comes back. The only code of ours that knows aiosmtpd.

    connection | MAIL, RCPT, DATA | queue | committed -> 250 for each recipient; 451 where it is to come again

Only 451 and 250 answer a message: what cannot be taken in now stays with the mail server.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session

from publisher.errors import PublisherError
from publisher.incoming import Letter

#: Bytes of a message: larger than what mail servers let through as a rule.
_LARGEST = 50_000_000
#: Seconds without a command after which a connection is closed.
_PATIENCE = 300.0
#: Recipients of one message: each is answered for itself.
_RECIPIENTS = 50


#: Most addresses are like this.
_USUAL = re.compile(r"(<>|<([A-Za-z0-9+=_.-]{1,100}@[A-Za-z0-9.-]{1,200})>)((?: [A-Z0-9]+(?:=[!-<>-~]*)?)*)")


class _Session(LMTP):
    """A connection. Mail servers break lines that are too long; where one does not, that is no reason to refuse it."""

    line_length_limit = 1_000_000

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """The address and the parameters of MAIL or RCPT; its own way, for every address, takes a fifth of all time."""
        usual = _USUAL.fullmatch(arg)
        return (usual[2] or usual[1], usual[3].lstrip()) if usual else super()._getaddr(arg)


class _Handler:
    """What is done with a message."""

    def __init__(self, put: Callable[[Letter], Awaitable[None]]) -> None:
        self._put = put

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: LMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Any address: who hands mail over has chosen what to hand over."""
        del server, session
        if len(envelope.rcpt_tos) >= _RECIPIENTS:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: LMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """One reply for each recipient, RFC 2033 section 4.2: the same, as it is one message to us."""
        del server, session
        content = envelope.original_content or b""
        try:
            await self._put(Letter(content, "lmtp", tuple(envelope.rcpt_tos)))
        except asyncio.CancelledError:
            reply = "451 4.3.2 the service stops; please try again"
        except PublisherError as error:
            reply = f"451 4.3.2 not now: {' '.join(str(error).split())[:200]}"
        except Exception as error:  # noqa: BLE001 - a fault of ours: the mail server keeps the message
            reply = f"451 4.3.0 not now: {type(error).__name__}"
        else:
            reply = "250 2.0.0 taken in"
        return "\r\n".join([reply] * len(envelope.rcpt_tos))


@contextlib.asynccontextmanager
async def listening(endpoint: str, put: Callable[[Letter], Awaitable[None]]) -> AsyncIterator[str]:
    """Listens at `endpoint`, as "127.0.0.1:8024", inside the `with` block; gives the address that it has.

    Raises PublisherError where it is taken.
    """
    loop = asyncio.get_running_loop()
    sessions: set[_Session] = set()

    def connected() -> _Session:
        session = _Session(
            _Handler(put), loop=loop, hostname="publisher", ident="LMTP", enable_SMTPUTF8=True,
            data_size_limit=_LARGEST, timeout=_PATIENCE,
        )
        sessions.add(session)
        for one in [one for one in sessions if one is not session and one.transport is None]:
            sessions.discard(one)
        return session

    host, _, port = endpoint.rpartition(":")
    try:
        server = await loop.create_server(connected, host.strip("[]"), int(port))
    except OSError as error:
        why = error.strerror or error
        raise PublisherError(f"cannot listen for mail at {endpoint} (inbound.lmtp): {why}") from error
    try:
        name = server.sockets[0].getsockname()
        yield f"{name[0]}:{name[1]}"
    finally:
        server.close()
        for session in sessions:
            if isinstance(session.transport, asyncio.WriteTransport):
                session.transport.close()
