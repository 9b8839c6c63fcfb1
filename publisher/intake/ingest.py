"""The pick-up: documents become articles, each once, and go live in the order of their dates.

    folders or paths | scan | pass over what is known                    -> files that are new or changed
    files            | wait until at rest | read | digest | parse        in a thread, a chunk at a time
    their pictures   | read | make small, without metadata               -> STORE, one at a time
    chunk            | identify | add or correct                         -> STORE, one short transaction
    folder           | note what is gone, and that it has been read      -> STORE
    all              | publish what is due, in the order of its dates    -> STORE

Stopped at any point and run again, it goes on where it stopped: a document and its article are committed together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from publisher import log
from publisher.config import Settings
from publisher.errors import DocumentError
from publisher.intake import departed, folder, own_addresses, picture_copy, record, scope, wording
from publisher.intake.commit import commit
from publisher.intake.extract import is_article_file
from publisher.intake.folder import Listing, Reading, Refusal
from publisher.intake.load import Loaded, Setting, load
from publisher.intake.record import PickUp
from publisher.intake.scope import Scope
from publisher.intake.survey import Survey, arrivals, survey
from publisher.model import Document, DocumentResult, DocumentState, Extracted
from publisher.progress import Progress, silent
from publisher.store import articles, documents
from publisher.store.engine import Store
from publisher.store.lock import pick_up_lock

#: Documents and bytes that are parsed, and then written in one transaction, at a time.
_CHUNK, _CHUNK_BYTES = 25, 8_000_000
#: Articles that go live in one transaction.
_BURST = 100
#: Files that went away in one pick-up and are compared with new ones by title; a bound on the cost, not on safety.
_LOST = 200
#: How long a pick-up waits for files that are still being written, where it waits for them.
_PATIENCE = timedelta(seconds=10)

_NOTHING_THERE = "there is no such file or folder"

_log = log.get("intake")


@dataclass(slots=True)
class _Run:
    """One call of `ingest`."""

    store: Store
    settings: Settings
    now: datetime
    progress: Progress
    wait: bool
    brief: bool
    done: int = 0
    total: int = 0

    def setting(self) -> Setting:
        return Setting(self.now, self.settings.site.zone, self.settings.site.url, beside=True)


async def ingest(
    store: Store, settings: Settings, paths: Sequence[Path] | None = None, *, now: Callable[[], datetime],
    progress: Progress = silent, wait_settled: bool = True, brief: bool = False,
) -> list[DocumentResult]:
    """Picks up all configured folders, or the files and folders at `paths`; a row for each document.

    `wait_settled`: wait (up to ten seconds) for files that are being written, and report those that do not come to
    rest. Without it, what is not at rest within a moment is left to the next pick-up, as a service wants it.
    `brief`: only the rows that are news, and neither what is unchanged nor what was rejected before for the same
    reason. Also publishes scheduled articles whose time has come.
    """
    rows: list[DocumentResult] = []
    if paths:
        folders, files, missing = await asyncio.to_thread(_sort, paths)
        rows += [DocumentResult(path.as_posix(), "rejected", reason=_NOTHING_THERE) for path in missing]
        scopes = scope.named(settings, folders, [file for file in files if _is_wanted(file)])
    else:
        scopes = scope.configured(settings)
    async with pick_up_lock(store):
        await wording.catch_up(store)
        await own_addresses.follow(store, settings.site.url, now())
        run = _Run(store, settings, now(), progress, wait_settled, brief)
        for part in scopes:
            rows += [replace(row, path=part.shown(row.path)) for row in await _pick_up(run, part)]
        await _publish(store, now())
    return rows


async def publish(store: Store, now: datetime) -> int:
    """Sends live what is scheduled for `now` or before, in the order of the articles' dates; how many.

    Waits for the end of a pick-up that is under way.
    """
    async with store.read() as tx:
        if not await articles.count_due(tx, now):
            return 0
    async with pick_up_lock(store):
        return await _publish(store, now)


async def _publish(store: Store, now: datetime) -> int:
    count = 0
    while True:
        async with store.write() as tx:
            ids = await articles.publish_due(tx, now, _BURST)
        if not ids:
            return count
        count += len(ids)


def extract_paths(
    paths: Sequence[Path], settings: Settings, *, now: datetime
) -> Iterator[tuple[str, Extracted | DocumentError]]:
    """What pick-up would make of these files and folders, storing nothing: (path, article's parts or what is wrong)."""
    setting = Setting(now, settings.site.zone, settings.site.url)
    for path in paths:
        root, listing = _named(path)
        for refusal in listing.refused:
            yield (root / refusal.path).as_posix(), DocumentError(refusal.reason, refusal.remedy)
        for reading in listing.files:
            made = load(root, reading, None, setting).made
            if isinstance(made, Extracted):
                yield (root / reading.path).as_posix(), replace(made, language=made.language or settings.site.language)
            elif isinstance(made, Refusal):
                yield (root / reading.path).as_posix(), DocumentError(made.reason, made.remedy)


def _named(path: Path) -> tuple[Path, Listing]:
    """The folder to read from, and what lies at `path`; a file that cannot be taken is refused, not passed over."""
    if path.is_dir():
        return path, folder.scan(path, is_article_file)
    if path.exists() and not is_article_file(path.name):
        refusal = Refusal(path.name, "it is no article format", "give it the ending .txt, .md or .html")
        return path.parent, Listing((), (refusal,))
    found = folder.look(path.parent, [path.name])
    if not found.files and not found.refused:
        return path.parent, Listing((), (Refusal(path.name, _NOTHING_THERE, ""),))
    return path.parent, found


def _sort(paths: Sequence[Path]) -> tuple[list[Path], list[Path], list[Path]]:
    """(folders, files, what is neither)."""
    folders = [path for path in paths if path.is_dir()]
    files = [path for path in paths if path not in folders and (path.exists() or path.is_symlink())]
    return folders, files, [path for path in paths if path not in folders and path not in files]


def _is_wanted(file: Path) -> bool:
    if not is_article_file(file.name):
        _log.info("passed over", path=file.as_posix(), reason="it is no article format")
        return False
    return True


async def _pick_up(run: _Run, part: Scope) -> list[DocumentResult]:
    found = await survey(run.store, part, _PATIENCE if run.wait else part.settle * 1.5)
    pick_up = await _prepare(run, part, found)
    rows = await _known_rows(run, found)
    rows += await _refused_rows(run, pick_up, found)
    run.total += len(found.ready)
    for chunk in _chunks(found.ready):
        taken = await _take(run, pick_up, found, chunk)
        rows += _told(run, taken, found)
        if part.archive:
            await departed.archive(run.store, part, chunk, taken)
        run.done += len(chunk)
        run.progress(run.done, run.total)
    if run.wait:
        reason = "it is still being written; it is taken when it has stopped changing"
        rows += [DocumentResult(reading.path, "rejected", reason=reason) for reading in found.restless]
    if part.archive:
        await departed.archive_rest(run.store, part, found)
    await _note(run, part, found)
    return sorted(rows, key=lambda row: row.path)


async def _prepare(run: _Run, part: Scope, found: Survey) -> PickUp:
    lost = [found.known[path].article_id for path in sorted(found.gone)[:_LOST]] if found.ready else []
    async with run.store.read() as tx:
        titles = await articles.titles(tx, [article_id for article_id in lost if article_id]) if lost else {}
    return PickUp(
        part.source, part.root, run.now, run.settings.site.language, backfill=found.first and part.hold,
        gone=found.gone, lost=tuple(titles.items()), partial=part.files is not None,
        arrived=await asyncio.to_thread(arrivals, part.root, found),
    )


async def _known_rows(run: _Run, found: Survey) -> list[DocumentResult]:
    """Rows of what is as it was before: unchanged, or rejected for the same reason."""
    same = found.unchanged
    if run.brief:
        return []
    rows = []
    for start in range(0, len(same), _BURST):
        part = same[start : start + _BURST]
        async with run.store.read() as tx:
            titles = await articles.titles(tx, [document.article_id for document in part if document.article_id])
        rows += [_same_row(document, titles.get(document.article_id or "", "")) for document in part]
    return rows


def _same_row(document: Document, title: str) -> DocumentResult:
    if document.state is DocumentState.ACCEPTED:
        return DocumentResult(document.path, "unchanged", document.article_id, title)
    reason = record.reason(document.reason, document.remedy)
    return DocumentResult(document.path, "rejected", document.article_id, title, reason)


async def _refused_rows(run: _Run, pick_up: PickUp, found: Survey) -> list[DocumentResult]:
    """Rows of what is no file that could be read; recorded where that is news."""
    refused = [(refusal, found.known.get(refusal.path)) for refusal in found.listing.refused]
    news = [record.rejection(pick_up, refusal, None, known) for refusal, known in refused]
    for document in filter(None, news):
        async with run.store.write() as tx:
            await documents.put(tx, document)
    rows = [record.rejected_row(refusal, known) for refusal, known in refused]
    return _told(run, rows, found)


async def _take(run: _Run, pick_up: PickUp, found: Survey, chunk: Sequence[Reading]) -> list[DocumentResult]:
    """Reads and parses a chunk in a thread, copies its pictures, and writes it in one transaction."""
    setting = run.setting()
    loaded = await asyncio.to_thread(lambda: [_load(pick_up, found, reading, setting) for reading in chunk])
    loaded = await picture_copy.copy(run.store, pick_up.root, run.settings.site.url, loaded)
    return await commit(run.store, pick_up, loaded)


def _load(pick_up: PickUp, found: Survey, reading: Reading, setting: Setting) -> Loaded:
    if reading.path in found.afresh:
        return replace(load(pick_up.root, reading, None, setting), afresh=True)
    return load(pick_up.root, reading, found.known.get(reading.path), setting)


async def _note(run: _Run, part: Scope, found: Survey) -> None:
    """What is gone, and that the source has been read."""
    await departed.note_gone(run.store, part, found, run.now)
    if len(found.ready) > _CHUNK:
        _log.info("picked up", source=part.source, documents=len(found.ready))
    if found.first and not found.listing.hides("any"):
        async with run.store.write() as tx:
            await documents.mark_read(tx, part.source, run.now)


def _chunks(readings: Iterable[Reading]) -> Iterator[list[Reading]]:
    chunk: list[Reading] = []
    for reading in readings:
        if chunk and (len(chunk) == _CHUNK or sum(r.size for r in chunk) + reading.size > _CHUNK_BYTES):
            yield chunk
            chunk = []
        chunk.append(reading)
    if chunk:
        yield chunk


def _told(run: _Run, rows: list[DocumentResult], found: Survey) -> list[DocumentResult]:
    """The rows that were asked for, after a line in the log for each that is news.

    Of a great many only those that somebody must act on.
    """
    many = len(found.ready) > _CHUNK
    news = [row for row in rows if _is_news(row, found.known.get(row.path))]
    for row in news:
        if row.reason:
            _log.warning(row.status, path=row.path, reason=row.reason)
        elif not many:
            _log.info(row.status, path=row.path, article=row.article_id)
    return news if run.brief else rows


def _is_news(row: DocumentResult, before: Document | None) -> bool:
    if row.status == "rejected":
        return before is None or record.reason(before.reason, before.remedy) != row.reason
    return row.status != "unchanged" or row.reason != ""
