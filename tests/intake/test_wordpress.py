"""WordPress exports: each of their habits, whole files that are none, and files that are larger than memory likes."""

from __future__ import annotations

import io
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.errors import DocumentError
from publisher.intake import wordpress, wordpress_text
from publisher.intake.export_entry import Export, Exported
from publisher.intake.wordpress_text import Shown
from publisher.model import ArticleStatus, Enclosure, Extracted

FILE = Path(__file__).parent.parent / "data/import/courier.wordpress.xml"
LONDON = ZoneInfo("Europe/London")
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:wp="http://wordpress.org/export/1.2/"><channel><link>https://old.example.org</link>'
    "<wp:wxr_version>1.2</wp:wxr_version>"
)
END = "</channel></rss>"


def item(number: int = 1, content: str = "Text of a post.", more: str = "") -> str:
    return (
        f"<item><title>Post {number}</title><link>https://old.example.org/post-{number}/</link>"
        f"<content:encoded><![CDATA[{content}]]></content:encoded><wp:post_id>{number}</wp:post_id>"
        f"<wp:post_date_gmt>2020-01-01 10:00:00</wp:post_date_gmt><wp:status>publish</wp:status>"
        f"<wp:post_type>post</wp:post_type>{more}</item>"
    )


def read(data: bytes | str, *, pages: bool = False) -> Export:
    given = data.encode() if isinstance(data, str) else data
    return wordpress.read(lambda: io.BytesIO(given), LONDON, pages=pages)


def only(data: bytes | str) -> Extracted:
    (entry,) = read(data).entries()
    assert entry.made is not None, entry.reason
    return entry.made


@pytest.fixture(scope="module")
def entries() -> dict[str, Exported]:
    export = wordpress.read(lambda: FILE.open("rb"), LONDON, pages=True)
    return {entry.path: entry for entry in export.entries()}


def made(entries: dict[str, Exported], path: str) -> Extracted:
    found = entries[path].made
    assert found is not None
    return found


# --- what an export says ---------------------------------------------------------------------------------------------


def test_export_tells_its_site_and_what_is_no_article() -> None:
    """The source is named after the site; pages, library, menus and the bin are counted."""
    export = wordpress.read(lambda: FILE.open("rb"), LONDON)
    assert (export.source, export.url, export.total) == (
        "import:wordpress:quay.example.org", "https://quay.example.org", 7,
    )
    assert export.passed_over == {
        "pages": 1, "files of the library": 2, "menu entries": 1, "unsaved or in the bin": 1,
    }
    assert len(list(export.entries())) == export.total


def test_post_has_its_facts(entries: dict[str, Exported]) -> None:
    """Title as plain text, display name of the author, first real category, picture with its caption, both dates."""
    found = made(entries, "11")
    assert found.title == "Ferries & tides: the new timetable"
    assert found.standfirst == "A new timetable \u2013 in short."
    assert found.authors == ("Ada Ash & Daughter",)
    assert (found.section, found.tags) == ("Harbour", ("Towns & Villages", "ferry"))
    assert found.image == "https://quay.example.org/wp-content/uploads/2020/05/quay.png"
    assert found.caption == "The quay, seen from the ferry"
    assert found.published_at == datetime(2020, 5, 4, 7, 30, tzinfo=UTC)
    assert found.updated_at == datetime(2020, 5, 6, 10, tzinfo=UTC)
    assert (found.slug, found.language, found.source_url) == ("ferries-and-tides", "en-GB", "")
    assert entries["11"].old == ("/2020/05/ferries-and-tides", "/?p=11")


def test_classic_text_becomes_paragraphs(entries: dict[str, Exported]) -> None:
    """Blank lines make paragraphs where WordPress would; lists, quotations and code stay what they are."""
    text = made(entries, "11").content_html
    assert "<p>The first ferry now leaves at six.<br>It used to leave at seven.</p>" in text
    assert "<blockquote>\n<p>What the skipper said.</p>\n<p>And what he said then.</p>\n</blockquote>" in text
    assert "<li>Six o'clock</li>\n<li>Eight o'clock</li>" in text
    assert "<pre>first line" in text
    assert "<!--" not in text
    assert "script" not in text


def test_shortcodes_are_carried_out_or_left_out(entries: dict[str, Exported]) -> None:
    """Captions and galleries are figures, embeds are links, plugins' marks go and their text stays, brackets stay."""
    found = made(entries, "11")
    text = found.content_html
    assert '<img src="https://quay.example.org/wp-content/uploads/2020/05/quay-300x200.png" alt="The quay"' in text
    assert "<figcaption>The quay at <em>dawn</em></figcaption></figure>" in text
    assert 'alt="A stone quay"><figcaption>The quay, seen from the ferry</figcaption>' in text
    for address in ("https://video.example.com/watch?v=1", "https://video.example.com/watch?v=2",
                    "https://player.example.com/9"):
        assert f'<p><a href="{address}">{address}</a></p>' in text
    assert "<p>A text that a plugin framed [sic].</p>" in text
    assert "<p>[gallery] is how a gallery is written.</p>" in text
    assert found.remarks == ("marks of plugins were left out: vc_row, newsletter_form",)


def test_blocks_lose_their_comments(entries: dict[str, Exported]) -> None:
    """The block editor's HTML stays as it is; what stands elsewhere is remarked."""
    found = made(entries, "12")
    assert "<p>A paragraph of the block editor.\nOn two lines.</p>" in found.content_html
    assert "<ul>\n<li>one</li>\n<li>two</li>\n</ul>" in found.content_html
    assert "<figcaption>A boat, moored</figcaption>" in found.content_html
    assert found.content_html.count("https://video.example.com/watch?v=3") == 2
    assert found.remarks == ("marks of plugins were left out: wp:block",)
    assert found.published_at == datetime(2021, 2, 1, 9, tzinfo=LONDON)  # the site's own time, where UTC is all zeros
    assert found.authors == ("somebody",)  # whose name the export does not tell


@pytest.mark.parametrize(
    ("path", "status", "remark"),
    [
        ("13", ArticleStatus.DRAFT, "it is a draft there"), ("14", ArticleStatus.DRAFT, "it asks for a password there"),
        ("15", ArticleStatus.DRAFT, "it is private there"), ("16", ArticleStatus.SCHEDULED, ""),
        ("11", ArticleStatus.SCHEDULED, ""), ("2", ArticleStatus.UNLISTED, ""),
    ],
)
def test_state_there_decides_the_state_here(
    entries: dict[str, Exported], path: str, status: ArticleStatus, remark: str
) -> None:
    """What the public cannot read there it cannot read here, and the row says why."""
    found = made(entries, path)
    assert found.status is status
    assert remark in " ".join(found.remarks)


def test_post_without_text_is_refused_alone(entries: dict[str, Exported]) -> None:
    """It has a reason and a remedy, and the others are there."""
    assert entries["18"].made is None
    assert (entries["18"].reason, entries["18"].remedy != "") == ("it holds no text", True)


def test_picture_with_a_title_is_an_article() -> None:
    """Photo blogs have posts without a word."""
    found = only(HEAD + item(content='<img src="/wp-content/uploads/a.jpg">') + END)
    assert "https://old.example.org/wp-content/uploads/a.jpg" in found.content_html
    assert found.content_text == "Post 1"


def test_episode_keeps_its_file() -> None:
    """The `enclosure` of podcasts: address, bytes and type."""
    value = "https://old.example.org/one.mp3\n1234\naudio/mpeg\nmore"
    meta = f"<wp:postmeta><wp:meta_key>enclosure</wp:meta_key><wp:meta_value>{value}</wp:meta_value></wp:postmeta>"
    found = only(HEAD + item(more=meta) + END)
    assert found.enclosures == (Enclosure("https://old.example.org/one.mp3", "audio/mpeg", 1234),)


def test_old_versions_and_encodings_are_read() -> None:
    """Other namespace versions; a declared charset; characters that XML forbids; bytes that are no UTF-8."""
    old = HEAD.replace("export/1.2/", "export/1.0/")
    assert only(old + item() + END).title == "Post 1"
    latin = (HEAD.replace("UTF-8", "ISO-8859-1") + item(content="Café.") + END).encode("latin-1")
    assert only(latin).content_text == "Café."
    assert only(HEAD + item(content="A\x08 \x0bword.") + END).content_text == "A word."
    assert "word" in only((HEAD + item(content="A word §.") + END).encode().replace(b"\xc2\xa7", b"\xa7")).content_text
    assert only(b"\xef\xbb\xbf" + (HEAD + item() + END).encode()).title == "Post 1"
    assert only((HEAD.replace("UTF-8", "UTF-16") + item() + END).encode("utf-16")).title == "Post 1"


# --- files that are none ---------------------------------------------------------------------------------------------

BOMB = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "it is empty"),
        ("Dear reader", "it is no XML"),
        ('{"db": []}', "it is no XML"),
        ("<html><body>Hello</body></html>", "it is no WordPress export"),
        ('<rss version="2.0"><channel><title>News</title><item><title>A</title></item></channel></rss>',
         "it is no WordPress export"),
        (HEAD + item() + item(2)[:120], "it ends in the middle, at line 1"),
        (HEAD + item() + "<item></wrong>" + END, "it is damaged at line 1"),
        ("\x1f\x8b\x08 packed", "it is no XML"),
        ("PK\x03\x04 packed", "it is compressed"),
        (HEAD.replace("<rss", BOMB + "<rss", 1) + item(content="&b;") + END, "it declares a document type"),
        (HEAD.replace("<rss", '<!DOCTYPE rss SYSTEM "file:///etc/passwd"><rss', 1) + END, "it declares a document type"),
    ],
)
def test_file_that_is_no_whole_export_is_refused_at_once(data: str, reason: str) -> None:
    """Before anything of it is taken, with one clear line."""
    with pytest.raises(DocumentError) as caught:
        read(data)
    assert caught.value.reason.startswith(reason)
    assert caught.value.remedy


def test_compressed_file_is_told_apart() -> None:
    """By its first bytes."""
    with pytest.raises(DocumentError, match="it is compressed"):
        read(b"\x1f\x8b\x08\x00 packed")


def test_post_larger_than_any_document_is_refused_alone() -> None:
    """Its text is not even kept."""
    export = read(HEAD + item(1, "word " * 2_200_000) + item(2) + END)
    first, second = export.entries()
    assert first.made is None
    assert "too large" in first.reason
    assert second.made is not None


class Endless(io.RawIOBase):
    """A file of very many posts that is made while it is read."""

    def __init__(self, posts: int) -> None:
        self._parts = self._made(posts)
        self._rest = b""

    @staticmethod
    def _made(posts: int) -> Iterator[bytes]:
        yield HEAD.encode()
        for number in range(posts):
            yield item(number, f"Paragraph of post {number}.\n\n" * 150).encode()
        yield END.encode()

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (part := next(self._parts, b"")):
            self._rest += part
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


def test_memory_does_not_grow_with_the_file() -> None:
    """Eight megabytes in 2,000 posts pass through less than three."""

    def opened() -> BinaryIO:
        return Endless(2_000)  # type: ignore[return-value] # as much of a file as is read

    tracemalloc.start()
    try:
        export = wordpress.read(opened, LONDON)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert export.total == 2_000
    assert peak < 3_000_000


# --- texts -----------------------------------------------------------------------------------------------------------


def html(content: str, *pictures: Shown) -> str:
    return wordpress_text.rendered(content, lambda _ids: iter(pictures))[0]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("One\n\nTwo", "<p>One</p>\n<p>Two</p>"),
        ("One\r\nline<br />\r\nmore", "<p>One<br>line<br>more</p>"),
        ("<p>One</p>\n\nTwo", "<p>One</p>\n<p>Two</p>"),
        ("<p>One\n<p>Two", "<p>One\n<p>Two"),
        ("<div>One\n\nTwo</div>", "<div>\n<p>One</p>\n<p>Two</p>\n</div>"),
        ("<li>One\n\nTwo</li>", "<li>\n<p>One</p>\n<p>Two</p>\n</li>"),
        ("<pre>a\n\nb</pre>", "<pre>a\n\nb</pre>"),
        ("<pre>never closed\n\n[1]", "<pre>never closed\n\n[1]"),
        ("Before<!--more-->after", "<p>Before</p>\n<p>after</p>"),
        ("[1] and [...] and [Update] and [sic]", "<p>[1] and [...] and [Update] and [sic]</p>"),
        ("[box]inside[/box]", "<p>inside</p>"),
        ("[outer][inner a=1]text[/inner][/outer]", "<p>text</p>"),
        ("[/lonely] text", "<p>text</p>"),
        ("[caption width=1 caption='Old style']<img src='a.png'>[/caption]",
         "<figure><img src='a.png'><figcaption>Old style</figcaption></figure>"),
        ("[youtube https://v.example.com/1]", '<p><a href="https://v.example.com/1">https://v.example.com/1</a></p>'),
        ('[audio mp3="https://a.example.com/1.mp3"][/audio]',
         '<p><a href="https://a.example.com/1.mp3">https://a.example.com/1.mp3</a></p>'),
        ("[code]if (a) {\n\n}[/code]", "<pre><code>if (a) {\n\n}</code></pre>"),
        ("[gallery]", '<figure><img src="https://o.example.org/a.png" alt="A"></figure>'),
    ],
)  # fmt: skip
def test_text_becomes_html(content: str, expected: str) -> None:
    """Each habit by itself."""
    assert html(content, Shown("https://o.example.org/a.png", "A")) == expected


@pytest.mark.parametrize(
    "content",
    [
        "<!--" * 200_000, "[a" * 200_000, "[a " * 200_000, "[" * 400_000, "<pre>" * 100_000, "<p" * 300_000,
        "[x]" * 100_000, "[x][/x]" * 60_000, "[x]" * 100_000 + "[/x]", "<iframe " * 100_000, "[a " + " " * 500_000,
        "[a_b " + "x" * 500_000 + "]", "<blockquote>" * 100_000, "\n" * 500_000, "https://" * 100_000, "<iframe src=//" + "a" * 500_000,
        "<iframe " + "src=//a " * 100_000, "<iframe " + "src=//a " * 100_000 + ">", "<iframe " + "src=x " * 100_000 + ">",
        "<a href='" + "/wp-content/uploads/" * 50_000 + "'><img src=x></a>", "<a " + "href='a' " * 100_000 + "><img></a>",
        "<a href='/wp-content/uploads/a.png'>" + " " * 500_000, "<img" * 200_000, "[caption]" + "<a>" * 100_000 + "[/caption]",
    ],
    ids=lambda content: content[:12].strip() or "blank",
)  # fmt: skip
def test_no_text_takes_long(content: str) -> None:
    """Whatever a post holds, the work grows with its length and no faster (process time)."""
    before = time.process_time()
    read(HEAD + item(content=content.replace("]]>", "")) + END).entries().__next__()
    assert time.process_time() - before < 4


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.sampled_from(
            ["[caption]", "[/caption]", "[gallery ids='1,x']", "[x a=1]", "[/x]", "<p>", "</p>", "<div>", "</div>", "<li>",
             "\n\n", "text", "<img src=x onerror=alert(1)>", "<!--more-->", "<!-- wp:p -->", "[embed]javascript:x[/embed]",
             "<script>", "<iframe src='javascript:alert(1)'>", "[[a]]", "<a href='javascript:x'>", "&lt;script&gt;", "]]"]
        ),
        max_size=25,
    )
)
def test_any_mixture_is_safe(parts: list[str]) -> None:
    """No crash, and nothing that could run."""
    for entry in read(HEAD + item(content="word " + "".join(parts).replace("]]>", "")) + END).entries():
        assert entry.made is not None or entry.reason
        found = entry.made.content_html.lower() if entry.made else ""
        assert "<script" not in found
        assert "onerror=" not in found
        assert 'href="javascript' not in found
