"""A section as a podcast: what Apple and the other directories ask for (PSP-1, Podcast Standards Project). Pure."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid5

from lxml import etree

from publisher.feeds.entries import Entry, Feed
from publisher.feeds.generator import Element

_ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
_PODCAST = "https://podcastindex.org/namespace/1.0"
PREFIXES = {"itunes": _ITUNES, "podcast": _PODCAST}
#: Of podcast:guid, as its specification gives it.
_SHOWS = UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")


def heard(entry: Entry) -> Entry | None:
    """The entry with what is heard or seen of it first, as its enclosure; None where there is nothing."""
    media = [item for item in entry.enclosures if item.type.partition("/")[0] in ("audio", "video")]
    rest = tuple(item for item in entry.enclosures if item not in media)
    return replace(entry, enclosures=(*media, *rest)) if media else None


def add_episode(element: Element, entry: Entry) -> None:
    """What an episode says beside what every item does."""
    _add(element, "title", entry.title)
    _add(element, "episodeType", "full")
    if entry.authors:
        _add(element, "author", ", ".join(entry.authors))
    if entry.image:
        etree.SubElement(element, f"{{{_ITUNES}}}image", href=entry.image)


def add_show(channel: Element, feed: Feed) -> None:
    """What the whole podcast says beside what every channel does; `feed.podcast` is set."""
    show = feed.podcast
    assert show is not None
    etree.SubElement(channel, f"{{{_ITUNES}}}image", href=show.image)
    category = etree.SubElement(channel, f"{{{_ITUNES}}}category", text=show.category)
    if show.subcategory:
        etree.SubElement(category, f"{{{_ITUNES}}}category", text=show.subcategory)
    _add(channel, "explicit", "true" if show.explicit else "false")
    _add(channel, "author", show.author or feed.author)
    _add(channel, "type", "serial" if show.serial else "episodic")
    if show.email:
        owner = etree.SubElement(channel, f"{{{_ITUNES}}}owner")
        _add(owner, "name", show.author or feed.author)
        _add(owner, "email", show.email)
    address = feed.address("rss.xml").partition("://")[2].rstrip("/")
    etree.SubElement(channel, f"{{{_PODCAST}}}guid").text = str(uuid5(_SHOWS, address))
    etree.SubElement(channel, f"{{{_PODCAST}}}locked").text = "no"


def _add(parent: Element, name: str, value: str) -> None:
    etree.SubElement(parent, f"{{{_ITUNES}}}{name}").text = value
