"""The last part of the plan step: messages that hold an article withdrawn since (I10).

    stale variants with unsent deliveries | what is still live | render -> new revision; nothing left -> cancelled

A stale variant is never claimed, so a message whose revision is still to come waits.
"""

from __future__ import annotations

from publisher import log
from publisher.digest.desk import Desk
from publisher.digest.select import pick
from publisher.model import ArticleStatus
from publisher.outgoing import NewVariant, Variant
from publisher.store import articles, editions

_log = log.get("digest")

#: Deliveries moved, or cancelled, in one write transaction.
_CHUNK = 1000


async def revise(desk: Desk) -> None:
    """Brings every stale variant to a revision without what was withdrawn; one whose template fails stays unsent."""
    async with desk.store.read() as tx:
        stale = await editions.stale_variants(tx)
    for old in stale:
        await _revise(desk, old)


async def _revise(desk: Desk, old: Variant) -> None:
    async with desk.store.read() as tx:
        name, on, kind = await editions.edition_of(tx, old.edition_id)
        found = await articles.get_many(tx, (*old.article_ids, *old.corrected_ids))
    left = pick([found[id_] for id_ in old.article_ids], (), backfill=True)
    corrected = [found[id_] for id_ in old.corrected_ids if found[id_].status == ArticleStatus.LIVE]
    newsletter = desk.settings.find_newsletter(name)
    if not left:
        await _cancel(desk, old)
    elif newsletter is None:
        _log.warning("not revised", newsletter=name, variant=old.id, why="the newsletter is not in the configuration")
    elif (new := await desk.press.variant(newsletter, kind, on, left, corrected, old.form)) is not None:
        await _move(desk, old, new)


async def _move(desk: Desk, old: Variant, new: NewVariant) -> None:
    while True:
        async with desk.store.write() as tx:
            moved = await editions.move_unsent(tx, old.id, await editions.variant(tx, old.edition_id, new), _CHUNK)
        desk.tally["revised"] += moved
        if moved < _CHUNK:
            return


async def _cancel(desk: Desk, old: Variant) -> None:
    while True:
        async with desk.store.write() as tx:
            ids = await editions.unsent_of(tx, old.id, _CHUNK)
            for id_ in ids:
                await editions.cancel(tx, id_, desk.now, "every article in it was withdrawn")
        desk.tally["cancelled"] += len(ids)
        if len(ids) < _CHUNK:
            return
