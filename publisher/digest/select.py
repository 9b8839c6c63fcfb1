"""What an edition holds, and who gets the same one. Pure.

    window of articles | pick (live, sections, backfill) | arrange (lead, sections in order, in brief) -> Arrangement

The store reads a window; what of it belongs to whom, and in which order, is decided here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from publisher.model import Article, ArticleStatus
from publisher.urls import section_slug

#: Stories of a welcome edition.
WELCOME_STORIES = 10
#: What a subscription gets whose reader's sections the newsletter does not offer: a slug that no section has.
NO_SECTION = ("-",)


@dataclass(frozen=True, slots=True)
class Section:
    """Stories under one heading."""

    #: As the newest of them writes it; empty where the articles name none.
    name: str
    #: Newest first, never empty.
    articles: tuple[Article, ...]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """An edition's stories in the order in which they are read."""

    lead: Article
    #: Further stories told with their summaries, in the newsletter's order of sections.
    sections: tuple[Section, ...]
    #: Stories told by their headlines alone, in the same order.
    brief: tuple[Article, ...]
    #: How many more there are than the message has room for.
    left_out: int


def offered(newsletter: Sequence[str], chosen: Sequence[str]) -> tuple[str, ...]:
    """Slugs of the sections that a reader gets: those chosen, of those offered. No slugs mean all, on either side.

    Choices of which nothing is offered give NO_SECTION, which no article matches.
    """
    if not newsletter or not chosen:
        return tuple(sorted(newsletter or chosen))
    return tuple(sorted(set(newsletter) & set(chosen))) or NO_SECTION


def pick(articles: Iterable[Article], sections: Sequence[str], *, backfill: bool = False) -> tuple[Article, ...]:
    """Of these articles, those that are live and of these sections, newest first; backfill only where asked for."""
    matching = [
        article for article in articles
        if article.status == ArticleStatus.LIVE and article.seq is not None
        and (backfill or not article.backfill)
        and (not sections or slug_of(article) in sections)
    ]
    return tuple(sorted(matching, key=_newness, reverse=True))


def slug_of(article: Article) -> str:
    """Slug of the article's section, or empty."""
    return section_slug(article.section) if article.section else ""


def variant_key(
    kind: str, articles: Sequence[Article], language: str, form: str = "full", corrected: Sequence[Article] = ()
) -> str:
    """SHA-256 in hex of what makes two readers' editions the same.

    That is the kind, stories as they stand, language, form, and corrections. The stories count with their content, so
    that one corrected in between is not sent as it was before.
    """
    key = key_of(kind, [(article.id, article.content_hash) for article in articles], language, form)
    return with_corrections(key, [(article.id, article.content_hash) for article in corrected])


def key_of(kind: str, stories: Iterable[tuple[str, str]], language: str, form: str = "full") -> str:
    """The same of stories of which only (id, content hash) are known, without corrections."""
    return _digest((kind, language, form, *_lines(stories)))


def with_corrections(key: str, corrected: Sequence[tuple[str, str]]) -> str:
    """The key of the same edition with these corrections, each told by (id, content hash)."""
    return _digest((key, *_lines(corrected))) if corrected else key


def arrange(articles: Sequence[Article], order: Sequence[str], *, told: int, brief: int) -> Arrangement:
    """These articles (never none), the newest as the lead.

    The newest `told` (the lead counts) come with their summaries, the next `brief` as headlines, the rest not at all.
    Sections stand in the newsletter's `order`, then by name; stories without one come last.
    """
    newest = sorted(articles, key=_newness, reverse=True)
    told = max(1, told)
    rest = _ordered(newest[told : told + brief], order)
    return Arrangement(
        lead=newest[0],
        sections=_ordered(newest[1:told], order),
        brief=tuple(article for section in rest for article in section.articles),
        left_out=max(0, len(newest) - told - brief),
    )


def _lines(told: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{ident} {content_hash}" for ident, content_hash in told]


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _ordered(newest: Sequence[Article], order: Sequence[str]) -> tuple[Section, ...]:
    by_slug: dict[str, list[Article]] = {}
    for article in newest:
        by_slug.setdefault(slug_of(article), []).append(article)
    places = {slug: place for place, slug in enumerate(order)}
    slugs = sorted(
        by_slug, key=lambda slug: (slug == "", places.get(slug, len(places)), by_slug[slug][0].section.casefold(), slug)
    )
    return tuple(Section(by_slug[slug][0].section, tuple(by_slug[slug])) for slug in slugs)


def _newness(article: Article) -> tuple[int, str]:
    return article.seq or 0, article.id
