"""Atom 1.0 (RFC 4287). Pure."""

from __future__ import annotations

from functools import partial

from lxml import etree

from publisher.feeds import generator, media
from publisher.feeds.entries import Entry, Feed, Rendered
from publisher.feeds.generator import Element
from publisher.isolation import each

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_PREFIXES = {"media": media.NAMESPACE}


def render(feed: Feed) -> Rendered:
    """The Atom document of `feed`; an entry that XML cannot hold is left out and named."""
    elements, faults = each(feed.entries, _entry, lambda entry: entry.article_id)
    return Rendered(generator.atom(feed, lambda root: root.extend(elements), _PREFIXES), faults)


def _entry(entry: Entry) -> Element:
    return generator.atom_entry(entry, partial(_correct, entry))


def _correct(entry: Entry, element: Element) -> None:
    """Language, typed links (section 4.2.7) and picture. An alternate, then where it came from, then enclosures."""
    if entry.language:
        element.set(_LANG, entry.language)
    for bare in element.findall("link"):
        element.remove(bare)
    etree.SubElement(element, "link", rel="alternate", type="text/html", href=entry.url)
    if entry.via:
        etree.SubElement(element, "link", rel="via", href=entry.via)
    for enclosure in entry.enclosures:
        link = etree.SubElement(element, "link", rel="enclosure", type=enclosure.type, href=enclosure.url)
        if enclosure.length:
            link.set("length", str(enclosure.length))
    media.add_picture(element, entry)
