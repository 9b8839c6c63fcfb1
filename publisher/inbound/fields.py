"""The machine-readable parts of reports: delivery status (RFC 3464, RFC 6533) and feedback (RFC 5965). Pure.

    parts of a message | groups of fields, whatever blank lines stand between them | one for each recipient
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from publisher.inbound.mime import Part, headers_of, words

STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
FEEDBACK_TYPE = "message/feedback-report"
RECEIPT_TYPES = ("message/disposition-notification", "message/global-disposition-notification")

#: An address in running text; what a sentence or a log line puts around it is not part of it.
ADDRESS = re.compile(
    r"(?:(?<=<)|(?<![\w.!#$%&'*+/=?^`{|}~@-]))"
    r"([\w!#$%&*+/=?^`{|}~-][\w.!#$%&'*+/=?^`{|}~-]{0,63}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_])"
)
_UNICODE = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_XTEXT = re.compile(r"\+(2B|3D)")
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_RECIPIENT_FIELDS = ("final-recipient", "original-recipient")
#: Groups of fields that are read; a report has a few.
_GROUPS = 50


@dataclass(frozen=True, slots=True)
class Recipient:
    """What a delivery status says of one recipient."""

    address: str
    #: "failed", "delayed", "delivered", "relayed", "expanded", or empty.
    action: str
    #: As "5.1.1", or empty.
    status: str
    #: What the server said, without the type before it.
    diagnostic: str
    #: The server that said so.
    server: str


def recipients(message: Part) -> tuple[Recipient, ...]:
    """Those whom the delivery statuses within `message` are about, in order."""
    found: list[Recipient] = []
    for part in message.walk():
        if part.content_type in STATUS_TYPES:
            found += [_recipient(group) for group in _groups(part.text)]
    return tuple(one for one in found if one.address or one.action or one.status)


def feedback(message: Part) -> dict[str, str] | None:
    """The fields of the feedback report within `message`; None where there is none."""
    for part in message.walk():
        if part.content_type == FEEDBACK_TYPE:
            fields: dict[str, str] = {}
            for name, value in _lines(part.text):
                fields.setdefault(name, value)
            return fields
    return None


def address_in(value: str) -> str:
    """The address in a typed field, as `rfc822; user@example.org`; empty where there is none."""
    kind, semicolon, rest = value.partition(";")
    plain = rest if semicolon and "@" not in kind else value
    plain = _UNICODE.sub(lambda match: _character(int(match[1], 16)), plain)
    if kind.strip().lower() == "rfc822":
        plain = _XTEXT.sub(lambda match: chr(int(match[1], 16)), plain)
    match = ADDRESS.search(plain)
    return match[1] if match else ""


def _character(number: int) -> str:
    return chr(number) if number < 0xD800 or 0xE000 <= number <= 0x10FFFF else "\ufffd"


def _groups(text: str) -> list[dict[str, str]]:
    """The fields of each recipient. Some reports part a group by blank lines, some join all in one block."""
    groups: list[dict[str, str]] = []
    for block in re.split(r"\n[ \t]*\n", text, maxsplit=_GROUPS)[:_GROUPS]:
        current: dict[str, str] = {}
        blocks = [current]
        for name, value in _lines(block):
            if name in _RECIPIENT_FIELDS and name in current:
                current = {}
                blocks.append(current)
            current.setdefault(name, value)
        for fields in blocks:
            about = any(name in fields for name in _RECIPIENT_FIELDS)
            told = any(name in fields for name in ("action", "status", "diagnostic-code"))
            if about:
                groups.append(fields)
            elif told and groups:
                groups[-1] = fields | groups[-1]
            elif told:
                groups.append(fields)
    return groups[:_GROUPS]


def _lines(block: str) -> list[tuple[str, str]]:
    return [(name, words(value)) for name, value in headers_of(block.strip("\n").encode())[0]]


def _recipient(fields: Mapping[str, str]) -> Recipient:
    address = next((found for name in reversed(_RECIPIENT_FIELDS) if (found := address_in(fields.get(name, "")))), "")
    status = _STATUS.search(fields.get("status", ""))
    kind, semicolon, said = fields.get("diagnostic-code", "").partition(";")
    typed = semicolon and len(kind) <= 20 and " " not in kind.strip()
    diagnostic = said.strip() if typed else f"{kind}{semicolon}{said}"
    server = fields.get("remote-mta", "").partition(";")[2].strip()
    action = re.match(r"[a-z]+", fields.get("action", "").strip().lower())
    return Recipient(address, action[0] if action else "", status[1] if status else "", diagnostic.strip(), server)
