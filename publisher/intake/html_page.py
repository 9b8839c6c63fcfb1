"""Web pages. The body by trafilatura (known here alone), all else by `page_meta`. Pure: nothing is ever fetched,
trafilatura gets a parsed tree.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

from publisher import text as plain_text
from publisher.errors import DocumentError
from publisher.intake import clean, dates, page_meta
from publisher.intake.page_meta import Element
from publisher.model import Extracted
from publisher.text import fold

_CHROME = "//script | //style | //nav | //header | //footer | //aside | //form | //noscript | //template | //button"
#: Below so many letters trafilatura found a fragment at most; the page is looked at as a whole.
_TOO_LITTLE = 80
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
#: A character by its number; lxml reads those that it then refuses to write.
_REFERENCE = re.compile(r"&#(?:\d{1,7}|[xX][0-9a-fA-F]{1,6});?")
#: So many blocks of the body may repeat what the article says in fields of its own.
_HEAD = 5
_NOT_HTML = "it is no HTML page that can be read"


def parse(text: str, zone: ZoneInfo, *, now: datetime, base_url: str = "") -> Extracted:
    """The article of the page `text`; dates without a zone are in `zone`, and dates found in its text lie before `now`.

    Raises DocumentError for a page without a title or without text.
    """
    tree = _tree(text)
    meta = page_meta.read(tree, zone, base_url)
    published_at = meta.published_at or _date_in_text(tree, zone, now)
    content = _without_repeats(clean.sanitise(_body(text, tree), meta.base), meta)
    title = meta.title
    if not title:
        raise DocumentError("it has no title", "give the page a <title> or an <h1>")
    body = plain_text.from_html(content)
    standfirst = meta.standfirst if fold(meta.standfirst) != fold(body) else ""
    return Extracted(
        title=title,
        content_text=body,
        content_html=content,
        section=meta.section,
        standfirst=standfirst,
        authors=meta.authors,
        tags=meta.tags,
        language=meta.language,
        published_at=published_at,
        image=meta.image,
        caption=meta.caption,
        credit=meta.credit,
        source_url=meta.url,
    )


def _tree(text: str) -> Element:
    from lxml import etree, html  # noqa: PLC0415 - only pages need it

    text = _REFERENCE.sub(lambda match: match[0] if plain_text.clean(unescape(match[0])) else "", text)
    try:
        return html.document_fromstring(text.encode("utf-8"), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise DocumentError(_NOT_HTML, "check that the file is a saved web page") from error


def _body(text: str, tree: Element) -> str:
    """The article's HTML, not sanitised. `tree` is used up."""
    found = _by_trafilatura(tree)
    if sum(c.isalpha() for c in plain_text.from_html(found)) >= _TOO_LITTLE:
        return found
    whole = _by_structure(_tree(text))
    return whole if plain_text.from_html(whole) else found


def _by_trafilatura(tree: Element) -> str:
    from lxml import etree  # noqa: PLC0415 - only pages need it
    from trafilatura import bare_extraction  # noqa: PLC0415 - 0.3 s to load

    for quotation in list(tree.iter("q")):  # else taken for a block
        quotation.text = f"“{quotation.text or ''}"
        quotation.tail = f"”{quotation.tail or ''}"
        quotation.drop_tag()
    try:
        found = bare_extraction(
            tree,
            include_comments=False,
            include_formatting=True,
            include_links=True,
            include_images=True,
            include_tables=True,
        )
    except (etree.LxmlError, ValueError, TypeError, AttributeError, IndexError, RecursionError):
        return ""  # a page that it cannot bear is read by its structure
    body = getattr(found, "body", None)
    return _as_html(body) if body is not None else ""


def _as_html(body: Element) -> str:
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
            element.set("href", element.get("target") or "")
        element.tag = tag
    for picture in [child for child in body if child.tag == "img" and (child.tail or "").strip()]:
        _put_in_figure(picture)
    return "\n".join(etree.tostring(block, encoding="unicode", method="html") for block in body)


def _put_in_figure(picture: Element) -> None:
    """A picture's caption follows it as loose text in trafilatura's tree."""
    figure = picture.makeelement("figure")
    picture.getparent().replace(picture, figure)
    caption, picture.tail = picture.tail, None
    figure.append(picture)
    element = picture.makeelement("figcaption")
    element.text = caption.strip()
    figure.append(element)


def _by_structure(tree: Element) -> str:
    """What the page itself marks as its article, or all of it, less what is clearly of the page."""
    from lxml import html  # noqa: PLC0415 - only pages need it

    found = tree.xpath("//article") or tree.xpath("//main | //*[@role='main']") or tree.xpath("//body") or [tree]
    root = max(found, key=lambda element: len(page_meta.text_of(element)))
    for element in root.xpath("." + _CHROME.replace(" | ", " | .")) + root.xpath(".//h1[1]"):
        if element is not root and element.getparent() is not None:
            element.drop_tree()
    return str(html.tostring(root, encoding="unicode"))


def _date_in_text(tree: Element, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The day of publication that stands somewhere in the page; None where there is none."""
    from htmldate import find_date  # noqa: PLC0415 - slow to load

    latest = (now + timedelta(days=1)).date().isoformat()
    try:
        found = find_date(tree, original_date=True, extensive_search=False, max_date=latest)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None  # a page that it cannot bear has no date
    return dates.parse(found, zone) if found else None


def _without_repeats(content: str, meta: page_meta.Meta) -> str:
    """`content` without what the article carries in fields of its own: title, standfirst, caption."""
    from lxml import html  # noqa: PLC0415 - only pages need it

    if not content:
        return ""
    root = html.fragment_fromstring(content, create_parent="div")
    for element in list(root)[:_HEAD]:
        if _repeats(element, meta):
            element.drop_tree()
    inner = html.tostring(root, encoding="unicode")
    return clean.sanitise(str(inner).removeprefix("<div>").removesuffix("</div>"), meta.url)


def _repeats(element: Element, meta: page_meta.Meta) -> bool:
    """True for a block that shows the lead picture, or says the title, the standfirst or the caption."""
    sources = [str(value) for value in element.xpath("self::img/@src | .//img/@src")]
    said = fold(page_meta.text_of(element))
    caption = fold(meta.caption)
    if sources:
        return len(sources) == 1 and (
            (not said and sources[0] == meta.image) or (bool(caption) and said.startswith(caption))
        )
    return bool(said) and said in (
        fold(meta.title),
        fold(meta.standfirst),
        caption,
        fold(f"{meta.caption} {meta.credit}"),
    )
