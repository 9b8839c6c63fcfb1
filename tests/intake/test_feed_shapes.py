"""Shapes of feeds as they are met, each a few lines written for these tests beside what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from publisher.errors import DocumentError
from publisher.intake import feed_parse
from publisher.intake.feed_parse import parse
from publisher.model import Enclosure, Extracted, Related

LONDON = ZoneInfo("Europe/London")
URL = "https://news.example.org/feeds/main.xml"
_SPACES = {
    "content": "http://purl.org/rss/1.0/modules/content/", "dc": "http://purl.org/dc/elements/1.1/", "media": "http://search.yahoo.com/mrss/",
    "dcterms": "http://purl.org/dc/terms/", "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd", "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "atom": "http://www.w3.org/2005/Atom", "slash": "http://purl.org/rss/1.0/modules/slash/", "thr": "http://purl.org/syndication/thread/1.0",
}
_NAMED = " ".join(f'xmlns:{name}="{uri}"' for name, uri in _SPACES.items())
T = "<title>T</title>"
D = "<description>Some words.</description>"


def rss(item: str, channel: str = "", version: str = "2.0") -> str:
    return f'<?xml version="1.0"?><rss version="{version}" {_NAMED}><channel><title>N</title>{channel}<item>{item}</item></channel></rss>'


def atom(entry: str, more: str = "", attributes: str = "") -> str:
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {_NAMED.replace(_SPACES["atom"], "urn:x")} {attributes}><title>N</title>{more}<entry>{entry}</entry></feed>'


def rdf(item: str, about: str = "https://a.example/1") -> str:
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel rdf:about="x"><title>N</title></channel><item rdf:about="{about}">{item}</item></rdf:RDF>'
    )


def jsonfeed(item: str, more: str = "", version: str = "1.1") -> str:
    return f'{{"version": "https://jsonfeed.org/version/{version}", "title": "N", {more} "items": [{{{item}}}]}}'


def at(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@dataclass(frozen=True)
class Shape:
    """A feed of one entry; the fields of its article that matter, the path where that does."""

    text: str
    made: dict[str, Any] = field(default_factory=dict)
    path: str = ""


def shape(text: str, path: str = "", **made: Any) -> Shape:
    return Shape(text, made, path)


SHAPES = {
    # --- titles
    "title with entities twice": shape(rss(f"<title>Q &amp;amp; A</title>{D}"), title="Q & A"),
    "title in CDATA": shape(rss(f"<title><![CDATA[A <em>b</em> & c]]></title>{D}"), title="A b & c"),
    "title with a less-than": shape(rss(f"<title>1 &lt; 2</title>{D}"), title="1 < 2"),
    "title with markup escaped": shape(rss(f"<title>&lt;b&gt;Bold&lt;/b&gt; news</title>{D}"), title="Bold news"),
    "title over lines": shape(rss(f"<title>\n  One\n\ttwo  </title>{D}"), title="One two"),
    "title with numbers for letters": shape(rss(f"<title>caf&#233; &#x2014; x</title>{D}"), title="café — x"),
    "title of type html": shape(atom('<title type="html">A &lt;i&gt;b&lt;/i&gt; &amp;amp; c</title><content>Some words.</content>'), title="A b & c"),
    "title of type text": shape(atom('<title type="text">AT&amp;T now</title><content>Some words.</content>'), title="AT&T now"),
    "title of type xhtml": shape(atom('<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">A <b>b</b></div></title><content>Some words.</content>'), title="A b"),
    "title missing": shape(rss("<description>First sentence of it. And more.</description>"), title="First sentence of it."),
    "title empty": shape(rss("<title> </title><description>First of it. And.</description>"), title="First of it. And."),
    "title of Dublin Core": shape(rss(f"<dc:title>From elsewhere</dc:title>{D}"), title="From elsewhere"),
    "title of the picture is not the entry's": shape(rss(f"{T}{D}<media:content url='https://a.example/p.jpg' medium='image'><media:title>Picture</media:title></media:content>"), title="T"),
    "title right to left": shape(rss("<title>أخبار الميناء</title><description>نص الخبر هنا.</description>"), title="أخبار الميناء"),
    # --- texts
    "description alone": shape(rss(f"{T}<description>&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;</description>"), content_text="One.\n\nTwo.", standfirst=""),
    "content beside a description": shape(rss(f"{T}<description>In short.</description><content:encoded><![CDATA[<p>At length.</p>]]></content:encoded>"), content_text="At length.", standfirst="In short."),
    "plain text with blank lines": shape(atom(f"{T}<content type='text'>One.\n\nTwo.</content>"), content_html="<p>One.</p>\n<p>Two.</p>"),
    "html escaped": shape(atom(f"{T}<content type='html'>&lt;p&gt;A &amp;amp; b&lt;/p&gt;</content>"), content_html="<p>A &amp; b</p>"),
    "html in CDATA": shape(atom(f"{T}<content type='html'><![CDATA[<p>A &amp; b</p>]]></content>"), content_html="<p>A &amp; b</p>"),
    "xhtml": shape(atom(f"{T}<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>A <em>b</em></p></div></content>"), content_html="<p>A <em>b</em></p>"),
    "xhtml with a prefix": shape(atom(f"{T}<content type='xhtml'><h:div xmlns:h='http://www.w3.org/1999/xhtml'><h:p>A b</h:p></h:div></content>"), content_text="A b"),
    "summary alone": shape(atom(f"{T}<summary>Some words.</summary>"), content_text="Some words.", standfirst=""),
    "summary and content": shape(atom(f"{T}<summary>In short.</summary><content>At length.</content>"), content_text="At length.", standfirst="In short."),
    "base64": shape(atom(f"{T}<content type='application/octet-stream'>U29tZSB3b3Jkcy4=</content><summary>In short.</summary>"), title="T"),
    "content elsewhere": shape(atom(f"{T}<content type='image/png' src='https://a.example/p.png'/><summary>Some words.</summary>"), content_text="Some words."),
    "two contents": shape(atom(f"{T}<content type='text'>Short.</content><content type='html'>&lt;p&gt;The longer of both.&lt;/p&gt;</content>"), content_text="The longer of both."),
    "scripts and handlers": shape(rss(f"{T}<description>&lt;p onclick='a()'&gt;Words.&lt;/p&gt;&lt;script&gt;a()&lt;/script&gt;</description>"), content_html="<p>Words.</p>"),
    "comments within": shape(rss(f"{T}<description><!-- a -->Some <!-- b -->words.</description>"), content_text="Some words."),
    "processing instruction within": shape(rss(f"{T}<?a b?>{D}"), content_text="Some words."),
    "full text of other modules": shape(rss(f"{T}<slash:comments>3</slash:comments><thr:total>1</thr:total>{D}"), content_text="Some words."),
    # --- ids and links
    "guid that is a link": shape(rss(f"{T}<guid>https://a.example/1</guid>{D}"), "https://a.example/1", source_url="https://a.example/1", source_id="https://a.example/1"),
    "guid that is none": shape(rss(f"{T}<guid isPermaLink='false'>7</guid><link>https://a.example/1</link>{D}"), "7", source_url="https://a.example/1", source_id="7"),
    "guid that says it is a link and is none": shape(rss(f"{T}<guid>7</guid>{D}"), "7", source_url=""),
    "no guid": shape(rss(f"{T}<link>https://a.example/1</link>{D}"), "https://a.example/1", source_id="", source_url="https://a.example/1"),
    "neither guid nor link": shape(rss(f"{T}{D}"), source_id="", source_url=""),
    "link relative": shape(rss(f"{T}<link>/stories/1</link>{D}"), source_url="https://news.example.org/stories/1"),
    "link with spaces about": shape(rss(f"{T}<link>\n https://a.example/1 \n</link>{D}"), source_url="https://a.example/1"),
    "link with an ampersand": shape(rss(f"{T}<link>https://a.example/?a=1&amp;b=2</link>{D}"), source_url="https://a.example/?a=1&b=2"),
    "link that runs": shape(rss(f"{T}<link>javascript:a()</link>{D}"), source_url=""),
    "link behind a proxy": shape(rss(f"{T}<link>https://proxy.example/1</link><feedburner:origLink>https://a.example/1</feedburner:origLink>{D}"), source_url="https://a.example/1"),
    "Atom's link in RSS": shape(rss(f"{T}<atom:link rel='alternate' href='https://a.example/1'/>{D}"), source_url="https://a.example/1"),
    "alternate among others": shape(atom(f"{T}<link rel='edit' href='https://a.example/e'/><link rel='alternate' type='text/html' href='https://a.example/1'/><content>Some words.</content>"), source_url="https://a.example/1"),
    "link without relation": shape(atom(f"{T}<link href='https://a.example/1'/><content>Some words.</content>"), source_url="https://a.example/1"),
    "related link": shape(atom(f"{T}<link rel='related' title='More' href='https://a.example/m'/><content>Some words.</content>"), related=(Related("More", "https://a.example/m"),)),
    "RDF's about": shape(rdf(f"{T}<link>https://a.example/1</link>{D}"), "https://a.example/1", source_url="https://a.example/1"),
    "id that is too long": shape(rss(f"{T}<guid isPermaLink='false'>{'x' * 600}</guid>{D}"), source_id="x" * 500),
    # --- bases
    "base of the feed": shape(atom(f"{T}<content type='html'>&lt;p&gt;&lt;a href='x'&gt;y&lt;/a&gt;&lt;/p&gt;</content>", attributes="xml:base='https://b.example/d/'"), content_html='<p><a href="https://b.example/d/x">y</a></p>'),
    "base of the content": shape(atom(f"{T}<content type='html' xml:base='https://b.example/e/'>&lt;p&gt;&lt;img src='i.png' alt=''&gt;words&lt;/p&gt;</content>"), content_html='<p><img src="https://b.example/e/i.png" alt="">words</p>'),
    "base upon base": shape(atom(f"{T}<content type='html' xml:base='f/'>&lt;p&gt;&lt;a href='x'&gt;y&lt;/a&gt;&lt;/p&gt;</content>", attributes="xml:base='https://b.example/d/'"), content_html='<p><a href="https://b.example/d/f/x">y</a></p>'),
    "no base but the link": shape(rss(f"{T}<link>https://a.example/s/1</link><description>&lt;p&gt;&lt;a href='2'&gt;y&lt;/a&gt;&lt;/p&gt;</description>"), content_html='<p><a href="https://a.example/s/2">y</a></p>'),
    "base that is none": shape(atom(f"{T}<content type='html' xml:base='javascript:a()'>&lt;p&gt;&lt;a href='x'&gt;y&lt;/a&gt;&lt;/p&gt;</content>"), content_text="y"),
    # --- dates
    "date of RFC 822": shape(rss(f"{T}{D}<pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate>"), published_at=at(2026, 11, 2, 10)),
    "date with an offset": shape(rss(f"{T}{D}<pubDate>Mon, 02 Nov 2026 10:00:00 -0530</pubDate>"), published_at=at(2026, 11, 2, 15, 30)),
    "date with a zone's name": shape(rss(f"{T}{D}<pubDate>Mon, 02 Nov 2026 10:00:00 PST</pubDate>"), published_at=at(2026, 11, 2, 18)),
    "date without seconds": shape(rss(f"{T}{D}<pubDate>Mon, 02 Nov 2026 10:00 GMT</pubDate>"), published_at=at(2026, 11, 2, 10)),
    "date without weekday": shape(rss(f"{T}{D}<pubDate>02 Nov 2026 10:00:00 +0000</pubDate>"), published_at=at(2026, 11, 2, 10)),
    "date with the wrong weekday": shape(rss(f"{T}{D}<pubDate>Fri, 02 Nov 2026 10:00:00 GMT</pubDate>"), published_at=at(2026, 11, 2, 10)),
    "date with two digits of year": shape(rss(f"{T}{D}<pubDate>Mon, 02 Nov 26 10:00:00 GMT</pubDate>"), published_at=at(2026, 11, 2, 10)),
    "date of RFC 3339": shape(atom(f"{T}<content>Some words.</content><published>2026-11-02T10:00:00.123Z</published>"), published_at=at(2026, 11, 2, 10)),
    "date of RFC 3339 with an offset": shape(atom(f"{T}<content>Some words.</content><published>2026-11-02T10:00:00+05:45</published>"), published_at=at(2026, 11, 2, 4, 15)),
    "date of the change alone": shape(atom(f"{T}<content>Some words.</content><updated>2026-11-02T10:00:00Z</updated>"), published_at=at(2026, 11, 2, 10)),
    "both dates": shape(atom(f"{T}<content>Some words.</content><updated>2026-11-05T10:00:00Z</updated><published>2026-11-02T10:00:00Z</published>"), published_at=at(2026, 11, 2, 10)),
    "date of Dublin Core": shape(rss(f"{T}{D}<dc:date>2026-11-02T10:00:00Z</dc:date>"), published_at=at(2026, 11, 2, 10)),
    "date of Dublin Core's terms": shape(rss(f"{T}{D}<dcterms:issued>2026-11-02T10:00:00Z</dcterms:issued>"), published_at=at(2026, 11, 2, 10)),
    "date in summer without zone": shape(rss(f"{T}{D}<pubDate>2026-07-02 10:00:00</pubDate>"), published_at=at(2026, 7, 2, 9)),
    "date that is none": shape(rss(f"{T}{D}<pubDate>yesterday</pubDate>"), published_at=None),
    "date of no month": shape(rss(f"{T}{D}<pubDate>Mon, 02 Foo 2026 10:00:00 GMT</pubDate>"), title="T"),
    "date absent": shape(rss(f"{T}{D}"), published_at=None),
    # --- people, sections, languages
    "author by mail and name": shape(rss(f"{T}{D}<author>ada@a.example (Ada Byrne)</author>"), authors=("Ada Byrne",)),
    "author by mail alone": shape(rss(f"{T}{D}<author>ada@a.example</author>"), authors=()),
    "author by name and mail": shape(rss(f"{T}{D}<author>Ada Byrne &lt;ada@a.example&gt;</author>"), authors=("Ada Byrne",)),
    "author of Atom with mail": shape(atom(f"{T}<content>Some words.</content><author><name>Ada Byrne</name><email>ada@a.example</email></author>"), authors=("Ada Byrne",)),
    "editor of the channel": shape(rss(f"{T}{D}", channel="<managingEditor>ed@a.example (Ed)</managingEditor>"), authors=()),
    "author of Dublin Core": shape(rss(f"{T}{D}<dc:creator>Ada Byrne</dc:creator>"), authors=("Ada Byrne",)),
    "authors of Dublin Core": shape(rss(f"{T}{D}<dc:creator>Ada Byrne</dc:creator><dc:creator>Ben Cole</dc:creator>"), authors=("Ada Byrne", "Ben Cole")),
    "author of Atom": shape(atom(f"{T}<content>Some words.</content><author><name>Ada Byrne</name><uri>https://a.example/</uri></author>"), authors=("Ada Byrne",)),
    "author of the feed": shape(atom(f"{T}<content>Some words.</content>", more="<author><name>Ada Byrne</name></author>"), authors=("Ada Byrne",)),
    "categories": shape(rss(f"{T}{D}<category>Sea</category><category domain='x'>boats</category>"), section="Sea", tags=("boats",)),
    "category without a name": shape(rss(f"{T}{D}<category>Uncategorized</category><category>boats</category>"), section="boats", tags=()),
    "category by its label": shape(atom(f"{T}<content>Some words.</content><category term='sea' label='The Sea'/>"), section="The Sea"),
    "subjects of Dublin Core": shape(rdf(f"{T}{D}<dc:subject>Sea</dc:subject>"), section="Sea"),
    "language of the channel": shape(rss(f"{T}{D}", channel="<language>en-gb</language>"), language="en-gb"),
    "language of the feed": shape(atom(f"{T}<content>Some words.</content>", attributes="xml:lang='en-GB'"), language="en-GB"),
    # --- media
    "enclosure": shape(rss(f"{T}{D}<enclosure url='https://a.example/a.mp3' type='audio/mpeg' length='12'/>"), enclosures=(Enclosure("https://a.example/a.mp3", "audio/mpeg", 12),)),
    "enclosure of no length": shape(rss(f"{T}{D}<enclosure url='https://a.example/a.mp3' type='audio/mpeg' length='many'/>"), enclosures=(Enclosure("https://a.example/a.mp3", "audio/mpeg", 0),)),
    "enclosures": shape(rss(f"{T}{D}<enclosure url='https://a.example/a.mp3' type='audio/mpeg'/><enclosure url='https://a.example/b.mp4' type='video/mp4'/>"), enclosures=(Enclosure("https://a.example/a.mp3", "audio/mpeg", 0), Enclosure("https://a.example/b.mp4", "video/mp4", 0))),
    "enclosure that is a picture": shape(rss(f"{T}{D}<enclosure url='https://a.example/p.jpg' type='image/jpeg'/>"), image="https://a.example/p.jpg", enclosures=()),
    "enclosure of Atom": shape(atom(f"{T}<content>Some words.</content><link rel='enclosure' href='/a.mp3' type='audio/mpeg' length='5'/>"), enclosures=(Enclosure("https://news.example.org/a.mp3", "audio/mpeg", 5),)),
    "media content": shape(rss(f"{T}{D}<media:content url='https://a.example/p.jpg' medium='image'/>"), image="https://a.example/p.jpg"),
    "media group": shape(rss(f"{T}{D}<media:group><media:content url='https://a.example/p.jpg' type='image/jpeg'/></media:group>"), image="https://a.example/p.jpg"),
    "media thumbnail": shape(rss(f"{T}{D}<media:thumbnail url='https://a.example/t.jpg'/>"), image="https://a.example/t.jpg"),
    # --- other forms
    "RSS 0.91": shape(rss(f"{T}<link>https://a.example/1</link>{D}", version="0.91"), source_url="https://a.example/1"),
    "RSS 0.92": shape(rss(f"<title>T</title>{D}<category>Sea</category>", version="0.92"), section="Sea"),
    "RSS without version": shape(rss(f"{T}{D}").replace('version="2.0" ', ""), title="T"),
    "RSS in capitals": shape("<RSS VERSION='2.0'><CHANNEL><ITEM><TITLE>T</TITLE><DESCRIPTION>Some words.</DESCRIPTION></ITEM></CHANNEL></RSS>", title="T"),
    "RSS 1.0": shape(rdf(f"{T}<link>https://a.example/1</link><content:encoded><![CDATA[<p>At length.</p>]]></content:encoded>"), content_text="At length."),
    "RSS 0.90": shape(f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/"><channel><title>N</title></channel><item>{T}<link>https://a.example/1</link></item></rdf:RDF>', source_url="https://a.example/1"),
    "prefix for all": shape('<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:id>7</a:id><a:title>T</a:title><a:content>Some words.</a:content></a:entry></a:feed>', "7", content_text="Some words."),
    "space before the declaration": shape("\n  " + rss(f"{T}{D}"), title="T"),
    "mark of byte order": shape("\ufeff" + rss(f"{T}{D}"), title="T"),
    "style sheet before it": shape(rss(f"{T}{D}").replace("?><rss", "?><?xml-stylesheet href='a.xsl'?><rss"), title="T"),
    "no end": shape(rss(f"{T}{D}").removesuffix("</item></channel></rss>"), content_text="Some words."),
    "junk behind the end": shape(rss(f"{T}{D}") + "<script>a()</script><!-- served in 3 ms -->", content_text="Some words."),
    "entity of HTML": shape(rss("<title>A&nbsp;&mdash;&nbsp;b</title><description>Some words.</description>"), title="A — b"),
    # --- JSON Feed
    "JSON with HTML": shape(jsonfeed('"id": "7", "title": "T", "content_html": "<p>A</p>"'), "7", content_html="<p>A</p>"),
    "JSON with text": shape(jsonfeed('"id": "7", "content_text": "A < b"'), content_html="<p>A &lt; b</p>", title="A < b"),
    "JSON with both": shape(jsonfeed('"id": "7", "content_text": "plain", "content_html": "<p>rich</p>"'), content_text="rich"),
    "JSON 1.0 with an author": shape(jsonfeed('"id": "7", "content_text": "Words.", "author": {"name": "Ada Byrne"}', version="1"), authors=("Ada Byrne",)),
    "JSON 1.1 with authors": shape(jsonfeed('"id": "7", "content_text": "Words.", "authors": [{"name": "Ada Byrne"}, {"url": "x"}]'), authors=("Ada Byrne",)),
    "JSON whose id is a number": shape(jsonfeed('"id": 7, "content_text": "Words."'), "7", source_id="7"),
    "JSON without id": shape(jsonfeed('"url": "https://a.example/1", "content_text": "Words."'), "https://a.example/1", source_id=""),
    "JSON with nothing known": shape(jsonfeed('"id": "7", "content_text": "Words.", "_ours": {"a": [1]}, "tags": null'), tags=()),
    "JSON of a language": shape(jsonfeed('"id": "7", "content_text": "Words."', more='"language": "en-GB",'), language="en-GB"),
    "JSON with a banner": shape(jsonfeed('"id": "7", "content_text": "Words.", "banner_image": "https://a.example/b.jpg"'), image="https://a.example/b.jpg"),
    "JSON with a zero byte": shape(jsonfeed('"id": "a\\u0000b", "title": "T\\u0000", "content_text": "Words\\ud800."'), "ab", title="T", content_text="Words."),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shape_gives_its_article(name: str) -> None:
    """Each field that the shape is about, and no entry lost."""
    wanted = SHAPES[name]
    (entry,) = parse(wanted.text.encode(), "application/xml", URL, LONDON).entries
    made = entry.made
    assert isinstance(made, Extracted), entry.reason
    found = {field: getattr(made, field) for field in wanted.made}
    if found.get("published_at"):
        found["published_at"] = found["published_at"].astimezone(UTC).replace(microsecond=0)
    assert found == wanted.made
    assert not wanted.path or entry.path == wanted.path


def test_shapes_are_many() -> None:
    """So that nobody takes them out unseen."""
    assert len(SHAPES) > 100


# --- encodings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "declared", "header"),
    [
        ("utf-8", "", ""), ("utf-8", "utf-8", "iso-8859-1"), ("utf-8", "iso-8859-1", ""), ("utf-8-sig", "iso-8859-1", "iso-8859-1"), ("iso-8859-1", "iso-8859-1", ""),
        ("iso-8859-1", "", "iso-8859-1"), ("windows-1252", "iso-8859-1", ""), ("iso-8859-1", "utf-8", "iso-8859-1"), ("utf-16", "utf-16", ""), ("utf-16", "utf-8", "utf-8"),
        ("utf-16-be", "", ""), ("iso-8859-1", "iso-8859-1", "utf-8"), ("windows-1252", "no-such-thing", ""), ("windows-1252", "windows-1252", "no-such-thing"),
    ],
)
def test_bytes_are_read_as_what_they_are(encoding: str, declared: str, header: str) -> None:
    """The mark, then UTF-8 where it fits, then what somebody said and what fits."""
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    text = rss("<title>Überfähre</title><description>Die Fähre fährt wieder, sagt das Büro.</description>").replace('<?xml version="1.0"?>', declaration)
    kind = f"application/rss+xml; charset={header}" if header else "application/rss+xml"
    (entry,) = parse(text.encode(encoding), kind, URL, LONDON).entries
    assert entry.made is not None
    assert (entry.made.title, entry.made.content_text) == ("Überfähre", "Die Fähre fährt wieder, sagt das Büro.")


# --- crowds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (rss("").replace("<item></item>", "<item/>" * 10_001), "10,000 entries"), (rss("").replace("<item></item>", "<x:Entry />" * 10_001), "10,000 entries"),
        (rss("<a/>" * 250_000), "250,000 elements"), (jsonfeed("").replace("[{}]", "[" + "{}," * 10_000 + "{}]"), "10,000 entries"),
    ],
)
def test_crowd_is_refused(text: str, what: str) -> None:
    """It would be read for minutes; what a text holds is not counted."""
    with pytest.raises(DocumentError, match=f"more than {what}"):
        parse(text.encode(), "", URL, LONDON)


def test_texts_are_no_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Marked sections, whole ones and one that does not end."""
    monkeypatch.setattr(feed_parse, "_MOST_ENTRIES", 2)
    monkeypatch.setattr(feed_parse, "_MOST_ELEMENTS", 20)
    (entry,) = parse(rss(f"{T}<description><![CDATA[{'<item>' * 50}words]]></description>").encode(), "", URL, LONDON).entries
    assert entry.made is not None
    assert parse(rss(f"{T}<description>Words <![CDATA[{'<item>' * 50}").encode(), "", URL, LONDON).form == "rss20"
