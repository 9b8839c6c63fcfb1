"""Mail to the operator and the editor, past the ledger: alarms, and letters that readers wrote.

    recipient, bytes | the first way out that can be reached -> the server's reply
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from publisher.config import Settings
from publisher.errors import PublisherError
from publisher.mail import message
from publisher.mail.dkim import Signer
from publisher.mail.press import signer_of
from publisher.mail.relay import ways_of
from publisher.mail.transport import Session, Transport, UnreachedError
from publisher.outgoing import Reply


async def send_aside(settings: Settings, recipient: str, ready: bytes, transport: Transport | None = None) -> Reply:
    """What the server said to this message. Raises UnreachedError and the like where none said anything."""
    session = await _session([transport] if transport else [way.transport for way in ways_of(settings)])
    try:
        return await session.send(message.sender(settings).address, recipient, ready)
    finally:
        await session.close()


async def signer_or_none(settings: Settings) -> Signer | None:
    """Who signs; nobody where the key cannot be used, which an alarm tells of."""
    try:
        return await asyncio.to_thread(signer_of, settings)
    except PublisherError:
        return None


async def _session(transports: Sequence[Transport]) -> Session:
    """Over the first of them that can be reached; raises UnreachedError where none can."""
    *others, last = transports
    for transport in others:
        with suppress(UnreachedError):
            return await transport.open()
    return await last.open()
