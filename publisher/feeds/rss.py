"""RSS 2.0, with the extensions that readers know: content, dc, atom, media. Pure."""

from __future__ import annotations

import html
from functools import partial

from lxml import etree

from publisher.feeds import generator, media
from publisher.feeds.entries import Entry, Feed, Rendered
from publisher.feeds.generator import Element
from publisher.isolation import each

_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
_ATOM = "http://www.w3.org/2005/Atom"
_PREFIXES = {"dc": _DC, "media": media.NAMESPACE}


def render(feed: Feed) -> Rendered:
    """The RSS document of `feed`; an entry that XML cannot hold is left out and named."""
    items, faults = each(feed.entries, _item, lambda entry: entry.article_id)
    return Rendered(generator.rss(feed, lambda root: root[0].extend(items), _PREFIXES), faults)


def _item(entry: Entry) -> Element:
    return generator.rss_item(entry, partial(_correct, entry))


def _correct(entry: Entry, element: Element) -> None:
    """What the item says in more than title, link, guid and date.

    The description is HTML to readers, so plain text is escaped in it; the title is plain text.
    """
    if entry.summary:
        etree.SubElement(element, "description").text = html.escape(entry.summary, quote=False)
    if entry.content:
        etree.SubElement(element, f"{{{_CONTENT}}}encoded").text = entry.content
    for name in entry.authors:
        etree.SubElement(element, f"{{{_DC}}}creator").text = name
    if entry.language:
        etree.SubElement(element, f"{{{_DC}}}language").text = entry.language
    etree.SubElement(element, f"{{{_ATOM}}}updated").text = entry.updated.isoformat()
    # An item has one enclosure; further files are media of it.
    for enclosure in entry.enclosures[1:]:
        more = etree.SubElement(element, f"{{{media.NAMESPACE}}}content", url=enclosure.url, type=enclosure.type)
        if enclosure.length:
            more.set("fileSize", str(enclosure.length))
    media.add_picture(element, entry)
