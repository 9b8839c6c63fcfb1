"""schema.org data that a page carries as JSON-LD. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_ARTICLE = re.compile(r"(?:Article|BlogPosting|Report|Review)$")
_DEEPEST = 12
_ADDRESSES = ("url", "contentUrl", "@id")

Node = dict[str, Any]


def article(scripts: list[str]) -> Node:
    """The first article among `scripts` (texts of `application/ld+json` elements); empty where there is none."""
    for script in scripts:
        try:
            loaded = json.loads(script.strip().removeprefix("<![CDATA[").removesuffix("]]>"), strict=False)
        except (ValueError, RecursionError):
            continue
        for node in _nodes(loaded):
            if any(_ARTICLE.search(kind) for kind in strings(node.get("@type"))):
                return node
    return {}


def _nodes(value: object, depth: int = 0) -> Iterator[Node]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        yield value
        for key in ("@graph", "mainEntity", "mainEntityOfPage", "itemListElement"):
            yield from _nodes(value.get(key), depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item, depth + 1)


def strings(value: object) -> list[str]:
    """The texts in `value`: itself, or those of a list; of objects, their name, else their address."""
    return [found for item in _items(value) if (found := _text(item, ("name", *_ADDRESSES)))]


def url(value: object) -> str:
    """The first address in `value`: a text, an image or page object, or a list of such; empty where there is none."""
    return next((found for item in _items(value) if (found := _text(item, _ADDRESSES))), "")


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _text(item: object, names: tuple[str, ...]) -> str:
    if isinstance(item, dict):
        return next((found for name in names if (found := _text(item.get(name), ()))), "")
    return item.strip() if isinstance(item, str) else ""
