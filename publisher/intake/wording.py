"""Articles with a like wording: how they are found, and which of other sources tell the same story.

    article | sketch -> STORE;   document | sketch | search | similar titles -> articles;   they differ in source | flag

The same story of two sources is flagged and never merged. The cost of an article does not grow with the archive.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from publisher.intake.identity import SAME_TEXT, containment, similar_titles
from publisher.intake.sketch import sketch
from publisher.model import Article, Extracted
from publisher.store import alike, articles
from publisher.store.alike import Candidate
from publisher.store.engine import Store, Tx

#: Articles without a sketch that get one in one transaction, and in one pick-up.
_CHUNK, _AT_ONCE = 50, 5_000


async def similar(tx: Tx, document: Extracted | Article) -> list[Candidate]:
    """Articles with a similar title that share some of the wording, at most 16."""
    return _alike(document, await alike.search(tx, sketch(document.title, document.content_text)))


async def similar_each(tx: Tx, documents: Sequence[Extracted]) -> list[list[Candidate]]:
    """What `similar` finds for each of these."""
    found = await alike.search_each(tx, [sketch(one.title, one.content_text) for one in documents])
    return [_alike(document, near) for document, near in zip(documents, found, strict=True)]


def _alike(document: Extracted | Article, found: Sequence[Candidate]) -> list[Candidate]:
    return [candidate for candidate in found if similar_titles(document.title, candidate.title)]


async def catch_up(store: Store) -> int:
    """Makes articles found that were written before sketches were; how many. Some at a time, not all of a huge archive.

    Costs one look where there are none.
    """
    count = 0
    while count < _AT_ONCE:
        async with store.read() as tx:
            if not await alike.unsketched(tx, 1):
                break
        async with store.write() as tx:
            await articles.lock(tx)
            ids = await alike.unsketched(tx, _CHUNK)
            found = (await articles.get_many(tx, ids)).values()
            await alike.fill(tx, ids, [(each, sketch(each.title, each.content_text)) for each in found])
        count += len(ids)
    return count


async def note(
    tx: Tx, article: Article, now: datetime, before: Article | None = None, like: Sequence[Candidate] | None = None
) -> None:
    """Makes the article found by what it says now, and flags those of other sources that say the same.

    `before` is what it said until now; `like` is what `similar` gave, where it was asked already.
    """
    former = sketch(before.title, before.content_text) if before else ()
    numbers = sketch(article.title, article.content_text)
    if before is not None and numbers == former:
        return
    await alike.note(tx, article, numbers, former)
    like = await similar(tx, article) if like is None else like
    near = [candidate.id for candidate in like if candidate.source != article.source]
    for other in (await articles.get_many(tx, near)).values() if near else ():
        if containment(article.content_text, other.content_text) >= SAME_TEXT:
            await alike.flag(tx, article.id, other.id, now)
