"""The pick-up, with real files and a real store: nothing lost, nothing doubled, everything said."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from publisher.config import Settings
from publisher.errors import DocumentError
from publisher.intake.ingest import extract_paths, ingest, publish
from publisher.model import Article, ArticleStatus, Document, DocumentResult, DocumentState, Extracted
from publisher.settings import Site, Source
from publisher.store import articles, documents
from publisher.store.engine import Store, open_store

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEXT = (
    "the council of this town has said on monday that work at old harbour will begin in spring and end before winter comes "
    "while people who live near by ask how their shops and schools can be reached when both bridges are closed to traffic"
)
WORDS = TEXT.split()


def prose(seed: int, count: int = 90) -> str:
    """Three paragraphs that share little with those of another seed."""
    words = random.Random(seed).choices(WORDS, k=count)
    third = count // 3
    return "\n\n".join(" ".join(words[i : i + third]).capitalize() + "." for i in range(0, third * 3, third))


def markdown(title: str, text: str, **head: str) -> str:
    lines = "".join(f"{key}: {value}\n" for key, value in {"title": f'"{title}"', **head}.items())
    return f"---\n{lines}---\n\n{text}\n"


class Desk:
    """A folder, a store, a clock, and somebody who picks up."""

    def __init__(self, store: Store, root: Path, **source: Any) -> None:
        self.store = store
        self.root = root
        self.folder = root / "in"
        self.folder.mkdir(exist_ok=True)
        self.now = NOON
        given: dict[str, Any] = {"path": Path("in"), "settle": timedelta(milliseconds=20), **source}
        self.settings = Settings(root=root, source=(Source(**given),), site=Site(language="en-GB"))

    def put(self, path: str, content: str | bytes, *, fresh: bool = False) -> Path:
        """Writes a file that came to rest a while ago."""
        full = self.folder / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(content.encode() if isinstance(content, str) else content)
        if not fresh:
            at = time.time() - 300 + random.random()  # two writes of a test never have the same time
            os.utime(full, (at, at))
        return full

    async def pick_up(self, *paths: Path, **more: Any) -> dict[str, DocumentResult]:
        self.now += timedelta(minutes=1)
        rows = await ingest(self.store, self.settings, paths, now=lambda: self.now, **more)
        assert len({row.path for row in rows}) == len(rows)
        return {row.path: row for row in rows}

    async def statuses(self, *paths: Path, **more: Any) -> dict[str, str]:
        return {path: row.status for path, row in (await self.pick_up(*paths, **more)).items()}

    async def articles(self) -> list[Article]:
        async with self.store.read() as tx:
            return await articles.list_articles(tx, 10_000)

    async def only(self) -> Article:
        found = await self.articles()
        assert len(found) == 1
        return found[0]

    async def titles(self) -> list[str]:
        """Of all articles, in order."""
        return sorted(article.title for article in await self.articles())

    async def document(self, path: str) -> Document | None:
        async with self.store.read() as tx:
            return await documents.get(tx, self.settings.source[0].name, path)


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Desk:
    return Desk(store, tmp_path)


async def test_new_documents_become_live_articles(desk: Desk) -> None:
    """With an id and a slug of their own, the site's language where none is told, and a document each."""
    desk.put("harbour.md", markdown("Old harbour to close", prose(1), section="News", date="2026-11-19T08:00:00Z"))
    row = (await desk.pick_up())["harbour.md"]
    article = await desk.only()
    assert (row.status, row.article_id, row.title) == ("added", article.id, "Old harbour to close")
    assert (article.seq, article.status, article.slug) == (1, ArticleStatus.LIVE, "old-harbour-to-close")
    assert article.published_at == article.updated_at == datetime(2026, 11, 19, 8, tzinfo=UTC)
    assert (article.first_seen_at, article.source, article.section) == (desk.now, "folder:in", "News")
    assert not article.backfill
    document = await desk.document("harbour.md")
    assert document is not None
    assert (document.state, document.article_id, document.present) == (DocumentState.ACCEPTED, article.id, True)


async def test_article_without_a_date_is_dated_now(desk: Desk) -> None:
    """The moment of the pick-up, not that of the file."""
    desk.put("a.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    assert (await desk.only()).published_at == desk.now


async def test_language_that_nobody_tells_is_the_sites(desk: Desk) -> None:
    """A text too short to tell its language by."""
    desk.put("a.md", markdown("Zq", "Xv 12 zz."))
    await desk.pick_up()
    assert (await desk.only()).language == "en-GB"


async def test_picked_up_again_nothing_happens(desk: Desk) -> None:
    """Also where the file was touched, or a brief report is asked for."""
    path = desk.put("a.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    before = await desk.articles()
    again = (await desk.pick_up())["a.md"]
    assert (again.status, again.title) == ("unchanged", "Old harbour to close")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert await desk.statuses() == {"a.md": "unchanged"}
    assert await desk.pick_up(brief=True) == {}
    assert await desk.articles() == before


async def test_known_files_are_not_read(desk: Desk) -> None:
    """Size and time say enough: other bytes under the same are passed over."""
    path = desk.put("a.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    status = path.stat()
    path.write_text(path.read_text().replace("harbour", "HARBOUR"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert await desk.statuses() == {"a.md": "unchanged"}


async def test_edit_is_a_correction(desk: Desk) -> None:
    """Id, slug, seq and date of publication stay; title, text and `updated_at` move."""
    desk.put("a.md", markdown("Old harbour to close", prose(1), date="2026-11-19T08:00:00Z"))
    await desk.pick_up()
    before = await desk.only()
    desk.put("a.md", markdown("Harbour stays open", prose(1) + "\n\nThe plan was dropped.", date="2026-11-20T08:00:00Z"))
    assert await desk.statuses() == {"a.md": "updated"}
    after = await desk.only()
    assert (after.id, after.slug, after.seq, after.published_at) == (before.id, before.slug, before.seq, before.published_at)
    assert after.title == "Harbour stays open"
    assert "dropped" in after.content_text
    assert after.updated_at == after.changed_at == desk.now


async def test_what_readers_do_not_see_is_no_correction(desk: Desk) -> None:
    """A new slug or date in the header of a live article changes nothing."""
    desk.put("a.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    before = await desk.only()
    desk.put("a.md", markdown("Old harbour to close", prose(1), slug="other", date="2026-11-01"))
    assert await desk.statuses() == {"a.md": "unchanged"}
    assert await desk.only() == before


@pytest.mark.parametrize("goal", ["b.md", "deep/er/a.md"])
async def test_move_neither_loses_nor_doubles(desk: Desk, goal: str) -> None:
    """The same bytes elsewhere are the same article; the old path is remembered as gone."""
    path = desk.put("a.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    before = await desk.only()
    (desk.folder / goal).parent.mkdir(parents=True, exist_ok=True)
    path.rename(desk.folder / goal)
    assert await desk.statuses() == {goal: "unchanged"}
    assert await desk.only() == before
    old = await desk.document("a.md")
    assert old is not None
    assert not old.present
    desk.put(goal, markdown("Old harbour to close now", prose(1)))
    await desk.pick_up()
    assert (await desk.only()).id == before.id


async def test_rename_with_an_edit_is_the_same_article(desk: Desk) -> None:
    """Known by a similar title and nearly the same text."""
    path = desk.put("a.md", markdown("Old harbour to close in spring", prose(1)))
    await desk.pick_up()
    before = await desk.only()
    path.unlink()
    desk.put("b.md", markdown("Old harbour to close in May", prose(1) + "\n\nMore is expected."))
    assert await desk.statuses() == {"b.md": "updated"}
    assert (await desk.only()).id == before.id


async def test_file_that_comes_back_edited_after_a_while_is_the_same_article(desk: Desk) -> None:
    """Under another name too, where the title is the same."""
    desk.put("a.md", markdown("Old harbour to close", prose(1))).unlink()
    desk.put("a.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    before = await desk.only()
    (desk.folder / "a.md").unlink()
    await desk.pick_up()
    desk.put("b.md", markdown("Old harbour to close", prose(1) + "\n\nMore is expected."))
    assert await desk.statuses() == {"b.md": "updated"}
    assert (await desk.only()).id == before.id


async def test_replaced_by_another_story_after_it_was_gone_is_new(desk: Desk) -> None:
    """A name used again for something else must not overwrite what was there."""
    desk.put("latest.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    (desk.folder / "latest.md").unlink()
    await desk.pick_up()
    desk.put("latest.md", markdown("Rain until Sunday", prose(2)))
    assert await desk.statuses() == {"latest.md": "added"}
    assert await desk.titles() == ["Old harbour to close", "Rain until Sunday"]


async def test_files_that_swap_their_names_keep_their_articles(desk: Desk) -> None:
    """The bytes decide, not the names."""
    one = desk.put("one.md", markdown("Old harbour to close", prose(1)))
    two = desk.put("two.md", markdown("Rain until Sunday", prose(2)))
    await desk.pick_up()
    before = {article.title: article for article in await desk.articles()}
    one.rename(desk.folder / "three.md")
    two.rename(one)
    (desk.folder / "three.md").rename(two)
    rows = await desk.pick_up()
    assert {row.status for row in rows.values()} == {"unchanged"}
    assert {article.title: article for article in await desk.articles()} == before
    assert rows["one.md"].article_id == before["Rain until Sunday"].id


async def test_rotated_files_keep_their_articles(desk: Desk) -> None:
    """latest.md moves aside and a new story takes its name: one new article, none overwritten."""
    latest = desk.put("latest.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    latest.rename(desk.folder / "previous.md")
    desk.put("latest.md", markdown("Rain until Sunday", prose(2)))
    assert await desk.statuses() == {"latest.md": "added", "previous.md": "unchanged"}
    assert await desk.titles() == ["Old harbour to close", "Rain until Sunday"]


async def test_copy_is_the_same_article_until_it_is_rewritten(desk: Desk) -> None:
    """A copied file is no second article; made into another story it is one."""
    text = markdown("Old harbour to close", prose(1))
    desk.put("a.md", text)
    desk.put("copy.md", text)
    assert await desk.statuses() == {"a.md": "added", "copy.md": "unchanged"}
    desk.put("copy.md", markdown("Rain until Sunday", prose(2)))
    assert await desk.statuses() == {"a.md": "unchanged", "copy.md": "added"}
    assert await desk.titles() == ["Old harbour to close", "Rain until Sunday"]


async def test_template_filled_in_twice_is_two_articles(desk: Desk) -> None:
    """Documents that lie together are never merged, however alike."""
    for day in ("Tuesday", "Wednesday"):
        desk.put(f"{day}.md", markdown(f"Weather on {day}", prose(1) + f"\n\nThat was {day}."))
    await desk.pick_up()
    assert await desk.titles() == ["Weather on Tuesday", "Weather on Wednesday"]


async def test_sources_own_id_is_kept_through_everything(desk: Desk) -> None:
    """Another name, another title, another text: the same id is the same article."""
    path = desk.put("a.md", markdown("Old harbour to close", prose(1), id="story-7"))
    await desk.pick_up()
    before = await desk.only()
    path.unlink()
    desk.put("b.md", markdown("Nothing is as it was", prose(2), id="story-7"))
    assert await desk.statuses() == {"b.md": "updated"}
    assert (await desk.only()).id == before.id


async def test_same_canonical_url_is_the_same_article(desk: Desk) -> None:
    """Whatever its scheme, host prefix and tracking."""
    path = desk.put("a.md", markdown("Old harbour to close", prose(1), canonical_url="https://example.org/news/7"))
    await desk.pick_up()
    path.unlink()
    url = "http://www.example.org/news/7?utm_source=x"
    desk.put("b.md", markdown("Nothing is as it was", prose(2), canonical_url=url))
    assert await desk.statuses() == {"b.md": "updated"}
    assert len(await desk.articles()) == 1


async def test_deleted_file_leaves_its_article(desk: Desk) -> None:
    """Gone from the folder is not withdrawn; put back it is the same."""
    path = desk.put("a.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    before = await desk.only()
    kept = path.read_bytes()
    path.unlink()
    assert await desk.statuses() == {}
    document = await desk.document("a.md")
    assert document is not None
    assert not document.present
    assert await desk.only() == before
    desk.put("a.md", kept)
    assert await desk.statuses() == {"a.md": "unchanged"}
    assert await desk.only() == before


async def test_folder_that_is_away_loses_nothing(desk: Desk) -> None:
    """A share that is not mounted is an error row with a remedy; its documents are not taken for gone."""
    desk.put("a.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    desk.folder.rename(desk.root / "away")
    row = (await desk.pick_up())["in"]
    assert row.status == "rejected"
    assert row.reason.startswith("there is no such folder; ")
    document = await desk.document("a.md")
    assert document is not None
    assert document.present
    (desk.root / "away").rename(desk.folder)
    assert await desk.statuses() == {"a.md": "unchanged"}
    error = await desk.document(".")
    assert error is not None
    assert not error.present


async def test_unreadable_folder_stops_no_other(store: Store, tmp_path: Path) -> None:
    """Each source is read for itself."""
    desk = Desk(store, tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").write_text("no folder")
    sources = tuple(Source(path=Path(name)) for name in ("loop", "file", "in"))
    desk.settings = desk.settings.model_copy(update={"source": sources})
    desk.put("a.md", markdown("Old harbour to close", prose(1)))
    assert await desk.statuses() == {"loop": "rejected", "file": "rejected", "a.md": "added"}


BAD = {
    "empty.txt": b"",
    "blank.md": b" \n\n \n",
    "rubbish.txt": random.Random(7).randbytes(5000),
    "picture.txt": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
    "header.md": b'---\ntitle: "never closed\nauthor: [x\n---\n\n' + prose(3).encode(),
    "nothing.html": b"<html><head><script>alert(1)</script></head><body></body></html>",
}


async def test_bad_documents_stop_nothing_and_say_why(desk: Desk) -> None:
    """Each is recorded with a reason and a remedy; the good ones beside them are taken."""
    for name, data in BAD.items():
        desk.put(name, data)
    desk.put("good.md", markdown("Old harbour to close", prose(1)))
    with (desk.folder / "huge.txt").open("wb") as file:
        file.truncate(50_000_000)
    os.mkfifo(desk.folder / "pipe.txt")
    (desk.folder / "secret.txt").symlink_to("/etc/passwd")
    rows = await desk.pick_up()
    assert {path: row.status for path, row in rows.items()} == {
        **dict.fromkeys([*BAD, "huge.txt", "pipe.txt", "secret.txt"], "rejected"), "good.md": "added",
    }
    for path, row in rows.items():
        document = await desk.document(path)
        assert document is not None
        if row.status == "rejected":
            assert document.state is DocumentState.REJECTED
            assert document.reason
            assert document.remedy
            assert document.reason in row.reason
    assert "50.0 MB" in rows["huge.txt"].reason
    assert "fault of Publisher" not in " ".join(row.reason for row in rows.values())
    assert len(await desk.articles()) == 1


async def test_rejected_documents_are_tried_again_when_they_change(desk: Desk) -> None:
    """And say the same as long as they do not."""
    desk.put("a.md", b"")
    first = await desk.pick_up()
    seen = await desk.document("a.md")
    assert await desk.pick_up() == first
    assert await desk.document("a.md") == seen
    desk.put("a.md", markdown("Old harbour to close", prose(1)))
    assert await desk.statuses() == {"a.md": "added"}


async def test_document_that_breaks_leaves_its_article_as_it_was(desk: Desk) -> None:
    """Mended, it is the same article again."""
    good = markdown("Old harbour to close", prose(1))
    desk.put("a.md", good)
    await desk.pick_up()
    before = await desk.only()
    desk.put("a.md", BAD["header.md"])
    assert (await desk.pick_up())["a.md"].status == "rejected"
    assert await desk.only() == before
    desk.put("a.md", good + "\nMore.\n")
    assert await desk.statuses() == {"a.md": "updated"}
    assert (await desk.only()).id == before.id


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8-sig"])
async def test_text_in_other_encodings_is_read(desk: Desk, encoding: str) -> None:
    """As whoever wrote it meant it."""
    text = "Le café du port a fermé ses portes à la fin de l'été, disent les élèves de l'école voisine."
    desk.put("a.txt", f"Fermé : le café du vieux port\n\n{text}\n\n{text} {text}\n".encode(encoding))
    await desk.pick_up()
    article = await desk.only()
    assert "Fermé" in article.title
    assert text in article.content_text


async def test_hostile_page_is_made_harmless(desk: Desk) -> None:
    """No script, handler or control character reaches the store."""
    body = "".join(f"<p onclick='x()'>{part}</p>" for part in prose(1).split("\n\n")) + "<p>Harbour\x0b.</p>"
    desk.put(
        "a.html", f"<html><head><title>Old harbour\x07 to close</title><script>evil()</script></head>"
        f"<body><h1>Old harbour\x07 to close</h1>{body}<a href='javascript:evil()'>x</a></body></html>"
    )
    await desk.pick_up()
    article = await desk.only()
    stored = f"{article.title}{article.content_html}{article.content_text}"
    assert not [word for word in ("evil", "onclick", "javascript", "\x00", "\x07", "\x0b") if word in stored]


async def test_I12_document_that_the_store_refuses_stops_no_other(desk: Desk) -> None:
    """It is recorded with its reason, tried again, and taken once the store takes it."""
    for number in range(5):
        desk.put(f"{number}.md", markdown(f"Story {WORDS[number]} poison" if number == 2 else f"Story {WORDS[number]}", prose(number)))
    async with desk.store.write() as tx:
        await tx.exec_driver_sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON articles WHEN NEW.title LIKE '%poison' "
            "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
    rows = await desk.pick_up()
    assert [row.status for row in rows.values()] == ["added", "added", "rejected", "added", "added"]
    assert "not this one" in rows["2.md"].reason
    async with desk.store.write() as tx:
        await tx.exec_driver_sql("DROP TRIGGER refuse")
    assert (await desk.statuses())["2.md"] == "added"


async def test_store_in_trouble_is_not_the_documents_fault(desk: Desk) -> None:
    """Nothing is rejected where nothing can be written; the next pick-up takes all."""
    desk.put("a.md", markdown("Old harbour to close", prose(1)))
    async with desk.store.write() as tx:
        await tx.exec_driver_sql("CREATE TRIGGER full BEFORE INSERT ON documents BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(Exception, match="disk full"):
        await desk.pick_up()
    async with desk.store.write() as tx:
        await tx.exec_driver_sql("DROP TRIGGER full")
    assert await desk.articles() == []
    assert await desk.statuses() == {"a.md": "added"}


async def test_half_written_file_is_never_taken(desk: Desk) -> None:
    """Pick-ups while somebody writes leave the file alone; the finished one is taken whole, once."""
    text = markdown("Old harbour to close", prose(1, 600))
    desk.settings = desk.settings.model_copy(
        update={"source": (desk.settings.source[0].model_copy(update={"settle": timedelta(milliseconds=400)}),)}
    )

    async def write() -> None:
        with (desk.folder / "a.md").open("w") as file:
            for start in range(0, len(text), 100):
                file.write(text[start : start + 100])
                file.flush()
                await asyncio.sleep(0.02)

    writer = asyncio.create_task(write())
    await asyncio.sleep(0.05)
    assert await desk.statuses(wait_settled=False) == {}
    row = (await desk.pick_up(wait_settled=True))["a.md"]
    assert writer.done()
    await writer
    assert row.status == "added"
    assert prose(1, 600).split()[-1] in (await desk.only()).content_text
    assert await desk.statuses() == {"a.md": "unchanged"}


async def test_busy_file_holds_up_no_other(desk: Desk) -> None:
    """What is at rest is taken; what is not is left for the next time, without a word where a service asks."""
    desk.settings = desk.settings.model_copy(
        update={"source": (desk.settings.source[0].model_copy(update={"settle": timedelta(milliseconds=150)}),)}
    )
    desk.put("calm.md", markdown("Old harbour to close", prose(1)))
    busy = desk.put("busy.md", markdown("Rain until Sunday", prose(2)), fresh=True)

    async def scribble() -> None:
        while True:
            with busy.open("a") as file:
                file.write("more ")
            await asyncio.sleep(0.01)

    writer = asyncio.create_task(scribble())
    assert await desk.statuses(wait_settled=False) == {"calm.md": "added"}
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    assert (await desk.statuses())["busy.md"] == "added"


async def test_draft_is_published_when_it_is_one_no_longer(desk: Desk) -> None:
    """It waits without a seq, may change its date, and goes out with the date of that moment."""
    desk.put("a.md", markdown("Old harbour to close", prose(1), draft="true"))
    await desk.pick_up()
    draft = await desk.only()
    assert (draft.status, draft.seq) == (ArticleStatus.DRAFT, None)
    desk.put("a.md", markdown("Old harbour to close", prose(1), draft="false"))
    assert await desk.statuses() == {"a.md": "updated"}
    article = await desk.only()
    assert (article.status, article.seq, article.id, article.slug) == (ArticleStatus.LIVE, 1, draft.id, draft.slug)
    assert article.published_at == article.updated_at == desk.now


async def test_live_article_is_not_taken_back_by_its_file(desk: Desk) -> None:
    """Readers have it; the row says what takes it back."""
    desk.put("a.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    desk.put("a.md", markdown("Old harbour to close", prose(1), draft="true"))
    row = (await desk.pick_up())["a.md"]
    article = await desk.only()
    assert (row.status, article.status) == ("unchanged", ArticleStatus.LIVE)
    assert f"publisher articles withdraw {article.id}" in row.reason


async def test_withdrawn_article_stays_withdrawn_when_its_file_changes(desk: Desk) -> None:
    """The operator's word counts."""
    desk.put("a.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    async with desk.store.write() as tx:
        await articles.set_status(tx, (await desk.only()).id, ArticleStatus.WITHDRAWN, desk.now)
    desk.put("a.md", markdown("Old harbour to close", prose(1) + "\n\nMore."))
    assert await desk.statuses() == {"a.md": "updated"}
    assert (await desk.only()).status is ArticleStatus.WITHDRAWN


async def test_article_of_the_future_waits_for_its_time(desk: Desk) -> None:
    """Until then it has no seq; any pick-up after it sends it live, with or without new documents."""
    desk.put("a.md", markdown("Old harbour to close", prose(1), date=(NOON + timedelta(hours=1)).isoformat()))
    await desk.pick_up()
    assert ((await desk.only()).status, (await desk.only()).seq) == (ArticleStatus.SCHEDULED, None)
    assert await publish(desk.store, NOON + timedelta(minutes=59)) == 0
    desk.now = NOON + timedelta(hours=1)
    await desk.pick_up()
    assert ((await desk.only()).status, (await desk.only()).seq) == (ArticleStatus.LIVE, 1)


async def test_same_titles_get_slugs_of_their_own(desk: Desk) -> None:
    """Numbered, and kept when titles change."""
    for number in range(3):
        desk.put(f"{number}.md", markdown("Weather", prose(number)))
    await desk.pick_up()
    assert sorted(article.slug for article in await desk.articles()) == ["weather", "weather-2", "weather-3"]
    desk.put("0.md", markdown("Sun", prose(0)))
    await desk.pick_up()
    assert sorted(article.slug for article in await desk.articles()) == ["weather", "weather-2", "weather-3"]


async def test_backfill_that_is_held_is_only_that_of_the_first_reading(store: Store, tmp_path: Path) -> None:
    """What the source held is live and not to be mailed; what comes later is news."""
    desk = Desk(store, tmp_path, backfill="hold")
    desk.put("old.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    assert (await desk.only()).backfill
    assert (await desk.only()).seq == 1
    desk.put("new.md", markdown("Rain until Sunday", prose(2)))
    await desk.pick_up()
    assert {article.title: article.backfill for article in await desk.articles()} == {
        "Old harbour to close": True, "Rain until Sunday": False,
    }


async def test_backfill_waits_for_a_folder_that_can_be_read(store: Store, tmp_path: Path) -> None:
    """A folder that was missing at first has not been read."""
    desk = Desk(store, tmp_path, backfill="hold")
    desk.folder.rmdir()
    await desk.pick_up()
    desk.put("old.md", markdown("Old harbour to close", prose(1)))
    await desk.pick_up()
    assert (await desk.only()).backfill


async def test_named_file_in_a_source_is_that_sources_document(store: Store, tmp_path: Path) -> None:
    """Named and picked up by the service it is one article; named documents are never backfill."""
    desk = Desk(store, tmp_path, backfill="hold")
    path = desk.put("deep/a.md", markdown("Old harbour to close", prose(1)))
    assert await desk.statuses(path) == {str(path): "added"}
    assert not (await desk.only()).backfill
    assert (await desk.document("deep/a.md")) is not None
    assert await desk.statuses(desk.folder / "deep") == {str(path): "unchanged"}
    assert await desk.statuses() == {"deep/a.md": "unchanged"}


async def test_named_paths_anywhere_are_taken_once(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However they are named: absolute, relative, by their folder; the rows call them as they were named."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.md").write_text(markdown("Old harbour to close", prose(1)))
    (elsewhere / "notes.rtf").write_text("passed over")
    assert await desk.statuses(elsewhere / "a.md", elsewhere / "notes.rtf") == {str(elsewhere / "a.md"): "added"}
    monkeypatch.chdir(tmp_path)
    assert await desk.statuses(Path("elsewhere/a.md")) == {"elsewhere/a.md": "unchanged"}
    assert await desk.statuses(Path("elsewhere")) == {"elsewhere/a.md": "unchanged"}
    monkeypatch.chdir(elsewhere)
    assert await desk.statuses(Path()) == {"./a.md": "unchanged"} or await desk.statuses(Path()) == {"a.md": "unchanged"}
    assert (await desk.only()).source == "folder:/"


async def test_named_path_that_is_not_there_is_a_row(desk: Desk) -> None:
    """With a plain reason, beside the others."""
    good = desk.put("a.md", markdown("Old harbour to close", prose(1)))
    rows = await desk.pick_up(desk.folder / "b.md", good)
    assert rows[str(desk.folder / "b.md")].reason == "there is no such file or folder"
    assert rows[str(good)].status == "added"


async def test_named_file_renamed_and_edited_is_the_same_article(desk: Desk, tmp_path: Path) -> None:
    """The old file is looked for on the disk, since nobody scans its folder."""
    first = tmp_path / "x.md"
    first.write_text(markdown("Old harbour to close", prose(1)))
    await desk.pick_up(first)
    first.unlink()
    second = tmp_path / "y.md"
    second.write_text(markdown("Old harbour to close", prose(1) + "\n\nMore."))
    assert await desk.statuses(second) == {str(second): "updated"}


@asynccontextmanager
async def new_desk() -> AsyncIterator[Desk]:
    """A desk for one example of a property."""
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store("sqlite:///publisher.db", root=Path(folder))
        try:
            yield Desk(store, Path(folder))
        finally:
            await store.close()


@hypothesis_settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=70, unique=True), st.randoms(use_true_random=False))
def test_I2_seqs_follow_the_dates_within_one_pick_up(minutes: list[int], chance: random.Random) -> None:
    """Whatever the names of the files, the chunks they fall into, and what was picked up before."""

    async def check() -> None:
        async with new_desk() as desk:
            cut = chance.randrange(len(minutes) + 1)
            for part in (minutes[:cut], minutes[cut:]):
                names = chance.sample(range(1000), len(part))
                for name, minute in zip(names, part, strict=True):
                    date = (NOON - timedelta(minutes=minute + 1)).isoformat()
                    desk.put(f"{minute}-{name}.md", markdown(f"Story {minute}", prose(minute, 30), date=date))
                await desk.pick_up()
            live = sorted(await desk.articles(), key=lambda article: article.seq or 0)
            assert [article.seq for article in live] == list(range(1, len(minutes) + 1))
            dates = [article.published_at for article in live]
            assert dates == sorted(dates[:cut]) + sorted(dates[cut:])

    asyncio.run(check())


@pytest.mark.parametrize("cut", [0.02, 0.1, 0.2, 0.3, 0.5])
async def test_pick_up_stopped_half_way_is_finished_by_the_next(desk: Desk, cut: float) -> None:
    """Every document is one article, live, with a seq of its own, wherever the first pick-up was stopped."""
    for number in range(120):
        desk.put(f"{number}.md", markdown(f"Story {number}", prose(number, 30)))
    task = asyncio.create_task(desk.pick_up())
    await asyncio.sleep(cut)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    rows = await desk.pick_up()
    found = await desk.articles()
    assert len(rows) == len({row.article_id for row in rows.values()}) == len(found) == 120
    assert sorted(article.seq or 0 for article in found) == list(range(1, 121))
    assert set((await desk.statuses()).values()) == {"unchanged"}


_KILLED = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from publisher import log
from publisher.config import Settings
from publisher.intake.ingest import ingest
from publisher.settings import Source
from publisher.store.engine import open_store
async def main(root):
    store = await open_store("sqlite:///store/publisher.db", root=root)
    settings = Settings(root=root, source=(Source(path=Path("in")),))
    def progress(done, total):
        print(done, flush=True)
    await ingest(store, settings, now=lambda: datetime(2026, 11, 20, 12, tzinfo=UTC), progress=progress)
log.configure()
asyncio.run(main(Path(sys.argv[1])))
"""


async def test_pick_up_killed_between_two_chunks_is_finished_by_the_next(desk: Desk) -> None:
    """`kill -9` after the first commit: nothing lost, nothing doubled."""
    for number in range(100):
        desk.put(f"{number}.md", markdown(f"Story {number}", prose(number, 30)))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _KILLED, str(desk.root), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    first = await process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert first == b"25\n"
    assert 25 <= len(await desk.articles()) < 100
    rows = await desk.pick_up()
    assert len({row.article_id for row in rows.values()}) == len(await desk.articles()) == 100
    assert sorted(article.seq or 0 for article in await desk.articles()) == list(range(1, 101))


async def test_two_pick_ups_at_once_make_one_article_of_each(any_store: Store, tmp_path: Path) -> None:
    """The command beside the service: on both databases."""
    desk = Desk(any_store, tmp_path)
    for number in range(20):
        desk.put(f"{number}.md", markdown(f"Story {number}", prose(number, 30)))
    other = await open_store(str(any_store._engine.url), root=tmp_path)
    try:
        await asyncio.gather(desk.pick_up(), Desk(other, tmp_path).pick_up())
    finally:
        await other.close()
    assert len(await desk.articles()) == 20


async def test_I2_nothing_goes_live_before_the_pick_up_ends(desk: Desk) -> None:
    """A tick that publishes meanwhile waits: else the newest article might come first."""
    for number in range(60):
        date = (NOON - timedelta(minutes=number + 1)).isoformat()
        desk.put(f"{number:02}.md", markdown(f"Story {number}", prose(number, 30), date=date))

    async def publishing() -> None:
        while not task.done():
            await publish(desk.store, desk.now)
            await asyncio.sleep(0)

    task = asyncio.create_task(desk.pick_up())
    await asyncio.sleep(0)
    await publishing()
    await task
    live = sorted(await desk.articles(), key=lambda article: article.seq or 0)
    assert [article.published_at for article in live] == sorted(article.published_at for article in live)


async def test_brief_report_tells_only_news(desk: Desk) -> None:
    """A service that looks every two seconds hears of a bad document once."""
    desk.put("empty.txt", b"")
    (desk.folder / "secret.txt").symlink_to("/etc/passwd")
    with (desk.folder / "huge.txt").open("wb") as file:
        file.truncate(50_000_000)
    assert set((await desk.statuses(brief=True)).values()) == {"rejected"}
    assert await desk.pick_up(brief=True) == {}
    assert len(await desk.pick_up()) == 3


async def test_progress_is_told_up_to_the_end(desk: Desk) -> None:
    """In documents; not at all where there is nothing to do."""
    for number in range(60):
        desk.put(f"{number}.md", markdown(f"Story {number}", prose(number, 30)))
    seen: list[tuple[int, int]] = []
    await desk.pick_up(progress=lambda done, total: seen.append((done, total)))
    assert seen == [(25, 60), (50, 60), (60, 60)]
    seen.clear()
    await desk.pick_up(progress=lambda done, total: seen.append((done, total)))
    assert seen == []


async def test_event_loop_is_free_while_documents_are_parsed(desk: Desk) -> None:
    """The service answers meanwhile."""
    desk.put("first.md", markdown("First", prose(1)))
    await desk.pick_up()  # what is loaded once is loaded now
    for number in range(40):
        desk.put(f"{number}.md", markdown(f"Story {number}", prose(number, 1500)))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.005)
            turns += 1

    counting = asyncio.create_task(count())
    await desk.pick_up()
    counting.cancel()
    assert turns >= 5


def test_extract_shows_what_pick_up_would_make(tmp_path: Path) -> None:
    """Files and folders alike, storing nothing; what cannot be taken is a value with its reason."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.md").write_text(markdown("Old harbour to close", prose(1)))
    (tmp_path / "in/bad.txt").write_bytes(b"")
    (tmp_path / "in/picture.png").write_bytes(b"passed over")
    (tmp_path / "letter.doc").write_bytes(b"named, so not passed over")
    paths = [tmp_path / "in", tmp_path / "in/a.md", tmp_path / "letter.doc", tmp_path / "gone.txt"]
    found = list(extract_paths(paths, Settings(root=tmp_path), now=NOON))
    assert [path for path, _ in found] == [
        str(tmp_path / name) for name in ("in/a.md", "in/bad.txt", "in/a.md", "letter.doc", "gone.txt")
    ]
    articles_found = [made for _, made in found if isinstance(made, Extracted)]
    assert [made.title for made in articles_found] == ["Old harbour to close"] * 2
    errors = [made for _, made in found if isinstance(made, DocumentError)]
    assert [error.reason for error in errors][1:] == ["it is no article format", "there is no such file or folder"]
    assert not list(tmp_path.rglob("*.db"))


async def test_folder_moved_as_a_whole_is_the_same_articles(desk: Desk) -> None:
    """A section renamed in the folder renames nothing else."""
    for number in range(5):
        desk.put(f"news/{number}.md", markdown(f"Story {WORDS[number]}", prose(number)))
    await desk.pick_up()
    before = {article.id for article in await desk.articles()}
    shutil.move(desk.folder / "news", desk.folder / "archive")
    assert set((await desk.statuses()).values()) == {"unchanged"}
    assert {article.id for article in await desk.articles()} == before
