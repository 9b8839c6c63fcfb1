"""RSS 2.0, with the extensions that readers know: content, dc, atom, media. Pure."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

from lxml import etree

from publisher.feeds import atom, generator, media, podcast
from publisher.feeds.entries import Entry, Feed
from publisher.feeds.generator import Element

FILE = "rss.xml"
MEDIA_TYPE = "application/rss+xml"

_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
_ATOM = "http://www.w3.org/2005/Atom"
_HISTORY = "http://purl.org/syndication/history/1.0"
_PREFIXES = {"dc": _DC, "media": media.NAMESPACE, "fh": _HISTORY}
_EVERY = {**_PREFIXES, "atom": _ATOM, "content": _CONTENT}


def piece(entry: Entry) -> bytes:
    """The `item` element. Raises ValueError where XML cannot hold it."""
    return generator.piece(generator.rss_item(entry, partial(_correct, entry)), _EVERY)


def document(feed: Feed, pieces: Sequence[bytes]) -> bytes:
    """The document of `feed` with these items."""
    return generator.filled(generator.rss(feed, partial(_complete, feed), _PREFIXES), pieces)


def episode(entry: Entry) -> bytes:
    """The `item` element in a podcast; empty where the article has neither audio nor video."""
    heard = podcast.heard(entry)
    if heard is None:
        return b""

    def correct(element: Element) -> None:
        _correct(heard, element)
        podcast.add_episode(element, heard)

    return generator.piece(generator.rss_item(heard, correct), {**_EVERY, **podcast.PREFIXES})


def show(feed: Feed, pieces: Sequence[bytes]) -> bytes:
    """The document of `feed`, which is a podcast, with these episodes."""

    def complete(root: Element) -> None:
        podcast.add_show(root[0], feed)
        _complete(feed, root)

    return generator.filled(generator.rss(feed, complete, {**_PREFIXES, **podcast.PREFIXES}), pieces)


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
    host = urlsplit(entry.via).hostname
    if host:
        etree.SubElement(element, "source", url=entry.via).text = host
    etree.SubElement(element, f"{{{_ATOM}}}updated").text = entry.updated.isoformat()
    # An item has one enclosure; further files are media of it.
    for enclosure in entry.enclosures[1:]:
        more = etree.SubElement(element, f"{{{media.NAMESPACE}}}content", url=enclosure.url, type=enclosure.type)
        if enclosure.length:
            more.set("fileSize", str(enclosure.length))
    media.add_picture(element, entry)


def _complete(feed: Feed, root: Element) -> None:
    """The links that the channel needs beside its own, and the place of its items."""
    channel = root[0]
    for hub in feed.hubs:
        etree.SubElement(channel, f"{{{_ATOM}}}link", rel="hub", href=hub)
    for relation, address in atom.history(feed, FILE):
        etree.SubElement(channel, f"{{{_ATOM}}}link", rel=relation, type=MEDIA_TYPE, href=address)
    if feed.archive and feed.archive.number:
        etree.SubElement(channel, f"{{{_HISTORY}}}archive")
    etree.SubElement(channel, generator.PLACE)
