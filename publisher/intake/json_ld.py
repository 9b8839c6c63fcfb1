"""schema.org data that a page carries as JSON-LD. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_ARTICLE = re.compile(r"(?:Article|BlogPosting|Report|Review)$")
_PAGE = re.compile(r"(?:WebPage|ItemPage|Book|Recipe|CreativeWork|Event)$")
_DEEPEST = 12
#: Nodes of a page that are looked at.
_MOST = 2_000
_ADDRESSES = ("url", "contentUrl", "@id")

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Graph:
    """What the scripts of a page say."""

    #: The first article; empty where there is none.
    article: Node = field(default_factory=dict)
    #: The first page that is described; empty where there is none.
    page: Node = field(default_factory=dict)
    #: Nodes by their `@id`.
    by_id: dict[str, Node] = field(default_factory=dict)

    def resolved(self, value: object) -> list[object]:
        """The items of `value`, references among them followed."""
        return [self._followed(item) for item in _items(value)]

    def _followed(self, item: object) -> object:
        if isinstance(item, dict) and not item.get("name") and isinstance(item.get("@id"), str):
            return self.by_id.get(item["@id"], item)
        return item


def read(scripts: list[str]) -> Graph:
    """The data in `scripts` (texts of `application/ld+json` elements); broken ones are passed over."""
    found: dict[str, Node] = {"article": {}, "page": {}}
    by_id: dict[str, Node] = {}
    for count, node in enumerate(node for script in scripts for node in _nodes(_loaded(script))):
        if count >= _MOST:
            break
        name = node.get("@id")
        if isinstance(name, str) and len(node) > 2:
            by_id.setdefault(name, node)
        kinds = strings(node.get("@type"))
        if not found["article"] and any(_ARTICLE.search(kind) for kind in kinds):
            found["article"] = node
        if not found["page"] and any(_PAGE.search(kind) for kind in kinds):
            found["page"] = node
    return Graph(found["article"], found["page"], by_id)


def article(scripts: list[str]) -> Node:
    """The first article among `scripts`; empty where there is none."""
    return read(scripts).article


def _loaded(script: str) -> object:
    script = script.strip().removeprefix("<!--").removeprefix("//<![CDATA[").removeprefix("<![CDATA[").strip()
    script = script.removesuffix("-->").removesuffix("//]]>").removesuffix("]]>").rstrip("; \n")
    try:
        return json.loads(script, strict=False)
    except (ValueError, RecursionError):
        return None


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


def names(value: object) -> list[str]:
    """The texts in `value`: itself, or those of a list; of objects, their name or names."""
    found = []
    for item in _items(value):
        found += strings(item.get("name")) if isinstance(item, dict) else strings(item)
    return found


def url(value: object) -> str:
    """The first address in `value`: a text, an image or page object, or a list of such; empty where there is none."""
    return next((found for item in _items(value) if (found := _text(item, _ADDRESSES))), "")


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _text(item: object, keys: tuple[str, ...]) -> str:
    if isinstance(item, dict):
        return next((found for key in keys if (found := _text(item.get(key), ()))), "")
    return item.strip() if isinstance(item, str) else ""
