"""What leaves a folder: files that are gone, and accepted ones that its archive takes.

    gone     | noted -> STORE | follow_deletions: articles without any document left | withdrawn -> STORE
    accepted | archive: marked -> STORE | moved into the archive

Marked before it is moved: a pick-up that dies in between leaves a file that the next one moves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from publisher import log
from publisher.intake.folder import Reading
from publisher.intake.scope import Scope
from publisher.intake.shelve import shelve
from publisher.intake.survey import Survey
from publisher.model import ArticleStatus, DocumentResult, DocumentState
from publisher.store import articles, documents
from publisher.store.engine import Store, Tx

#: Documents in one transaction.
_BURST = 100

_log = log.get("intake")


async def note_gone(store: Store, part: Scope, found: Survey, now: datetime) -> None:
    """Records what is gone. Its articles stay, unless the source follows deletions.

    Then too while a file is still being written, which may be the same under another name; and where the folder is
    empty all at once, as a share is that was not mounted.
    """
    gone = sorted(found.gone)
    follow = part.follow_deletions
    if follow and gone and found.restless:
        return  # the next pick-up finds them gone as well
    if follow and len(gone) > 1 and not found.listing.files:
        _log.warning("the folder is empty; no article is withdrawn", source=part.source, documents=len(gone))
        follow = False
    withdrawn = 0
    for start in range(0, len(gone), _BURST):
        paths = gone[start : start + _BURST]
        async with store.write() as tx:
            if follow:
                await articles.lock(tx)
            await documents.mark_absent(tx, part.source, paths)
            for article_id in {found.known[path].article_id for path in paths} if follow else ():
                withdrawn += await _withdraw(tx, article_id, now)
    if gone:
        _log.info("gone from the folder", source=part.source, documents=len(gone), articles_withdrawn=withdrawn)


async def _withdraw(tx: Tx, article_id: str | None, now: datetime) -> bool:
    """Withdraws the article if no document of it is left anywhere; whether it did."""
    article = await articles.get(tx, article_id) if article_id else None
    if article is None or article.status == ArticleStatus.WITHDRAWN:
        return False
    if any(document.present for document in await documents.of_article(tx, article.id)):
        return False
    await articles.set_status(tx, article.id, ArticleStatus.WITHDRAWN, now)
    await documents.mark_withdrawn_from(tx, article.id, article.status)
    return True


async def archive(store: Store, part: Scope, readings: Iterable[Reading], rows: Iterable[DocumentResult]) -> None:
    """Moves those of the files that were accepted, as their rows tell, into the source's archive."""
    accepted = {row.path for row in rows if row.article_id and row.status != "rejected"}
    chosen = [reading for reading in readings if reading.path in accepted]
    for start in range(0, len(chosen), _BURST):
        await _archive(store, part, chosen[start : start + _BURST])


async def archive_rest(store: Store, part: Scope, found: Survey) -> None:
    """The same for files that were accepted earlier, and could not be moved then."""
    known = (document for document in found.unchanged if document.state is DocumentState.ACCEPTED)
    rows = [DocumentResult(document.path, "unchanged", document.article_id) for document in known]
    if rows:
        await archive(store, part, found.listing.files, rows)


async def _archive(store: Store, part: Scope, readings: list[Reading]) -> None:
    async with store.write() as tx:
        await documents.mark_archived(tx, part.source, [reading.path for reading in readings])
    stay = await asyncio.to_thread(shelve, part.root, readings)
    if stay:
        async with store.write() as tx:
            await documents.mark_archived(tx, part.source, stay, archived=False)
    for path, reason in stay.items():
        if reason:
            _log.warning("not archived", source=part.source, path=path, reason=reason)
