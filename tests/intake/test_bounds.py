"""Documents that are made to do harm."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html

from publisher.errors import DocumentError
from publisher.intake import bounds
from publisher.intake.extract import extract

N = 5_000_000
PROSE = "<p>A paragraph of the article that goes on for long enough to be taken for running text by anyone at all.</p>"
HOSTILE = {
    "deep.html": "<div>" * (N // 5),
    "deep_inline.html": "<p><b><a href=x>" * (N // 16),
    "tables.html": "<table><tr><td>" * (N // 15),
    "lists.html": "<ul><li>" * (N // 8),
    "flat.html": "<p>x</p>" * (N // 8),
    "many.html": f"{PROSE}<a href=x>y</a>" * 20_000,
    "fewer.html": f"<div><div>{PROSE}</div><a href=x>y</a></div>" * 4_500,
    "attributes.html": "<a " + " ".join(f"a{n}" for n in range(N // 8)) + ">x</a>",
    "attribute.html": "<p><a href='" + "x" * N + "'>x</a></p>" + PROSE,
    "line.html": "<p>" + "word " * (N // 5) + "</p>",
    "brackets.html": "<" * N,
    "comments.html": "<!---->" * (N // 7),
    "unclosed.html": "<a <b " * (N // 6),
    "references.html": "&#1;" * (N // 4),
    "deep.md": "<div>" * (N // 5),
    "attributes.md": "<a " + " ".join(f"a{n}" for n in range(N // 8)) + ">x</a>",
    "line.md": "x" * N,
    "line.txt": "word " * (N // 5),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_I12_hostile_documents_are_over_soon(name: str) -> None:
    """Two seconds of processor time at most, with room for a slow machine: an article or a refusal."""
    page = HOSTILE[name] if not name.endswith("html") else f"<html><title>T</title><body><h1>T</h1>{HOSTILE[name]}"
    start = time.process_time()
    with suppress(DocumentError):
        extract(page.encode(), name, now=datetime(2026, 11, 22, tzinfo=UTC), zone=ZoneInfo("UTC"))
    assert time.process_time() - start < 4


def test_I12_hostile_documents_take_little_memory() -> None:
    """A process that reads them one after the other stays within 200 MB of what it had."""
    check = (
        "import resource, sys; from datetime import UTC, datetime; from zoneinfo import ZoneInfo\n"
        "from publisher.intake.extract import extract; from publisher.errors import DocumentError\n"
        "def read(body):\n"
        "    page = '<html><title>T</title><body><h1>T</h1>' + body\n"
        "    try: extract(page.encode(), 'a.html', now=datetime(2026, 11, 22, tzinfo=UTC), zone=ZoneInfo('UTC'))\n"
        "    except DocumentError: pass\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "read('<p>word</p>' * 200); before = peak()\n"
        "for body in ('<p>x</p>' * 90_000, '<div>' * 1_000_000, '<!---->' * 150_000, 'x ' * 1_500_000): read(body)\n"
        "print((peak() - before) // 1024)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", check], capture_output=True, text=True, check=True, env=environment)
    assert int(done.stdout) < 200


def test_usual_documents_are_within_bounds() -> None:
    """Long scripts, inline pictures, sloppy markup and a whole book are no attack."""
    bounds.refuse_page("<script>" + "if (a <b) { c = d; } " * 20_000 + "</script>")
    bounds.refuse_page(f"<img src='data:image/png;base64,{'A/b' * 300_000}'>")
    bounds.refuse_fragment("<p>one<br><li>two\n" * 5_000)
    bounds.refuse_line("A line.\n" * 400_000)


PIECES = st.sampled_from(
    [
        *("<script>alert(1)</script>", "<p onclick=alert(1)>", "<a href='javascript:alert(1)'>x</a>", "<img src=x onerror=alert(1)>"),
        *("<a href='java&#10;script:alert(1)'>", "<a href=' &#1;javascript:alert(1)'>", "<img data-src='javascript:alert(1)'>", "<img srcset='javascript:a 9w'>"),
        *("<svg/onload=alert(1)>", "<math><mi//xlink:href='data:x,<script>'>", "</p>", "<p>", "<noscript>", "</noscript>", "<template>"),
        *("<figure>", "</figure>", "<figcaption>'\"><script>alert(1)</script>", "<base href='javascript:alert(1)//'>", "<iframe srcdoc='<script>'>"),
        *("<q>", "<table><td>", "<!--", "-->", "<![CDATA[", "<style>", "</style>", "<form action=javascript:a>", "<object data=x>", "<textarea>"),
        *("<meta property=og:image content='javascript:alert(1)'>", "<h1>A title</h1>", "<title>A title</title>", "</body></html>", PROSE),
    ]
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pieces=st.lists(PIECES, max_size=14), cut=st.integers(0, 400))
def test_I12_no_mutation_of_a_page_gets_script_through(pieces: list[str], cut: int) -> None:
    """However a page is put together and cut, content_html holds no script, handler or script address."""
    page = f"<title>A title</title><h1>A title</h1>{PROSE}{''.join(pieces)}{PROSE}"
    page = page[:cut] + page[cut + 3 :]
    try:
        found = extract(page.encode(), "a.html", now=datetime(2026, 11, 22, tzinfo=UTC), zone=ZoneInfo("UTC"), base_url="https://e.org/")
    except DocumentError:
        return
    for element in html.fragment_fromstring(found.content_html, create_parent="div").iter():
        assert element.tag not in ("script", "style", "iframe", "svg", "math", "form", "object", "template")
        assert not [name for name in element.attrib if name.startswith("on")]
        assert not any("script:" in "".join(value.split()).lower() for name, value in element.attrib.items() if name in ("href", "src"))
    assert not found.image.startswith("javascript")
    assert not any(story.url.startswith("javascript") for story in found.related)
