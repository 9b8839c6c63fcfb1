"""A document's bytes to an article: whole documents with their expectation beside them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.errors import DocumentError
from publisher.intake.extract import FORMATS, MAX_BYTES, extract, is_article_file, refuse_size
from publisher.model import Extracted

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
DATA = Path(__file__).parent.parent / "data" / "extract"
SAMPLE = "000_7dd294196db1f561"
HOSTILE = re.compile(r"<script|<iframe|<style|<[^>]*\son\w+\s*=|javascript:", re.IGNORECASE)


def made(data: bytes | str, name: str = "a.txt") -> Extracted:
    return extract(
        data.encode() if isinstance(data, str) else data, name, now=NOW, zone=LONDON, base_url="https://courier.example.org/"
    )


def refused(data: bytes | str, name: str = "a.txt") -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        made(data, name)
    assert caught.value.reason, "every refusal has a reason"
    assert caught.value.remedy, "every refusal has a remedy"
    return caught.value


def fields(found: Extracted) -> dict[str, Any]:
    """`found` as an expectation is written."""
    when = found.published_at.isoformat() if found.published_at else None
    parts = {name: getattr(found, name) for name in ("title", "section", "standfirst", "caption", "credit", "language", "image")}
    parts |= {name: getattr(found, name) for name in ("source_id", "slug", "content_html")}
    return parts | {
        "authors": list(found.authors),
        "tags": list(found.tags),
        "related": [story.title for story in found.related],
        "published_at": when,
        "paragraphs": found.content_text.split("\n\n"),
    }


@pytest.mark.parametrize("expected", sorted(DATA.glob("*.expected.json")), ids=lambda path: path.name.partition(".")[0])
def test_a_document_gives_what_stands_beside_it(expected: Path) -> None:
    """Each document in tests/data/extract gives the fields that its expectation names."""
    (document,) = (path for path in DATA.glob(expected.name.partition(".")[0] + ".*") if path != expected)
    got = fields(made(document.read_bytes(), document.name))
    want = json.loads(expected.read_text(encoding="utf-8"))
    assert {name: got[name] for name in want} == want


def test_the_real_sample_gives_its_expectation() -> None:
    """The scraped sample that is kept outside the project gives the article that an editor made of it."""
    samples = os.environ.get("PUBLISHER_SAMPLES")
    if not samples:
        pytest.skip("PUBLISHER_SAMPLES does not say where the samples are")
    folder = Path(samples) / "seeds"
    want = json.loads((folder / f"{SAMPLE}.expected.json").read_text(encoding="utf-8"))
    got = fields(made((folder / f"{SAMPLE}.txt").read_bytes()))
    for name in ("title", "section", "standfirst", "caption", "credit", "related", "language"):
        assert got[name] == want[name]
    assert got["paragraphs"] == [paragraph.strip() for paragraph in want["body"]]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("a.txt", True),
        ("deep/er/B.MARKDOWN", True),
        ("a.xhtml", True),
        ("a.jpg", False),
        ("README", False),
        (".hidden.md", False),
        ("~a.txt", False),
        ("a.txt.part", False),
        ("posts/_index.md", False),
        ("index.md", True),
    ],
)
def test_which_files_are_articles(name: str, is_one: bool) -> None:
    """Articles are told by their ending; hidden files and editors' own are passed over."""
    assert is_article_file(name) is is_one


def test_an_unknown_format_names_the_known_ones() -> None:
    """A file of another kind is refused with the list of what is taken."""
    assert all(ending in refused("x", "a.pdf").remedy for ending in FORMATS)


@pytest.mark.parametrize("data", [b"", b" \n\t\n", "\ufeff".encode(), b"\xff\xfe"])
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html"])
def test_an_empty_file_is_refused(data: bytes, name: str) -> None:
    """A file without a visible character says that it is empty, in every format."""
    assert "empty" in refused(data, name).reason


def test_a_huge_file_is_refused_by_its_size_alone() -> None:
    """Fifty megabytes are refused before anything is read."""
    with pytest.raises(DocumentError, match=r"too large: 50 MB, the limit is 10 MB"):
        refuse_size(50_000_000)
    refuse_size(MAX_BYTES)


def test_a_page_without_text_is_refused() -> None:
    """A page of furniture is no article."""
    assert "no text" in refused("<html><head><title>Hello</title></head><body><nav>Menu</nav></body></html>", "a.html").reason
    assert "no text" in refused("---\ntitle: Alone\n---\n", "a.md").reason
    assert "title" in refused("Just a line.\n", "a.md").reason


def test_the_encoding_is_told() -> None:
    """How the bytes were read is part of the result."""
    text = "Ein Müller sägt Bäume, und das sehr früh am Morgen, schon seit fünf Jahren.\n"
    assert made(text.encode("latin-1")).encoding == "windows-1252"
    assert made(text.encode("utf-16")).encoding == "utf-16-le"
    assert made(text.encode("latin-1")).content_text == made(text.encode("utf-16")).content_text == text.strip()


def test_what_the_text_shows_wins_over_a_wrong_declaration() -> None:
    """A page that calls itself English and is German is German; a right declaration keeps its region."""
    german = "<p>Der Rat der Stadt hat gestern über die Brücke gesprochen, und niemand war mit dem Ergebnis zufrieden.</p>"
    assert made(f"<html lang='en'><title>Die Brücke</title>{german}</html>", "a.html").language == "de"
    assert made(f"<html lang='de-AT'><title>Die Brücke</title>{german}</html>", "a.html").language == "de-AT"
    assert made("Hm.\n").language == ""


def test_paragraphs_of_plain_text_are_escaped() -> None:
    """Markup in a plain text is text."""
    found = made("A headline of five words\n\nHe wrote <script>alert(1)</script> & went home, as he had done every day.\n")
    assert "&lt;script&gt;" in found.content_html
    assert "<script>alert(1)</script> & went" in found.content_text


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.binary(max_size=400), name=st.sampled_from(["a.txt", "a.md", "a.html"]))
def test_I12_arbitrary_bytes_never_do_harm(data: bytes, name: str) -> None:
    """Whatever the bytes, the outcome is an article without script, or a DocumentError."""
    try:
        found = made(data, name)
    except DocumentError:
        return
    assert found.title
    assert "\n" not in found.title
    assert not HOSTILE.search(found.content_html) or name == "a.txt"


PIECES = st.sampled_from(
    [
        *("<script>alert(1)</script>", "<p onclick=alert(1)>", "<a href='javascript:alert(1)'>x</a>", "<img src=x onerror=alert(1)>"),
        *("<svg/onload=alert(1)>", "<math><mi//xlink:href='data:x,<script>'>", "</p>", "<p>", "\u0338 onclick=alert(1) ", "\x00", "&#1;"),
        *("<h1>A title</h1>", "<!--", "-->", "<![CDATA[", "<iframe src=//e>", "<style>", "<table><td>", "---\n", "title: x\n", "+++\n"),
        *("<a title='><script>alert(1)</script>'>", "<img alt='\"><script>alert(1)</script>'>", "word ", "\n\n", "# T\n", "[a](javascript:b)"),
    ]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pieces=st.lists(PIECES, max_size=12), name=st.sampled_from(["a.md", "a.html"]))
def test_I12_hostile_markup_never_gets_through(pieces: list[str], name: str) -> None:
    """Script, handlers and script addresses never stand in content_html, however the pieces are put together."""
    from lxml import html  # noqa: PLC0415 - beside what it checks

    try:
        found = made("".join(pieces), name)
    except DocumentError:
        return
    for element in html.fragment_fromstring(found.content_html, create_parent="div").iter():
        assert element.tag not in ("script", "style", "iframe", "svg", "math")
        assert not [name for name in element.attrib if name.startswith("on")]
        assert not any("javascript:" in value for name, value in element.attrib.items() if name in ("href", "src"))


def test_texts_are_read_fast() -> None:
    """A usual text takes a few milliseconds of processor time; the bound leaves room for any machine."""
    data = (DATA / "related-list.txt").read_bytes() + b"\n".join(b"Another sentence of the usual length follows here, %d." % n for n in range(40))
    made(data)
    start = time.process_time()
    for _ in range(30):
        made(data)
    assert (time.process_time() - start) / 30 < 0.03


def test_starting_up_loads_nothing_heavy() -> None:
    """Importing the intake leaves trafilatura, the language model and numpy alone."""
    check = "import sys, publisher.intake.extract; print([m for m in ('trafilatura', 'py3langid', 'numpy', 'htmldate', 'yaml') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("date", ["2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1066-10-14"])
@pytest.mark.parametrize("name", ["a.html", "a.md", "a.txt"])
def test_date_that_no_article_means_is_passed_over_and_told(name: str, date: str) -> None:
    """In every format: else it would come out in a hundred years, or stand among the oldest."""
    text = "The council met on Friday evening and agreed on the new bridge after a long debate in the hall of the town."
    said = {
        "a.html": f'<html><head><title>Bridge to open</title><meta property="article:published_time" content="{date}"></head>'
        f"<body><article><h1>Bridge to open</h1><p>{text}</p><p>{text[::-1]}</p></article></body></html>",
        "a.md": f"---\ntitle: Bridge to open\ndate: {date}\n---\n\n{text}\n",
        "a.txt": f"Bridge to open\n\n{date[:10]}\n\n{text}\n\n{text}\n",
    }
    found = made(said[name], name)
    assert found.published_at is None
    assert any("cannot be meant" in remark for remark in found.remarks) or date.startswith("1066")


@pytest.mark.parametrize("text", [
    pytest.param("\n".join(f"word {number} of a list without any sentence in it at all" for number in range(30_000)), id="lines"),
    pytest.param("\n".join(map(str, range(200_000))), id="words"),
    pytest.param("Title\n" + "\n" * 100_000 + "A text that is long enough to be told from a title.", id="blank"),
    pytest.param("word " * 380_000, id="one line"),
    pytest.param("> " * 100_000 + "A text that is long enough to be told from a title.", id="quoted"),
])
def test_no_shape_of_text_takes_long(text: str) -> None:
    """The time that a text takes grows with its length, whatever its lines look like."""
    begun = time.process_time()
    extract(text.encode(), "a.txt", now=datetime(2026, 11, 22, tzinfo=UTC), zone=ZoneInfo("UTC"))
    assert time.process_time() - begun < 4
