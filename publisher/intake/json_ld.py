"""schema.org data that a page carries as JSON-LD. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_ARTICLE = re.compile(r"(?:Article|BlogPosting|Report|Review)$")
_DEEPEST = 12

Node = dict[str, Any]


def article(scripts: list[str]) -> Node:
    """The first object among `scripts` (texts of `application/ld+json` elements) that is an article; empty without one."""
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
    """The texts in `value`: itself, or those of a list; of objects, their name, URL or id."""
    found: list[str] = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            item = next((item[key] for key in ("name", "url", "contentUrl", "@id") if isinstance(item.get(key), str)), "")
        if isinstance(item, str) and item.strip():
            found.append(item.strip())
    return found


def url(value: object) -> str:
    """The first address in `value`: a text, an image or page object, or a list of such."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            item = next((item[key] for key in ("url", "contentUrl", "@id") if isinstance(item.get(key), str)), "")
        if isinstance(item, str) and item.strip():
            return item.strip()
    return ""
