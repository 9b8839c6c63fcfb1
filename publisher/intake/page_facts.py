"""What a page states for machines: its meta elements and its schema.org data. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from publisher.intake import json_ld, page_tree
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
        return [line for element in page_tree.found(path, self.tree) if (line := text_of(element))]


def gather(tree: Element) -> Facts:
    """The statements of a page."""
    meta: dict[str, list[str]] = {}
    for element in page_tree.found(f"(//meta[@content or @value])[position() <= {_MOST}]", tree):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        if content := one_line(element.get("content") or element.get("value") or ""):  # some call it so
            meta.setdefault(name.strip().lower(), []).append(content)
    data = json_ld.read(page_tree.found("//script[contains(@type,'ld+json')]/text()", tree))
    site = [*meta.get("og:site_name", [])[:1], *meta.get("application-name", [])[:1]]
    for node in data.resolved(data.article.get("publisher")):
        site += json_ld.names(node)
    return Facts(tree, meta, data, tuple(dict.fromkeys(name for name in site if name)))
