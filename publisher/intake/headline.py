"""Headline, standfirst and section: what stands before the body of a scraped text. Pure."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain
from math import log1p
from zoneinfo import ZoneInfo

from publisher.intake import byline, shape
from publisher.intake.lines import ends_sentence
from publisher.intake.running import HEAD, Lines

#: No headline scores less; a text without such a line has none.
_LEAST = -3.0
#: A byline or date stands so many lines below a headline at most.
_SIGNED_WITHIN = 4
#: And a name alone so many.
_NAMED_WITHIN = 2
#: Lines from the body's start on that may be the headline at most; a text of short lines only has any number of them.
_MOST = 200
_CRUMBS = re.compile(r"\s[>»›]\s")
#: "Home / News", and a title with its site's name.
_PATH = re.compile(r"\s[>»›/]\s|\|")
#: A headline and its repetition above the body stand no further apart.
_REPEATED_WITHIN = 12
#: What stands there in a section's place.
_LIVE = re.compile(
    r"live(?:ticker|blog)?|en (?:vivo|directo|direct)|наживо|онлайн|مباشر|breaking(?: news)?|exclusive"
    r"|(?:press|media|news) release|for immediate release|press(?:e|e-)mitteilung|medienmitteilung|presseinformation"
    r"|communiqué(?: de presse)?|(?:nota|comunicado)(?: de prensa)?|прес-?реліз|بيان صحفي",
    re.IGNORECASE,
)
#: Below more lines than these, the last may be a menu's as well as a section.
_LONGEST_MENU = 6
#: For asking whether a line is a date at all.
_ANY_ZONE = ZoneInfo("UTC")


def title(page: Lines) -> int | None:
    """Index of the headline, or None where the text has none.

    It speaks the body's words, has a headline's length, stands near the top, above a byline or date, may be repeated.
    """
    made = candidates(page)
    best, place = max(((_score(page, numbers), -at) for at, numbers in made), default=(0.0, 1))
    if place > 0 or best <= _LEAST:
        return None
    above = range(max(0, -place - _REPEATED_WITHIN), -place + 1)
    return next(at for at in above if page.folded[at] == page.folded[-place])


def candidates(page: Lines) -> list[tuple[int, list[float]]]:
    """The lines that may be the headline, each with the numbers that its score is made of."""
    last = page.start
    while last < min(page.end - 1, page.start + _MOST) and _could_open(page.lines[last]):
        last += 1
    first = max(0, page.start - HEAD)
    signing = [_signs(line) for line in page.lines[first : last + _SIGNED_WITHIN]]
    possible = [
        at
        for at in range(first, last)
        if at not in page.unglued and not signing[at - first] and _could_be_title(page.lines[at])
    ]
    wanted = set(chain.from_iterable(page.words[at] for at in possible))
    vocabulary = Counter(chain.from_iterable(map(wanted.intersection, page.words[page.start : page.end])))
    shared = {at: _shared(page, at, vocabulary) for at in possible}
    earliest = next((at for at, (part, _) in shared.items() if part >= 0.5 and len(page.words[at]) >= 3), -1)
    above, below = Counter(page.folded[:last]), Counter(page.folded[last:])
    long = {at for at in shared if shape.words(page.lines[at]) >= 4}
    return [
        (
            at,
            [
                *_own(page.lines[at]),
                *_around(page, at, last, above, below),
                *(part, log1p(often), part * (shape.words(page.lines[at]) >= 5)),
                float(any(signing[at - first + 1 : at - first + 1 + _SIGNED_WITHIN])),
                float(any(map(byline.is_person, page.lines[at + 1 : at + 1 + _NAMED_WITHIN]))),
                float(at == earliest),
                float(at - 1 in long),
                float(at + 1 in long),
            ],
        )
        for at, (part, often) in shared.items()
    ]


def _score(page: Lines, numbers: list[float]) -> float:
    return sum(weight * number for weight, number in zip(page.weights, numbers, strict=True))


def _could_open(line: str) -> bool:
    """True for a line in the run that may be a headline or standfirst rather than the first paragraph."""
    if not ends_sentence(line):
        return shape.width(line) <= 200
    return shape.width(line) <= 120 and line[-1] in "?!؟？！"


def _signs(line: str) -> bool:
    """True for a line that says who wrote it, or when."""
    return bool(byline.authors(line)) or byline.date(line, _ANY_ZONE) is not None


def _could_be_title(line: str) -> bool:
    if _LIVE.fullmatch(line) or _CRUMBS.search(line):
        return False
    fits = shape.is_titlelike(line) or (line.endswith("...") and shape.is_titlelike(line[:-3]))
    return fits and not shape.pointer(line) and not shape.caption(line) and not shape.is_prompt(line)


def _shared(page: Lines, at: int, vocabulary: Counter[str]) -> tuple[float, float]:
    """The share of the line's longer words that the body uses, and how often on average."""
    words = [word for word in page.words[at] if len(word) > 4]
    itself = int(at >= page.start)
    if not words:
        return 0.0, 0.0
    used = [vocabulary[word] for word in words]
    return sum(count > itself for count in used) / len(words), sum(min(count, 20) for count in used) / len(words)


def _own(line: str) -> list[float]:
    """What the line is by itself: its length, capitals, signs."""
    count = shape.words(line)
    heads = [word[0] for word in line.split()]
    lengths = (count <= 2, count in (3, 4), 5 <= count <= 15, count > 20)
    return [
        1.0,
        *map(float, lengths),
        float(line[-1] in "?!؟？！"),
        sum(map(str.isupper, heads)) / len(heads),
        float(shape.is_page_words(line)),
        float(_PATH.search(line) is not None),
        float(byline.is_person(line)),
        float(line[0].isdigit()),
        max(0.0, len(line) - 110) / 50,
    ]


def _around(page: Lines, at: int, body_at: int, above: Counter[str], below: Counter[str]) -> list[float]:
    """Where it stands, and among what; how often each line stands above `body_at`, and how often below."""
    folded, share = page.folded[at], page.shares[at]
    repeated = above[folded] > 1 or page.counts[folded] > above[folded] + below[folded]  # or glued
    before = at < page.start
    return [
        float(repeated and shape.words(page.lines[at]) >= 3),
        float(at == 0),
        float(at <= 3),
        log1p(at),
        log1p(max(0, body_at - at)),
        share,
        share * before,
        float(before),
        sum(page.shares[at + 1 : at + 5]) / 4,
        float(folded in below),
    ]


def standfirst(page: Lines, title_at: int) -> int | None:
    """Index of the standfirst: what stands between headline and body and is neither the page's nor a picture's."""
    head = page.lines[title_at]
    at = title_at + 1
    while at < page.end and at <= page.start + 1 and _is_apparatus(page.lines[at], head):
        at += 1
    if at >= page.end - 1 or at > page.start + 1:
        return None
    line, following = page.lines[at], page.lines[at + 1]
    if shape.words(line) < 5 or shape.width(line) > 400 or shape.is_page_words(line):
        return None
    apart = at in page.unglued or _is_apparatus(following, head)
    unlike_body = not ends_sentence(line) and ends_sentence(following)
    return at if apart or unlike_body else None


def section_at(page: Lines, title_at: int) -> int | None:
    """Index of the line right above headline and date that names the section; None below a whole menu."""
    if title_at > _LONGEST_MENU:
        return None
    for at in range(title_at - 1, -1, -1):
        line = page.lines[at]
        if byline.date(line, _ANY_ZONE) is None and not shape.same(line, page.lines[title_at]):
            return at if section_name(line) and not _is_apparatus(line, page.lines[title_at]) else None
    return None


def section_name(line: str) -> str:
    """The last part of a path such as "Home > News > Business" that may be a section's name; empty for other lines."""
    parts = [part.strip() for part in re.split(r"\s[>»›/|]\s", line)]
    named = [part for part in parts if _could_be_section(part)]
    return named[-1] if named else ""


def _could_be_section(part: str) -> bool:
    if _LIVE.fullmatch(part):
        return False
    return 1 <= shape.words(part) <= 3 and shape.width(part) <= 32 and not re.search(r"[\d.:!?@]", part)


def _is_apparatus(line: str, head: str) -> bool:
    """True for what stands around a headline: itself again, byline, date, picture, buttons."""
    return bool(
        shape.same(line, head)
        or byline.authors(line)
        or byline.is_person(line)
        or shape.caption(line)
        or shape.credit(line)
        or byline.date(line, _ANY_ZONE)
        or (shape.is_page_words(line) and not ends_sentence(line))
    )
