"""New documents written together: the store holds what it would hold if each had been looked at by itself."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from publisher.intake import newcomer, record
from publisher.intake.commit import commit
from publisher.intake.folder import Reading
from publisher.intake.load import Loaded, Setting, parse
from publisher.intake.record import PickUp
from publisher.store import articles, documents
from publisher.store.engine import Store

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
SETTING = Setting(NOW, ZoneInfo("UTC"), "https://courier.example.org")


def _told(number: int) -> str:
    chance = random.Random(number)
    return " ".join("".join(chance.choices("abcdefghij", k=6)) for _ in range(60)).capitalize() + "."


def _loaded(path: str, text: str) -> Loaded:
    data = text.encode()
    made, seen = parse(data, path, SETTING)
    return Loaded(Reading(path, len(data), 1, 1), hashlib.sha256(data).hexdigest(), made, seen)


def _page(title: str, number: int, **fields: str) -> str:
    front = "".join(f"{name}: {value}\n" for name, value in {"title": title, **fields}.items())
    return f"---\n{front}---\n\n{_told(number)}\n"


def _chunk() -> list[Loaded]:
    return [
        _loaded("a.md", _page("Report", 1)),
        _loaded("b.md", _page("Report 2", 2)),
        _loaded("c.md", _page("Report", 3)),  # its slug is taken, and so is the next
        _loaded("d.md", _page("Two bridges", 4, id="x-1")),
        _loaded("e.md", _page("Two bridges again", 4, id="x-1")),  # the source's id
        _loaded("f.md", _page("Bread", 5, canonical_url="https://courier.example.org/bread")),
        _loaded("g.md", _page("Bread is dear", 5, canonical_url="https://courier.example.org/bread")),
        _loaded("h.md", _page("Twins", 6)),
        _loaded("i.md", _page("Twins", 6)),  # the same bytes
        _loaded("j.md", _page("Weather, Monday", 7)),
        _loaded("k.md", _page("Weather, Tuesday", 7)),  # a template
        _loaded("l.md", _page("Новий міст", 8)),
    ]


async def _held(store: Store) -> list[tuple[str, ...]]:
    async with store.read() as tx:
        found = {article.id: article for _, article in await articles.changed_since(tx, 0)}
        rows = await documents.list_documents(tx)
    order = {ident: str(number) for number, ident in enumerate(found)}
    return [
        *((article.slug, article.title, article.content_text, str(article.status)) for article in found.values()),
        *((row.path, str(row.state), order[row.article_id or ""], row.reason) for row in rows),
    ]


async def _one_by_one(store: Store, pick_up: PickUp, chunk: list[Loaded]) -> list[tuple[str, str, str]]:
    async with store.write() as tx:
        await articles.lock(tx)
        return [(row.path, row.status, row.title) for row in [await record.take(tx, pick_up, one) for one in chunk]]


async def test_written_together_is_as_written_one_after_the_other(any_store: Store, tmp_path: Path) -> None:
    """Twins, ids, addresses, slugs and templates within one chunk are told as well as those that lie in the store."""
    pick_up, other = PickUp("one", tmp_path, NOW, "en"), PickUp("two", tmp_path, NOW, "en")
    chunk = _chunk()
    singly = await _one_by_one(any_store, pick_up, chunk)
    before = await _held(any_store)
    together = await commit(any_store, other, chunk)
    assert [(row.path, row.status, row.title) for row in together] == singly
    assert len(await _held(any_store)) == 2 * len(before)


async def test_an_empty_store_is_filled_alike(store: Store, tmp_path: Path) -> None:
    """Slugs, texts, order of changes and documents are equal, whichever way they came in."""
    pick_up = PickUp("one", tmp_path, NOW, "en")
    await commit(store, pick_up, _chunk())
    found = await _held(store)
    async with store.read() as tx:
        made = {row.path: row.article_id for row in await documents.list_documents(tx)}
    assert made["d.md"] == made["e.md"]
    assert made["f.md"] == made["g.md"]
    assert made["h.md"] == made["i.md"]
    assert len(set(made.values())) == 9
    assert {row[0] for row in found} >= {"report", "report-2", "report-3", "weather-monday", "weather-tuesday", "noviy-mist"}


async def test_what_cannot_be_written_is_refused_alone(store: Store, tmp_path: Path) -> None:
    """One document that the store does not take is recorded with the reason; the others are there."""
    chunk = _chunk()
    bad = Loaded(Reading("bad.md", 1, 1, 1), "b" * 64, chunk[0].made, "\ud800")
    rows = await commit(store, PickUp("one", tmp_path, NOW, "en"), [chunk[3], bad, chunk[9]])
    assert [row.status for row in rows] == ["added", "rejected", "added"]
    assert newcomer.keys_of(bad) is not None
