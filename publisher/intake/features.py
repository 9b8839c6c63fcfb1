"""What a line of a scraped text looks like, in numbers: its own shape, and that of the lines around it. Pure.

Length, sentence ends, capitals, digits, signs, repetition and the share of the document's own commonest words hold
across languages and sites. The few words that count are those of `shape`, common to the trade in several languages.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from math import log2
from operator import itemgetter

from publisher.intake import shape

Row = list[float]

#: So many of the commonest words of the running text are taken for its function words.
_FUNCTION_WORDS = 40
#: Distances and counts of lines beyond this say nothing more.
_FAR = 40

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


@dataclass(slots=True)
class _Own:
    """One line by itself."""

    row: Row
    words: int
    #: How much of a running text it is: 0 to 3.
    text: float
    replies: bool
    below: bool
    dated: bool


def rows(lines: list[str], folded: list[str]) -> list[Row]:
    """For each of `lines`, whose folded forms are `folded`, the numbers that the line model is asked with."""
    counts = Counter(folded)
    split = [form.split() for form in folded]
    common, vocabulary = _vocabulary(lines, split)
    own = [
        _own(line, words, counts[form], common, vocabulary)
        for line, words, form in zip(lines, split, folded, strict=True)
    ]
    return _with_neighbours(own)


def _vocabulary(lines: list[str], split: list[list[str]]) -> tuple[frozenset[str], frozenset[str]]:
    """The commonest words of the running text, and all that it uses twice or more."""
    used: Counter[str] = Counter()
    for line, words in zip(lines, split, strict=True):
        if shape.is_sentence(line):
            used.update(list(dict.fromkeys(words)))  # not a set: its order, and that of ties, is chance
    ordered = sorted(used.items(), key=itemgetter(1), reverse=True)
    common = frozenset(word for word, _ in ordered[:_FUNCTION_WORDS])
    return common, frozenset(word for word, count in ordered[_FUNCTION_WORDS:] if count > 1)


def _own(line: str, folded: list[str], times: int, common: frozenset[str], vocabulary: frozenset[str]) -> _Own:
    heads = [part[0] for part in line.split()]
    width, words = (len(line), len(heads)) if line.isascii() else (shape.width(line), shape.words(line))
    end = _END.get(line.rstrip(_CLOSERS)[-1:], 0.0)
    known = len(folded) or 1
    replies = width < 60 and _REPLIES.search(line) is not None
    below = width < 80 and _BELOW.search(line) is not None
    dated = width < 120 and _DATE_SHAPE.search(line) is not None
    text = 1.0 if width >= 80 else 0.5 if width >= 40 else 0.0
    if end >= 2 and width >= 40:
        text += min(width, 400) / 200
    row = [
        float(words),
        float(width),
        width / (words or 1),
        end,
        *_signs(line, heads, width),
        sum(map(common.__contains__, folded)) / known,
        sum(map(vocabulary.__contains__, folded)) / known,
        float(len(_SIGNS.findall(line))),
        float(line.count('"') if line.isascii() else len(_QUOTE.findall(line))),
        float(line.count("(")),
        _start(line),
        float(min(times, 5)),
        float(shape.is_page_words(line)),
        float(_holds_address(line)),
        float((":" in line or "：" in line) and _LABEL_SHAPE.match(line) is not None),
        float(replies) + 2 * float(below),
        float(dated),
        float(not _NOTICE_WORDS.isdisjoint(folded) and shape.is_notice(line)),
        float(line.count("|") + line.count(" - ") + line.count("»") + line.count("›")),
    ]
    return _Own(row, words, text, replies, below, dated)


def _signs(line: str, heads: list[str], width: int) -> Row:
    """Sentence marks, marks and commas for each word, and the shares of capitals at words' heads, capitals, digits."""
    count = len(heads) or 1
    commas = line.count(",") + line.count(";") if line.isascii() else len(_COMMAS.findall(line))
    marks = len(_MARKS.findall(line))
    return [
        float(marks),
        marks / count,
        commas / count,
        sum(map(str.isupper, heads[1:])) / (count - 1) if count > 1 else 0.5,
        sum(map(str.isupper, line)) / (width or 1) if width < 120 else 0.0,
        sum(map(str.isdigit, line)) / len(line) if width < 200 else 0.0,
    ]


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


def _with_neighbours(own: list[_Own]) -> list[Row]:
    size = len(own)
    text = [line.text for line in own]
    sums = [0.0, *accumulate(text)]
    short = [0, *accumulate(line.words <= 6 for line in own)]
    dated = [0, *accumulate(line.dated for line in own)]
    nearest = (
        *distances([line.text >= 1.0 for line in own]),
        distances([line.replies for line in own])[0],
        distances([line.below and not line.text for line in own])[0],
    )
    whole, far = sums[-1] or 1.0, log2(size + 1)
    # Two lines of nothing on either side stand for the text's edges.
    ends = [0.0, -1.0, -1.0]
    beside = [ends, ends, *([line.row[0], line.row[3], line.text] for line in own), ends, ends]
    for at, line in enumerate(own):
        row, here, after = line.row, sums[at], sums[at + 1]
        a8, b8, a20, b20 = max(0, at - 8), min(size, at + 9), max(0, at - 20), min(size, at + 21)
        row += (
            float(min(at, 60)),
            float(min(size - at, 60)),
            at / size,
            far,
            here / whole,
            whole,
            (here - sums[max(0, at - 3)]) / 3,
            (sums[min(size, at + 4)] - after) / 3,
            (here - sums[a8]) / 8,
            (sums[b8] - after) / 8,
            (here - sums[a20]) / 20,
            (sums[b20] - after) / 20,
            (short[at] - short[a8]) / 8,
            (short[b8] - short[at + 1]) / 8,
            float(dated[b8] - dated[a8]),
            float(dated[b20] - dated[a20]),
        )
        row += [float(away[at]) for away in nearest]
        row += beside[at] + beside[at + 1] + beside[at + 3] + beside[at + 4]
    return [line.row for line in own]


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
