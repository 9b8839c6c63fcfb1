"""Lists of live articles: of the site, of each section, tag and author. One way for all of them.

A row stays when an article leaves a list, so that whoever builds the list knows that it changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, false, func, literal, select, true

from publisher import text
from publisher.model import Article, ArticleStatus, Listing, ListKind
from publisher.store import article_rows
from publisher.store.engine import Tx
from publisher.store.schema import articles, listings
from publisher.store.upsert import upsert_all
from publisher.urls import section_slug

#: Lists of one kind that are told by name, at most: a directory of more is of use to nobody.
MOST = 1000
_KEY = ("seq", "kind", "slug")
#: Seqs that are asked for in one statement.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Place:
    """An article's place in a list, without the article."""

    seq: int
    article_id: str
    #: Number of the article's last change: with the id it names what the article says.
    change: int
    changed_at: datetime
    #: Slug of the article's section, or empty.
    section: str


#: What `place` reads.
PLACE = (articles.c.seq, articles.c.id, articles.c.change, articles.c.changed_at, articles.c.section_slug)
_PLACES = (
    select(*PLACE).select_from(listings).join(articles, articles.c.seq == listings.c.seq)
    .where(
        listings.c.kind == bindparam("kind"), listings.c.slug == bindparam("slug"), listings.c.shown == true(),
        listings.c.backfill == bindparam("backfill"),
    )
    .order_by(listings.c.seq.desc()).limit(bindparam("limit"))
)


def rows(
    seq: int, section: str, tags: Iterable[str], authors: Iterable[str], *, backfill: bool, live: bool
) -> list[dict[str, Any]]:
    """The rows of an article with this section, these tags and these authors; each list once."""
    names = [(ListKind.SECTION, section), *((ListKind.TAG, t) for t in tags), *((ListKind.AUTHOR, a) for a in authors)]
    found: dict[tuple[str, str], str] = {(ListKind.SITE.value, ""): ""}
    for kind, name in names:
        written = text.one_line(name)
        slug = section_slug(written)
        if slug:
            found.setdefault((kind.value, slug), written)
    shared = {"seq": seq, "backfill": backfill, "shown": live}
    return [{**shared, "kind": kind, "slug": slug, "name": name} for (kind, slug), name in found.items()]


async def put(tx: Tx, changed: Sequence[Article]) -> None:
    """Brings the rows of these articles, which have a `seq`, in line with what they say and are."""
    wanted: dict[tuple[int, str, str], dict[str, Any]] = {}
    for article in changed:
        assert article.seq is not None
        for row in rows(
            article.seq, article.section, article.tags, article.authors, backfill=article.backfill,
            live=article.status == ArticleStatus.LIVE,
        ):
            wanted[row["seq"], row["kind"], row["slug"]] = row
    seqs = [article.seq for article in changed]
    stood = (await tx.execute(select(listings).where(listings.c.seq.in_(seqs)))).mappings() if seqs else ()
    left = [{**row, "shown": False} for row in stood if (row["seq"], row["kind"], row["slug"]) not in wanted]
    await upsert_all(tx, listings, _KEY, [*wanted.values(), *left])


async def touching(tx: Tx, seqs: Sequence[int]) -> dict[int, list[Listing]]:
    """By seq, the lists in which each of these articles stands or ever stood."""
    found: dict[int, list[Listing]] = {}
    for start in range(0, len(seqs), _CHUNK):
        part = seqs[start : start + _CHUNK]
        query = select(listings.c.seq, listings.c.kind, listings.c.slug).where(listings.c.seq.in_(part))
        for row in await tx.execute(query):
            found.setdefault(row.seq, []).append(Listing(ListKind(row.kind), row.slug))
    return found


async def places(tx: Tx, listing: Listing, limit: int) -> list[Place]:
    """The newest places of a list, newest first. Backfill stands in it only while there is room for it."""
    asked: dict[str, Any] = {"kind": listing.kind.value, "slug": listing.slug}
    found: list[Place] = []
    for backfill in (False, True):
        if len(found) < limit:
            given = {**asked, "backfill": backfill, "limit": limit - len(found)}
            found += [place(row) for row in await tx.execute(_PLACES, given)]
    return sorted(found, key=lambda one: one.seq, reverse=True)


def place(row: Any) -> Place:
    """The place of a row with the columns of PLACE."""
    return Place(row.seq, row.id, row.change, row.changed_at, row.section_slug)


async def newest(tx: Tx, listing: Listing, limit: int) -> list[Article]:
    """The articles of `places`."""
    seqs = [one.seq for one in await places(tx, listing, limit)]
    query = select(articles).where(articles.c.seq.in_(seqs)).order_by(articles.c.seq.desc())
    return [article_rows.article(row) for row in await tx.execute(query)] if seqs else []


@dataclass(frozen=True, slots=True)
class Headline:
    """What a list of many articles says of one."""

    seq: int
    slug: str
    title: str
    #: BCP 47, or empty.
    language: str
    published_at: datetime
    updated_at: datetime
    changed_at: datetime


_HEADLINE = [articles.c[name] for name in Headline.__slots__]


async def headlines(tx: Tx, limit: int) -> list[Headline]:
    """Of the newest live articles of the site, newest first, without backfill."""
    of_site = and_(listings.c.kind == ListKind.SITE.value, listings.c.slug == "", listings.c.shown == true())
    query = select(*_HEADLINE).select_from(listings).join(articles, articles.c.seq == listings.c.seq)
    query = query.where(of_site, listings.c.backfill == false()).order_by(listings.c.seq.desc()).limit(limit)
    return [Headline(*row) for row in await tx.execute(query)]


async def headlines_between(tx: Tx, after: int, until: int) -> list[Headline]:
    """Of the live articles with `after < seq <= until`, newest first."""
    query = select(*_HEADLINE).where(
        articles.c.status == ArticleStatus.LIVE, articles.c.seq > after, articles.c.seq <= until
    )
    return [Headline(*row) for row in await tx.execute(query.order_by(articles.c.seq.desc()))]


async def name_of(tx: Tx, listing: Listing) -> str | None:
    """The list's name, as its newest article writes it; None where no live article stands in it."""
    query = select(_name(listing.kind, literal(listing.slug)))
    found = (await tx.execute(query)).scalar_one_or_none()
    return None if found is None else str(found)


async def changed_at(tx: Tx, listing: Listing) -> datetime | None:
    """The newest change to an article that stands, or ever stood, in the list; None where none did."""
    held = and_(listings.c.kind == listing.kind.value, listings.c.slug == listing.slug)
    query = select(func.max(articles.c.changed_at)).join(listings, listings.c.seq == articles.c.seq).where(held)
    found: datetime | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def known(tx: Tx, kind: ListKind, limit: int = MOST) -> list[tuple[str, str]]:
    """(slug, name) of the lists of this kind with a live article, by slug, at most so many.

    Steps from list to list along the index, in one statement: the cost is in lists, not in articles (I8).
    """
    column = listings.c.slug
    shown = and_(listings.c.kind == kind.value, listings.c.shown == true())
    steps = select(func.min(column).label("slug")).where(shown).cte("steps", recursive=True)
    later = select(func.min(column)).where(shown, column > steps.c.slug).scalar_subquery()
    steps = steps.union_all(select(later).where(steps.c.slug.is_not(None)))
    query = select(steps.c.slug, _name(kind, steps.c.slug)).where(steps.c.slug.is_not(None)).limit(limit)
    return sorted((row[0], row[1]) for row in await tx.execute(query))


def _name(kind: ListKind, slug: ColumnElement[str]) -> ColumnElement[str]:
    """What the newest article calls the list: news before backfill."""
    other = listings.alias()
    shown = select(other.c.name).where(other.c.kind == kind.value, other.c.slug == slug, other.c.shown == true())
    newest_of = [
        shown.where(other.c.backfill == backfill).order_by(other.c.seq.desc()).limit(1).scalar_subquery()
        for backfill in (false(), true())
    ]
    return func.coalesce(*newest_of)
