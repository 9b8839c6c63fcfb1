"""Feeds in every shape that readers meet, written for these tests; each beside what must come of it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.errors import DocumentError
from publisher.intake.feed_parse import Entry, Feed, parse
from publisher.model import Enclosure, Extracted, Related

LONDON = ZoneInfo("Europe/London")
URL = "https://news.example.org/feeds/main.xml"
BODY = "<p>The ferry will sail again on Monday, the harbour office said, after three weeks in the yard.</p>"


def read(text: str | bytes, content_type: str = "application/xml") -> Feed:
    return parse(text if isinstance(text, bytes) else text.encode(), content_type, URL, LONDON)


def one(text: str | bytes, content_type: str = "application/xml") -> tuple[Entry, Extracted]:
    (entry,) = read(text, content_type).entries
    assert entry.made is not None, entry.reason
    return entry, entry.made


def rss(items: str, version: str = "2.0", more: str = "") -> str:
    spaces = (
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="{version}" {spaces}><channel><title>Harbour News</title>'
        f"<link>https://news.example.org/</link><description>d</description>{more}{items}</channel></rss>"
    )


def escaped(markup: str) -> str:
    return markup.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


RSS_091 = (
    '<?xml version="1.0"?>\n<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" '
    '"http://my.netscape.com/publish/formats/rss-0.91.dtd">\n<rss version="0.91"><channel><title>H</title>'
    "<link>https://news.example.org/</link><language>en-us</language><item><title>Ferry back</title>"
    f"<link>https://news.example.org/ferry</link><description>{escaped(BODY)}</description></item></channel></rss>"
)
RSS_10 = (
    '<?xml version="1.0"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://news.example.org/"><title>H</title></channel>'
    '<item rdf:about="https://news.example.org/ferry"><title>Ferry back</title><link>https://news.example.org/ferry</link>'
    f"<description>{escaped(BODY)}</description><dc:creator>Ada Byrne</dc:creator><dc:date>2026-11-02T10:00:00+01:00</dc:date>"
    "<dc:subject>Harbour</dc:subject></item></rdf:RDF>"
)
RSS_20 = rss(
    "<item><title>Ferry back</title><link>https://news.example.org/ferry</link><guid isPermaLink='false'>tag:1</guid>"
    f"<description>Sails on Monday.</description><content:encoded><![CDATA[{BODY}]]></content:encoded>"
    "<dc:creator>Ada Byrne</dc:creator><category>Harbour</category><category>ferry</category><category>travel</category>"
    "<pubDate>Mon, 02 Nov 2026 10:00:00 +0100</pubDate><enclosure url='https://news.example.org/f.mp3' type='audio/mpeg' length='12'/>"
    "<media:content url='https://news.example.org/f.jpg' medium='image'><media:description>The ferry</media:description>"
    "<media:credit>Ben Cole</media:credit></media:content></item>"
)
ATOM_03 = (
    '<?xml version="1.0"?>\n<feed version="0.3" xmlns="http://purl.org/atom/ns#" xml:lang="en"><title>H</title><entry>'
    '<title>Ferry back</title><link rel="alternate" type="text/html" href="https://news.example.org/ferry"/><id>tag:1</id>'
    "<issued>2026-11-02T10:00:00+01:00</issued><modified>2026-11-03T10:00:00Z</modified><author><name>Ada Byrne</name></author>"
    f'<content type="text/html" mode="escaped">{escaped(BODY)}</content></entry></feed>'
)
ATOM_10 = (
    '<?xml version="1.0"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en" xml:base="https://news.example.org/x/">'
    "<title>H</title><id>f</id><updated>2026-11-03T10:00:00Z</updated><entry><title type='html'>Ferry &lt;b&gt;back&lt;/b&gt;</title>"
    "<link href='../ferry'/><link rel='related' href='/yard' title='The yard'/><id>tag:1</id><link rel='enclosure' href='f.mp3' "
    "type='audio/mpeg' length='12'/><published>2026-11-02T10:00:00+01:00</published><updated>2026-11-03T10:00:00Z</updated>"
    "<author><name>Ada Byrne</name></author><category term='harbour' label='Harbour'/><summary>Sails on Monday.</summary>"
    f'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{BODY}<p><a href="yard">yard</a> <img src="i.png" '
    'alt="i"/></p></div></content></entry></feed>'
)
JSON_1 = json.dumps({
    "version": "https://jsonfeed.org/version/1", "title": "H", "home_page_url": "https://news.example.org/",
    "items": [{"id": "tag:1", "url": "/ferry", "title": "Ferry back", "content_html": BODY, "author": {"name": "Ada Byrne"},
               "date_published": "2026-11-02T10:00:00+01:00", "tags": ["ferry"]}],
})
JSON_11 = json.dumps({
    "version": "https://jsonfeed.org/version/1.1", "title": "H", "language": "en", "authors": [{"name": "Ada Byrne"}],
    "items": [{"id": 7, "url": "https://news.example.org/ferry", "external_url": "https://yard.example/", "title": "Ferry back",
               "content_text": "The ferry will sail again on Monday, the harbour office said.\n\nAfter three weeks.",
               "summary": "Sails on Monday.", "image": "/f.jpg", "date_published": "2026-11-02T10:00:00+01:00",
               "attachments": [{"url": "/f.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 12}]}],
})


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (RSS_091, "rss091n"), (RSS_10, "rss10"), (RSS_20, "rss20"), (ATOM_03, "atom03"), (ATOM_10, "atom10"),
        (JSON_1, "json1"), (JSON_11, "json11"),
    ],
)
@pytest.mark.parametrize("content_type", ["application/xml", "text/html; charset=utf-8", "text/plain", ""])
def test_every_form_gives_title_link_and_text(text: str, form: str, content_type: str) -> None:
    """Whatever type the server names: the content says what it is."""
    assert read(text, content_type).form == form
    entry, made = one(text, content_type)
    assert (made.title, made.source_url, made.language) == ("Ferry back", "https://news.example.org/ferry", made.language)
    assert made.content_text.startswith("The ferry will sail again on Monday")
    assert made.content_html.startswith("<p>The ferry")
    assert made.language.startswith("en")
    assert entry.digest


@pytest.mark.parametrize("text", [RSS_10, RSS_20, ATOM_03, ATOM_10, JSON_1, JSON_11])
def test_author_and_date_are_found(text: str) -> None:
    """The date of publication, not of the last change, in UTC."""
    made = one(text)[1]
    assert made.authors == ("Ada Byrne",)
    assert made.published_at == datetime(2026, 11, 2, 9, tzinfo=UTC)


def test_rss_in_full() -> None:
    """All that an item can say, in the field that it belongs to."""
    entry, made = one(RSS_20)
    assert (entry.path, made.source_id) == ("tag:1", "tag:1")
    assert (made.section, made.tags, made.standfirst) == ("Harbour", ("ferry", "travel"), "Sails on Monday.")
    assert (made.image, made.caption, made.credit) == ("https://news.example.org/f.jpg", "The ferry", "Ben Cole")
    assert made.enclosures == (Enclosure("https://news.example.org/f.mp3", "audio/mpeg", 12),)


def test_atom_in_full() -> None:
    """Links are absolute by xml:base; the related link, the enclosure and the category keep their places."""
    made = one(ATOM_10)[1]
    assert '<a href="https://news.example.org/x/yard">' in made.content_html
    assert 'src="https://news.example.org/x/i.png"' in made.content_html
    assert made.related == (Related("The yard", "https://news.example.org/yard"),)
    assert made.enclosures == (Enclosure("https://news.example.org/x/f.mp3", "audio/mpeg", 12),)
    assert (made.section, made.standfirst) == ("Harbour", "Sails on Monday.")


def test_json_in_full() -> None:
    """A number is an id too; the feed's author is everybody's who has none."""
    entry, made = one(JSON_11)
    assert (entry.path, made.source_id, made.standfirst) == ("7", "7", "Sails on Monday.")
    assert made.content_html == (
        "<p>The ferry will sail again on Monday, the harbour office said.</p>\n<p>After three weeks.</p>"
    )
    assert made.image == "https://news.example.org/f.jpg"
    assert made.enclosures == (Enclosure("https://news.example.org/f.mp3", "audio/mpeg", 12),)
    assert made.related == (Related("https://yard.example/", "https://yard.example/"),)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Tue, 04 Aug 2026 10:00:00", datetime(2026, 8, 4, 9, tzinfo=UTC)), ("2026-08-04 10:00", datetime(2026, 8, 4, 9, tzinfo=UTC)),
        ("Tue, 04 Aug 2026 10:00:00 EST", datetime(2026, 8, 4, 15, tzinfo=UTC)), ("soon", None), ("", None),
        ("2026-08-04T10:00:00Z", datetime(2026, 8, 4, 10, tzinfo=UTC)), ("Mon, 99 Foo 12345", None),
    ],
)
def test_date_without_zone_is_the_sites(date: str, expected: datetime | None) -> None:
    """And what is no date is none: the entry comes in all the same."""
    made = one(rss(f"<item><title>T</title><description>{escaped(BODY)}</description><pubDate>{date}</pubDate></item>"))[1]
    assert made.published_at == expected


@pytest.mark.parametrize(
    ("item", "title"),
    [
        (f"<description>{escaped(BODY)}</description>", "The ferry will sail again on Monday, the harbour office said, after three weeks…"),
        ("<description>Short one. And more of it.</description>", "Short one. And more of it."),
        ("<description>The ferry is back at last. And more of it, much more than one line could ever hold in any list.</description>", "The ferry is back at last."),
        ("<title>  A &amp;amp; B  &lt;i&gt;now&lt;/i&gt; </title><description>x y z</description>", "A & B now"),
        ("<title>5 &lt; 7 and AT&amp;T</title><description>x y z</description>", "5 < 7 and AT&T"),
    ],
)
def test_title_is_plain_text_and_never_empty(item: str, title: str) -> None:
    """One without gets it from its text."""
    assert one(rss(f"<item><guid>1</guid>{item}</item>"))[1].title == title


def test_link_alone_is_an_article_and_nothing_at_all_is_none() -> None:
    """A list of links loses none; an empty item is refused with its reason."""
    found = read(rss("<item><title>Look</title><link>https://a.example/?a=1&amp;b=2</link></item><item></item><item><title>No more</title></item>"))
    made = found.entries[0].made
    assert made is not None
    assert made.content_html == '<p><a href="https://a.example/?a=1&amp;b=2">https://a.example/?a=1&amp;b=2</a></p>'
    assert [entry.reason for entry in found.entries[1:]] == [
        "it holds neither title nor text", "it holds no text and no link",
    ]


def test_cut_off_summary_is_no_standfirst() -> None:
    """Many systems put the beginning of the text there, with dots behind it."""
    for summary in ("The ferry will sail again on Monday, the [&#8230;]", "The ferry will sail again... Read more", BODY):
        text = rss(f"<item><title>T</title><description>{escaped(summary)}</description><content:encoded><![CDATA[{BODY}<p>More.</p>]]></content:encoded></item>")
        assert one(text)[1].standfirst == ""


def test_repeated_id_is_refused_but_for_the_first() -> None:
    """Both are seen, under paths of their own."""
    item = "<item><guid isPermaLink='false'>g</guid><title>{0}</title><description>text {0}</description></item>"
    found = read(rss("".join(item.format(name) for name in ("one", "two", "three"))))
    assert [(entry.path, entry.made.title if entry.made else entry.reason[:30]) for entry in found.entries] == [
        ("g", "one"), ("g (2)", "the feed gives this id to seve"), ("g (3)", "the feed gives this id to seve"),
    ]


def test_broken_entry_costs_only_itself() -> None:
    """The others come in (I12)."""
    items: list[Any] = [None, "x", {"id": "ok", "content_text": "Good text here."}, {"id": "b", "attachments": 5, "tags": {}, "authors": "x", "content_text": ["no"]}]
    found = read(json.dumps({"version": "https://jsonfeed.org/version/1", "items": items}))
    assert [entry.made is not None for entry in found.entries if entry.path == "ok"] == [True]
    assert all(entry.reason for entry in found.entries if entry.made is None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "iso-8859-15", "windows-1251"])
def test_encoding_is_found(encoding: str) -> None:
    """By its mark, its zero bytes, its declaration; or by the header alone."""
    word = "Паром" if encoding == "windows-1251" else "Fähre €"
    text = rss(f"<item><title>{word}</title><description>{word} x</description></item>")
    assert one(text.replace('encoding="UTF-8"', f'encoding="{encoding.removesuffix("-le").removesuffix("-sig")}"').encode(encoding))[1].title == word
    bare = text.replace(' encoding="UTF-8"', "").encode(encoding)
    assert one(bare, f"application/rss+xml; charset={encoding.removesuffix('-sig')}")[1].title == word


def test_feed_that_is_not_well_formed_is_read_as_far_as_it_goes() -> None:
    """A bare ampersand, an unknown entity, an end that is missing, a control character."""
    text = rss("<item><title>A & B &nbsp;c</title><link>https://a.example/1</link><description>some \x08text</description></item>")
    for damaged in (text, text.removesuffix("</channel></rss>")):
        made = one(damaged)[1]
        assert made.title == "A & B c"
        assert "\x08" not in made.content_text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"), (b"<html><body>hello</body></html>", "it is a web page, not a feed"),
        (b"<!-- x --><!DOCTYPE html><title>x</title>", "it is a web page, not a feed"), (b"hello", "it is no feed"),
        (b"%PDF-1.7 ...", "it is no feed: it is a PDF, not text"), (b'{"a": 1}', "it is JSON, but no JSON Feed"),
        (b'{"a": ', "it begins like JSON and is none"), (b"{" * 100_000, "it begins like JSON and is none"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": 5}', "it is JSON, but no JSON Feed"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "it begins like JSON and is none"),
    ],
)
def test_what_is_no_feed_is_refused(data: bytes, reason: str) -> None:
    """With its reason, and something to do."""
    with pytest.raises(DocumentError) as caught:
        read(data)
    assert caught.value.reason == reason
    assert caught.value.remedy


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">', '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY % a SYSTEM "http://127.0.0.1/x.dtd">%a;', f'<!ENTITY a "{"ha" * 5000}">', '<!ENTITY a PUBLIC "x" "http://x/">',
    ],
)
def test_xml_bomb_is_refused(declared: str) -> None:
    """Entities that grow, and those that lead to files or addresses."""
    text = rss("<item><title>&a;</title><description>&a; &b;</description></item>").replace("<rss ", f"<!DOCTYPE rss [{declared}]><rss ", 1)
    with pytest.raises(DocumentError, match="entities of its own"):
        read(text)


def test_harmless_entity_is_none_of_these() -> None:
    """Some feeds declare the space that HTML knows."""
    text = rss("<item><title>a&nbsp;b</title><description>x y</description></item>").replace("<rss ", '<!DOCTYPE rss [<!ENTITY nbsp "&#160;">]><rss ', 1)
    assert one(text)[1].title == "a b"


def test_nothing_that_runs_comes_through() -> None:
    """No script, handler or javascript: address, in any of the fields."""
    evil = '<p onclick="x()">Hello there</p><script>alert(1)</script><a href="javascript:x()">go</a><iframe src="x"></iframe><img src="data:x" onerror="y">'
    text = rss(
        f"<item><title>{escaped(evil)}</title><link>javascript:alert(1)</link><guid isPermaLink='false'>1</guid><description>{escaped(evil)}</description>"
        "<enclosure url='javascript:x' type='audio/mpeg'/><media:content url='javascript:y' medium='image'/></item>"
    )
    made = one(text)[1]
    assert made.content_html == "<p>Hello there</p>go"
    assert (made.source_url, made.image, made.enclosures) == ("", "", ())
    assert made.title == "Hello there go"


def test_long_feed_is_read_in_bounded_time() -> None:
    """Ten megabytes of a thousand entries, and depth that would break a recursive reader."""
    item = f"<item><guid>{{}}</guid><title>T</title><description>{'word ' * 1500}</description></item>"
    start = time.process_time()
    assert len(read(rss("".join(item.format(n) for n in range(300)))).entries) == 300
    read(rss(f"<item><title>x</title><description>{escaped('<div>' * 20_000)}deep text</description></item>"))
    assert time.process_time() - start < 20


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_I12_damaged_feed_never_breaks_the_reader(data: st.DataObject) -> None:
    """Bytes cut out, doubled or replaced anywhere: a feed, or a refusal, and nothing else."""
    whole = data.draw(st.sampled_from([RSS_091, RSS_10, RSS_20, ATOM_03, ATOM_10, JSON_1, JSON_11])).encode()
    at = data.draw(st.integers(0, len(whole)))
    to = data.draw(st.integers(at, min(len(whole), at + 80)))
    middle = data.draw(st.one_of(st.binary(max_size=20), st.just(whole[at:to] * 3), st.sampled_from([b"<", b"]]>", b"&", b'"', b"<!--", b"<![CDATA["])))
    try:
        found = read(whole[:at] + middle + whole[to:])
    except DocumentError:
        return
    for entry in found.entries:
        assert (entry.made is None) == bool(entry.reason)
        assert entry.path
        if entry.made is not None:
            assert "<script" not in entry.made.content_html
