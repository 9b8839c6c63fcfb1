"""feedgen, put right. The only code that knows it.

feedgen makes the bare feeds; what it does wrong is corrected here and, element by element, in `atom` and `rss`, which
get hold of each finished element through its extension hooks:

- its dates flip the locale of the whole process: it is given another way to write them;
- its `updated` is "now" unless told otherwise: it is always told;
- links of Atom entries lose rel, type and length: `atom` writes them anew;
- a name alone is no author to its RSS, and it knows one link per channel: `rss` adds what is missing;
- one bad entry raises and loses the feed: entries are made one by one, serialised once, and put into each document that
  they stand in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from email.utils import format_datetime
from typing import Any

import feedgen.entry
import feedgen.feed
from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from publisher.feeds.entries import Entry, Feed

#: An element of this name keeps the place of the entries in a document.
PLACE = "entries-stand-here"
_MARK = f"<{PLACE}/>".encode()

#: An lxml element, which has no types.
Element = Any
#: Puts a finished element right, in place.
Correct = Callable[[Element], None]

GENERATOR = "Publisher"

# Both modules look their date writer up by this name.
feedgen.feed.formatRFC2822 = format_datetime
feedgen.entry.formatRFC2822 = format_datetime


class _Hook:
    """What feedgen calls an extension: it is shown each element once that is finished."""

    def __init__(self, correct: Correct, namespaces: Mapping[str, str]) -> None:
        self._correct = correct
        self._namespaces = namespaces

    def extend_ns(self) -> dict[str, str]:
        """Prefixes to declare at the feed's root."""
        return dict(self._namespaces)

    def extend_atom(self, element: Element) -> Element:
        """Called with a feed or an entry."""
        self._correct(element)
        return element

    def extend_rss(self, element: Element) -> Element:
        """Called with the whole document or an item."""
        self._correct(element)
        return element


def piece(element: Element, namespaces: Mapping[str, str]) -> bytes:
    """The element as it stands in a document whose root declares these namespaces."""
    root = etree.Element("root", nsmap=dict(namespaces))
    root.append(element)
    etree.indent(root)
    whole: bytes = etree.tostring(root, encoding="utf-8")
    return whole[whole.index(b">") + 1 : whole.rindex(b"</root>")].strip()


def filled(document: bytes, pieces: Sequence[bytes]) -> bytes:
    """A document with these pieces at the place that `PLACE` keeps."""
    before, _, after = document.partition(_MARK)
    return b"\n".join((before.rstrip(b" \n"), *pieces, after.lstrip(b"\n")))


def atom(feed: Feed, correct: Correct, namespaces: Mapping[str, str]) -> bytes:
    """The Atom document of `feed`, without entries but for those that `correct` adds."""
    return bytes(_head(feed, "atom.xml", "application/atom+xml", correct, namespaces).atom_str(pretty=True))


def rss(feed: Feed, correct: Correct, namespaces: Mapping[str, str]) -> bytes:
    """The RSS document of `feed`, without items but for those that `correct` adds."""
    return bytes(_head(feed, "rss.xml", "application/rss+xml", correct, namespaces).rss_str(pretty=True))


def atom_entry(entry: Entry, correct: Correct) -> Element:
    """The `entry` element. Raises ValueError where XML cannot hold it."""
    made = _entry(entry, correct)
    made.updated(entry.updated)
    if entry.summary:
        made.summary(entry.summary)
    if entry.content is not None:
        made.content(entry.content, type="html")
    for name in entry.authors:
        made.author(name=name)
    return made.atom_entry()


def rss_item(entry: Entry, correct: Correct) -> Element:
    """The `item` element, without its description and authors. Raises ValueError where XML cannot hold it."""
    made = _entry(entry, correct)
    for enclosure in entry.enclosures[:1]:
        made.enclosure(enclosure.url, str(enclosure.length), enclosure.type)
    return made.rss_entry()


def _entry(entry: Entry, correct: Correct) -> FeedEntry:
    made = FeedEntry()
    made.id(entry.id)
    made.title(entry.title)
    made.link(href=entry.url, rel="alternate", type="text/html")
    made.published(entry.published)
    for category in entry.categories:
        named = {"term": category.term, "scheme": category.scheme} if category.term else {"term": category.name}
        made.category({**named, "label": category.name})
    made.register_extension("publisher", lambda: _Hook(correct, {}))
    return made


def _head(
    feed: Feed, file: str, media_type: str, correct: Correct, namespaces: Mapping[str, str]
) -> FeedGenerator:
    made = FeedGenerator()
    made.id(feed.id)
    made.title(feed.title)
    made.subtitle(feed.description)
    made.description(feed.description)
    made.updated(feed.updated)
    made.author(name=feed.author, uri=feed.site_url)
    made.language(feed.language)
    made.generator(GENERATOR)
    made.docs("https://www.rssboard.org/rss-specification")
    if feed.rights:
        made.rights(feed.rights)
    made.link(href=feed.address(file), rel="self", type=media_type)
    made.link(href=feed.home, rel="alternate", type="text/html")  # the last one is the RSS channel's
    made.register_extension("publisher", lambda: _Hook(correct, namespaces))
    return made
