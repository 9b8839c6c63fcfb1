"""What hub a feed offers, and for which topic (W3C WebSub, section 4). Pure.

    headers (Link) | else the feed's own links | hub and topic, absolute -> Offer, or none
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from publisher import urls

#: (relation, address), as found.
Links = Iterable[tuple[str, str]]

_LONGEST = 1000
#: A target and its parameters, RFC 8288 section 3.
_LINK = re.compile(r"<([^<>]{1,2000})>((?:\s*;\s*[\w!#$&+.^`|~*-]{1,40}\s*(?:=\s*(?:\"[^\"]*\"|[^\s\";,]*))?)*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\";,]+))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Offer:
    """Where a feed can be subscribed to, and under which name."""

    hub: str
    topic: str


def find(headers: Mapping[str, str], own: Links, url: str) -> Offer | None:
    """The first hub of http or https that is offered, and the feed's name for itself; `url` where it has none.

    Of each, what the headers say goes before what the feed says.
    """
    links = [*_header_links(headers.get("link", "")), *own]
    hub, topic = (_first(links, relation, url) for relation in ("hub", "self"))
    return Offer(hub, topic or url) if hub else None


def _header_links(value: str) -> list[tuple[str, str]]:
    """(relation, address) of a Link header (RFC 8288), relations in lower case."""
    found = []
    for match in _LINK.finditer(value[:8000]):
        rel = _REL.search(match[2])
        found += [(name.lower(), match[1].strip()) for name in ((rel[1] or rel[2] or "").split() if rel else ())]
    return found


def _first(links: Links, relation: str, url: str) -> str:
    found = (urls.resolve(url, link) for name, link in links if name == relation)
    return next((link for link in found if link.startswith("http") and len(link) <= _LONGEST), "")
