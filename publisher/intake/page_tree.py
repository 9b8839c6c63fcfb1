"""A web page's text to a tree of elements, once for all that read it. Pure."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from html import unescape
from typing import Any

from publisher import text as plain_text
from publisher.errors import DocumentError
from publisher.intake import bounds

#: An element of lxml, whose types are not published.
Element = Any

#: Numbers of characters that lxml reads but refuses to write again, and a few harmless ones beside them.
_REFERENCE = re.compile(
    r"&#(?:0*(?:\d|[12]\d|3[01]|12[7-9]|1[3-5]\d|5[5-9]\d{3}|6[0-5]\d{3})(?!\d)"
    r"|[xX]0*(?:[0-9a-fA-F]|1[0-9a-fA-F]|7[fF]|[89][0-9a-fA-F]|[d-fD-F][0-9a-fA-F]{3})(?![0-9a-fA-F]));?"
)
#: For browsers what follows belongs to the page all the same; the parser would end here.
_END_OF_PAGE = re.compile(r"</(?:body|html)\s*>", re.IGNORECASE)
#: XML's short form of an element that in HTML has an end tag.
_SHORT = re.compile(
    r"<(script|style|title|textarea|iframe|noscript|div|span|a|p|i|b|em|strong|h[1-6]|td|th|li|ul|object|video|audio)"
    r"(\s[^<>]*)?/>",
    re.IGNORECASE,
)
_XML = re.compile(r"\s*<\?xml\b|\s*<!DOCTYPE\s+html\s+PUBLIC\s+\"-//W3C//DTD XHTML", re.IGNORECASE)


def parse(text: str) -> Element:
    """The page's root element. Raises DocumentError for what is no page, or one that is made to do harm."""
    from lxml import etree, html  # noqa: PLC0415 - only pages need it

    bounds.refuse_page(text)
    if _XML.match(text):
        text = _SHORT.sub(r"<\1\2></\1>", text)
    text = _END_OF_PAGE.sub("", _REFERENCE.sub(_harmless, text))
    try:
        return html.document_fromstring(text.encode("utf-8"), parser=_parser())
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise DocumentError(
            "it is no HTML page that can be read", "check that the file is a saved web page"
        ) from error


def found(path: str, element: Element) -> Any:
    """What an XPath finds from `element` on. Each path is compiled once; texts and attributes come as plain strings.

    An attribute is best looked for by its own axis (`//@class[...]/..`): ten times as fast as by each element's.
    """
    return _compiled(path)(element)


@cache
def _compiled(path: str) -> Any:
    from lxml import etree  # noqa: PLC0415 - only pages need it

    return etree.XPath(path, smart_strings=False)


def fragment(markup: str) -> Element:
    """A "div" that holds the elements of a piece of sound HTML, as the sanitiser gives it."""
    from lxml import html  # noqa: PLC0415 - only pages need it

    page = html.document_fromstring(f"<html><body><div>{markup}</div></body></html>".encode(), parser=_parser())
    return page.find("body")[0]


def _parser() -> Any:
    """A parser of which all elements are of one class: lxml.html's own asks Python for that of each, at each look."""
    from lxml import etree, html  # noqa: PLC0415 - only pages need it

    parser = etree.HTMLParser(encoding="utf-8")
    parser.set_element_class_lookup(
        etree.ElementDefaultClassLookup(
            element=html.HtmlElement, comment=html.HtmlComment, pi=html.HtmlProcessingInstruction,
            entity=html.HtmlEntity,
        )
    )
    return parser


def _harmless(match: re.Match[str]) -> str:
    return match[0] if _is_character(match[0]) else ""


@lru_cache(maxsize=4096)
def _is_character(reference: str) -> bool:
    return plain_text.clean(unescape(reference)) != ""
