"""JSON Feed, versions 1 and 1.1 (jsonfeed.org). Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from publisher import text as plain_text
from publisher import urls
from publisher.errors import DocumentError
from publisher.intake.feed_entry import Found, Raw, printable
from publisher.model import Enclosure, Related

_REMEDY = "check that the address is that of an RSS, Atom or JSON feed"


def read(text: str, url: str) -> Found:
    """What the feed holds; its form is "json1" or "json11". Raises DocumentError for what is no JSON Feed."""
    try:
        found = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise DocumentError("it begins like JSON and is none", _REMEDY) from error
    items = found.get("items")
    version = str(found.get("version") or "")
    if not isinstance(items, list) or "jsonfeed.org" not in version:
        raise DocumentError("it is JSON, but no JSON Feed", _REMEDY)
    form = "json11" if version.rstrip("/").endswith("1.1") else "json1"
    base = urls.resolve(url, _text(found.get("home_page_url"))) or url
    title = plain_text.one_line(_text(found.get("title")))
    return Found(form, title, [_reader(item, found, base) for item in items], _links(found))


def _links(feed: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Its hubs for WebSub and its own address, as the links that other formats have."""
    hubs = feed.get("hubs")
    found = [
        ("hub", _text(hub.get("url")))
        for hub in (hubs if isinstance(hubs, list) else ())[:20]
        if isinstance(hub, dict) and _text(hub.get("type")).lower() in ("websub", "pubsubhubbub")
    ]
    return (*found, ("self", _text(feed.get("feed_url"))))


def _reader(item: Any, feed: dict[str, Any], base: str) -> Callable[[], Raw]:
    return lambda: _raw(item, feed, base)


def _raw(item: Any, feed: dict[str, Any], base: str) -> Raw:
    if not isinstance(item, dict):
        raise DocumentError("it is no item of a JSON Feed", "ask the feed's publisher")
    link = urls.resolve(base, _text(item.get("url"))) if item.get("url") else ""
    external = urls.resolve(base, _text(item.get("external_url"))) if item.get("external_url") else ""
    markup, plain = _text(item.get("content_html")), _text(item.get("content_text"))
    image = _text(item.get("image")) or _text(item.get("banner_image"))
    return Raw(
        id=_text(item.get("id")), link=link or external, title=_text(item.get("title")),
        markup=markup or plain, is_html=bool(markup), summary=_text(item.get("summary")), base=link or base,
        authors=_names(item) or _names(feed), tags=_texts(item.get("tags")), section="",
        language=_text(item.get("language")) or _text(feed.get("language")),
        dates=(_text(item.get("date_published")), _text(item.get("date_modified"))),
        image=urls.resolve(base, image) if image else "",
        related=(Related(external, external),) if external and link and external != link else (),
        enclosures=tuple(_enclosures(item.get("attachments"), base)),
    )


def _names(holder: dict[str, Any]) -> tuple[str, ...]:
    listed = holder.get("authors")
    people = listed if isinstance(listed, list) else [holder.get("author")]
    return tuple(name for one in people if isinstance(one, dict) and (name := _text(one.get("name"))))


def _enclosures(attachments: Any, base: str) -> list[Enclosure]:
    found = []
    for one in attachments if isinstance(attachments, list) else ():
        address = urls.resolve(base, _text(one.get("url"))) if isinstance(one, dict) and one.get("url") else ""
        if address.startswith("http"):
            size = one.get("size_in_bytes")
            length = size if isinstance(size, int) and 0 <= size < 2**53 else 0
            found.append(Enclosure(address, _text(one.get("mime_type")) or "application/octet-stream", length))
    return found


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for one in value if (text := _text(one))) if isinstance(value, list) else ()


def _text(value: Any) -> str:
    """`value` where it is text; ids may also come as numbers, which readers are told to take as text."""
    if isinstance(value, bool):
        return ""
    return printable(value) if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""
