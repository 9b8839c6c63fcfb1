"""Plain text as scraped from a page: each line's role from its shape and neighbourhood. Pure.

text | blocks, each on one line      lines
     | unglue, find the body         running, line_model
     | the role of each line         roles
     | Page
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from publisher.intake import byline, headline, running, shape
from publisher.intake.line_model import Model
from publisher.intake.lines import blocks
from publisher.intake.roles import OF_BODY, Role, assign
from publisher.intake.running import Lines
from publisher.model import Related
from publisher.text import shorten

_LONGEST_DERIVED_TITLE = 100
#: The lines that say who wrote it and when.
_SIGNING = (Role.BYLINE, Role.DATE)


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


class Piece(NamedTuple):
    """A line of a text, or a part of one that a scrape had glued together, and what it is."""

    text: str
    role: Role


def roles(text: str, model: Model | None = None) -> list[Piece]:
    """The lines of `text` in order, wrapped ones joined and glued ones cut, each with its role."""
    page = running.read(blocks(text), model)
    found = []
    for at, (line, role) in enumerate(zip(page.lines, _assigned(page), strict=True)):
        found.append(Piece(line, role))
        if at in page.unglued:
            found.append(Piece(page.unglued[at], Role.HEADLINE))
    return found


def parse(text: str, zone: ZoneInfo, model: Model | None = None) -> Page | None:
    """The parts of `text`; dates without a zone are in `zone`. None where no text is left.

    `model` is for measuring on pages that the packaged one has seen.
    """
    lines = blocks(text)
    if not lines:
        return None
    page = running.read(lines, model)
    if page.start == page.end:
        return _without_sentences(page.lines)
    return _collected(page, _assigned(page), zone)


def _assigned(page: Lines) -> list[Role]:
    """The roles of the lines; a text without one sentence-like line is a title and a body."""
    if page.start == page.end:
        return [Role.HEADLINE, *[Role.BODY] * (len(page.lines) - 1)][: len(page.lines)]
    return assign(page)


def _collected(page: Lines, found: list[Role], zone: ZoneInfo) -> Page:
    """The article's parts, each from the lines of its role."""
    of: dict[Role, list[str]] = {role: [] for role in Role}
    for line, its in zip(page.lines, found, strict=True):
        of[its].append(line)
    body = tuple(line for line, role in zip(page.lines, found, strict=True) if role in OF_BODY)
    title, standfirst = "".join(of[Role.HEADLINE][:1]), "".join(of[Role.STANDFIRST][:1])
    caption, credit = _picture(page.lines, found)
    if not body:  # nothing but a title and a standfirst: then that is the text
        body, standfirst = (standfirst or title or page.lines[0],), ""
    at = found.index(Role.HEADLINE) if title else 0
    near = [n for n, role in enumerate(found) if role in _SIGNING and (n >= at - 6)]
    return Page(
        title or _derived(body[0]),
        body,
        section=next(map(headline.section_name, of[Role.SECTION]), ""),
        standfirst=standfirst,
        caption=caption,
        credit=credit,
        authors=_authors(page.lines, found, near),
        published_at=next((when for n in near if (when := byline.date(page.lines[n], zone))), None),
        related=_related(page.lines, found),
    )


def _picture(lines: list[str], found: list[Role]) -> tuple[str, str]:
    """(caption, credit) of the first picture; the credit may stand on a line of its own."""
    places = [at for at, role in enumerate(found) if role in (Role.CAPTION, Role.CREDIT)]
    if not places:
        return "", ""
    first = lines[places[0]]
    if alone := shape.credit(first):
        return "", alone
    caption, credit = shape.caption(first) or (first, "")
    if not credit and len(places) > 1 and places[1] == places[0] + 1:
        credit = shape.credit(lines[places[1]])
    return caption.rstrip("."), credit


def _authors(lines: list[str], found: list[Role], near: list[int]) -> tuple[str, ...]:
    """The names in the first byline that has some; "By" may stand on a line of its own."""
    for at in near:
        if found[at] is Role.BYLINE:
            following = lines[at + 1] if at + 1 < len(lines) else ""
            line = f"{lines[at]} {following}" if byline.is_label(lines[at]) else lines[at]
            if named := byline.authors(line) or byline.signature(line) or byline.person(line):
                return named
    return ()


def _related(lines: list[str], found: list[Role]) -> tuple[Related, ...]:
    promos = [line for line, role in zip(lines, found, strict=True) if role is Role.PROMO]
    stories = [shape.pointer(line) or Related(line) for line in promos if not shape.is_pointer_label(line)]
    return tuple(dict.fromkeys(stories))


def _derived(paragraph: str) -> str:
    """A title for a text that begins with its first paragraph: its first sentence, shortened."""
    sentence = re.split(r"(?<=[.!?。！？؟])\s", paragraph, maxsplit=1)[0]
    return shorten(sentence.rstrip(".。"), _LONGEST_DERIVED_TITLE)


def _without_sentences(lines: list[str]) -> Page:
    """A text without one sentence-like line: a poem, a list, a note. All of it is the article's."""
    first, *rest = lines
    title = first if len(first) <= 200 else shorten(first, _LONGEST_DERIVED_TITLE)
    return Page(title, tuple(rest or [first]))
