"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/). Pure."""

from __future__ import annotations

import json
from typing import Any

from publisher.feeds.entries import Entry, Feed, Rendered
from publisher.isolation import each
from publisher.model import Enclosure

_VERSION = "https://jsonfeed.org/version/1.1"


def render(feed: Feed) -> Rendered:
    """The JSON document of `feed`; an entry that JSON cannot hold is left out and named."""
    items, faults = each(feed.entries, _checked, lambda entry: entry.article_id)
    document = {
        "version": _VERSION,
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.folder + "feed.json",
        "description": feed.description,
        "language": feed.language,
        "authors": [{"name": feed.author, "url": feed.site_url}],
        "items": items,
    }
    return Rendered(_bytes(document), faults)


def _checked(entry: Entry) -> dict[str, Any]:
    item = _item(entry)
    _bytes(item)
    return item


def _item(entry: Entry) -> dict[str, Any]:
    """The item, without the keys that would be empty; one of the two contents must stand in it."""
    content = {"content_html": entry.content} if entry.content else {"content_text": entry.summary or entry.title}
    item = {
        "id": entry.id,
        "url": entry.url,
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


def _bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"
