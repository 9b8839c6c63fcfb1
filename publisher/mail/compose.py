"""Message bytes from content and letter: header lines of our own, parts in quoted-printable. Pure.

    content, letter | slots filled | header lines | parts encoded | joined -> bytes with CRLF

The same letter gives the same bytes, so that a second attempt is the same message (I6).
"""

from __future__ import annotations

import binascii
import html as html_entities
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from publisher import slots
from publisher.mail import headers
from publisher.mail.address import Mailbox

#: Stands between the parts; holds `=_`, which quoted-printable never does (RFC 2045 section 6.7).
BOUNDARY = "=_publisher-parts"


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says, the slots of `publisher.slots` in place of what is personal."""

    subject: str
    #: Empty: plain text only.
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class ListIdentity:
    """What makes a message one of a list's: RFC 2919, RFC 2369, RFC 8058."""

    #: Of the newsletter, as readers see it.
    title: str
    #: Without brackets, as "daily.example.org".
    list_id: str
    unsubscribe_url: str
    #: As "daily:digest:en:exampleorg"; no field of it is unique to one message.
    feedback_id: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What one recipient's message needs beside its content."""

    sender: Mailbox
    recipient: Mailbox
    #: The same in each attempt.
    date: datetime
    #: With or without its angle brackets.
    message_id: str
    #: Values of the slots.
    values: Mapping[str, str]
    reply_to: Mailbox | None = None
    #: None for a notice, which belongs to no list.
    identity: ListIdentity | None = None


def compose(content: Content, letter: Letter) -> bytes:
    """The message, ready to be signed and sent. Raises KeyError for a slot without a value."""
    parts = [_part("plain", slots.fill(content.text, letter.values))]
    if content.html:
        escaped = {slot: html_entities.escape(value) for slot, value in letter.values.items()}
        parts.append(_part("html", slots.fill(content.html, escaped)))
    head = [*_standard(slots.fill(content.subject, letter.values), letter), *_of_list(letter.identity)]
    if len(parts) == 1:
        return b"".join([*head, parts[0]])
    kind = headers.plain("Content-Type", f'multipart/alternative; boundary="{BOUNDARY}"')
    frame = f"--{BOUNDARY}\r\n".encode()
    body = b"".join(frame + part for part in parts)
    return b"".join([*head, kind, b"\r\n", body, f"--{BOUNDARY}--\r\n".encode()])


def _standard(subject: str, letter: Letter) -> list[bytes]:
    """The headers that every message of ours has, RFC 5322 section 3.6."""
    lines = [
        headers.mailboxes("From", letter.sender),
        headers.mailboxes("To", letter.recipient),
        headers.text("Subject", subject),
        headers.plain("Date", format_datetime(letter.date.astimezone(UTC))),
        headers.plain("Message-ID", f"<{letter.message_id.strip('<>')}>"),
    ]
    if letter.reply_to is not None:
        lines.append(headers.mailboxes("Reply-To", letter.reply_to))
    # RFC 3834: no vacation notice is owed to a program.
    return [*lines, headers.plain("Auto-Submitted", "auto-generated"), headers.plain("MIME-Version", "1.0")]


def _of_list(identity: ListIdentity | None) -> list[bytes]:
    if identity is None:
        return []
    return [
        headers.named_id("List-Id", identity.title, identity.list_id),
        headers.plain("List-Unsubscribe", f"<{identity.unsubscribe_url}>"),
        headers.plain("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        headers.plain("Feedback-ID", identity.feedback_id),
        headers.plain("Precedence", "bulk"),
    ]


def feedback_id(newsletter: str, language: str, domain: str) -> str:
    """Feedback-ID of a newsletter's digests: three fields and a sender of 5 to 15 characters, none personal."""
    sender = re.sub(r"[^a-z0-9]", "", domain.lower())[:15].ljust(5, "0")
    return f"{newsletter}:digest:{language or 'und'}:{sender}"


def _part(subtype: str, text: str) -> bytes:
    """A body part with its headers; its last line is closed."""
    head = headers.plain("Content-Type", f"text/{subtype}; charset=utf-8")
    encoding = headers.plain("Content-Transfer-Encoding", "quoted-printable")
    return b"".join([head, encoding, b"\r\n", quoted_printable(text)])


def quoted_printable(text: str) -> bytes:
    """`text` in UTF-8 and quoted-printable, RFC 2045 section 6.7: CRLF, lines of at most 76, the last one closed."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    # b2a_qp takes the kind of its own soft breaks from the first line end that it finds: there is one, a CRLF.
    return binascii.b2a_qp(lines.replace("\n", "\r\n").encode(), istext=True)
