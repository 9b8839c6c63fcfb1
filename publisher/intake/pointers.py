"""Pointers to other stories in an author's own markup: out of the text, among the related stories. Pure.

    sanitised HTML | paragraphs as "Read more: [x](y)", and labels above a list of links -> HTML, related

Only what bears a label of the trade is taken: an author's paragraph that is one link belongs to the text.
"""

from __future__ import annotations

import re
from html import unescape

from publisher import text as plain_text
from publisher.intake import shape
from publisher.model import Related

#: Not the first of a quotation or an item: without it, they would be empty.
_PARAGRAPH = re.compile(r"(?<!quote>)(?<!quote>\n)(?<!<li>)(?<!<li>\n)<p>((?:(?!</?p>).){1,1200})</p>\n?", re.DOTALL)
_LIST = re.compile(
    r"<(?P<tag>p|h[2-6])>(?P<label>[^\n]{1,80})</(?P=tag)>\s*<ul>(?P<items>(?:(?!</?[uo]l>).){1,8000})</ul>\n?",
    re.DOTALL,
)
_ITEM = re.compile(r"<li>\s*(?:<p>)?(.*?)(?:</p>)?\s*</li>", re.DOTALL)
_LINK = re.compile(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_LABELLED = re.compile(r"(?P<label>[^:：»>|–—]{2,40}?)\s*[:：»>|–—]\s*(?P<rest>\S.*)", re.DOTALL)
_SIGN = re.compile("[:：»|–—]|&gt;")
#: What stands between links of one pointer.
_BETWEEN = re.compile(r"(?:[\s,;·|]|\band\b|\bund\b|\bet\b|\by\b)*", re.IGNORECASE)


def apart(content: str) -> tuple[str, tuple[Related, ...]]:
    """`content` (sanitised HTML) without its pointers, and the stories that they point to, in their order.

    A text that is nothing but pointers stays as it is.
    """
    found: list[tuple[int, Related]] = []

    def listed(match: re.Match[str]) -> str:
        stories = _listed(match["label"], match["items"])
        found.extend((match.start(), story) for story in stories)
        return "" if stories else match[0]

    def paragraph(match: re.Match[str]) -> str:
        stories = _pointed(match[1])
        found.extend((match.start(), story) for story in stories)
        return "" if stories else match[0]

    rest = _PARAGRAPH.sub(paragraph, _LIST.sub(listed, content)).strip()
    if not found or not plain_text.from_html(rest):
        return content, ()
    return rest, tuple(dict.fromkeys(story for _, story in sorted(found, key=lambda pair: pair[0])))


def _listed(label: str, items: str) -> list[Related]:
    """The stories of a list below a label, if each of its items is one link."""
    if not shape.is_pointer_label(_line(label)):
        return []
    links = [_LINK.fullmatch(item.strip()) for item in _ITEM.findall(items)]
    return [_story(link) for link in links if link] if links and all(links) else []


def _pointed(inner: str) -> list[Related]:
    """The stories of a paragraph that is a label and links, or a label and a title; none for other paragraphs."""
    if "<a" not in inner and not _SIGN.search(inner):  # nearly all paragraphs
        return []
    links = list(_LINK.finditer(inner))
    outside = _line(_LINK.sub(" ", inner))
    whole = _line(inner)
    if links:
        label = _LABELLED.match(whole)
        rest = outside.removeprefix(label["label"]).lstrip(" :：»>|–—") if label else outside
        alone = label is not None and shape.is_pointer_label(label["label"]) and _BETWEEN.fullmatch(rest.rstrip(" ."))
        return [_story(link) for link in links] if alone else []
    label = _LABELLED.match(whole)
    pointed = shape.pointer(whole) if label and shape.is_pointer_label(label["label"]) else None
    return [pointed] if pointed else []


def _story(link: re.Match[str]) -> Related:
    address, title = unescape(link[1]), _line(link[2])
    title = pointed.title if (pointed := shape.pointer(title)) else title
    return Related(title, address if address.startswith(("http://", "https://")) else "")


def _line(markup: str) -> str:
    return plain_text.one_line(plain_text.from_html(markup))
