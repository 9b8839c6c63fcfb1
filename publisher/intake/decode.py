"""Bytes to text, and how they were read. Pure."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from publisher.errors import DocumentError
from publisher.intake import language

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that of UTF-16-LE
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: First bytes of files that get an article's ending by mistake, and what they are.
_SIGNATURES = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"{\\rtf", "a rich-text (RTF) document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x1f\x8b", "a gzip file"),
)
_NO_TEXT = "it is binary data, not text"
_SAVE_AS_TEXT = "save it as text in UTF-8"
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]{2,40})[\"']")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_ASCII_CONTROLS = bytes(code for code in range(128) if _CONTROLS.match(chr(code)))
# What Western European text uses of the upper half of windows-1252, letters apart.
_WESTERN_SIGNS = frozenset("€‚„…‘’“”•–—™\u00a0¡¢£§©ª«®°±·º»¿½¼¾×÷")
#: Languages in Latin letters that windows-1252 lacks, and what they are written in then.
_BY_LANGUAGE = {
    **dict.fromkeys(("bs", "cs", "hr", "hu", "pl", "ro", "sk", "sl", "sq"), ("cp1250", "iso8859-2")),
    **dict.fromkeys(("az", "tr"), ("cp1254",)),
    **dict.fromkeys(("et", "lt", "lv"), ("cp1257",)),
}
_ESCAPED = re.compile("[\udc80-\udcff]+")
_SAMPLE = 65_536
_SAMPLE_EVIDENCE = 4_096


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a document, with the name of the encoding that it was read by."""

    text: str
    #: As "utf-8" or "windows-1252"; with "damaged" behind it where bytes had to be replaced.
    encoding: str


def decode(data: bytes) -> Decoded:
    """`data` as text.

    In this order: byte order mark, UTF-16 without a mark where its zero bytes give it away, strict UTF-8, the charset
    that a page declares for itself, UTF-8 with some damage or with words in windows-1252, what its language is written
    in, windows-1252 where the text looks Western, the best guess. Raises DocumentError for what is no text.
    """
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            raise DocumentError(f"it is {kind}, not text", _SAVE_AS_TEXT)
    found = _by_mark(data) or _by_zero_bytes(data) or _strict(data, "utf-8") or _declared(data)
    found = found or _damaged_utf8(data) or _by_language(data) or _western(data) or _guessed(data)
    if found is None or _is_rubbish(found):
        raise DocumentError(_NO_TEXT, _SAVE_AS_TEXT)
    return found


def _strict(data: bytes, encoding: str, name: str = "") -> Decoded | None:
    try:
        return Decoded(data.decode(encoding), name or encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _by_mark(data: bytes) -> Decoded | None:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(encoding, "replace")
            return Decoded(text, encoding if "\ufffd" not in text else f"{encoding} damaged")
    return None


def _by_zero_bytes(data: bytes) -> Decoded | None:
    """UTF-16 without a mark: spaces and line ends leave zero bytes on one side only."""
    if b"\x00" not in data:
        return None
    sample = data[: _SAMPLE_EVIDENCE & ~1]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) < max(1, len(sample) // 40) or min(even, odd) > max(even, odd) // 20:
        return None
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    return _strict(data[: len(data) & ~1], encoding)


def _declared(data: bytes) -> Decoded | None:
    head = data[:4096]
    match = _XML_ENCODING.search(head) or _META_CHARSET.search(head)
    if match is None:
        return None
    name = match[1].decode("ascii").lower()
    try:
        name = codecs.lookup(name).name
        text = b"".decode(name)  # refuses codecs that make no text, as "hex"
    except LookupError:
        return None
    if name in ("iso8859-1", "ascii"):  # the web reads both as windows-1252 (WHATWG Encoding, section 4.2)
        return Decoded(data.decode("cp1252", "replace"), "windows-1252") if not text else None
    return _strict(data, name) if not name.startswith(("utf-16", "utf-32", "utf-8")) else None


def _damaged_utf8(data: bytes) -> Decoded | None:
    """UTF-8 with some broken bytes: many good sequences, and fewer bad ones.

    A bad byte that stands alone is a letter or quotation mark that was pasted in windows-1252.
    """
    sample = data[:_SAMPLE]
    bad = sample.decode("utf-8", "replace").count("\ufffd")
    good = sum(not c.isascii() for c in sample.decode("utf-8", "ignore"))
    if good < 3 or bad > 1 + good:
        return None
    return Decoded(_ESCAPED.sub(_pasted, data.decode("utf-8", "surrogateescape")), "utf-8 damaged")


def _pasted(match: re.Match[str]) -> str:
    alone = len(match[0]) == 1 and match.end() < len(match.string)
    return bytes([ord(match[0]) - 0xDC00]).decode("cp1252", "replace") if alone else "\ufffd"


def _by_language(data: bytes) -> Decoded | None:
    """By the language that the text is in, most of whose letters are the same in any encoding."""
    told = language.detect(data[:_SAMPLE].decode("cp1252", "replace"))
    tried = [_strict(data, name, name.replace("cp", "windows-")) for name in _BY_LANGUAGE.get(told, ())]
    found = max(filter(None, tried), key=_letters, default=None)
    high = [c for c in found.text[:_SAMPLE] if not c.isascii()] if found else []
    odd = sum(not c.isalpha() and c not in _WESTERN_SIGNS for c in high)
    return found if 5 * odd <= len(high) else None


def _letters(found: Decoded) -> int:
    return sum(c.isalpha() for c in found.text[:_SAMPLE])


def _western(data: bytes) -> Decoded | None:
    found = _strict(data, "cp1252", "windows-1252")
    if found is None:
        return None
    sample = found.text[:_SAMPLE]
    high = [c for c in sample if ord(c) > 127]
    usual = sum(c in _WESTERN_SIGNS or "À" <= c <= "ÿ" or c in "ŒœŠšŽžŸ" for c in high)
    letters = sum(c.isalpha() for c in sample)
    return found if usual >= 0.95 * len(high) and len(high) <= 0.25 * max(letters, 1) else None


def _guessed(data: bytes) -> Decoded | None:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - rarely needed, and slow to load

    best = from_bytes(data[:_SAMPLE]).best()
    if best is None:
        return None
    return Decoded(data.decode(best.encoding, "replace"), best.encoding.replace("_", "-"))


def _is_rubbish(found: Decoded) -> bool:
    """Whether the characters are no text. Strict UTF-8 is hardly ever met by chance, so stray controls are forgiven."""
    sample = found.text[:_SAMPLE]
    share = 16 if found.encoding == "utf-8" else 100
    controls = len(_CONTROLS.findall(sample)) if not sample.isascii() else _ascii_controls(sample)
    return controls > max(3, len(sample) // share) or sample.count("\ufffd") > max(3, len(sample) // 50)


def _ascii_controls(sample: str) -> int:
    """The same for ASCII, ten times as fast."""
    data = sample.encode("ascii")
    return len(data) - len(data.translate(None, _ASCII_CONTROLS))
