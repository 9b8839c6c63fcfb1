"""A test copy of a digest to one address: the real message over the real transport.

    content | compose, sign, lint | session -> reply

No ledger is touched.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.errors import MessageError, PublisherError
from publisher.mail import address, message
from publisher.mail.compose import Content, compile_message, fill
from publisher.mail.lint import lint
from publisher.mail.message import Envelope
from publisher.mail.press import signer_of
from publisher.mail.relay import transport_for
from publisher.mail.transport import Transport
from publisher.outgoing import Reply


async def send_test(
    settings: Settings, keys: Keys, newsletter: str, content: Content, to: str, *, now: datetime,
    transport: Transport | None = None,
) -> Reply:
    """Sends `content` to `to`; its unsubscribe link leads to no subscription.

    Raises MessageError with the lint's faults, PublisherError where no server takes it.
    """
    recipient = address.mailbox(to)
    origin = message.sender(settings)
    envelope = Envelope(recipient, 0, f"test.{secrets.token_hex(12)}@{origin.domain}", now)
    frame = message.digest_frame(settings, newsletter, language="", signer=signer_of(settings))
    ready = fill(compile_message(content, frame), message.letter(settings, keys, envelope), now)
    faults = lint(ready, message.digest_rules(settings, content, recipient))
    if faults:
        raise MessageError(faults)
    session = await (transport or transport_for(settings)).open()
    try:
        reply = await session.send(origin.address, recipient.address, ready)
    finally:
        await session.close()
    if not 200 <= reply.code <= 299:
        raise PublisherError(f"the server refuses the test copy: {reply.code} {reply.enhanced} {reply.text}".rstrip())
    return reply
