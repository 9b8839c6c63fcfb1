"""What a line of a scraped text looks like, in numbers: its own shape, and that of the lines around it. Pure.

Length, sentence ends, capitals, digits, signs, repetition and the share of the document's own commonest words hold
across languages and sites. The few words that count are those of `shape`, common to the trade in several languages.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from itertools import chain, islice, repeat
from math import log2
from operator import itemgetter
from typing import Any, NamedTuple

from publisher.intake import counts, shape
from publisher.intake.counts import Counts
from publisher.intake.forest import Table

Row = list[float]

#: So many of the commonest words of the running text are taken for its function words.
_FUNCTION_WORDS = 40
#: Distances and counts of lines beyond this say nothing more.
_FAR = 40
#: Two lines of nothing: words, end, running text.
_EDGES = ((0.0, -1.0, -1.0),) * 2

_DIGIT_START = re.compile(r"\W{0,2}\d")
_WORD = re.compile(r"[^\W\d_]+")
_DATE_SHAPE = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}:\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b")
_LABEL_SHAPE = re.compile(r"^\W{0,2}[^\W\d_][^:：]{0,28}[:：](?:\s|$)")
_NOTICE_WORDS = frozenset(("copyright", "c", "rights", "rechte", "droits", "©"))
_END = {".": 3.0, "!": 2.0, "?": 2.0, "…": 1.0, ":": 1.5, ",": 0.5, ";": 0.5}
_END |= dict.fromkeys("。۔।", 3.0) | dict.fromkeys("！？؟", 2.0)
_CLOSERS = "\"'”’»«)]」 "
#: No longer line is a button, a date or a call, and this is what is known of it.
_LONGEST_SIGNAL = 260
_NO_SIGNALS = (False, False, False, False, 0.0)
#: What stands between the parts of a menu, or of a path.
_BETWEEN_PARTS = ("|", " - ", "»", "›")
#: A line of fewer characters may be a label, and stand on other pages too.
_SHORT = 120
#: What a word of the vocabulary counts beside one of the commonest: both are summed up in one go.
_OTHER = 1 << 32
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


class _Shape(NamedTuple):
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


def rows(lines: list[str], folded: list[str], words: list[list[str]]) -> Table:
    """For each of `lines` a row of the numbers that the line model is asked with.

    `folded` are their folded forms, and `words` the words of those.
    """
    often = Counter(folded)
    known = _vocabulary(lines, words)
    shapes = [
        _short_shape(line, form) if len(line) < _SHORT else _shape(line, own)
        for line, form, own in zip(lines, folded, words, strict=True)
    ]
    made = [
        _row(one, own, often[form], known) for one, own, form in zip(shapes, words, folded, strict=True)
    ]
    return _with_neighbours(made, shapes)


def _vocabulary(lines: list[str], split: list[list[str]]) -> dict[str, int]:
    """The commonest words of the running text, 1 each, and all others that it uses twice or more, `_OTHER` each."""
    each = (dict.fromkeys(words) for line, words in zip(lines, split, strict=True) if shape.is_sentence(line))
    used = Counter(chain.from_iterable(each))  # not of sets: their order, and that of ties, is chance
    # Most words stand there once: they come last, in the text's order, and need no sorting.
    often = sorted((pair for pair in used.items() if pair[1] > 1), key=itemgetter(1), reverse=True)
    known = {word: 1 if place < _FUNCTION_WORDS else _OTHER for place, (word, _) in enumerate(often)}
    if len(often) < _FUNCTION_WORDS:
        once = (word for word, count in used.items() if count == 1)
        known |= dict.fromkeys(islice(once, _FUNCTION_WORDS - len(often)), 1)
    return known


def _row(one: _Shape, words: list[str], times: int, known: dict[str, int]) -> Row:
    vocabulary, common = divmod(sum(map(known.get, words, repeat(0))), _OTHER)
    size = len(words) or 1
    return [*one.first, common / size, vocabulary / size, *one.middle, float(min(times, 5)), *one.last]


def _shape(line: str, folded: list[str]) -> _Shape:
    count = counts.count(line)
    width, words = count.width, count.words
    end = _END.get(line.rstrip(_CLOSERS)[-1:], 0.0)
    text = 1.0 if width >= 80 else 0.5 if width >= 40 else 0.0
    if end >= 2 and width >= 40:
        text += min(width, 400) / 200
    is_page, replies, below, dated, prompt = (
        _signals(line, width, count.digits, folded) if width <= _LONGEST_SIGNAL else _NO_SIGNALS
    )
    first = (float(words), float(width), width / (words or 1), end, *_signs(line, count))
    middle = (float(count.signs), float(count.quotes), float("(" in line and line.count("(")), _start(line))
    last = (
        float(is_page),
        float(_holds_address(line)),
        float((":" in line or "：" in line) and _LABEL_SHAPE.match(line) is not None),
        float(replies) + 2 * float(below),
        float(dated),
        float(not _NOTICE_WORDS.isdisjoint(folded) and shape.is_notice(line)),
        float(sum(line.count(sign) for sign in _BETWEEN_PARTS if sign in line)),
        prompt,
    )
    return _Shape(first, middle, last, text, replies, below, dated)


def _signals(line: str, width: int, digits: int, folded: list[str]) -> tuple[bool, bool, bool, bool, float]:
    """What only lines of some length at most can be: of the page, replies, what stands below, a date, a call."""
    replies = width < 60 and _holds(_REPLIES, line, _MAY_REPLY, folded)
    below = width < 80 and _holds(_BELOW, line, _MAY_BE_BELOW, folded)
    dated = width < _SHORT and digits >= 3 and _DATE_SHAPE.search(line) is not None
    call = width < 80 and not shape.CALLS.isdisjoint(folded[:1])
    return shape.is_page_words(line), replies, below, dated, float(call) + 2 * float(shape.is_prompt(line))


@lru_cache(maxsize=4096)
def _short_shape(line: str, form: str) -> _Shape:
    """Menus, buttons and labels stand on every page of a site."""
    return _shape(line, form.split())


def _signs(line: str, count: Counts) -> Row:
    """Sentence marks, marks and commas for each word, and the shares of capitals at words' heads, capitals, digits."""
    parts = count.parts or 1
    return [
        float(count.marks),
        count.marks / parts,
        count.commas / parts,
        count.heads / (parts - 1) if parts > 1 else 0.5,
        count.capitals / (count.width or 1),
        count.digits / len(line),
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


def distances(marks: Any) -> tuple[Table, Table]:
    """For each line, how many lines back and ahead the nearest marked one stands, up to `_FAR`."""
    import numpy as np  # noqa: PLC0415 - as above

    size = len(marks)
    at, marked = np.arange(size), np.flatnonzero(marks)
    padded = np.concatenate(((-_FAR,), marked, (size + _FAR,)))
    back = at - padded[np.searchsorted(marked, at)]
    ahead = padded[np.searchsorted(marked, at, side="right") + 1] - at
    return np.minimum(back, _FAR), np.minimum(ahead, _FAR)
