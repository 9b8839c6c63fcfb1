"""One picture: what is taken, what comes of it, and what is refused before it can do harm."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import time
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from publisher.errors import PictureError
from publisher.intake import gif, picture_header, webp
from publisher.intake.picture import LARGEST, MAX_BYTES, name_of, prepare
from publisher.model import Picture

SECRET = b"where it was taken, by whom"
KINDS = {
    "JPEG": ("L", "RGB", "CMYK"), "PNG": ("1", "L", "P", "RGB", "RGBA", "LA", "I;16"), "GIF": ("P",),
    "WEBP": ("RGB", "RGBA"), "AVIF": ("RGB", "RGBA"),
}
CASES = [(kind, mode) for kind, modes in KINDS.items() for mode in modes]


def encoded(image: Image.Image, kind: str, **more: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def drawn(mode: str = "RGB", size: tuple[int, int] = (90, 60)) -> Image.Image:
    return Image.radial_gradient("L").resize(size).convert("RGB").convert(mode if mode != "I;16" else "I").convert(mode)


def opened(picture: Picture) -> Image.Image:
    image = Image.open(BytesIO(picture.content))
    image.load()
    return image


def private(orientation: int = 1) -> Image.Exif:
    """Where on earth a picture was taken, and more that is nobody's business."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = SECRET.decode()
    gps = exif.get_ifd(0x8825)
    gps |= {1: "N", 2: (53.0, 33.0, 6.0), 3: "E", 4: (9.0, 59.0, 1.0)}
    return exif


@pytest.mark.parametrize(("kind", "mode"), CASES)
@pytest.mark.parametrize("size", [(90, 60), (1700, 681)])
def test_every_format_and_mode_comes_out_small_and_sound(kind: str, mode: str, size: tuple[int, int]) -> None:
    """In its own format (AVIF as WebP), with its sides in proportion, and equal for equal bytes."""
    content = encoded(drawn(mode, size), kind)
    picture = prepare(content, "Große Brücke.xyz")
    image = opened(picture)
    assert image.format == {"AVIF": "WEBP"}.get(kind, kind)
    assert image.size == (picture.width, picture.height) == ((90, 60) if size == (90, 60) else (1600, 641))
    assert picture.media_type == Image.MIME[str(image.format)]
    assert picture.name.startswith("grosse-brucke-")
    assert picture == prepare(content, "Große Brücke.xyz")
    assert picture.name == name_of(content, "Große Brücke.xyz")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "I;16"])
def test_great_picture_shows_the_same_small(mode: str) -> None:
    """Made small in strips, it is the same picture: no seam, no strip in another's place."""
    size = (3300, 700) if mode != "RGB" else (1000, 3900)
    whole = Image.linear_gradient("L").resize(size)
    great = whole.convert("I").point(lambda value: value * 257) if mode == "I;16" else whole
    picture = prepare(encoded(great.convert(mode), "PNG"), "a")
    wanted = whole.resize((picture.width, picture.height), Image.Resampling.LANCZOS).get_flattened_data()
    found = opened(picture).convert("RGB").convert("L").get_flattened_data()
    assert max(abs(int(str(a)) - int(str(b))) for a, b in zip(wanted, found, strict=True)) <= 4


def test_name_tells_pictures_apart_and_holds_nothing_odd() -> None:
    """Other bytes, another name; and a name that is none gives none."""
    one, other = encoded(drawn(), "PNG"), encoded(drawn("L"), "PNG")
    assert name_of(one, "a.png") != name_of(other, "a.png")
    assert name_of(one, "../../etc/a.png")[:2] == "a-"
    assert name_of(one, "写真.png").startswith("picture-")
    assert len(name_of(one, "x" * 5000)) < 90


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_where_a_picture_was_taken_is_told_to_nobody(kind: str) -> None:
    """EXIF with its GPS data, XMP and comments are gone from the bytes."""
    more: dict[str, Any] = {"exif": private()}
    more |= {"xmp": b"<x>" + SECRET + b"</x>"} if kind in ("JPEG", "WEBP", "AVIF") else {}
    more |= {"comment": SECRET} if kind == "JPEG" else {}
    content = encoded(drawn(), kind, **more)
    assert SECRET in content
    picture = prepare(content, "a")
    assert SECRET not in picture.content
    assert b"Exif" not in picture.content
    assert b"<x>" not in picture.content
    assert not opened(picture).getexif()


def test_text_of_a_png_is_gone() -> None:
    """Also where it is compressed."""
    info = PngInfo()
    info.add_text("Author", SECRET.decode())
    info.add_text("Comment", SECRET.decode() * 50, zip=True)
    image = opened(prepare(encoded(drawn(), "PNG", pnginfo=info), "a"))
    assert (image.info, getattr(image, "text", {})) == ({}, {})


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(40, 20), (4000, 2000)])
def test_picture_stands_upright(orientation: int, size: tuple[int, int]) -> None:
    """As EXIF says how the camera was held; the corner that is to be top left is bright."""
    upright = Image.new("L", size)
    upright.paste(255, (0, 0, size[0] // 2, size[1] // 2))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    held = upright.transpose(undo[orientation]) if orientation in undo else upright
    picture = prepare(encoded(held, "JPEG", exif=private(orientation)), "a")
    image = opened(picture)
    assert picture.width == 2 * picture.height
    corners = [image.getpixel((x * (image.width - 1), y * (image.height - 1))) for y in (0, 1) for x in (0, 1)]
    assert [int(str(corner)) > 128 for corner in corners] == [True, False, False, False]


def test_colours_are_those_of_the_web() -> None:
    """A profile is applied and left out; one that is none does no harm."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red = Image.new("RGB", (20, 20), (200, 30, 20))
    for icc in (srgb, profile.tobytes(), b"no profile", b""):
        image = opened(prepare(encoded(red, "PNG", icc_profile=icc), "a"))
        assert "icc_profile" not in image.info
        pixel = image.getpixel((5, 5))
        assert isinstance(pixel, tuple)
        assert all(abs(got - want) <= 2 for got, want in zip(pixel, (200, 30, 20), strict=True))


def test_what_is_transparent_stays_so() -> None:
    """With an alpha channel, a transparent colour of a palette, and when it is made small."""
    glass = Image.new("RGBA", (3400, 20), (255, 0, 0, 0))
    assert opened(prepare(encoded(glass, "PNG"), "a")).getchannel("A").getextrema() == (0, 0)
    palette = Image.new("P", (30, 30), 7)
    palette.putpalette([*range(256)] * 3)
    image = opened(prepare(encoded(palette, "PNG", transparency=7), "a"))
    assert image.mode == "RGBA"
    assert image.getchannel("A").getextrema() == (0, 0)


def animation(frames: int = 3, size: tuple[int, int] = (60, 40), **more: Any) -> bytes:
    images = [Image.new("P", size, number) for number in range(frames)]
    for number, image in enumerate(images):
        image.putpalette([*range(256)] * 3)
        image.putpixel((number % 8, 0), 200)
    return encoded(images[0], "GIF", save_all=True, append_images=images[1:], duration=80, loop=0, **more)


def test_animation_still_moves_and_says_nothing() -> None:
    """Frames, times and repetition stay; the comment goes."""
    content = animation(comment=SECRET)
    assert SECRET in content
    picture = prepare(content, "a.gif")
    assert SECRET not in picture.content
    image = opened(picture)
    assert (getattr(image, "n_frames", 0), image.info["duration"], image.info["loop"]) == (3, 80, 0)
    assert picture.content == gif.stripped(picture.content)


def test_animation_that_is_too_much_becomes_its_first_frame() -> None:
    """Of too many pixels in all, or too wide."""
    for content in (animation(600, (8, 8)), animation(2, (LARGEST + 100, 8))):
        assert getattr(opened(prepare(content, "a.gif")), "n_frames", 0) == 1


def test_animation_with_a_frame_beyond_its_edges_is_refused() -> None:
    """The frame would need memory that the header does not tell of."""
    content = bytearray(animation())
    at = content.rindex(b"\x2c\x00\x00\x00\x00")
    content[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(PictureError, match="over its edges"):
        prepare(bytes(content), "a.gif")


def moving_webp(frames: int = 3, size: tuple[int, int] = (60, 40), **more: Any) -> bytes:
    images = [drawn("RGBA", size).rotate(30 * number) for number in range(frames)]
    return encoded(images[0], "WEBP", save_all=True, append_images=images[1:], duration=80, loop=0, **more)


def test_moving_webp_still_moves_and_says_nothing() -> None:
    """Frames, times, repetition and every pixel stay; where it was taken goes, also a note within a frame."""
    content = moving_webp(exif=private(6), xmp=b"<x>" + SECRET + b"</x>")
    assert SECRET in content
    picture = prepare(content, "a.webp")
    assert SECRET not in picture.content
    assert b"EXIF" not in picture.content
    image, before = opened(picture), Image.open(BytesIO(content))
    assert (getattr(image, "n_frames", 0), image.info["loop"], image.size) == (3, 0, (60, 40))
    for frame in range(3):
        image.seek(frame)
        before.seek(frame)
        assert image.convert("RGBA").tobytes() == before.convert("RGBA").tobytes()
        assert image.info["duration"] == 80
    assert picture.content == webp.stripped(picture.content)
    noted = b"ANMF" + struct.pack("<I", 16 + 8 + len(SECRET)) + bytes(16) + b"NOTE" + struct.pack("<I", len(SECRET)) + SECRET
    assert SECRET not in webp.stripped(b"RIFF\0\0\0\0WEBP" + noted + bytes(len(SECRET) % 2))


def test_moving_webp_that_is_too_much_becomes_its_first_frame() -> None:
    """Of too many frames, or too wide."""
    for content in (moving_webp(510, (8, 8)), moving_webp(2, (LARGEST + 100, 8))):
        assert getattr(opened(prepare(content, "a.webp")), "n_frames", 0) == 1


def test_moving_webp_with_a_frame_beyond_its_edges_is_refused() -> None:
    """The frame would need memory that the header does not tell of."""
    content = bytearray(moving_webp())
    at = content.rindex(b"ANMF") + 8
    content[at + 6 : at + 12] = b"\xff" * 6
    with pytest.raises(PictureError, match="over its edges"):
        prepare(bytes(content), "a.webp")


def png_of(width: int, height: int) -> bytes:
    """A sound PNG of one colour, very small for its size."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    line = bytes(1 + width)
    rows = b"".join(packer.compress(line) for _ in range(min(height, 6000))) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_bomb_is_refused_by_its_header() -> None:
    """The pixels are never looked at; the reason tells the size."""
    for content in (
        png_of(60_000, 60_000),
        b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\0\0\0",
        b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (16_000).to_bytes(3, "little") * 2,
        b"\0\0\0\x1cftypavif\0\0\0\0\0\0\0\x14ispe\0\0\0\0" + struct.pack(">II", 60_000, 60_000) + bytes(50),
        b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03" + bytes(50) + b"\xff\xda\0\x08\x03" + bytes(50),
    ):
        with pytest.raises(PictureError, match=r"too large: .* pixels"):
            prepare(content, "bomb")
    with pytest.raises(PictureError, match="too large: 20 MB"):
        prepare(b"\xff\xd8\xff" + bytes(MAX_BYTES), "heavy")


def test_jpeg_in_several_scans_is_bound_like_one_that_is_decoded_as_a_whole() -> None:
    """The decoder keeps all of it in memory, whatever its kind."""
    plain, slow = (encoded(drawn(), "JPEG", progressive=progressive) for progressive in (False, True))
    found = [picture_header.read(content) for content in (plain, slow)]
    assert [header.by_lines for header in found if header] == [True, False]
    scan = plain.index(b"\xff\xda")
    parted = picture_header.read(plain[: scan + 4] + b"\x01" + plain[scan + 5 :])
    assert parted is not None
    assert not parted.by_lines


def test_no_header_takes_long() -> None:
    """However many parts a file of the largest size is made of."""
    gif_head = animation()[:13]
    for content in (
        b"\xff\xd8" + b"\xff" * (MAX_BYTES - 10), b"\xff\xd8" + b"\xff\xe0\0\0" * (MAX_BYTES // 4 - 10),
        gif_head + bytes(768) + b"\x21\xfe" + b"\x01\x01" * (MAX_BYTES // 2 - 1000),
        gif_head + bytes(768) + b"\x21\xfe\0" * (MAX_BYTES // 3 - 1000),
        b"\0\0\0\x1cftypavif" + b"ispe" * (MAX_BYTES // 4 - 10),
    ):
        start = time.process_time()
        with pytest.raises(PictureError):
            prepare(content, "a")
        assert time.process_time() - start < 1


@pytest.mark.parametrize(("kind", "mode"), CASES)
def test_what_breaks_off_is_refused(kind: str, mode: str) -> None:
    """A copy that was not finished is no picture yet."""
    content = encoded(drawn(mode, (300, 200)), kind)
    for part in (0, 1, 5, len(content) // 3, len(content) // 2):
        with pytest.raises(PictureError):
            prepare(content[:part], "a")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "SVG"),
        (b"root:x:0:0:root:/root:/bin/bash\n", "no picture"),
        (b"<html><body>404</body></html>", "no picture"),
        (b"BM" + bytes(100), "no picture"),
        (b"II*\0" + bytes(100), "no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "no picture"),
        (b"\0\0\0\x18ftypheic" + bytes(60), "no picture"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    """Formats that run programs, or that browsers do not show, are among it."""
    with pytest.raises(PictureError, match=reason):
        prepare(content, "a.jpg")


def attempt(content: bytes) -> None:
    try:
        picture = prepare(content, "a")
    except PictureError:
        return
    assert max(opened(picture).size) <= LARGEST


SAMPLES = [encoded(drawn(mode, (60, 40)), kind) for kind, mode in CASES] + [
    animation(), moving_webp(), encoded(drawn(), "JPEG", exif=private(6), progressive=True, comment=SECRET),
    encoded(drawn(), "PNG", exif=private(6), icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
    encoded(drawn(), "WEBP", exif=private(6), save_all=True, append_images=[drawn("L").convert("RGB")]),
]


@given(st.sampled_from([b"", *(sample[:12] for sample in SAMPLES)]), st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_no_bytes_break_it(head: bytes, tail: bytes) -> None:
    """Whatever begins like a picture and goes on as it likes."""
    attempt(head + tail)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=300, deadline=None)
def test_no_damage_breaks_it(seed: int) -> None:
    """Sound pictures with bytes changed, cut out, doubled, or taken from another."""
    dice = random.Random(seed)
    content = bytearray(dice.choice(SAMPLES))
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(content))
        size = dice.randint(1, 12)
        change = dice.choice(("set", "cut", "double", "mix"))
        if change == "set":
            content[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
        elif change == "cut" and len(content) > 60:
            del content[at : at + size]
        elif change == "double":
            content[at:at] = content[at : at + size]
        else:
            content[at : at + size] = dice.choice(SAMPLES)[at : at + size]
    attempt(bytes(content))


MEASURE = """
import re, sys
from publisher.errors import PictureError
from publisher.intake.picture import prepare
from publisher.intake import picture_raster
def most():
    with open("/proc/self/status") as file:
        return int(re.search("VmHWM:\\s*(\\d+) kB", file.read())[1])
content = sys.stdin.buffer.read()
before = most()
try:
    prepare(content, "a")
    said = "taken"
except PictureError as error:
    said = str(error)
print(most() - before, said)
"""


def memory_of(content: bytes) -> tuple[int, str]:
    """Kilobytes that preparing it needs at most, in a process of its own; and what came of it."""
    done = subprocess.run([sys.executable, "-c", MEASURE], input=content, capture_output=True, check=True, timeout=60)
    size, said = done.stdout.decode().split(" ", 1)
    return int(size), said.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told in other units elsewhere")
def test_no_picture_needs_much_memory() -> None:
    """Less than 200 MB, for a bomb and for the largest that is taken."""
    size, said = memory_of(png_of(60_000, 60_000))
    assert size < 10_000
    assert "too large" in said
    for content in (encoded(Image.new("RGBA", (4999, 5000)), "PNG"), encoded(Image.new("RGB", (12_500, 7_900)), "JPEG")):
        size, said = memory_of(content)
        assert said == "taken"
        assert size < 200_000
