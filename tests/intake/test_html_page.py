"""Web pages: what they say of themselves, and their body."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from publisher.errors import DocumentError
from publisher.intake import json_ld
from publisher.intake.html_page import parse
from publisher.model import Extracted

PROSE = "".join(f"<p>Paragraph {n} of the article goes on for long enough to be taken for running text by anyone.</p>" for n in (1, 2, 3))


def made(page: str) -> Extracted:
    return parse(page, ZoneInfo("UTC"), now=datetime(2026, 11, 22, tzinfo=UTC), base_url="https://courier.example.org/")


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ("<title>Bridge opens | Courier</title>", "<h1>Courier</h1><h1>Bridge opens</h1>", "Bridge opens"),
        ("<title>Courier</title>", "<h1>Bridge opens</h1>", "Bridge opens"),
        ("<title>Courier</title><meta property='og:title' content='Bridge opens'>", "<h1>A</h1><h1>B</h1>", "Bridge opens"),
        ("<title>Courier – The bridge opens again – News</title>", "", "The bridge opens again"),
        ("<title>x</title><meta property='og:title' content='Bridge opens'>", "<h1>Bridge <em>opens</em></h1><h1>Bridge</h1>", "Bridge opens"),
    ],
)
def test_the_title_is_the_h1_that_the_page_confirms(head: str, body: str, title: str) -> None:
    """The h1 that `<title>` or og:title contains, the only h1, og:title, the longest part of `<title>`: in this order."""
    assert made(f"<html><head>{head}</head><body>{body}{PROSE}</body></html>").title == title


def test_schema_org_data_is_read() -> None:
    """Authors, section, tags and date come from JSON-LD, also inside a graph and beside broken scripts."""
    data = """<script type="application/ld+json">{broken</script><script type="application/ld+json">{"@graph": [{"@type": "WebSite",
    "name": "C"}, {"@type": ["NewsArticle"], "author": [{"name": "Ann Other"}, "Ben Some"], "articleSection": ["News", "Local"],
    "keywords": "bridge, river", "datePublished": "2026-11-05T07:30:00+01:00", "image": {"url": "/i.jpg"}, "inLanguage": "en"}]}</script>"""
    found = made(f"<html><head><title>T of the page</title>{data}</head><body>{PROSE}</body></html>")
    assert found.authors == ("Ann Other", "Ben Some")
    assert (found.section, found.tags, found.language) == ("News", ("bridge", "river"), "en")
    assert found.published_at == datetime(2026, 11, 5, 6, 30, tzinfo=UTC)
    assert found.image == "https://courier.example.org/i.jpg"


def test_meta_elements_are_read() -> None:
    """Without JSON-LD, meta elements and the canonical link speak."""
    head = """<title>T</title><link rel=canonical href="https://courier.example.org/n/1"><meta name=author content="By Ann Other and Ben Some">
    <meta property=article:section content=News><meta property=article:tag content=a><meta property=article:tag content=b>
    <meta property=article:published_time content="2026-11-05">"""
    found = made(f"<html><head>{head}</head><body><h1>T</h1>{PROSE}<p><a href='../x'>l</a></p></body></html>")
    assert found.authors == ("Ann Other", "Ben Some")
    assert (found.section, found.tags, found.source_url) == ("News", ("a", "b"), "https://courier.example.org/n/1")
    assert found.published_at == datetime(2026, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("figure", "caption", "credit"),
    [
        ("<figcaption>The bridge © Agency / Person</figcaption>", "The bridge", "Agency / Person"),
        ("<figcaption>The bridge <span class=photo-credit>Photo: Person</span></figcaption>", "The bridge", "Person"),
        ("<figcaption>The bridge (Foto: Person)</figcaption>", "The bridge", "Person"),
        ("<figcaption>The bridge</figcaption>", "The bridge", ""),
        ("", "", ""),
    ],
)
def test_a_caption_is_parted_from_its_credit(figure: str, caption: str, credit: str) -> None:
    """The lead picture's figure gives caption and credit, however the page marks the latter."""
    found = made(f"<title>T</title><article><h1>T</h1><figure><img src=/a.jpg>{figure}</figure>{PROSE}</article>")
    assert (found.caption, found.credit, found.image) == (caption, credit, "https://courier.example.org/a.jpg")
    assert not caption or caption not in found.content_text


@pytest.mark.parametrize(
    "page",
    [
        "<h1>T</h1><p class='article-dek'>The summary of it all</p>",
        "<h1>T</h1><h2>The summary of it all</h2>",
        "<meta name=description content='The summary of it all'><header><h1>T</h1><p>The summary of it all</p></header>",
        "<header><h1>T</h1><p>The summary of it all, which says in one sentence what the article is about.</p></header>",
    ],
)
def test_the_standfirst_is_found_and_leaves_the_body(page: str) -> None:
    """By its class, its place or the page's description; the body does not repeat it."""
    found = made(f"<html><head><title>T</title></head><body>{page}{PROSE}</body></html>")
    assert found.standfirst.startswith("The summary of it all")
    assert "summary" not in found.content_text


def test_inner_structure_is_kept() -> None:
    """Subheadings, both kinds of lists, quotations, tables, emphasis, code and links survive."""
    inner = (
        "<h2>Part</h2><ol><li>One</li><li>Two</li></ol><ul><li>Three</li></ul><blockquote><p>Quoted.</p></blockquote>"
        "<p>Some <strong>bold</strong> and <a href='/x'>linked</a> words, which <q>speak</q> for themselves in this place.</p>"
        "<table><tr><th>Head</th></tr><tr><td>Cell</td></tr></table>"
    )
    html = made(f"<html><head><title>T of it</title></head><body><article><h1>T of it</h1>{PROSE}{inner}{PROSE}</article></body></html>").content_html
    for piece in ("<h2>Part</h2>", "<ol><li>One</li>", "<ul><li>Three</li>", "<blockquote>", "<strong>bold</strong>", "“speak”", "<th>", "<td>"):
        assert piece in html, piece
    assert '<a href="https://courier.example.org/x">linked</a>' in html


@pytest.mark.parametrize("rest", [PROSE * 3, ""])
def test_a_line_break_within_an_address_is_none_of_it(rest: str) -> None:
    """As browsers read it: whatever way the text was found, no address is escaped together with the break."""
    link = "<p>Some words and <a href='/harbour\n/crane'>linked</a> and <a href='java&#10;script:x'>other</a> ones.</p>"
    html = made(f"<title>T of it</title><main><h1>T of it</h1>{rest}{link}{rest}</main>").content_html
    assert '<a href="https://courier.example.org/harbour/crane">linked</a>' in html
    assert "script:" not in html


def test_a_short_page_is_read_by_its_structure() -> None:
    """Where the usual extraction finds nothing, the article element or the body is taken, less the page's parts."""
    found = made("<title>T</title><nav>Menu</nav><main><h1>T</h1><p>Short.</p></main><footer>Imprint</footer>")
    assert found.content_text == "Short."


def test_a_page_that_is_none_is_refused() -> None:
    """No title, or nothing that can be parsed: each has its reason."""
    for page in ("<p>text</p>", "<!-- -->", "<?xml version='1.0'?>"):
        with pytest.raises(DocumentError):
            made(page)


def test_json_ld_survives_nonsense() -> None:
    """Deep nesting, wrong types and missing names are passed over."""
    deep = "[" * 5000 + "]" * 5000
    assert json_ld.article([deep, '{"@type": 5}', "null", '"x"', '{"@type": "Person"}']) == {}
    assert json_ld.strings([None, 3, {"x": 1}, " a ", {"name": "b"}]) == ["a", "b"]
    assert json_ld.url([{"contentUrl": "/i.png"}]) == "/i.png"


def test_a_table_of_contents_or_a_bio_is_no_standfirst() -> None:
    """What is said of the author, of a picture, or by a form is not the article's summary."""
    for aside in (
        "<div class=author-bio><p>Ann Other writes about bridges and rivers, and has done so for many years in this paper.</p></div>",
        "<div class=wp-caption><p>The bridge on a summer morning, as it was seen from the other bank of the river.</p></div>",
        "<div class=newsletter><p>Want to know more? Leave your address in the form and hear from us every single week.</p></div>",
        "<ul><li>A list of other stories that might be of interest to those who read this one to its end.</li></ul>",
    ):
        assert made(f"<title>T</title><body><header><h1>T</h1>{aside}</header><article>{PROSE}</article>").standfirst == ""


@pytest.mark.parametrize(
    ("markup", "authors"),
    [
        ('<script type="application/ld+json">{"@graph": [{"@type": "Article", "author": {"@id": "#ann"}}, {"@type": "Person", "@id": "#ann", "name": "Ann Other"}]}</script>', ("Ann Other",)),
        ('<script type="application/ld+json">{"@type": "Article", "author": "By Ann Other and Ben Some"}</script>', ("Ann Other", "Ben Some")),
        ('<script type="application/ld+json">{"@type": "Article", "author": {"@type": "Organization", "name": "The Agency"}}</script><p class=byline>By Ann Other</p>', ("Ann Other",)),
        ('<script type="application/ld+json">{"@type": "Article", "author": {"@type": "Organization", "name": "The Agency"}}</script>', ("The Agency",)),
        ("<meta name=author content='https://example.org/ann'><p>By <a href=/authors/ann>Ann Other</a> on 5 May 2026</p>", ("Ann Other",)),
        ("<div class=byline>Ann Other <span>Senior Politics Editor, The Example Post</span></div>", ("Ann Other",)),
        ("<div class=byline>by <a>Ann Other</a> <a>@annother</a> May 5, 2026, 1:55pm</div>", ("Ann Other",)),
        ("<div class=byline>By ANN OTHER, BEN SOME and CY THIRD</div>", ("ANN OTHER", "BEN SOME", "CY THIRD")),
        ("<p>5 May 2026 • Laura E. Adkins</p>", ("Laura E. Adkins",)),
        ("<p><span>Written By</span></p><p>Ann Other</p>", ("Ann Other",)),
        ("<span itemprop=author><span itemprop=name>Ann Other</span></span>", ("Ann Other",)),
        ("<p>著者：後藤大地</p>", ("後藤大地",)),
        ("<div class=comment><span class=author>Jane Doe</span></div>", ()),
        ("<p>By the river the bridge stands</p>", ()),
    ],
)
def test_authors_are_people(markup: str, authors: tuple[str, ...]) -> None:
    """Names without offices, handles, dates and addresses; agencies only where no person is named; commenters never."""
    assert made(f"<title>The bridge opens</title><h1>The bridge opens</h1>{markup}{PROSE}").authors == authors


@pytest.mark.parametrize(
    ("markup", "instant"),
    [
        ("<meta property=article:published_time content='2026-07-03'>", "2026-07-03T00:00:00+01:00"),
        ("<meta itemprop=datePublished content='2026-07-03T23:30:00-0700'>", "2026-07-03T23:30:00-07:00"),
        ("<meta name=date content='01/07/16'><meta property=og:published_time content='2026-07-03T00:00:00+09:00'>", "2026-07-03T00:00:00+09:00"),
        ('<script type="application/ld+json">{"@type": "WebPage", "datePublished": "2026-07-03T06:00:00Z"}</script><p>Updated July 9, 2026</p>', "2026-07-03T06:00:00+00:00"),
        ("<p>Updated on July 9, 2026</p><p>Published on July 3, 2026</p>", "2026-07-03T00:00:00+01:00"),
        ("<p><time datetime='2026-07-03T10:00+02:00'>Friday</time></p><p><time datetime='2026-07-01'>Wednesday</time></p>", "2026-07-03T10:00:00+02:00"),
        ("<p>23/6/2026</p>", "2026-06-23T00:00:00+01:00"),
        ("<link rel=canonical href='https://example.org/2026/07/03/bridge'>", "2026-07-03T00:00:00+01:00"),
    ],
)
def test_the_date_is_the_one_of_publication(markup: str, instant: str) -> None:
    """It keeps the offset, and so the day, that the page gives; without one it is in the site's zone."""
    page = f"<title>The bridge opens</title><h1>The bridge opens</h1>{markup}{PROSE}"
    found = parse(page, ZoneInfo("Europe/London"), now=datetime(2026, 11, 22, tzinfo=UTC))
    assert found.published_at is not None
    assert found.published_at.isoformat() == instant


def test_an_order_that_could_be_either_is_no_date_but_where_the_page_tells() -> None:
    """3/4/2026 is March in American English, and nothing elsewhere."""
    for language, day in (("en-US", "2026-03-04"), ("en-GB", None)):
        found = made(f"<html lang={language}><title>T</title><h1>The bridge opens</h1><p>3/4/2026</p>{PROSE}").published_at
        assert day is None or (found is not None and found.date().isoformat() == day)


def test_the_title_is_never_the_sites() -> None:
    """Logos in h1, headings that link home, and headings without a text below them are passed over."""
    logo = "<header><h1><a href='/'>The Example Courier</a></h1></header>"
    popup = "<div><h1>Original text</h1></div>"
    assert made(f"<title>The bridge opens - The Example Courier</title>{logo}<h2>The bridge opens</h2>{PROSE}").title == "The bridge opens"
    assert made(f"<title>The bridge opens</title><p>{PROSE}</p>{popup}").title == "The bridge opens"


def test_a_promo_in_the_body_is_a_related_link() -> None:
    """A short paragraph that is one link, labelled or not, is no part of the text."""
    promo = "<p>Read more: <a href='/two'>The other bridge closes again</a></p>"
    alone = "<p><a href='/three'>The third bridge is not built</a></p>"
    inline = "<p>As <a href='/x'>we wrote</a> before, the bridge is old and will be replaced by a new one soon enough.</p>"
    found = made(f"<title>T</title><article><h1>T</h1>{PROSE}{promo}{inline}{alone}{PROSE}</article>")
    assert [(story.title, story.url) for story in found.related] == [
        ("The other bridge closes again", "https://courier.example.org/two"),
        ("The third bridge is not built", "https://courier.example.org/three"),
    ]
    assert "other bridge" not in found.content_text
    assert "we wrote" in found.content_text


@pytest.mark.parametrize(
    ("img", "source"),
    [
        ("<img src='/a.jpg' alt='A'>", "/a.jpg"),
        ("<img src='data:image/gif;base64,R0' data-src='/lazy.jpg'>", "/lazy.jpg"),
        ("<img srcset='/s.jpg 400w, /l.jpg 1200w'>", "/l.jpg"),
        ("<picture><source srcset='/w.webp 2x'><img src='data:,'></picture>", "/w.webp"),
    ],
)
def test_pictures_between_paragraphs_are_kept_in_place(img: str, source: str) -> None:
    """With their captions, which are no part of the text; also lazy ones and those that come in sizes."""
    figure = f"<figure>{img}<figcaption>The river</figcaption></figure>"
    one, two = PROSE, PROSE.replace("Paragraph", "Further paragraph")
    found = made(f"<title>T</title><article><h1>T</h1><figure><img src=/lead.jpg></figure>{one}{figure}{two}</article><aside>{img}</aside>")
    assert f'<img src="https://courier.example.org{source}"' in found.content_html
    assert found.content_html.count("<img") == 1
    assert found.content_html.index("Paragraph 3") < found.content_html.index("<figcaption>The river") < found.content_html.index("Further")
    assert "The river" not in found.content_text


def test_a_canonical_address_of_the_front_page_is_none() -> None:
    """Many systems point there from every page; the article would be mistaken for all others."""
    found = made(f"<title>T</title><link rel=canonical href='https://example.org/'><meta property=og:url content='https://example.org/a'><h1>T</h1>{PROSE}")
    assert found.source_url == "https://example.org/a"


def test_odd_pages_are_read() -> None:
    """XHTML with short tags, no body, a base, several articles, and text behind the end of the page."""
    xhtml = f"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title>T</title><script src='x'/></head><body><h1>T</h1>{PROSE}</body></html>"
    assert "Paragraph 2" in made(xhtml).content_text
    assert "Paragraph 2" in made(f"<title>T</title><h1>T</h1>{PROSE}").content_text
    based = made(f"<base href='https://example.org/deep/'><title>T</title><h1>T</h1>{PROSE}<p>Then <a href='x'>this link</a> follows in running text.</p>")
    assert '<a href="https://example.org/deep/x">' in based.content_html
    several = made(f"<title>T</title><article><h1>T</h1>{PROSE}</article><article><h2>Other</h2><p>Teaser.</p></article>")
    assert "Paragraph 3" in several.content_text
    late = made(f"<html><head><title>T</title></head><body><header>x</header></body></html><h1>T</h1>{PROSE}")
    assert "Paragraph 1" in late.content_text
    with pytest.raises(DocumentError, match="frames"):
        made("<html><head><title>T</title></head><frameset><frame src=a></frameset></html>")


@pytest.mark.parametrize(
    "block",
    [
        "<p>Sign up for our newsletter and never miss a bridge.</p>",
        "<h3>Subscribe for the latest updates</h3>",
        "<p><strong>Would you like to receive notifications about new posts?</strong></p>",
        "<p>Abonnez-vous à notre lettre</p>",
        "<p>Table of Contents</p>",
        "<p>© 2026 The Courier. All rights reserved.</p>",
    ],
)
def test_what_is_the_pages_own_leaves_the_body(block: str) -> None:
    """Pleas to subscribe, rights, and headings of lists of contents."""
    assert made(f"<html><head><title>T of it</title></head><body><article><h1>T of it</h1>{PROSE}{block}</article></body></html>").content_html == (
        made(f"<html><head><title>T of it</title></head><body><article><h1>T of it</h1>{PROSE}</article></body></html>").content_html
    )


def test_an_article_about_newsletters_keeps_its_text() -> None:
    """Only a short block that both asks and offers is a plea."""
    kept = "<h2>Why a newsletter outlives its readers</h2><p>The newsletter of the ferry began in 1911 with a poem.</p>"
    found = made(f"<html><head><title>T of it</title></head><body><article><h1>T of it</h1>{PROSE}{kept}</article></body></html>")
    assert "Why a newsletter outlives" in found.content_html
    assert "with a poem" in found.content_html


def test_meta_elements_with_a_value_are_read() -> None:
    """Some systems write `value` where `content` is meant."""
    head = "<title>T</title><meta name=author value='Ann Other'><meta name='article:published_time' value='2026-11-05'>"
    found = made(f"<html><head>{head}</head><body><h1>T</h1>{PROSE}</body></html>")
    assert found.authors == ("Ann Other",)
    assert found.published_at == datetime(2026, 11, 5, tzinfo=UTC)


def test_a_sites_name_before_the_title_is_none_of_it() -> None:
    """As blogs write it: the site's name is the only h1, and the title a lesser heading of two words."""
    head = "<title>My Blog: Crane day</title><h1><a href='/'>My Blog</a></h1>"
    assert made(f"{head}<div><h3>Crane day</h3>{PROSE}</div>").title == "Crane day"


def test_an_article_that_is_called_a_newsletters_has_a_standfirst() -> None:
    """What the whole article is called says nothing of its lines."""
    page = f"<title>Crane letters</title><article class='newsletter-post'><h1>Crane letters</h1><h3 class='subtitle'>What I saw at the quay</h3>{PROSE}</article>"
    found = made(page)
    assert found.standfirst == "What I saw at the quay"
    assert "quay" not in found.content_text


def test_a_footer_above_the_text_tells_who_wrote_it() -> None:
    """In the article itself, as some systems have it; in the page's own footer nobody is looked for."""
    said = "Soumis par <span>Camille Noret</span> le 20/11/2026 - 09:30"
    page = "<title>La grue</title><main><h1>La grue</h1><article>{}" + f"<div>{PROSE}</div></article></main>"
    found = made(page.format(f"<footer><div>{said}</div></footer>"))
    assert found.authors == ("Camille Noret",)
    assert found.published_at == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    assert made(page.format("") + "<footer>Tuned by Ann Other</footer>").authors == ()


def test_a_link_to_its_section_above_the_text_names_it() -> None:
    """Not where the page states another; and a link in the text stays there."""
    link = "<p><a href='/tag/harbour/'>Harbour</a></p>"
    page = "<title>Crane day</title>{}<article><h1>Crane day</h1>{}</article>"
    found = made(page.format("", link + PROSE))
    assert (found.section, "Harbour" in found.content_text) == ("Harbour", False)
    stated = made(page.format("<meta property='article:section' content='Local'>", link + PROSE))
    assert (stated.section, "Harbour" in stated.content_text) == ("Local", False)
    assert "Harbour" in made(page.format("", PROSE + link + PROSE)).content_html
