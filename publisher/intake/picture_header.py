"""What a picture's first bytes say: its format and its size, before anything is decoded. Pure.

Sizes as the formats' own documents place them: PNG (RFC 2083 section 4.1.1), GIF89a section 18, JPEG (ITU-T T.81
section B.2.2), WebP (RFC 9649 section 2), AVIF (ISO/IEC 23008-12 section 6.5.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

#: Start-of-frame markers of JPEG, and those of them that need the whole picture in memory.
_FRAMES = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF))
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_SCAN = 0xDA
#: A picture of a camera has some twenty.
_MOST_MARKERS = 10_000
#: Markers without a length: TEM and RST0 to RST7.
_BARE = frozenset((0x01, *range(0xD0, 0xD8)))
#: Bytes of an AVIF file in which its properties stand.
_AVIF_HEAD = 1_000_000


@dataclass(frozen=True, slots=True)
class Header:
    """A picture as its first bytes describe it."""

    #: "jpeg", "png", "gif", "webp" or "avif".
    kind: str
    #: Pixels, before any rotation.
    width: int
    height: int
    #: It can be decoded a few lines at a time, and at a fraction of its size.
    by_lines: bool = False


def read(content: bytes) -> Header | None:
    """The header of a picture; None for what is none of a known format, or lacks a size."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _sized("png", content[16:20], content[20:24]) if content[12:16] == b"IHDR" else None
    if content[:6] in (b"GIF87a", b"GIF89a"):
        return _sized("gif", content[6:8][::-1], content[8:10][::-1])
    if content.startswith(b"\xff\xd8\xff"):
        return _jpeg(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _webp(content)
    if content[4:8] == b"ftyp" and content[8:12] in (b"avif", b"avis"):
        return _avif(content[:_AVIF_HEAD])
    return None


def _sized(kind: str, width: bytes, height: bytes, *, by_lines: bool = False) -> Header | None:
    sides = int.from_bytes(width), int.from_bytes(height)
    return Header(kind, *sides, by_lines) if min(sides) > 0 else None


def _jpeg(content: bytes) -> Header | None:
    found: Header | None = None
    colours = b""
    for marker, at in _markers(content):
        if marker in _FRAMES and found is None:
            frame = content[at + 3 : at + 8]
            found = _sized("jpeg", frame[2:4], frame[:2], by_lines=marker not in _PROGRESSIVE)
            colours = frame[4:5]
        elif marker == _SCAN:  # where the first scan holds all the colours, it is the only one
            return replace(found, by_lines=found.by_lines and content[at + 2 : at + 3] == colours) if found else None
    return replace(found, by_lines=False) if found else None


def _markers(content: bytes) -> Iterator[tuple[int, int]]:
    """(marker, place of what follows it) of a JPEG's segments, up to the first scan."""
    at = 2
    for _ in range(_MOST_MARKERS):
        at = content.find(b"\xff", at)
        if at < 0 or at + 4 > len(content):
            return
        marker = content[at + 1]
        if marker == 0xFF:  # filling
            at += 1
        elif marker in _BARE or marker == 0:
            at += 2
        else:
            yield marker, at + 2
            at += 2 + max(2, int.from_bytes(content[at + 2 : at + 4]))


def _webp(content: bytes) -> Header | None:
    kind, body = content[12:16], content[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return Header("webp", 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return Header("webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        sides = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        return _sized("webp", *(side.to_bytes(2) for side in sides))
    return None


def _avif(head: bytes) -> Header | None:
    """The largest of the sizes that it names: thumbnails and tiles have theirs too."""
    found: list[tuple[int, int]] = []
    at = head.find(b"ispe")
    while at >= 0:
        if head[at - 4 : at] == b"\0\0\0\x14":
            found.append((int.from_bytes(head[at + 8 : at + 12]), int.from_bytes(head[at + 12 : at + 16])))
        at = head.find(b"ispe", at + 4)
    width, height = max(found, key=lambda sides: sides[0] * sides[1], default=(0, 0))
    return Header("avif", width, height) if width and height else None
