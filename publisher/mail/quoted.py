"""Text in quoted-printable (RFC 2045 section 6.7), with holes that are filled for each recipient. Pure.

    text with slots | encoded once -> pieces and holes; for each recipient: value encoded | joined

Each hole stands at the start of a line of its own, closed by a soft line break, so that a value of any length makes no
line too long and leaves every other byte as it was. No line begins with a dot, so SMTP has none to double.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from publisher import slots

#: A soft line break.
_SOFT = b"=\r\n"
#: Octets of a line without its CRLF, the `=` of a soft break among them.
_LINE = 76
_PLAIN_VALUE = re.compile(rb"[!-\-/-<>-~][!-<>-~]{0,73}")
_OFFENDING = re.compile(rb"(?m)^(?:\.[^\r\n]*|[^\r\n]{77,})")
_UNIT = re.compile(rb"=[0-9A-F]{2}|.")


@dataclass(frozen=True, slots=True)
class Holed:
    """Encoded text: `pieces` with one of `holes` between each two."""

    pieces: tuple[bytes, ...]
    #: Slots, as `publisher.slots.EMAIL`; one fewer than pieces.
    holes: tuple[str, ...]


def encode(text: str) -> Holed:
    """`text` in UTF-8 and quoted-printable: CRLF, lines of at most 76, the last one closed.

    Raises KeyError for half a slot.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    texts, holes = slots.split(lines)
    pieces = []
    for at, part in enumerate(texts):
        encoded = _encoded(part)
        if at and not part.startswith("\n"):
            encoded = _SOFT + encoded
        if at < len(holes) and encoded and not encoded.endswith(b"\n"):
            encoded = _broken(encoded)
        pieces.append(encoded)
    return Holed(tuple(pieces), holes)


def value(text: str) -> bytes:
    """What fills a hole: the start of a line."""
    raw = text.encode()
    return raw if _PLAIN_VALUE.fullmatch(raw) else _broken(_encoded(text)).removesuffix(_SOFT)


def _encoded(text: str) -> bytes:
    """`text`, which may end within a line; then so do the bytes."""
    # b2a_qp takes the kind of its own soft breaks from the first line end that it finds: there is one, a CRLF.
    raw = binascii.b2a_qp(b"\r\n" + text.replace("\n", "\r\n").encode(), istext=True)[2:]
    return _OFFENDING.sub(_mended, raw)


def _mended(line: re.Match[bytes]) -> bytes:
    """A line that begins with a dot, or is too long (b2a_qp's are where they end in a space), broken anew."""
    whole, soft = (line[0][:-1], b"=") if line[0].endswith(b"=") else (line[0], b"")
    lines = [b""]
    for unit in _UNIT.findall(whole):
        if len(lines[-1]) + len(unit) >= _LINE:
            lines.append(b"")
        lines[-1] += b"=2E" if unit == b"." and not lines[-1] else unit
    return _SOFT.join(lines) + soft


def _broken(encoded: bytes) -> bytes:
    """`encoded`, which ends within a line, with a soft break at its end."""
    start, end, last = encoded.rpartition(b"\n")
    if len(last) < _LINE:
        return encoded + _SOFT
    *units, unit = _UNIT.findall(last)
    return start + end + b"".join(units) + _SOFT + (b"=2E" if unit == b"." else unit) + _SOFT
