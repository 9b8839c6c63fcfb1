"""One article through hundreds of edits, and thousands that must stay apart.

`PUBLISHER_TORTURE` multiplies the sizes: 5 makes 1,000 edits, 10,000 articles and 1,500 pairs.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from publisher.change_kind import Change
from publisher.config import Settings
from publisher.intake.ingest import ingest
from publisher.model import Article
from publisher.settings import Source
from publisher.store import alike, articles, versions
from publisher.store.engine import Store

SCALE = int(os.environ.get("PUBLISHER_TORTURE", "1"))
SOURCES = ("in", "wire", "partner")
SYLLABLES = ("bra", "cor", "del", "fen", "gil", "har", "jul", "kor", "lim", "mor", "nes", "pol", "rus", "sal", "tor", "vel")


def words(chance: random.Random, count: int) -> list[str]:
    return ["".join(chance.choices(SYLLABLES, k=2)) for _ in range(count)]


class Press:
    """Folders of three sources, a store and a clock."""

    def __init__(self, store: Store, root: Path) -> None:
        self.store, self.root, self.now = store, root, datetime(2026, 11, 1, 12, tzinfo=UTC)
        for name in SOURCES:
            (root / name).mkdir()
        self.settings = Settings(
            root=root, source=tuple(Source(path=Path(name), settle=timedelta()) for name in SOURCES)
        )

    async def pick_up(self) -> list[str]:
        """Two hours later; the statuses of what was there."""
        self.now += timedelta(hours=2)
        return [row.status for row in await ingest(self.store, self.settings, now=lambda: self.now)]

    async def articles(self) -> list[Article]:
        async with self.store.read() as tx:
            return await articles.list_articles(tx, 100_000)


class Copy:
    """What one source makes of the story."""

    def __init__(self, press: Press, source: str, chance: random.Random, title: list[str], paragraphs: list[list[str]]) -> None:
        self.folder, self.chance = press.root / source, chance
        self.title, self.paragraphs = list(title), [list(paragraph) for paragraph in paragraphs]
        self.name, self.guid, self.url, self.teaser = "story.md", f"{source}-1", f"https://{source}.example/story", False
        self.write()

    def write(self) -> None:
        shown = self.paragraphs[:1] if self.teaser else self.paragraphs
        text = "\n\n".join(" ".join(paragraph).capitalize() + "." for paragraph in shown)
        head = f"title: {' '.join(self.title)}\ndate: 2026-11-01T08:00:00Z\nid: {self.guid}\ncanonical: {self.url}\n"
        (self.folder / self.name).write_text(f"---\n{head}---\n\n{text}\n")

    def edit(self) -> None:
        """A word, a sentence or a paragraph."""
        paragraph = self.chance.choice(self.paragraphs)
        kind = self.chance.randrange(4)
        if kind == 0:
            paragraph[self.chance.randrange(len(paragraph))] = words(self.chance, 1)[0]
        elif kind == 1:
            paragraph[self.chance.randrange(len(paragraph)) : 0] = words(self.chance, 6)
        elif kind == 2 and len(self.paragraphs) < 12:
            self.paragraphs.append(words(self.chance, 30))
        elif len(self.paragraphs) > 4:
            del self.paragraphs[self.chance.randrange(1, len(self.paragraphs))]

    def retitle(self) -> None:
        self.title[self.chance.randrange(len(self.title))] = words(self.chance, 1)[0]

    def rename(self) -> None:
        (self.folder / self.name).unlink()
        self.name = f"{''.join(words(self.chance, 2))}.md"

    def turn(self) -> None:
        """To the teaser, or to the full text."""
        self.teaser = not self.teaser

    def renumber(self) -> None:
        self.guid = "".join(words(self.chance, 2))

    def move(self) -> None:
        self.url = f"https://www.{self.folder.name}.example/{''.join(words(self.chance, 1))}?utm_source=x"

    def step(self) -> str:
        """One or two of them at random; a file that is renamed with another id and address keeps its text."""
        every: list[Callable[[], None]] = [self.edit, self.retitle, self.rename, self.turn, self.renumber, self.move]
        chosen = self.chance.sample(every, self.chance.choice((1, 1, 2)))
        if self.rename in chosen and self.turn in chosen:  # else nothing but the title would speak for it
            chosen.remove(self.turn)
        for change in chosen:
            change()
        self.write()
        return ", ".join(change.__name__ for change in chosen)


async def test_I1_one_article_through_every_kind_of_edit(store: Store, tmp_path: Path) -> None:
    """One identity for each source, each version kept in its turn, the date of publication fixed; all of them flagged."""
    press, chance = Press(store, tmp_path), random.Random(20261122)
    title, paragraphs = words(chance, 8), [words(chance, 35) for _ in range(6)]
    copies = {source: Copy(press, source, chance, title, paragraphs) for source in SOURCES}
    assert await press.pick_up() == ["added"] * 3
    first = {article.source: article for article in await press.articles()}
    said: dict[str, list[str]] = {source: [] for source in first}
    last = dict(first)
    for number in range(200 * SCALE):
        source = chance.choice(SOURCES)
        what = copies[source].step()
        await press.pick_up()
        found = await press.articles()
        assert len(found) == 3, f"edit {number}: {what}"
        for article in found:
            if (article.content_text, article.title) != (last[article.source].content_text, last[article.source].title):
                said[article.source].append(last[article.source].content_html)
            last[article.source] = article
    for source, article in last.items():
        was = first[source]
        assert (article.id, article.seq, article.slug, article.published_at) == (was.id, was.seq, was.slug, was.published_at)
        async with store.read() as tx:
            kept = [version for version in await versions.of_article(tx, article.id) if version.change is not Change.MINOR]
            assert [version.content["content_html"] for version in kept] == said[source]
            assert set(await alike.of_article(tx, article.id)) == {other.id for other in first.values()} - {article.id}
        assert len(kept) > 20


async def test_I1_distinct_articles_and_pairs_from_one_template_stay_apart(store: Store, tmp_path: Path) -> None:
    """Also where the first of a pair is gone when the second comes, as in a feed that holds the newest only."""
    press, chance = Press(store, tmp_path), random.Random(7)
    count, pairs = 2000 * SCALE, 300 * SCALE
    vocabulary = words(chance, 60)
    template = " ".join(words(chance, 120))
    days = ("Monday", "Tuesday")

    def put(name: str, heading: str, text: str, **head: Any) -> None:
        lines = "".join(f"{key}: {value}\n" for key, value in head.items())
        (tmp_path / "in" / f"{name}.md").write_text(f"---\ntitle: {heading}\n{lines}---\n\n{text}\n")

    for number in range(count):
        put(f"a{number}", " ".join(chance.choices(vocabulary, k=5)), " ".join(chance.choices(vocabulary, k=60)))
    for number in range(pairs):
        towns = "".join(words(chance, 2))
        for turn in range(2 if number % 2 else 1):  # every other pair lies there together
            put(f"p{number}-{turn}", f"Weather for {towns}, {days[turn]}", f"{towns} {template} {number} {turn}")
    rows = await press.pick_up()
    assert rows.count("added") == len(rows) == count + pairs + pairs // 2
    for number in range(0, pairs, 2):
        path = tmp_path / "in" / f"p{number}-0.md"
        heading = path.read_text().splitlines()[1].removeprefix("title: ").replace(days[0], days[1])
        path.unlink()
        put(f"p{number}-1", heading, f"{template} {number} again")
    assert (await press.pick_up()).count("added") == (pairs + 1) // 2
    assert len(await press.articles()) == count + 2 * pairs
