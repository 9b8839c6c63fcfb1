"""One picture as it was given to one that can be served: small, upright, and silent about where it was taken. Pure.

    bytes | size, format, pixels by the header | decode, turn, shrink | encode anew, without metadata -> Picture

Nothing is decoded before its header says that it is bearable. Decoding is slow: for a thread, not for the event loop.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath

from publisher.errors import PictureError
from publisher.intake import picture_header
from publisher.intake.picture_header import Header
from publisher.model import Picture
from publisher.text import slugify

#: Bytes of a file that is taken at most.
MAX_BYTES = 20_000_000
#: Pixels of a picture that can be decoded by lines, and of one that must be decoded as a whole: each of them needs
#: four bytes and more, with WebP and AVIF up to sixteen.
MAX_PIXELS = 100_000_000
MAX_WHOLE_PIXELS = {"jpeg": 25_000_000, "png": 25_000_000, "gif": 25_000_000, "webp": 10_000_000, "avif": 12_000_000}
#: Pixels that a picture is wide and high at most, once it is ours.
LARGEST = 1600
#: Of each format: the one in which it is served.
_SERVED = {"jpeg": "jpeg", "png": "png", "gif": "gif", "webp": "webp", "avif": "webp"}
_ENDINGS = {"jpeg": "jpg"}
#: Names that a file may have to be looked at as a picture.
ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif")
_LONGEST_NAME = 60


def prepare(content: bytes, name: str) -> Picture:
    """The picture of the file `content`, which was called `name`: equal for equal arguments.

    At most `LARGEST` pixels wide and high. Raises PictureError for what is no picture, or one that is refused.
    """
    from publisher.intake import picture_raster  # noqa: PLC0415 - Pillow is slow to load, and few documents need it

    header = checked(content)
    kind = _SERVED[header.kind]
    width, height, made = picture_raster.render(content, header, kind, LARGEST)
    return Picture(name_of(content, name), f"image/{kind}", width, height, made)


def name_of(content: bytes, name: str) -> str:
    """The name of the picture that `prepare` makes of it, without the work. Raises PictureError as that does."""
    kind = _SERVED[checked(content).kind]
    stem = slugify(PurePosixPath(name).stem, _LONGEST_NAME) or "picture"
    return f"{stem}-{hashlib.sha256(content).hexdigest()[:12]}.{_ENDINGS.get(kind, kind)}"


def checked(content: bytes) -> Header:
    """What the file's header says. Raises PictureError for one that is not to be decoded."""
    if not content:
        raise PictureError("it is empty")
    refuse_size(len(content))
    header = picture_header.read(content)
    if header is None:
        raise PictureError(_what(content))
    limit = MAX_PIXELS if header.by_lines else MAX_WHOLE_PIXELS[header.kind]
    if header.width * header.height > limit:
        size = f"{header.width} x {header.height} pixels"
        raise PictureError(f"it is too large: {size}, the most are {limit / 1e6:.0f} million")
    return header


def refuse_size(size: int) -> None:
    """Raises PictureError for a file of too many bytes."""
    if size > MAX_BYTES:
        raise PictureError(f"it is too large: {size / 1e6:.0f} MB, the limit is {MAX_BYTES / 1e6:.0f} MB")


def _what(content: bytes) -> str:
    head = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"<") and b"<svg" in head:
        return "it is an SVG drawing, which may hold a script; save it as PNG"
    return "it is no picture of a known format, or it is broken; save it as JPEG, PNG, GIF or WebP"
