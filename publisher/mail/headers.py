"""Header bytes of our own: ASCII, folded at 78, with RFC 2047 encoded words that nothing can break out of. Pure.

Python's `email` package is not used for output: it turns long URLs into encoded words and, in older versions, lets a
title that looks like an encoded word write headers of its own.
"""

from __future__ import annotations

import base64
import re

from publisher.mail.address import Mailbox
from publisher.text import one_line

#: Characters of a line, without its CRLF, that we keep to (RFC 5322 section 2.1.1).
WIDTH = 78
#: Longest encoded word, RFC 2047 section 2.
_WORD = 75
_FRAME = len("=?utf-8?q??=")
# What may stand for itself in a Q-encoded word of a phrase, RFC 2047 section 5 (3).
_PLAIN_Q = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_PRINTABLE = re.compile(r"[ -~]*")


def text(name: str, value: str) -> bytes:
    """An unstructured header, as Subject, that reads back as `value` cleaned and on one line."""
    value = one_line(value)
    start = f"{name}: "
    if _stands_as_it_is(value, len(start)):
        return _fold(start, value.split(" "))
    return _fold(start, _encoded_words(value, WIDTH - len(start)))


def mailboxes(name: str, box: Mailbox) -> bytes:
    """A header with one mailbox, as From and To. UTF-8 only where the local part is (RFC 6532)."""
    start = f"{name}: "
    if not box.name:
        return _fold(start, [box.address])
    return _fold(start, [*_phrase(box.name, len(start)), f"<{box.address}>"])


def named_id(name: str, phrase: str, identifier: str) -> bytes:
    """A header of a phrase and an identifier in angle brackets, as List-Id (RFC 2919)."""
    start = f"{name}: "
    return _fold(start, [*_phrase(one_line(phrase), len(start)), f"<{identifier}>"])


def plain(name: str, value: str) -> bytes:
    """A header whose ASCII value is ours and stays on one line, as List-Unsubscribe.

    Raises ValueError for a value with anything but printable ASCII.
    """
    if not _PRINTABLE.fullmatch(value):
        raise ValueError(f"{name}: not printable ASCII")
    return f"{name}: {value}\r\n".encode("ascii")


def folded(name: str, words: list[str]) -> bytes:
    """A header of ASCII words of ours, folded between them."""
    return _fold(f"{name}: ", words)


def _stands_as_it_is(value: str, offset: int) -> bool:
    """Whether `value` needs no encoded word: printable, nothing like one in it, no word too long for its line."""
    if not _PRINTABLE.fullmatch(value) or "=?" in value or not value:
        return value == ""
    words = value.split(" ")
    return len(words[0]) <= WIDTH - offset and all(len(word) < WIDTH for word in words)


def _phrase(value: str, offset: int) -> list[str]:
    """A display name as atoms, a quoted string or encoded words (RFC 5322 section 3.2.5)."""
    room = WIDTH - offset
    if "=?" not in value and _ATOMS.fullmatch(value) and len(value) <= room:
        return value.split(" ")
    if "=?" not in value and _PRINTABLE.fullmatch(value) and len(value) < room // 2:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return [f'"{escaped}"']
    return _encoded_words(value, room)


def _encoded_words(value: str, first: int) -> list[str]:
    """`value` as encoded words of whole characters; the first within `first` characters, the others within 75."""
    quoted = [_quoted(char) for char in value]
    short = sum(map(len, quoted)) <= len(value.encode()) * 4 / 3
    words: list[str] = []
    room = min(_WORD, first) - _FRAME
    held = ""
    size = 0
    for char, q in zip(value, quoted, strict=True):
        width = len(q) if short else len(char.encode())
        if held and (size + width if short else (size + width + 2) // 3 * 4) > room:
            words.append(_word(held, short))
            held, size, room = "", 0, _WORD - _FRAME
        held += char
        size += width
    return [*words, _word(held, short)]


def _word(chars: str, short: bool) -> str:
    if short:
        return f"=?utf-8?q?{''.join(map(_quoted, chars))}?="
    return f"=?utf-8?b?{base64.b64encode(chars.encode()).decode('ascii')}?="


def _quoted(char: str) -> str:
    if char == " ":
        return "_"
    return "".join(chr(byte) if byte in _PLAIN_Q else f"={byte:02X}" for byte in char.encode())


def _fold(start: str, words: list[str]) -> bytes:
    """`start` and the words, a line broken before each word that would pass the width.

    The first word always stays on the first line: some readers lose a header whose first line is empty.
    """
    lines = [start + words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(f" {word}")
    return "\r\n".join(lines).encode() + b"\r\n"
