"""What a poll of a feed reports: rows for whoever asked, lines for the log."""

from __future__ import annotations

from collections.abc import Sequence

from publisher import log
from publisher.intake import record
from publisher.model import Document, DocumentResult, DocumentState
from publisher.settings import Source
from publisher.store import articles
from publisher.store.engine import Store

#: The document that stands for the feed itself where it cannot be read.
ITSELF = "."
#: Rows that are read at a time.
_CHUNK = 25

_log = log.get("intake")


async def known_rows(store: Store, known: Sequence[Document]) -> list[DocumentResult]:
    """Rows of what is as it was before."""
    rows = []
    for start in range(0, len(known), _CHUNK):
        part = [document for document in known[start : start + _CHUNK] if document.path != ITSELF]
        async with store.read() as tx:
            titles = await articles.titles(tx, [document.article_id for document in part if document.article_id])
        for document in part:
            status = "unchanged" if document.state is DocumentState.ACCEPTED else "rejected"
            reason = record.reason(document.reason, document.remedy)
            rows.append(DocumentResult(
                document.path, status, document.article_id, titles.get(document.article_id or "", ""), reason
            ))
    return rows


def is_news(row: DocumentResult, before: Document | None) -> bool:
    """Whether the row says what the store did not know before."""
    if row.status in ("added", "updated"):
        return True
    return row.reason != (record.reason(before.reason, before.remedy) if before else "")


def tell(source: Source, news: Sequence[DocumentResult]) -> None:
    """A line for each reason, and one that counts what came in."""
    for row in news:
        if row.reason:
            _log.warning(row.status, source=source.name, path=row.path, reason=row.reason)
    counts = {status: sum(row.status == status for row in news) for status in ("added", "updated")}
    if any(counts.values()):
        _log.info("picked up", source=source.name, **counts)
