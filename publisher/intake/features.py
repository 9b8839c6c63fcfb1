"""What a line of a scraped text looks like, in numbers: its own shape, and that of the lines around it. Pure.

Length, sentence ends, capitals, digits, signs, repetition and the share of the document's own commonest words hold
across languages and sites. The few words that count are those of `shape`, common to the trade in several languages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from math import log2
from operator import itemgetter
from typing import Any, NamedTuple

from publisher.intake import shape
from publisher.intake.forest import Table

Row = list[float]

#: So many of the commonest words of the running text are taken for its function words.
_FUNCTION_WORDS = 40
#: Distances and counts of lines beyond this say nothing more.
_FAR = 40
#: Two lines of nothing: words, end, running text.
_EDGES = ((0.0, -1.0, -1.0),) * 2

_MARKS = re.compile(r"[.!?…。！？؟۔।](?=[\s\"'”’»)]|$)|[。！？]")
_COMMAS = re.compile(r"[,;،、，؛]")
_SIGNS = re.compile(r"[^\w\s.,;:!?'\"“”‘’„«»()-]")
_QUOTE = re.compile(r"[\"“”„«»「」]")
_DIGIT_START = re.compile(r"\W{0,2}\d")
_WORD = re.compile(r"[^\W\d_]+")
_DATE_SHAPE = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}:\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b")
_LABEL_SHAPE = re.compile(r"^\W{0,2}[^\W\d_][^:：]{0,28}[:：](?:\s|$)")
_NOTICE_WORDS = frozenset(("copyright", "c", "rights", "rechte", "droits", "©"))
_END = {".": 3.0, "!": 2.0, "?": 2.0, "…": 1.0, ":": 1.5, ",": 0.5, ";": 0.5}
_END |= dict.fromkeys("。۔।", 3.0) | dict.fromkeys("！？؟", 2.0)
_CLOSERS = "\"'”’»«)]」 "
#: The letters and signs of Western texts, a byte each.
_WESTERN = "cp1252"
#: Characters of a line in which digits, and capitals, count.
_LONG, _SHORT = 200, 120


def _all_but(counted: Callable[[str], object]) -> bytes:
    """The bytes that are to be taken out of a line for counting the others."""
    letters = {byte: bytes((byte,)).decode(_WESTERN, "ignore") for byte in range(256)}
    return bytes(byte for byte, letter in letters.items() if not letter or not counted(letter))


_NO_DIGITS, _NO_CAPITALS = _all_but(str.isdigit), _all_but(str.isupper)
_NO_SIGNS, _NO_QUOTES, _NO_COMMAS = map(_all_but, (_SIGNS.match, _QUOTE.match, _COMMAS.match))
#: What stands below an article: replies to it, and pointers to others.
_REPLIES = re.compile(
    r"\b(?:comment(?:s|aires?)?|repl(?:y|ies)|responses?|discussion|kommentare?|comentarios?|comentários?|commenti"
    r"|reacties|комментари[ияй]|تعليقات?|التعليقات)\b|コメント|评论|댓글",
    re.IGNORECASE,
)
_BELOW = re.compile(
    r"\b(?:related|more (?:from|on|stor|article|post|news)|you (?:may|might)|recommended|read (?:next|more)|share|"
    r"tags?|filed under|categor(?:y|ies)|about the author|previous|next|popular|trending|latest|archives?|newsletter|"
    r"subscribe|follow|mehr|teilen|partager|compartir|condividi|delen|также|مشاركة)\b",
    re.IGNORECASE,
)
#: A line of ASCII without any of these words is nothing of the kind: asking a set costs less than a pattern.
_MAY_REPLY = frozenset((
    "comment", "comments", "commentaire", "commentaires", "reply", "replies", "response", "responses", "discussion",
    "kommentar", "kommentare", "comentario", "comentarios", "commenti", "reacties",
))  # fmt: skip
_MAY_BE_BELOW = frozenset((
    "related", "more", "you", "recommended", "read", "share", "tag", "tags", "filed", "category", "categories",
    "about", "previous", "next", "popular", "trending", "latest", "archive", "archives", "newsletter", "subscribe",
    "follow", "mehr", "teilen", "partager", "compartir", "condividi", "delen",
))  # fmt: skip


class _Counts(NamedTuple):
    """Characters of a line: its width in Latin letters, digits and capitals (0 in a long one), signs that prose has no
    use for, quotation marks, commas and their like.
    """

    width: int
    digits: int
    capitals: int
    signs: int
    quotes: int
    commas: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a line is in whatever text it stands."""

    #: Its numbers before those that its text gives it, between them, and after them.
    first: tuple[float, ...]
    middle: tuple[float, ...]
    last: tuple[float, ...]
    #: How much of a running text it is: 0 to 3.
    text: float
    replies: bool
    below: bool
    dated: bool


def rows(lines: list[str], folded: list[str]) -> Table:
    """For each of `lines`, whose folded forms are `folded`, a row of the numbers that the line model is asked with."""
    counts = Counter(folded)
    split = [form.split() for form in folded]
    common, vocabulary = _vocabulary(lines, split)
    shapes = [
        (_short_shape if len(line) < _SHORT else _shape)(line, form)
        for line, form in zip(lines, folded, strict=True)
    ]
    own = [
        _row(one, words, counts[form], common, vocabulary)
        for one, words, form in zip(shapes, split, folded, strict=True)
    ]
    return _with_neighbours(own, shapes)


def _vocabulary(lines: list[str], split: list[list[str]]) -> tuple[frozenset[str], frozenset[str]]:
    """The commonest words of the running text, and all that it uses twice or more."""
    used: Counter[str] = Counter()
    for line, words in zip(lines, split, strict=True):
        if shape.is_sentence(line):
            used.update(list(dict.fromkeys(words)))  # not a set: its order, and that of ties, is chance
    # Most words stand there once: they come last, in the text's order, and need no sorting.
    often = sorted((pair for pair in used.items() if pair[1] > 1), key=itemgetter(1), reverse=True)
    common = [word for word, _ in often[:_FUNCTION_WORDS]]
    if len(common) < _FUNCTION_WORDS:
        once = (word for word, count in used.items() if count == 1)
        common += islice(once, _FUNCTION_WORDS - len(common))
    return frozenset(common), frozenset(word for word, _ in often[_FUNCTION_WORDS:])


def _row(one: _Shape, words: list[str], times: int, common: frozenset[str], vocabulary: frozenset[str]) -> Row:
    known = len(words) or 1
    return [
        *one.first,
        sum(map(common.__contains__, words)) / known,
        sum(map(vocabulary.__contains__, words)) / known,
        *one.middle,
        float(min(times, 5)),
        *one.last,
    ]


def _shape(line: str, form: str) -> _Shape:
    folded = form.split()
    heads = [part[0] for part in line.split()]
    count = _counts(line)
    width = count.width
    words = len(heads) if width == len(line) else shape.words(line)
    end = _END.get(line.rstrip(_CLOSERS)[-1:], 0.0)
    replies = width < 60 and _holds(_REPLIES, line, _MAY_REPLY, folded)
    below = width < 80 and _holds(_BELOW, line, _MAY_BE_BELOW, folded)
    dated = width < _SHORT and count.digits >= 3 and _DATE_SHAPE.search(line) is not None
    text = 1.0 if width >= 80 else 0.5 if width >= 40 else 0.0
    if end >= 2 and width >= 40:
        text += min(width, 400) / 200
    first = (float(words), float(width), width / (words or 1), end, *_signs(line, heads, count))
    middle = (float(count.signs), float(count.quotes), float(line.count("(")), _start(line))
    last = (
        float(shape.is_page_words(line)),
        float(_holds_address(line)),
        float((":" in line or "：" in line) and _LABEL_SHAPE.match(line) is not None),
        float(replies) + 2 * float(below),
        float(dated),
        float(not _NOTICE_WORDS.isdisjoint(folded) and shape.is_notice(line)),
        float(line.count("|") + line.count(" - ") + line.count("»") + line.count("›")),
        float(width < 80 and not shape.CALLS.isdisjoint(folded[:1])) + 2 * float(shape.is_prompt(line)),
    )
    return _Shape(first, middle, last, text, replies, below, dated)


#: Menus, buttons and labels stand on every page of a site.
_short_shape = lru_cache(maxsize=4096)(_shape)


def _counts(line: str) -> _Counts:
    """Counted as bytes where the script allows it: many times as fast."""
    try:
        data = line.encode(_WESTERN)
    except UnicodeEncodeError:
        width = shape.width(line)
        return _Counts(
            width,
            sum(map(str.isdigit, line)) if width < _LONG else 0,
            sum(map(str.isupper, line)) if width < _SHORT else 0,
            len(_SIGNS.findall(line)), len(_QUOTE.findall(line)), len(_COMMAS.findall(line)),
        )
    size = len(line)
    return _Counts(
        size,
        len(data.translate(None, _NO_DIGITS)) if size < _LONG else 0,
        len(data.translate(None, _NO_CAPITALS)) if size < _SHORT else 0,
        len(data.translate(None, _NO_SIGNS)),
        len(data.translate(None, _NO_QUOTES)),
        len(data.translate(None, _NO_COMMAS)),
    )


def _signs(line: str, heads: list[str], counted: _Counts) -> Row:
    """Sentence marks, marks and commas for each word, and the shares of capitals at words' heads, capitals, digits."""
    count = len(heads) or 1
    marks = len(_MARKS.findall(line))
    return [
        float(marks),
        marks / count,
        counted.commas / count,
        sum(map(str.isupper, heads[1:])) / (count - 1) if count > 1 else 0.5,
        counted.capitals / (counted.width or 1),
        counted.digits / len(line),
    ]


def _holds(pattern: re.Pattern[str], line: str, words: frozenset[str], folded: list[str]) -> bool:
    return not (line.isascii() and words.isdisjoint(folded)) and pattern.search(line) is not None


def _start(line: str) -> float:
    """1 for a small letter at the line's start, 2 for a digit, 3 for another sign."""
    first = line.lstrip()[:1]
    if first.islower():
        return 1.0
    if _DIGIT_START.match(line):
        return 2.0
    return 0.0 if first.isalnum() else 3.0


def _holds_address(line: str) -> bool:
    return (
        "@" in line or "©" in line or "http" in line or "www." in line
        or ".com" in line or ".org" in line or ".net" in line
    )  # fmt: skip


def _with_neighbours(own: list[Row], shapes: list[_Shape]) -> Table:
    import numpy as np  # noqa: PLC0415 - 0.1 s to load, and only plain texts need it

    size = len(own)
    if not size:
        return np.empty((0, 0))
    rows = np.array(own)
    text = np.array([line.text for line in shapes])
    sums = summed(text)
    short, dated = summed(rows[:, 0] <= 6), summed([line.dated for line in shapes])
    nearest = (
        *distances([line.text >= 1.0 for line in shapes]),
        distances([line.replies for line in shapes])[0],
        distances([line.below and not line.text for line in shapes])[0],
    )
    whole, at = sums[-1] or 1.0, np.arange(size)
    here, after = sums[:-1], sums[1:]
    a3, a8, a20 = (np.maximum(0, at - far) for far in (3, 8, 20))
    b4, b9, b21 = (np.minimum(size, at + far) for far in (4, 9, 21))
    around = (
        np.minimum(at, 60), np.minimum(size - at, 60), at / size, np.full(size, log2(size + 1)), here / whole,
        np.full(size, whole), (here - sums[a3]) / 3, (sums[b4] - after) / 3, (here - sums[a8]) / 8,
        (sums[b9] - after) / 8, (here - sums[a20]) / 20, (sums[b21] - after) / 20, (short[:-1] - short[a8]) / 8,
        (short[b9] - short[1:]) / 8, dated[b9] - dated[a8], dated[b21] - dated[a20], *nearest,
    )
    # Two lines of nothing on either side stand for the text's edges.
    beside = np.vstack([_EDGES, np.column_stack((rows[:, 0], rows[:, 3], text)), _EDGES])
    far = (beside[place : place + size] for place in (0, 1, 3, 4))
    return np.column_stack((rows, *around, *far))


def summed(values: Any) -> Table:
    """The sums of the first none, one, two and so on of `values`."""
    import numpy as np  # noqa: PLC0415 - as above

    return np.concatenate(([0.0], np.cumsum(values)))


def distances(marks: list[bool]) -> tuple[list[int], list[int]]:
    """For each line, how many lines back and ahead the nearest marked one stands, up to `_FAR`."""
    back: list[int] = []
    ahead: list[int] = []
    for found, order in ((back, marks), (ahead, reversed(marks))):
        away = _FAR
        for mark in order:
            found.append(away)
            away = 1 if mark else min(away + 1, _FAR)
    return back, ahead[::-1]
