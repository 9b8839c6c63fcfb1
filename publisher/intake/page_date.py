"""When a page says that its article was published. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from publisher.intake import byline, dates, json_ld, page_tree
from publisher.intake.page_facts import Facts
from publisher.intake.page_lines import Line, text_of

_STATED = (
    "article:published_time", "og:published_time", "article:published", "datepublished", "date.published",
    "publish-date", "publish_date", "published_date", "publication_date", "parsely-pub-date", "sailthru.date",
    "citation_publication_date", "citation_date", "dcterms.date", "dcterms.created", "dcterms.issued", "dc.date.issued",
    "dc.date", "dc.date.created", "date", "pubdate", "created", "bt:pubdate", "datecreated",
)  # fmt: skip
_CHANGED = re.compile(
    r"updated|modified|edited|last|revised|aktualisiert|geändert|stand|modifié|mis à jour|actualizado|aggiornato"
    r"|更新|обновлено",
    re.IGNORECASE,
)
_SLASHED = re.compile(r"(?<![\d/])(\d\d?)/(\d\d?)/((?:19|20)\d\d)(?![\d/])")
_IN_ADDRESS = re.compile(r"/((?:19|20)\d\d)[/-](0[1-9]|1[0-2])[/-](0[1-9]|[12]\d|3[01])(?:/|-|$)")
_MARKED = "(//@itemprop[. = 'datePublished']/.. | //@pubdate/..)[position() <= 3]"
_LONGEST = 100


def published(facts: Facts, near: list[Line], zone: ZoneInfo, *, month_first: bool) -> datetime | None:
    """The instant, with the offset that the page gives, else in `zone`; None where nothing states it.

    schema.org, then meta elements, microdata, the lines below the headline, the only `<time>`, the address. In
    "3/4/2026" the month comes first if `month_first`; otherwise it is read only where one order is possible.
    """
    found = (dates.parse(text, zone) for text in _stated(facts))
    beside = (_in_line(text, zone, month_first) for text in _near(near))
    late = (dates.parse(text, zone) for text in _last(facts))
    return next((moment for group in (found, beside, late) for moment in group if moment is not None), None)


def _stated(facts: Facts) -> Iterator[str]:
    for node in (facts.data.article, facts.data.page):
        yield from json_ld.strings(node.get("datePublished"))
    for name in _STATED:
        yield from facts.meta.get(name, [])[:1]
    yield from json_ld.strings(facts.data.article.get("dateCreated"))
    for element in page_tree.found(_MARKED, facts.tree):
        yield element.get("datetime") or element.get("content") or text_of(element)


def _near(near: list[Line]) -> Iterator[str]:
    """What may be a date in the lines below the headline, those that tell of a change last."""
    found = []
    for line in near:
        times = [element for element in (*line.inline, line.block) if element.tag == "time"]
        if len(line.text) > _LONGEST and not times:
            continue
        changed = _CHANGED.search(line.text) is not None
        found += [(changed, moment) for element in times if (moment := element.get("datetime"))]
        if len(line.text) <= _LONGEST:
            found.append((changed, line.text))
    yield from (text for _, text in sorted(found, key=lambda pair: pair[0]))


def _in_line(text: str, zone: ZoneInfo, month_first: bool) -> datetime | None:
    if re.match(r"\d{4}-\d\d-\d\d", text):
        return dates.parse(text, zone)
    return byline.date(text, zone) or _slashed(text, zone, month_first)


def _slashed(text: str, zone: ZoneInfo, month_first: bool) -> datetime | None:
    match = _SLASHED.search(text)
    if match is None:
        return None
    one, two = int(match[1]), int(match[2])
    if one <= 12 and two <= 12 and one != two and not month_first:
        return None
    month, day = (one, two) if two > 12 or (month_first and one <= 12) else (two, one)
    return dates.parse(f"{match[3]}-{month:02}-{day:02}", zone)


def _last(facts: Facts) -> Iterator[str]:
    moments = dict.fromkeys(page_tree.found("//time/@datetime", facts.tree))
    if len(moments) == 1:
        yield from moments
    links = page_tree.found("//link[@rel = 'canonical']/@href", facts.tree)
    for address in (*links, facts.first("og:url")):
        if match := _IN_ADDRESS.search(address):
            yield f"{match[1]}-{match[2]}-{match[3]}"
