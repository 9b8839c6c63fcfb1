"""What a page states for machines: its meta elements and its schema.org data. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from publisher.intake import json_ld
from publisher.intake.page_lines import text_of
from publisher.text import one_line

#: An element of lxml, whose types are not published.
Element = Any
#: Meta elements that are looked at.
_MOST = 500


@dataclass(frozen=True, slots=True)
class Facts:
    """A parsed page with its statements at hand."""

    tree: Element
    #: Contents of meta elements by their name in lower case, in the page's order.
    meta: dict[str, list[str]]
    data: json_ld.Graph
    #: The site's names as the page gives them, none of them empty.
    site: tuple[str, ...]

    def first(self, *names: str) -> str:
        """The first content among the named meta elements."""
        return next((self.meta[name][0] for name in names if name in self.meta), "")

    def texts(self, path: str) -> list[str]:
        """The non-empty texts of the elements at an XPath."""
        return [line for element in self.tree.xpath(path) if (line := text_of(element))]


def gather(tree: Element) -> Facts:
    """The statements of a page."""
    meta: dict[str, list[str]] = {}
    for element in tree.xpath(f"(//meta[@content or @value])[position() <= {_MOST}]"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        if content := one_line(element.get("content") or element.get("value") or ""):  # some call it so
            meta.setdefault(name.strip().lower(), []).append(content)
    data = json_ld.read([str(text) for text in tree.xpath("//script[contains(@type,'ld+json')]/text()")])
    site = [*meta.get("og:site_name", [])[:1], *meta.get("application-name", [])[:1]]
    for node in data.resolved(data.article.get("publisher")):
        site += json_ld.names(node)
    return Facts(tree, meta, data, tuple(dict.fromkeys(name for name in site if name)))
