"""Pictures of a page: the lead picture with its caption and credit, and those between the paragraphs. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import Any

from publisher import urls
from publisher.intake import json_ld, shape
from publisher.intake.page_facts import Facts
from publisher.intake.page_lines import text_of
from publisher.text import fold

#: An element of lxml, whose types are not published.
Element = Any

_CREDIT_CLASS = re.compile(r"credit|copyright|photographer|byline|source", re.IGNORECASE)
_CREDIT_PREFIX = re.compile(
    r"^(?:\(?\s*(?:©|\(c\))|(?:photo(?:graph)?|image|picture|foto|bild|credit)s?(?:\s+by|\s*[:：]))\s*",
    re.IGNORECASE,
)
_CANDIDATE = re.compile(r"\s*(\S*[^\s,])(?:\s+([\d.]+)[wx])?\s*(?:,|$)")
#: Attributes in which lazy pages keep a picture's address.
LAZY = ("data-src", "data-lazy-src", "data-original", "data-lazy", "data-image", "data-url")
_BLOCKS = ("p", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "pre", "td")
#: Pixels: what is narrower counts readers or decorates.
_SMALLEST = 60
#: Pictures of one page, and letters that a paragraph is known by.
_MOST, _KEY = 100, 80


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture and the paragraphs between which it stands, folded; empty where there is none."""

    before: str
    after: str
    markup: str


def lead(facts: Facts, base: str) -> tuple[str, str, str]:
    """(image, caption, credit): the page's lead image, and what its figure says."""
    stated = facts.first("og:image", "og:image:url", "twitter:image") or _image_of(facts.data)
    image = urls.resolve(base, stated) if stated else ""
    figures = [figure for figure in facts.tree.iter("figure") if figure.find(".//img") is not None]
    within = (figure for figure in figures if next(figure.iterancestors("article", "main"), None) is not None)
    for figure in [*islice(within, 1), *figures[:1]][:1]:
        sources = [urls.resolve(base, source(img)) for img in figure.iter("img")]
        return image or next(iter(sources), ""), *_caption(figure)
    return image, "", ""


def _image_of(data: json_ld.Graph) -> str:
    return next((found for item in data.resolved(data.article.get("image")) if (found := json_ld.url(item))), "")


def placed(tree: Element) -> list[Placed]:
    """The pictures of a page in its order, each with the paragraphs around it; their addresses as they are."""
    blocks: list[Element] = []
    keys: dict[Element, str] = {}
    waiting: list[tuple[str, str]] = []
    found: list[Placed] = []
    inside: set[Element] = set()
    for element in tree.iter(*_BLOCKS, "figure", "img"):
        if element in inside:
            continue
        if element.tag in ("figure", "img"):
            inside = set(element.iter()) if element.tag == "figure" else inside
            if len(found) + len(waiting) < _MOST and (markup := _markup(element)):
                waiting.append((_last_key(blocks, keys), markup))
            continue
        blocks.append(element)
        if waiting and (key := _key(element, keys)):
            found += [Placed(place, key, markup) for place, markup in waiting]
            waiting = []
    return found + [Placed(place, "", markup) for place, markup in waiting]


def _last_key(blocks: list[Element], keys: dict[Element, str]) -> str:
    """Of the last block with a text, among the last few."""
    return next((key for block in blocks[:-6:-1] if (key := _key(block, keys))), "")


def _key(block: Element, keys: dict[Element, str]) -> str:
    """Kept in `keys`: a block may hold half the page, and be asked for each of its pictures."""
    if block not in keys:
        keys[block] = key_of(text_of(block))
    return keys[block]


def key_of(text: str) -> str:
    """What a paragraph is known by."""
    return fold(text[: 2 * _KEY])[:_KEY]


def source(img: Element) -> str:
    """The address of the picture that is to be shown: a lazy page has it in an attribute of its own, a picture that
    comes in sizes in a list.
    """
    plain = (img.get("src") or "").strip()
    lazy = next((value for name in LAZY if (value := (img.get(name) or "").strip())), "")
    sets = [img.get("srcset") or img.get("data-srcset") or ""]
    for picture in islice((ancestor for ancestor in img.iterancestors() if ancestor.tag == "picture"), 1):
        sets += [e.get("srcset") or e.get("data-srcset") or "" for e in picture.iter("source")]
    largest = next((best for text in sets if (best := _largest(text))), "")
    return lazy or (plain if plain and not plain.startswith(("data:", "about:")) else "") or largest


def _largest(candidates: str) -> str:
    listed = _CANDIDATE.findall(candidates[:20_000])
    found = [(float(size or 1), address) for address, size in listed if _is_number(size)]
    best = max(found, key=lambda pair: pair[0], default=(0.0, ""))[1]
    return "" if best.startswith("data:") else best


def _is_number(size: str) -> bool:
    return not size or (size.count(".") <= 1 and size != ".")


def _markup(element: Element) -> str:
    """The figure's HTML, not sanitised; empty where it shows no picture of any size."""
    for img in element.iter("img"):
        address = source(img)
        if not address or _is_small(img):
            continue
        sides = [(name, img.get(name) or "") for name in ("width", "height")]
        size = "".join(f' {name}="{side}"' for name, side in sides if side.isdecimal())
        shown = f'<img src="{escape(address)}" alt="{escape(img.get("alt") or "")}"{size}>'
        said = " ".join(map(text_of, element.iter("figcaption")))
        return f"<figure>{shown}{f'<figcaption>{escape(said)}</figcaption>' if said else ''}</figure>"
    return ""


def _is_small(img: Element) -> bool:
    sizes = [value for name in ("width", "height") if (value := (img.get(name) or "").removesuffix("px")).isdecimal()]
    return any(int(value[:6]) < _SMALLEST for value in sizes)


def _caption(figure: Element) -> tuple[str, str]:
    for element in figure.iter("figcaption"):
        whole = text_of(element)
        for part in element.iterdescendants():
            named = isinstance(part.tag, str) and _CREDIT_CLASS.search(part.get("class") or "")
            if named and (credit := text_of(part)):
                return whole.replace(credit, "", 1).strip(" |–—/("), _CREDIT_PREFIX.sub("", credit).strip(" .)")
        return shape.caption(whole) or (whole, "")
    return "", ""
