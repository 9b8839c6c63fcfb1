"""The archive for people: headlines, a hundred a page, by day. Pure.

A page holds a fixed span of seqs, so that a new article changes the last one or two, however many there are. The first
page, `/archive/`, has the newest; it counts as number 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from publisher import text, urls
from publisher.settings import Site
from publisher.site.pages import Moment, frame, local, moment, section_links

PER_PAGE = 100
#: Characters of a headline.
_TITLE_LENGTH = 240


class Headline(Protocol):
    """What the archive says of an article."""

    @property
    def slug(self) -> str:
        """Last part of its address."""

    @property
    def title(self) -> str:
        """Plain text."""

    @property
    def language(self) -> str:
        """BCP 47, or empty."""

    @property
    def published_at(self) -> datetime:
        """When it went live."""


@dataclass(frozen=True, slots=True)
class Line:
    """A headline on the page."""

    path: str
    title: str
    published: Moment
    lang: str
    dir: str


def page_of(seq: int) -> int:
    """Number of the page on which the article with this seq stands; of 0: none."""
    return -(-seq // PER_PAGE)


def span(number: int, last: int) -> tuple[int, int]:
    """(after, until): the seqs on a page, where `last` is the newest."""
    return (max(last - PER_PAGE, 0), last) if number == 0 else ((number - 1) * PER_PAGE, number * PER_PAGE)


def path(number: int) -> str:
    """Path of a page, with its closing slash."""
    return f"/archive/pages/{number}/" if number else "/archive/"


def archive_page(
    lines: Sequence[Line], site: Site, sections: Sequence[tuple[str, str]], *, number: int, last: int
) -> dict[str, object]:
    """The context of `archive.html`: the headlines of a page, newest first, by day."""
    days: dict[str, list[Line]] = {}
    for line in lines:
        days.setdefault(line.published.day, []).append(line)
    older = number - 1 if number else page_of(last - PER_PAGE)
    newer = path(number + 1 if number < page_of(last) else 0) if number else ""
    context = frame(
        site, title=f"Archive – {site.title}", path=path(number), sections=section_links(site, sections),
        description=f"All articles of {site.title}",
    )
    return context | {
        "days": list(days.items()), "older": local(site, path(older)) if older > 0 else "",
        "newer": local(site, newer) if newer else "",
    }


def line_of(one: Headline, site: Site) -> Line:
    """An article on the page."""
    language = one.language or site.language
    title = text.shorten(text.one_line(one.title), _TITLE_LENGTH) or one.slug
    where = local(site, urls.article_path(one.slug))
    return Line(where, title, moment(one.published_at, site), language, text.direction(language))
