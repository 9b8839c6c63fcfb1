"""Documents: every file or remote entry that was seen, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from publisher.model import ArticleStatus, Document, DocumentState
from publisher.store.engine import Tx
from publisher.store.schema import documents, sources
from publisher.store.upsert import upsert, upsert_all

#: Bound parameters of one statement stay far below SQLite's limit.
_CHUNK = 500
#: Of the documents with the same bytes only so many are looked at: a file that is copied often costs no more.
_TWINS = 50

#: Rows read at a time where there may be very many.
_AT_ONCE = 5_000

# Made once: making a statement takes longer than running it.
_AT_PATH = select(documents).where(documents.c.source == bindparam("of"), documents.c.path == bindparam("at"))
_PAGE = (
    select(*(documents.c[name] for name in Document.__slots__))
    .where(documents.c.source == bindparam("of"), documents.c.path > bindparam("after"))
    .order_by(documents.c.path).limit(_AT_ONCE)
)
_OF_ARTICLE = select(documents).where(documents.c.article_id == bindparam("of")).order_by(documents.c.path)
_OF_DIGEST = (
    select(documents).where(documents.c.source == bindparam("of"), documents.c.digest == bindparam("is"))
    .order_by(documents.c.present.desc(), documents.c.path).limit(_TWINS)
)


async def get(tx: Tx, source: str, path: str) -> Document | None:
    """The document at this path of the source, as last seen."""
    row = (await tx.execute(_AT_PATH, {"of": source, "at": path})).first()
    return None if row is None else _document(row)


async def all_of(tx: Tx, source: str) -> dict[str, Document]:
    """All documents of the source by path, those gone too."""
    found: dict[str, Document] = {}
    last = ""
    while True:
        rows = (await tx.execute(_PAGE, {"of": source, "after": last})).all()
        for _, path, digest, size, mtime_ns, state, *rest in rows:  # one name for all: there may be 100,000
            found[path] = Document(source, path, digest, size, mtime_ns, DocumentState(state), *rest)
        if len(rows) < _AT_ONCE:
            return found
        last = rows[-1].path


async def present(tx: Tx, source: str) -> dict[str, Document]:
    """Documents that lie in the source by path: what a feed held when it was last read, not all that it ever held."""
    query = select(documents).where(documents.c.source == source, documents.c.present.is_(True))
    return {row.path: _document(row) for row in await tx.execute(query)}


async def at_paths(tx: Tx, source: str, paths: Iterable[str]) -> dict[str, Document]:
    """Documents of the source at these paths, those gone too."""
    wanted = list(paths)
    found: dict[str, Document] = {}
    for start in range(0, len(wanted), _CHUNK):
        chosen = documents.c.path.in_(wanted[start : start + _CHUNK])
        rows = await tx.execute(select(documents).where(documents.c.source == source, chosen))
        found |= {row.path: _document(row) for row in rows}
    return found


async def put(tx: Tx, document: Document) -> None:
    """Records the document; what stood there for its path is replaced."""
    await upsert(tx, documents, ("source", "path"), {name: getattr(document, name) for name in Document.__slots__})


async def put_all(tx: Tx, found: Sequence[Document]) -> None:
    """Records these documents, as `put` does each."""
    await upsert_all(tx, documents, ("source", "path"), [
        {name: getattr(document, name) for name in Document.__slots__} for document in found
    ])


async def by_digest(tx: Tx, source: str, digest: str) -> list[Document]:
    """Documents of the source with these bytes, those that lie in it first; of very many twins some."""
    rows = await tx.execute(_OF_DIGEST, {"of": source, "is": digest})
    return [_document(row) for row in rows]


async def of_article(tx: Tx, article_id: str) -> list[Document]:
    """Documents that gave this article."""
    return [_document(row) for row in await tx.execute(_OF_ARTICLE, {"of": article_id})]


async def mark_absent(tx: Tx, source: str, paths: Iterable[str]) -> None:
    """These files are gone from the source."""
    wanted = list(paths)
    for start in range(0, len(wanted), _CHUNK):
        chosen = documents.c.path.in_(wanted[start : start + _CHUNK])
        await tx.execute(update(documents).where(documents.c.source == source, chosen).values(present=False))


async def mark_archived(tx: Tx, source: str, paths: Iterable[str], *, archived: bool = True) -> None:
    """These files are about to be moved into the source's archive, or stay where they are."""
    wanted = list(paths)
    for start in range(0, len(wanted), _CHUNK):
        chosen = documents.c.path.in_(wanted[start : start + _CHUNK])
        await tx.execute(update(documents).where(documents.c.source == source, chosen).values(archived=archived))


async def mark_withdrawn_from(tx: Tx, article_id: str, status: ArticleStatus) -> None:
    """The article was withdrawn from this status because all its documents were deleted."""
    await tx.execute(update(documents).where(documents.c.article_id == article_id).values(withdrawn_from=status))


async def withdrawn_from(tx: Tx, article_id: str) -> ArticleStatus | None:
    """The status that the article had until its documents were deleted; None where that withdrew nothing."""
    mine = (documents.c.article_id == article_id) & (documents.c.withdrawn_from != "")
    query = select(documents.c.withdrawn_from).where(mine).limit(1)
    status = (await tx.execute(query)).scalar_one_or_none()
    return ArticleStatus(status) if status else None


async def forget_withdrawal(tx: Tx, article_id: str) -> None:
    """Whatever the article's status is now, the deletion of its documents is not the reason."""
    mine = (documents.c.article_id == article_id) & (documents.c.withdrawn_from != "")
    await tx.execute(update(documents).where(mine).values(withdrawn_from=""))


async def give(tx: Tx, places: Iterable[tuple[str, str]], article_id: str) -> None:
    """The documents at these (source, path) belong to this article from now on."""
    for source, path in places:
        chosen = (documents.c.source == source) & (documents.c.path == path)
        await tx.execute(update(documents).where(chosen).values(article_id=article_id))


async def read_again(tx: Tx, article_id: str) -> None:
    """The article's documents are read again at the next pick-up, as if they had changed."""
    mine = documents.c.article_id == article_id
    await tx.execute(update(documents).where(mine).values(digest="", size=-1))


async def list_documents(tx: Tx, state: DocumentState | None = None) -> list[Document]:
    """All documents, or those in one state, by source and path."""
    query = select(documents).order_by(documents.c.source, documents.c.path)
    chosen = query if state is None else query.where(documents.c.state == state)
    return [_document(row) for row in await tx.execute(chosen)]


async def first_read_at(tx: Tx, source: str) -> datetime | None:
    """When the source was first read to its end; None before that."""
    query = select(sources.c.first_read_at).where(sources.c.name == source)
    return (await tx.execute(query)).scalar_one_or_none()


async def mark_read(tx: Tx, source: str, now: datetime) -> None:
    """The source has been read to its end; only the first time counts."""
    if await first_read_at(tx, source) is None:
        await upsert(tx, sources, ("name",), {"name": source, "first_read_at": now})


def _document(row: Row[Any]) -> Document:
    values = {name: getattr(row, name) for name in Document.__slots__}
    return Document(**values | {"state": DocumentState(row.state)})
