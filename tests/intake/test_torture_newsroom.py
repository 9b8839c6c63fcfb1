"""What a newsroom's folder goes through: series from one template, stories that grow, and every way to save a file.

`PUBLISHER_TORTURE` multiplies the sizes of the first.
"""

from __future__ import annotations

import os
import random
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import pytest

from publisher.config import Settings
from publisher.intake.ingest import ingest
from publisher.model import Article, DocumentResult
from publisher.settings import Source
from publisher.store import articles, documents
from publisher.store.engine import Store

SCALE = int(os.environ.get("PUBLISHER_TORTURE", "1"))
WEEK = timedelta(days=7)
_SMALL = ["the", "of", "and", "to", "in", "a", "is", "that", "for", "was", "on", "with", "as", "it", "at", "by", "be", "had", "not"]
_HEADS, _TAILS, _ENDS = "bcdfghklmnprstvw", ("a", "e", "i", "o", "u", "ai", "ou", "ea"), ("", "n", "r", "s", "t", "l", "nd", "st")


def vocabulary(chance: random.Random, size: int = 4000) -> list[str]:
    """Words of a language that nobody speaks, the frequent ones first."""
    pick = chance.choice
    made = {"".join(pick(_HEADS) + pick(_TAILS) for _ in range(pick((1, 2, 2, 3)))) + pick(_ENDS) for _ in range(size)}
    return _SMALL + sorted(made - set(_SMALL), key=lambda word: (len(word), word))


class Writer:
    """Writes prose in which few words are frequent, as in any language (Zipf)."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.words = vocabulary(self.chance)
        self.weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(self.words))))

    def some(self, count: int) -> str:
        return " ".join(self.chance.choices(self.words, cum_weights=self.weights, k=count))

    def title(self) -> str:
        return self.some(self.chance.randint(5, 9)).capitalize()

    def paragraph(self) -> str:
        return " ".join(self.some(self.chance.randint(8, 22)).capitalize() + "." for _ in range(self.chance.randint(2, 4)))

    def story(self, paragraphs: int = 6) -> str:
        return "\n\n".join(self.paragraph() for _ in range(paragraphs))

    def number(self) -> str:
        return str(self.chance.randint(1, 9999))


class Folder:
    """A source folder, a store and a clock."""

    def __init__(self, store: Store, root: Path, *, archive: bool = False) -> None:
        self.store, self.root, self.now = store, root / "in", datetime(2026, 3, 2, 9, tzinfo=UTC)
        self.root.mkdir()
        self.settings = Settings(root=root, source=(Source(path=Path("in"), settle=timedelta(), archive=archive),))

    def put(self, name: str, title: str, text: str, date: datetime | None = None) -> Path:
        dated = f"date: {date.isoformat()}\n" if date else ""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'---\ntitle: "{title}"\n{dated}---\n\n{text}\n')
        return path

    async def rows(self, later: timedelta = timedelta(hours=1)) -> dict[str, DocumentResult]:
        self.now += later
        return {row.path: row for row in await ingest(self.store, self.settings, now=lambda: self.now)}

    async def pick_up(self, later: timedelta = timedelta(hours=1)) -> dict[str, str]:
        return {path: row.status for path, row in (await self.rows(later)).items()}

    async def articles(self) -> list[Article]:
        async with self.store.read() as tx:
            return await articles.list_articles(tx, 100_000)

    async def by_title(self) -> dict[str, Article]:
        return {article.title: article for article in await self.articles()}


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Folder:
    return Folder(store, tmp_path)


# --- series from one template -----------------------------------------------------------------------------------------

TOWNS = ("Alder", "Birk", "Corran", "Dunmore", "Elster", "Fenwick", "Garve", "Hollin", "Inver", "Jarrow", "Kelso", "Lorne")


def league(writer: Writer) -> tuple[str, str]:
    lines = [f"{rank}. {town} {' '.join(writer.number() for _ in range(5))} points" for rank, town in enumerate(TOWNS, 1)]
    return "League table", "After the games of the weekend the table looks as follows.\n\n" + "\n\n".join(lines)


def lottery(writer: Writer) -> tuple[str, str]:
    drawn = ", ".join(writer.number() for _ in range(6))
    text = (
        "The draw took place in the hall of the town under the eyes of a notary. The winning tickets must be shown at "
        "the office within three months, and prizes of more than a hundred are paid by cheque. All figures are given "
        "without warranty. Players under eighteen may not take part, and help with gambling is free by telephone at any hour."
    )
    return "Lottery numbers", f"{text}\n\nThe numbers are {drawn}."


def job(writer: Writer) -> tuple[str, str]:
    text = (
        "We offer a permanent post in a friendly team, with thirty days of leave, training, and a pension. You bring a "
        "completed apprenticeship, a driving licence, patience and humour. Please send your papers by post to the office of "
        "the town, second floor, at the latest by the end of the month. Disabled applicants are preferred where equally able."
    )
    return f"Wanted: {writer.some(1)} at {writer.chance.choice(TOWNS)}", f"{text}\n\nReference {writer.number()}."


def obituary(writer: Writer) -> tuple[str, str]:
    name = writer.some(2).title()
    text = (
        f"{name} of {writer.chance.choice(TOWNS)} died on Friday at the age of {writer.chance.randint(40, 99)} years after a "
        "long illness that was borne with patience. The family thanks all who stood by them in these days. The funeral is "
        "held in the church of the town at two in the afternoon; no flowers please, but gifts to the hospice are welcome."
    )
    return f"Obituary: {name}", text


def horoscope(writer: Writer) -> tuple[str, str]:
    return "Your stars this week", "\n\n".join(f"Sign {sign}: {writer.some(25)}." for sign in range(12))


SERIES: tuple[Callable[[Writer], tuple[str, str]], ...] = (league, lottery, job, obituary, horoscope)


@pytest.mark.parametrize("dated", [True, False])
async def test_I1_series_that_lie_there_together_stay_apart(folder: Folder, dated: bool) -> None:
    """Also where nothing but the numbers differs, and with the same title each week."""
    writer, count = Writer(1), 0
    for week in range(8 * SCALE):
        for make in SERIES:
            title, text = make(writer)
            folder.put(f"{week}/{make.__name__}.md", title, text, folder.now - week * WEEK if dated else None)
            count += 1
    rows = await folder.pick_up()
    assert list(rows.values()).count("added") == count == len(await folder.articles())
    assert set((await folder.pick_up()).values()) == {"unchanged"}


@pytest.mark.parametrize("dated", [True, False])
async def test_I1_series_of_which_only_the_newest_lies_there_stay_apart(folder: Folder, dated: bool) -> None:
    """Each week's file takes the place of the last week's, under another name."""
    writer, weeks = Writer(2), 4 * SCALE
    for week in range(weeks):
        for old in folder.root.glob("*.md"):
            old.unlink()
        for make in SERIES:
            folder.put(f"{make.__name__}-{week}.md", *make(writer), folder.now if dated else None)
        assert list((await folder.pick_up(WEEK)).values()) == ["added"] * len(SERIES), week
    assert len(await folder.articles()) == weeks * len(SERIES)


@pytest.mark.parametrize("dated", [True, False])
async def test_I1_series_under_one_name_in_a_box_that_is_emptied(store: Store, tmp_path: Path, dated: bool) -> None:
    """Each part is a new article, also with the title of the last; the same text once more is a correction."""
    folder = Folder(store, tmp_path, archive=True)
    for number in range(1, 4):
        writer = Writer(number)
        title, text = horoscope(writer)
        folder.put("stars.md", title, text, folder.now if dated else None)
        assert await folder.pick_up(WEEK) == {"stars.md": "added"}
        folder.put("stars.md", title, f"{text}\n\n{writer.paragraph()}", folder.now - WEEK if dated else None)
        assert await folder.pick_up() == {"stars.md": "updated"}
        assert len(await folder.articles()) == number


async def test_I1_distinct_stories_of_one_desk_stay_apart(folder: Folder) -> None:
    """Stories in prose share many words and some titles."""
    writer, count = Writer(3), 120 * SCALE
    for number in range(count):
        title = writer.title() if number % 5 else "News in brief"
        folder.put(f"{number % 7}/{number}.md", title, writer.story())
    assert list((await folder.pick_up()).values()) == ["added"] * count


# --- one story, every way to change it --------------------------------------------------------------------------------


async def test_I1_story_that_grows_live_is_one_article(folder: Folder) -> None:
    """Newest paragraphs first, the headline rewritten at each stage, the file renamed at every other."""
    writer = Writer(4)
    text, name, first = writer.story(2), "live-0.md", None
    for stage in range(5):
        title = f"Fire at the harbour of Kelso: {writer.some(3)}"
        folder.put(name, title, text)
        await folder.pick_up()
        (article,) = await folder.articles()
        first = first or article
        assert (article.id, article.seq, article.slug, article.published_at) == (
            first.id, first.seq, first.slug, first.published_at,
        )
        assert article.title == title
        text = f"{writer.story(2)}\n\n{text}"
        if stage % 2:
            (folder.root / name).unlink()
            name = f"live-{stage}.md"
            folder.put(name, title, text)
            await folder.pick_up()


async def test_I1_same_file_is_the_same_article_whatever_it_says(folder: Folder) -> None:
    """All of the headline rewritten, then all of the text, then both."""
    writer = Writer(5)
    text = writer.story()
    folder.put("a.md", "One title", text)
    await folder.pick_up()
    (first,) = await folder.articles()
    for title, body in ((writer.title(), text), (writer.title(), writer.story()), (writer.title(), writer.story())):
        folder.put("a.md", title, body)
        assert await folder.pick_up() == {"a.md": "updated"}
        (article,) = await folder.articles()
        assert (article.id, article.title) == (first.id, title)


async def test_I1_files_that_change_places_keep_their_articles(folder: Folder) -> None:
    """Two swap their contents, three go round in a ring."""
    writer = Writer(6)
    for name in "abc":
        folder.put(f"{name}.md", f"Title of {name} {writer.title()}", writer.story())
    await folder.pick_up()
    before = {article.title: (article.id, article.content_text) for article in await folder.articles()}
    a, b, c = ((folder.root / f"{name}.md") for name in "abc")
    one, two, three = a.read_text(), b.read_text(), c.read_text()
    for texts in ((two, one, three), (three, two, one)):
        for path, text in zip((a, b, c), texts, strict=True):
            path.write_text(text)
        await folder.pick_up()
        assert {article.title: (article.id, article.content_text) for article in await folder.articles()} == before


async def test_I1_renames_keep_the_article(folder: Folder) -> None:
    """With an edit at once, in case only, between composed and decomposed accents, into another folder."""
    writer = Writer(7)
    title, text = f"Café {writer.title()}", writer.story()
    path = folder.put(unicodedata.normalize("NFC", "café.md"), title, text)
    await folder.pick_up()
    (first,) = await folder.articles()
    names = ("CAFÉ.md", unicodedata.normalize("NFD", "Café.md"), "deep/er/cafe.md", "cafe.txt.md")
    for name in names:
        text += f"\n\n{writer.paragraph()}"
        path.unlink()
        path = folder.put(name, title, text)
        await folder.pick_up()
        (article,) = await folder.articles()
        assert (article.id, article.content_text.count("\n\n")) == (first.id, text.count("\n\n")), name


async def test_I1_copy_is_no_article_until_it_says_something_else(folder: Folder) -> None:
    """A copy beside the original changes nothing; rewritten it is a story of its own, and the original stands as it was."""
    writer = Writer(8)
    title, text = writer.title(), writer.story()
    original = folder.put("news/a.md", title, text)
    await folder.pick_up()
    copy = folder.put("drafts/b.md", title, text)
    assert copy.read_bytes() == original.read_bytes()
    assert await folder.pick_up() == {"news/a.md": "unchanged", "drafts/b.md": "unchanged"}
    other = writer.title()
    folder.put("drafts/b.md", other, text)  # saved half-way
    assert (await folder.pick_up())["drafts/b.md"] == "added"
    folder.put("drafts/b.md", other, writer.story())
    assert (await folder.pick_up())["drafts/b.md"] == "updated"
    found = await folder.by_title()
    assert set(found) == {title, other}
    assert found[title].content_text == text
    folder.put("news/a.md", title, writer.story())  # the original stays the article that it was
    assert (await folder.pick_up())["news/a.md"] == "updated"
    assert len(await folder.articles()) == 2


async def test_I1_file_that_comes_back_is_the_article_that_it_was(folder: Folder) -> None:
    """A week later, with the same bytes or a few more; what else lies at its path then is new."""
    writer = Writer(9)
    title, text = writer.title(), writer.story()
    folder.put("a.md", title, text).unlink()
    folder.put("a.md", title, text)
    await folder.pick_up()
    (first,) = await folder.articles()
    for more in ("", "\n\nOne thing more."):
        (folder.root / "a.md").unlink()
        await folder.pick_up(WEEK)
        folder.put("a.md", title, text + more)
        await folder.pick_up(WEEK)
        (article,) = await folder.articles()
        assert (article.id, article.seq, article.content_text) == (first.id, first.seq, text + more)
    (folder.root / "a.md").unlink()
    await folder.pick_up(WEEK)
    folder.put("a.md", writer.title(), writer.story())
    assert await folder.pick_up(WEEK) == {"a.md": "added"}


# --- how programs save ------------------------------------------------------------------------------------------------


async def test_I1_every_way_to_save_a_file(folder: Folder) -> None:
    """Renamed into place, emptied and written, with the old one moved away first: one article, and no version lost."""
    writer = Writer(10)
    title, text = writer.title(), writer.story()
    path = folder.put("a.md", title, text)
    await folder.pick_up()
    (first,) = await folder.articles()

    async def expect(status: str, body: str) -> None:
        row = (await folder.rows())["a.md"]
        (article,) = await folder.articles()
        assert (row.status, article.id, article.content_text) == (status, first.id, body), row.reason

    new = path.with_name("a.md.tmp")
    new.write_text(path.read_text() + "\nRenamed into place.\n")
    await expect("unchanged", text)
    new.rename(path)
    await expect("updated", text + "\n\nRenamed into place.")
    whole = path.read_text()
    path.write_text("")  # truncated, and its writer is slow
    await expect("rejected", text + "\n\nRenamed into place.")
    path.write_text(whole)
    await expect("unchanged", text + "\n\nRenamed into place.")
    path.rename(path.with_name("a.md~"))  # what vim does with `backup`
    path.with_name(".a.md.swp").write_bytes(b"b0VIM 9.0")
    path.with_name("4913").write_text("")
    assert await folder.pick_up() == {}
    folder.put("a.md", title, text + "\n\nWritten by vim.")
    await expect("updated", text + "\n\nWritten by vim.")


async def test_I12_what_programs_leave_behind_is_no_article(folder: Folder) -> None:
    """Passed over without a word, but for copies in conflict: a person must choose between them."""
    writer = Writer(11)
    title, text = writer.title(), writer.story()
    folder.put("a.md", title, text)
    for name in (
        "._a.md", ".DS_Store", "Thumbs.db", "a.md~", "#a.md#", ".#a.md", ".a.md.swp", "~$a.md", "a.md.bak", "a.md.part",
        "__MACOSX/._a.md", ".git/a.md", "desktop.ini", ".~lock.a.md#", ".syncthing.a.md.tmp", "_index.md",
    ):
        folder.put(name, f"{title} {name}", text)
    conflicts = (
        "a (Anna's conflicted copy 2026-11-22).md", "a.sync-conflict-20261122-101112-ABCDEFG.md",
        "a (conflicted copy 2026-11-22 101112).md", "a_conflict-20261122-101112.md",
    )
    for name in conflicts:
        folder.put(name, title, f"{text}\n\n{name}")
    rows = await folder.rows()
    assert {path: row.status for path, row in rows.items()} == {"a.md": "added"} | dict.fromkeys(conflicts, "rejected")
    assert all("copy" in rows[name].reason and "rename" in rows[name].reason for name in conflicts)
    (article,) = await folder.articles()
    assert article.content_text == text
    async with folder.store.read() as tx:
        assert len([d for d in (await documents.all_of(tx, "folder:in")).values() if d.remedy]) == len(conflicts)


async def test_I1_folder_in_a_folder_is_read_once(store: Store, tmp_path: Path) -> None:
    """What lies in the inner source is its own, also where a folder above both is named."""
    folder = Folder(store, tmp_path)
    inner = Source(path=Path("in/wire"), settle=timedelta())
    folder.settings = Settings(root=tmp_path, source=(*folder.settings.source, inner))
    folder.put("a.md", "One story", Writer(12).story())
    folder.put("wire/b.md", "Another", Writer(13).story())
    assert await folder.pick_up() == {"a.md": "added", "b.md": "added"}
    assert {article.source for article in await folder.articles()} == {"folder:in", "folder:in/wire"}
    for place in (tmp_path, tmp_path / "in", tmp_path / "in/wire"):
        rows = await ingest(store, folder.settings, [place], now=lambda: folder.now)
        assert {row.status for row in rows} == {"unchanged"}
        assert {row.path for row in rows} >= {str(tmp_path / "in/wire/b.md")}
    assert len(await folder.articles()) == 2
