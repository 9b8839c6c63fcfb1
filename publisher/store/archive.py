"""The order in which articles were issued, and the archive documents that it is sealed in (RFC 5005, section 4).

An article is issued as it goes live, and again when it is corrected after its document was sealed. A sealed document
shows what its articles said then: what is corrected is frozen first. One that leaves is taken out of its documents, and
issued again if it comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, false, func, insert, select, update

from publisher.model import SITE_LISTING, Article, ArticleStatus, Enclosure, Related
from publisher.store import article_rows, listings
from publisher.store.engine import Tx
from publisher.store.listings import Place
from publisher.store.schema import archive_documents, archive_entries, articles, counters

_UNSEALED = archive_entries.c.document.is_(None)
_ISSUED = archive_entries.join(articles, articles.c.id == archive_entries.c.article_id)
_LIVE = articles.c.status == ArticleStatus.LIVE


@dataclass(frozen=True, slots=True)
class Issued:
    """What stands in the site's feeds."""

    #: Articles that are issued again, the latest first, then all that are not sealed and the newest, newest first.
    places: tuple[Place, ...]
    #: Number of the newest archive document, 0 before the first.
    last_document: int
    #: Ids of articles withdrawn last, each with the instant; the latest first.
    withdrawn: tuple[tuple[str, datetime], ...]


async def issue(tx: Tx, fresh: Sequence[Article], *, again: bool = False) -> None:
    """These articles, in this order, stand at the end; one that waits there already is passed over."""
    for start in range(0, len(fresh), 500):
        part = fresh[start : start + 500]
        query = select(archive_entries.c.article_id, archive_entries.c.document.is_(None).label("waits"))
        known = {row.article_id: row.waits for row in await tx.execute(
            query.where(archive_entries.c.article_id.in_([one.id for one in part])).order_by(archive_entries.c.number)
        )}
        rows = [
            {"article_id": one.id, "backfill": one.backfill and not again, "again": again}
            for one in part if not known.get(one.id)
        ]
        if rows:
            await tx.execute(insert(archive_entries), rows)


async def follow(tx: Tx, old: Article, new: Article, change: int, *, freeze: bool = True) -> None:
    """An article that has a `seq` was `old` and is `new`; `change` is the number of that change.

    Without `freeze` its sealed documents show what it is.
    """
    live = new.status == ArticleStatus.LIVE
    if old.status == ArticleStatus.LIVE:
        if not live:
            await _take_out(tx, new.id, change)
        elif asdict(replace(old, changed_at=new.changed_at)) != asdict(new):
            await (_freeze(tx, old) if freeze else _touch(tx, archive_entries.c.article_id == new.id, change))
            if old.updated_at != new.updated_at:
                await issue(tx, [new], again=True)
    elif live:
        await issue(tx, [new], again=True)


async def _freeze(tx: Tx, old: Article) -> None:
    sealed = and_(archive_entries.c.article_id == old.id, archive_entries.c.document.is_not(None))
    values = update(archive_entries).where(sealed, archive_entries.c.frozen.is_(None)).values(frozen=_plain(old))
    await tx.execute(values)


async def _take_out(tx: Tx, article_id: str, change: int) -> None:
    await _touch(tx, archive_entries.c.article_id == article_id, change)
    sealed = and_(archive_entries.c.article_id == article_id, archive_entries.c.document.is_not(None))
    await tx.execute(delete(archive_entries).where(sealed))


async def _touch(tx: Tx, which: ColumnElement[bool], change: int) -> None:
    """The documents that hold these entries are other ones since this change."""
    holding = select(archive_entries.c.document).where(which, archive_entries.c.document.is_not(None))
    await tx.execute(update(archive_documents).where(archive_documents.c.number.in_(holding)).values(change=change))


async def frozen(tx: Tx, after: int, limit: int) -> dict[int, Article]:
    """Articles as sealed documents show them though they were corrected since, by the number of their entry."""
    query = select(archive_entries.c.number, archive_entries.c.frozen)
    query = query.where(archive_entries.c.number > after, archive_entries.c.frozen.is_not(None))
    rows = await tx.execute(query.order_by(archive_entries.c.number).limit(limit))
    return {row.number: _article(row.frozen) for row in rows}


async def refreeze(tx: Tx, shown: Mapping[int, Article]) -> None:
    """From now on sealed documents show these articles there."""
    if shown:
        await _touch(tx, archive_entries.c.number.in_(list(shown)), await _step(tx, 1))
    for number, article in shown.items():
        values = update(archive_entries).where(archive_entries.c.number == number).values(frozen=_plain(article))
        await tx.execute(values)


async def ripe(tx: Tx, size: int) -> bool:
    """Whether there is a document to seal. Of news it holds `size` articles; backfill is sealed at once."""
    return bool(await _waiting(tx, size, backfill=True)) or len(await _waiting(tx, size, backfill=False)) == size


async def seal(tx: Tx, size: int) -> None:
    """Seals one document, where there is one to seal: of the articles that wait the oldest.

    Other writers of articles, and whoever seals for another node, are kept out before the first look until the commit.
    """
    await _step(tx, 0)
    for backfill in (True, False):
        found = await _waiting(tx, size, backfill=backfill)
        if not found or not (backfill or len(found) == size):
            continue
        change = await _step(tx, 1)
        number = await last_document(tx) + 1
        await tx.execute(insert(archive_documents).values(number=number, change=change))
        await tx.execute(update(archive_entries).where(archive_entries.c.number.in_(found)).values(document=number))
        # What left before it was sealed is issued again if it comes back.
        left = and_(_UNSEALED, archive_entries.c.backfill == backfill, archive_entries.c.number < found[-1])
        await tx.execute(delete(archive_entries).where(left))
        return


async def _step(tx: Tx, by: int) -> int:
    """The number of the last change after so many more; the counter's row stays locked until the commit."""
    step = update(counters).where(counters.c.name == "change").values(value=counters.c.value + by)
    return int((await tx.execute(step.returning(counters.c.value))).scalar_one())


async def _waiting(tx: Tx, size: int, *, backfill: bool) -> list[int]:
    """Numbers of the entries that are next to be sealed, at most `size`."""
    query = select(archive_entries.c.number).select_from(_ISSUED)
    query = query.where(_UNSEALED, archive_entries.c.backfill == backfill, _LIVE)
    return list((await tx.execute(query.order_by(archive_entries.c.number).limit(size))).scalars())


async def last_document(tx: Tx) -> int:
    """Number of the newest archive document, 0 before the first."""
    return int((await tx.execute(select(func.coalesce(func.max(archive_documents.c.number), 0)))).scalar_one())


async def changed_documents(tx: Tx, since: int, until: int) -> list[int]:
    """Numbers of the documents that were sealed or lost an article in (since, until]."""
    number, change = archive_documents.c.number, archive_documents.c.change
    return list((await tx.execute(select(number).where(change > since, change <= until).order_by(number))).scalars())


async def document(tx: Tx, number: int) -> list[Article]:
    """The articles of a sealed document as they were when it was sealed, the last issued first."""
    query = select(articles, archive_entries.c.frozen).select_from(_ISSUED)
    rows = await tx.execute(
        query.where(archive_entries.c.document == number, _LIVE).order_by(archive_entries.c.number.desc())
    )
    return [article_rows.article(row) if row.frozen is None else _article(row.frozen) for row in rows]


async def issued(tx: Tx, size: int) -> Issued:
    """What stands in the site's feeds: all that is not sealed, at least `size` articles where there are so many."""
    query = select(*listings.PLACE, archive_entries.c.again).select_from(_ISSUED)
    waiting = and_(_UNSEALED, archive_entries.c.backfill == false(), _LIVE)
    rows = list(await tx.execute(query.where(waiting).order_by(archive_entries.c.number.desc())))
    again = {row.id: listings.place(row) for row in rows if row.again}
    rest = {row.id: listings.place(row) for row in rows if not row.again}
    rest |= {one.article_id: one for one in await listings.places(tx, SITE_LISTING, size)}
    first = sorted((p for p in rest.values() if p.article_id not in again), key=lambda p: p.seq, reverse=True)
    gone = select(articles.c.id, articles.c.changed_at).where(
        articles.c.status == ArticleStatus.WITHDRAWN, articles.c.seq.is_not(None)
    )
    withdrawn = await tx.execute(gone.order_by(articles.c.change.desc()).limit(size))
    return Issued(
        (*again.values(), *first), await last_document(tx), tuple((row.id, row.changed_at) for row in withdrawn)
    )


def _plain(article: Article) -> dict[str, Any]:
    """The article as JSON can hold it; feeds and archives show no more than this."""
    values = asdict(article)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _article(plain: dict[str, Any]) -> Article:
    """The way back."""
    instants = {name: datetime.fromisoformat(plain[name]) for name in plain if name.endswith("_at")}
    return Article(**plain | instants | {
        "authors": tuple(plain["authors"]), "tags": tuple(plain["tags"]), "status": ArticleStatus(plain["status"]),
        "enclosures": tuple(Enclosure(**item) for item in plain["enclosures"]),
        "related": tuple(Related(**item) for item in plain["related"]),
    })
