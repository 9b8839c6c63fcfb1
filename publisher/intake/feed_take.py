"""Entries of a feed into the store, whether they were asked for or pushed.

    entries | pass over what is known | full text on request -> documents
    documents | identify | add or correct (`commit`)         -> STORE, short transactions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from publisher import http
from publisher.config import Settings
from publisher.intake import feed_text
from publisher.intake.commit import commit
from publisher.intake.feed_parse import Entry
from publisher.intake.folder import Reading, Refusal
from publisher.intake.identity import content_hash
from publisher.intake.load import Loaded, Setting
from publisher.intake.record import PickUp
from publisher.model import Document, DocumentResult, DocumentState
from publisher.settings import Source
from publisher.store import articles, documents
from publisher.store.engine import Store

#: Entries that are written in one transaction.
_CHUNK = 25


@dataclass(frozen=True, slots=True)
class Compared:
    """Entries beside what the store knows."""

    #: By path; of all entries.
    known: Mapping[str, Document]
    #: Those that are new, or say something new.
    loaded: Sequence[Loaded]


async def compare(
    store: Store, settings: Settings, source: Source, entries: Sequence[Entry], *, now: datetime, limits: http.Limits
) -> Compared:
    """What of the entries is new; with the text of their pages where that is asked for. Holds no lock."""
    async with store.read() as tx:
        known = await documents.at_paths(tx, source.name, [entry.path for entry in entries])
    fresh: Sequence[Entry] = [entry for entry in entries if not _is_known(entry, known.get(entry.path))]
    if source.full_text:
        setting = Setting(now, settings.site.zone, source.url)
        fresh = await feed_text.completed(
            fresh, setting, frozenset(known), limits=limits, allow_private=source.allow_private
        )
    return Compared(known, [_loaded(entry) for entry in fresh])


async def pick_up(
    store: Store, settings: Settings, source: Source, entries: Sequence[Entry], *, now: datetime, whole: bool = True
) -> PickUp:
    """What the entries share. `whole`: they are all that the feed holds, and what is not among them is gone."""
    async with store.read() as tx:
        first = await documents.first_read_at(tx, source.name) is None
        before = await documents.present(tx, source.name) if whole else {}
        gone = sorted(before.keys() - {entry.path for entry in entries})
        lost = {before[path].article_id for path in gone}
        titles = await articles.titles(tx, [article_id for article_id in lost if article_id])
    return PickUp(
        source.name, Path(), now, settings.site.language, backfill=first and source.backfill == "hold",
        gone=frozenset(gone), lost=tuple(titles.items()), partial=not whole, capped=True,
    )


async def write(store: Store, pick: PickUp, loaded: Sequence[Loaded]) -> list[DocumentResult]:
    """Writes the documents; the caller holds the pick-up's lock."""
    rows = []
    for start in range(0, len(loaded), _CHUNK):
        rows += await commit(store, pick, loaded[start : start + _CHUNK])
    return rows


def _is_known(entry: Entry, document: Document | None) -> bool:
    """True if the store has the entry as it is, and as one that the feed holds."""
    if document is None or not document.present:
        return False
    if entry.made is None:
        return (document.state, document.reason) == (DocumentState.REJECTED, entry.reason)
    return document.state is DocumentState.ACCEPTED and document.digest == entry.digest


def _loaded(entry: Entry) -> Loaded:
    reading = Reading(entry.path, len(entry.made.content_html) if entry.made else 0, 0, 0)
    if entry.made is None:
        return Loaded(reading, "", Refusal(entry.path, entry.reason, entry.remedy))
    return Loaded(reading, entry.digest, entry.made, content_hash(entry.made))
