"""What happens to articles after they were met: versions, the same story elsewhere, merging, splitting, leaving."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert

from publisher.change_kind import Change
from publisher.config import Settings
from publisher.errors import PublisherError
from publisher.intake import mend
from publisher.intake.ingest import ingest
from publisher.model import Article, ArticleStatus
from publisher.settings import Source
from publisher.store import alike, articles, documents, schema, versions
from publisher.store.engine import Store
from publisher.store.versions import Version

WORDS = [f"{a}{b}" for a in ("bra", "cor", "del", "fen", "gil", "har", "jul") for b in ("den", "lo", "mist", "na", "ple", "ry")]


def prose(seed: int, count: int = 90) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=count)).capitalize() + "."


class Desk:
    """Two folders, a store, a clock, and somebody who picks up."""

    def __init__(self, store: Store, root: Path, **source: Any) -> None:
        self.store, self.root, self.now = store, root, datetime(2026, 11, 20, 12, tzinfo=UTC)
        for name in ("in", "wire"):
            (root / name).mkdir()
        sources = (Source(path=Path("in"), settle=timedelta(), **source), Source(path=Path("wire"), settle=timedelta()))
        self.settings = Settings(root=root, source=sources)

    def put(self, path: str, title: str, text: str, **head: str) -> Path:
        lines = "".join(f"{key}: {value}\n" for key, value in {"title": f'"{title}"', **head}.items())
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(f"---\n{lines}---\n\n{text}\n")
        return full

    async def pick_up(self, hours: float = 1) -> dict[str, str]:
        self.now += timedelta(hours=hours)
        return {row.path: row.status for row in await ingest(self.store, self.settings, now=lambda: self.now)}

    async def all(self) -> dict[str, Article]:
        """By title."""
        async with self.store.read() as tx:
            return {article.title: article for article in await articles.list_articles(tx, 1000)}

    async def versions(self, article: Article) -> list[Version]:
        async with self.store.read() as tx:
            return await versions.of_article(tx, article.id)

    async def merge(self, into: Article, other: Article) -> Article:
        async with self.store.write() as tx:
            return await mend.merge(tx, into.id, other.id, self.now)

    async def split(self, article: Article) -> Article:
        async with self.store.write() as tx:
            return await mend.split(tx, article.id, self.now)


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Desk:
    return Desk(store, tmp_path)


# --- versions ---------------------------------------------------------------------------------------------------------


async def test_updated_moves_from_a_correction_upwards(desk: Desk) -> None:
    """Each change keeps a version with its kind; typography moves no date, and `published_at` never moves."""
    text = prose(1)
    updated = [datetime(2026, 11, 20, 8, tzinfo=UTC)]
    for body in (text, text.replace(".", "!"), text.replace("!", ".") + " And more.", prose(2)):
        desk.put("in/a.md", "The ferry", body, date="2026-11-19", updated="2026-11-20T08:00:00Z")
        await desk.pick_up()
        (article,) = (await desk.all()).values()
        assert article.published_at == datetime(2026, 11, 19, tzinfo=UTC)
        updated.append(article.updated_at)
    (article,) = (await desk.all()).values()
    assert [b > a for a, b in pairwise(updated)] == [False, False, True, True]
    assert [version.change for version in await desk.versions(article)] == [Change.MINOR, Change.CORRECTION, Change.SUBSTANTIAL]


async def test_article_that_changes_all_the_time_keeps_twenty_versions_a_day(desk: Desk) -> None:
    """What comes after is taken, and said; it moves neither `updated_at` nor what mail waits for."""
    for number in range(23):
        desk.put("in/a.md", "The ferry", prose(1) + f" {number}")
        await desk.pick_up(0.1)
    (article,) = (await desk.all()).values()
    assert article.content_text.endswith(" 22")
    assert len(await desk.versions(article)) == 20
    assert article.changed_at == article.updated_at < desk.now
    async with desk.store.read() as tx:
        document = await documents.get(tx, "folder:in", "a.md")
    assert document is not None
    assert "more than 20 times in a day" in document.reason
    desk.put("in/a.md", "The ferry", prose(1) + " 99")
    await desk.pick_up(25)
    assert len(await desk.versions(article)) == 21


async def test_odd_dates_are_told_and_not_used(desk: Desk) -> None:
    """The article comes out, dated now; the document says what was passed over."""
    desk.put("in/a.md", "The ferry", prose(1), date="1066-10-14")
    assert await desk.pick_up() == {"a.md": "added"}
    assert (await desk.all())["The ferry"].published_at == desk.now
    async with desk.store.read() as tx:
        document = await documents.get(tx, "folder:in", "a.md")
    assert document is not None
    assert "1066" in document.reason


# --- the same story elsewhere -----------------------------------------------------------------------------------------


async def test_I1_same_story_of_another_source_is_flagged_and_not_merged(desk: Desk) -> None:
    """Both ways, also where one has grown; not where only the title or only the text is alike, nor within a source."""
    desk.put("in/a.md", "The ferry stops on Monday", prose(1))
    desk.put("wire/b.md", "The ferry stops Monday", prose(1) + " " + prose(9, 120))
    desk.put("wire/c.md", "The ferry stops on Monday", prose(3))
    desk.put("wire/d.md", "Rain for the rest of May", prose(1))
    desk.put("wire/e.md", "The ferry stops Monday!", prose(1) + " Twice.")
    await desk.pick_up()
    async with desk.store.read() as tx:
        found = await articles.list_articles(tx)
        pairs = {article.title: await alike.of_article(tx, article.id) for article in found}
    ids = {article.title: article.id for article in found if article.source == "folder:wire"}
    assert len(found) == 5
    mine = next(article for article in found if article.source == "folder:in")
    async with desk.store.read() as tx:
        assert sorted(await alike.of_article(tx, mine.id)) == sorted([ids["The ferry stops Monday"], ids["The ferry stops Monday!"]])
    assert pairs["The ferry stops Monday"] == [mine.id]
    assert pairs["Rain for the rest of May"] == []


async def test_wording_is_searched_at_a_bounded_cost(store: Store, new_article: Any) -> None:
    """Of a thousand articles from one template the newest are looked at, whatever the archive holds."""
    async with store.write() as tx:
        for number in range(1, 400):
            article = new_article(number)
            await articles.insert(tx, article)
            await alike.note(tx, article, range(17))
    async with store.read() as tx:
        found = await alike.search(tx, list(range(17)))
        assert len(found) == 8
        assert {candidate.title for candidate in found} == {f"Story {number}" for number in range(392, 400)}
        assert await alike.search(tx, [99]) == []


async def test_renamed_and_edited_article_is_found_by_its_wording(desk: Desk) -> None:
    """Long after its file went, under another name and a changed title."""
    path = desk.put("in/a.md", "The ferry stops on Monday", prose(1))
    await desk.pick_up()
    path.unlink()
    await desk.pick_up()
    desk.put("in/b.md", "The ferry stops Monday", prose(1) + " Later.")
    assert await desk.pick_up() == {"b.md": "updated"}


# --- merge and split --------------------------------------------------------------------------------------------------


async def test_merge_makes_two_articles_one(desk: Desk) -> None:
    """The documents and keys of the second are the first's; it is withdrawn, keeps its id and seq, and comes back."""
    desk.put("in/a.md", "The ferry stops", prose(1))
    desk.put("in/b.md", "No more ferry", prose(2), id="7")
    await desk.pick_up()
    a, b = (await desk.all())["The ferry stops"], (await desk.all())["No more ferry"]
    await desk.merge(a, b)
    (desk.root / "in/b.md").unlink()
    desk.put("in/c.md", "No more ferry at all", prose(5), id="7")
    assert await desk.pick_up() == {"a.md": "unchanged", "c.md": "updated"}
    async with desk.store.read() as tx:
        after = await articles.get_many(tx, (a.id, b.id))
        assert await articles.merged_into(tx, b.id) == a.id
        assert {document.path for document in await documents.of_article(tx, a.id)} == {"a.md", "b.md", "c.md"}
    assert (after[a.id].seq, after[b.id].seq, after[b.id].status) == (a.seq, b.seq, ArticleStatus.WITHDRAWN)
    assert after[a.id].title == "No more ferry at all"
    with pytest.raises(PublisherError, match="is merged into"):
        await desk.merge(a, b)


async def test_split_undoes_a_merge(desk: Desk) -> None:
    """Both say what they said, with the ids and seqs that they had."""
    desk.put("in/a.md", "The ferry stops", prose(1))
    desk.put("in/b.md", "No more ferry", prose(2), id="7")
    await desk.pick_up()
    before = await desk.all()
    a, b = before["The ferry stops"], before["No more ferry"]
    await desk.merge(a, b)
    desk.put("in/b.md", "No more ferry", prose(3), id="7")
    await desk.pick_up()
    assert (await desk.split(a)).id == b.id
    await desk.pick_up()
    after = await desk.all()
    assert {title: (x.id, x.seq, x.status) for title, x in after.items()} == {
        title: (x.id, x.seq, x.status) for title, x in before.items()
    }
    assert after["The ferry stops"].content_text == a.content_text
    assert after["No more ferry"].content_text == prose(3)
    with pytest.raises(PublisherError, match="no document has come"):
        await desk.split(a)


async def test_split_makes_the_last_document_an_article_of_its_own(desk: Desk) -> None:
    """Where an id was used twice: the first says again what it said, the other is new, and neither joins again."""
    text = prose(1)
    path = desk.put("in/a.md", "The ferry stops", text, id="7")
    await desk.pick_up()
    path.unlink()
    desk.put("in/b.md", "Another story", prose(2), id="7")
    assert await desk.pick_up() == {"b.md": "updated"}
    (a,) = (await desk.all()).values()
    await desk.split(a)
    for _ in range(2):
        await desk.pick_up()
        found = await desk.all()
        assert {title: x.content_text for title, x in found.items()} == {"The ferry stops": text, "Another story": prose(2)}
    found = await desk.all()
    assert (found["The ferry stops"].id, found["The ferry stops"].seq) == (a.id, a.seq)
    assert (found["Another story"].status, found["Another story"].seq) == (ArticleStatus.LIVE, 2)
    desk.put("in/b.md", "Another story", prose(2) + " More.", id="7")
    await desk.pick_up()
    assert (await desk.all())["The ferry stops"].content_text == text


async def test_merge_that_would_mail_a_story_twice_is_refused(desk: Desk) -> None:
    """A published article is not merged into one that is not yet."""
    desk.put("in/a.md", "The ferry stops", prose(1), draft="true")
    desk.put("in/b.md", "No more ferry", prose(2))
    await desk.pick_up()
    found = await desk.all()
    with pytest.raises(PublisherError, match="the other way round"):
        await desk.merge(found["The ferry stops"], found["No more ferry"])
    with pytest.raises(PublisherError, match="into itself"):
        await desk.merge(found["No more ferry"], found["No more ferry"])
    await desk.merge(found["No more ferry"], found["The ferry stops"])


# --- leaving ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def following(store: Store, tmp_path: Path) -> Desk:
    return Desk(store, tmp_path, follow_deletions=True)


@pytest.mark.parametrize("head", [{}, {"unlisted": "true"}, {"draft": "true"}], ids=str)
async def test_deleted_file_withdraws_its_article_where_that_is_asked_for(following: Desk, head: dict[str, str]) -> None:
    """Put back, it is what it was, with its seq; a renamed file is not deleted; the operator's word counts more."""
    desk = following
    desk.put("in/a.md", "The ferry stops", prose(1), **head)
    desk.put("in/z.md", "Other", prose(2))
    await desk.pick_up()
    before = (await desk.all())["The ferry stops"]
    (desk.root / "in/a.md").rename(desk.root / "in/b.md")
    await desk.pick_up()
    assert (await desk.all())["The ferry stops"].status is before.status
    for text, told in ((prose(1), "updated"), (prose(1) + " More.", "updated")):
        (desk.root / "in/b.md").unlink()
        await desk.pick_up()
        assert (await desk.all())["The ferry stops"].status is ArticleStatus.WITHDRAWN
        desk.put("in/b.md", "The ferry stops", text, **head)
        assert (await desk.pick_up())["b.md"] == told
        after = (await desk.all())["The ferry stops"]
        assert (after.id, after.seq, after.status) == (before.id, before.seq, before.status)
    (desk.root / "in/b.md").unlink()
    await desk.pick_up()
    async with desk.store.write() as tx:
        await articles.set_status(tx, before.id, ArticleStatus.WITHDRAWN, desk.now)
    desk.put("in/b.md", "The ferry stops", prose(1), **head)
    await desk.pick_up()
    assert (await desk.all())["The ferry stops"].status is ArticleStatus.WITHDRAWN


async def test_empty_folder_withdraws_nothing(following: Desk) -> None:
    """So looks a share that is not mounted."""
    paths = [following.put(f"in/{n}.md", f"Story of {n}", prose(n)) for n in range(3)]
    await following.pick_up()
    for path in paths:
        path.unlink()
    await following.pick_up()
    assert {article.status for article in (await following.all()).values()} == {ArticleStatus.LIVE}


async def test_accepted_files_are_moved_into_the_archive(store: Store, tmp_path: Path) -> None:
    """Never over another; what was rejected stays; a new version under the old name is a correction."""
    desk = Desk(store, tmp_path, archive=True, follow_deletions=True)
    desk.put("in/sub/a.md", "The ferry stops on Monday", prose(1))
    desk.put("in/bad.md", "", "")
    assert await desk.pick_up() == {"sub/a.md": "added", "bad.md": "rejected"}
    assert (tmp_path / "in/archive/sub/a.md").exists()
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["archive", "bad.md", "sub"]
    assert await desk.pick_up() == {"bad.md": "rejected"}
    first = (await desk.all())["The ferry stops on Monday"]
    assert first.status is ArticleStatus.LIVE
    desk.put("in/sub/a.md", "The ferry stops on Monday", prose(1) + " More.")
    assert (await desk.pick_up())["sub/a.md"] == "updated"
    assert sorted(path.name for path in (tmp_path / "in/archive/sub").iterdir()) == ["a-2.md", "a.md"]
    desk.put("in/b.md", "The ferry stops on Monday", prose(1) + " Quite another day.")
    assert (await desk.pick_up())["b.md"] == "added"


async def test_articles_from_before_there_were_sketches_are_found_by_their_wording(store: Store, tmp_path: Path) -> None:
    """A file renamed and edited while nobody looked: its article is known again, though the store was of an old version."""
    desk = Desk(store, tmp_path)
    old = desk.put("in/a.md", "The crane at the quay stays", prose(1))
    desk.put("in/b.md", "Another thing entirely here", prose(2))
    await desk.pick_up()
    before = await desk.all()
    async with store.write() as tx:  # as the migration leaves it
        await tx.execute(delete(schema.sketches))
        await tx.execute(insert(schema.unsketched), [{"article_id": article.id} for article in before.values()])
    old.unlink()
    desk.put("in/c.md", "The crane at the quay stays up", prose(1) + " And one more sentence.")
    assert "updated" in (await desk.pick_up()).values()
    after = await desk.all()
    assert after["The crane at the quay stays up"].id == before["The crane at the quay stays"].id
    async with store.read() as tx:
        assert await alike.unsketched(tx, 10) == []
