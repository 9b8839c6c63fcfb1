"""The blocks of a GIF file, GIF89a. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from publisher.errors import PictureError

_IMAGE, _EXTENSION, _END = 0x2C, 0x21, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
#: Blocks, and parts of one; a sound file of the largest size has fewer.
_MOST_BLOCKS, _MOST_PARTS = 10_000, 100_000
#: The one application block that is of weight: how often an animation is repeated.
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def frames(content: bytes) -> int:
    """How many pictures the file holds. Raises PictureError where it breaks off, or one reaches over the edges."""
    found = [block for block in _blocks(content) if block[0] == _IMAGE]
    width, height = _numbers(content[6:10])
    for block in found:
        left, top, wide, high = _numbers(block[1:9])
        if left + wide > width or top + high > height:
            raise PictureError("it is broken: a frame of it reaches over its edges")
    return len(found)


def _numbers(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)]


def stripped(content: bytes) -> bytes:
    """The same animation without comments, texts and the blocks of applications. Raises PictureError as above."""
    kept = [block for block in _blocks(content) if block[0] == _IMAGE or _is_needed(block)]
    return b"".join((content[: _start(content)], *kept, bytes((_END,))))


def _is_needed(block: bytes) -> bool:
    return block[1] == _CONTROL or (block[1] == _APPLICATION and block[3:14] in _LOOPS)


def _start(content: bytes) -> int:
    """Where the first block begins: after the header, the screen and its colours."""
    return 13 + _colours(content[10])


def _colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _blocks(content: bytes) -> Iterator[bytes]:
    try:
        at = _start(content)
        for number in count():
            if at >= len(content) or (kind := content[at]) == _END:
                return
            if number >= _MOST_BLOCKS:
                raise PictureError("it is broken: it is in too many parts")
            if kind == _IMAGE:
                end = _data_end(content, at + 11 + _colours(content[at + 9]))
            elif kind == _EXTENSION:
                end = _data_end(content, at + 2)
            else:
                raise PictureError("it is broken: a block of an unknown kind")
            yield content[at:end]
            at = end
    except IndexError as error:
        raise PictureError("it is broken: it breaks off") from error


def _data_end(content: bytes, at: int) -> int:
    """Where the chain of data at this place ends, behind the empty block that closes it."""
    for _ in range(_MOST_PARTS):
        if not content[at]:
            return at + 1
        at += 1 + content[at]
    raise PictureError("it is broken: it is in too many parts")
