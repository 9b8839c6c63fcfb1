"""References to pictures: which are local, how they come through parsing, where they may lead."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import PictureError
from publisher.intake import picture_links
from publisher.intake.extract import extract
from publisher.intake.picture_links import Placed
from publisher.model import Extracted

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PROSE = "The council has said that work at the old harbour will begin in spring and end before the winter comes. " * 4


def read(text: str, path: str = "a.md") -> Extracted:
    return extract(text.encode(), path, now=NOON, zone=ZoneInfo("UTC"), base_url="https://news.example", beside=True)


def local(document: Extracted) -> list[str | None]:
    return [picture_links.reference(mark) for mark in picture_links.marks(document)]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("a.jpg", True), (" photos/a b.jpg ", True), ("../a.jpg", True), ("/etc/passwd", True), ("file:///a", True),
        ("file://host/a", True), ("C:\\a.jpg", True), ("c:a.jpg", True), ("a.jpg?x=1", True), ("", False),
        ("#top", False), ("//cdn.example/a.jpg", False), ("https://a.example/a.jpg", False), ("data:image/png,", False),
        ("javascript:alert(1)", False), ("http://[broken/a.jpg", False), ("mailto:a@b.example", False),
    ],
)
def test_what_names_a_file_is_local(reference: str, expected: bool) -> None:
    """As against an address in the web; a local one comes back from its mark as it was."""
    assert picture_links.is_local(reference) is expected
    mark = picture_links.mark(reference)
    assert picture_links.reference(mark) == (reference.strip() if expected else None)
    assert expected or mark == reference


def test_markdown_tells_its_local_pictures() -> None:
    """Of its front matter, its text and HTML in it; addresses of the web stay as they are."""
    document = read(
        "---\ntitle: Old harbour to close\ncover: photos/lead.jpg\n---\n\n"
        f"![One](one.png)\n\n{PROSE}\n\n<img src='t%20wo.gif'>\n\n![Far](https://far.example/x.png)\n"
    )
    assert local(document) == ["photos/lead.jpg", "one.png", "t%20wo.gif"]
    assert picture_links.references(document)[-1] == "https://far.example/x.png"


def test_page_tells_its_local_pictures() -> None:
    """That of its head, and those of its text, also where it is lazy; its other links are as ever."""
    page = (
        "<html><head><title>Old harbour to close</title><meta property='og:image' content='lead.jpg'></head><body>"
        f"<article><h1>Old harbour to close</h1><p>{PROSE}</p><p><img src='one_files/1.jpg' alt='A boat'></p>"
        f"<p>{PROSE.replace('council', 'mayor')}</p>"
        f"<p><img data-src='two.png' src='data:image/gif,x'></p><p>{PROSE.replace('council', 'king')}"
        "<a href='other.html'>more of it</a></p></article></body></html>"
    )
    document = read(page, "a.html")
    assert local(document) == ["lead.jpg", "one_files/1.jpg", "two.png"]
    assert 'href="https://news.example/other.html"' in document.content_html


def test_page_that_tells_its_base_has_its_pictures_there() -> None:
    """What is relative is then relative to that."""
    page = (
        "<html><head><title>Old harbour to close</title><base href='https://far.example/n/'></head><body><article>"
        f"<p>{PROSE}</p><p><img src='1.jpg'></p><p>{PROSE}</p></article></body></html>"
    )
    document = read(page, "a.html")
    assert local(document) == []
    assert "https://far.example/n/1.jpg" in document.content_html


def test_without_beside_nothing_is_marked() -> None:
    """References are made absolute, as where nothing is to be copied."""
    text = f"---\ntitle: Old harbour\nimage: lead.jpg\n---\n\n![One](one.png)\n\n{PROSE}"
    document = extract(text.encode(), "a.md", now=NOON, zone=ZoneInfo("UTC"), base_url="https://news.example")
    assert picture_links.references(document) == ("https://news.example/lead.jpg", "https://news.example/one.png")


def test_rewritten_document_shows_them_where_they_are() -> None:
    """With their sizes and their words; a width that was given stays; what is lost leaves nothing behind."""
    document = read(
        '---\ntitle: Old harbour to close\nimage: a.jpg\n---\n\n![A "boat" & more](a.jpg)\n\n'
        f"<figure><img src='b.jpg' width='200' height='7'><figcaption>Seen.</figcaption></figure>\n\n{PROSE}\n\n"
        "![Gone](c.jpg)\n\n![Far](https://far.example/x.png)\n\n![Same](d.jpg)\n"
    )
    a, b, c, far, d = picture_links.references(document)
    moved = {
        a: Placed("https://news.example/images/a.jpg", 800, 400), b: Placed("https://news.example/images/b.jpg", 400, 200),
        c: None, d: "https://else.example/d.jpg",
    }
    new = picture_links.rewritten(document, moved)
    assert new.image == "https://news.example/images/a.jpg"
    assert 'src="https://news.example/images/a.jpg"' in new.content_html
    assert 'alt="A &quot;boat&quot; &amp; more"' in new.content_html
    assert 'width="800" height="400"' in new.content_html
    assert 'width="200" height="100"' in new.content_html
    assert "<figcaption>Seen.</figcaption>" in new.content_html
    assert "Gone" not in new.content_html
    assert "<p></p>" not in new.content_html
    assert picture_links.references(new)[-2:] == (far, "https://else.example/d.jpg")
    assert new.content_text == document.content_text
    assert picture_links.rewritten(document, {a: None}).image == ""


@pytest.mark.parametrize(
    ("document", "reference", "expected"),
    [
        ("a.md", "b.jpg", ("b.jpg",)), ("n/a.md", "./p/b.jpg#x", ("n/p/b.jpg",)), ("n/a.md", "../b.jpg?v=2", ("b.jpg",)),
        ("a.md", "p%20q.jpg", ("p q.jpg",)), ("n/a.md", "p\\b.jpg", ("n/p/b.jpg",)),
        ("n/a.md", "/img/b.jpg", ("img/b.jpg", "static/img/b.jpg")),
    ],
)
def test_reference_leads_to_a_place_in_the_folder(document: str, reference: str, expected: tuple[str, ...]) -> None:
    """Beside the document; with a slash at its head below the folder itself, or where sites keep such files."""
    assert picture_links.places(document, reference) == expected


@pytest.mark.parametrize(
    ("document", "reference", "reason"),
    [
        ("a.md", "../../etc/passwd", "out of the folder"), ("n/a.md", "../../b.jpg", "out of the folder"),
        ("a.md", "..\\b.jpg", "out of the folder"), ("a.md", "%2e%2e/b.jpg", "out of the folder"),
        ("a.md", "n/../../b.jpg", "out of the folder"), ("a.md", "..", "out of the folder"),
        ("a.md", "/../b.jpg", "out of the folder"), ("a.md", "file:///etc/passwd", "file: address"),
        ("a.md", "C:\\b.jpg", "drive"), ("a.md", "b\0.jpg", "characters"), ("a.md", "b%00.jpg", "characters"),
        ("a.md", ".git/config", "hidden"), ("a.md", "//[x", "no file"),
        ("a.md", "https://far.example/b.jpg", "no file"), ("a.md", "n/.b.jpg", "hidden"),
    ],
)
def test_reference_that_leads_elsewhere_is_refused(document: str, reference: str, reason: str) -> None:
    """With what is wrong about it."""
    with pytest.raises(PictureError, match=reason):
        picture_links.places(document, reference)


@given(st.text(st.sampled_from("./\\%2eE5cCfF:~\0 a"), max_size=30))
def test_no_reference_leads_out(reference: str) -> None:
    """However it is spelt."""
    try:
        found = picture_links.places("n/m/a.md", reference)
    except PictureError:
        return
    for place in found:
        assert not place.startswith(("/", "../"))
        assert ".." not in place.split("/")
