"""The contract of the documents' table, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from publisher.model import Document, DocumentState
from publisher.store import documents

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ONE = Document(
    source="folder:seeds", path="sub/one.txt", digest="1" * 64, size=12, mtime_ns=1_795_000_000_123_456_789,
    state=DocumentState.ACCEPTED, reason="", remedy="", article_id=None, seen_at=NOW,
)
TWO = replace(ONE, path="two.txt", digest="2" * 64, state=DocumentState.REJECTED, reason="is empty", remedy="write it")


async def test_document_comes_back_as_it_went_in(scene: Any) -> None:
    """Every field survives, and the second word on a path replaces the first."""
    article = await scene.add()
    async with scene.store.write() as tx:
        await documents.put(tx, ONE)
        assert await documents.get(tx, ONE.source, ONE.path) == ONE
        newer = replace(ONE, digest="3" * 64, article_id=article.id, present=False)
        await documents.put(tx, newer)
        assert await documents.get(tx, ONE.source, ONE.path) == newer
        assert await documents.of_article(tx, article.id) == [newer]
        assert await documents.get(tx, "folder:other", ONE.path) is None


async def test_documents_are_found_by_source_digest_and_state(scene: Any) -> None:
    """Each source has its own paths."""
    other = replace(ONE, source="folder:other")
    async with scene.store.write() as tx:
        for document in (TWO, other, ONE):
            await documents.put(tx, document)
        assert await documents.all_of(tx, "folder:seeds") == {ONE.path: ONE, TWO.path: TWO}
        assert await documents.by_digest(tx, "folder:seeds", "1" * 64) == [ONE]
        assert await documents.list_documents(tx) == [other, ONE, TWO]
        assert await documents.list_documents(tx, DocumentState.REJECTED) == [TWO]


async def test_files_that_are_gone_are_marked_but_kept(scene: Any) -> None:
    """Even very many at once, and only those of the source."""
    many = [replace(ONE, path=f"{n}.txt") for n in range(1203)]
    async with scene.store.write() as tx:
        for document in many:
            await documents.put(tx, document)
        await documents.put(tx, replace(many[0], source="folder:other"))
        await documents.mark_absent(tx, ONE.source, (document.path for document in many[1:]))
        found = await documents.all_of(tx, ONE.source)
        assert [path for path, document in found.items() if document.present] == ["0.txt"]
        assert len(found) == 1203


async def test_only_the_first_reading_of_a_source_counts(scene: Any) -> None:
    """What it held then is its backfill."""
    async with scene.store.write() as tx:
        assert await documents.first_read_at(tx, "folder:seeds") is None
        await documents.mark_read(tx, "folder:seeds", NOW)
        await documents.mark_read(tx, "folder:seeds", NOW + timedelta(days=1))
        assert await documents.first_read_at(tx, "folder:seeds") == NOW
        assert await documents.first_read_at(tx, "folder:other") is None
