"""An export of another system becomes articles: each once, as backfill, with its old addresses leading to it.

    entries | pictures of the old site, from a folder or fetched  -> STORE
    entries | pass over what is known | identify | add or correct  -> STORE, short transactions
    entries | old addresses                                        -> STORE
    all     | publish what is due, in the order of its dates       -> STORE

Stopped at any point and run again, it goes on where it stopped: a document and its article are committed together,
and what is done again changes nothing. Nothing is fetched while the pick-up's lock is held.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from publisher import log
from publisher.config import Settings
from publisher.intake import dates, export_pictures
from publisher.intake.commit import commit
from publisher.intake.export_entry import Export, Exported, digest
from publisher.intake.export_pictures import Library
from publisher.intake.feed_rows import known_rows
from publisher.intake.folder import Reading, Refusal
from publisher.intake.identity import content_hash
from publisher.intake.ingest import publish
from publisher.intake.load import Loaded
from publisher.intake.record import PickUp
from publisher.model import ArticleStatus, Document, DocumentResult, DocumentState, Extracted
from publisher.progress import Reporting, unheard
from publisher.store import documents, redirects
from publisher.store.engine import Store
from publisher.store.lock import pick_up_lock

#: Entries that are read, and then written in one transaction, at a time.
_CHUNK = 25
_NEVER = "it is scheduled for the year {year} there: it is kept as a draft"
_TWICE = "the export holds two entries of this number; the first counts"

_log = log.get("intake")


@dataclass(frozen=True, slots=True)
class _Run:
    """One import."""

    store: Store
    settings: Settings
    export: Export
    library: Library
    seen: set[str]


async def bring_in(
    store: Store, settings: Settings, export: Export, library: Library, *, now: Callable[[], datetime],
    reporting: Reporting = unheard,
) -> list[DocumentResult]:
    """Takes in what the export holds; a row for each of its entries, with the other system's ids as paths.

    Articles are backfill: live and in the archives, never mailed. Publishes them at the end, in the order of their
    dates. Raises DocumentError where the file changed since it was read first.
    """
    run = _Run(store, settings, export, library, set())
    if library.folder is not None or library.fetch:
        await _copy_pictures(run, reporting)
    rows: list[DocumentResult] = []
    async with pick_up_lock(store):
        pick_up = PickUp(export.source, Path(), now(), settings.site.language, backfill=True)
        with reporting("importing") as progress:
            async for chunk in _chunks(export):
                rows += await _take(run, pick_up, chunk)
                progress(len(rows), export.total)
        async with store.write() as tx:
            await documents.mark_read(tx, export.source, now())
    await publish(store, now())
    _log.info("imported", source=export.source, documents=len(rows))
    return rows


async def _copy_pictures(run: _Run, reporting: Reporting) -> None:
    done = 0
    with reporting("pictures") as progress:
        async for chunk in _chunks(run.export):
            await export_pictures.copy(run.store, run.library, run.export, chunk)
            done += len(chunk)
            progress(done, run.export.total)


async def _chunks(export: Export) -> AsyncIterator[list[Exported]]:
    """The entries; they are parsed in a thread."""
    entries = export.entries()
    while chunk := await asyncio.to_thread(lambda: list(islice(entries, _CHUNK))):
        yield chunk


async def _take(run: _Run, pick_up: PickUp, chunk: Sequence[Exported]) -> list[DocumentResult]:
    """The rows of a chunk in its order, after it is in the store."""
    chunk = [_unlike(run.seen, entry) for entry in chunk]
    chunk = await export_pictures.placed(run.store, run.library, run.export, run.settings.site.url, chunk)
    loaded = await asyncio.to_thread(lambda: [_loaded(entry, pick_up.now) for entry in chunk])
    async with run.store.read() as tx:
        known = await documents.at_paths(tx, pick_up.source, [entry.path for entry in chunk])
    fresh = [one for one in loaded if not _is_known(one, known.get(one.reading.path))]
    news = {one.reading.path for one in fresh}
    rows = await commit(run.store, pick_up, fresh) if fresh else []
    rows += await known_rows(run.store, [known[entry.path] for entry in chunk if entry.path not in news])
    by_path = {row.path: row for row in rows}
    await _lead_there(run, chunk, by_path)
    return [by_path[entry.path] for entry in chunk]


def _unlike(seen: set[str], entry: Exported) -> Exported:
    """The entry; refused under a path of its own where another one claimed its number."""
    if entry.path not in seen:
        seen.add(entry.path)
        return entry
    number = 2
    while (path := f"{entry.path} ({number})") in seen:
        number += 1
    seen.add(path)
    return Exported(path, None, (), _TWICE, "nothing to do if both are the same; else mend the export")


def _loaded(entry: Exported, now: datetime) -> Loaded:
    if entry.made is None:
        return Loaded(Reading(entry.path, 0, 0, 0), "", Refusal(entry.path, entry.reason, entry.remedy))
    reading = Reading(entry.path, len(entry.made.content_html), 0, 0)
    try:
        return Loaded(reading, digest(entry.path, entry.made), _kept_back(entry.made, now), content_hash(entry.made))
    except UnicodeEncodeError:
        refusal = Refusal(entry.path, "it holds characters that no text can hold", "mend it there, and export it again")
        return Loaded(reading, "", refusal)


def _kept_back(made: Extracted, now: datetime) -> Extracted:
    """What waits there for a day that never comes is a draft: without its date it would be published at once."""
    date = made.published_at
    if date is None or date <= now or not dates.is_absurd(date, now) or made.status != ArticleStatus.SCHEDULED:
        return made
    return replace(made, status=ArticleStatus.DRAFT, remarks=(*made.remarks, _NEVER.format(year=date.year)))


def _is_known(one: Loaded, document: Document | None) -> bool:
    """True if the store has the entry as it is."""
    if document is None or not document.present:
        return False
    if isinstance(one.made, Refusal):
        return (document.state, document.reason) == (DocumentState.REJECTED, one.made.reason)
    return document.state is DocumentState.ACCEPTED and document.digest == one.digest


async def _lead_there(run: _Run, chunk: Sequence[Exported], rows: dict[str, DocumentResult]) -> None:
    """Old addresses of the chunk's articles; those of unchanged ones stay with whatever has them now."""
    old = [(entry.old, rows[entry.path]) for entry in chunk if entry.old and rows[entry.path].article_id]
    if old:
        async with run.store.write() as tx:
            for paths, row in old:
                await redirects.put(tx, paths, row.article_id or "", keep=row.status == "unchanged")


def shown(rows: Sequence[DocumentResult], file: str) -> list[DocumentResult]:
    """The rows as a report names them: an address as it is, any other id behind the file's name."""
    return [row if "://" in row.path else replace(row, path=f"{file}#{row.path}") for row in rows]
