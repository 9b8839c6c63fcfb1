"""Mending by hand what identity took for two articles, or for one.

    merge | documents and keys of B belong to A | B withdrawn, found as A from now on, its page leads to A's
    split | the last that came to the article | a merge: undone | a document: an article of its own, as it says

No id, `seq` or row of the ledger changes; what a reader was sent is not sent again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from publisher.change_kind import Change
from publisher.errors import NotFoundError, PublisherError
from publisher.intake import identity, wording
from publisher.intake.change import change
from publisher.model import Article, ArticleStatus
from publisher.store import articles, documents, joins, versions
from publisher.store.engine import Tx
from publisher.store.joins import MERGE, Join


async def merge(tx: Tx, into_id: str, from_id: str, now: datetime) -> Article:
    """The article `into_id`, to which the documents and keys of `from_id` belong from now on.

    Raises PublisherError where that cannot be, or where readers would be mailed the story once more.
    """
    await articles.lock(tx)
    into, other = await _present(tx, into_id), await _present(tx, from_id)
    if into.id == other.id:
        raise PublisherError("an article cannot be merged into itself; nothing changed")
    if other.seq is not None and (into.seq is None or into.status == ArticleStatus.WITHDRAWN):
        raise PublisherError(
            f"{other.slug} was published, and {into.slug} is not; merge the other way round; nothing changed"
        )
    if other.seq is not None and into.seq is not None and await joins.would_come_twice(tx, other.seq, into.seq):
        raise PublisherError(
            f"some readers have had {other.slug} and are still to get {into.slug}: they would be mailed the story "
            "twice; merge the other way round; nothing changed"
        )
    places = [(document.source, document.path) for document in await documents.of_article(tx, other.id)]
    await joins.add(tx, into.id, MERGE, places, now, merged_id=other.id, merged_status=other.status)
    await articles.set_status(tx, other.id, ArticleStatus.WITHDRAWN, now)
    await documents.give(tx, places, into.id)
    await articles.set_merged_into(tx, other.id, into.id)
    return into


async def split(tx: Tx, article_id: str, now: datetime) -> Article:
    """The article that the last document to come to this one, or the last article merged into it, now is.

    Both say again what they said before; their documents are read again at the next pick-up. Raises PublisherError
    where nothing has come to it.
    """
    await articles.lock(tx)
    article = await _present(tx, article_id)
    join = await joins.latest(tx, article.id)
    if join is None:
        raise PublisherError(f"no document has come to {article.slug} but the one that it began with; nothing changed")
    other = await (_unmerge(tx, join, now) if join.merged_id else _part(tx, article, join, now))
    await _say_again(tx, article, join, now)
    await joins.remove(tx, join)
    for each in (article, other):
        await documents.read_again(tx, each.id)
    found = await articles.get(tx, other.id)
    assert found is not None
    return found


async def _present(tx: Tx, article_id: str) -> Article:
    found = await articles.get(tx, article_id)
    if found is None:
        raise NotFoundError(f"no article has the id {article_id!r}")
    other = await articles.merged_into(tx, article_id)
    if other is not None:
        raise PublisherError(f"{found.slug} is merged into {other}; nothing changed")
    return found


async def _unmerge(tx: Tx, join: Join, now: datetime) -> Article:
    """The article that was merged, with its documents and the status that it had."""
    assert join.merged_id is not None
    assert join.merged_status is not None
    await articles.set_merged_into(tx, join.merged_id, None)
    await documents.give(tx, join.documents, join.merged_id)
    await articles.set_status(tx, join.merged_id, join.merged_status, now)
    found = await articles.get(tx, join.merged_id)
    assert found is not None
    return found


async def _part(tx: Tx, article: Article, join: Join, now: datetime) -> Article:
    """A new article for a document that came to `article`.

    One that lies in a folder is a draft until it has been read again and says its own date.
    """
    held = [d for d in await documents.of_article(tx, article.id) if (d.source, d.path) in join.documents]
    read_soon = any(d.present and not d.archived and d.source.startswith("folder:") for d in held)
    apart = article.status in (ArticleStatus.DRAFT, ArticleStatus.UNLISTED)
    status = article.status if apart else ArticleStatus.SCHEDULED
    new_id = str(uuid4())
    for slug in identity.slugs_of(article.title, new_id):
        if await articles.by_slug(tx, slug) is None:
            break
    part = replace(
        article, id=new_id, slug=slug, seq=None, status=ArticleStatus.DRAFT if read_soon else status, published_at=now,
        updated_at=now, first_seen_at=now, changed_at=now, content_hash="",
    )
    await articles.insert(tx, part, **await articles.identity_keys(tx, article.id))
    await wording.note(tx, part, now)
    await documents.give(tx, join.documents, part.id)
    return part


async def _say_again(tx: Tx, article: Article, join: Join, now: datetime) -> None:
    """Gives the article the words back that it had before the join, where they were replaced since."""
    before = [version for version in await versions.of_article(tx, article.id) if version.number == join.version + 1]
    if not before:
        return
    old = versions.restored(article, before[0].content)
    kind = change(article, old)
    if kind is not Change.NONE:
        corrected = now if article.seq is not None and kind is not Change.MINOR else article.updated_at
        new = replace(old, updated_at=corrected, content_hash="")
        await articles.update(tx, new, now, title_key=identity.title_key(new), change=kind)
        await wording.note(tx, new, now, article)
