"""How an edition looks: subject, HTML part and text part, rendered once for all who get the same. Pure but for Jinja2.

    articles | arrange | stories | digest.html -> inline CSS | digest.txt -> Rendered, at most 80 kB of HTML

What is personal stays open as a slot (`publisher.slots`). The templates receive `Page`'s fields by name, and `wrap`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from itertools import count
from urllib.parse import urlsplit

import css_inline

from publisher import slots
from publisher.digest import prose, words
from publisher.digest.select import Arrangement, arrange
from publisher.errors import PublisherError
from publisher.model import Article
from publisher.settings import Newsletter, Site
from publisher.templating import Templates
from publisher.text import direction, one_line, reading_minutes, shorten
from publisher.urls import absolute, article_path

#: Bytes of the HTML part (Gmail clips near 102 kB), less what the slots may grow by.
HTML_BYTES = 80_000 - 2_000
#: Stories told with their summaries, the lead included; further ones stand *In brief*.
TOLD = 15

#: Characters of a section's or an author's name.
_LABEL = 80
_INLINER = css_inline.CSSInliner(keep_at_rules=True, minify_css=True, load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Edition:
    """What is to be rendered."""

    #: "scheduled", "manual" or "welcome".
    kind: str
    #: The issue's date.
    on: date
    #: Never none.
    articles: Sequence[Article]
    #: Articles of earlier editions that were corrected since.
    corrected: Sequence[Article] = ()
    #: All but the newest story by their headlines alone.
    headlines: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """A digest as rendered: the parts hold slots for what is personal."""

    subject: str
    html: str
    text: str
    #: Ids of the articles that stand in it, in the order in which they are read.
    article_ids: tuple[str, ...]
    #: Ids of those that stand in it because they were corrected.
    corrected_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """A story as the templates see it; all text is plain."""

    id: str
    #: Its place in the edition, from 1.
    number: int
    title: str
    #: Absolute.
    url: str
    #: The standfirst or the first sentences; may be empty.
    summary: str
    #: Opening paragraphs, of the lead story only.
    excerpt: tuple[str, ...]
    #: Name of its section, or empty.
    section: str
    #: As "By Anna Petrenko", or empty.
    byline: str
    #: Host where it was first published, where that is not this site; or empty.
    source: str
    #: As "4 min".
    minutes: str
    language: str
    #: "ltr" or "rtl", of the article's language.
    direction: str


@dataclass(frozen=True, slots=True)
class Group:
    """Stories under the name of their section, which may be empty."""

    name: str
    stories: tuple[Story, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What the templates receive."""

    #: Of the newsletter, as "The Daily Courier".
    title: str
    site_title: str
    #: Public address of the home page.
    site_url: str
    #: BCP 47.
    language: str
    direction: str
    #: As "Sunday, 22 November 2026".
    date: str
    #: As "8 stories".
    count: str
    #: Reading time of all stories.
    minutes: str
    subject: str
    preheader: str
    #: Paragraph before the lead story (a welcome), or empty.
    intro: str
    lead: Story
    sections: tuple[Group, ...]
    brief: tuple[Story, ...]
    #: Sentence on the stories that found no room, or empty.
    left_out: str
    #: Stories of earlier editions that were corrected since.
    corrected: tuple[Story, ...]
    #: Sentence above them, or empty.
    corrections_intro: str
    #: Lines of the publisher's address, may be none.
    postal_address: tuple[str, ...]
    #: Slots.
    unsubscribe_url: str
    preferences_url: str
    email: str


def render(templates: Templates, site: Site, newsletter: Newsletter, edition: Edition) -> Rendered:
    """How this edition looks; `kind` "welcome" opens with a greeting.

    The newest 15 stories are told (of an edition of headlines one), the rest are headlines; where the HTML part would
    pass 80 kB, fewer are told, and at the last fewer headlines stand. Raises PublisherError where a template fails, or
    is too big by itself.
    """
    def draw(told: int, brief: int) -> tuple[Page, str]:
        arranged = arrange(edition.articles, newsletter.sections, told=told, brief=brief)
        page = _page(site, newsletter, edition, arranged)
        return page, _html(templates, page)

    total = len(edition.articles)
    most = 1 if edition.headlines else TOLD
    told = _most(min(most, total), lambda n: _fits(draw(n, total - n)[1]))
    brief = total - told if told else _most(total - 1, lambda n: _fits(draw(1, n)[1]))
    page, html = draw(max(1, told), brief)
    if not _fits(html):
        raise PublisherError(f"template digest/digest.html: the HTML part is over {HTML_BYTES} bytes with one story")
    text = templates.render("digest/digest.txt", _context(page))
    told_stories = (story for group in page.sections for story in group.stories)
    shown = tuple(story.id for story in (page.lead, *told_stories, *page.brief))
    return Rendered(page.subject, html, text, shown, tuple(article.id for article in edition.corrected))


def _most(highest: int, fits: Callable[[int], bool]) -> int:
    """The highest number from 1 to `highest` that fits, 0 where none does; what fits stays so for lower ones."""
    if highest < 1 or fits(highest):
        return max(0, highest)
    low, high = 0, highest
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low


def _fits(html: str) -> bool:
    return len(html.encode()) <= HTML_BYTES


def _html(templates: Templates, page: Page) -> str:
    return _INLINER.inline(templates.render("digest/digest.html", _context(page)))


def _context(page: Page) -> dict[str, object]:
    return {field.name: getattr(page, field.name) for field in fields(page)} | {"wrap": prose.wrap}


def _page(site: Site, newsletter: Newsletter, edition: Edition, arranged: Arrangement) -> Page:
    articles = edition.articles
    title = one_line(newsletter.title or site.title)
    numbers = count(1)
    lead = _story(site, arranged.lead, next(numbers), leading=True)
    sections = tuple(
        Group(_label(section.name), tuple(_story(site, article, next(numbers)) for article in section.articles))
        for section in arranged.sections
    )
    return Page(
        title=title,
        site_title=one_line(site.title),
        site_url=absolute(site.url, "/"),
        language=site.language,
        direction=direction(site.language),
        date=words.day(edition.on),
        count=words.stories(len(articles)),
        minutes=words.reading(sum(reading_minutes(article.content_text) for article in articles)),
        subject=prose.subject(arranged.lead.title, title),
        preheader=prose.preheader(arranged.lead),
        intro=words.welcome(title) if edition.kind == "welcome" else "",
        lead=lead,
        sections=sections,
        brief=tuple(_story(site, article, next(numbers)) for article in arranged.brief),
        left_out=words.left_out(arranged.left_out) if arranged.left_out else "",
        corrected=tuple(_story(site, article, next(numbers)) for article in edition.corrected),
        corrections_intro=words.corrections(len(edition.corrected)) if edition.corrected else "",
        postal_address=tuple(line.strip() for line in site.postal_address.splitlines() if line.strip()),
        unsubscribe_url=slots.UNSUBSCRIBE_URL,
        preferences_url=slots.PREFERENCES_URL,
        email=slots.EMAIL,
    )


def _story(site: Site, article: Article, number: int, *, leading: bool = False) -> Story:
    language = article.language or site.language
    starts_at_once = leading and not article.standfirst.strip()  # the excerpt says it all
    return Story(
        id=article.id,
        number=number,
        title=prose.headline(article),
        url=absolute(site.url, article_path(article.slug)),
        summary="" if starts_at_once else prose.summary(article),
        excerpt=prose.excerpt(article) if leading else (),
        section=_label(article.section),
        byline=words.byline([_label(author) for author in article.authors]),
        source=_source(article.source_url, site.url),
        minutes=words.reading(reading_minutes(article.content_text)),
        language=language,
        direction=direction(language),
    )


def _label(name: str) -> str:
    return shorten(prose.calm(name), _LABEL)


def _source(url: str, site_url: str) -> str:
    try:
        host, ours = urlsplit(url).hostname or "", urlsplit(site_url).hostname
    except ValueError:
        return ""
    return "" if host == ours else prose.calm(host.removeprefix("www."))
