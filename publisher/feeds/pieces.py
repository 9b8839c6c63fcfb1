"""Entries in their formats, each made once per change: it stands in many lists, and in each of them for long. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from publisher.feeds import atom, json_feed, rss
from publisher.feeds.entries import Entry, Feed, Piece, entry_of
from publisher.isolation import Fault
from publisher.model import Article, Listing
from publisher.settings import Feeds, Site

Content = Literal["full", "summary"]

#: Bytes of pieces that are kept.
CACHE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Format:
    """How entries and documents are written."""

    file: str
    media_type: str
    piece: Callable[[Entry], bytes]
    document: Callable[[Feed, Sequence[bytes]], bytes]


RSS = Format(rss.FILE, rss.MEDIA_TYPE, rss.piece, rss.document)
ATOM = Format(atom.FILE, atom.MEDIA_TYPE, atom.piece, atom.document)
JSON = Format(json_feed.FILE, json_feed.MEDIA_TYPE, json_feed.piece, json_feed.document)
PODCAST = Format(rss.FILE, rss.MEDIA_TYPE, rss.episode, rss.show)
FORMATS = (RSS, ATOM, JSON)

#: What an entry is kept under: the article's id and the number of its last change, how much of it, and the format.
Key = tuple[str, int, Content, Format]


def content_for(own: str, feeds: Feeds, section: str) -> Content:
    """How much of an article stands in the feeds of the section with the slug `section` ("": in all others).

    `own` is the slug of the article's own section: what that only sums up is summed up everywhere.
    """
    if section:
        return feeds.content_of(section)
    both = (feeds.content, feeds.content_of(own))
    return "summary" if "summary" in both else "full"


def make(article: Article, site: Site, content: Content, form: Format) -> Piece | Fault:
    """The article in this format; a fault where it cannot be."""
    try:
        entry = entry_of(article, site, content)
        return Piece(form.piece(entry), entry.updated)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one article, the fault says it (I12)
        return Fault(article.id, f"{type(error).__name__}: {error}")


class Pieces:
    """What was made, the least recently used forgotten first."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._made: OrderedDict[tuple[object, ...], Piece | Fault] = OrderedDict()
        self._fingerprint = ""
        #: The lists that are told by name, as they were told last; None: unknown.
        self.known: dict[Listing, str] | None = None

    def begin(self, fingerprint: str) -> None:
        """Forgets everything that was made under other settings."""
        if fingerprint != self._fingerprint:
            self._made.clear()
            self._size, self._fingerprint, self.known = 0, fingerprint, None

    def get(self, key: tuple[object, ...]) -> Piece | Fault | None:
        """What was made under this key; None where it is not kept."""
        found = self._made.get(key)
        if found is not None:
            self._made.move_to_end(key)
        return found

    def keep(self, key: tuple[object, ...], made: Piece | Fault) -> None:
        """Keeps it for the next list."""
        if key not in self._made:
            self._size += _weight(made)
        self._made[key] = made
        while self._size > self._limit and len(self._made) > 1:
            self._size -= _weight(self._made.popitem(last=False)[1])


def _weight(made: Piece | Fault) -> int:
    return 200 + (len(made.data) if isinstance(made, Piece) else 0)
