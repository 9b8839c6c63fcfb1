"""Imports into a real store: each article once, as backfill, with its pictures and its old addresses."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from publisher.config import Settings
from publisher.errors import DocumentError
from publisher.intake import bring_in, export_file
from publisher.intake.export_entry import Export
from publisher.intake.export_pictures import Library
from publisher.model import Article, ArticleStatus, DocumentResult
from publisher.settings import Site
from publisher.store import articles, documents, pictures, redirects, versions
from publisher.store.engine import Store

DATA = Path(__file__).parent.parent / "data/import"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def picture(width: int = 40, colour: str = "navy") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, 30), colour).save(made, "PNG")
    return made.getvalue()


class Importer:
    """A store, and somebody who imports a file into it."""

    def __init__(self, store: Store, root: Path) -> None:
        self.store, self.root = store, root
        self.settings = Settings(root=root, site=Site(language="en", url="https://new.example.org", timezone="Europe/London"))

    def copy(self, name: str) -> Path:
        return Path(shutil.copy(DATA / name, self.root / name))

    def wordpress(self, file: Path, **more: Any) -> Export:
        return export_file.from_wordpress(file, self.settings.site.zone, **more)

    def ghost(self, file: Path, **more: Any) -> Export:
        return export_file.from_ghost(file, self.settings.site.zone, **more)

    async def take(self, export: Export, library: Library | None = None) -> list[DocumentResult]:
        library = library or Library(None, fetch=False)
        return await bring_in.bring_in(self.store, self.settings, export, library, now=lambda: NOW)

    async def article(self, slug: str) -> Article:
        async with self.store.read() as tx:
            found = await articles.by_slug(tx, slug)
        assert found is not None
        return found

    async def live(self) -> list[Article]:
        async with self.store.read() as tx:
            return await articles.newest(tx, 10_000)

    async def at(self, path: str) -> str:
        async with self.store.read() as tx:
            found = await redirects.find(tx, path)
        return found.slug if found else ""


@pytest.fixture
def importer(store: Store, tmp_path: Path) -> Importer:
    return Importer(store, tmp_path)


def statuses(rows: list[DocumentResult]) -> dict[str, str]:
    return {row.path: row.status for row in rows}


# --- articles --------------------------------------------------------------------------------------------------------


async def test_articles_are_backfill_in_the_order_of_their_dates(importer: Importer) -> None:
    """Live with a place in the archives, never mailed; what is private there is no article that anybody sees."""
    rows = await importer.take(importer.wordpress(importer.copy("courier.wordpress.xml"), pages=True))
    assert statuses(rows) == {
        "11": "added", "12": "added", "13": "added", "14": "added", "15": "added", "16": "added", "18": "rejected",
        "2": "added",
    }
    live = await importer.live()
    assert [article.slug for article in live] == ["blocks", "ferries-and-tides"]
    assert all(article.backfill for article in live)
    assert (await importer.article("of-another-year")).status is ArticleStatus.SCHEDULED
    assert (await importer.article("about")).status is ArticleStatus.UNLISTED
    assert (await importer.article("secret")).status is ArticleStatus.DRAFT
    ferries = await importer.article("ferries-and-tides")
    assert ferries.updated_at == datetime(2020, 5, 6, 10, tzinfo=UTC)
    assert ferries.source == "import:wordpress:quay.example.org"


async def test_second_import_changes_nothing(importer: Importer) -> None:
    """Whatever the file is called; reasons are told again."""
    file = importer.copy("courier.wordpress.xml")
    first = await importer.take(importer.wordpress(file))
    again = await importer.take(importer.wordpress(file.rename(importer.root / "again.xml")))
    assert {row.status for row in again} == {"unchanged", "rejected"}
    assert [(row.article_id, row.title, row.reason) for row in again if row.status == "unchanged" and row.title != "A draft"] == [
        (row.article_id, row.title, row.reason) for row in first if row.status == "added" and row.title != "A draft"
    ]
    assert [row.reason for row in again if row.path == "13"] == ["it is a draft there: it is kept as a draft"]


async def test_edited_export_updates_what_was_edited(importer: Importer) -> None:
    """The article keeps id, slug, date and place; what it said before is kept; a post that is left out stays."""
    file = importer.copy("courier.wordpress.xml")
    first = await importer.take(importer.wordpress(file))
    before = await importer.article("ferries-and-tides")
    text = file.read_text(encoding="utf-8")
    text = text.replace("leaves at six", "leaves at half past five").replace(
        "<![CDATA[draft]]>", "<![CDATA[publish]]>"
    )
    start, end = text.index("<item>\n\t\t<title>The block"), text.index("<item>\n\t\t<title>A draft")
    file.write_text(text[:start] + text[end:], encoding="utf-8")
    rows = await importer.take(importer.wordpress(file))
    changed = {path: status for path, status in statuses(rows).items() if status != "unchanged"}
    assert changed == {"11": "updated", "13": "updated", "18": "rejected"}
    after = await importer.article("ferries-and-tides")
    assert "half past five" in after.content_text
    assert (after.id, after.seq, after.published_at) == (before.id, before.seq, before.published_at)
    async with importer.store.read() as tx:
        assert len(await versions.of_article(tx, after.id)) == 1
    assert {article.slug for article in await importer.live()} == {"ferries-and-tides", "blocks", "a-draft"}
    assert {row.article_id for row in rows if row.article_id} < {row.article_id for row in first if row.article_id}


async def test_what_was_done_by_hand_stays(importer: Importer) -> None:
    """A withdrawn article stays withdrawn, also when the export says something new about it."""
    file = importer.copy("courier.wordpress.xml")
    await importer.take(importer.wordpress(file))
    found = await importer.article("blocks")
    async with importer.store.write() as tx:
        await articles.set_status(tx, found.id, ArticleStatus.WITHDRAWN, NOW)
    await importer.take(importer.wordpress(file))
    file.write_text(file.read_text(encoding="utf-8").replace("A subheading", "Another"), encoding="utf-8")
    rows = await importer.take(importer.wordpress(file))
    assert statuses(rows)["12"] == "updated"
    assert (await importer.article("blocks")).status is ArticleStatus.WITHDRAWN


async def test_two_posts_of_one_template_stay_two(importer: Importer) -> None:
    """Also where title and text are the same; and a number that comes twice counts once."""
    file = importer.copy("courier.wordpress.xml")
    text = file.read_text(encoding="utf-8")
    start, end = text.index("<item>\n\t\t<title>The block"), text.index("<item>\n\t\t<title>A draft")
    post = text[start:end]
    other = post.replace("?p=12", "?p=120").replace("<wp:post_id>12<", "<wp:post_id>120<").replace("/blocks/", "/blocks-2/")
    file.write_text(text[:end] + other + post + text[end:], encoding="utf-8")
    rows = await importer.take(importer.wordpress(file))
    found = {row.path: row for row in rows}
    assert found["12"].article_id != found["120"].article_id
    assert (found["12 (2)"].status, "two entries" in found["12 (2)"].reason) == ("rejected", True)
    assert {row.status for row in await importer.take(importer.wordpress(file))} == {"unchanged", "rejected"}


async def test_post_that_waits_for_ever_stays_a_draft(importer: Importer) -> None:
    """A date that cannot be is no reason to publish what is held back there."""
    file = importer.copy("courier.wordpress.xml")
    file.write_text(file.read_text(encoding="utf-8").replace("2031-01-01", "2096-01-01"), encoding="utf-8")
    rows = {row.path: row for row in await importer.take(importer.wordpress(file))}
    assert "scheduled for the year 2096" in rows["16"].reason
    assert (await importer.article("of-another-year")).status is ArticleStatus.DRAFT
    assert {row.status for row in await importer.take(importer.wordpress(file))} == {"unchanged", "rejected"}


async def test_interrupted_import_goes_on_where_it_stopped(importer: Importer) -> None:
    """Nothing twice, and the places are those of the dates among what is published together."""
    file = many(importer.root, 120)
    entries = iter(range(60))

    def broken(export: Export) -> Export:
        def some() -> Any:
            for entry in export.entries():
                if next(entries, None) is None:
                    raise KeyboardInterrupt
                yield entry

        return Export(export.source, export.url, export.total, some)

    with pytest.raises(KeyboardInterrupt):
        await importer.take(broken(importer.wordpress(file)))
    assert await importer.live() == []
    rows = await importer.take(importer.wordpress(file))
    assert [row.status for row in rows] == ["unchanged"] * 50 + ["added"] * 70
    live = await importer.live()
    assert len(live) == 120
    assert [a.published_at for a in live] == sorted((a.published_at for a in live), reverse=True)


def many(root: Path, posts: int, words: int = 60) -> Path:
    """An export of so many posts, each different."""
    head = (DATA / "courier.wordpress.xml").read_text(encoding="utf-8").partition("<item>")[0]
    file = root / "many.xml"
    with file.open("w", encoding="utf-8") as out:
        out.write(head)
        for number in range(posts):
            text = " ".join(f"word{(number * 31 + i * (number % 7 + 1)) % 997}" for i in range(words))
            out.write(
                f"<item><title>Post {number}</title><link>https://quay.example.org/2015/{number}/</link>"
                f"<guid>https://quay.example.org/?p={number + 1}</guid><content:encoded><![CDATA[{text}]]></content:encoded>"
                f"<wp:post_id>{number + 1}</wp:post_id><wp:post_date_gmt>20{10 + number * 7 % 13}-01-02 10:{number % 60:02d}:00"
                "</wp:post_date_gmt><wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item>\n"
            )
        out.write("</channel></rss>")
    return file


# --- old addresses ---------------------------------------------------------------------------------------------------


async def test_old_addresses_lead_to_the_article(importer: Importer) -> None:
    """Permalink and number; they come back where an interruption kept them from being written."""
    file = importer.copy("courier.wordpress.xml")
    await importer.take(importer.wordpress(file, pages=True))
    assert await importer.at("/2020/05/ferries-and-tides") == await importer.at("/?p=11") == "ferries-and-tides"
    assert await importer.at("/about") == await importer.at("/?page_id=2") == "about"
    async with importer.store.write() as tx:
        await redirects.put(tx, ["/?p=11"], (await importer.article("blocks")).id)
    await importer.take(importer.wordpress(file))
    assert await importer.at("/?p=11") == "blocks"  # an import that says nothing new takes nothing away


async def test_article_that_moved_there_keeps_both_addresses(importer: Importer) -> None:
    """A new slug at the old site between two exports."""
    file = importer.copy("courier.wordpress.xml")
    await importer.take(importer.wordpress(file))
    text = file.read_text(encoding="utf-8").replace("/2020/05/ferries-and-tides/", "/2020/05/new-timetable/")
    file.write_text(text, encoding="utf-8")
    await importer.take(importer.wordpress(file))
    assert await importer.at("/2020/05/new-timetable") == await importer.at("/2020/05/ferries-and-tides") != ""


# --- pictures --------------------------------------------------------------------------------------------------------


async def test_pictures_of_a_folder_are_copied(importer: Importer) -> None:
    """Wherever the export shows one: lead picture, caption, gallery; a smaller copy may be made of the larger file."""
    file = importer.copy("courier.wordpress.xml")
    uploads = importer.root / "uploads/2020/05"
    uploads.mkdir(parents=True)
    (uploads / "quay.png").write_bytes(picture())
    folder = export_file.media_folder(file)
    assert folder == importer.root / "uploads"
    await importer.take(importer.wordpress(file), Library(folder, fetch=False))
    found = await importer.article("ferries-and-tides")
    assert found.image.startswith("https://new.example.org/images/quay-")
    assert found.content_html.count("https://new.example.org/images/quay-") == 2
    assert "https://quay.example.org/wp-content/uploads/2021/02/boat.png" in found.content_html  # not in the folder
    async with importer.store.read() as tx:
        assert await pictures.get(tx, found.image.rpartition("/")[2]) is not None
    again = await importer.take(importer.wordpress(file))  # without the folder
    assert statuses(again)["11"] == "unchanged"


async def test_pictures_are_fetched_where_that_is_asked_for(importer: Importer, peer: Any) -> None:
    """From the old site alone; a failure is a remark on the article, and it is tried again next time."""
    file = importer.copy("courier.wordpress.xml")
    file.write_text(file.read_text(encoding="utf-8").replace("https://quay.example.org", peer.url), encoding="utf-8")
    base = "/wp-content/uploads"
    peer.say(f"{base}/2020/05/quay.png", picture(), content_type="image/png")
    peer.say(f"{base}/2020/05/quay-300x200.png", b"<html>", content_type="text/html")
    fetching = Library(None, fetch=True, allow_private=True)
    rows = {row.path: row for row in await importer.take(importer.wordpress(file), fetching)}
    found = await importer.article("ferries-and-tides")
    assert found.image.startswith("https://new.example.org/images/quay-")
    assert f'src="{peer.url}{base}/2020/05/quay-300x200.png"' in found.content_html
    assert f"picture left at {peer.url}{base}/2020/05/quay-300x200.png: it is no picture" in rows["11"].reason
    assert "its server answers 404" in rows["12"].reason
    assert len(peer.asked(f"{base}/2020/05/quay.png")) == 1
    peer.say(f"{base}/2021/02/boat.png", picture(50, "red"), content_type="image/png")
    later = {row.path: row for row in await importer.take(importer.wordpress(file), Library(None, fetch=True, allow_private=True))}
    assert later["12"].status == "updated"
    assert "https://new.example.org/images/boat-" in (await importer.article("blocks")).content_html
    assert len(peer.asked(f"{base}/2020/05/quay.png")) == 1


async def test_only_the_old_site_is_asked(importer: Importer) -> None:
    """Its subdomains count, and the proxy that shows its pictures; pictures of others stay theirs."""
    file = importer.copy("courier.wordpress.xml")
    (importer.root / "uploads").mkdir()
    (importer.root / "uploads/a.png").write_bytes(picture())
    hosts = ("cdn.quay.example.org", "i0.wp.com/www.quay.example.org", "i0.wp.com/other.example.org", "other.example.org")
    images = "".join(f'<img src="https://{host}/wp-content/uploads/a.png" alt="{n}">' for n, host in enumerate(hosts))
    text = file.read_text(encoding="utf-8").replace("A paragraph of the block editor.", "A paragraph." + images)
    file.write_text(text, encoding="utf-8")
    await importer.take(importer.wordpress(file), Library(importer.root / "uploads", fetch=False))
    found = (await importer.article("blocks")).content_html
    assert found.count("https://new.example.org/images/a-") == 2
    assert "https://i0.wp.com/other.example.org/wp-content" in found
    assert "https://other.example.org/wp-content" in found


async def test_private_addresses_are_not_asked(importer: Importer, peer: Any) -> None:
    """An export is anybody's: its addresses may lead inside."""
    file = importer.copy("courier.wordpress.xml")
    file.write_text(file.read_text(encoding="utf-8").replace("https://quay.example.org", peer.url), encoding="utf-8")
    rows = await importer.take(importer.wordpress(file), Library(None, fetch=True))
    assert "no public address" in " ".join(row.reason for row in rows)
    assert peer.requests == []
    assert statuses(rows)["11"] == "added"


async def test_files_outside_the_folder_are_not_taken(importer: Importer) -> None:
    """Neither by dots nor by a link."""
    file = importer.copy("courier.wordpress.xml")
    uploads = importer.root / "uploads"
    (uploads / "2021/02").mkdir(parents=True)
    (importer.root / "secret.png").write_bytes(picture())
    (uploads / "2021/02/boat.png").symlink_to(importer.root / "secret.png")
    text = file.read_text(encoding="utf-8").replace("uploads/2020/05/quay.png", "uploads/%2e%2e/secret.png")
    file.write_text(text, encoding="utf-8")
    await importer.take(importer.wordpress(file), Library(uploads, fetch=False))
    found = await importer.article("ferries-and-tides")
    assert "new.example.org/images" not in found.content_html + found.image
    assert "new.example.org/images" not in (await importer.article("blocks")).content_html


async def test_old_site_that_fails_is_left_alone(importer: Importer, peer: Any) -> None:
    """After twenty failures in a row it is asked no more, and no article is lost."""
    images = "".join(f'<img src="{peer.url}/wp-content/uploads/{n}.png">' for n in range(60))
    file = importer.copy("courier.wordpress.xml")
    text = file.read_text(encoding="utf-8").replace("https://quay.example.org", peer.url)
    file.write_text(text.replace("A paragraph of the block editor.", "A paragraph." + images), encoding="utf-8")
    await importer.take(importer.wordpress(file), Library(None, fetch=True, allow_private=True))
    assert 20 <= len(peer.requests) <= 24
    assert (await importer.article("blocks")).status is ArticleStatus.LIVE


# --- other systems ---------------------------------------------------------------------------------------------------


async def test_ghost_comes_in_with_its_pictures(importer: Importer) -> None:
    """Members' posts stay drafts; a smaller copy that is not there is made of the larger file."""
    file = importer.copy("net.ghost.json")
    folder = importer.root / "content/images/2024/05"
    folder.mkdir(parents=True)
    (folder / "boat.png").write_bytes(picture())
    export = importer.ghost(file, url="https://net.example.org", pages=True)
    library = Library(export_file.media_folder(file), fetch=False)
    rows = await importer.take(export, library)
    assert sum(row.status == "added" for row in rows) == 11
    nets = await importer.article("nets-and-knots")
    assert "https://new.example.org/images/boat-" in nets.content_html
    assert nets.image == "https://net.example.org/content/images/2024/05/quay.png"
    assert {article.slug for article in await importer.live()} == {"nets-and-knots", "story-2", "story-3", "story-12"}
    assert (await importer.article("story-5")).status is ArticleStatus.DRAFT
    assert await importer.at("/nets-and-knots") == "nets-and-knots"
    again = await importer.take(importer.ghost(file, url="https://net.example.org", pages=True))
    assert {row.status for row in again} == {"unchanged", "rejected"}


async def test_saved_feed_comes_in(importer: Importer) -> None:
    """A JSON Feed or an RSS file: entries by their ids, old addresses kept, and no longer the articles' source."""
    items = [
        {"id": f"https://old.example.org/{n}", "url": f"https://old.example.org/{n}", "title": f"Item {n}",
         "content_html": f"<p>The text of item {n}.</p>", "date_published": f"2020-01-0{n}T10:00:00Z"}
        for n in (1, 2)
    ]  # fmt: skip
    file = importer.root / "feed.json"
    file.write_text(json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Old News", "items": items}))
    export = export_file.from_feed(file, importer.settings.site.zone)
    rows = await importer.take(export)
    assert statuses(rows) == {"https://old.example.org/1": "added", "https://old.example.org/2": "added"}
    assert export.source == "import:feed:old-news"
    assert await importer.at("/1") == "item-1"
    assert (await importer.article("item-1")).source_url == ""
    assert [row.path for row in bring_in.shown(rows, "feed.json")] == [item["id"] for item in items]


async def test_wordpress_export_is_no_feed(importer: Importer) -> None:
    """Read as one, its drafts and private posts would come out openly."""
    with pytest.raises(DocumentError, match="it is a WordPress export"):
        export_file.from_feed(importer.copy("courier.wordpress.xml"), importer.settings.site.zone)


async def test_import_waits_for_a_pick_up(importer: Importer) -> None:
    """Two of them at once take nothing twice."""
    file = many(importer.root, 60)
    both = await asyncio.gather(*(importer.take(importer.wordpress(file)) for _ in range(2)))
    assert sorted(row.status for rows in both for row in rows) == ["added"] * 60 + ["unchanged"] * 60


def test_report_names_file_and_number() -> None:
    """An address stands for itself."""
    rows = [DocumentResult("11", "added"), DocumentResult("https://a.example/1", "added")]
    assert [row.path for row in bring_in.shown(rows, "x.xml")] == ["x.xml#11", "https://a.example/1"]


async def test_rejected_entries_are_documents_that_can_be_listed(importer: Importer) -> None:
    """Reason and remedy stay visible after the import."""
    await importer.take(importer.wordpress(importer.copy("courier.wordpress.xml")))
    async with importer.store.read() as tx:
        (found,) = [d for d in await documents.list_documents(tx) if d.state == "rejected"]
    assert (found.path, found.reason) == ("18", "it holds no text")
    assert found.remedy
