"""What a page says about its article: title, people, date, section, picture; by our own rules over JSON-LD,
OpenGraph, meta elements and the page itself. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from publisher import urls
from publisher.intake import byline, dates, json_ld, shape
from publisher.text import fold, one_line

#: An element of lxml, whose types are not published.
Element = Any

_TITLE_PARTS = re.compile(r"\s+[|–—·•»«:-]\s+|\s*[|»«]\s*")
_STANDFIRST_CLASS = re.compile(
    r"(?:^|[\s_-])(?:standfirst|dek|deck|sub-?title|sub-?head(?:line|ing)?|lede?|intro(?:duction)?|kicker-text|summary|tagline|teaser)(?:$|[\s_-])",
    re.IGNORECASE,
)
_BYLINE_CLASS = re.compile(
    r"(?:^|[\s_-])(?:by-?line|author(?:-?name)?s?|writer|contributor)(?:$|[\s_-])", re.IGNORECASE
)
_CREDIT_CLASS = re.compile(r"credit|copyright|photographer|byline|source", re.IGNORECASE)
_CREDIT_PREFIX = re.compile(
    r"^(?:\(?\s*(?:©|\(c\))|(?:photo(?:graph)?|image|picture|foto|bild|credit)s?(?:\s+by|\s*[:：]))\s*",
    re.IGNORECASE,
)
#: Elements of text below the headline among which its standfirst is found.
_NEAR = 30
_NOT_A_SECTION = re.compile(r"^(?:home|homepage|index|uncategori[sz]ed)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Meta:
    """What was found; empty where nothing was."""

    title: str
    standfirst: str
    section: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    language: str
    published_at: datetime | None
    #: The page's own address.
    url: str
    #: What its relative links are relative to.
    base: str
    image: str
    caption: str
    credit: str


class Page:
    """A parsed page with its meta elements and JSON-LD article at hand."""

    def __init__(self, tree: Element) -> None:
        self.tree = tree
        self.meta: dict[str, list[str]] = {}
        for element in tree.iter("meta"):
            name = element.get("property") or element.get("name") or element.get("itemprop") or ""
            if content := one_line(element.get("content") or ""):
                self.meta.setdefault(name.lower(), []).append(content)
        scripts = tree.xpath("//script[@type='application/ld+json']/text()")
        self.data = json_ld.article([str(script) for script in scripts])

    def first(self, *names: str) -> str:
        """The first content among the named meta elements."""
        return next((self.meta[name][0] for name in names if name in self.meta), "")

    def texts(self, path: str) -> list[str]:
        """The non-empty texts of the elements at an XPath."""
        return [line for element in self.tree.xpath(path) if (line := text_of(element))]


def text_of(element: Element) -> str:
    """The text of `element` on one line."""
    return one_line(" ".join(piece for piece in element.itertext() if isinstance(piece, str)))


def read(tree: Element, zone: ZoneInfo, base_url: str) -> Meta:
    """What the page `tree` says of its article; dates without a zone are in `zone`."""
    page = Page(tree)
    address = _address(page, base_url)
    bases = [urls.resolve(address or base_url, str(link)) for link in tree.xpath("//base/@href")[:1]]
    base = next(iter(bases), "") or address or base_url
    heading, title = _title(page)
    image, caption, credit = _picture(page, base)
    return Meta(
        title=title,
        standfirst=_standfirst(page, heading, title),
        section=_section(page),
        authors=_authors(page),
        tags=_tags(page),
        language=_language(page),
        published_at=_date(page, heading, zone),
        url=address,
        base=base,
        image=image,
        caption=caption,
        credit=credit,
    )


def _address(page: Page, base_url: str) -> str:
    links = page.tree.xpath("//link[@rel='canonical']/@href")
    stated = [*map(str, links), page.first("og:url")]
    stated += [json_ld.url(page.data.get(key)) for key in ("mainEntityOfPage", "url")]
    found = (urls.resolve(base_url, link) for link in stated if link and not link.startswith("mailto:"))
    return next((address for address in found if address), "")


def _title(page: Page) -> tuple[Element | None, str]:
    """(h1 element or None, title).

    The h1 that `<title>` or og:title contains, else the only h1, else og:title, else the longest part of `<title>`.
    """
    headings = [(element, line) for element in page.tree.iter("h1") if (line := text_of(element))]
    whole = next((line for line in page.texts("//head/title | //title")), "")
    shared = page.first("og:title", "twitter:title") or next(iter(json_ld.strings(page.data.get("headline"))), "")
    around = [f" {fold(whole)} ", f" {fold(shared)} "]
    contained = [pair for pair in headings if any(f" {fold(pair[1])} " in said for said in around) and fold(pair[1])]
    if contained:
        return max(contained, key=lambda pair: len(pair[1]))
    if len(headings) == 1:
        return headings[0]
    if shared:
        return None, shared
    return None, max(_TITLE_PARTS.split(whole), key=len, default="").strip()


def _standfirst(page: Page, heading: Element | None, title: str) -> str:
    """The author's summary.

    An element that is named so, the subheading right below the h1, or a description that stands on the page as a line
    of its own.
    """
    for element in _after(page.tree, heading, ("p", "h2", "h3", "div", "span", "strong")):
        named = f"{element.get('class') or ''} {element.get('itemprop') or ''}"
        if _STANDFIRST_CLASS.search(named) and _is_one_block(element) and _fits(line := text_of(element), title):
            return line
    if heading is not None:
        below = heading.getnext()
        if below is not None and below.tag in ("h2", "h3") and _fits(line := text_of(below), title):
            return line
    descriptions = (page.first("og:description"), page.first("description"))
    described = {fold(line) for line in descriptions if _fits(line, title)}
    for element in page.tree.iter("p", "h2", "h3", "h4"):
        if described and (line := text_of(element)) and fold(line) in described:
            return line
    return ""


def _after(tree: Element, heading: Element | None, tags: tuple[str, ...]) -> list[Element]:
    """The elements that follow the h1 closely; without an h1, the page's first ones."""
    if heading is None:
        return list(islice(tree.iter(*tags), _NEAR))
    return list(islice((e for e in heading.xpath("following::*") if e.tag in tags), _NEAR))


def _is_one_block(element: Element) -> bool:
    return sum(1 for _ in element.iterdescendants("p", "div", "h2", "h3", "ul", "article", "section")) <= 1


def _fits(line: str, title: str) -> bool:
    return shape.words(line) >= 4 and len(line) <= 500 and fold(line) != fold(title) and not byline.authors(line)


def _section(page: Page) -> str:
    stated = json_ld.strings(page.data.get("articleSection"))
    stated.append(page.first("article:section", "section", "parsely-section"))
    stated += page.texts("//*[contains(@class,'breadcrumb')]//a")[-1:]
    named = (line for line in map(one_line, stated) if line and len(line) <= 40)
    return next((line for line in named if not _NOT_A_SECTION.match(line)), "")


def _authors(page: Page) -> tuple[str, ...]:
    stated = [name for name in json_ld.strings(page.data.get("author")) if not name.startswith("http")]
    keys = ("author", "article:author", "dc.creator", "parsely-author")
    stated = stated or [name for key in keys for name in page.meta.get(key, [])]
    stated = [name for name in stated if not name.startswith(("http", "@"))]
    if stated:
        return _unique(part for name in stated for part in (byline.names(name) or (one_line(name),)))
    near = page.texts("//*[@rel='author'] | //*[@itemprop='author']//*[@itemprop='name'] | //*[@itemprop='author']")
    near += [text_of(e) for e in page.tree.iter("p", "span", "div", "a", "address") if _is_byline(e)]
    for line in near:
        if len(line) < 100 and (found := byline.authors(line) or byline.person(line)):
            return found
    return ()


def _is_byline(element: Element) -> bool:
    if not _BYLINE_CLASS.search(element.get("class") or ""):
        return False
    return not any("comment" in f"{e.get('class')} {e.get('id')}".lower() for e in element.iterancestors())


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for item in items if item))


def _tags(page: Page) -> tuple[str, ...]:
    stated = json_ld.strings(page.data.get("keywords")) or page.meta.get("article:tag", [])
    stated = stated or [page.first("news_keywords", "keywords")]
    return _unique(one_line(part) for line in stated for part in line.split(","))


def _language(page: Page) -> str:
    stated = [str(value) for value in page.tree.xpath("/html/@lang")] or json_ld.strings(page.data.get("inLanguage"))
    stated += [page.first("og:locale", "content-language")]
    tags = (line.strip().replace("_", "-") for line in stated)
    return next((tag for tag in tags if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag)), "")


def _date(page: Page, heading: Element | None, zone: ZoneInfo) -> datetime | None:
    stated = json_ld.strings(page.data.get("datePublished"))
    stated.append(
        page.first("article:published_time", "datepublished", "date", "pubdate", "dc.date", "parsely-pub-date")
    )
    stated += [str(value) for value in page.tree.xpath("//time[@pubdate or @itemprop='datePublished']/@datetime")]
    moments = [str(value) for value in page.tree.xpath("//time/@datetime")]
    stated += moments if len(set(moments)) == 1 else []
    found = [dates.parse(line, zone) for line in stated if line]
    around = [] if heading is None else _after(page.tree, heading, ("p", "span", "div", "time", "li"))
    found += [byline.date(line, zone) for e in around if _is_one_block(e) and len(line := text_of(e)) < 100]
    return next((moment for moment in found if moment is not None), None)


def _picture(page: Page, base: str) -> tuple[str, str, str]:
    """(image, caption, credit): the page's lead image, and what its figure says."""
    stated = page.first("og:image", "og:image:url", "twitter:image") or json_ld.url(page.data.get("image"))
    image = urls.resolve(base, stated) if stated else ""
    within = "//article//figure[.//img] | //main//figure[.//img]"
    for figure in (page.tree.xpath(within) or page.tree.xpath("//figure[.//img]"))[:1]:
        sources = [urls.resolve(base, str(value)) for value in figure.xpath(".//img/@src")]
        return image or next(iter(sources), ""), *_caption(figure)
    return image, "", ""


def _caption(figure: Element) -> tuple[str, str]:
    for element in figure.iter("figcaption"):
        whole = text_of(element)
        for part in element.iterdescendants():
            named = isinstance(part.tag, str) and _CREDIT_CLASS.search(part.get("class") or "")
            if named and (credit := text_of(part)):
                return whole.replace(credit, "", 1).strip(" |–—/("), _CREDIT_PREFIX.sub("", credit).strip(" .)")
        return shape.caption(whole) or (whole, "")
    return "", ""
