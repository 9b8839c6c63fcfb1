"""Pictures beside documents, through the pick-up: with a real folder and a real store."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from publisher.config import Settings
from publisher.intake import picture
from publisher.intake.ingest import extract_paths, ingest
from publisher.intake.picture_files import stale
from publisher.model import Article, DocumentResult, DocumentState, Extracted, Picture
from publisher.settings import Site, Source
from publisher.store import articles, documents, pictures, versions
from publisher.store.engine import Store
from publisher.store.pictures import Origin

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PROSE = "The council has said that work at the old harbour will begin in spring and end before the winter comes. " * 4
HEAD = "---\ntitle: Old harbour to close\n"


def image(colour: str = "red", size: tuple[int, int] = (80, 40), kind: str = "JPEG") -> bytes:
    file = BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


class Desk:
    """A folder with pictures, and somebody who picks up."""

    def __init__(self, store: Store, root: Path) -> None:
        self.store, self.folder, self.now = store, root / "in", NOON
        self.folder.mkdir()
        source = Source(path=Path("in"), settle=timedelta(milliseconds=20))
        self.settings = Settings(root=root, source=(source,), site=Site(url="https://news.example/daily"))
        self.writes = 0

    def put(self, path: str, content: str | bytes) -> Path:
        full = self.folder / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(content.encode() if isinstance(content, str) else content)
        self.writes += 1
        at = time.time() - 3000 + self.writes  # at rest, and no two with one time
        os.utime(full, (at, at))
        return full

    async def pick_up(self) -> Mapping[str, DocumentResult]:
        self.now += timedelta(minutes=1)
        return {row.path: row for row in await ingest(self.store, self.settings, now=lambda: self.now)}

    async def only(self) -> Article:
        async with self.store.read() as tx:
            found = await articles.list_articles(tx, 10)
        assert len(found) == 1
        return found[0]

    async def picture(self, url: str) -> Picture:
        start, _, name = url.rpartition("/")
        assert start == "https://news.example/daily/images"
        async with self.store.read() as tx:
            found = await pictures.get(tx, name)
        assert found is not None
        return found


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Desk:
    return Desk(store, tmp_path)


async def test_pictures_beside_a_text_are_copied(desk: Desk) -> None:
    """Those of its front matter and of its text; addresses are absolute, sizes told, files of the folder untouched."""
    desk.put("n/a.md", f"{HEAD}image: photos/lead.png\n---\n\n![A boat](photos/a%20boat.jpg)\n\n{PROSE}")
    desk.put("n/photos/lead.png", image("blue", (3200, 1600), "PNG"))
    desk.put("n/photos/a boat.jpg", image())
    before = {path: path.read_bytes() for path in desk.folder.rglob("*.*")}
    rows = await desk.pick_up()
    assert [(path, row.status, row.reason) for path, row in rows.items()] == [("n/a.md", "added", "")]
    article = await desk.only()
    lead = await desk.picture(article.image)
    assert (lead.media_type, lead.width, lead.height) == ("image/png", 1600, 800)
    assert lead.name.startswith("lead-")
    boat = picture.prepare(image(), "a boat.jpg")
    assert await desk.picture(f"https://news.example/daily/images/{boat.name}") == boat
    assert f'<img src="https://news.example/daily/images/{boat.name}" alt="A boat" width="80" height="40">' in (
        article.content_html
    )
    assert {path: path.read_bytes() for path in desk.folder.rglob("*.*")} == before


async def test_page_bundle_and_saved_page_bring_their_pictures(desk: Desk) -> None:
    """A folder with an index and its pictures; a page with the folder that a browser saves beside it."""
    desk.put("posts/old-harbour/index.md", f"{HEAD}cover:\n  image: cover.webp\n---\n\n{PROSE}")
    desk.put("posts/old-harbour/cover.webp", image(kind="WEBP"))
    await desk.pick_up()
    assert (await desk.picture((await desk.only()).image)).media_type == "image/webp"
    (desk.folder / "posts/old-harbour/index.md").unlink()
    desk.put(
        "posts/old-harbour/index.html",
        f"<html><head><title>Old harbour to close</title></head><body><article><h1>Old harbour to close</h1><p>{PROSE}"
        f"</p><p><img src='./Old_files/1.jpg'></p><p>{PROSE.replace('council', 'mayor')}</p></article></body></html>",
    )
    desk.put("posts/old-harbour/Old_files/1.jpg", image())
    await desk.pick_up()
    async with desk.store.read() as tx:
        found = await articles.list_articles(tx, 10)
    assert any('width="80"' in article.content_html for article in found)


@pytest.mark.parametrize("name", ["a.jpg", "a.JPG", "a.png", "a.webp"])
async def test_picture_called_like_a_plain_text_is_its_lead(desk: Desk, name: str) -> None:
    """Such a text has no way to name one."""
    desk.put("a.txt", f"Old harbour to close\n\n{PROSE}\n\n{PROSE}")
    desk.put(name, image(kind={"png": "PNG", "webp": "WEBP"}.get(name[2:], "JPEG")))
    await desk.pick_up()
    await desk.picture((await desk.only()).image)


async def test_picture_that_comes_after_its_text_is_taken(desk: Desk) -> None:
    """Named by the text, or called like it; until then the text stands without, and says so."""
    desk.put("a.md", f"{HEAD}---\n\n![A boat](a.jpg)\n\n{PROSE}")
    desk.put("b.txt", f"Bridge opens\n\n{PROSE.replace('harbour', 'bridge')}")
    rows = await desk.pick_up()
    assert rows["a.md"].status == "added"
    assert rows["a.md"].reason == "its picture a.jpg is left out: there is no such file"
    async with desk.store.read() as tx:
        document = await documents.get(tx, "folder:in", "a.md")
        known = await pictures.origins(tx, "folder:in")
    assert document is not None
    assert (document.state, document.reason) == (DocumentState.ACCEPTED, rows["a.md"].reason)
    assert known == {"a.md": [Origin("a.jpg")]}
    assert [row.status for row in (await desk.pick_up()).values()] == ["unchanged", "unchanged"]
    desk.put("a.jpg", image())
    desk.put("b.jpg", image("blue"))
    assert [(row.status, row.reason) for row in (await desk.pick_up()).values()] == [("updated", "")] * 2
    async with desk.store.read() as tx:
        found = {article.title: article for article in await articles.list_articles(tx, 10)}
    assert "<img" in found["Old harbour to close"].content_html
    assert found["Bridge opens"].image
    assert [row.status for row in (await desk.pick_up()).values()] == ["unchanged", "unchanged"]


async def test_picture_that_changes_changes_its_article(desk: Desk) -> None:
    """With a new address, so that nobody shows the old one; the article keeps its id and its dates."""
    desk.put("a.md", f"{HEAD}image: a.jpg\n---\n\n{PROSE}")
    desk.put("a.jpg", image())
    await desk.pick_up()
    before = await desk.only()
    desk.put("a.jpg", image("blue"))
    assert (await desk.pick_up())["a.md"].status == "updated"
    after = await desk.only()
    assert after.image != before.image
    assert (after.id, after.updated_at) == (before.id, before.updated_at)
    assert (await desk.pick_up())["a.md"].status == "unchanged"
    desk.put("a.jpg", image("blue"))  # touched
    assert (await desk.pick_up())["a.md"].status == "unchanged"
    assert (await desk.only()).changed_at == after.changed_at


async def test_picture_that_goes_is_left_out_and_comes_back(desk: Desk) -> None:
    """Renamed in the folder alone, it is missing until the text names it."""
    desk.put("a.md", f"{HEAD}image: a.jpg\n---\n\n{PROSE}")
    old = desk.put("a.jpg", image())
    await desk.pick_up()
    old.rename(old.with_name("b.jpg"))
    row = (await desk.pick_up())["a.md"]
    assert (row.status, "a.jpg is left out" in row.reason) == ("updated", True)
    assert (await desk.only()).image == ""
    desk.put("a.md", f"{HEAD}image: b.jpg\n---\n\n{PROSE}")
    assert (await desk.pick_up())["a.md"].reason == ""
    assert "/b-" in (await desk.only()).image


async def test_picture_that_is_half_written_is_taken_when_it_is_whole(desk: Desk) -> None:
    """What breaks off is no picture yet."""
    desk.put("a.md", f"{HEAD}image: a.jpg\n---\n\n{PROSE}")
    desk.put("a.jpg", image()[:300])
    assert "left out: it is broken" in (await desk.pick_up())["a.md"].reason
    assert (await desk.pick_up())["a.md"].status == "unchanged"
    desk.put("a.jpg", image())
    assert (await desk.pick_up())["a.md"].reason == ""
    assert (await desk.only()).image


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("../../etc/passwd", "it leads out of the folder"), ("../secret.jpg", "it leads out of the folder"),
        ("/etc/passwd", "there is no such file"), ("file:///etc/passwd", "file: address"), ("C:/a.jpg", "drive"),
        ("out.jpg", "a link that leads out of the folder"), ("door/secret.jpg", "a link that leads out of the folder"),
        ("nowhere.jpg", "a link that leads nowhere"), ("n", "no regular file"), ("pipe.jpg", "no regular file"),
        ("bad.jpg", "no picture"), ("bomb.png", "too large: 60000 x 60000"), ("drawing.svg", "script"),
        ("https://beside.invalid/%2F%2F%5Bx", "no file beside"),
        ("x" * 5000 + ".jpg", "cannot be read|no such file"),
    ],
)
async def test_picture_that_is_refused_is_told_and_left_out(
    desk: Desk, tmp_path: Path, reference: str, reason: str
) -> None:
    """The article is taken without it, its bytes stay where they are, and the reason stands beside the document."""
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(image("black"))
    (desk.folder / "n").mkdir()
    (desk.folder / "out.jpg").symlink_to(secret)
    (desk.folder / "door").symlink_to(tmp_path)
    (desk.folder / "nowhere.jpg").symlink_to("gone.jpg")
    os.mkfifo(desk.folder / "pipe.jpg")
    desk.put("bad.jpg", "root:x:0:0:root:/root:/bin/sh\n")
    desk.put("bomb.png", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + (60_000).to_bytes(4) * 2 + b"\x08\x02" + bytes(50))
    desk.put("drawing.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    desk.put("n/a.md" if reference == "../../etc/passwd" else "a.md", f"{HEAD}---\n\n<img src='{reference}'>\n\n{PROSE}")
    row = next(row for path, row in (await desk.pick_up()).items() if path.endswith("a.md"))
    assert row.status == "added"
    assert row.reason.startswith("its picture ")
    assert any(part in row.reason for part in reason.split("|"))
    assert len(row.reason) < 250
    assert "<img" not in (await desk.only()).content_html
    again = next(row for path, row in (await desk.pick_up()).items() if path.endswith("a.md"))
    assert again.status == "unchanged"


async def test_link_to_a_picture_inside_is_followed(desk: Desk) -> None:
    """It leads to what is in the folder anyway."""
    desk.put("all/a.jpg", image())
    desk.put("n/a.md", f"{HEAD}image: a.jpg\n---\n\n{PROSE}")
    (desk.folder / "n/a.jpg").symlink_to("../all/a.jpg")
    assert (await desk.pick_up())["n/a.md"].reason == ""
    assert (await desk.only()).image


async def test_page_with_an_address_has_its_missing_pictures_there(desk: Desk) -> None:
    """Nothing is lost that can be shown."""
    desk.put("a.md", f"{HEAD}canonical: https://far.example/n/a\nimage: i/a.jpg\n---\n\n![B](b.jpg)\n\n{PROSE}")
    desk.put("b.jpg", image())
    assert (await desk.pick_up())["a.md"].reason == ""
    article = await desk.only()
    assert article.image == "https://far.example/n/i/a.jpg"
    assert 'src="https://news.example/daily/images/b-' in article.content_html


async def test_picture_from_the_sites_root_is_found_in_the_folder(desk: Desk) -> None:
    """As site generators write them: below the folder itself, or in its folder of static files."""
    desk.put("posts/a.md", f"{HEAD}image: /img/a.jpg\n---\n\n![B](/img/b.jpg)\n\n{PROSE}")
    desk.put("img/a.jpg", image())
    desk.put("static/img/b.jpg", image("blue"))
    assert (await desk.pick_up())["posts/a.md"].reason == ""
    assert "/b-" in (await desk.only()).content_html


async def test_many_faults_are_told_shortly(desk: Desk) -> None:
    """The first few by name, and how many more."""
    shown = "\n\n".join(f"![x]({number}.jpg)" for number in range(130))
    desk.put("a.md", f"{HEAD}---\n\n{shown}\n\n{PROSE}")
    row = (await desk.pick_up())["a.md"]
    assert row.reason.startswith("of its 130 pictures only the first 100 are taken; its picture 0.jpg is left out")
    assert row.reason.endswith("; and 96 more are left out")


async def test_one_picture_of_several_texts_is_kept_once(desk: Desk) -> None:
    """By the same name and the same bytes."""
    for number, town in enumerate(("Kent", "Riga", "Oslo")):
        desk.put(f"{number}.md", f"---\ntitle: Harbour of {town}\nimage: a.jpg\n---\n\n{town} {PROSE}")
    desk.put("a.jpg", image())
    await desk.pick_up()
    async with desk.store.read() as tx:
        found = await articles.list_articles(tx, 10)
    assert len({article.image for article in found}) == 1


async def test_pictures_alone_are_no_documents(desk: Desk) -> None:
    """Neither taken nor rejected."""
    desk.put("a.jpg", image())
    desk.put("n/b.png", image(kind="PNG"))
    assert await desk.pick_up() == {}


async def test_extract_stores_nothing_and_keeps_references(desk: Desk) -> None:
    """They come out absolute, as they always did."""
    path = desk.put("a.md", f"{HEAD}image: a.jpg\n---\n\n{PROSE}")
    desk.put("a.jpg", image())
    ((_, found),) = extract_paths([path], desk.settings, now=NOON)
    assert isinstance(found, Extracted)
    assert urlsplit(found.image).path == "/a.jpg"
    async with desk.store.read() as tx:
        assert await pictures.sizes(tx, [picture.name_of(image(), "a.jpg")]) == {}


async def test_moved_article_brings_its_pictures(desk: Desk) -> None:
    """A bundle that is renamed is the same article, with the same pictures."""
    desk.put("one/index.md", f"{HEAD}image: a.jpg\n---\n\n{PROSE}")
    desk.put("one/a.jpg", image())
    await desk.pick_up()
    before = await desk.only()
    shutil.move(desk.folder / "one", desk.folder / "two")
    await desk.pick_up()
    after = await desk.only()
    assert (after.id, after.image) == (before.id, before.image)


def test_looking_for_changed_pictures_is_quick(tmp_path: Path) -> None:
    """Of 100,000 documents in less than two seconds of work."""
    (tmp_path / "a.jpg").write_bytes(image())
    status = (tmp_path / "a.jpg").stat()
    same = [Origin("a.jpg", status.st_size, status.st_mtime_ns)]
    origins = {f"{number}.md": same for number in range(100_000)} | {"x.md": [Origin("a.jpg", 1, 1)]}
    start = time.process_time()
    assert stale(tmp_path, origins) == {"x.md"}
    assert time.process_time() - start < 2


async def test_pictures_and_links_follow_the_sites_address(desk: Desk) -> None:
    """When `site.url` changes: no version, no correction, nothing that looks like the old address elsewhere is touched."""
    links = "[Ours](https://news.example/daily/about) [there](https://news.example/daily) [theirs](https://news.example/dailynews/x)"
    desk.put("a.md", f"{HEAD}image: lead.png\n---\n\n![A boat](boat.jpg)\n\n{PROSE} {links} See https://news.example/daily/x.")
    desk.put("lead.png", image(kind="PNG"))
    desk.put("boat.jpg", image("red"))
    await desk.pick_up()
    before = await desk.only()
    assert 'src="https://news.example/daily/images/' in before.content_html
    desk.settings = desk.settings.model_copy(update={"site": Site(url="https://new.example/")})
    await desk.pick_up()
    after = await desk.only()
    assert after.image == before.image.replace("https://news.example/daily/", "https://new.example/")
    for piece in ('src="https://new.example/images/boat', 'href="https://new.example/about"', 'href="https://new.example"',
                  'href="https://news.example/dailynews/x"', "See https://news.example/daily/x."):
        assert piece in after.content_html, piece
    assert (after.updated_at, after.published_at, after.seq) == (before.updated_at, before.published_at, before.seq)
    async with desk.store.read() as tx:
        assert await versions.of_article(tx, after.id) == []
    desk.settings = desk.settings.model_copy(update={"site": Site(url="https://news.example/daily")})
    await desk.pick_up()
    assert (await desk.only()).content_html == before.content_html
