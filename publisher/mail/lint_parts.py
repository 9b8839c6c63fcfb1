"""The lint's rules for what follows the headers: boundaries, encodings, links, size, the postal address. Pure."""

from __future__ import annotations

import base64
import binascii
import html as html_entities
import re
from collections.abc import Sequence
from dataclasses import dataclass

from publisher import slots

#: Bytes of an HTML part; Gmail clips near 102 kB.
MAX_HTML = 80_000

_BOUNDARY = re.compile(r'multipart/alternative; ?boundary="([^"]{1,70})"')
_TEXT = re.compile(r"text/(plain|html); ?charset=([A-Za-z0-9-]+)")
_BAD_ESCAPE = re.compile(rb"=(?![0-9A-F]{2}|\r\n)")
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_WEB = re.compile(r"https?://[^\s<>\"]+")
_NOT_WORD = re.compile(r"[\W_]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Expected:
    """What must stand in each part."""

    #: The stories' links.
    links: Sequence[str]
    #: Empty: none.
    unsubscribe_url: str
    #: Empty: not required.
    postal_address: str


def lint(content_type: str, encoding: str, content: bytes, expected: Expected) -> list[str]:
    """The faults of a body; `content_type` and `encoding` are those of the message."""
    boundary = _BOUNDARY.fullmatch(content_type)
    if boundary is None:
        return _lint_part(content_type, encoding, content, expected, only=True)
    parts, faults = _split(content, boundary[1].encode("latin-1", "replace"))
    kinds = []
    for part in parts:
        head, _, body = part.partition(b"\r\n\r\n")
        values = dict(line.decode("latin-1").lower().partition(": ")[::2] for line in head.split(b"\r\n"))
        kind = values.get("content-type", "")
        kinds.append(kind.partition(";")[0])
        faults += _lint_part(kind, values.get("content-transfer-encoding", ""), body, expected, only=False)
    if not faults and kinds != ["text/plain", "text/html"]:
        faults.append("the parts are not plain text followed by HTML")
    return faults


def links(subtype: str, text: str) -> set[str]:
    """The web addresses of a part, "html" or "plain"."""
    if subtype == "html":
        return {html_entities.unescape(double or single) for double, single in _HREF.findall(text)}
    found = set(_WEB.findall(text))
    return found | {link.rstrip(".,;:)") for link in found}


def holds_control(word: bytes) -> bool:
    """Whether the encoded word `word` hides a control character (RFC 2047 section 5 forbids none; we do)."""
    _, charset, kind, data, _ = word.split(b"?")
    try:
        base64_word = kind.lower() == b"b"
        raw = base64.b64decode(data, validate=True) if base64_word else binascii.a2b_qp(data, header=True)
        return bool(_CONTROL.search(raw.decode(charset.decode("ascii"))))
    except (ValueError, LookupError):
        return True


def _split(content: bytes, boundary: bytes) -> tuple[list[bytes], list[str]]:
    """The parts between the boundaries, RFC 2046 section 5.1.1, and what is wrong with these."""
    pieces = (b"\r\n" + content).split(b"\r\n--" + boundary)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        return [], ["the last boundary is not closed"]
    middle = pieces[1:-1]
    if not all(piece.startswith(b"\r\n") for piece in middle) or pieces[-1][2:].strip():
        return [], ["a boundary stands inside a part"]
    return [piece[2:] for piece in middle], []


def _lint_part(kind: str, encoding: str, body: bytes, expected: Expected, *, only: bool) -> list[str]:
    match = _TEXT.fullmatch(kind)
    if match is None or (only and match[1] != "plain"):
        return [f"a part of the type {kind[:60]!r}"]
    name = "the HTML part" if match[1] == "html" else "the text part"
    text = _decoded(body, encoding, match[2])
    if text is None:
        return [f"{name} is not what its charset and encoding say"]
    faults = []
    if match[1] == "html" and len(text.encode()) > MAX_HTML:
        faults.append(f"{name} is larger than {MAX_HTML // 1000} kB")
    if slots.OPEN in text or slots.CLOSE in text:
        faults.append(f"{name} has an open slot")
    there = links(match[1], text)
    faults += [f"{name} lacks the story link {link}" for link in expected.links if link not in there]
    if expected.unsubscribe_url and expected.unsubscribe_url not in there:
        faults.append(f"{name} lacks the unsubscribe link")
    words = html_entities.unescape(_TAG.sub(" ", text)) if match[1] == "html" else text
    if expected.postal_address and _squeezed(expected.postal_address) not in _squeezed(words):
        faults.append(f"{name} lacks the postal address")
    return faults


def _decoded(body: bytes, encoding: str, charset: str) -> str | None:
    """The text of a part, or None where it is not what it says."""
    if encoding.lower() != "quoted-printable" or _BAD_ESCAPE.search(body):
        return None
    if any(len(line) > 76 or line.endswith((b" ", b"\t")) for line in body.split(b"\r\n")):
        return None
    try:
        return binascii.a2b_qp(body).decode(charset)
    except (ValueError, LookupError):
        return None


def _squeezed(text: str) -> str:
    """Letters and digits alone: the same address may be broken into lines in different places."""
    return _NOT_WORD.sub("", text).casefold()
