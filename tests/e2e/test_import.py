"""Moving in from another system, by the real program: imported, killed, imported again, and found at old addresses."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from tests.e2e.conftest import Site

DATA = Path(__file__).parent.parent / "data/import"
POSTS = 200


def many(file: Path, posts: int) -> None:
    """An export of so many posts, each of them different."""
    head = (DATA / "courier.wordpress.xml").read_text(encoding="utf-8").partition("<item>")[0]
    with file.open("w", encoding="utf-8") as out:
        out.write(head)
        for number in range(1, posts + 1):
            text = " ".join(f"word{(number * 31 + i * (number % 7 + 1)) % 997}" for i in range(200))
            out.write(
                f"<item><title>Post {number}</title><link>https://quay.example.org/2015/{number}/</link>"
                f"<content:encoded><![CDATA[{text}]]></content:encoded><wp:post_id>{number}</wp:post_id>"
                f"<wp:post_date_gmt>20{10 + number * 7 % 13}-01-02 10:00:00</wp:post_date_gmt>"
                "<wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item>\n"
            )
        out.write("</channel></rss>")


def count(site: Site, query: str) -> int:
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(site.root / "var/publisher.db")) as store:
        return int(store.execute(query).fetchone()[0])
    return 0  # it is not there yet


def is_there(site: Site, slug: str) -> bool:
    return site.get(f"/articles/{slug}").status_code == 200


def test_old_site_is_found_at_the_new_one(site: Site) -> None:
    """Rows as `ingest` has them; every old address leads to its article's page."""
    shutil.copy(DATA / "courier.wordpress.xml", site.root / "old.xml")
    rows = site.json("import", "wordpress", "old.xml", "--pages")["documents"]
    assert set(rows[0]) == {"path", "status", "article_id", "title", "reason"}
    assert (rows[0]["path"], rows[0]["status"]) == ("old.xml#11", "added")
    site.start()
    for old, slug in (("/2020/05/ferries-and-tides/", "ferries-and-tides"), ("/?p=12", "blocks"), ("/about", "about")):
        answer = site.get(old)
        assert (answer.status_code, answer.headers["location"]) == (301, f"{site.url}/articles/{slug}")
        site.wait(partial(is_there, site, slug), f"the page of {slug}")
    assert site.get("/2021/03/secret/").status_code == 404  # it asked for a password there


def test_import_that_is_killed_goes_on(site: Site) -> None:
    """At any moment: what was taken is there once, and the rest comes with the next run."""
    many(site.root / "many.xml", POSTS)
    process = site.spawn("import", "wordpress", "many.xml")
    taken = site.wait(lambda: count(site, "SELECT count(*) FROM documents"), "the first posts")
    process.kill()
    process.wait()
    assert 0 < taken < POSTS
    rows = site.json("import", "wordpress", "many.xml")["documents"]
    known = sum(row["status"] == "unchanged" for row in rows)
    assert taken <= known < POSTS
    assert len(rows) == count(site, "SELECT count(*) FROM articles") == POSTS
    assert count(site, "SELECT count(*) FROM articles WHERE status = 'live' AND backfill") == POSTS
    assert count(site, "SELECT count(*) FROM redirects") == 2 * POSTS
    assert count(site, "SELECT count(*) FROM article_versions") == 0


def test_file_that_cannot_be_read_is_one_clear_line(site: Site) -> None:
    """Exit status 1, nothing on standard output."""
    (site.root / "old.xml").write_bytes((DATA / "courier.wordpress.xml").read_bytes()[:6000])
    result = site.command("import", "wordpress", "old.xml", "--json")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("publisher: old.xml: it ends in the middle, at line ")
    assert result.stderr.count("\n") == 1
