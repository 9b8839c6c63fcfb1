"""Articles: inserted, corrected, published in order, and read by the window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, select
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from publisher.change_kind import Change
from publisher.model import Article, ArticleStatus
from publisher.store import archive, article_rows, documents, listings, tides, versions
from publisher.store.engine import Tx
from publisher.store.mail_schema import variant_articles, variants
from publisher.store.schema import articles, counters

_LIVE = and_(articles.c.status == ArticleStatus.LIVE, articles.c.seq.is_not(None))

# Made once: making a statement takes longer than running it.
_INSERT = sql_insert(articles)
_BY_ID = select(articles).where(articles.c.id == bindparam("of"))
_BY_SLUG = select(articles).where(articles.c.slug == bindparam("of"))
_STEP = (
    sql_update(counters).where(counters.c.name == bindparam("of"))
    .values(value=counters.c.value + bindparam("step", type_=counters.c.value.type)).returning(counters.c.value)
)


async def insert(
    tx: Tx, article: Article, *, source_id: str = "", canonical_url: str = "", title_key: str = ""
) -> None:
    """A new article. `title_key` is the folded title; all three are what identity looks for later."""
    values = article_rows.values(article) | {
        "change": await step(tx, "change"), "source_id": source_id, "canonical_url": canonical_url,
        "title_key": title_key,
    }
    await tx.execute(_INSERT, values)


async def update(
    tx: Tx, article: Article, now: datetime, *, source_id: str | None = None, canonical_url: str | None = None,
    title_key: str | None = None, change: Change | None = Change.CORRECTION, changed_at: datetime | None = None,
    freeze: bool = True,
) -> None:
    """New values for an article; what it said before is kept as a version. Id, `seq` and slug stay as they are.

    `change` is what the version is marked with; None keeps none. `changed_at` is `now` unless it is given.
    Sealed archive documents show what it said before; without `freeze` they show the new values too.
    Only `publish_due` makes an article live for the first time: one that never was waits for it as SCHEDULED.
    """
    await lock(tx)
    old = await get(tx, article.id)
    if old is None:
        raise LookupError(article.id)
    if change is not None:
        await versions.keep(tx, old, change, now)
    status = _reachable(article.status, old.seq)
    changed_at = changed_at or now
    values = article_rows.values(replace(article, seq=old.seq, slug=old.slug, changed_at=changed_at, status=status))
    keys = {"source_id": source_id, "canonical_url": canonical_url, "title_key": title_key}
    values |= {name: value for name, value in keys.items() if value is not None}
    await _write(tx, article.id, values)
    await _relist(tx, old, replace(article, seq=old.seq, slug=old.slug, status=status), freeze=freeze)
    if status != ArticleStatus.LIVE and old.status == ArticleStatus.LIVE:
        await _stale(tx, article.id)


async def set_status(tx: Tx, article_id: str, status: ArticleStatus, now: datetime) -> None:
    """Withdraws, restores or drafts an article; messages that hold a withdrawn one are stale from here on (I10).

    Restored to LIVE, one that never was live waits for `publish_due` as SCHEDULED: only there it gets a `seq` (I2).
    """
    await lock(tx)
    old = await get(tx, article_id)
    if old is None:
        raise LookupError(article_id)
    status = _reachable(status, old.seq)
    await _write(tx, article_id, {"status": status, "changed_at": now})
    await _relist(tx, old, replace(old, status=status))
    await documents.forget_withdrawal(tx, article_id)
    if status != ArticleStatus.LIVE:
        await _stale(tx, article_id)


async def lock(tx: Tx) -> None:
    """Keeps all other writers of articles out until the commit: comes first where reading decides what is written."""
    await step(tx, "change", 0)


async def publish_due(tx: Tx, now: datetime, limit: int = 1000) -> list[str]:
    """Sends scheduled articles live whose time has come, in the order of their own dates; returns their ids.

    Of one instant, the one that was taken in first comes first. Publishing is serialised until the commit, so whoever
    sees one `seq` sees all below it (I2).
    """
    await lock(tx)
    due = and_(articles.c.status == ArticleStatus.SCHEDULED, articles.c.published_at <= now)
    query = select(articles).where(due).order_by(articles.c.published_at, articles.c.change)
    rows = list(await tx.execute(query.limit(limit)))
    fresh = [row.id for row in rows if row.seq is None]
    if not rows:
        return []
    last = await step(tx, "seq", len(fresh)) if fresh else 0
    if fresh:
        await tides.note(tx, last, now)
    seqs = dict(zip(fresh, range(last - len(fresh) + 1, last + 1), strict=True))
    first = await step(tx, "change", len(rows)) - len(rows) + 1
    live = sql_update(articles).where(articles.c.id == bindparam("of")).values(
        status=ArticleStatus.LIVE, changed_at=now, seq=bindparam("given"), change=bindparam("number")
    )
    await tx.execute(live, [
        {"of": row.id, "given": seqs.get(row.id, row.seq), "number": number} for number, row in enumerate(rows, first)
    ])
    found = [article_rows.article(row) for row in rows]
    await listings.put(tx, [
        replace(one, seq=one.seq or seqs[one.id], status=ArticleStatus.LIVE) for one in found
    ])
    await archive.issue(tx, found)
    return [row.id for row in rows]


async def get(tx: Tx, article_id: str) -> Article | None:
    """The article with this id, whatever its status."""
    row = (await tx.execute(_BY_ID, {"of": article_id})).first()
    return None if row is None else article_rows.article(row)


async def get_many(tx: Tx, ids: Iterable[str]) -> dict[str, Article]:
    """The articles with these ids, by id, whatever their status."""
    rows = await tx.execute(select(articles).where(articles.c.id.in_(list(ids))))
    return {row.id: article_rows.article(row) for row in rows}


async def titles(tx: Tx, ids: Iterable[str]) -> dict[str, str]:
    """The titles of the articles with these ids (at most a few hundred), by id."""
    rows = await tx.execute(select(articles.c.id, articles.c.title).where(articles.c.id.in_(list(ids))))
    return {row.id: row.title for row in rows}


async def by_slug(tx: Tx, slug: str) -> Article | None:
    """The article with this slug, whatever its status."""
    row = (await tx.execute(_BY_SLUG, {"of": slug})).first()
    return None if row is None else article_rows.article(row)


async def identity_keys(tx: Tx, article_id: str) -> dict[str, str]:
    """`source_id`, `canonical_url` and `title_key` of the article."""
    query = select(articles.c.source_id, articles.c.canonical_url, articles.c.title_key)
    return dict((await tx.execute(query.where(articles.c.id == article_id))).mappings().one())


async def merged_into(tx: Tx, article_id: str) -> str | None:
    """The article that this one was merged into, by hand; None where it was not."""
    return (await tx.execute(select(articles.c.merged_into).where(articles.c.id == article_id))).scalar_one_or_none()


async def set_merged_into(tx: Tx, article_id: str, other_id: str | None) -> None:
    """From now on the article is found as the other one, or as itself again."""
    await _write(tx, article_id, {"merged_into": other_id})


async def newest(tx: Tx, limit: int, section_slug: str = "") -> list[Article]:
    """Live articles, the newest `seq` first; of one section where named."""
    query = select(articles).where(_LIVE).order_by(articles.c.seq.desc()).limit(limit)
    return await _many(tx, query.where(articles.c.section_slug == section_slug) if section_slug else query)


async def window(
    tx: Tx, from_seq: int, to_seq: int, sections: Sequence[str] = (), *, limit: int | None = None,
    include_backfill: bool = False,
) -> list[Article]:
    """Live articles with `from_seq < seq <= to_seq`, newest first, of these section slugs (none: all)."""
    query = select(articles).where(_LIVE, articles.c.seq > from_seq, articles.c.seq <= to_seq)
    if sections:
        query = query.where(articles.c.section_slug.in_(list(sections)))
    if not include_backfill:
        query = query.where(articles.c.backfill.is_(False))
    return await _many(tx, query.order_by(articles.c.seq.desc()).limit(limit))


async def count_live(tx: Tx) -> int:
    """Number of live articles."""
    return int((await tx.execute(select(func.count()).select_from(articles).where(_LIVE))).scalar_one())


async def max_seq(tx: Tx) -> int:
    """The highest `seq` given out, 0 before the first."""
    return await _current(tx, "seq")


async def max_change(tx: Tx) -> int:
    """The number of the last change to any article, 0 before the first."""
    return await _current(tx, "change")


async def unsettled(tx: Tx, since: datetime) -> list[int]:
    """`seq` of live articles that changed at or after `since`, in order."""
    query = select(articles.c.seq).where(_LIVE, articles.c.changed_at >= since).order_by(articles.c.seq)
    return list((await tx.execute(query)).scalars())


async def sections(tx: Tx) -> list[tuple[str, str]]:
    """(slug, name) of each section with a live article, by slug; the name is that of its newest article.

    Steps from section to section along the index: the cost is in sections, not in articles (I8).
    """
    found: list[tuple[str, str]] = []
    slug: str | None = ""
    while True:
        later = select(func.min(articles.c.section_slug)).where(articles.c.section_slug > slug)
        slug = (await tx.execute(later)).scalar_one()
        if slug is None:
            return found
        newest_in = select(articles.c.section).where(_LIVE, articles.c.section_slug == slug)
        name = (await tx.execute(newest_in.order_by(articles.c.seq.desc()).limit(1))).scalar_one_or_none()
        if name is not None:
            found.append((slug, name))


async def changed_since(tx: Tx, change: int, limit: int = 500) -> list[tuple[int, Article]]:
    """Articles whose last change has a higher number than `change`, with that number, in that order."""
    query = select(articles).where(articles.c.change > change).order_by(articles.c.change).limit(limit)
    return [(row.change, article_rows.article(row)) for row in await tx.execute(query)]


async def list_articles(tx: Tx, limit: int = 100, offset: int = 0) -> list[Article]:
    """All articles, those seen last first."""
    order = (articles.c.first_seen_at.desc(), articles.c.seq.desc(), articles.c.id)
    return await _many(tx, select(articles).order_by(*order).limit(limit).offset(offset))


async def count_due(tx: Tx, now: datetime) -> int:
    """Number of scheduled articles whose time has come."""
    due = and_(articles.c.status == ArticleStatus.SCHEDULED, articles.c.published_at <= now)
    return int((await tx.execute(select(func.count()).select_from(articles).where(due))).scalar_one())


async def count_scheduled(tx: Tx) -> int:
    """Number of articles that wait for their time."""
    query = select(func.count()).select_from(articles).where(articles.c.status == ArticleStatus.SCHEDULED)
    return int((await tx.execute(query)).scalar_one())


def _reachable(wanted: ArticleStatus, seq: int | None) -> ArticleStatus:
    return ArticleStatus.SCHEDULED if wanted == ArticleStatus.LIVE and seq is None else wanted


async def step(tx: Tx, counter: str, by: int = 1) -> int:
    """The counter's new value; its row stays locked until the commit."""
    return int((await tx.execute(_STEP, {"of": counter, "step": by})).scalar_one())


async def _current(tx: Tx, counter: str) -> int:
    return int((await tx.execute(select(counters.c.value).where(counters.c.name == counter))).scalar_one())


async def _write(tx: Tx, article_id: str, values: dict[str, Any]) -> None:
    change = await step(tx, "change")
    await tx.execute(sql_update(articles).where(articles.c.id == article_id).values(**values, change=change))


async def _relist(tx: Tx, old: Article, new: Article, *, freeze: bool = True) -> None:
    """Its places in lists and in the archive, where it has or had any."""
    if new.seq is not None:
        await listings.put(tx, [new])
        await archive.follow(tx, old, new, await max_change(tx), freeze=freeze)


async def _stale(tx: Tx, article_id: str) -> None:
    holding = select(variant_articles.c.variant_id).where(variant_articles.c.article_id == article_id)
    await tx.execute(sql_update(variants).where(variants.c.id.in_(holding)).values(stale=True))


async def _many(tx: Tx, query: Select[Any]) -> list[Article]:
    return [article_rows.article(row) for row in await tx.execute(query)]
