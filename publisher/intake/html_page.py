"""Web pages: the body by `page_body`, all else by `page_meta`, of one tree. Pure: nothing is ever fetched.

    text | bounds, parse (page_tree) | what it states (page_meta) | its text (page_body) | sanitise | fields apart
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from publisher import text as plain_text
from publisher.errors import DocumentError
from publisher.intake import clean, dates, page_body, page_meta, page_tree, picture_links
from publisher.intake.page_lines import text_of
from publisher.intake.page_tree import Element
from publisher.model import Extracted, Related
from publisher.text import fold

#: So many blocks of the body may repeat what the article says in fields of its own.
_HEAD = 5


@dataclass(frozen=True, slots=True)
class _Body:
    """The sanitised body, once what the article carries in fields of its own is out of it."""

    html: str
    text: str
    related: tuple[Related, ...]
    #: What stood above the text as a link to the stories of a section; empty where there was none.
    section: str = ""


def parse(text: str, zone: ZoneInfo, *, now: datetime, base_url: str = "", beside: bool = False) -> Extracted:
    """The article of the page `text`; dates without a zone are in `zone`, and dates found in its text lie before `now`.

    `beside`: its pictures may lie beside it; those references are marked (`picture_links`). Raises DocumentError for a
    page without a title or without text.
    """
    tree = page_tree.parse(text)
    if beside:
        picture_links.mark_page(tree)
    meta = page_meta.read(tree, zone, base_url)
    if not meta.title:
        raise DocumentError("it has no title", "give the page a <title> or an <h1>")
    published_at = meta.published_at or _date_in_text(tree, zone, now)
    if tree.find(".//frameset") is not None and tree.find(".//p") is None:
        raise DocumentError("it is a set of frames without a text of its own", "save the page in the frame instead")
    body = _parted(clean.sanitise(page_body.find(tree), meta.base), meta)
    return Extracted(
        title=plain_text.one_line(meta.title),
        content_text=body.text,
        content_html=body.html,
        section=meta.section or body.section,
        standfirst="" if fold(meta.standfirst) == fold(body.text) else plain_text.one_line(meta.standfirst),
        authors=tuple(map(plain_text.one_line, meta.authors)),
        tags=meta.tags,
        language=meta.language,
        published_at=published_at,
        image=meta.image,
        caption=plain_text.one_line(meta.caption),
        credit=plain_text.one_line(meta.credit),
        related=body.related,
        source_url=meta.url,
    )


def _date_in_text(tree: Element, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The day of publication that stands somewhere in the page; None where there is none."""
    from htmldate import find_date  # noqa: PLC0415 - slow to load

    latest = (now + timedelta(days=1)).date().isoformat()
    try:
        found = find_date(tree, original_date=True, extensive_search=False, max_date=latest)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None  # a page that it cannot bear has no date
    return dates.parse(found, zone) if found else None


def _parted(content: str, meta: page_meta.Meta) -> _Body:
    """`content` without its promos, and without title, standfirst and caption.

    Its text is without the captions of its pictures: they belong to the pictures.
    """
    if not content:
        return _Body("", "", ())
    root = page_tree.fragment(content)
    repeated = [element for element in list(root)[:_HEAD] if _repeats(element, meta)]
    for element in repeated:
        element.drop_tree()
    section = page_body.kicker(root)
    related = page_body.promos(root)
    others = page_body.furniture(root)
    inner = clean.sanitise(_inner(root), meta.url) if repeated or section or related or others else content
    said = list(root.iter("figcaption"))
    for caption in said:
        caption.drop_tree()
    return _Body(inner, plain_text.from_html(_inner(root) if said else inner), tuple(dict.fromkeys(related)), section)


def _inner(root: Element) -> str:
    from lxml import html  # noqa: PLC0415 - only pages need it

    return str(html.tostring(root, encoding="unicode", with_tail=False)).removeprefix("<div>").removesuffix("</div>")


def _repeats(element: Element, meta: page_meta.Meta) -> bool:
    """True for a block that shows the lead picture, or says the title, the standfirst or the caption."""
    sources = page_tree.found("descendant-or-self::img/@src", element)
    said = fold(text_of(element))
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
