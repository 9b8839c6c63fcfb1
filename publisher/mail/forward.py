"""The forward step: letters that readers wrote to our return paths go to the editor.

    letters that wait | a message of our own around each | send, past the ledger | taken: forgotten; else again later

The letter is enclosed and not sent on in its author's name, which would fail their domain's DMARC. Ours says that a
program sent it, so nothing answers it, and one that comes back to us is passed over: no letter goes round twice.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

from publisher import log
from publisher.config import Settings
from publisher.errors import PublisherError
from publisher.mail import address, dkim, headers, message, quoted
from publisher.mail.aside import send_aside, signer_or_none
from publisher.mail.compose import BOUNDARY
from publisher.mail.dkim import Signer
from publisher.mail.transport import Transport
from publisher.store import forwards
from publisher.store.engine import Store
from publisher.store.forwards import Forward
from publisher.text import clean, one_line, shorten

_log = log.get("mail")

#: Letters of one look: a flood reaches the editor as a trickle.
_AT_ONCE = 20
_FIRST_WAIT = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=4)


async def forward_letters(
    store: Store, settings: Settings, now: datetime, transport: Transport | None = None
) -> int:
    """Sends what waits; how many letters the editor's server took. One that it refuses is tried again, for ever."""
    async with store.read() as tx:
        waiting = await forwards.due(tx, now, _AT_ONCE)
    if not waiting:
        return 0
    signer, taken = await signer_or_none(settings), 0
    for letter in waiting:
        said, went = await _sent(settings, letter, signer, now, transport)
        wait = min(_FIRST_WAIT * 2 ** min(letter.attempts, 10), _LONGEST_WAIT)
        async with store.write() as tx:
            await forwards.settle(tx, letter.id, said, None if went else now + wait)
        taken += went
        if not went:
            _log.warning("a letter is not with the editor yet", why=said)
    return taken


async def _sent(
    settings: Settings, letter: Forward, signer: Signer | None, now: datetime, transport: Transport | None
) -> tuple[str, bool]:
    """What was said, and whether it was taken."""
    editor = address.parse(editor_of(settings)).address
    try:
        reply = await send_aside(settings, editor, enclosed(settings, letter, signer, now), transport)
    except (PublisherError, OSError) as error:
        return str(error), False
    return shorten(one_line(f"{reply.code} {reply.enhanced} {reply.text}"), 300), 200 <= reply.code <= 299


def editor_of(settings: Settings) -> str:
    """Where letters go."""
    chosen = settings.inbound.replies_to if settings.inbound else ""
    return chosen or settings.mail.reply_to or settings.mail.sender


def enclosed(settings: Settings, letter: Forward, signer: Signer | None, now: datetime) -> bytes:
    """The message that brings the letter: who wrote, and the letter as it came, to be opened as a file."""
    origin, editor = message.sender(settings), address.parse(editor_of(settings))
    author = clean(letter.sender) or "somebody unknown"
    words = (
        f"{author} wrote to an address of {settings.site.title} that only programs read.\n"
        f"The letter is enclosed as it came.\n\nSubject: {one_line(letter.subject)}\n\n{settings.site.url}\n"
    )
    head = [
        headers.mailboxes("From", origin), headers.mailboxes("To", editor),
        headers.text("Subject", f"[{settings.site.title}] A reader wrote: {shorten(one_line(letter.subject), 200)}"),
        headers.plain("Date", f"{now:%a, %d %b %Y %H:%M:%S} +0000"),
        headers.plain("Message-ID", f"<letter.{letter.id}.{int(now.timestamp())}@{origin.domain}>"),
        *_reply_to(letter.sender), headers.plain("Auto-Submitted", "auto-generated"),
        headers.plain("MIME-Version", "1.0"), headers.plain("Content-Type", f'multipart/mixed; boundary="{BOUNDARY}"'),
    ]
    first = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    second = (
        b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="letter.eml"\r\n\r\n'
    )
    line = f"--{BOUNDARY}".encode()
    body = b"".join([
        line, b"\r\n", first, quoted.encode(clean(words)).pieces[0], line, b"\r\n", second,
        base64.encodebytes(letter.content).replace(b"\n", b"\r\n"), line, b"--\r\n",
    ])
    joined = b"".join(head)
    return b"".join([_signature(signer, joined, body, now), joined, b"\r\n", body])


def _signature(signer: Signer | None, head: bytes, body: bytes, now: datetime) -> bytes:
    if signer is None:
        return b""
    field = dkim.unsealed(dkim.stamp(signer, head, []), [], [body], now)
    return dkim.sealed(field, signer.sign(field.data))


def _reply_to(author: str) -> list[bytes]:
    """So that an answer goes to whoever wrote; nothing where that is no address that may stand in a header."""
    try:
        return [headers.mailboxes("Reply-To", address.parse(author))]
    except (PublisherError, ValueError):
        return []
