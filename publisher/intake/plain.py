"""Plain text as scraped from a page: each line's role from its shape and neighbourhood. Pure.

    text -> blocks (lines) -> headline unglued -> run of running text = body -> roles of what stands before it
         -> promo lines, captions and page furniture taken out of the run

The body is the contiguous run of blocks with the most running text, where a line that is none costs a little: that
keeps subheadings and short quotations, and leaves menus and footers out.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from publisher.intake import byline, shape
from publisher.intake.lines import blocks, ends_sentence
from publisher.model import Related
from publisher.text import fold, shorten

_COST_OF_OTHER_LINE = 0.3
_LONGEST_DERIVED_TITLE = 100
#: So many lines before the body may hold headline, standfirst and byline; what lies before is the page's.
_HEAD = 30
#: A headline and its repetition above the body stand no further apart.
_REPEATED_WITHIN = 12
#: A short line in the body has running text within so many lines of it.
_NEAR = 6


@dataclass(frozen=True, slots=True)
class Page:
    """The parts of a plain text."""

    title: str
    body: tuple[str, ...]
    section: str = ""
    standfirst: str = ""
    caption: str = ""
    credit: str = ""
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    related: tuple[Related, ...] = ()


@dataclass(slots=True)
class _Lines:
    """The lines of a text, and what is known of them while their roles are decided."""

    lines: list[str]
    #: Each line's words in lower case, for comparing.
    folded: list[str]
    #: How often each of those stands in the text.
    counts: Counter[str]
    #: True for each line that looks like running text.
    running: list[bool] = field(default_factory=list)
    #: Indexes of lines that had the headline glued to their end.
    unglued: set[int] = field(default_factory=set)
    #: Body is lines[start:end].
    start: int = 0
    end: int = 0

    def repeated(self, at: int) -> bool:
        return self.counts[self.folded[at]] > 1


def parse(text: str, zone: ZoneInfo) -> Page | None:
    """The parts of `text`; dates without a zone are in `zone`. None where no text is left."""
    lines = blocks(text)
    if not lines:
        return None
    folded = [fold(line) for line in lines]
    page = _unglue(_Lines(lines, folded, Counter(folded)))
    page.running = [shape.is_sentence(line) for line in page.lines]
    page.start, page.end = _run(page)
    if page.start == page.end:
        return _without_sentences(page.lines)
    title_at = _title(page)
    if title_at is None:
        body, related, picture = _body(page, "")
        return Page(_derived_title(body or tuple(lines)), body or tuple(lines), related=related, caption=picture[0], credit=picture[1])
    return _with_title(page, title_at, zone)


def _with_title(page: _Lines, title_at: int, zone: ZoneInfo) -> Page:
    title = page.lines[title_at]
    page.start = max(page.start, title_at + 1)
    standfirst_at = _standfirst(page, title, title_at, zone)
    if standfirst_at is not None:
        page.start = max(page.start, standfirst_at + 1)
    head = page.lines[title_at + 1 : page.start]
    body, related, inside = _body(page, title)
    pictures = [found for found in map(shape.caption, head) if found] + [inside]
    around = page.lines[max(0, title_at - 4) : page.start + 2]
    moments = [found for line in around if (found := byline.date(line, zone))]
    result = Page(
        title,
        body,
        section=_section(page.lines[:title_at], title, zone),
        standfirst="" if standfirst_at is None else page.lines[standfirst_at],
        caption=pictures[0][0],
        credit=pictures[0][1],
        authors=_authors(around),
        published_at=moments[0] if moments else None,
        related=related,
    )
    # Nothing but a title and a standfirst: then the standfirst is the text.
    return result if body else replace(result, body=(result.standfirst or title,), standfirst="")


def _authors(around: list[str]) -> tuple[str, ...]:
    """The names in the byline among the lines around the headline; "By" may stand on a line of its own."""
    for line, following in zip(around, [*around[1:], ""], strict=True):
        found = byline.authors(line) or (byline.authors(f"{line} {following}") if byline.is_label(line) else ())
        if found:
            return found
    return ()


def _unglue(page: _Lines) -> _Lines:
    """Cuts a headline off the end of another line, where a scrape joined the two."""
    heads = [line for line in page.lines[:_HEAD] if shape.is_titlelike(line) and shape.words(line) >= 3]
    for at, line in enumerate(page.lines[:_HEAD]):
        for head in heads:
            if line.endswith(head) and len(line) >= len(head) + 12 and line != head:
                page.lines[at] = line[: -len(head)].rstrip()
                page.folded[at] = fold(page.lines[at])
                page.counts[fold(head)] += 1
                page.unglued.add(at)
                break
    return page


def _run(page: _Lines) -> tuple[int, int]:
    """(start, end) of the contiguous run with the most running text; equal where there is none."""
    best, best_start, best_end = 0.0, 0, 0
    total, start = 0.0, 0
    for at, line in enumerate(page.lines):
        if total <= 0:
            total, start = 0.0, at
        total += _weight(line) if page.running[at] else -_COST_OF_OTHER_LINE
        if total > best:
            best, best_start, best_end = total, start, at + 1
    while best_end and best_end < len(page.lines) and _closes(page.lines[best_end]):
        best_end += 1
    return best_start, best_end


def _weight(line: str) -> float:
    return 1 + (min(shape.width(line), 400) / 200 if ends_sentence(line) else 0)


def _closes(line: str) -> bool:
    """True for a short last paragraph, such as “We stay.”"""
    return (
        shape.words(line) >= 2
        and re.search(r"[.!?…。！？؟।][\"”’»«)]?$", line) is not None
        and not shape.is_page_words(line)
        and any(word.islower() for word in line.split()[1:])
    )


def _title(page: _Lines) -> int | None:
    """Index of the headline, or None where the text has none."""
    vocabulary = {word for folded in page.folded[page.start : page.end] for word in folded.split()}
    last = page.start
    while last < page.end - 1 and _could_open(page.lines[last]):
        last += 1
    candidates = [
        (_headline_score(page, at, last, vocabulary), -at)
        for at in range(max(0, page.start - _HEAD), last)
        if at not in page.unglued and _could_be_title(page.lines[at])
    ]
    best, place = max(candidates, default=(0.0, 0))
    if best <= 0:
        return None
    first = (at for at in range(max(0, -place - _REPEATED_WITHIN), -place + 1) if page.folded[at] == page.folded[-place])
    return next(first)


def _could_open(line: str) -> bool:
    """True for a line in the run that may be a headline or standfirst rather than the first paragraph."""
    return shape.width(line) <= 200 and (not ends_sentence(line) or (shape.width(line) <= 120 and line[-1] in "?!؟？！"))


def _could_be_title(line: str) -> bool:
    return (
        shape.is_titlelike(line)
        and not byline.authors(line)
        and not shape.pointer(line)
        and not shape.caption(line)
        and not shape.is_page_words(line)
        and byline.date(line, ZoneInfo("UTC")) is None
    )


def _headline_score(page: _Lines, at: int, body_at: int, vocabulary: set[str]) -> float:
    count = shape.words(page.lines[at])
    own = [word for word in page.folded[at].split() if len(word) > 3]
    shared = sum(word in vocabulary for word in own) / len(own) if own else 0.0
    repeated = page.folded[:body_at].count(page.folded[at]) > 1 or page.counts[page.folded[at]] > page.folded.count(page.folded[at])
    return (
        (2.0 if repeated and count >= 3 else 0.0)
        + (1.0 if 5 <= count <= 20 else -0.5 if count >= 3 else -1.5)
        + 1.5 * shared
        + (1.0 if at <= 3 else 0.0)  # a scrape of the article alone begins with it
        - 0.05 * (body_at - at)
    )


def _standfirst(page: _Lines, title: str, title_at: int, zone: ZoneInfo) -> int | None:
    """Index of the standfirst: what stands between headline and body and could be neither of the page nor a picture's."""
    at = title_at + 1
    while at < page.end and at <= page.start + 1:
        line = page.lines[at]
        if not _is_apparatus(line, title, zone):
            break
        at += 1
    if at >= page.end - 1 or at > page.start + 1:
        return None
    line = page.lines[at]
    if shape.words(line) < 5 or shape.width(line) > 400 or shape.is_page_words(line):
        return None
    following = page.lines[at + 1]
    apart = at in page.unglued or _is_apparatus(following, title, zone)
    unlike_body = not ends_sentence(line) and ends_sentence(following)
    return at if apart or unlike_body else None


def _is_apparatus(line: str, title: str, zone: ZoneInfo) -> bool:
    """True for what stands around a headline: itself again, byline, date, picture."""
    return bool(
        shape.same(line, title)
        or byline.authors(line)
        or shape.caption(line)
        or byline.date(line, zone)
        or (shape.is_page_words(line) and not ends_sentence(line))
    )


def _section(before: list[str], title: str, zone: ZoneInfo) -> str:
    """The section's name among the few lines before the headline; empty after a whole menu of them."""
    if not before or len(before) > 4:
        return ""
    parts = [part.strip() for line in before for part in re.split(r"\s[>»›/|]\s", line)]
    named = [
        part
        for part in parts
        if 1 <= shape.words(part) <= 3
        and shape.width(part) <= 32
        and not re.search(r"[\d.:!?@]", part)
        and not _is_apparatus(part, title, zone)
    ]
    return named[-1] if named else ""


def _body(page: _Lines, title: str) -> tuple[tuple[str, ...], tuple[Related, ...], tuple[str, str]]:
    """The body's paragraphs, the stories that it points to, and the (caption, credit) of the first picture in it."""
    kept: list[str] = []
    related: list[Related] = []
    pictures: list[tuple[str, str]] = []
    label = False
    for at in range(page.start, len(page.lines)):
        line = page.lines[at]
        story = shape.pointer(line) or (Related(line) if label and shape.is_titlelike(line) and shape.words(line) >= 4 else None)
        label = shape.is_pointer_label(line) or (label and story is not None)
        if story is not None:
            related.append(story)
        elif at >= page.end or label:
            continue
        elif picture := shape.caption(line):
            pictures.append(picture)
        elif not _is_furniture(page, at, title):
            kept.append(line)
    return tuple(kept), tuple(dict.fromkeys(related)), pictures[0] if pictures else ("", "")


def _is_furniture(page: _Lines, at: int, title: str) -> bool:
    """True for a line inside the run that belongs to the page, not to the article."""
    line = page.lines[at]
    if title and page.folded[at] == fold(title):
        return True
    if page.running[at] and ends_sentence(line):
        return page.repeated(at) and page.folded[at] in page.folded[:at]
    near = page.running[max(0, at - _NEAR) : at] + page.running[at + 1 : at + 1 + _NEAR]
    return (
        shape.is_page_words(line)
        or page.repeated(at)
        or bool(byline.authors(line))
        or not any(c.isalpha() for c in line)
        or (not any(near) and not ends_sentence(line))
    )


def _without_sentences(lines: list[str]) -> Page:
    """A text without one sentence-like line: a poem, a list, a note. All of it is the article's."""
    first, *rest = lines
    return Page(first if len(first) <= 200 else shorten(first, _LONGEST_DERIVED_TITLE), tuple(rest or [first]))


def _derived_title(body: tuple[str, ...]) -> str:
    """A title for a text that has none: its first sentence, shortened."""
    sentence = re.split(r"(?<=[.!?。！？؟])\s", body[0], maxsplit=1)[0]
    return shorten(sentence.rstrip(".。"), _LONGEST_DERIVED_TITLE)
