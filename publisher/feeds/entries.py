"""Articles as feeds show them: plain clean text, absolute links, stable ids. Pure.

An entry is safe for every format: what XML, JSON or a reader would choke on is gone from it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import NAMESPACE_URL, uuid5

from publisher import text, urls
from publisher.config import Settings
from publisher.model import Article, Enclosure, Listing, ListKind
from publisher.settings import Podcast, Site

#: Characters of a summary that is taken from the text.
SUMMARY_LENGTH = 300
#: `updated` of a feed without an entry: it must have one, and "now" would differ in every build.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_ADDRESS = re.compile(r"""(<(?:a|img|source|video|audio)\b[^>]*?\s(?:href|src)\s*=\s*)(["'])(.*?)\2""")
_URL_CHARACTERS = "%/:=&?~#+!$,;'@()*[]"


@dataclass(frozen=True, slots=True)
class Category:
    """A section or a tag."""

    name: str
    #: Of a section: its slug and the address that all sections lie under. Both empty for a tag.
    term: str = ""
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An article as every feed format shows it."""

    article_id: str
    #: Absolute address of its page.
    url: str
    #: Plain text, never empty.
    title: str
    #: Plain text, empty where the article says nothing short.
    summary: str
    #: HTML with absolute links; None in feeds of summaries.
    content: str | None
    #: UTC, in whole seconds.
    published: datetime
    #: UTC, in whole seconds; not before `published`.
    updated: datetime
    authors: tuple[str, ...]
    categories: tuple[Category, ...]
    #: BCP 47; empty where it is that of the feed.
    language: str
    #: Absolute, or empty.
    image: str
    caption: str
    credit: str
    enclosures: tuple[Enclosure, ...]
    #: Where it was first published, when that was elsewhere; absolute, or empty.
    via: str

    @property
    def id(self) -> str:
        """What feeds know it by."""
        return urn_of(self.article_id)


@dataclass(frozen=True, slots=True)
class Archive:
    """A feed's place in the site's history (RFC 5005)."""

    #: Number of the archive document before it, 0 where there is none.
    previous: int
    #: Its own number; 0 for the feed that readers subscribe to.
    number: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed without its entries, whatever its format."""

    #: Made from the site's host and path: survives a move from http to https.
    id: str
    title: str
    description: str
    #: Name of the publication, who is the author where an article names none.
    author: str
    #: Who may do what with it, or empty.
    rights: str
    site_url: str
    #: Address of the page that shows the same.
    home: str
    #: Address that the feed files lie under, with its closing slash; `addresses` come before it.
    folder: str
    language: str
    #: That of the entry updated last.
    updated: datetime
    #: Addresses of the WebSub hubs that push it.
    hubs: tuple[str, ...] = ()
    archive: Archive | None = None
    #: Ids of entries that were taken back, each with the instant (RFC 6721).
    deleted: tuple[tuple[str, datetime], ...] = ()
    podcast: Podcast | None = None
    #: Of a feed that is no file: its own address in each format, by file name.
    addresses: Mapping[str, str] = field(default_factory=dict)

    def address(self, file: str) -> str:
        """Its own address in the format whose files are called `file`."""
        return self.addresses.get(file) or self.folder + file

    def archived(self, number: int, file: str) -> str:
        """Address of an archive document in that format."""
        return urls.absolute(self.site_url.rstrip("/"), urls.archive_path(number)) + file


@dataclass(frozen=True, slots=True)
class Piece:
    """An entry in one format, as it stands in every feed."""

    data: bytes
    #: Of the entry; UTC.
    updated: datetime


def feed_of(
    settings: Settings, listing: Listing, name: str, updated: Iterable[datetime], *, archive: Archive | None = None,
    withdrawn: Iterable[tuple[str, datetime]] = (),
) -> Feed:
    """The feed of a list that is called `name` (of the site's: empty), with entries of these `updated`."""
    site, path, title = settings.site, urls.list_path(listing), text.one_line(settings.site.title)
    section = settings.feeds.section.get(listing.slug) if listing.kind == ListKind.SECTION else None
    number = archive.number if archive else 0
    return Feed(
        id=uuid5(NAMESPACE_URL, urls.canonical(site.url) + path).urn,
        title=f"{title} – {text.one_line(name) or listing.slug}" if listing.slug else title,
        description=text.one_line(site.description) or title,
        author=title,
        rights=f"© {title}" if settings.feeds.rights is None else text.one_line(settings.feeds.rights),
        site_url=urls.absolute(site.url, "/"),
        home=urls.absolute(site.url, path),
        folder=urls.absolute(site.url, urls.archive_path(number) if number else path),
        language=site.language,
        updated=max(updated, default=_NEVER),
        hubs=settings.hubs,
        archive=archive,
        deleted=tuple((urn_of(ident), _instant(when)) for ident, when in withdrawn),
        podcast=section.podcast if section else None,
    )


def urn_of(article_id: str) -> str:
    """What feeds know an article by: never changes (RFC 4122 section 3)."""
    return f"urn:uuid:{article_id}"


def entry_of(article: Article, site: Site, content: Literal["full", "summary"]) -> Entry:
    """`article` as an entry. Raises whatever is wrong with it: see `each`."""
    url = urls.absolute(site.url, urls.article_path(article.slug))
    summary = summary_of(article)
    published = _instant(article.published_at)
    enclosures = (Enclosure(_address(e.url, url), _media_type(e.type), max(e.length, 0)) for e in article.enclosures)
    return Entry(
        article_id=article.id,
        url=url,
        title=text.one_line(article.title) or text.shorten(summary, 80) or article.slug,
        summary=summary,
        content=_content(article, url) if content == "full" else None,
        published=published,
        updated=max(published, _instant(article.updated_at)),
        authors=tuple(name for name in map(text.one_line, article.authors) if name),
        categories=_categories(article, site),
        language=_language(article.language, site),
        image=_address(article.image, url),
        caption=text.one_line(article.caption),
        credit=text.one_line(article.credit),
        enclosures=tuple(enclosure for enclosure in enclosures if enclosure.url),
        via=_address(article.source_url, url),
    )


def summary_of(article: Article) -> str:
    """The standfirst, or the beginning of the text; plain text on one line."""
    standfirst = text.one_line(article.standfirst)
    return standfirst or text.shorten(text.one_line(article.content_text.partition("\n\n")[0]), SUMMARY_LENGTH)


def _content(article: Article, url: str) -> str:
    """All of the article: picture, standfirst and body, for readers that show nothing else."""
    body = _absolute_links(text.clean(article.content_html), url).strip()
    parts = [_figure(article, url, body), body]
    standfirst = text.one_line(article.standfirst)
    if standfirst:
        parts.insert(1, f"<p><strong>{html.escape(standfirst, quote=False)}</strong></p>")
    whole = "\n".join(part for part in parts if part)
    if text.direction(article.language) == "rtl" and whole:
        return f'<div dir="rtl">\n{whole}\n</div>'
    return whole


def _figure(article: Article, url: str, body: str) -> str:
    image = _address(article.image, url)
    if not image or html.escape(image) in body:
        return ""
    caption, credit = (html.escape(text.one_line(words)) for words in (article.caption, article.credit))
    below = " ".join(part for part in (caption, f"<small>{credit}</small>" if credit else "") if part)
    figcaption = f"<figcaption>{below}</figcaption>" if below else ""
    return f'<figure><img src="{html.escape(image)}" alt="{caption}">{figcaption}</figure>'


def _categories(article: Article, site: Site) -> tuple[Category, ...]:
    """The section, then the tags, each name once."""
    found: dict[str, Category] = {}
    section = text.one_line(article.section)
    if section:
        found[section.casefold()] = Category(section, urls.section_slug(section), urls.absolute(site.url, "/sections/"))
    for tag in map(text.one_line, article.tags):
        if tag:
            found.setdefault(tag.casefold(), Category(tag))
    return tuple(found.values())


def _absolute_links(markup: str, base: str) -> str:
    """`markup` with absolute addresses in links and images: many readers resolve nothing."""

    def resolved(match: re.Match[str]) -> str:
        found = _address(html.unescape(match[3]), base)
        return f"{match[1]}{match[2]}{html.escape(found)}{match[2]}"

    return _ADDRESS.sub(resolved, markup)


def _address(link: str, base: str) -> str:
    """`link` made absolute, in the ASCII that a URI allows (RFC 3986); empty where it cannot be."""
    absolute = urls.resolve(base, text.one_line(link)) if link else ""
    if not absolute:
        return ""
    try:
        parts = urlsplit(absolute)
        host = parts.netloc.encode("idna").decode() if not parts.netloc.isascii() else parts.netloc
    except ValueError:
        return ""
    rest = (quote(part, safe=_URL_CHARACTERS) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit((parts.scheme, host, *rest))


def _language(found: str, site: Site) -> str:
    """`found` where it is a language tag (BCP 47) other than the feed's, else empty."""
    sound = re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", found)
    return found if sound and found.lower() != site.language.lower() else ""


def _media_type(found: str) -> str:
    return found if re.fullmatch(r"[\w.+-]+/[\w.+-]+", found, re.ASCII) else "application/octet-stream"


def _instant(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"a date without a zone: {moment.isoformat()}")
    return moment.astimezone(UTC).replace(microsecond=0)
