"""A page as the lines that a reader sees, from any place in it onwards. Pure.

Nothing is laid out: a line ends where an element begins or ends that browsers put on a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from publisher.intake import page_tree
from publisher.text import fold

#: An element of lxml, whose types are not published.
Element = Any

_INLINE = frozenset(
    ("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i",
     "ins", "kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u",
     "var", "wbr")
)  # fmt: skip
_UNSEEN = frozenset(
    ("script", "style", "noscript", "template", "svg", "math", "iframe", "object", "select", "textarea", "button",
     "input", "canvas", "video", "audio", "head", "nav", "footer", "form", "figure")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page."""

    #: On one line, never empty.
    text: str
    #: The texts that it is made of, each from an element of its own.
    pieces: tuple[str, ...]
    #: The innermost element that is no part of a line and holds this one.
    block: Element
    #: Inline elements with text of the line, such as links.
    inline: tuple[Element, ...]


#: The same line is compared with a title, a summary and others.
folded = lru_cache(maxsize=512)(fold)


def text_of(element: Element) -> str:
    """The text of `element` on one line, comments apart."""
    return " ".join(" ".join(page_tree.found("descendant::text()", element)).split())


def following(start: Element | None, root: Element) -> Iterator[Line]:
    """The lines of `root` after the element `start`; all of them where there is none."""
    if start is None:
        yield from _lines(root)
        return
    place = start
    while place is not None and place is not root:
        if place.tail and place.tail.strip():
            text = " ".join(place.tail.split())
            yield Line(text, (text,), place.getparent(), ())
        for sibling in place.itersiblings():
            if isinstance(sibling.tag, str):
                yield from _lines(sibling)
        place = place.getparent()


def _lines(root: Element) -> Iterator[Line]:
    from lxml import etree  # noqa: PLC0415 - only pages need it

    pieces: list[str] = []
    inline: list[Element] = []
    walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    block = root if root.tag not in _INLINE else root.getparent()
    for event, element in walk:
        seen = event == "start"
        is_inline = element.tag in _INLINE or not isinstance(element.tag, str)
        if not is_inline and pieces:
            if made := _line(pieces, block, inline):
                yield made
            pieces, inline = [], []
        if seen and element.tag in _UNSEEN and not _is_of_article(element):
            walk.skip_subtree()
            continue
        if seen:
            block = block if is_inline else element
            if is_inline:
                inline.append(element)
            text = element.text
        else:
            block = block if is_inline or element is root else element.getparent()
            text = element.tail if element is not root else None
        if text and not text.isspace():
            pieces.append(text)
    if made := _line(pieces, block, inline):
        yield made


def _is_of_article(element: Element) -> bool:
    """True for a footer right in an article that tells who wrote it: some systems put it above the text."""
    return element.tag == "footer" and (parent := element.getparent()) is not None and parent.tag == "article"


def _line(pieces: list[str], block: Element, inline: list[Element]) -> Line | None:
    parts = tuple(part for piece in pieces if (part := " ".join(piece.split())))
    return Line(" ".join(parts), parts, block, tuple(inline)) if parts else None
