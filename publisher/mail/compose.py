"""From content to messages: compiled once, filled for each recipient. Header lines are our own. Pure.

    content, frame    | header lines and encoded parts, once               -> Compiled: fixed bytes with holes
    compiled, letter  | personal header lines | holes filled | joined, signed -> bytes with CRLF

The same letter gives the same message, so that a second attempt is no other one (I6).
"""

from __future__ import annotations

import html as html_entities
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from publisher import slots
from publisher.mail import dkim, headers, quoted
from publisher.mail.address import Mailbox
from publisher.mail.dkim import Signer, Stamp, Unsealed

#: Stands between the parts; holds `=_`, which quoted-printable never does (RFC 2045 section 6.7).
BOUNDARY = "=_publisher-parts"


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says, the slots of `publisher.slots` in place of what is personal."""

    #: Holds no slots.
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
    #: As "daily:digest:en:exampleorg"; no field of it is unique to one message.
    feedback_id: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What all copies of a message share beside its content."""

    sender: Mailbox
    reply_to: Mailbox | None = None
    #: None for a notice, which belongs to no list.
    identity: ListIdentity | None = None
    #: None: unsigned.
    signer: Signer | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """What one recipient's copy needs."""

    recipient: Mailbox
    #: The same in each attempt.
    date: datetime
    #: With or without its angle brackets.
    message_id: str
    #: Values of the slots; `slots.UNSUBSCRIBE_URL` stands in List-Unsubscribe too.
    values: Mapping[str, str]
    #: A further way out in List-Unsubscribe: an address; empty: none.
    mailto: str = ""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A message with everything in it but what is personal."""

    #: Header lines.
    head: bytes
    #: The body, cut where a value goes in.
    pieces: tuple[bytes, ...]
    #: (slot, in HTML): one fewer than pieces.
    holes: tuple[tuple[str, bool], ...]
    #: The slots among them.
    asked: frozenset[str]
    of_list: bool
    stamp: Stamp | None


def compile_message(content: Content, frame: Frame) -> Compiled:
    """The message that `content` makes. Raises KeyError for half a slot or an unknown one, or one in the subject."""
    if slots.split(content.subject)[1]:
        raise KeyError("a slot in the subject")
    head = _fixed_lines(content.subject, frame)
    if content.html:
        head += headers.plain("Content-Type", f'multipart/alternative; boundary="{BOUNDARY}"')
        given = (("plain", content.text), ("html", content.html))
        parts = [(_FRAME + _part_head(subtype) + b"\r\n", text) for subtype, text in given]
    else:
        head += _part_head("plain")
        parts = [(b"", content.text)]
    pieces: list[bytes] = [b""]
    holes: list[tuple[str, bool]] = []
    for number, (start, text) in enumerate(parts):
        holed = quoted.encode(text)
        first, *rest = holed.pieces
        pieces[-1] += start + first
        pieces += rest
        holes += [(slot, number == 1) for slot in holed.holes]
    pieces[-1] += _END if content.html else b""
    stamp = None if frame.signer is None else dkim.stamp(frame.signer, head, _personal_names(frame))
    asked = frozenset(slot for slot, _ in holes)
    return Compiled(head, tuple(pieces), tuple(holes), asked, frame.identity is not None, stamp)


@dataclass(frozen=True, slots=True)
class Draft:
    """One recipient's copy, all but signed."""

    #: All of it, in pieces.
    parts: tuple[bytes, ...]
    #: None: it goes out unsigned.
    unsealed: Unsealed | None


def fill(compiled: Compiled, letter: Letter, now: datetime) -> bytes:
    """One recipient's copy, signed as of `now` where it is to be. Raises KeyError for a slot without a value."""
    draft = drafted(compiled, letter, now)
    if compiled.stamp is None or draft.unsealed is None:
        return finished(draft, b"")
    return finished(draft, compiled.stamp.signer.sign(draft.unsealed.data))


def drafted(compiled: Compiled, letter: Letter, now: datetime) -> Draft:
    """One recipient's copy but for the signature: that takes longer than all the rest, and nothing of ours."""
    values: dict[tuple[str, bool], bytes] = {}
    for slot in compiled.asked:
        value = letter.values[slot]
        escaped = html_entities.escape(value)
        values[slot, False] = plain = quoted.value(value)
        values[slot, True] = plain if escaped == value else quoted.value(escaped)
    joined = [compiled.pieces[0]]
    for hole, piece in zip(compiled.holes, compiled.pieces[1:], strict=True):
        joined += (values[hole], piece)
    fields = _personal_lines(letter, of_list=compiled.of_list)
    unsealed = None if compiled.stamp is None else dkim.unsealed(compiled.stamp, fields, joined, now)
    return Draft((compiled.head, *fields, b"\r\n", *joined), unsealed)


def finished(draft: Draft, signature: bytes) -> bytes:
    """The message; `signature` is that of what the draft leaves to sign."""
    if draft.unsealed is None:
        return b"".join(draft.parts)
    return b"".join((dkim.sealed(draft.unsealed, signature), *draft.parts))


def _fixed_lines(subject: str, frame: Frame) -> bytes:
    """The header lines that all copies share (RFC 5322 section 3.6), but for Content-Type."""
    lines = [headers.mailboxes("From", frame.sender), headers.text("Subject", subject)]
    if frame.reply_to is not None:
        lines.append(headers.mailboxes("Reply-To", frame.reply_to))
    # RFC 3834: no vacation notice is owed to a program.
    lines += [headers.plain("Auto-Submitted", "auto-generated"), headers.plain("MIME-Version", "1.0")]
    if frame.identity is not None:
        lines += [
            headers.named_id("List-Id", frame.identity.title, frame.identity.list_id),
            headers.plain("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            headers.plain("Feedback-ID", frame.identity.feedback_id),
            headers.plain("Precedence", "bulk"),
        ]
    return b"".join(lines)


def _personal_names(frame: Frame) -> list[str]:
    """The names of the lines of `_personal_lines`, in lower case."""
    return ["to", "date", "message-id", *(["list-unsubscribe"] if frame.identity else [])]


def _personal_lines(letter: Letter, *, of_list: bool) -> list[bytes]:
    lines = [
        headers.mailboxes("To", letter.recipient),
        _date_line(letter.date),
        headers.plain("Message-ID", f"<{letter.message_id.strip('<>')}>"),
    ]
    if of_list:
        lines.append(_unsubscribe_line(letter))
    return lines


def _unsubscribe_line(letter: Letter) -> bytes:
    """RFC 2369: the address on the web first; each way on a line of its own."""
    url = f"<{letter.values[slots.UNSUBSCRIBE_URL]}>"
    if not letter.mailto:
        return headers.plain("List-Unsubscribe", url)
    # RFC 6068 section 2: a plus sign stands for itself.
    first, second = headers.plain("List-Unsubscribe", f"{url},"), f" <mailto:{letter.mailto}>\r\n"
    return first + second.encode("ascii")


@lru_cache(maxsize=1000)
def _date_line(at: datetime) -> bytes:
    return headers.plain("Date", format_datetime(at.astimezone(UTC)))


def feedback_id(newsletter: str, language: str, domain: str) -> str:
    """Feedback-ID of a newsletter's digests: three fields and a sender of 5 to 15 characters, none personal."""
    sender = re.sub(r"[^a-z0-9]", "", domain.lower())[:15].ljust(5, "0")
    return f"{newsletter}:digest:{language or 'und'}:{sender}"


def _part_head(subtype: str) -> bytes:
    kind = headers.plain("Content-Type", f"text/{subtype}; charset=utf-8")
    return kind + headers.plain("Content-Transfer-Encoding", "quoted-printable")


#: Before a part and after the last, RFC 2046 section 5.1.1.
_FRAME = f"--{BOUNDARY}\r\n".encode()
_END = f"--{BOUNDARY}--\r\n".encode()
