"""Articles with a like wording, found by the numbers of `publisher.intake.sketch`; and pairs that tell one story."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, insert, select, text

from publisher.model import Article
from publisher.store import bulk
from publisher.store.bulk import Bulk
from publisher.store.engine import Tx
from publisher.store.schema import alike, articles, sketches
from publisher.store.schema import unsketched as backlog
from publisher.store.upsert import add_new, insert_new

#: Numbers that one search looks up.
_WIDTH = 17
#: Of the articles that share a number only the newest are looked at: what a template puts into each costs no more.
_NEWEST = 8
#: Articles that one search gives.
_MOST = 16
_INSERT = insert(sketches)
_ADD = Bulk(lambda _: insert(sketches), ("hash", "added", "article_id"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ARMS = " UNION ALL ".join(
    f"SELECT * FROM (SELECT article_id FROM sketches WHERE hash = :h{i} "  # noqa: S608 - made of our own numbers only
    f"ORDER BY added DESC LIMIT {_NEWEST}) AS arm{i}"
    for i in range(_WIDTH)
)
#: Written out: each arm ends at its limit, where any other form would read all rows of a common number.
_SEARCH = Bulk(
    lambda _: text(
        "SELECT found.article_id, a.source, a.title FROM "  # noqa: S608 - as above
        f"(SELECT article_id, count(*) AS shared FROM ({_ARMS}) AS hits "
        f"GROUP BY article_id ORDER BY count(*) DESC, article_id LIMIT {_MOST}) AS found "
        "JOIN articles AS a ON a.id = found.article_id WHERE a.merged_into IS NULL "
        "ORDER BY found.shared DESC, found.article_id"
    ),
    tuple(f"h{i}" for i in range(_WIDTH)),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that shares some of its wording."""

    id: str
    source: str
    title: str


async def search(tx: Tx, numbers: Sequence[int]) -> list[Candidate]:
    """Articles that share most of these numbers, at most 16, those that share more first."""
    return [Candidate(*tuple(row)) for row in await bulk.rows(tx, _SEARCH, _padded(numbers))]


async def search_each(tx: Tx, found: Sequence[Sequence[int]]) -> list[list[Candidate]]:
    """What `search` finds for each of these."""
    rows = await bulk.rows_of_each(tx, _SEARCH, [_padded(numbers) for numbers in found])
    return [[Candidate(*row) for row in each] for each in rows]


def _padded(numbers: Sequence[int]) -> tuple[int, ...]:
    return (*numbers[:_WIDTH], *(-1,) * (_WIDTH - len(numbers)))


async def note(tx: Tx, article: Article, numbers: Collection[int], former: Collection[int] = ()) -> None:
    """From now on the article is found by these numbers, and no more by those of `former` that are not among them."""
    added = _added(article)
    gone = sorted(set(former) - set(numbers))
    if gone:
        mine = (sketches.c.added == added) & (sketches.c.article_id == article.id)
        await tx.execute(delete(sketches).where(sketches.c.hash.in_(gone), mine))
    rows = [{"hash": h, "added": added, "article_id": article.id} for h in sorted(set(numbers) - set(former))]
    if rows:
        await tx.execute(_INSERT, rows)


async def note_all(tx: Tx, found: Sequence[tuple[Article, Collection[int]]]) -> None:
    """From now on these new articles are found, each by its numbers."""
    rows = [
        (number, added, article.id)
        for article, numbers in found
        for added in (_added(article),)
        for number in set(numbers)
    ]
    await bulk.run_all(tx, _ADD, sorted(rows))


async def unsketched(tx: Tx, limit: int) -> list[str]:
    """Ids of articles that have no numbers yet, so many at most."""
    return list((await tx.execute(select(backlog.c.article_id).limit(limit))).scalars())


async def fill(tx: Tx, ids: Sequence[str], found: Sequence[tuple[Article, Collection[int]]]) -> None:
    """As `note_all`, for articles of which some numbers may be there; these ids are unsketched no more."""
    rows = [
        {"hash": number, "added": _added(article), "article_id": article.id}
        for article, numbers in found
        for number in sorted(set(numbers))
    ]
    await add_new(tx, sketches, rows)
    await tx.execute(delete(backlog).where(backlog.c.article_id.in_(ids)))


def _added(article: Article) -> int:
    return (article.first_seen_at - _EPOCH) // timedelta(microseconds=1)


async def flag(tx: Tx, one: str, other: str, now: datetime) -> None:
    """The two articles tell the same story."""
    for left, right in ((one, other), (other, one)):
        await insert_new(tx, alike, {"article_id": left, "other_id": right, "found_at": now})


async def of_article(tx: Tx, article_id: str) -> list[str]:
    """Ids of the articles of other sources that tell the same story, but those merged into another."""
    query = select(alike.c.other_id).join(articles, articles.c.id == alike.c.other_id)
    query = query.where(alike.c.article_id == article_id, articles.c.merged_into.is_(None))
    return list((await tx.execute(query.order_by(alike.c.found_at, alike.c.other_id))).scalars())
