"""Headline, standfirst and section: what stands before the body of a scraped text. Pure."""

from __future__ import annotations

import re
from collections import Counter
from zoneinfo import ZoneInfo

from publisher.intake import byline, shape
from publisher.intake.lines import ends_sentence
from publisher.intake.running import HEAD, Lines

#: A headline and its repetition above the body stand no further apart.
_REPEATED_WITHIN = 12
#: What stands there in a section's place.
_LIVE = re.compile(
    r"live(?:ticker|blog)?|en (?:vivo|directo|direct)|наживо|онлайн|مباشر|breaking(?: news)?|exclusive", re.IGNORECASE
)
#: Below more lines than these, the last may be a menu's as well as a section.
_LONGEST_MENU = 6
#: For asking whether a line is a date at all.
_ANY_ZONE = ZoneInfo("UTC")


def title(page: Lines) -> int | None:
    """Index of the headline, or None where the text has none.

    It speaks the body's words, has a headline's length, stands near the top and may be repeated.
    """
    vocabulary: Counter[str] = Counter()
    for folded in page.folded[page.start : page.end]:
        vocabulary.update(set(folded.split()))
    last = page.start
    while last < page.end - 1 and _could_open(page.lines[last]):
        last += 1
    candidates = [
        (_score(page, at, last, vocabulary), -at)
        for at in range(max(0, page.start - HEAD), last)
        if at not in page.unglued and _could_be_title(page.lines[at])
    ]
    best, place = max(candidates, default=(0.0, 0))
    if best <= 0:
        return None
    above = range(max(0, -place - _REPEATED_WITHIN), -place + 1)
    return next(at for at in above if page.folded[at] == page.folded[-place])


def _could_open(line: str) -> bool:
    """True for a line in the run that may be a headline or standfirst rather than the first paragraph."""
    if not ends_sentence(line):
        return shape.width(line) <= 200
    return shape.width(line) <= 120 and line[-1] in "?!؟？！"


def _could_be_title(line: str) -> bool:
    return (
        shape.is_titlelike(line)
        and not byline.authors(line)
        and not shape.pointer(line)
        and not shape.caption(line)
        and not shape.is_page_words(line)
        and byline.date(line, _ANY_ZONE) is None
    )


def _score(page: Lines, at: int, body_at: int, vocabulary: Counter[str]) -> float:
    folded = page.folded[at]
    count = shape.words(page.lines[at])
    own = [word for word in folded.split() if len(word) > 4]
    itself = int(at >= page.start)
    shared = sum(vocabulary[word] > itself for word in own) / len(own) if own else 0.0
    repeated = page.folded[:body_at].count(folded) > 1 or page.counts[folded] > page.folded.count(folded)  # or glued
    return (
        (2.0 if repeated and count >= 3 else 0.0)
        + (1.0 if 5 <= count <= 20 else -0.5 if count >= 3 else -1.5)
        + 1.5 * shared
        + (1.0 if at <= 3 else 0.0)  # a scrape of the article alone begins with it
        + (0.5 if at == 0 else 0.0)
        - 0.1 * max(0, count - 10)
        - 0.05 * (body_at - at)
    )


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
