"""One document into the store: what it is, and what its article says from now on.

    Loaded + store | facts | decide (identity) | first or next version (revise) -> article, document, row of the report

Runs inside a short write transaction that a whole chunk of documents shares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from publisher.change_kind import Change
from publisher.intake import identity, revise, wording
from publisher.intake.change import VERSIONS_A_DAY, is_capped
from publisher.intake.extract import dated
from publisher.intake.folder import Refusal
from publisher.intake.identity import Decision, Facts, Known
from publisher.intake.load import Loaded
from publisher.model import Article, ArticleStatus, Document, DocumentResult, DocumentState, Extracted
from publisher.store import articles, documents, identities, joins, pictures, versions
from publisher.store.alike import Candidate
from publisher.store.engine import Tx

#: Why a change was not taken yet.
HELD = "it changes too often; its next change is taken when a day has passed"
#: Why a change is no version of its own.
CAPPED = f"it changed more than {VERSIONS_A_DAY} times in a day; what it said in between is not kept"
DAY = timedelta(days=1)
#: Files that went away and have a similar title: so many are looked at.
_LOST = 20


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
    #: The source may change by itself at each look: only so many changes of an article are taken in a day.
    capped: bool = False


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
        await documents.put(tx, accepted(pick_up, loaded, known.article_id))
        titles = await articles.titles(tx, [known.article_id]) if known.article_id else {}
        back = not known.present and await _is_back(tx, known.article_id, pick_up.now)
        title = titles.get(known.article_id or "", "")
        return DocumentResult(reading.path, "updated" if back else "unchanged", known.article_id, title)
    if loaded.made is None:  # another pick-up was here since this one read the file; the next will see
        return DocumentResult(reading.path, "unchanged")
    return await _accept(tx, pick_up, loaded, loaded.made, known)


async def _accept(
    tx: Tx, pick_up: PickUp, loaded: Loaded, document: Extracted, known: Document | None
) -> DocumentResult:
    document = dated(document, pick_up.now)  # feeds too tell dates that cannot be
    decision, like = await _decide(tx, pick_up, loaded, document, known)
    remarks: tuple[str, ...] = ()
    if decision.article_id is None:
        article = await _add(tx, pick_up, loaded, document, like)
        status = "added"
    else:
        if known is None or known.article_id != decision.article_id:
            place = (pick_up.source, loaded.reading.path)
            await joins.add(tx, decision.article_id, decision.rule, [place], pick_up.now)
        article, status, remarks = await _revise(tx, pick_up, loaded, document, decision.article_id)
    if status == HELD:  # without a digest, so that it is looked at again
        held = replace(accepted(pick_up, replace(loaded, digest=""), article.id), reason=HELD)
        await documents.put(tx, held)
        return DocumentResult(loaded.reading.path, "unchanged", article.id, article.title, HELD)
    if loaded.origins or known is not None:
        await pictures.set_origins(tx, pick_up.source, loaded.reading.path, loaded.origins)
    remarks = (*document.remarks, *remarks)
    await documents.put(tx, replace(accepted(pick_up, loaded, article.id), reason="; ".join(remarks)))
    if revise.asks_too_late(article, document):
        remarks = (*remarks, f"it is published; take it back with: publisher articles withdraw {article.id}")
    return DocumentResult(loaded.reading.path, status, article.id, document.title, "; ".join(remarks))


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
    return known.state is DocumentState.ACCEPTED and known.digest == loaded.digest and not loaded.afresh


def accepted(pick_up: PickUp, loaded: Loaded, article_id: str | None) -> Document:
    """The record of a document that gave this article."""
    reading = loaded.reading
    return Document(
        pick_up.source, reading.path, loaded.digest, reading.size, reading.mtime_ns, DocumentState.ACCEPTED, "", "",
        article_id, pick_up.now,
    )


async def _add(
    tx: Tx, pick_up: PickUp, loaded: Loaded, document: Extracted, like: Sequence[Candidate]
) -> Article:
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
    await wording.note(tx, article, pick_up.now, like=like)
    return article


async def _revise(
    tx: Tx, pick_up: PickUp, loaded: Loaded, document: Extracted, article_id: str
) -> tuple[Article, str, tuple[str, ...]]:
    """The article as it is from now on; "updated", "unchanged" or HELD; what is to be said about it."""
    old = await articles.get(tx, article_id)
    assert old is not None
    stood = old
    old = await _returned(tx, old, pick_up.now)
    new, kind = revise.next_version(old, document, loaded.content_hash, language=pick_up.language, now=pick_up.now)
    if new == old:
        return old, "unchanged" if stood == old else "updated", ()
    versions_today = await versions.changes_since(tx, old.id, pick_up.now - DAY)
    if pick_up.capped and revise.is_restless(old, new, versions_today):
        return old, HELD, ()
    capped = kind is not Change.NONE and is_capped(versions_today)
    if capped:  # mail waits for an article that changes, but not for one that always does
        new, kind = replace(new, updated_at=old.updated_at), Change.NONE
    await articles.update(
        tx, new, pick_up.now, source_id=document.source_id or None, canonical_url=identity.url_key(document) or None,
        title_key=identity.title_key(document), change=None if kind is Change.NONE else kind,
        changed_at=old.changed_at if capped else None,
    )
    await wording.note(tx, new, pick_up.now, old)
    return new, "updated", (CAPPED,) if capped else ()


async def _is_back(tx: Tx, article_id: str | None, now: datetime) -> bool:
    """Brings an article back that the deletion of its file had withdrawn; whether there was one."""
    article = await articles.get(tx, article_id) if article_id else None
    return article is not None and await _returned(tx, article, now) != article


async def _returned(tx: Tx, article: Article, now: datetime) -> Article:
    """The article, as it was before the deletion of its file withdrew it: with its `seq`, and not mailed again."""
    status = await documents.withdrawn_from(tx, article.id) if article.status == ArticleStatus.WITHDRAWN else None
    if status is None:
        return article
    await articles.set_status(tx, article.id, status, now)
    back = await articles.get(tx, article.id)
    assert back is not None
    return back


async def _decide(
    tx: Tx, pick_up: PickUp, loaded: Loaded, document: Extracted, known: Document | None
) -> tuple[Decision, Sequence[Candidate]]:
    """What the document is, and the articles of like wording if they were asked for.

    Asks the store only as far as the rules need it: most documents are known by an early one.
    """
    facts = await _facts(tx, pick_up, loaded, document, known)
    decision = identity.decide(document, facts)
    if decision.article_id is not None:
        return decision, ()
    like = await wording.similar(tx, document)
    gone = await _gone(tx, pick_up, loaded.reading.path, document, like)
    return identity.decide(document, replace(facts, gone=gone)), like


async def _facts(tx: Tx, pick_up: PickUp, loaded: Loaded, document: Extracted, known: Document | None) -> Facts:
    path, source = loaded.reading.path, pick_up.source
    at_path = await articles.get(tx, known.article_id) if known and known.article_id else None
    by_id = await identities.find_by_source_id(tx, source, document.source_id) if document.source_id else []
    url = identity.url_key(document)
    by_url = await identities.find_by_canonical_url(tx, source, url) if url else []
    twins = [d for d in await documents.by_digest(tx, source, loaded.digest) if d.path != path]
    by_bytes = await articles.get_many(tx, {d.article_id for d in twins if d.article_id}) if twins else {}
    left = known is not None and await _has_left(tx, pick_up, known)
    return Facts(
        by_source_id=await _all_known(tx, pick_up, path, _first(at_path, by_id)),
        by_url=await _all_known(tx, pick_up, path, _first(at_path, by_url)),
        at_path=(await _all_known(tx, pick_up, path, [at_path]))[0] if at_path else None,
        path_left=left,
        copied=left and at_path is not None and await joins.has_come(tx, at_path.id, "bytes", (source, path)),
        by_bytes=await _all_known(tx, pick_up, path, by_bytes.values()),
        now=pick_up.now,
    )


def _first(preferred: Article | None, found: list[Article]) -> list[Article]:
    """The one at the document's own path before the others."""
    return sorted(found, key=lambda article: preferred is None or article.id != preferred.id)


async def _has_left(tx: Tx, pick_up: PickUp, known: Document) -> bool:
    """True if what stood at this path is elsewhere now: files were renamed around, or the path was empty meanwhile."""
    if not known.present or known.archived or pick_up.arrived.get(known.digest, frozenset()) - {known.path}:
        return True
    if not known.digest:  # its bytes are not known, so nobody can tell where they lie
        return False
    others = await documents.by_digest(tx, pick_up.source, known.digest)
    return any(other.path != known.path and _lies(pick_up, other) for other in others)


async def _gone(
    tx: Tx, pick_up: PickUp, path: str, document: Extracted, like: Sequence[Candidate]
) -> tuple[Known, ...]:
    """Articles with a like title: with much of the wording, of files that went away in this pick-up, or with the title.

    However large the archive, only so many are looked at.
    """
    near = [candidate.id for candidate in like if candidate.source == pick_up.source]
    lost = [article_id for article_id, title in pick_up.lost if identity.similar_titles(document.title, title)]
    wanted = dict.fromkeys((*near, *lost[:_LOST]))
    found = await articles.get_many(tx, wanted) if wanted else {}
    for article in await identities.find_by_title_key(tx, pick_up.source, identity.title_key(document)):
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
    if document.archived:
        return True
    return not pick_up.partial or (pick_up.root / document.path).exists()
