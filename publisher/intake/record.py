"""One document into the store: what it is, and what its article says from now on.

    Loaded + store | facts | decide (identity) | first or next version (revise) -> article, document, row of the report

Runs inside a short write transaction that a whole chunk of documents shares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from publisher.intake import identity, revise
from publisher.intake.folder import Refusal
from publisher.intake.identity import Decision, Facts, Known
from publisher.intake.load import Loaded
from publisher.model import Article, Document, DocumentResult, DocumentState, Extracted
from publisher.store import articles, documents
from publisher.store.engine import Tx


@dataclass(frozen=True, slots=True)
class PickUp:
    """What all documents of a source share in one pick-up."""

    source: str
    root: Path
    now: datetime
    #: Of documents that do not tell theirs.
    language: str
    #: New articles are the source's backfill, and not to be mailed.
    backfill: bool = False
    #: Paths that the store has as present and the folder no more.
    gone: frozenset[str] = frozenset()
    #: (article id, title) of what those paths held.
    lost: tuple[tuple[str, str], ...] = ()
    #: Where the bytes lie that edited files held before: digest to paths, of files new or changed in this pick-up.
    arrived: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: Only some files of the source were looked at: `gone` says nothing of the others.
    partial: bool = False


async def take(tx: Tx, pick_up: PickUp, loaded: Loaded) -> DocumentResult:
    """Puts the document and its article into the store; what became of it."""
    reading = loaded.reading
    known = await documents.get(tx, pick_up.source, reading.path)
    if isinstance(loaded.made, Refusal):
        document = rejection(pick_up, loaded.made, loaded, known)
        if document is not None:
            await documents.put(tx, document)
        return rejected_row(loaded.made, known)
    if known is not None and _is_same(known, loaded):
        await documents.put(tx, _document(pick_up, loaded, known.article_id))
        titles = await articles.titles(tx, [known.article_id]) if known.article_id else {}
        return DocumentResult(reading.path, "unchanged", known.article_id, titles.get(known.article_id or "", ""))
    if loaded.made is None:  # another pick-up was here since this one read the file; the next will see
        return DocumentResult(reading.path, "unchanged")
    return await _accept(tx, pick_up, loaded, loaded.made, known)


async def _accept(
    tx: Tx, pick_up: PickUp, loaded: Loaded, document: Extracted, known: Document | None
) -> DocumentResult:
    decision = await _decide(tx, pick_up, loaded, document, known)
    if decision.article_id is None:
        article = await _add(tx, pick_up, loaded, document)
        status = "added"
    else:
        article, changed = await _revise(tx, pick_up, loaded, document, decision.article_id)
        status = "updated" if changed else "unchanged"
    await documents.put(tx, _document(pick_up, loaded, article.id))
    late = f"it is published; take it back with: publisher articles withdraw {article.id}"
    return DocumentResult(
        loaded.reading.path, status, article.id, document.title, late if revise.asks_too_late(article, document) else ""
    )


def rejection(pick_up: PickUp, refusal: Refusal, loaded: Loaded | None, known: Document | None) -> Document | None:
    """The record of a refusal; None where it is no news, or will be over at the next look.

    The article that the document was before stays as it is, and stays its article.
    """
    digest, size, mtime_ns = (loaded.digest, loaded.reading.size, loaded.reading.mtime_ns) if loaded else ("", 0, 0)
    document = Document(
        pick_up.source, refusal.path, digest, size, mtime_ns, DocumentState.REJECTED, refusal.reason, refusal.remedy,
        known.article_id if known else None, pick_up.now,
    )
    same = known is not None and replace(known, seen_at=pick_up.now) == document
    return None if refusal.passing or same else document


def rejected_row(refusal: Refusal, known: Document | None) -> DocumentResult:
    """The report's row for a refusal."""
    article_id = known.article_id if known else None
    return DocumentResult(refusal.path, "rejected", article_id, reason=reason(refusal.reason, refusal.remedy))


def reason(what: str, remedy: str) -> str:
    """Both on one line, for the report and the log."""
    return f"{what}; {remedy}" if remedy else what


def _is_same(known: Document, loaded: Loaded) -> bool:
    return known.state is DocumentState.ACCEPTED and known.digest == loaded.digest


def _document(pick_up: PickUp, loaded: Loaded, article_id: str | None) -> Document:
    reading = loaded.reading
    return Document(
        pick_up.source, reading.path, loaded.digest, reading.size, reading.mtime_ns, DocumentState.ACCEPTED, "", "",
        article_id, pick_up.now,
    )


async def _add(tx: Tx, pick_up: PickUp, loaded: Loaded, document: Extracted) -> Article:
    article_id = str(uuid4())
    for slug in identity.slugs(document, article_id):
        if await articles.by_slug(tx, slug) is None:
            break
    article = revise.first_version(
        document, loaded.content_hash, article_id=article_id, slug=slug, source=pick_up.source,
        language=pick_up.language, backfill=pick_up.backfill, now=pick_up.now,
    )
    await articles.insert(
        tx, article, source_id=document.source_id, canonical_url=identity.url_key(document),
        title_key=identity.title_key(document),
    )
    return article


async def _revise(
    tx: Tx, pick_up: PickUp, loaded: Loaded, document: Extracted, article_id: str
) -> tuple[Article, bool]:
    """The article as it is from now on, and whether that is new."""
    old = await articles.get(tx, article_id)
    assert old is not None
    new = revise.next_version(old, document, loaded.content_hash, language=pick_up.language, now=pick_up.now)
    if new == old:
        return old, False
    await articles.update(
        tx, new, pick_up.now, source_id=document.source_id or None, canonical_url=identity.url_key(document) or None,
        title_key=identity.title_key(document),
    )
    return new, True


async def _decide(
    tx: Tx, pick_up: PickUp, loaded: Loaded, document: Extracted, known: Document | None
) -> Decision:
    """Asks the store only as far as the rules need it: most documents are known by an early one."""
    facts = await _facts(tx, pick_up, loaded, document, known)
    decision = identity.decide(document, facts)
    if decision.article_id is None:
        gone = await _gone(tx, pick_up, loaded.reading.path, document)
        decision = identity.decide(document, replace(facts, gone=gone))
    return decision


async def _facts(tx: Tx, pick_up: PickUp, loaded: Loaded, document: Extracted, known: Document | None) -> Facts:
    path, source = loaded.reading.path, pick_up.source
    at_path = await articles.get(tx, known.article_id) if known and known.article_id else None
    by_id = await articles.find_by_source_id(tx, source, document.source_id) if document.source_id else []
    url = identity.url_key(document)
    by_url = await articles.find_by_canonical_url(tx, source, url) if url else []
    twins = [d for d in await documents.by_digest(tx, source, loaded.digest) if d.path != path]
    by_bytes = await articles.get_many(tx, {d.article_id for d in twins if d.article_id}) if twins else {}
    return Facts(
        by_source_id=await _all_known(tx, pick_up, path, _first(at_path, by_id)),
        by_url=await _all_known(tx, pick_up, path, _first(at_path, by_url)),
        at_path=(await _all_known(tx, pick_up, path, [at_path]))[0] if at_path else None,
        path_left=known is not None and await _has_left(tx, pick_up, known),
        by_bytes=await _all_known(tx, pick_up, path, by_bytes.values()),
    )


def _first(preferred: Article | None, found: list[Article]) -> list[Article]:
    """The one at the document's own path before the others."""
    return sorted(found, key=lambda article: preferred is None or article.id != preferred.id)


async def _has_left(tx: Tx, pick_up: PickUp, known: Document) -> bool:
    """True if what stood at this path is elsewhere now: files were renamed around, or the path was empty meanwhile."""
    if not known.present or pick_up.arrived.get(known.digest, frozenset()) - {known.path}:
        return True
    others = await documents.by_digest(tx, pick_up.source, known.digest)
    return any(other.path != known.path and _lies(pick_up, other) for other in others)


async def _gone(tx: Tx, pick_up: PickUp, path: str, document: Extracted) -> tuple[Known, ...]:
    """Articles with a like title: of files that went away in this pick-up, or of any with the very same title."""
    near = [article_id for article_id, title in pick_up.lost if identity.similar_titles(document.title, title)]
    found = await articles.get_many(tx, near) if near else {}
    for article in await articles.find_by_title_key(tx, pick_up.source, identity.title_key(document)):
        found.setdefault(article.id, article)
    return await _all_known(tx, pick_up, path, found.values())


async def _all_known(tx: Tx, pick_up: PickUp, path: str, found: Iterable[Article]) -> tuple[Known, ...]:
    known = []
    for article in found:
        places = await documents.of_article(tx, article.id)
        elsewhere = any(d.source == pick_up.source and d.path != path and _lies(pick_up, d) for d in places)
        known.append(Known(article.id, article.title, article.content_text, article.published_at, elsewhere))
    return tuple(known)


def _lies(pick_up: PickUp, document: Document) -> bool:
    """True if the document lies in the source at this moment."""
    if not document.present or document.path in pick_up.gone:
        return False
    return not pick_up.partial or (pick_up.root / document.path).exists()
