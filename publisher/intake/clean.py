"""Safe HTML of an article's body. The only code that knows nh3. Pure.

What goes in is anybody's; what comes out holds a small set of tags, no script, no handler, no style, and links that
work away from their page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import nh3

from publisher import text, urls

_TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre", "code"),
    *("a", "em", "strong", "b", "i", "s", "del", "ins", "sub", "sup", "q", "cite", "abbr", "mark", "small", "kbd"),
    *("img", "figure", "figcaption", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption"),
}
_ATTRIBUTES = {
    "*": {"lang", "dir"},
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
    "abbr": {"title"},
}
_DROP_WITH_CONTENT = {"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "form", "button"}
#: After ">" it would melt into one character with it, under this or any later normalisation, and leave the tag open.
_SOLIDUS = "\u0338"
_EMPTY = re.compile(
    r"<(p|li|h[2-6]|blockquote|figure|figcaption|a|em|strong|ul|ol)(?: [^>]*)?>(?:\s|&nbsp;|<br>)*</\1>"
)
_IMAGE_WITHOUT_SOURCE = re.compile(r"<img(?![^>]* src=)[^>]*>")
_LINK_WITHOUT_TARGET = re.compile(r"<a\b(?![^>]* href=)[^>]*>(.*?)</a>", re.DOTALL)
_H1 = re.compile(r"<(/?)h1\b", re.IGNORECASE)
_SPACE_BETWEEN_BLOCKS = re.compile(r"\n\s*\n+")


def sanitise(markup: str, base_url: str = "", mark: Callable[[str], str] | None = None) -> str:
    """`markup` (a fragment) without anything that could run, track or break a page.

    Links and image addresses are absolute against `base_url`; those that cannot be made so are dropped, their text
    stays. h1 becomes h2: the title is the page's only h1. `mark` may give an image's address another form before that.
    """

    def attribute(element: str, name: str, value: str) -> str | None:
        if element == "a" and name == "href":
            return urls.resolve(base_url, value) or None
        if element == "img" and name == "src":
            address = urls.resolve(base_url, mark(value) if mark is not None else value)
            return address if urlsplit(address).scheme in ("http", "https") else None
        if name == "dir" and value not in ("ltr", "rtl", "auto"):
            return None
        return value

    def safe(fragment: str) -> str:
        return nh3.clean(
            fragment,
            tags=_TAGS,
            clean_content_tags=_DROP_WITH_CONTENT,
            attributes=_ATTRIBUTES,
            attribute_filter=attribute,
            url_schemes={"http", "https", "mailto"},
            link_rel=None,
            strip_comments=True,
        )

    first = safe(_H1.sub(r"<\1h2", text.clean(markup.replace(_SOLIDUS, "&#824;"))))
    tidied = _tidy(first)
    # Tidying works on markup as text, so what it changed is not trusted.
    result = first if tidied == first else safe(tidied)
    # Entities may stand for characters that XML forbids.
    return text.clean(result.replace(_SOLIDUS, "&#824;")).strip()


def _tidy(safe: str) -> str:
    safe = _LINK_WITHOUT_TARGET.sub(r"\1", _IMAGE_WITHOUT_SOURCE.sub("", safe))
    for _ in range(3):  # an item may be empty because of the paragraph in it
        emptied = _EMPTY.sub("", safe)
        if emptied == safe:
            break
        safe = emptied
    return _SPACE_BETWEEN_BLOCKS.sub("\n", safe)


def paragraphs(blocks: Iterable[str]) -> str:
    """Plain-text `blocks` as HTML paragraphs, one a line."""
    return "\n".join(f"<p>{html.escape(block, quote=False)}</p>" for block in blocks)
