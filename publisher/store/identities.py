"""Articles as their sources know them: by the source's own id, its canonical URL, its title (I1)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import bindparam, select

from publisher.model import Article
from publisher.store import article_rows, articles
from publisher.store.engine import Tx
from publisher.store.schema import articles as table

#: Of the articles with one key only so many are looked at: a key that is in no way one costs no more.
_NEWEST = 20
_BY_KEY = {
    key.name: select(table).where(table.c.source == bindparam("source"), key == bindparam("key"))
    .order_by(table.c.first_seen_at.desc(), table.c.id).limit(_NEWEST)
    for key in (table.c.source_id, table.c.canonical_url, table.c.title_key)
}


async def find_by_source_id(tx: Tx, source: str, source_id: str) -> list[Article]:
    """Articles of this source to which it gave this id; of very many the newest."""
    return await _found(tx, "source_id", source, source_id)


async def find_by_canonical_url(tx: Tx, source: str, canonical_url: str) -> list[Article]:
    """Articles of this source with this canonical URL, as `publisher.urls.canonical` has it; of many the newest."""
    return await _found(tx, "canonical_url", source, canonical_url)


async def find_by_title_key(tx: Tx, source: str, title_key: str) -> list[Article]:
    """Articles of this source with this folded title; of very many the newest."""
    return await _found(tx, "title_key", source, title_key)


async def _found(tx: Tx, name: str, source: str, key: str) -> list[Article]:
    """The newest articles with this key. One that was merged has its own words, and the id of the other."""
    found = []
    for row in await tx.execute(_BY_KEY[name], {"source": source, "key": key}):
        heir = row.id if row.merged_into is None else await _heir(tx, row.merged_into)
        found.append(replace(article_rows.article(row), id=heir))
    return found


async def _heir(tx: Tx, article_id: str) -> str:
    """The article that this one was merged into, at the end of the chain; itself where it was not."""
    into = await articles.merged_into(tx, article_id)
    return article_id if into is None else await _heir(tx, into)
