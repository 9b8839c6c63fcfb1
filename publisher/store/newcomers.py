"""Articles that the store does not know in any way: asked for many at once, and written many at once.

    keys of a chunk | one look for each kind of key -> those that nothing has
    new articles    | kept in hand | one statement for each table

Only inside a transaction that holds `articles.lock`: what nothing had at its start, nothing has but what it wrote.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, Text, bindparam, exists, func, insert, select

from publisher.model import Article, Document
from publisher.store import alike, article_rows, bulk, documents
from publisher.store import articles as article_store
from publisher.store.bulk import Bulk
from publisher.store.engine import Tx
from publisher.store.schema import articles, sketches
from publisher.store.schema import documents as document_table

_INSERT = insert(articles)
_COLUMNS: dict[str, ColumnElement[Any]] = {
    "path": document_table.c.path, "digest": document_table.c.digest, "source_id": articles.c.source_id,
    "canonical_url": articles.c.canonical_url, "title_key": articles.c.title_key, "slug": articles.c.slug,
    "number": sketches.c.hash,
}


@dataclass(frozen=True, slots=True)
class Keys:
    """All by which a document, or its article, may be known already."""

    path: str
    digest: str
    #: Empty where the document tells none.
    source_id: str
    canonical_url: str
    title_key: str
    slug: str
    #: Of its wording (`publisher.intake.sketch`).
    numbers: tuple[int, ...]


@dataclass(slots=True)
class Newcomers:
    """What of a chunk's keys nothing has, and the new articles that are still to be written."""

    #: By kind of key.
    free: dict[str, set[str]]
    #: Of the numbers those that no article has.
    free_numbers: set[int]
    _articles: list[dict[str, Any]] = field(default_factory=list)
    _documents: list[Document] = field(default_factory=list)
    _sketches: list[tuple[Article, tuple[int, ...]]] = field(default_factory=list)
    #: Titles in hand by the numbers of their articles.
    _titles: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))

    def is_new(self, keys: Keys) -> bool:
        """True if nothing has any of these keys, the numbers apart."""
        return all(key in self.free[kind] for kind, key in _told(keys))

    def has_wording(self, keys: Keys) -> bool:
        """True if an article that is written has some of these numbers."""
        return not self.free_numbers.issuperset(keys.numbers)

    def titles_in_hand(self, keys: Keys) -> set[str]:
        """Titles of the articles still to be written that share some of these numbers."""
        return {title for number in keys.numbers for title in self._titles.get(number, ())}

    def add(self, article: Article, document: Document, keys: Keys) -> None:
        """The article and its document are to be written."""
        for kind, key in _told(keys):
            self.free[kind].discard(key)
        self._articles.append(article_rows.values(article) | {
            "source_id": keys.source_id, "canonical_url": keys.canonical_url, "title_key": keys.title_key,
        })
        self._documents.append(document)
        self._sketches.append((article, keys.numbers))
        for number in keys.numbers:
            self._titles[number].add(article.title)

    def forget(self, keys: Keys) -> None:
        """Something was written that has these keys, or a slug made of this one."""
        for kind, key in _told(keys):
            self.free[kind].discard(key)
        self.free["slug"] = {slug for slug in self.free["slug"] if not slug.startswith(keys.slug)}
        self.free_numbers.difference_update(keys.numbers)

    async def write(self, tx: Tx) -> None:
        """Writes what is in hand, in the order in which it came."""
        if not self._articles:
            return
        first = await article_store.step(tx, "change", len(self._articles)) - len(self._articles) + 1
        await tx.execute(_INSERT, [row | {"change": number} for number, row in enumerate(self._articles, first)])
        await documents.put_all(tx, self._documents)
        await alike.note_all(tx, self._sketches)
        self.free_numbers.difference_update(self._titles)
        for kept in (self._articles, self._documents, self._sketches, self._titles):
            kept.clear()


async def ask(tx: Tx, source: str, chunk: Iterable[Keys]) -> Newcomers:
    """What of these keys nothing has."""
    wanted: dict[str, set[str]] = {kind: set() for kind in _COLUMNS if kind != "number"}
    numbers: set[int] = set()
    for keys in chunk:
        for kind, key in _told(keys):
            wanted[kind].add(key)
        numbers.update(keys.numbers)
    free = {kind: found - await _held(tx, kind, sorted(found), source) for kind, found in wanted.items()}
    return Newcomers(free, numbers - await _held(tx, "number", sorted(numbers), source))


def _told(keys: Keys) -> list[tuple[str, str]]:
    """(kind, key) of each that the document has."""
    found = [("path", keys.path), ("digest", keys.digest), ("title_key", keys.title_key), ("slug", keys.slug)]
    if keys.source_id:
        found.append(("source_id", keys.source_id))
    if keys.canonical_url:
        found.append(("canonical_url", keys.canonical_url))
    return found


async def _held(tx: Tx, kind: str, keys: Sequence[Any], source: str) -> set[Any]:
    """Those of the keys that some row has, of this source where the kind is the source's own."""
    if not keys:
        return set()
    given = json.dumps(keys) if tx.dialect.name == "sqlite" else keys
    values = (given, source) if kind in _OF_SOURCE else (given,)
    return {row[0] for row in await bulk.rows(tx, _HELD[kind], values)}


def _asked(kind: str, dialect: str) -> Select[Any]:
    """One look along the index for each key, however many rows have it."""
    column = _COLUMNS[kind]
    if dialect == "sqlite":
        given = func.json_each(bindparam("keys", type_=Text))
    else:
        given = func.unnest(bindparam("keys", type_=ARRAY(BigInteger if kind == "number" else Text)))
    listed = given.table_valued("value")
    there = exists().where(column == listed.c.value)
    if (of := _OF_SOURCE.get(kind)) is not None:
        there = there.where(of == bindparam("source"))
    return select(listed.c.value).where(there)


#: Kinds of key that tell only within one source, and the columns of that.
_OF_SOURCE: dict[str, ColumnElement[str]] = dict.fromkeys(("path", "digest"), document_table.c.source)
_OF_SOURCE |= dict.fromkeys(("source_id", "canonical_url", "title_key"), articles.c.source)
_HELD = {
    kind: Bulk(partial(_asked, kind), ("keys", "source") if kind in _OF_SOURCE else ("keys",)) for kind in _COLUMNS
}
