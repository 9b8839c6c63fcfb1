"""Ghost exports: public posts, what is for members only, texts without HTML, and files that are none."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import DocumentError
from publisher.intake import ghost, ghost_text
from publisher.intake.export_entry import Export, Exported
from publisher.model import ArticleStatus, Extracted

FILE = Path(__file__).parent.parent / "data/import/net.ghost.json"
URL = "https://net.example.org"
ZONE = ZoneInfo("UTC")


def read(data: bytes | str | dict[str, Any], **more: Any) -> Export:
    given = json.dumps(data) if isinstance(data, dict) else data
    return ghost.read(given.encode() if isinstance(given, str) else given, ZONE, **more)


def export(*posts: dict[str, Any], version: str = "5.1.0", **tables: Any) -> dict[str, Any]:
    return {"db": [{"meta": {"version": version}, "data": {"posts": list(posts), **tables}}]}


@pytest.fixture(scope="module")
def entries() -> dict[int, Exported]:
    found = read(FILE.read_bytes(), url=URL, pages=True).entries()
    return {int(entry.path[-2:]): entry for entry in found}


def made(entries: dict[int, Exported], number: int) -> Extracted:
    found = entries[number].made
    assert found is not None, entries[number].reason
    return found


def test_post_has_its_facts(entries: dict[int, Exported]) -> None:
    """The first public tag is the section, authors keep their order, the placeholder is the old site's address."""
    found = made(entries, 1)
    assert (found.title, found.standfirst) == ("Nets & knots", "Knot by knot.")
    assert (found.section, found.tags) == ("Harbour & sea", ("Craft",))
    assert found.authors == ("Ada Ash", "Bo Birk")
    assert (found.image, found.caption) == (f"{URL}/content/images/2024/05/quay.png", "The quay at noon")
    assert found.published_at == datetime(2024, 1, 1, 6, tzinfo=UTC)
    assert found.updated_at == datetime(2024, 2, 1, 8, tzinfo=UTC)
    assert f'<a href="{URL}/about/">us</a>' in found.content_html
    assert f'src="{URL}/content/images/size/w600/2024/05/boat.png" alt="A boat"' in found.content_html
    assert '<a href="https://video.example.com/7">' in found.content_html
    assert entries[1].old[0] == "/nets-and-knots"
    assert found.slug == "nets-and-knots"


def test_lexical_is_read_where_there_is_no_html(entries: dict[int, Exported]) -> None:
    """Paragraphs, marks, headings, lists, pictures, links and raw HTML, which is sanitised like any other."""
    text = made(entries, 2).content_html
    assert "A text of the <em><strong>new</strong></em> editor &amp; more, with " in text
    assert '<a href="https://example.com/a">a link</a>' in text
    assert "<h3>A subheading</h3>" in text
    assert "<ol><li>one</li><li>two</li></ol>" in text
    assert f'<img src="{URL}/content/images/2024/05/boat.png" alt="A boat"><figcaption>Moored</figcaption>' in text
    assert '<a href="https://example.com/b">' in text
    assert "<p>Raw</p>" in text
    assert "script" not in text


def test_mobiledoc_is_read_where_there_is_no_html(entries: dict[int, Exported]) -> None:
    """The older editor's tree."""
    text = made(entries, 3).content_html
    assert '<p>An old <strong>bold</strong> text, <br><a href="https://example.com/c">linked</a></p>' in text
    assert "<ul><li>first</li><li>second</li></ul>" in text
    assert f'src="{URL}/content/images/2019/01/old.png"' in text
    assert "<h2>A head</h2>" in text


@pytest.mark.parametrize(
    ("number", "status", "remark"),
    [
        (4, ArticleStatus.DRAFT, "it is a draft there"), (5, ArticleStatus.DRAFT, "it is for paying members only there"),
        (6, ArticleStatus.DRAFT, "it is for members only there"), (7, ArticleStatus.DRAFT, "it is for some members only"),
        (8, ArticleStatus.DRAFT, "it was sent by mail there, and never published"), (9, ArticleStatus.SCHEDULED, ""),
        (10, ArticleStatus.UNLISTED, ""), (1, ArticleStatus.SCHEDULED, ""),
    ],
)
def test_what_is_not_public_there_is_not_public_here(
    entries: dict[int, Exported], number: int, status: ArticleStatus, remark: str
) -> None:
    """What members pay for never comes out openly, and the row says why."""
    found = made(entries, number)
    assert found.status is status
    assert remark in " ".join(found.remarks)


def test_broken_text_is_refused_alone(entries: dict[int, Exported]) -> None:
    """With its reason; and a post that was first published elsewhere says where."""
    assert entries[11].made is None
    assert "damaged" in entries[11].reason
    assert made(entries, 12).source_url == "https://elsewhere.example.com/first/"
    assert made(entries, 1).source_url == ""


def test_export_is_known_by_its_own_number() -> None:
    """Not by an address that may be given or not; pages are counted unless they are wanted."""
    data = FILE.read_bytes()
    plain, addressed = read(data, site_url="https://new.example.org"), read(data, url=URL)
    assert plain.source == addressed.source == "import:ghost:11111111-2222-4333-8444-555555555555"
    assert (plain.total, plain.passed_over) == (11, {"pages": 1})
    assert "give --url" in " ".join(plain.remarks)
    assert addressed.remarks == ()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "it is empty"), ("<rss/>", "it is no Ghost export: it is no JSON"), ('{"db": [{"meta"', "it is damaged or cut off"),
        ("[]", "it is no Ghost export"), ("{}", "it is no Ghost export"), ('{"db": []}', "it is no Ghost export"),
        (json.dumps(export(version="9.0.0")), "it is an export of Ghost 9.0.0; known are 1 to 6"),
        (json.dumps(export(version="")), "it is an export of Ghost of no version"),
        (json.dumps(export(version="003")), "it is an export of Ghost 003"),
        ("\x1f\x8b", "it is no Ghost export"), ("[" * 200_000, "it is no Ghost export"),
        ('{"db":' + "[" * 200_000, "it is damaged"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)  # fmt: skip
def test_file_that_is_no_export_is_refused(data: str, reason: str) -> None:
    """With one clear line."""
    with pytest.raises(DocumentError) as caught:
        read(data)
    assert caught.value.reason.startswith(reason)
    assert caught.value.remedy


@pytest.mark.parametrize("version", ["1.25.0", "2.38.3", "3.42.9", "4.48.0", "5.130.1", "6.0.3"])
def test_versions_that_are_known_are_read(version: str) -> None:
    """Numbers as ids and `page` instead of a type are those of old ones."""
    post = {"id": 7, "title": "Old", "slug": "old", "html": "<p>Text</p>", "status": "published", "page": 0, "author_id": 1}
    (entry,) = read(export(post, version=version, users=[{"id": 1, "name": "Ada"}]), url=URL).entries()
    assert entry.made is not None
    assert (entry.path, entry.made.authors) == ("7", ("Ada",))


@pytest.mark.parametrize("read_tree", [ghost_text.of_lexical, ghost_text.of_mobiledoc])
@given(source=st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["root", "text", "list", "p"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["root", "children", "type", "text", "sections", "cards", "atoms", "markups", "url"]), inner),
))  # fmt: skip
def test_any_tree_is_read_or_refused(read_tree: Any, source: Any) -> None:
    """Nothing but DocumentError."""
    with suppress(DocumentError):
        assert isinstance(read_tree(json.dumps(source)), str)


@given(st.dictionaries(
    st.sampled_from(["id", "uuid", "slug", "title", "html", "status", "visibility", "published_at", "feature_image", "tags"]),
    st.none() | st.integers() | st.text(max_size=10) | st.lists(st.integers(), max_size=2),
))  # fmt: skip
def test_any_row_is_an_entry_or_refused(post: dict[str, Any]) -> None:
    """Whatever types its values have."""
    (entry,) = read(export(post), url=URL).entries()
    assert entry.made is not None or entry.reason
