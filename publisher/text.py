"""Plain text: cleaning, folding, slugs, counting. The only code that knows anyascii. Pure."""

from __future__ import annotations

import html
import re
import unicodedata

from publisher import slots

#: Words a minute of a calm reader.
READING_SPEED = 220

# C0 and C1 controls but tab and newline, lone surrogates, non-characters, and the two that mark slots.
_FORBIDDEN = re.compile(
    f"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff{slots.OPEN}{slots.CLOSE}]"
)
_FORBIDDEN_ASCII = bytes(code for code in range(128) if _FORBIDDEN.match(chr(code)))
#: Terminals' control sequences, whole: else "[31m" would stay of one (ECMA-48, section 5.4), and titles of windows.
_ESCAPES = re.compile(
    "\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]{0,200}(?:\x07|\x1b\\\\)|[!-/][0-~])"
    "|\x9b[0-?]*[ -/]*[@-~]"
)
_SPACES = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_NOT_WORD = re.compile(r"[\W_]+")
#: For each byte of ASCII the small letter or digit that it is, else a space.
_ASCII_WORDS = bytes(code if chr(code).isalnum() else 32 for code in range(128)).lower().ljust(256)
_SIGNS = "\u2019\u201c\u201d\u2013\u2014\u2018\u2026\u00a0"
_ATTRIBUTES = r"""(?:[^>"']|"[^"]*"|'[^']*')*"""
_TAG = re.compile(f"<{_ATTRIBUTES}>")
_BLOCK = re.compile(
    r"</?(?:p|h[1-6]|[uod]l|li|d[td]|blockquote|pre|figure|figcaption|table|tr|t[hd]|caption|section|article|div|[bh]r)"
    rf"\b{_ATTRIBUTES}>",
    re.IGNORECASE,
)
_RIGHT_TO_LEFT = frozenset(("ar", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"))
_LATIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i"}
)


def clean(text: str) -> str:
    """`text` in NFC with LF line ends and without characters that XML 1.0, a header or a slot forbids."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    if "\x1b" in text or "\x9b" in text:
        text = _ESCAPES.sub("", text)
    if text.isascii():  # the same, five times as fast
        return text.encode("ascii").translate(None, _FORBIDDEN_ASCII).decode("ascii")
    return unicodedata.normalize("NFC", _FORBIDDEN.sub("", text).replace("\ufeff", ""))


def one_line(text: str) -> str:
    """`text`, cleaned, on one line with single spaces."""
    if text.isascii() and text.isprintable():  # nothing to clean
        return " ".join(text.split())
    return _SPACES.sub(" ", clean(text).replace("\n", " ")).strip()


def fold(text: str) -> str:
    """The words of `text` in lower case with single spaces, for comparing titles and lines."""
    return " ".join(folded_words(text))


def folded_words(text: str) -> list[str]:
    """The words of `text` in lower case."""
    if not text.isascii():
        for sign in _SIGNS:  # often the only ones that are no ASCII
            text = text.replace(sign, " ")
    if text.isascii():  # the same, five times as fast
        return text.encode("ascii").translate(_ASCII_WORDS).decode("ascii").split()
    return _NOT_WORD.sub(" ", text.casefold()).split()


def slugify(text: str, limit: int = 60) -> str:
    """An ASCII slug of `text`, at most `limit` characters, cut between words; empty where nothing is left."""
    words = re.sub(r"[^a-z0-9]+", "-", latin(text)).strip("-")
    if len(words) <= limit:
        return words
    cut = words[: limit + 1].rpartition("-")[0]
    return (cut or words)[:limit]


def readable_slug(text: str, limit: int = 60) -> str:
    """As `slugify`, but letters of other scripts are written in Latin ones: "Новий міст" is "noviy-mist".

    ASCII survives mail programs and feed readers unchanged, where percent-encoded letters triple in length and break
    across lines. For articles' addresses only: what is computed again each time, as a section's, must not change.
    """
    plain = latin(text)
    if plain.isascii():
        return slugify(text, limit)
    from anyascii import anyascii  # noqa: PLC0415 - only titles in other scripts need it

    return slugify(anyascii(unicodedata.normalize("NFC", text)), limit)


def latin(text: str) -> str:
    """`text` in lower case, its Latin letters without accents and its apostrophes gone; other letters as they are."""
    small = unicodedata.normalize("NFKD", text).casefold().translate(_LATIN)
    plain = unicodedata.normalize("NFKD", small)
    return re.sub(r"[\u0300-\u036f'\u2019]", "", plain)


def shorten(text: str, limit: int) -> str:
    """`text` within `limit` characters, cut between words and closed by an ellipsis where it was cut."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    kept = head.rpartition(" ")[0] if " " in head else head[: limit - 1]
    return kept.rstrip(" ,;:.-\u2013\u2014") + "\u2026"


def direction(language: str) -> str:
    """Which way the language of a BCP 47 tag is written: "rtl" or "ltr"."""
    return "rtl" if language.partition("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"


def word_count(text: str) -> int:
    """Number of words, for reading times."""
    return len(text.split())


def reading_minutes(text: str) -> int:
    """Minutes a calm reader needs, at least 1."""
    return max(1, round(word_count(text) / READING_SPEED))


def from_html(markup: str) -> str:
    """The text of sanitised HTML, a blank line between blocks."""
    broken = _BLOCK.sub("\n\n", markup.replace("\n", " "))
    lines = (one_line(html.unescape(_TAG.sub("", block))) for block in broken.split("\n\n"))
    return "\n\n".join(line for line in lines if line)
