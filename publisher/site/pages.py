"""Articles as pages: what each template is given. Pure.

Every page stands in the frame of `templates/site/base.html`, whose context `frame` makes; addresses on a page are
without host, so that a page works under any name that leads to the server.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from publisher import text, urls
from publisher.model import SITE_LISTING, Article, ArticleStatus, Listing, ListKind, Related
from publisher.settings import Site
from publisher.templating import safe

#: Characters of a page's description and of the teaser under a headline.
TEASER_LENGTH = 220
#: Characters of the beginning that stands below the first story.
_OPENING_LENGTH = 700
#: Characters of a title in a list: a headline that goes on for pages must not hide the others.
_TITLE_LENGTH = 240
#: A text that changes sooner after its appearance was not corrected, only finished.
_CORRECTION = timedelta(minutes=2)
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed that a page announces."""

    title: str
    #: Media type.
    type: str
    url: str


@dataclass(frozen=True, slots=True)
class SectionLink:
    """A section in the navigation; also a tag, or an author."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, for machines and for people."""

    #: RFC 3339, in UTC.
    iso: str
    #: In the site's zone.
    day: str
    #: As "22 November 2026, 14:05".
    full: str


@dataclass(frozen=True, slots=True)
class Story:
    """An article in a list."""

    #: Address of its page, without host.
    path: str
    title: str
    teaser: str
    #: The beginning of the text, where the teaser is something else.
    opening: str
    section: SectionLink | None
    authors: str
    published: Moment
    minutes: int
    #: Address of an image, without host where it is ours; or empty.
    image: str
    caption: str
    #: Of the article, else of the site.
    lang: str
    dir: str


def frame(
    site: Site, *, title: str, path: str, description: str = "", sections: Sequence[SectionLink] = (),
    listing: Listing = SITE_LISTING, name: str = "", lang: str = "", robots: str = "",
) -> dict[str, object]:
    """The context of `base.html` for the page at `path` (empty: a page without an address of its own to keep).

    `listing`, which is called `name`, adds its feeds to those of the site.
    """
    language = lang or site.language
    return {
        "site": site,
        "title": text.one_line(title),
        "description": text.one_line(description),
        "canonical": urls.absolute(site.url, path) if path else "",
        "feeds": feed_links(site) + (feed_links(site, listing, name) if listing.slug else []),
        "sections": list(sections),
        "lang": language,
        "dir": text.direction(language),
        "robots": robots,
    }


def feed_links(site: Site, listing: Listing = SITE_LISTING, name: str = "") -> list[FeedLink]:
    """The feeds of the site, or of another list that is called `name`."""
    folder = urls.list_path(listing)
    of = f"{site.title} – {text.one_line(name) or listing.slug}" if listing.slug else site.title
    return [
        FeedLink(f"{of} ({label})", media_type, local(site, folder + file))
        for file, media_type, label in urls.FEED_FORMATS
    ]


def list_links(site: Site, kind: ListKind, names: Sequence[str]) -> list[SectionLink]:
    """Links to the lists of these names."""
    known = [(urls.section_slug(name), name) for name in map(text.one_line, names) if name]
    return [
        SectionLink(name, local(site, urls.list_path(Listing(kind, slug))) if slug else "") for slug, name in known
    ]


def section_links(site: Site, sections: Sequence[tuple[str, str]]) -> list[SectionLink]:
    """Navigation to these sections, given as (slug, name)."""
    paths = (urls.list_path(Listing(ListKind.SECTION, slug)) for slug, _ in sections)
    return [
        SectionLink(text.one_line(name) or slug, local(site, path))
        for (slug, name), path in zip(sections, paths, strict=True)
    ]


def local(site: Site, path: str) -> str:
    """`path` on this site, without the host: below the path of the site's address, where that has one."""
    return urlsplit(site.url).path.rstrip("/") + path


def article_page(article: Article, site: Site, size: tuple[int, int] | None = None) -> dict[str, object]:
    """The context of `article.html`. Nothing in it depends on other articles: a page is built once per change.

    `size`: width and height of the lead picture in pixels, where they are known.
    """
    section = _section(article, site)
    slug = urls.section_slug(article.section)
    context = frame(
        site, title=article.title, path=urls.article_path(article.slug), description=_teaser(article),
        sections=[section] if section else [],
        listing=Listing(ListKind.SECTION, slug) if section else SITE_LISTING, name=section.name if section else "",
        lang=article.language, robots="noindex" if article.status == ArticleStatus.UNLISTED else "",
    )
    corrected = article.updated_at - max(article.published_at, article.first_seen_at) > _CORRECTION
    return context | {
        "story": story(article, site),
        "standfirst": text.one_line(article.standfirst),
        "credit": text.one_line(article.credit),
        "body": _body(article, site),
        "shared_image": _web(article.image),
        "picture_size": size,
        "updated": moment(article.updated_at, site) if corrected else None,
        "related": [Related(text.one_line(item.title), _web(item.url)) for item in article.related],
        "tags": list_links(site, ListKind.TAG, article.tags),
        "authors": list_links(site, ListKind.AUTHOR, article.authors),
        "enclosures": [item for item in article.enclosures if _web(item.url)],
        "origin": _origin(article),
        "linked_data": _linked_data(article, site),
    }


def moved_page(heir: Article, site: Site) -> dict[str, object]:
    """The context of `moved.html`: the page of an article that was merged into `heir`."""
    path = urls.article_path(heir.slug)
    return {
        "lang": heir.language or site.language,
        "title": text.one_line(heir.title),
        "path": local(site, path),
        "url": urls.absolute(site.url, path),
    }


def list_page(
    stories: Sequence[Story], site: Site, sections: Sequence[tuple[str, str]], *, listing: Listing = SITE_LISTING,
    name: str = "",
) -> dict[str, object]:
    """The context of `home.html`, or of `section.html` for any other list, called `name`: stories, newest first."""
    shown = text.one_line(name) or listing.slug
    path = urls.list_path(listing)
    context = frame(
        site, title=f"{shown} – {site.title}" if listing.slug else site.title, path=path,
        description=f"{shown} – {site.title}" if listing.slug else site.description,
        sections=section_links(site, sections), listing=listing, name=shown,
    )
    return context | {"stories": list(stories), "name": shown, "kind": listing.kind.value, "here": local(site, path)}


def story(article: Article, site: Site) -> Story:
    """`article` in a list."""
    language = article.language or site.language
    return Story(
        path=local(site, urls.article_path(article.slug)),
        title=text.shorten(text.one_line(article.title), _TITLE_LENGTH),
        teaser=_teaser(article),
        opening=text.shorten(text.one_line(article.content_text), _OPENING_LENGTH) if article.standfirst else "",
        section=_section(article, site),
        authors=_names(article.authors),
        published=moment(article.published_at, site),
        minutes=text.reading_minutes(article.content_text),
        image=_picture(article, site),
        caption=text.one_line(article.caption),
        lang=language,
        dir=text.direction(language),
    )


def moment(instant: datetime, site: Site) -> Moment:
    """`instant` for machines, and for people in the site's zone."""
    there = instant.astimezone(site.zone)
    day = f"{there.day} {_MONTHS[there.month - 1]} {there.year}"
    iso = instant.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    return Moment(iso, day, f"{day}, {there:%H:%M}")


def _section(article: Article, site: Site) -> SectionLink | None:
    slug = urls.section_slug(article.section)
    return section_links(site, [(slug, article.section)])[0] if slug else None


def _names(authors: Sequence[str]) -> str:
    """The names in one line, as "A, B and C"."""
    names = [name for name in map(text.one_line, authors) if name]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _teaser(article: Article) -> str:
    first = article.content_text.partition("\n\n")[0]
    return text.shorten(text.one_line(article.standfirst or first), TEASER_LENGTH)


def _body(article: Article, site: Site) -> str:
    ours = urls.absolute(site.url, urls.picture_path(""))
    body = article.content_html.replace(f'<img src="{ours}', f'<img src="{local(site, urls.picture_path(""))}')
    return safe(text.clean(body))


def _picture(article: Article, site: Site) -> str:
    """The address of the lead picture on a page: without host where it is ours."""
    ours = urls.absolute(site.url, urls.picture_path(""))
    image = _web(article.image)
    return local(site, urls.picture_path(image.removeprefix(ours))) if image.startswith(ours) else image


def _web(url: str) -> str:
    """`url` where it leads to the web, else empty: a page links to nothing that runs."""
    return urls.resolve("", url) if url.startswith(("http://", "https://")) else ""


def _origin(article: Article) -> Related | None:
    """Where the article was first published, named by its host."""
    url = _web(article.source_url)
    host = urlsplit(url).hostname or ""
    return Related(host.removeprefix("www."), url) if host else None


def _linked_data(article: Article, site: Site) -> str:
    """The article for search engines (schema.org NewsArticle, as JSON-LD)."""
    page = urls.absolute(site.url, urls.article_path(article.slug))
    data = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "mainEntityOfPage": page,
        "headline": text.shorten(text.one_line(article.title), 110),
        "description": _teaser(article),
        "datePublished": moment(article.published_at, site).iso,
        "dateModified": moment(max(article.updated_at, article.published_at), site).iso,
        "inLanguage": article.language or site.language,
        "articleSection": text.one_line(article.section),
        "keywords": [text.one_line(tag) for tag in article.tags],
        "image": [_web(article.image)] if _web(article.image) else [],
        "author": [{"@type": "Person", "name": text.one_line(name)} for name in article.authors]
        or [{"@type": "Organization", "name": site.title}],
        "publisher": {"@type": "Organization", "name": site.title, "url": urls.absolute(site.url, "/")},
    }
    dumped = json.dumps({key: value for key, value in data.items() if value}, ensure_ascii=False)
    # Within a script element only "<" could end it, and "&" stays as it is.
    return safe(dumped.replace("<", "\\u003c"))
