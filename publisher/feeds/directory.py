"""What leads to the articles: OPML of all feeds, sitemaps, robots.txt. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from xml.sax.saxutils import escape, quoteattr

from publisher import text, urls
from publisher.model import SITE_LISTING, Listing, ListKind
from publisher.settings import Site

#: Addresses in a sitemap: far below what the protocol allows (50,000), so that a new article rewrites little.
CHUNK = 1000
#: What Google News asks for: articles of two days, at most a thousand.
NEWS_AGE = timedelta(days=2)
NEWS_MOST = 1000

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SITEMAP = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_NEWS = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
_KINDS = ((ListKind.SECTION, "Sections"), (ListKind.TAG, "Tags"), (ListKind.AUTHOR, "Authors"))
#: Pages for one reader alone, and what is no page.
_CLOSED = (
    "/address/", "/confirm/", "/erase/", "/export/", "/feed/", "/inbox/", "/new-address/", "/preferences/", "/push/",
    "/u/",
)


class Headline(Protocol):
    """An article in a sitemap."""

    @property
    def slug(self) -> str:
        """Last part of its address."""

    @property
    def title(self) -> str:
        """Plain text."""

    @property
    def language(self) -> str:
        """BCP 47, or empty."""

    @property
    def published_at(self) -> datetime:
        """When it went live."""

    @property
    def updated_at(self) -> datetime:
        """When it was corrected last."""


def opml(site: Site, known: dict[ListKind, list[tuple[str, str]]]) -> bytes:
    """OPML 2.0 of all feeds, in their RSS format; `known` has (slug, name) of the lists of each kind."""
    title = text.one_line(site.title)
    lines = [_outline(site, SITE_LISTING, title)]
    for kind, heading in _KINDS:
        inner = [_outline(site, Listing(kind, slug), text.one_line(name) or slug) for slug, name in known.get(kind, ())]
        if inner:
            lines += [f'<outline text="{heading}" title="{heading}">', *inner, "</outline>"]
    head = f"<head>\n<title>{escape(title)}</title>\n<docs>http://opml.org/spec2.opml</docs>\n</head>"
    return _bytes(f'<opml version="2.0">\n{head}\n<body>\n' + "\n".join(lines) + "\n</body>\n</opml>")


def _outline(site: Site, listing: Listing, title: str) -> str:
    page = urls.absolute(site.url, urls.list_path(listing))
    return (
        f'<outline type="rss" text={quoteattr(title)} title={quoteattr(title)} xmlUrl={quoteattr(page + "rss.xml")} '
        f"htmlUrl={quoteattr(page)}/>"
    )


def sitemap_index(site: Site, chunks: int) -> bytes:
    """The index of the sitemaps: that of the lists, and of so many chunks of articles."""
    names = ["lists", *map(str, range(1, chunks + 1))]
    where = (escape(urls.absolute(site.url, f"/sitemaps/{name}.xml")) for name in names)
    maps = [f"<sitemap><loc>{address}</loc></sitemap>" for address in where]
    return _bytes(f"<sitemapindex {_SITEMAP}>\n" + "\n".join(maps) + "\n</sitemapindex>")


def sitemap(site: Site, found: Sequence[Headline]) -> bytes:
    """The articles of a chunk; of one that has lost them all, for a sitemap may not be empty, the front page."""
    rows = [(urls.article_path(one.slug), max(one.updated_at, one.published_at)) for one in found]
    return _urls(site, rows or [("/", None)])


def sitemap_of_lists(site: Site, known: dict[ListKind, list[tuple[str, str]]]) -> bytes:
    """The front page, the archive, the form, and the pages of all lists."""
    paths = [urls.list_path(Listing(kind, slug)) for kind, _ in _KINDS for slug, _ in known.get(kind, ())]
    return _urls(site, [(path, None) for path in ("/", "/archive/", "/subscribe", *paths)])


def _urls(site: Site, rows: Iterable[tuple[str, datetime | None]]) -> bytes:
    lines = []
    for path, changed in rows:
        told = f"<lastmod>{_instant(changed)}</lastmod>" if changed else ""
        lines.append(f"<url><loc>{escape(urls.absolute(site.url, path))}</loc>{told}</url>")
    return _bytes(f"<urlset {_SITEMAP}>\n" + "\n".join(lines) + "\n</urlset>")


def news_sitemap(site: Site, newest: Sequence[Headline]) -> bytes:
    """The articles of the two days before the latest of them (Google News sitemap protocol).

    Not before now: the same store gives the same bytes at any time.
    """
    last = max((one.published_at for one in newest), default=None)
    name = escape(text.one_line(site.title))
    lines = []
    for one in newest:
        if last is not None and last - one.published_at <= NEWS_AGE:
            language = escape(_news_language(one.language or site.language))
            where = escape(urls.absolute(site.url, urls.article_path(one.slug)))
            lines.append(
                f"<url><loc>{where}</loc><news:news><news:publication><news:name>{name}</news:name>"
                f"<news:language>{language}</news:language></news:publication>"
                f"<news:publication_date>{_instant(one.published_at)}</news:publication_date>"
                f"<news:title>{escape(text.one_line(one.title) or one.slug)}</news:title></news:news></url>"
            )
    return _bytes(f"<urlset {_SITEMAP} {_NEWS}>\n" + "\n".join([*lines, "</urlset>"]))


def robots(site: Site) -> bytes:
    """For crawlers (RFC 9309): where the sitemaps are, and what is for one reader alone."""
    prefix = urls.absolute(site.url, "").partition("://")[2].partition("/")[2]
    base = f"/{prefix}" if prefix else ""
    maps = (urls.absolute(site.url, path) for path in ("/sitemap.xml", "/news-sitemap.xml"))
    closed = (f"Disallow: {base}{path}" for path in _CLOSED)
    return "\n".join(("User-agent: *", *closed, "", *(f"Sitemap: {one}" for one in maps), "")).encode()


def _news_language(tag: str) -> str:
    """ISO 639, but for the two that Google tells apart."""
    return tag.lower() if tag.lower() in ("zh-cn", "zh-tw") else tag.partition("-")[0].lower()


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def _bytes(markup: str) -> bytes:
    return text.clean(_DECLARATION + markup + "\n").encode()
