"""What an article becomes before any format is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from publisher.config import Settings
from publisher.feeds.entries import SUMMARY_LENGTH, Category, Feed, entry_of, feed_of
from publisher.feeds.pieces import ATOM, make
from publisher.isolation import Fault
from publisher.model import SITE_LISTING, Article, Enclosure, Listing, ListKind
from publisher.settings import Site

NewArticle = Callable[..., Article]
SITE = Site(title="The Test Courier", url="https://news.example/paper", description="Tests & more")


def feed(site: Site = SITE, section: str = "", name: str = "", updated: Iterable[datetime] = ()) -> Feed:
    listing = Listing(ListKind.SECTION, section) if section else SITE_LISTING
    return feed_of(Settings(site=site), listing, name, updated)


def test_I1_the_id_survives_everything_that_can_be_edited(new_article: NewArticle) -> None:
    """Title, slug, section and text may change: the id is that of the store."""
    article = new_article(5)
    other = replace(article, title="New", slug="new", section="Other", content_html="<p>New</p>", source_url="https://x.org")
    assert entry_of(article, SITE, "full").id == entry_of(other, SITE, "full").id == f"urn:uuid:{article.id}"


def test_the_feed_id_survives_a_move_to_https() -> None:
    """http or https, with www or without, is the same feed; a section is another one."""
    ids = {feed(Site(url=url)).id for url in ("http://news.example", "https://news.example", "https://www.news.example")}
    assert len(ids) == 1
    assert feed(Site(url="https://news.example"), "news").id not in ids


def test_links_are_absolute_and_below_the_path_of_the_site(new_article: NewArticle) -> None:
    """The page, and what the text links to, whatever form the link had."""
    html = (
        '<p><a href="/about?a=1&amp;b=2">a</a> <a href="https://else.example/ü x">b</a> <img src="p.png" alt="">'
        ' <a href="javascript:alert(1)">c</a></p>'
    )
    entry = entry_of(new_article(content_html=html), SITE, "full")
    assert entry.url == "https://news.example/paper/articles/story-1"
    assert entry.content is not None
    assert 'href="https://news.example/about?a=1&amp;b=2"' in entry.content
    assert 'href="https://else.example/%C3%BC%20x"' in entry.content
    assert 'src="https://news.example/paper/articles/p.png"' in entry.content
    assert "javascript" not in entry.content


def test_addresses_are_uris(new_article: NewArticle) -> None:
    """Spaces and letters beyond ASCII are encoded; what is no web address is left out."""
    entry = entry_of(
        new_article(
            image="https://bücher.example/ä b.jpg", source_url="ftp://x.example/",
            enclosures=(Enclosure("https://x.example/a b.mp3", "audio/mpeg", -1), Enclosure("javascript:x", "x/y")),
        ),
        SITE, "full",
    )
    assert entry.image == "https://xn--bcher-kva.example/%C3%A4%20b.jpg"
    assert entry.via == ""
    assert entry.enclosures == (Enclosure("https://x.example/a%20b.mp3", "audio/mpeg", 0),)


def test_text_is_plain_and_clean(new_article: NewArticle) -> None:
    """Controls, lone surrogates and line ends are gone; markup stays as the author wrote it, as text."""
    entry = entry_of(
        new_article(title="A\x00 <b>\ud800bold</b>\n\x1b title", standfirst="x\u0085y", authors=("", "\x01", "A\nB")),
        SITE, "full",
    )
    assert entry.title == "A <b>bold</b> title"
    assert entry.summary == "xy"
    assert entry.authors == ("A B",)


def test_an_article_without_title_or_standfirst_gets_them_from_its_text(new_article: NewArticle) -> None:
    """A feed needs a title; a summary is short."""
    entry = entry_of(new_article(title="", standfirst="", content_text="word " * 500), SITE, "full")
    assert entry.title.startswith("word word")
    assert len(entry.summary) <= SUMMARY_LENGTH + 1
    bare = entry_of(new_article(title="", standfirst="", content_text="", content_html=""), SITE, "full")
    assert (bare.title, bare.summary, bare.content) == ("story-1", "", "")


def test_dates_are_utc_and_updated_is_never_before_published(new_article: NewArticle) -> None:
    """Whole seconds; a scheduled article that was last edited before its time counts from its time."""
    there = timezone(timedelta(hours=5))
    entry = entry_of(
        new_article(
            published_at=datetime(2026, 11, 22, 15, 0, 0, 700, tzinfo=there), updated_at=datetime(2026, 11, 1, tzinfo=UTC)
        ),
        SITE, "full",
    )
    assert entry.published == entry.updated == datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_the_feed_is_as_old_as_its_newest_update() -> None:
    """Never "now"; an empty feed has a fixed date."""
    late = datetime(2026, 11, 20, tzinfo=UTC)
    assert feed(updated=[late - timedelta(days=1), late]).updated == late
    assert feed().updated == datetime(1970, 1, 1, tzinfo=UTC)


def test_section_and_tags_are_categories_once(new_article: NewArticle) -> None:
    """A tag that is called like the section, or comes twice, is not repeated."""
    entry = entry_of(new_article(section="Town News", tags=("town news", "Harbour", "harbour", " ")), SITE, "full")
    assert entry.categories == (
        Category("Town News", "town-news", "https://news.example/paper/sections/"), Category("Harbour"),
    )


@pytest.mark.parametrize(("language", "shown"), [("ar", "ar"), ("EN", ""), ("", ""), ("x\x01", ""), ("de-CH", "de-CH")])
def test_the_language_of_an_entry_is_told_where_it_differs(
    new_article: NewArticle, language: str, shown: str
) -> None:
    """The feed's own language is not repeated, and what is no language tag is not told."""
    assert entry_of(new_article(language=language), SITE, "full").language == shown


def test_content_holds_all_of_the_article(new_article: NewArticle) -> None:
    """Picture with caption and credit, standfirst, body: for readers that show nothing else."""
    entry = entry_of(
        new_article(image="https://x.example/a.jpg", caption='The "old" quay', credit="A & B", standfirst="5 < 6"), SITE,
        "full",
    )
    assert entry.content == (
        '<figure><img src="https://x.example/a.jpg" alt="The &quot;old&quot; quay"><figcaption>The &quot;old&quot; quay '
        "<small>A &amp; B</small></figcaption></figure>\n<p><strong>5 &lt; 6</strong></p>\n<p>The text of story 1.</p>"
    )


def test_a_picture_that_stands_in_the_text_is_not_shown_twice(new_article: NewArticle) -> None:
    """Sources often name the first picture of the text as the image."""
    entry = entry_of(
        new_article(image="https://x.example/a.jpg", content_html='<p><img src="https://x.example/a.jpg"></p>'), SITE, "full"
    )
    assert entry.content is not None
    assert entry.content.count("<img") == 1


def test_text_from_right_to_left_says_so(new_article: NewArticle) -> None:
    """Readers show it the right way round."""
    entry = entry_of(new_article(language="ar", content_html="<p>مرحبا</p>", standfirst=""), SITE, "full")
    assert entry.content == '<div dir="rtl">\n<p>مرحبا</p>\n</div>'


def test_summary_feeds_have_no_content(new_article: NewArticle) -> None:
    """As the configuration says."""
    assert entry_of(new_article(), SITE, "summary").content is None


def test_I12_a_bad_article_is_named(new_article: NewArticle) -> None:
    """With its id and the reason."""
    fault = make(new_article(2, published_at=datetime(2026, 1, 1)), SITE, "full", ATOM)
    assert isinstance(fault, Fault)
    assert fault.article_id == new_article(2).id
    assert "without a zone" in fault.reason


def test_a_list_goes_by_its_name() -> None:
    """The title names site and list; the description is the site's."""
    found = feed(section="town-quay", name="Town & Quay")
    assert found.title == "The Test Courier – Town & Quay"
    assert found.home == found.folder == "https://news.example/paper/sections/town-quay/"
    assert found.description == "Tests & more"
