"""How an edition looks: both parts, their links and their budget."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from publisher import slots
from publisher.digest.render import HTML_BYTES, TOLD, Edition, Rendered, render
from publisher.errors import PublisherError
from publisher.model import Article
from publisher.settings import Newsletter, Site
from publisher.templating import Templates

Make = Callable[..., Article]
SITE = Site(title="The Example Courier", url="https://news.example.org", postal_address="12 Harbour Street\nMillport")
DAILY = Newsletter(name="daily", title="The Daily Courier")
TEMPLATES = Templates()


class Seen(HTMLParser):
    """What a strict reader of the HTML part sees; fails on a tag that closes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "img", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def seen(html: str) -> Seen:
    parser = Seen()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


def draw(articles: list[Article], *, site: Site = SITE, newsletter: Newsletter = DAILY, kind: str = "scheduled") -> Rendered:
    return render(TEMPLATES, site, newsletter, Edition(kind, date(2026, 11, 22), articles))


def links(found: Rendered) -> tuple[set[str], set[str]]:
    html = {a["href"] or "" for a in seen(found.html).all("a")}
    return {link for link in html if "/articles/" in link}, set(re.findall(r"^https://\S+/articles/\S+$", found.text, re.MULTILINE))


@pytest.mark.parametrize("number", [1, 2, 12, 60, 200])
def test_both_parts_hold_every_story_link_and_the_unsubscribe_link(make_article: Make, number: int) -> None:
    """However many stories: the same links, in HTML and on lines of their own in the text."""
    articles = [make_article(n, section=("News", "Arts", "")[n % 3]) for n in range(1, number + 1)]
    found = draw(articles)
    expected = {f"https://news.example.org/articles/{a.slug}" for a in articles}
    assert links(found) == (expected, expected)
    assert set(found.article_ids) == {a.id for a in articles}
    assert any(a["href"] == slots.UNSUBSCRIBE_URL for a in seen(found.html).all("a"))
    assert f"\n{slots.UNSUBSCRIBE_URL}\n" in found.text


def test_what_is_personal_stays_open_as_slots(make_article: Make) -> None:
    """Address and links are filled for each reader; the rest is the same for all."""
    found = draw([make_article(1)])
    values = {
        slots.EMAIL: "reader@example.com", slots.UNSUBSCRIBE_URL: "https://news.example.org/u/TOKEN",
        slots.PREFERENCES_URL: "https://news.example.org/preferences/TOKEN",
    }
    for part in (found.html, found.text):
        filled = slots.fill(part, values)
        assert slots.OPEN not in filled
        assert "reader@example.com" in filled
        assert "https://news.example.org/u/TOKEN" in filled
        assert "https://news.example.org/preferences/TOKEN" in filled
    assert slots.OPEN not in found.subject


def test_the_html_is_made_for_every_mail_client(make_article: Make) -> None:
    """Language and direction, one h1, an h2 for each story told, tables for layout only, styles inline."""
    found = seen(draw([make_article(n) for n in range(1, 9)]).html)
    assert found.all("html") == [{"lang": "en", "dir": "ltr"}]
    wrapper = found.all("div")[1]
    assert (wrapper["lang"], wrapper["dir"]) == ("en", "ltr")
    assert len(found.all("h1")) == 1
    assert len(found.all("h2")) == 8
    assert all(heading["dir"] == "auto" for heading in found.all("h2"))
    assert all(table["role"] == "presentation" for table in found.all("table"))
    assert any(table.get("width") == "600" for table in found.all("table"))
    assert all("underline" in (a.get("style") or "") for a in found.all("a"))
    assert all(p.get("style") for p in found.all("p"))
    assert not found.all("img")
    assert not found.all("script")


def test_the_style_that_stays_is_for_dark_mode_and_phones_only(make_article: Make) -> None:
    """Everything else is inlined; the charset is declared where a browser looks for it."""
    html = draw([make_article(1)]).html
    (style,) = re.findall(r"<head><style>(.*?)</style>", html, re.DOTALL)
    outside = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^}]*\})*\s*\}", "", style)
    assert outside.strip() == ""
    assert "prefers-color-scheme: dark" in style
    assert "max-width: 620px" in style
    assert html.encode().index(b'charset="utf-8"') < 1024


def test_later_stories_turn_to_headlines_before_the_html_passes_80_kb(make_article: Make) -> None:
    """200 long stories fit: the newest are told, each one has its link, none is cut in the middle."""
    articles = [
        make_article(n, slug=f"a-story-with-a-long-slug-of-many-words-{n}", title="A headline of usual length, and some words more " + str(n),
                     standfirst="A standfirst that takes its time & tells <more> than it must. " * 7)
        for n in range(1, 201)
    ]
    found = draw(articles)
    assert len(found.html.encode()) <= HTML_BYTES
    assert len(found.article_ids) == 200
    html = seen(found.html)
    assert 1 < len(html.all("h2")) <= TOLD + 1
    assert len(html.all("li")) + len(html.all("h2")) - 1 == 200


def test_more_headlines_than_fit_are_counted(make_article: Make) -> None:
    """2,000 stories: as many as fit, the newest first, and a line that says how many more there are."""
    found = draw([make_article(n) for n in range(1, 2001)])
    assert len(found.html.encode()) <= HTML_BYTES
    more = 2000 - len(found.article_ids)
    assert more > 0
    assert f"And {more:,} stories more on our site" in found.html
    assert f"And {more:,} stories more on our site" in found.text
    assert links(found)[0] == links(found)[1]


HOSTILE = [
    "<script>alert(1)</script>", "=?utf-8?q?a=0ABcc=3A_x=40y?=", "\u202eright to left\u202c", "x" * 10_000, "&" * 300,
    '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }} {% raw %}", "-- ", "Two\nlines\r\nBcc: a@b.example", "😀" * 500,
]


@pytest.mark.parametrize("title", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text(make_article: Make, title: str) -> None:
    """Markup is escaped, templates are not run, headers get one line, the layout holds, the budget too."""
    values = {"title": title, "standfirst": title * 3, "section": title, "authors": (title,) * 9, "content_text": title * 50}
    found = draw([make_article(n, **values) for n in range(1, 60)])
    html = seen(found.html)
    assert not html.all("script")
    assert not html.all("img")
    assert len(found.html.encode()) <= HTML_BYTES
    assert len(found.subject) <= 60
    assert "\n" not in found.subject
    assert "\u202e" not in found.html + found.text
    assert found.text.count("\n-- \n") == 1
    assert max(len(line) for line in found.text.split("\n")) <= 72
    assert len(html.all("h1")) == 1


def test_an_arabic_story_keeps_its_own_direction(make_article: Make) -> None:
    """In an English digest, its block is marked as Arabic and right to left; a whole Arabic site turns round."""
    arabic = make_article(1, language="ar", title="مكتبة المدينة تفتح أبوابها ليلاً", standfirst="حتى منتصف الليل.")
    found = seen(draw([arabic, make_article(2)]).html)
    assert {"lang": "ar", "dir": "rtl"} in found.all("div")
    page = seen(draw([arabic], site=SITE.model_copy(update={"language": "ar"})).html)
    assert page.all("html") == [{"lang": "ar", "dir": "rtl"}]


def test_the_masthead_tells_title_date_and_reading_time(make_article: Make) -> None:
    """In words, whatever the process's locale."""
    found = draw([make_article(1, content_text="word " * 900), make_article(2)])
    for part in (unescape(found.html).replace("\u00a0", " "), found.text):
        assert "Sunday, 22 November 2026 · 2 stories · 5 min of reading" in part
    assert "<h1" in found.html
    assert found.text.startswith("THE DAILY COURIER\n")


def test_a_welcome_edition_says_so(make_article: Make) -> None:
    """And no other edition does."""
    welcome, usual = draw([make_article(1)], kind="welcome"), draw([make_article(1)])
    assert "Welcome to The Daily Courier" in welcome.html
    assert "Welcome to The Daily Courier" in welcome.text
    assert "Welcome" not in usual.html + usual.text


def test_the_preheader_comes_from_the_lead(make_article: Make) -> None:
    """Short, honest, and the first words of the body."""
    html = draw([make_article(1), make_article(2, standfirst="The lead's own words.")]).html
    body = re.sub(r"<[^>]*>", "", html.partition("<body")[2].partition(">")[2])
    assert unescape(body).strip().startswith("The lead's own words.")


def test_the_footer_says_why_and_where_from(make_article: Make) -> None:
    """Why one gets it, the unsubscribe link, and the postal address, after the signature mark of the text part."""
    found = draw([make_article(1)])
    footer = found.text.partition("\n-- \n")[2]
    assert f"{slots.EMAIL}\nis subscribed to The Daily Courier." in footer
    assert "12 Harbour Street\nMillport" in footer
    assert "12 Harbour Street, Millport" in found.html
    assert draw([make_article(1)], site=SITE.model_copy(update={"postal_address": ""})).text.endswith(f"{slots.UNSUBSCRIBE_URL}\n")


def test_equal_input_gives_equal_bytes(make_article: Make) -> None:
    """A variant rendered twice is the same."""
    articles = [make_article(n) for n in range(1, 30)]
    assert draw(articles) == draw(articles)


def test_a_template_that_is_too_big_by_itself_is_refused(make_article: Make, tmp_path: Path) -> None:
    """With one story left there is nothing more to move; the error names the template."""
    (tmp_path / "digest").mkdir()
    (tmp_path / "digest/digest.html").write_text("<html><head></head><body>" + "x" * 90_000 + "</body></html>")
    with pytest.raises(PublisherError, match=r"digest/digest\.html"):
        render(Templates(tmp_path), SITE, DAILY, Edition("scheduled", date(2026, 11, 22), [make_article(1)]))
