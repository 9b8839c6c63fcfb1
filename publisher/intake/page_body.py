"""The article's text in a page. The only code that knows trafilatura. Pure: it gets a parsed tree, nothing is fetched.

    tree | trafilatura, quick then thorough | its tree as HTML | pictures back in place | promos apart
"""

from __future__ import annotations

import re
from copy import copy
from functools import cache
from typing import Any

from publisher import urls
from publisher.intake import page_picture, page_tree, shape
from publisher.intake.page_lines import text_of
from publisher.model import Related
from publisher.text import one_line

#: An element of lxml, whose types are not published.
Element = Any

_CHROME = (
    "script", "style", "nav", "header", "footer", "aside", "form", "noscript", "template", "button", "select", "iframe",
)  # fmt: skip
#: What has no text for a reader wherever it stands.
_UNSEEN = ("style", "svg", "template", "link", "canvas", "object", "embed")
#: What is beside the text wherever it stands; unless it holds this share of the letters, as it does where a page
#: forgets its end.
_BESIDE, _TOO_MUCH = ("aside", "nav", "footer", "noscript", "iframe", "select", "audio", "video"), 0.25
#: Below so many letters trafilatura found a fragment at most; the page is looked at as a whole.
_TOO_LITTLE = 80
#: The quick way is enough if it has this share of the letters in the page's paragraphs, and so many at all.
_SHARE, _ENOUGH = 0.4, 500
#: An element that has this share of those letters holds the article.
_NEARLY_ALL = 0.9
#: Elements and letters of a page that trafilatura reads within a second; a larger one is read by its structure.
_MOST_ELEMENTS, _MOST_LETTERS = 12_000, 1_000_000
#: What trafilatura calls things, and what HTML does.
_TAGS = {
    "list": "ul",
    "item": "li",
    "quote": "blockquote",
    "head": "h3",
    "hi": "em",
    "ref": "a",
    "lb": "br",
    "graphic": "img",
    "row": "tr",
    "cell": "td",
    "code": "code",
}
_HEADINGS = ("h2", "h3", "h4", "h5", "h6", "h1")
_MARKS = {"#b": "strong", "#i": "em", "#u": "em", "#t": "code", "#sub": "sub", "#sup": "sup"}
_LONGEST_PROMO = 160
#: Characters of a section's name; and how systems address the stories of one.
_LONGEST_SECTION = 40
_TO_SECTION = re.compile(
    r"/(?:tags?|categor(?:y|ies|ia|ie)|sections?|topics?|themen?|rubri[ck]\w*|kategorien?)/[^/]+/?$", re.IGNORECASE
)


def find(tree: Element) -> str:
    """The article's HTML, not sanitised. `tree` is used up."""
    _strip(tree)
    pictures = page_picture.placed(tree)
    _strip_beside(tree)
    body = _by_trafilatura(tree) if _is_small(tree) else None
    if body is not None and _letters(body) >= _TOO_LITTLE:
        return _as_html(body, pictures)
    whole = _by_structure(tree)
    return whole or ("" if body is None else _as_html(body, pictures))


def _is_small(tree: Element) -> bool:
    return page_tree.found("count(descendant-or-self::*)", tree) < _MOST_ELEMENTS and _letters(tree) < _MOST_LETTERS


def _strip(tree: Element) -> None:
    """Takes out what no reader sees, for speed: trafilatura copies the tree several times, and looks for schema.org's
    text in it.
    """
    from lxml import etree  # noqa: PLC0415 - only pages need it

    for script in list(tree.iter("script")):
        if "ld+json" not in (script.get("type") or ""):
            script.drop_tree()
    etree.strip_elements(tree, *_UNSEEN, etree.Comment, with_tail=False)


def _strip_beside(tree: Element) -> None:
    """Takes out what trafilatura takes out of each of its copies, and what is no text in the structure either."""
    most = _TOO_MUCH * _letters(tree)
    for element in list(tree.iter(*_BESIDE)):
        if element is not tree and element.getparent() is not None and _letters(element) <= most:
            element.drop_tree()


def kicker(root: Element) -> str:
    """The section's name, where the first block is that alone, as a link to its stories; the block is taken out."""
    if len(root) < 2:
        return ""
    block = root[0]
    links = list(block.iter("a"))
    name = text_of(links[0]) if len(links) == 1 else ""
    if not name or len(name) > _LONGEST_SECTION or name != text_of(block):
        return ""
    if not _TO_SECTION.search(links[0].get("href") or ""):
        return ""
    block.drop_tree()
    return name


def promos(root: Element) -> list[Related]:
    """The stories that paragraphs of `root` point to, instead of telling; the paragraphs are taken out."""
    found = []
    for block in list(root.iterchildren("p", "h2", "h3", "h4", "h5", "h6", "blockquote")):
        if (story := _promo(block)) is not None and len(root) > 1:
            found.append(story)
            block.drop_tree()
    return found


def furniture(root: Element) -> int:
    """Takes out the blocks of `root` that are the page's: rights, pleas to subscribe, headings of lists of contents.

    How many those were.
    """
    blocks = [block for block in root.iterchildren("p", "h2", "h3", "h4", "h5", "h6") if block.find(".//img") is None]
    own = [block for block in blocks if shape.is_prompt(text := text_of(block)) or shape.is_notice(text)]
    for block in own if len(own) < len(root) else ():
        block.drop_tree()
    return len(own)


def _promo(block: Element) -> Related | None:
    """The story, if the block is short and one link, with a label before it or without."""
    text = text_of(block)
    if not text or len(text) > _LONGEST_PROMO or block.find(".//img") is not None:
        return None
    links = list(block.iter("a"))
    pointed = shape.pointer(text)
    if len(links) != 1:
        return pointed if not links else None
    title = text_of(links[0])
    address = links[0].get("href") or ""
    label = one_line(text.replace(title, "", 1)).strip(" :：»›>→–—-|.") if title else text
    if not label and block.tag == "p" and shape.words(title) >= 3 and not title.endswith((".", "。")):
        return Related(title, address)
    if label and shape.is_pointer_label(label):
        return Related(title, address)
    return Related(pointed.title, address) if pointed is not None else None


def _by_trafilatura(tree: Element) -> Element | None:
    for quotation in list(tree.iter("q")):  # else taken for a block
        quotation.text = f"“{quotation.text or ''}"
        quotation.tail = f"”{quotation.tail or ''}"
        quotation.drop_tag()
    paragraphs = [(block, _letters(block)) for block in page_tree.found("//p[string-length() >= 60]", tree)]
    there = sum(letters for _, letters in paragraphs)
    frame = _frame(paragraphs, there)
    root = tree if frame is None else frame
    quick = _extracted(root, fast=True)
    # Where it gave up, it has put everything into one paragraph.
    if quick is not None and len(quick) > 1 and _letters(quick) >= max(_ENOUGH, _SHARE * there):
        return quick
    return _extracted(root, fast=False)


def _frame(paragraphs: list[tuple[Element, int]], there: int) -> Element | None:
    """A page of nothing but the innermost article, or main part, that holds nearly all the text of the whole page.

    To look for the article there takes half the time. None where there is no such element.
    """
    from lxml import html  # noqa: PLC0415 - only pages need it

    if there < _ENOUGH:
        return None
    held: dict[Element, int] = {}
    for block, letters in paragraphs:
        for element in block.iterancestors("article", "main"):
            held[element] = held.get(element, 0) + letters
    # Where the parser has put all of it into the head, the page is too odd to be cut up.
    full = [element for element, letters in held.items() if letters >= _NEARLY_ALL * there]
    if not full or next(full[0].iterancestors("body"), None) is None:
        return None
    # An article within the main part; of several within each other the innermost.
    inner = max(full, key=lambda element: (element.tag == "article", sum(1 for _ in element.iterancestors())))
    page = html.Element("html")
    body = html.Element("body")
    page.append(body)
    body.append(copy(inner))
    body[0].tail = None
    return page


def _extracted(tree: Element, *, fast: bool) -> Element | None:
    from lxml import etree  # noqa: PLC0415 - only pages need it
    from trafilatura import bare_extraction  # noqa: PLC0415 - 0.3 s to load

    try:
        found = bare_extraction(tree, options=_options(fast))
    except (etree.LxmlError, ValueError, TypeError, AttributeError, IndexError, RecursionError):
        return None  # a page that it cannot bear is read by its structure
    return getattr(found, "body", None)


@cache
def _options(fast: bool) -> Any:
    """What trafilatura is asked for; made once, for it reads a file of settings each time."""
    from trafilatura.settings import Extractor  # noqa: PLC0415 - as above

    return Extractor(
        fast=fast,
        output_format="xml",  # else it makes a plain text as well
        comments=False,
        formatting=True,
        links=True,
        tables=True,
    )


def _letters(element: Element) -> int:
    return int(page_tree.found("string-length()", element))  # without making an object of each element


def _as_html(body: Element, pictures: list[page_picture.Placed]) -> str:
    """HTML of trafilatura's own tree; unlike its own conversion, with ordered lists, inline code and table heads."""
    from lxml import etree  # noqa: PLC0415 - only pages need it

    for element in body.iter(*_TAGS):
        rend = element.get("rend") or ""
        tag = _TAGS[element.tag]
        if element.tag == "list" and rend == "ol":
            tag = "ol"
        elif element.tag == "head":
            tag = rend if rend in _HEADINGS else "h3"
        elif element.tag == "hi":
            tag = _MARKS.get(rend, "em")
        elif element.tag == "cell" and element.get("role") == "head":
            tag = "th"
        elif element.tag == "code" and "\n" in "".join(element.itertext()):
            tag = "pre"
        if element.tag == "ref":
            element.set("href", urls.unbroken(element.get("target") or ""))  # else escaped when written
        element.tag = tag
    after = _after(body, pictures)
    lines = []
    for number, block in enumerate(body):
        lines.append(etree.tostring(block, encoding="unicode", method="html"))
        lines += after.get(number, ())
    return "\n".join(lines)


def _after(body: Element, pictures: list[page_picture.Placed]) -> dict[int, list[str]]:
    """Pictures to be put behind the blocks of these numbers: those that stand between two paragraphs that were kept."""
    if not pictures:
        return {}
    kept: dict[str, int] = {}
    for number, block in enumerate(body):
        for element in (block, *block.iterdescendants("li", "p", "td")):
            if key := page_picture.key_of(text_of(element)):
                kept.setdefault(key, number)
    found: dict[int, list[str]] = {}
    for picture in pictures:
        if picture.before in kept and picture.after in kept:
            found.setdefault(kept[picture.before], []).append(picture.markup)
    return found


def _by_structure(tree: Element) -> str:
    """What the page itself marks as its article, or all of it, less what is clearly of the page."""
    from lxml import etree, html  # noqa: PLC0415 - only pages need it

    paths = ("//article", "//main | //*[@role = 'main']", "//body")
    found = next(filter(None, (page_tree.found(path, tree) for path in paths)), [tree])
    root = max(found[:50], key=lambda element: len(text_of(element)))
    etree.strip_elements(root, *_CHROME, with_tail=False)
    for heading in page_tree.found("(.//h1)[1]", root):
        heading.drop_tree()
    for link in root.iter("a"):
        if address := link.get("href"):
            link.set("href", urls.unbroken(address))
    markup = str(html.tostring(root, encoding="unicode", with_tail=False))
    return markup if text_of(root) else ""
