"""Old addresses of articles: where an imported article stood, and which article that is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from sqlalchemy import select

from publisher.model import Article
from publisher.store import articles
from publisher.store.engine import Store, Tx
from publisher.store.schema import redirects
from publisher.store.upsert import add_new, upsert

#: Rows that are read at a time.
_CHUNK = 500
#: Articles that were merged one into the other, at most; more is a circle.
_MERGES = 20


async def put(tx: Tx, paths: Iterable[str], article_id: str, *, keep: bool = False) -> None:
    """These old addresses lead to the article. One that leads to another now leads there no more, unless `keep`."""
    rows = [{"path": path, "article_id": article_id} for path in paths]
    if keep:
        await add_new(tx, redirects, rows)
        return
    for row in rows:
        await upsert(tx, redirects, ("path",), row)


async def find(tx: Tx, path: str) -> Article | None:
    """The article that stood at this old address, whatever its status; of a merged one the article it is now."""
    query = select(redirects.c.article_id).where(redirects.c.path == path)
    ident = (await tx.execute(query)).scalar_one_or_none()
    return None if ident is None else await _present(tx, ident)


async def every(store: Store) -> AsyncIterator[tuple[str, Article]]:
    """All old addresses in their order, each with the article that it leads to."""
    last = ""
    while True:
        query = select(redirects).where(redirects.c.path > last).order_by(redirects.c.path).limit(_CHUNK)
        async with store.read() as tx:
            rows = list(await tx.execute(query))
            found = [(row.path, await _present(tx, row.article_id)) for row in rows]
        for path, article in found:
            if article is not None:
                yield path, article
        if not rows:
            return
        last = rows[-1].path


async def _present(tx: Tx, article_id: str) -> Article | None:
    for _ in range(_MERGES):
        into = await articles.merged_into(tx, article_id)
        if into is None:
            break
        article_id = into
    return await articles.get(tx, article_id)
