"""Decoding and encoding of pictures. The only code that knows Pillow. Pure.

    bytes | open in the one format that the header names | decode, by lines where that can be | shrink | colours as
          sRGB | turn upright | encode without metadata
"""

from __future__ import annotations

import math
import struct
import warnings
from io import BytesIO

from PIL import Image, ImageCms

from publisher.errors import PictureError
from publisher.intake import gif, webp
from publisher.intake.picture_header import Header

#: What Pillow raises for files that are broken, or made to break it.
_BROKEN = (
    OSError, SyntaxError, ValueError, struct.error, EOFError, ArithmeticError, LookupError, TypeError, AttributeError,
    RuntimeError, MemoryError, Image.DecompressionBombError,
)
_QUALITY = 85
#: EXIF's tag of the orientation, and how each of its values is set right.
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: A colour profile is a few kilobytes; one larger than this is passed over.
_LARGEST_PROFILE = 2_000_000
#: Pixels of all frames of an animation together, and frames; beyond that its first frame stands for it.
_MOST_MOVING, _MOST_FRAMES = 40_000_000, 500
#: Formats that may move.
_MOVES = {"gif": gif, "webp": webp}
#: Lines that are shrunk at a time.
_STRIP = 256


def render(content: bytes, header: Header, kind: str, largest: int) -> tuple[int, int, bytes]:
    """(width, height, bytes) of the picture in the format `kind`. Raises PictureError where it cannot be decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about files that are not quite right
        try:
            moves = _MOVES.get(header.kind)
            frames = moves.frames(content) if moves else 1  # before Pillow reads all of its parts
            with Image.open(BytesIO(content), formats=[header.kind.upper()]) as found:
                if sorted(found.size) != sorted((header.width, header.height)):  # AVIF comes turned already
                    raise PictureError("it is broken: it names two sizes")
                if moves and frames > 1 and _is_bearable(found, frames, largest):
                    return header.width, header.height, moves.stripped(content)
                made = _made(found, largest)
                return *made.size, _encoded(made, kind)
        except _BROKEN as error:
            what = f"{error}".strip().splitlines()
            raise PictureError(f"it is broken: {what[0][:120] if what else type(error).__name__}") from error


def _is_bearable(found: Image.Image, frames: int, largest: int) -> bool:
    """True for an animation that can be served as it is, but for what it tells; False where it is too much."""
    if max(found.size) > largest or frames > _MOST_FRAMES or frames * found.width * found.height > _MOST_MOVING:
        return False
    for frame in range(frames):  # one that breaks off later is broken
        found.seek(frame)
        found.load()
    return True


def _made(found: Image.Image, largest: int) -> Image.Image:
    profile = found.info.get("icc_profile")
    scale = min(1.0, largest / max(found.size))
    found.draft(None, (math.ceil(found.width * scale), math.ceil(found.height * scale)))
    found.load()
    turn = _TURNS.get(_orientation(found))
    made = _upright_colours(_plain(_shrunk(found, largest)), profile)
    return made.transpose(turn) if turn is not None else made


def _orientation(found: Image.Image) -> int:
    try:
        return int(found.getexif().get(_ORIENTATION, 1))
    except _BROKEN:
        return 1


def _shrunk(found: Image.Image, largest: int) -> Image.Image:
    """`found` within `largest` pixels each way, in a mode that bears shrinking.

    In two goes, the first by a whole number and a strip at a time, for a copy of the whole would double the memory.
    """
    factor = max(found.size) // largest
    if factor > 1:
        size = (-(-found.width // factor), -(-found.height // factor))
        parts = []
        for top in range(0, found.height, _STRIP * factor):
            box = (0, top, found.width, min(found.height, top + _STRIP * factor))
            parts.append(_plain(found.crop(box), found).reduce(factor))
        made = Image.new(parts[0].mode, size)
        for number, part in enumerate(parts):
            made.paste(part, (0, number * _STRIP))
    else:
        made = _plain(found)
    if max(made.size) > largest:
        scale = largest / max(found.size)
        sides = (max(1, min(largest, round(side * scale))) for side in found.size)
        made = made.resize((next(sides), next(sides)), Image.Resampling.LANCZOS)
    return made


def _plain(image: Image.Image, whole: Image.Image | None = None) -> Image.Image:
    """`image` as L, RGB, RGBA or CMYK, without anything beside its pixels."""
    transparent = "transparency" in (whole or image).info
    if transparent:
        image.info["transparency"] = (whole or image).info["transparency"]
    if image.mode.startswith("I"):  # 16 bits
        plain = image.convert("I").point(lambda value: value / 256).convert("L")
    elif image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or transparent:
        plain = image.convert("RGBA")
    elif image.mode in ("L", "1"):
        plain = image.convert("L")
    elif image.mode == "CMYK":
        plain = image.copy()
    else:
        plain = image.convert("RGB")
    plain.info = {}
    return plain


def _upright_colours(image: Image.Image, profile: object) -> Image.Image:
    """`image` in sRGB, which is what is shown where no profile is told; L stays."""
    if isinstance(profile, bytes) and 0 < len(profile) <= _LARGEST_PROFILE and image.mode != "L":
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            made = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
        except (ImageCms.PyCMSError, *_BROKEN):
            made = None  # a profile of another kind, or none at all
        if made is not None:
            made.info = {}
            return made
    return image.convert("RGB") if image.mode == "CMYK" else image


def _encoded(image: Image.Image, kind: str) -> bytes:
    file = BytesIO()
    if kind == "jpeg":
        image.convert("L" if image.mode == "L" else "RGB").save(file, "JPEG", quality=_QUALITY, optimize=True)
    elif kind == "png":
        image.save(file, "PNG")
    elif kind == "gif":
        image.save(file, "GIF")
    else:
        image.save(file, "WEBP", quality=_QUALITY, method=4, exact=False)
    return file.getvalue()
