"""Documents: every file or remote entry that was seen, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from publisher.model import Document, DocumentState
from publisher.store.engine import Tx
from publisher.store.schema import documents, sources
from publisher.store.upsert import upsert

#: Bound parameters of one statement stay far below SQLite's limit.
_CHUNK = 500


async def get(tx: Tx, source: str, path: str) -> Document | None:
    """The document at this path of the source, as last seen."""
    query = select(documents).where(documents.c.source == source, documents.c.path == path)
    row = (await tx.execute(query)).first()
    return None if row is None else _document(row)


async def all_of(tx: Tx, source: str) -> dict[str, Document]:
    """All documents of the source by path, those gone too."""
    rows = await tx.execute(select(documents).where(documents.c.source == source))
    return {row.path: _document(row) for row in rows}


async def put(tx: Tx, document: Document) -> None:
    """Records the document; what stood there for its path is replaced."""
    await upsert(tx, documents, ("source", "path"), {name: getattr(document, name) for name in Document.__slots__})


async def by_digest(tx: Tx, source: str, digest: str) -> list[Document]:
    """Documents of the source with these bytes."""
    query = select(documents).where(documents.c.source == source, documents.c.digest == digest)
    return [_document(row) for row in await tx.execute(query.order_by(documents.c.path))]


async def of_article(tx: Tx, article_id: str) -> list[Document]:
    """Documents that gave this article."""
    query = select(documents).where(documents.c.article_id == article_id).order_by(documents.c.path)
    return [_document(row) for row in await tx.execute(query)]


async def mark_absent(tx: Tx, source: str, paths: Iterable[str]) -> None:
    """These files are gone from the source."""
    wanted = list(paths)
    for start in range(0, len(wanted), _CHUNK):
        chosen = documents.c.path.in_(wanted[start : start + _CHUNK])
        await tx.execute(update(documents).where(documents.c.source == source, chosen).values(present=False))


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
        await tx.execute(insert(sources).values(name=source, first_read_at=now))


def _document(row: Row[Any]) -> Document:
    values = {name: getattr(row, name) for name in Document.__slots__}
    return replace(Document(**values), state=DocumentState(row.state))
