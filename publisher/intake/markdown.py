"""Markdown with front matter. The only code that knows markdown-it. Pure.

    text | front matter | header;   body | shortcodes | markdown-it | sanitise | pointers apart -> Extracted
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from publisher import text as plain_text
from publisher import urls
from publisher.errors import DocumentError
from publisher.intake import clean, front_matter, picture_links, pointers, shortcodes
from publisher.intake.header import header
from publisher.model import Extracted

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_FIRST_HEADING = re.compile(r"\s*<h1>(?P<title>.*?)</h1>\s*", re.DOTALL)


def parse(
    text: str, zone: ZoneInfo, base_url: str = "", *, now: datetime, path: str = "", beside: bool = False
) -> Extracted:
    """The article in `text`; its language as the document says, or empty. A name as `path` may tell its day (Jekyll).

    The title is the front matter's, else the first `# heading`, which is then taken out of the body (also where it
    repeats the front matter's). `beside`: its pictures may lie beside it; those references are marked
    (`picture_links`). Raises DocumentError for broken front matter and for a document without title or text.
    """
    raw, body = front_matter.split(text)
    found = header(raw, zone, now, path)
    body, left_out = shortcodes.rendered(body)
    source_url = urls.resolve_web("", found.source_url)
    base = source_url or base_url
    markup = _renderer().render(body)
    first = _FIRST_HEADING.match(markup)
    own = plain_text.from_html(clean.sanitise(first["title"])) if first else ""
    if first and (not found.title or plain_text.fold(own) == plain_text.fold(found.title)):
        markup = markup[first.end() :]
    title = found.title or plain_text.one_line(own) or found.named_title
    content, pointed = pointers.apart(_sanitised(markup, base, beside=beside))
    image = picture_links.mark(found.image) if beside else found.image
    if not title:
        remedy = "give it a title in its front matter, or begin it with a line such as # Title"
        raise DocumentError("it has no title", remedy)
    return Extracted(
        title=title,
        content_text=plain_text.from_html(content),
        content_html=content,
        section=found.section,
        standfirst=found.standfirst,
        authors=found.authors,
        tags=found.tags,
        language=found.language,
        published_at=found.published_at,
        image=urls.resolve_web(base, image) if image else "",
        caption=found.caption,
        credit=found.credit,
        related=tuple(dict.fromkeys(found.related + pointed)),
        source_url=source_url,
        source_id=found.source_id,
        slug=found.slug,
        updated_at=found.updated_at,
        status=found.status,
        remarks=found.remarks + left_out,
    )


def _sanitised(markup: str, base: str, *, beside: bool) -> str:
    if not beside:
        return clean.sanitise(markup, base)
    return clean.sanitise(picture_links.mark_files(markup), base, picture_links.mark)


@cache
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only Markdown documents need it

    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
