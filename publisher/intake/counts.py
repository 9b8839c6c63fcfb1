"""How much a line holds of each kind of character. Pure.

Western lines are counted as bytes: each is replaced by the sign of its kind, once, and then signs are counted. That is
many times as fast as asking of each character what it is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from publisher.intake import shape

_MARKS = re.compile(r"[.!?…。！？؟۔।](?=[\s\"'”’»)]|$)|[。！？]")
_COMMAS = re.compile(r"[,;،、，؛]")
_SIGNS = re.compile(r"[^\w\s.,;:!?'\"“”‘’„«»()-]")
_QUOTE = re.compile(r"[\"“”„«»「」]")
#: Characters of a line in which digits, and capitals, count.
_LONG, _SHORT = 200, 120
#: The letters and signs of Western texts, a byte each; the quicker one for all but the signs that it lacks.
_WESTERN, _QUICK = "cp1252", "latin-1"
_LACKED = [
    (letter, chr(byte)) for byte in range(0x80, 0xA0) if (letter := bytes((byte,)).decode(_WESTERN, "ignore"))
]


class Counts(NamedTuple):
    """What one line holds."""

    #: In Latin letters.
    width: int
    words: int
    #: Ends of sentences.
    marks: int
    #: Words but the first that begin with a capital, and words in which that could be seen.
    heads: int
    parts: int
    #: 0 in a long line.
    digits: int
    #: 0 in a line that is not short.
    capitals: int
    #: Signs that prose has no use for.
    signs: int
    quotes: int
    #: And their like.
    commas: int


def count(line: str) -> Counts:
    """What `line`, its words apart by single spaces, holds."""
    try:
        kinds = _western(line).translate(_KINDS)
    except UnicodeEncodeError:
        return _counted(line)
    size, rest = len(line), kinds.translate(None, b"a A")
    parts = kinds.count(b" ") + 1
    return Counts(
        width=size,
        words=parts,
        marks=_marks(kinds, rest),
        heads=kinds.count(b" A"),
        parts=parts,
        digits=rest.count(b"0") if size < _LONG else 0,
        capitals=kinds.count(b"A") if size < _SHORT else 0,
        signs=rest.count(b"#") + rest.count(b"e"),
        quotes=rest.count(b'"') + rest.count(b"<"),
        commas=rest.count(b","),
    )


def _marks(kinds: bytes, rest: bytes) -> int:
    """Ends of sentences; of what may stand around them only what is there is looked for."""
    found = int(kinds.endswith((b".", b"e")))
    behind = [b" ", *(sign for sign in (b'"', b")") if sign in rest)]
    for mark in (b".", b"e"):
        if mark in rest:
            found += sum(kinds.count(mark + sign) for sign in behind)
    return found


def _western(line: str) -> bytes:
    if not line.isascii():
        for letter, stand_in in _LACKED:
            line = line.replace(letter, stand_in)
    return line.encode(_QUICK)


def _counted(line: str) -> Counts:
    """The same for any script."""
    heads = [part[0] for part in line.split()]
    width = shape.width(line)
    return Counts(
        width=width,
        words=shape.words(line),
        marks=len(_MARKS.findall(line)),
        heads=sum(map(str.isupper, heads[1:])),
        parts=len(heads),
        digits=sum(map(str.isdigit, line)) if width < _LONG else 0,
        capitals=sum(map(str.isupper, line)) if width < _SHORT else 0,
        signs=len(_SIGNS.findall(line)),
        quotes=len(_QUOTE.findall(line)),
        commas=len(_COMMAS.findall(line)),
    )


def _kind(letter: str) -> bytes:
    """The sign that stands for a character's kind."""
    kinds = {
        b" ": letter.isspace(),
        b".": letter in ".!?",
        b"e": letter == "…",  # ends a sentence, and is a sign
        b",": _COMMAS.match(letter),
        b'"': letter in '"”»',  # may stand behind the end of a sentence, as do the next
        b")": letter in "'’)",
        b"<": _QUOTE.match(letter),
        b"0": letter.isdigit(),
        b"A": letter.isupper(),
        b"#": _SIGNS.match(letter),
    }
    return next((sign for sign, holds in kinds.items() if holds), b"a")


#: For each byte the sign of its kind; some bytes are no character.
_KINDS = b"".join(_kind(bytes((byte,)).decode(_WESTERN, "replace")) for byte in range(256))
