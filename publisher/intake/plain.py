"""Plain text as scraped from a page: each line's role from its shape and neighbourhood. Pure.

text | blocks, each on one line      lines
     | unglue, find the body         running
     | headline, standfirst, section headline
     | byline, date, picture, promo lines and page furniture out of the body
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from publisher.intake import byline, headline, running, shape
from publisher.intake.lines import blocks, ends_sentence
from publisher.intake.running import Lines
from publisher.model import Related
from publisher.text import fold, shorten

_LONGEST_DERIVED_TITLE = 100
#: A short line in the body has running text within so many lines of it.
_NEAR = 6
#: For asking whether a line is a date at all.
_ANY_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Page:
    """The parts of a plain text; empty where it has none."""

    title: str
    #: Paragraphs, never empty.
    body: tuple[str, ...]
    section: str = ""
    standfirst: str = ""
    caption: str = ""
    credit: str = ""
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True)
class _Body:
    """What is found in the run of lines that holds the body."""

    paragraphs: tuple[str, ...]
    related: tuple[Related, ...]
    #: (caption, credit) of each picture.
    pictures: tuple[tuple[str, str], ...]


def parse(text: str, zone: ZoneInfo) -> Page | None:
    """The parts of `text`; dates without a zone are in `zone`. None where no text is left."""
    lines = blocks(text)
    if not lines:
        return None
    page = running.read(lines)
    if page.start == page.end:
        return _without_sentences(page.lines)
    title_at = headline.title(page)
    return _without_title(page) if title_at is None else _with_title(page, title_at, zone)


def _with_title(page: Lines, title_at: int, zone: ZoneInfo) -> Page:
    title = page.lines[title_at]
    page.start = max(page.start, title_at + 1)
    standfirst_at = headline.standfirst(page, title_at)
    if standfirst_at is not None:
        page.start = max(page.start, standfirst_at + 1)
    standfirst = "" if standfirst_at is None else page.lines[standfirst_at]
    body = _body(page, title)
    above = [picture for picture in map(shape.caption, page.lines[title_at + 1 : page.start]) if picture]
    caption, credit = next(iter((*above, *body.pictures)), ("", ""))
    around = page.lines[max(0, title_at - 4) : page.start + 2]
    return Page(
        title,
        # Nothing but a title and a standfirst: then that is the text.
        body.paragraphs or (standfirst or title,),
        section=headline.section(page, title_at),
        standfirst=standfirst if body.paragraphs else "",
        caption=caption,
        credit=credit,
        authors=_authors(around),
        published_at=next((found for line in around if (found := byline.date(line, zone))), None),
        related=body.related,
    )


def _without_title(page: Lines) -> Page:
    """A text that begins with its first paragraph: its first sentence, shortened, is the title."""
    body = _body(page, "")
    paragraphs = body.paragraphs or tuple(page.lines)
    sentence = re.split(r"(?<=[.!?。！？؟])\s", paragraphs[0], maxsplit=1)[0]
    caption, credit = next(iter(body.pictures), ("", ""))
    title = shorten(sentence.rstrip(".。"), _LONGEST_DERIVED_TITLE)
    return Page(title, paragraphs, caption=caption, credit=credit, related=body.related)


def _without_sentences(lines: list[str]) -> Page:
    """A text without one sentence-like line: a poem, a list, a note. All of it is the article's."""
    first, *rest = lines
    title = first if len(first) <= 200 else shorten(first, _LONGEST_DERIVED_TITLE)
    return Page(title, tuple(rest or [first]))


def _authors(around: list[str]) -> tuple[str, ...]:
    """The names in the byline among the lines around the headline; "By" may stand on a line of its own."""
    for line, following in zip(around, [*around[1:], ""], strict=True):
        found = byline.authors(line) or (byline.authors(f"{line} {following}") if byline.is_label(line) else ())
        if found:
            return found
    return ()


def _body(page: Lines, title: str) -> _Body:
    """The body without what the page put between its paragraphs, and the pointers to other stories behind it."""
    kept: list[str] = []
    related: list[Related] = []
    pictures: list[tuple[str, str]] = []
    listing = False  # below a line such as "Related stories"
    for at in range(page.start, len(page.lines)):
        line = page.lines[at]
        story = shape.pointer(line) or _listed(line, listing=listing)
        listing = shape.is_pointer_label(line) or (listing and story is not None)
        if story is not None:
            related.append(story)
        elif at >= page.end or listing:
            continue
        elif picture := shape.caption(line):
            pictures.append(picture)
        elif not _is_furniture(page, at, title):
            kept.append(line)
    return _Body(tuple(kept), tuple(dict.fromkeys(related)), tuple(pictures))


def _listed(line: str, *, listing: bool) -> Related | None:
    if listing and shape.is_titlelike(line) and shape.words(line) >= 4:
        return Related(line)
    return None


def _is_furniture(page: Lines, at: int, title: str) -> bool:
    """True for a line inside the run that belongs to the page, not to the article."""
    line = page.lines[at]
    if title and page.folded[at] == fold(title):
        return True
    if page.running[at] and ends_sentence(line):
        return page.first.get(page.folded[at], at) < at
    near = page.running[max(0, at - _NEAR) : at] + page.running[at + 1 : at + 1 + _NEAR]
    return (
        shape.is_page_words(line)
        or page.repeated(at)
        or shape.is_notice(line)
        or bool(byline.authors(line))
        or byline.date(line, _ANY_ZONE) is not None
        or not any(c.isalpha() for c in line)
        or (not any(near) and not ends_sentence(line))
    )
