"""What a pick-up finds: which files are new or changed and at rest, which are as before, which are gone.

    scan (or look) | beside what the store knows | wait until at rest -> Survey

Nothing is decided here about articles, and nothing is written.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from publisher.intake import folder, picture_files
from publisher.intake.extract import MAX_BYTES, is_article_file
from publisher.intake.folder import Listing, Reading
from publisher.intake.load import digest_of
from publisher.intake.scope import Scope
from publisher.intake.shelve import ARCHIVE, is_shelved
from publisher.model import Document, DocumentState
from publisher.store import documents, pictures
from publisher.store.engine import Store
from publisher.store.pictures import Origin


@dataclass(frozen=True, slots=True)
class Survey:
    """A scope beside what the store knows of it."""

    listing: Listing
    #: The store's documents by path; of a scope of single files, only theirs.
    known: Mapping[str, Document]
    #: What is as it was when the store last saw it.
    unchanged: tuple[Document, ...]
    #: New or changed files, at rest.
    ready: tuple[Reading, ...]
    #: Files that are still being written.
    restless: tuple[Reading, ...]
    #: Paths of known documents that are no longer there.
    gone: frozenset[str]
    #: The source was never read to its end.
    first: bool
    #: Those of the ready files that are as they were, but whose pictures are not.
    afresh: frozenset[str] = frozenset()


async def survey(store: Store, part: Scope, patience: timedelta) -> Survey:
    """What lies there now; waits at most `patience` for files that are being written."""
    if part.files is None:
        skip = {ARCHIVE, *part.inner} if part.archive else part.inner
        listing = await asyncio.to_thread(
            folder.scan, part.root, is_article_file, part.under, skip, picture_files.is_picture_file
        )
    else:
        listing = await asyncio.to_thread(folder.look, part.root, part.files)
    async with store.read() as tx:
        first = part.whole and await documents.first_read_at(tx, part.source) is None
        if part.files is None:
            known = await documents.all_of(tx, part.source)
        else:
            asked = [await documents.get(tx, part.source, path) for path in part.files]
            known = {document.path: document for document in asked if document is not None}
        origins = await pictures.origins(tx, part.source)
    afresh = await asyncio.to_thread(_illustrated_anew, part.root, listing, known, origins)
    unchanged, fresh = [], []
    for reading in listing.files:
        document = known.get(reading.path)
        if document is not None and _is_same(reading, document) and reading.path not in afresh:
            unchanged.append(document)
        else:
            fresh.append(reading)
    ready, restless = await folder.settled(part.root, fresh, part.settle, patience)
    gone = _gone(part, listing, known)
    return Survey(listing, known, tuple(unchanged), tuple(ready), tuple(restless), gone, first, afresh)


def _illustrated_anew(
    root: Path, listing: Listing, known: Mapping[str, Document], origins: Mapping[str, list[Origin]]
) -> frozenset[str]:
    """Documents of which a picture is not as it was when they were accepted."""
    accepted = {path for path, document in known.items() if document.state is DocumentState.ACCEPTED}
    mine = {path: found for path, found in origins.items() if path in accepted}
    new = picture_files.newly_illustrated(listing.noted, accepted, origins)
    return frozenset(picture_files.stale(root, mine) | new)


def arrivals(root: Path, found: Survey) -> dict[str, frozenset[str]]:
    """Where the former bytes of edited files lie now, by digest; only files of the same size can hold them."""
    edited = {found.known[reading.path].size for reading in found.ready if reading.path in found.known}
    places: dict[str, set[str]] = defaultdict(set)
    for reading in found.ready:
        if reading.size in edited:
            places[digest_of(root, reading)].add(reading.path)
    return {digest: frozenset(paths) for digest, paths in places.items() if digest}


def _is_same(reading: Reading, document: Document) -> bool:
    """True if nothing was written since. What could not be read is tried again, unless its size was the reason."""
    seen = (document.size, document.mtime_ns) == (reading.size, reading.mtime_ns)
    return document.present and seen and (document.digest != "" or reading.size > MAX_BYTES)


def _gone(part: Scope, listing: Listing, known: Mapping[str, Document]) -> frozenset[str]:
    there = {reading.path for reading in listing.files} | {refusal.path for refusal in listing.refused}
    return frozenset(
        path for path, document in known.items()
        if document.present and not document.archived and path not in there and part.covers(path)
        and not listing.hides(path) and not (part.archive and is_shelved(path))
    )
