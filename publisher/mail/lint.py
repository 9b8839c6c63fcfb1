"""What must be true of a message before anything is sent: rules on its raw bytes. Pure.

Raw, because parsers forgive and hide what a mail server or a reader's client does not: a URL turned into an encoded
word, a bare LF that starts a header of somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from publisher.mail import lint_parts
from publisher.mail.dkim import fields
from publisher.mail.lint_parts import Expected

#: Octets of a line without its CRLF, RFC 5322 section 2.1.1.
MAX_LINE = 998

_ONCE = ("from", "to", "subject", "date", "message-id", "mime-version")
_OF_LISTS = ("list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id")
_NAME = re.compile(rb"[!-9;-~]+")
_UNPRINTABLE = re.compile(rb"[^ -~]")
_ENCODED = re.compile(rb"=\?[^?]*\?[^?]*\?[^?]*\?=")
_FROM = re.compile(r"[^<>,]*<[^<>@\s]+@[^<>@\s]+>|[^<>@,\s]+@[^<>@,\s]+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_UNSUBSCRIBE = re.compile(r"<(https?://[!-;=?-~]+)>(?:, ?<mailto:[!-;=?-~]+>)?")
_FEEDBACK = re.compile(r"(?:[^:\s]+:){0,3}[^:\s]{5,15}")
_MESSAGE_ID = re.compile(r"<([^<>@\s]+)@([^<>@\s]+)>")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the caller knows of the message and the rules cannot."""

    #: False for a notice, which belongs to no list.
    bulk: bool = True
    #: Links must be HTTPS; False where the site itself is not (a local run).
    https: bool = True
    #: A DKIM-Signature must be there.
    signed: bool = False
    #: The recipient's local part is not ASCII: `To` may hold UTF-8 (RFC 6532).
    utf8_to: bool = False
    #: Stand in each part: the stories' links.
    links: Sequence[str] = ()
    #: Stands in each part of a list's message; empty: not required.
    postal_address: str = ""


def lint(message: bytes, rules: Rules, *, body: bool = True) -> tuple[str, ...]:
    """The faults of `message`, one line each; empty where it may be sent.

    `body=False` looks at the headers alone: for the messages of a variant whose first passed as a whole.
    """
    head, separator, content = message.partition(b"\r\n\r\n")
    if not separator:
        return ("the headers have no end",)
    found = _fields(head)
    faults = [*_lines(message if body else head), *_header_bytes(found, rules), *_counts(found), *_shapes(found)]
    faults += _list_rules(found, rules) if rules.bulk else [f"{n}: in a notice" for n in _OF_LISTS if n in found]
    faults += _signature(found, rules)
    if body and not faults:
        texts = {name: values[0].decode("utf-8", "replace") for name, values in found.items()}
        expected = Expected(rules.links, _unsubscribe_url(texts) if rules.bulk else "",
                            rules.postal_address if rules.bulk else "")
        faults += lint_parts.lint(texts.get("content-type", ""), texts.get("content-transfer-encoding", ""),
                                  content, expected)
    return tuple(faults)


def _fields(head: bytes) -> dict[str, list[bytes]]:
    """Unfolded values by name in lower case."""
    found: dict[str, list[bytes]] = {}
    for field in fields(head):
        name, colon, value = field.partition(b":")
        key = name.decode("latin-1").lower() if colon and _NAME.fullmatch(name) else "(broken)"
        found.setdefault(key, []).append(value.replace(b"\r\n", b"").removeprefix(b" "))
    return found


def _lines(data: bytes) -> list[str]:
    faults = []
    bare = data.replace(b"\r\n", b"")
    if b"\r" in bare or b"\n" in bare:
        faults.append("a CR or LF that is no CRLF")
    if any(len(line) > MAX_LINE for line in data.split(b"\r\n")):
        faults.append(f"a line of more than {MAX_LINE} bytes")
    if b"\r\n." in data:  # a server would take its first dot away, RFC 5321 section 4.5.2
        faults.append("a line that begins with a dot")
    return faults


def _header_bytes(found: dict[str, list[bytes]], rules: Rules) -> list[str]:
    faults = ["a header line without a name"] if "(broken)" in found else []
    for name, values in found.items():
        for value in values:
            raw = value.replace(b"\t", b" ")
            if name == "to" and rules.utf8_to:
                raw = _without_utf8(raw)
            if _UNPRINTABLE.search(raw):
                faults.append(f"{name}: a byte that is no printable ASCII")
            elif any(lint_parts.holds_control(word) for word in _ENCODED.findall(value)):
                faults.append(f"{name}: a control character inside an encoded word")
    return faults


def _without_utf8(raw: bytes) -> bytes:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw
    return re.sub("[\u00a1-\U0010ffff]", "", text).encode()


def _counts(found: dict[str, list[bytes]]) -> list[str]:
    faults = [f"{name}: missing" for name in _ONCE if name not in found]
    return faults + [f"{name}: {len(values)} times" for name, values in found.items() if len(values) > 1]


def _shapes(found: dict[str, list[bytes]]) -> list[str]:
    """RFC 5322 section 3.6: one sender, a Message-ID of the right form."""
    faults = []
    sender = _QUOTED.sub("", _first(found, "from")).strip()
    if sender and not _FROM.fullmatch(sender):
        faults.append("from: not exactly one address")
    if (ident := _first(found, "message-id")) and not _MESSAGE_ID.fullmatch(ident):
        faults.append("message-id: not of the form <left@right>")
    return faults


def _list_rules(found: dict[str, list[bytes]], rules: Rules) -> list[str]:
    """RFC 8058 and what Google and Yahoo ask of bulk mail."""
    faults = [f"{name}: missing" for name in _OF_LISTS if name not in found]
    link = _UNSUBSCRIBE.fullmatch(_first(found, "list-unsubscribe"))
    if "list-unsubscribe" in found:
        if link is None or "=?" in link[0]:
            faults.append("list-unsubscribe: not one web address in angle brackets")
        elif rules.https and not link[1].startswith("https://"):
            faults.append("list-unsubscribe: not HTTPS")
    if _first(found, "list-unsubscribe-post") not in ("", "List-Unsubscribe=One-Click"):
        faults.append("list-unsubscribe-post: not List-Unsubscribe=One-Click")
    feedback = _first(found, "feedback-id")
    if feedback and not _FEEDBACK.fullmatch(feedback):
        faults.append("feedback-id: not of the form a:b:c:SenderId")
    personal = _personal(found, link[1] if link else "")
    if any(field.lower() in personal for field in feedback.split(":")):
        faults.append("feedback-id: a field that is unique to one message")
    return faults


def _personal(found: dict[str, list[bytes]], link: str) -> set[str]:
    """What only this message has, in lower case."""
    address = _first(found, "to").rpartition("<")[2].rstrip(">").lower()
    ident = _first(found, "message-id").strip("<>").lower()
    return {address, address.partition("@")[0], ident, ident.partition("@")[0], link.rpartition("/")[2].lower()} - {""}


def _signature(found: dict[str, list[bytes]], rules: Rules) -> list[str]:
    if "dkim-signature" not in found:
        return ["dkim-signature: missing"] if rules.signed else []
    match = re.search(r"\bh=([^;]*)", _first(found, "dkim-signature"))
    covered = [name.strip().lower() for name in match[1].split(":")] if match else []
    faults = [f"dkim-signature: does not cover {n}" for n in found if n not in (*covered, "dkim-signature")]
    once = [n for n in ("list-unsubscribe", "list-unsubscribe-post") if n in found and covered.count(n) == 1]
    return faults + [f"dkim-signature: does not oversign {n}" for n in once]


def _unsubscribe_url(texts: dict[str, str]) -> str:
    match = _UNSUBSCRIBE.fullmatch(texts.get("list-unsubscribe", ""))
    return match[1] if match else ""


def _first(found: dict[str, list[bytes]], name: str) -> str:
    return found[name][0].decode("latin-1") if name in found else ""
