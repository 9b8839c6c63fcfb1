"""Atom 1.0 (RFC 4287), with archives (RFC 5005) and tombstones (RFC 6721). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lxml import etree

from publisher.feeds import generator, media
from publisher.feeds.entries import Entry, Feed
from publisher.feeds.generator import Element

FILE = "atom.xml"
MEDIA_TYPE = "application/atom+xml"

_XML = "{http://www.w3.org/XML/1998/namespace}"
_HISTORY = "http://purl.org/syndication/history/1.0"
_TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
_PREFIXES = {"media": media.NAMESPACE, "fh": _HISTORY, "at": _TOMBSTONES}


def piece(entry: Entry) -> bytes:
    """The `entry` element. Raises ValueError where XML cannot hold it."""
    return generator.piece(generator.atom_entry(entry, partial(_correct, entry)), _PREFIXES)


def document(feed: Feed, pieces: Sequence[bytes]) -> bytes:
    """The document of `feed` with these entries."""
    return generator.filled(generator.atom(feed, partial(_complete, feed), _PREFIXES), pieces)


def _correct(entry: Entry, element: Element) -> None:
    """Language, typed links (section 4.2.7) and picture. An alternate, then where it came from, then enclosures."""
    if entry.language:
        element.set(f"{_XML}lang", entry.language)
    for bare in element.findall("link"):
        element.remove(bare)
    _link(element, "alternate", entry.url, "text/html")
    if entry.via:
        _link(element, "via", entry.via)
    for enclosure in entry.enclosures:
        link = _link(element, "enclosure", enclosure.url, enclosure.type)
        if enclosure.length:
            link.set("length", str(enclosure.length))
    media.add_picture(element, entry)


def _complete(feed: Feed, root: Element) -> None:
    """What the feed says of itself beside title, id and date, and the place of its entries."""
    root.set(f"{_XML}base", feed.site_url)
    for hub in feed.hubs:
        _link(root, "hub", hub)
    for relation, address in history(feed, FILE):
        _link(root, relation, address, MEDIA_TYPE)
    if feed.archive and feed.archive.number:
        etree.SubElement(root, f"{{{_HISTORY}}}archive")
    for ident, when in feed.deleted:
        etree.SubElement(root, f"{{{_TOMBSTONES}}}deleted-entry", ref=ident, when=when.isoformat())
    etree.SubElement(root, generator.PLACE)


def history(feed: Feed, file: str) -> list[tuple[str, str]]:
    """(relation, address) of the documents around this one (RFC 5005, sections 3 and 4).

    That of the next one is known before it is sealed: until then the server sends those who ask for it to the feed
    itself, so a sealed document never changes.
    """
    if feed.archive is None:
        return []
    links = []
    if feed.archive.previous:
        links.append(("prev-archive", feed.archived(feed.archive.previous, file)))
    if feed.archive.number:
        links.append(("next-archive", feed.archived(feed.archive.number + 1, file)))
        links.append(("current", feed.home + file))
    return links


def _link(parent: Element, relation: str, address: str, media_type: str = "") -> Element:
    typed = {"type": media_type} if media_type else {}
    return etree.SubElement(parent, "link", rel=relation, **typed, href=address)
