"""How fast documents are taken in: extracted, stored, looked at again. CPU seconds, so that neighbours count little."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import material
from sqlalchemy import insert
from trafilatura import extract as plain_extract

from publisher.config import Settings
from publisher.intake.extract import extract
from publisher.intake.ingest import ingest
from publisher.model import Document, DocumentState
from publisher.settings import Source
from publisher.store import documents
from publisher.store.engine import open_store
from publisher.store.schema import documents as table

NOW, ZONE = datetime(2026, 6, 1, tzinfo=UTC), ZoneInfo("Europe/London")
FOLDERS, FILES = 100, 1000
_MENU = ("Home", "News", "Sport", "Culture", "Sign in", "Search", "Share this story", "More from this section")


def text_page(number: int) -> bytes:
    """A scraped page of about 36 lines: a menu, an article of 14 paragraphs with subheadings, a footer."""
    made, chance = material.article(number, paragraphs=14), random.Random(number)
    body = [part for at, part in enumerate(made.content_text.split("\n\n")) for part in (
        [material.sentence(chance, 4).rstrip("."), part] if at % 4 == 3 else [part])]
    lines = [*_MENU[:6], made.section, made.title, made.standfirst, f"By {made.authors[0]}", "5 November 2026", *body,
             *_MENU[6:], "Comments", "Related", material.sentence(chance, 9), "© 2026 The Bench. All rights reserved."]
    return "\n".join(lines).encode()


def html_page(number: int) -> bytes:
    """The same as a web page, with the elements that pages have around a story."""
    made = material.article(number, paragraphs=14)
    menu = "".join(f'<li class="item"><a href="/{word.lower()}"><span>{word}</span></a></li>' for word in _MENU * 8)
    cards = "".join(f'<div class="card"><a href="/s/{n}"><h3>{made.title}</h3></a><p>{made.standfirst}</p></div>' for n in range(30))
    return (
        f'<!doctype html><html lang="en"><head><title>{made.title} - The Bench</title><meta property="og:title" content="{made.title}">'
        '<meta property="article:published_time" content="2026-05-05T07:30:00Z">'
        f'<script>{"var a = 1;" * 2000}</script></head><body><nav><ul>{menu}</ul></nav><main><article><h1>{made.title}</h1>'
        f'<p class="standfirst">{made.standfirst}</p><div class="body">{made.content_html}</div></article></main>'
        f'<aside>{cards}</aside><footer><ul>{menu}</ul></footer></body></html>'
    ).encode()


def cpu(work: Callable[[Any], object], items: Iterable[Any]) -> float:
    """CPU seconds."""
    begun = time.process_time()
    for item in items:
        work(item)
    return time.process_time() - begun


def extraction(row: Callable[..., None], count: int = 300) -> None:
    """Text and HTML, storing nothing."""
    texts, pages = [text_page(n) for n in range(count)], [html_page(n) for n in range(count // 5)]
    extract(texts[0], "a.txt", now=NOW, zone=ZONE)
    extract(pages[0], "a.html", now=NOW, zone=ZONE)
    plain_extract(pages[0].decode())
    took = cpu(lambda data: extract(data, "a.txt", now=NOW, zone=ZONE), texts)
    row("text documents of 36 lines extracted, CPU of one core", f"{len(texts) / took:,.0f}/s", "budget 300/s")
    ours = plain = 0.0
    for page in pages:  # side by side, so that both meet the same machine
        ours += cpu(lambda data: extract(data, "a.html", now=NOW, zone=ZONE), [page])
        plain += cpu(lambda data: plain_extract(data.decode()), [page])
    row("HTML pages extracted, CPU of one core", f"{len(pages) / ours:,.0f}/s", f"{plain / ours:.2f} of plain trafilatura.extract, budget 0.9")


async def storing(root: Path, row: Callable[..., None], count: int = 400) -> None:
    """A first pick-up into an empty store."""
    (root / "in").mkdir(parents=True)
    for number in range(count):
        path = root / "in" / f"{number:04}.txt"
        path.write_bytes(text_page(number))
        os.utime(path, (1_000_000_000, 1_000_000_000))
    settings = Settings(root=root, source=(Source(kind="folder", path=Path("in")),))
    store = await open_store("sqlite:///publisher.db", root=root)
    begun = time.process_time()
    rows = await ingest(store, settings, now=lambda: NOW)
    took = time.process_time() - begun
    await store.close()
    assert [one.status for one in rows] == ["added"] * count
    row("text documents of 36 lines stored, CPU of one core", f"{count / took:,.0f}/s", "budget 300/s")


async def looking_again(root: Path, row: Callable[..., None]) -> None:
    """A folder of 100,000 files in which nothing changed."""
    settings = Settings(root=root, source=(Source(kind="folder", path=Path("in")),))
    store = await open_store("sqlite:///publisher.db", root=root)
    source = settings.source[0].name
    one = Document(source, "", "x" * 64, 0, 0, DocumentState.ACCEPTED, "", "", None, NOW)
    for number in range(FOLDERS):
        folder = root / "in" / f"{number:03}"
        folder.mkdir(parents=True)
        made = []
        for name in (f"{file:04}.txt" for file in range(FILES)):
            (folder / name).write_bytes(b"A story.\n")
            seen = (folder / name).stat()
            made.append(replace(one, path=f"{folder.name}/{name}", size=seen.st_size, mtime_ns=seen.st_mtime_ns))
        async with store.write() as tx:
            await tx.execute(insert(table), [{key: getattr(each, key) for key in Document.__slots__} for each in made])
    async with store.write() as tx:
        await documents.mark_read(tx, source, NOW)
    begun = time.perf_counter()
    assert await ingest(store, settings, now=lambda: NOW, brief=True) == []
    took = time.perf_counter() - begun
    await store.close()
    row(f"{FOLDERS * FILES:,} files looked at again, nothing changed", f"{took:.1f} s", "budget 5 s")
