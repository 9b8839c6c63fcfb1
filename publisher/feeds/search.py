"""The feed of a search: what stands in any of these sections, or has any of these tags.

    listings | newest places of each | merged, newest first | entries, made once per change -> one document
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from publisher import urls
from publisher.config import Settings
from publisher.feeds.collect import pieces_for, written
from publisher.feeds.entries import feed_of
from publisher.feeds.pieces import ATOM, JSON, RSS, Format, Pieces
from publisher.model import SITE_LISTING, Listing, ListKind
from publisher.store import listings
from publisher.store.engine import Tx
from publisher.store.listings import Place

#: By the value of `format`.
FORMATS = {"atom": ATOM, "rss": RSS, "json": JSON}
#: Sections and tags in one search, at most.
MOST = 20


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for; slugs, sorted, each once. Neither sections nor tags: everything."""

    sections: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The lists that it takes from."""
        found = [Listing(ListKind.SECTION, slug) for slug in self.sections]
        return (*found, *(Listing(ListKind.TAG, slug) for slug in self.tags)) or (SITE_LISTING,)

    @property
    def query(self) -> str:
        """As in its address: equal searches have equal ones."""
        named = {"sections": ",".join(self.sections), "tags": ",".join(self.tags)}
        return urlencode({key: value for key, value in named.items() if value}, safe=",")


async def document(
    tx: Tx, settings: Settings, kept: Pieces, search: Search, form: str, address: str
) -> bytes:
    """The feed at this path (with its query) in the format `form`."""
    found: dict[int, Place] = {}
    names = []
    for listing in search.listings:
        found |= {place.seq: place for place in await listings.places(tx, listing, settings.feeds.items)}
        names.append(await listings.name_of(tx, listing) or listing.slug)
    places = [found[seq] for seq in sorted(found, reverse=True)[: settings.feeds.items]]
    written_as: Format = FORMATS[form]
    [(pieces, _)] = await pieces_for(tx, settings, kept, places, (written_as,))
    feed = feed_of(settings, SITE_LISTING, "", (piece.updated for piece in pieces))
    of = ", ".join(name for name in names if name)
    feed = replace(
        feed, title=f"{feed.title} – {of}" if of else feed.title, hubs=(),
        id=uuid5(NAMESPACE_URL, urls.canonical(settings.site.url) + address.partition("&format=")[0]).urn,
        addresses={written_as.file: urls.absolute(settings.site.url, address)},
    )
    return written(written_as, feed, pieces)
