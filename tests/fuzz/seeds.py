"""Where fuzzing starts: the samples of `tests/data`, what attackers are known to write, and words to mix."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent.parent / "data"
_LARGEST = 12_000

#: Markup that was script to some browser after some sanitiser: kinds, each written anew.
EVIL = (
    "<script>a()</script>", "<ScRiPt/x>a()</sCrIpT >", "<p onclick=a()>x</p>", "<p/onmouseover='a()'>x", "<img src=x onerror=a()>",
    '<a href="javascript:a()">x</a>', '<a href=" &#106;ava&Tab;script&colon;a()">x</a>', '<a href="\x01javascript:a()">x</a>',
    '<a href="java\nscript:a()">x</a>', '<a href="data:text/html,<script>a()</script>">x</a>', '<a href="vbscript:a">x</a>',
    '<img src="data:image/svg+xml,<svg onload=a()>">', '<img srcset="javascript:a() 1x, data:x 2x">', '<p style="background:url(javascript:a())">x</p>',
    "<style>@import 'javascript:a()';</style>", "<svg><script>a()</script></svg>", "<svg onload=a()>", "<svg><style><img src=x onerror=a()></style></svg>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=a()&gt;">',
    '<noscript><p title="</noscript><img src=x onerror=a()>">', "<template><script>a()</script></template>", "<svg></p><style><a id='</style><img src=x onerror=a()>'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=a()>", "<iframe srcdoc='<script>a()</script>'></iframe>",
    '<object data="javascript:a()"></object>', '<embed src="javascript:a()">', '<base href="javascript:a()//">', '<meta http-equiv="refresh" content="0;url=javascript:a()">',
    "<!--[if gte IE 4]><script>a()</script><![endif]-->", "<![CDATA[<script>a()</script>]]>", "<?xml-stylesheet href='javascript:a()'?>", "<p\x00onclick=a()>",
    '<table><td background="javascript:a()">x</table>', "<xmp><p title='</xmp><img src=x onerror=a()>'></xmp>", "<select><noembed></select><script>a()</script>",
    '<a href="//evil.example" target=_blank ping="javascript:a()">x</a>', "<b>a\u0338</b><i>\u0338></i>", "&lt;script&gt;a()&lt;/script&gt;", "&amp;lt;script&amp;gt;",
    "<plaintext><script>a()", "<textarea></textarea><script>a()</script>", "<title><img src=x onerror=a()></title>", "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>a()</x:script>",
)
_STORY = (
    "The ferry will sail again on Monday, the harbour office said on Friday, after three weeks in the yard. Its engine was "
    "taken out and put back twice. “It runs,” said Ada Byrne, who keeps the books. The first boat leaves at seven."
)
_EVIL_PAGES = tuple(f"<p>{_STORY}</p>{evil}<p>{_STORY}</p>" for evil in EVIL)


def _files(folder: str, *endings: str) -> tuple[bytes, ...]:
    found = sorted(path for path in (_DATA / folder).iterdir() if path.suffix in endings)
    return tuple(data for path in found if len(data := path.read_bytes()) <= _LARGEST)


def _text(*texts: str) -> tuple[bytes, ...]:
    return tuple(text.encode() for text in texts)


# --- text ------------------------------------------------------------------------------------------------------------

TEXTS = (*_files("extract", ".txt"), *_files("lines", ".txt")[:40], *_text(
    f"SEA\n\nFerry back\n\nBy Ada Byrne\n\n{_STORY}\n\nREAD MORE: The yard\nhttps://news.example.org/yard\n", _STORY, "ö" * 300,
    "\u202b" + _STORY, "A\x00B\n" + _STORY, *(f"Title\n\n{_STORY}\n\n{evil}" for evil in EVIL[:8]),
))
TEXT_WORDS = _text(
    "\n\n", "\r\n", "\t", "By Ada Byrne", "READ MORE: ", "Published: ", "2026-11-02", "3 November 2026", "https://a.example/", "\u2028",
    "\u00a0", "\ufeff", "©", "Photo: ", "Related", "“", "…", "\u200f", "َ", "日本語", "1.", "- ", "@", "#", "Updated 10:00",
)

# --- Markdown and its front matter -----------------------------------------------------------------------------------

_MARKDOWN = f"""# Ferry back

{_STORY}

## The yard

* one
* two [link](/yard "title") ![picture](p.jpg)

> {_STORY}

| a | b |
|---|---|
| 1 | <script>x</script> |

```js
a()
```

[ref]: javascript:a()
[x][ref] <https://a.example/> **bold _and_ more**
"""
MARKDOWN = (
    *_files("extract", ".md"),
    *_text(_MARKDOWN, "Ferry back\n==========\n\n" + _STORY, *(f"# Ferry back\n\n{page}" for page in _EVIL_PAGES)),
)
MARKDOWN_WORDS = _text(
    "# ", "\n\n", "[x](javascript:a())", "![x](data:y)", "[x]: ", "```", "~~~", "> ", "* ", "1. ", "|---|", "**", "_", "`", "<p>", '{{< figure src="a" >}}',
    "{% include x %}", "\\", "<!-- more -->", "    ", "[^1]", "&#106;", "<a href=", "---\n",
) + tuple(evil.encode() for evil in EVIL)
FRONT_MATTER = _text(
    f"---\ntitle: Ferry back\ndate: 2026-11-02 10:00:00 +0100\ntags: [a, b]\nauthor: Ada Byrne\ndraft: false\n---\n{_STORY}",
    f"+++\ntitle = \"Ferry back\"\ndate = 2026-11-02T10:00:00Z\ntags = ['a', 'b']\n[params]\nauthor = 'Ada'\n+++\n{_STORY}",
    f'{{"title": "Ferry back", "date": "2026-11-02", "tags": ["a"]}}\n\n{_STORY}',
    f"Title: Ferry back\nDate: 2026-11-02 10:00\nAuthor: Ada Byrne\nTags: a, b\nSlug: ferry\n\n{_STORY}",
    f"---\ntitle: &a [*a, *a]\nx: &b {{<<: *b}}\n---\n{_STORY}", f"---\ntitle: !!python/object/apply:os.system [a]\n---\n{_STORY}",
    f"---\n{'a: &a [x]' + chr(10)}b: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\ntitle: *c\n---\n{_STORY}", f"---\ntitle: no\ndate: 0\n---\n{_STORY}",
    f"---\ntitle: {'[' * 300}\n---\n{_STORY}", f"+++\ntitle = {'[' * 300}\n+++\n{_STORY}", f"{{\"title\": {'[' * 300}\n{_STORY}",
    f"---\nimage: javascript:a()\ncanonical_url: data:x\nurl: /x\ntitle: <script>a()</script>\n---\n{_STORY}",
)
FRONT_MATTER_WORDS = MARKDOWN_WORDS + _text(
    "title: ", "date: ", "+++\n", "---\n", "tags:\n- a\n", "draft: true", "!!binary ", "&a ", "*a", "<<: ", "? ", "|\n  ", ">-\n", "0x1F", "1:30:00", "2026-99-99",
    "date = 9999-12-31T23:59:59Z", "= [", "'''", '"""', "Title: ", "expiryDate: ", "0001-01-01", "image: ", "%YAML 1.2\n", "\\u0000", "\x85",
)

# --- HTML ------------------------------------------------------------------------------------------------------------

_PAGE = (
    '<!doctype html><html lang="en"><head><title>Ferry back | News</title><meta property="og:title" content="Ferry back"><link rel="canonical" '
    'href="https://news.example.org/ferry"><script type="application/ld+json">{{"@type": "NewsArticle", "headline": "Ferry back", "author": '
    '[{{"name": "Ada Byrne"}}], "datePublished": "2026-11-02T10:00:00Z", "image": {{"url": "javascript:a()"}}}}</script></head><body><nav>Home</nav>'
    "<article><h1>Ferry back</h1><p class=byline>By Ada Byrne</p><p>{0}</p>{1}<p>{0}</p><figure><img src=a.jpg><figcaption>The ferry</figcaption>"
    "</figure></article><footer>Imprint</footer></body></html>"
)
PAGES = (*_files("extract", ".html"), *_files("html_labelled", ".html"), *_text(*(_PAGE.format(_STORY, evil) for evil in EVIL)))
HTML_WORDS = tuple(evil.encode() for evil in EVIL) + _text(
    "<p>", "</p>", "<div>", "</div>", "<table>", "<td>", "<!--", "-->", "<![CDATA[", "]]>", "&#x6a;", "&colon;", "&Tab;", "&NewLine;", '"', "'", ">", "<", "/>", "=",
    'href="', 'src="', "<article>", "<h1>", "<h2>", "<figure>", "<img ", "<a ", '<meta property="og:image" content="', '<time datetime="', '"@type": "NewsArticle"',
    "<ul><li>", "<blockquote>", "<pre><code>", "\x00", "<body>", "<base href=", "xml:base=", "<html xmlns=", "<svg>", "<math>", "<title>", "<textarea>",
)

# --- feeds -----------------------------------------------------------------------------------------------------------

_ESCAPED = _STORY + "&lt;p onclick=&quot;a()&quot;&gt;x&lt;/p&gt;&lt;script&gt;a()&lt;/script&gt;"


def _rss(item: str, more: str = "") -> str:
    return (
        '<?xml version="1.0"?>' + more + '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'xmlns:media="http://search.yahoo.com/mrss/"><channel><title>News</title><item>{item}</item></channel></rss>'
    )


XML_FEEDS = _text(
    _rss(f"<guid>1</guid><title>Ferry back</title><link>javascript:a()</link><description>{_ESCAPED}</description><pubDate>Mon, 02 Nov 2026 10:00:00 +0100</pubDate>"),
    _rss(f"<title>x</title><content:encoded><![CDATA[<p>{_STORY}</p>]]></content:encoded><media:content url='data:x' medium='image'/><enclosure url='javascript:x' type='a/b' length='-1'/>"),
    '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://news.example.org/"><title>N</title><link rel="hub" href="https://hub.example/"/><entry><id>1</id><title type="html">'
    f'A &lt;b&gt;b&lt;/b&gt;</title><link href="x"/><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p onclick="a()">{_STORY}</p><script>a()</script></div></content>'
    "<updated>2026-11-02T10:00:00Z</updated></entry></feed>",
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><item rdf:about="x">'
    f"<title>Ferry</title><link>https://a.example/</link><description>{_ESCAPED}</description><dc:date>2026-11-02</dc:date></item></rdf:RDF>",
    _rss("<title>&a;</title>", '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'), _rss("<title>&a;</title>", '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
    *(_rss(f"<guid>1</guid><title>T</title><description><![CDATA[{evil.replace(']]>', '')}<p>{_STORY}</p>]]></description>") for evil in EVIL[::3]),
)
XML_WORDS = _text(
    "<item>", "</item>", "<entry>", "<title>", "<title type='html'>", "<guid>", "<guid isPermaLink='false'>", "<link>", "<link rel='hub' href='", "<description>", "<content:encoded>",
    "<![CDATA[", "]]>", "<pubDate>", "<dc:date>", "<dc:creator>", "<updated>", "xml:base='", "xml:lang='", "type='xhtml'", "type='application/octet-stream'", "mode='base64'",
    "<!DOCTYPE r [", "<!ENTITY a ", "%p;", "&a;", "&#0;", "&#xD800;", "<media:content url='", "<enclosure url='", "<itunes:duration>", "<georss:point>", "<?xml version='1.1'?>",
    "encoding='utf-16'", "<author>", "<category term='", "xmlns:x='", "<x:y>", "Mon, 99 Foo 2026", "</channel>", "<source>", "<wp:post_type>", "<wp:status>", "<excerpt:encoded>",
)
JSON_FEEDS = tuple(
    json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "N", "items": [item]}).encode()
    for item in (
        {"id": "1", "url": "/x", "title": "Ferry back", "content_html": f"<p>{_STORY}</p>" + EVIL[0], "date_published": "2026-11-02T10:00:00Z", "tags": ["a"]},
        {"id": 7, "external_url": "javascript:a()", "content_text": _STORY, "image": "data:x", "attachments": [{"url": "javascript:a()", "size_in_bytes": 1e400}]},
        {"id": None, "content_html": "".join(EVIL), "authors": [{"name": ["x"]}], "tags": {"a": 1}, "language": "xx-\u0000"},
        {"id": {"a": 1}, "content_text": "\ud800 lone", "summary": 5, "date_published": 9e99},
    )
)
JSON_WORDS = _text(
    '"items": [', '"id": ', '"url": "', '"content_html": "', '"content_text": "', '"attachments": [{', '"size_in_bytes": ', '"tags": [', '"authors": [{"name": "', "null", "1e999",
    "\\ud800", "\\u0000", "{", "}", "[", "]", ",", '"', "NaN", '"date_published": "', '"hubs": [{', "-0", '"language": "',
) + tuple(json.dumps(evil)[1:-1].encode() for evil in EVIL)
WORDPRESS_WORDS = _text(
    "<wp:post_type>page", "<wp:post_type>attachment", "<wp:status>future", "<wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value>", "[caption id='x']", "[/caption]", "[gallery ids='1,2']",
    "[embed]javascript:a()[/embed]", "<!-- wp:paragraph -->", "<!-- wp:html -->", "<!-- /wp:html -->", "[video src='", "<!--more-->", "[x", "<wp:post_date_gmt>0000-00-00 00:00:00",
)
WORDPRESS = _text(
    '<?xml version="1.0"?><rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"><channel><title>Blog</title><link>https://blog.example.org</link><wp:wxr_version>1.2</wp:wxr_version>'
    "<wp:author><wp:author_login>ada</wp:author_login><wp:author_display_name>Ada</wp:author_display_name></wp:author><item><title>Ferry back</title>"
    f"<link>https://blog.example.org/ferry</link><content:encoded><![CDATA[{_STORY}<script>a()</script>]]></content:encoded><wp:post_id>1</wp:post_id><wp:post_date_gmt>"
    "2026-11-02 10:00:00</wp:post_date_gmt><wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item></channel></rss>",
)


def _ghost(**post: Any) -> bytes:
    given = {"id": "1", "uuid": "u", "title": "Ferry back", "slug": "ferry", "status": "published", "type": "post", "published_at": "2026-11-02T10:00:00.000Z", **post}
    tables = {"posts": [given], "tags": [{"id": "t", "name": "Sea", "slug": "sea"}], "posts_tags": [{"post_id": "1", "tag_id": "t", "sort_order": 0}],
              "users": [{"id": "a", "name": "Ada Byrne"}], "posts_authors": [{"post_id": "1", "author_id": "a"}], "settings": [{"key": "title", "value": "Blog"}]}
    return json.dumps({"db": [{"meta": {"version": "5.0"}, "data": tables}]}).encode()


_EMBEDS = [["html", {"html": "".join(EVIL[:6])}], ["image", {"src": "javascript:a()", "caption": EVIL[0]}], ["embed", {"url": "data:x", "html": EVIL[3]}]]
_LEXICAL = {"root": {"children": [
    {"type": "paragraph", "children": [{"type": "text", "text": _STORY, "format": 3}, {"type": "link", "url": "javascript:a()", "children": [{"type": "text", "text": "x"}]}]},
    {"type": "html", "html": EVIL[2]}, {"type": "image", "src": "data:x", "alt": EVIL[0]}, {"type": "list", "listType": "bullet", "children": [{"type": "listitem", "children": []}]},
]}}
GHOST = (
    _ghost(html=f"<p>{_STORY}</p>{EVIL[0]}", feature_image="__GHOST_URL__/a.jpg"), _ghost(lexical=json.dumps(_LEXICAL)),
    _ghost(mobiledoc=json.dumps({"version": "0.3.1", "cards": _EMBEDS, "atoms": [], "markups": [["a", ["href", "javascript:a()"]]],
                                 "sections": [[1, "p", [[0, [0], 1, _STORY]]], [10, 0], [10, 1], [10, 2], [1, "script", [[0, [], 0, "a()"]]]]})),
    _ghost(html=5, status="scheduled", published_at=9e99, canonical_url="javascript:a()", title=None),
)


def pictures() -> tuple[bytes, ...]:
    """Small ones of each kind."""
    from PIL import Image  # noqa: PLC0415 - only where pictures are fuzzed

    found = []
    for kind in ("JPEG", "PNG", "GIF", "WEBP"):
        file = io.BytesIO()
        Image.new("RGB", (5, 4), (200, 30, 40)).save(file, kind)
        found.append(file.getvalue())
    return tuple(found)
