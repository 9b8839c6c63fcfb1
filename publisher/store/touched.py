"""What changed since a step last looked, and which lists show it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from publisher.model import Article, Listing
from publisher.store import articles, listings
from publisher.store.engine import Store

#: Articles held in memory at once.
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Touched:
    """A batch of changed articles."""

    #: Number of the batch's last change.
    change: int
    articles: tuple[Article, ...]
    #: When the last of them changed.
    changed_at: datetime
    #: The lists in which any of them stands or stood, sorted. An article that was never live stood in none.
    lists: tuple[Listing, ...]


async def touched(store: Store, since: int, until: int) -> AsyncIterator[Touched]:
    """The articles whose last change has a number in (since, until], in that order, in batches.

    One that changes meanwhile may be missing: its new number is above `until`, and the next run meets it.
    """
    while since < until:
        async with store.read() as tx:
            found = await articles.changed_since(tx, since, _BATCH)
            changed = tuple(article for change, article in found if change <= until)
            stood = await listings.touching(tx, [article.seq for article in changed if article.seq is not None])
            lists = {listing for each in stood.values() for listing in each}
        if not changed:
            return
        since = max(change for change, _ in found if change <= until)
        yield Touched(since, changed, max(article.changed_at for article in changed), tuple(sorted(lists)))
