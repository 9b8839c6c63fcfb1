"""A page's standfirst: the summary that the author put between headline and text. Pure.

By what the page calls it, by its place, or because the page's description stands there as a line of its own. The few
words are names of the trade for it in several languages, as they stand in class names everywhere.
"""

from __future__ import annotations

import re
from typing import Any

from publisher.intake import byline, shape
from publisher.intake.lines import ends_sentence
from publisher.intake.page_facts import Facts
from publisher.intake.page_lines import Line, folded

#: An element of lxml, whose types are not published.
Element = Any

_STRONG = (
    r"standfirst|dek|deck|sub-?title|sub-?head(?:line|er|ing)?|chapo|chapeau|vorspann|teaser-?text|entradilla|sommario"
    r"|ingress"
)
_WEAK = r"lede?|intro(?:duction)?|summary|abstract|excerpt|description|tagline|strap-?line"
_NAMED = tuple(re.compile(rf"(?:^|[\s_-])(?:{names})(?:$|[\s_-])", re.IGNORECASE) for names in (_STRONG, _WEAK))
_ASIDE = re.compile(
    r"caption|(?:^|[\s_-])(?:bio|biography|author|authors|about|photo|disclosure|disclaimer|affiliate|newsletter|form|modal|"
    r"popup|promo|related|comments?|notice|alert|cookie|banner|ads?)(?:$|[\s_-])",
    re.IGNORECASE,
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
#: Elements whose names tell of the page, or the whole article: a newsletter's are no aside.
_WHOLE = ("article", "main", "body")
_HEADINGS = ("h2", "h3", "h4")
_LONGEST = 600
#: Lines of the text itself; after them the head of the page is over.
_BODY_LINES = 2
#: Lines that the head of a page may have.
_HEAD_LINES = 25
#: Lines below the headline among which one without a name of its own may be the standfirst.
_FIRST = 8


def standfirst(facts: Facts, near: list[Line], title: str) -> str:
    """The summary among the lines below the headline; empty where none is sure."""
    head = _head(near)
    fit = [line for line in head if _fits(line, title)]
    for named in _NAMED:
        for line in fit:
            if any(named.search(_HUMP.sub("-", name)) for name in _names_of(line)):
                return line.text
    described = {folded(text) for text in (facts.first("og:description"), facts.first("description")) if text}
    text = _container(near)
    for line in fit:
        if line.block.tag in _HEADINGS and (
            _is_below_title(line) or (ends_sentence(line.text) and _is_before_text(line, near))
        ):
            return line.text
    for line in fit:
        if text is None or text in (line.block, line.block.getparent()):
            if line is near[0] and folded(line.text) in described and not ends_sentence(line.text):
                return line.text  # a paragraph would end with a full stop
            continue
        plain = line.block.tag in ("p", "div") and not line.inline and shape.is_sentence(line.text)
        if (plain and _is_alone(line, near, text)) or folded(line.text) in described:
            return line.text
    return ""


def _head(near: list[Line]) -> list[Line]:
    """The lines up to the second one of the text."""
    container, seen = _container(near), 0
    for number, line in enumerate(near[:_HEAD_LINES]):
        seen += container is not None and line.block.getparent() is container and shape.width(line.text) >= 120
        if seen >= _BODY_LINES:
            return near[:number]
    return near[:_HEAD_LINES]


def _container(near: list[Line]) -> Element | None:
    """What holds the text: the element with the most running text right in it."""
    weights: dict[Element, int] = {}
    for line in near:
        if line.block.tag == "p" and shape.is_sentence(line.text) and line.block.getparent() is not None:
            parent = line.block.getparent()
            weights[parent] = weights.get(parent, 0) + len(line.text)
    return max(weights, key=lambda element: weights[element], default=None)


def _names_of(line: Line) -> list[str]:
    """What the page calls the line: its own element, those in it, and those around it that hold nothing else."""
    named = [line.block, *line.inline]
    around = line.block.getparent()
    for _ in range(2):
        if around is None or len(around) != 1 or (around.text or "").strip():
            break
        named.append(around)
        around = around.getparent()
    return [f"{e.get('class') or ''} {e.get('itemprop') or ''} {e.get('id') or ''}" for e in named]


def _fits(line: Line, title: str) -> bool:
    text = line.text
    return (
        shape.words(text) >= 4
        and len(text) <= _LONGEST
        and folded(text) not in folded(title)
        and not (shape.words(title) >= 3 and folded(title) in folded(text) and len(text) < len(title) + 30)
        and not _is_aside(line)
        and not byline.authors(text)
        and not shape.is_page_words(text)
        and line.block.tag not in ("li", "td", "th", "dt", "dd", "figcaption", "summary", "label")
        and not any(element.tag == "a" and len(element.text or "") >= len(text) * 0.6 for element in line.inline)
    )


def _is_aside(line: Line) -> bool:
    """True for what is said of a picture or of the author, in forms, and about the page itself."""
    if line.text.endswith((":", "：")) or (line.text.endswith("?") and any(e.tag == "a" for e in line.inline)):
        return True
    around = (line.block, *(ancestor for _, ancestor in zip(range(3), line.block.iterancestors(), strict=False)))
    aside = (element for element in around if element.tag not in _WHOLE)
    names = (f"{element.get('class') or ''} {element.get('id') or ''}" for element in aside)
    return any(_ASIDE.search(_HUMP.sub("-", name)) for name in names)


def _is_below_title(line: Line) -> bool:
    """True for a heading that stands right below the headline."""
    above = line.block.getprevious()
    return above is not None and above.tag == "h1"


def _is_before_text(line: Line, near: list[Line]) -> bool:
    """True if nothing of the text stands before it, and a paragraph soon after it."""
    at = near.index(line)
    before = any(shape.width(other.text) >= 120 and other.block.tag == "p" for other in near[:at][-3:])
    return not before and any(shape.is_sentence(other.text) for other in near[at + 1 : at + 6])


def _is_alone(line: Line, near: list[Line], text: Element) -> bool:
    """True for a line that is alone of its kind before the text: lists of teasers are not."""
    kin = [o for o in near if o.block.getparent() is line.block.getparent() and shape.is_sentence(o.text)]
    at = near.index(line)
    return len(kin) == 1 and at < _FIRST and not any(o.block.getparent() is text for o in near[:at])
