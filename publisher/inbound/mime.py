"""A message as a tree of parts, within bounds whatever its bytes are. Pure.

    bytes | the first so many | header lines | parts by their boundaries | decoded text

Python's parser has no bounds of its own: nesting ends in a RecursionError, a megabyte of boundaries takes a gigabyte,
and a charset may name any codec. Here depth, number of parts and of lines, and bytes are limited; what lies beyond is
not read. RFC 2045, 2046, 2047 and 5322, as forgiving as reports are careless.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from functools import cached_property
from html import unescape

#: Bytes of a message that are read: a report says what it has to say at its beginning.
LONGEST = 400_000
#: Parts within parts, parts in all, and header lines of one part.
_DEPTH = 8
_PARTS = 100
_LINES = 300
#: Characters of HTML.
_MARKUP = 200_000
#: Characters of a header value.
_VALUE = 4_000

#: Bytes of the header fields of one part.
_HEAD = 60_000
_FOLD = re.compile(r"\n[ \t]+")
_TYPE = re.compile(r"\s*([\w.+-]+/[\w.+-]+)")
_PARAM = re.compile(r';\s*([\w*-]{1,40})\s*=\s*(?:"([^"]{0,200})"|([^\s;"]{1,200}))')
#: Charsets of mail; Python's registry also holds codecs that are none, and slow ones.
_CHARSET = re.compile(
    r"(?:utf-?8|us-ascii|ascii|iso-?8859-?\d+|iso-?2022-?(?:jp|kr)[\w-]{0,4}|windows-?125\d|cp-?\d+|koi8-?[rut]|gb2312|gbk|gb18030|"
    r"big5[\w-]{0,6}|euc-?(?:kr|jp|cn|tw)|shift[_-]?jis|sjis|ks_c_5601[\w-]{0,6}|utf-?16(?:le|be)?|macintosh|tis-?620)",
    re.IGNORECASE,
)
_BREAKS = ("br", *(slash + name for name in ("p", "div", "tr", "li", "table", "h1", "h2", "h3") for slash in ("", "/")))
_UNSEEN = ("style", "script", "head", "title")


@dataclass(frozen=True)
class Part:
    """A message, or a part of one."""

    #: (name in lower case, unfolded value) in order.
    headers: tuple[tuple[str, str], ...]
    #: In lower case, as "text/plain".
    content_type: str
    params: dict[str, str]
    #: Without its transfer encoding; empty where there are parts.
    body: bytes
    #: Of a multipart its parts; of an enclosed message that message.
    parts: tuple[Part, ...] = ()

    def get(self, name: str) -> str:
        """The first value of a header, with encoded words decoded; or empty."""
        return next((words(value) for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """All values of a header, as they stand."""
        return [value for key, value in self.headers if key == name]

    @cached_property
    def text(self) -> str:
        """The body as text, of HTML what is seen of it."""
        charset = self.params.get("charset", "")
        charset = charset if _CHARSET.fullmatch(charset) else "utf-8"
        try:
            text = self.body.decode(charset)
        except (UnicodeDecodeError, LookupError):
            text = self.body.decode("latin-1" if charset.lower().startswith("utf") else "utf-8", "replace")
        return seen(text[:_MARKUP]) if self.content_type == "text/html" else text

    def walk(self) -> Iterator[Part]:
        """This part and all within it, in order."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(slots=True)
class _Budget:
    parts: int = _PARTS


def read(content: bytes) -> Part:
    """The message in `content`."""
    data = content[:LONGEST].replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b"\n ")
    if data.startswith((b"From ", b">From ")):  # as mbox files have it
        data = data.partition(b"\n")[2]
    return _part(data, _Budget(), 0)


def headers_of(data: bytes) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """The header fields at the beginning of `data` (lines end with LF), and what follows."""
    head, _, body = data.partition(b"\n\n") if not data.startswith(b"\n") else (b"", b"", data[1:])
    unfolded = _FOLD.sub(" ", _decoded(head[:_HEAD]))
    fields = []
    for line in unfolded.split("\n", _LINES)[:_LINES]:
        name, colon, value = line.partition(":")
        name = name.rstrip().lower()
        if colon and 0 < len(name) <= 80 and name.isascii() and " " not in name:
            fields.append((name, value.strip()[:_VALUE]))
    return tuple(fields), body


def words(value: str) -> str:
    """A header value with its encoded words decoded (RFC 2047)."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except (HeaderParseError, binascii.Error, ValueError):
        return value
    found = []
    for piece, charset in pieces:
        if isinstance(piece, bytes):
            known = charset if charset and _CHARSET.fullmatch(charset) else "utf-8"
            try:
                found.append(piece.decode(known, "replace"))
            except LookupError:
                found.append(piece.decode("utf-8", "replace"))
        else:
            found.append(piece)
    return "".join(found)


def seen(markup: str) -> str:
    """What a reader sees of HTML, roughly: one line for each block."""
    found: list[str] = []
    hidden = ""
    for number, chunk in enumerate(markup.split("<")):
        tag, closed, rest = chunk.partition(">") if number else ("", ">", chunk)
        name = tag.split(None, 1)[0].lower().rstrip("/") if tag.strip() else ""
        if hidden:
            hidden = "" if name == f"/{hidden}" else hidden
            if hidden:
                continue
        elif name in _UNSEEN:
            hidden = name
            continue
        if not closed:  # a bracket that opens no tag, as in <user@example.org
            found.append(f"<{chunk}")
        elif "@" in name and not name.startswith("!"):  # an address in brackets that nobody escaped
            found.append(f"<{tag}>{rest}")
        else:
            found.append(("\n" if name in _BREAKS else " " if name in ("td", "th") else "") + rest)
    return unescape("".join(found))


def _part(data: bytes, budget: _Budget, depth: int) -> Part:
    budget.parts -= 1
    headers, body = headers_of(data)
    named = dict(reversed(headers))
    kind = named.get("content-type", "")
    match = _TYPE.match(kind)
    content_type = match[1].lower() if match else "text/plain"
    params = {name.lower(): quoted or plain for name, quoted, plain in _PARAM.findall(kind)}
    if content_type.startswith("multipart/") and params.get("boundary") and depth < _DEPTH:
        pieces = _split(body, params["boundary"], budget)
        parts = []
        for piece in pieces:
            if budget.parts <= 0:
                break
            parts.append(_part(piece, budget, depth + 1))
        if parts:
            return Part(headers, content_type, params, b"", tuple(parts))
        content_type = "text/plain"
    body = _transferred(body, named.get("content-transfer-encoding", "").strip().lower())
    enclosed = content_type in ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers",
                                "message/global-headers", "text/rfc822", "message/partial")
    if enclosed and depth < _DEPTH and budget.parts > 0:
        return Part(headers, content_type, params, b"", (_part(body.lstrip(b"\n"), budget, depth + 1),))
    return Part(headers, content_type, params, body)


def _split(body: bytes, boundary: str, budget: _Budget) -> list[bytes]:
    """What stands between the boundaries, as far as the budget goes."""
    mark = b"\n--" + boundary.encode("utf-8", "replace")
    text = b"\n" + body
    found: list[bytes] = []
    begin, at = -1, text.find(mark)
    while at >= 0 and len(found) < budget.parts:
        end = text.find(b"\n", at + 1)
        rest = text[at + len(mark) : end if end >= 0 else len(text)].rstrip()
        if rest in (b"", b"--"):
            if begin >= 0:
                found.append(text[begin:at] if at > begin else b"")
            if rest:
                return found
            begin = end + 1 if end >= 0 else len(text)
        at = text.find(mark, at + len(mark))
    if begin >= 0 and len(found) < budget.parts:  # the last boundary was cut off
        found.append(text[begin:])
    return found


def _transferred(body: bytes, encoding: str) -> bytes:
    """The body without its transfer encoding; as it stands where it breaks its own rules."""
    try:
        if encoding == "quoted-printable":
            return binascii.a2b_qp(body)
        if encoding == "base64":
            kept = re.sub(rb"[^A-Za-z0-9+/=]", b"", body)
            kept = kept.partition(b"=")[0]
            return binascii.a2b_base64(kept[: len(kept) - (len(kept) % 4 == 1)] + b"==").replace(b"\r\n", b"\n")
    except binascii.Error:
        return body
    return body


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
