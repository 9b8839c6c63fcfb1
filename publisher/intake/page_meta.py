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
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from publisher import urls
from publisher.intake import json_ld, page_date, page_heading, page_lead, page_people, page_picture, page_tree
from publisher.intake.page_facts import Facts, gather
from publisher.intake.page_lines import Line, following
from publisher.text import one_line

#: An element of lxml, whose types are not published.
Element = Any

_NOT_A_SECTION = re.compile(r"^(?:home|homepage|start|index|uncategori[sz]ed|general|blog)$", re.IGNORECASE)
#: Lines below the headline among which byline, date and standfirst are found.
_NEAR = 45


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


def read(tree: Element, zone: ZoneInfo, base_url: str) -> Meta:
    """What the page `tree` says of its article; dates without a zone are in `zone`."""
    facts = gather(tree)
    address = _address(facts, base_url)
    bases = [urls.resolve(address or base_url, link) for link in page_tree.found("//base/@href", tree)[:1]]
    base = next(iter(bases), "") or address or base_url
    heading, title = page_heading.title(facts)
    near = _near(heading, tree)
    language = _language(facts)
    image, caption, credit = page_picture.lead(facts, base)
    return Meta(
        title=title,
        standfirst=page_lead.standfirst(facts, near, title),
        section=_section(facts),
        authors=page_people.authors(facts, near, title),
        tags=_tags(facts),
        language=language,
        published_at=page_date.published(facts, near, zone, month_first=language == "en-US"),
        url=address,
        base=base,
        image=image,
        caption=caption,
        credit=credit,
    )


def _near(heading: Element | None, tree: Element) -> list[Line]:
    body = tree.find("body")
    root = body if body is not None else tree
    return list(islice(following(heading, root), _NEAR))


def _address(facts: Facts, base_url: str) -> str:
    """The page's own address; one that is a site's front page is no article's."""
    links = page_tree.found("//link[@rel = 'canonical']/@href", facts.tree)
    stated = [*links, facts.first("og:url")]
    stated += [json_ld.url(facts.data.article.get(key)) for key in ("mainEntityOfPage", "url")]
    found = (urls.resolve(base_url, link) for link in stated if link and not link.startswith("mailto:"))
    return next((address for address in found if address and not _is_front(address)), "")


def _is_front(address: str) -> bool:
    parts = urlsplit(address)
    return parts.path in ("", "/") and not parts.query


def _section(facts: Facts) -> str:
    stated = json_ld.strings(facts.data.article.get("articleSection"))
    stated.append(facts.first("article:section", "section", "parsely-section"))
    return _named(stated) or _named(facts.texts("//@class[contains(., 'breadcrumb')]/..//a")[-1:])


def _named(stated: list[str]) -> str:
    named = (line for line in map(one_line, stated) if line and len(line) <= 40)
    return next((line for line in named if not _NOT_A_SECTION.match(line)), "")


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for item in items if item))


def _tags(facts: Facts) -> tuple[str, ...]:
    stated = json_ld.strings(facts.data.article.get("keywords")) or facts.meta.get("article:tag", [])
    stated = stated or [facts.first("news_keywords", "keywords")]
    return _unique(one_line(part) for line in stated for part in line.split(","))


def _language(facts: Facts) -> str:
    stated = list(page_tree.found("/html/@lang | /html/@*[local-name() = 'lang']", facts.tree))
    stated += json_ld.strings(facts.data.article.get("inLanguage"))
    stated += [facts.first("og:locale", "content-language")]
    tags = (line.strip().replace("_", "-") for line in stated)
    return next((tag for tag in tags if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag)), "")
