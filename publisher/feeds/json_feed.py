"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/). Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from publisher.feeds.entries import Entry, Feed
from publisher.model import Enclosure

FILE = "feed.json"
MEDIA_TYPE = "application/feed+json"

_VERSION = "https://jsonfeed.org/version/1.1"
_EMPTY = b'"items": []'


def piece(entry: Entry) -> bytes:
    """The item. Raises ValueError where JSON cannot hold it."""
    return json.dumps(_item(entry), ensure_ascii=False, separators=(",", ":")).encode()


def document(feed: Feed, pieces: Sequence[bytes]) -> bytes:
    """The document of `feed` with these items."""
    head = {
        "version": _VERSION,
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.address(FILE),
        "next_url": feed.archived(feed.archive.previous, FILE) if feed.archive and feed.archive.previous else "",
        "description": feed.description,
        "language": feed.language,
        "authors": [{"name": feed.author, "url": feed.site_url}],
        "hubs": [{"type": "WebSub", "url": hub} for hub in feed.hubs],
    }
    told = {key: value for key, value in head.items() if value} | {"items": []}
    before, empty, after = json.dumps(told, ensure_ascii=False, indent=1).encode().rpartition(_EMPTY)
    items = b'"items": [\n' + b",\n".join(pieces) + b"\n ]" if pieces else empty
    return before + items + after + b"\n"


def _item(entry: Entry) -> dict[str, Any]:
    """The item, without the keys that would be empty; one of the two contents must stand in it."""
    content = {"content_html": entry.content} if entry.content else {"content_text": entry.summary or entry.title}
    item = {
        "id": entry.id,
        "url": entry.url,
        "external_url": entry.via,
        "title": entry.title,
        **content,
        "summary": entry.summary,
        "image": entry.image,
        "date_published": entry.published.isoformat(),
        "date_modified": entry.updated.isoformat(),
        "authors": [{"name": name} for name in entry.authors],
        "tags": [category.name for category in entry.categories],
        "language": entry.language,
        "attachments": [_attachment(enclosure) for enclosure in entry.enclosures],
    }
    return {key: value for key, value in item.items() if value}


def _attachment(enclosure: Enclosure) -> dict[str, Any]:
    known = {"size_in_bytes": enclosure.length} if enclosure.length else {}
    return {"url": enclosure.url, "mime_type": enclosure.type, **known}
