"""The chunks of a WebP file, RFC 9649 section 2. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.errors import PictureError

_HEAD, _FRAME = 12, 16
#: What an animation is made of, beside its header; all else says something about it.
_KEPT = (b"ICCP", b"ANIM", b"ANMF")
_KEPT_IN_FRAME = (b"ALPH", b"VP8 ", b"VP8L")
#: Bits of the header that promise EXIF and XMP.
_TOLD = 0x08 | 0x04
#: A file of the largest size has fewer.
_MOST_CHUNKS = 100_000


def frames(content: bytes) -> int:
    """How many pictures the file holds. Raises PictureError where it breaks off, or one reaches over the edges."""
    found, sides = 1, (0, 0)
    for name, body in _chunks(content[_HEAD:]):
        if name == b"VP8X":
            sides, found = (1 + _number(body[4:7]), 1 + _number(body[7:10])), 0
        elif name == b"ANMF":
            found += 1
            left, top, wide, high = (_number(body[at : at + 3]) for at in (0, 3, 6, 9))
            if 2 * left + wide + 1 > sides[0] or 2 * top + high + 1 > sides[1]:
                raise PictureError("it is broken: a frame of it reaches over its edges")
    return max(1, found)


def stripped(content: bytes) -> bytes:
    """The same animation without all that says something about it. Raises PictureError as above."""
    kept = []
    for name, body in _chunks(content[_HEAD:]):
        if name == b"VP8X":
            kept.append(_chunk(name, bytes((body[0] & ~_TOLD,)) + body[1:10]))
        elif name == b"ANMF":
            inner = [_chunk(*one) for one in _chunks(body[_FRAME:]) if one[0] in _KEPT_IN_FRAME]
            kept.append(_chunk(name, body[:_FRAME] + b"".join(inner)))
        elif name in _KEPT:
            kept.append(_chunk(name, body))
    whole = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(whole).to_bytes(4, "little") + whole


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, content) of each chunk in `data`."""
    at = 0
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data):
            return
        size = _number(data[at + 4 : at + 8])
        if at + 8 + size > len(data):
            raise PictureError("it is broken: it breaks off")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    raise PictureError("it is broken: it is in too many parts")
