"""A page's title: which of its headings is the article's. Pure.

Among the headings a reader sees, those that `<title>`, og:title and schema.org agree on; never the site's own name.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from publisher.intake import json_ld, page_tree
from publisher.intake.page_facts import Facts
from publisher.intake.page_lines import following, text_of
from publisher.intake.shape import is_sentence, words
from publisher.text import fold

#: An element of lxml, whose types are not published.
Element = Any
Heading = tuple[Element, str]

_PARTS = re.compile(r"\s+[|–—·•»«:-]\s+|\s*[|»«]\s*")
_AFTER_SITE = re.compile(r"^\s*[|–—·•»«:-]\s+")
_BEFORE_SITE = re.compile(r"\s*[|–—·•»«:-]\s*$")
#: Headings, and lines after one, that are looked at.
_MOST, _FOLLOWING = 40, 100


def title(facts: Facts) -> tuple[Element | None, str]:
    """(heading or None, title).

    The h1 that schema.org's headline equals, or that `<title>` or og:title contains; else the only h1; else a lesser
    heading that makes up a part of `<title>`; else the headline, og:title, the longest part of `<title>`.
    """
    whole = next(iter(facts.texts("//head/title") or facts.texts("//title[not(ancestor::svg)]")), "")
    shared = _without_site(facts.first("og:title", "twitter:title"), facts.site)
    headline = next(iter(json_ld.strings(facts.data.article.get("headline"))), "")
    said = [text for text in (headline, shared, whole) if text]
    every = _headings(facts, "h1")
    first = [pair for pair in every if not _is_site(pair, facts.site)]
    best = _confirmed(first, headline, said) or (first[0] if len(first) == 1 else None)
    if best is None:
        # What is left of a title behind the site's name is the article's, however short.
        rest = {fold(_behind(whole, name)) for _, name in every}
        parts = {fold(part) for text in said for part in (text, *_PARTS.split(text))}
        lesser = [
            pair for pair in _headings(facts, "h2", "h3")
            if fold(pair[1]) in rest or (words(pair[1]) >= 3 and fold(pair[1]) in parts)
        ]
        best = max(lesser, key=lambda pair: len(pair[1]), default=None)
    if best is not None:
        return best
    return None, headline or shared or max(_PARTS.split(whole), key=len, default="").strip()


def _headings(facts: Facts, *tags: str) -> list[Heading]:
    found: list[Heading] = []
    for element in facts.tree.iter(*tags):
        if len(found) >= _MOST:
            break
        if text := text_of(element):
            found.append((element, text))
    return found


def _confirmed(headings: list[Heading], headline: str, said: list[str]) -> Heading | None:
    """The heading that the page itself names: the headline, else the longest that one of its titles contains."""
    same = [pair for pair in headings if fold(pair[1]) and fold(pair[1]) == fold(headline)]
    around = [f" {fold(text)} " for text in said]
    contained = [pair for pair in headings if fold(pair[1]) and any(f" {fold(pair[1])} " in text for text in around)]
    return max(same or contained, key=lambda pair: len(pair[1]), default=None)


def _is_site(pair: Heading, site: tuple[str, ...]) -> bool:
    """True for the site's name or logo, and for a heading below the text."""
    element, text = pair
    if any(fold(name) == fold(text) for name in site):
        return True
    links = page_tree.found("descendant-or-self::a/@href | ancestor::a/@href", element)
    if any(urlsplit(link.strip()).path in ("", "/") and not link.startswith("#") for link in links[:1]):
        return True
    if any(ancestor.tag in ("nav", "footer") for ancestor in element.iterancestors()):
        return True
    root = element.getroottree().getroot()
    return not _has_text(element, root) and _has_text(None, root)


def _has_text(start: Element | None, root: Element) -> bool:
    """True if running text stands among the lines behind `start`, or anywhere near the top."""
    return any(is_sentence(line.text) for line in islice(following(start, root), _FOLLOWING))


def _behind(text: str, name: str) -> str:
    """What `text` says behind this name and a sign, as in "Name: a title"; empty where it does not begin so."""
    if not text.casefold().startswith(name.casefold()):
        return ""
    rest = text[len(name) :]
    return cut if (cut := _AFTER_SITE.sub("", rest)) != rest else ""


def _without_site(text: str, site: tuple[str, ...]) -> str:
    """`text` without the site's name behind it."""
    for name in site:
        if text.casefold().endswith(name.casefold()) and len(text) > len(name):
            head = text[: -len(name)]
            if (cut := _BEFORE_SITE.sub("", head)) != head and cut:
                return cut
    return text
