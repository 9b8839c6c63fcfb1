"""A document's bytes to an article, whatever the format. Pure.

bytes -> size, emptiness -> decode -> plain | markdown | html_page -> language -> Extracted
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

from publisher import text as plain_text
from publisher.errors import DocumentError
from publisher.intake import bounds, clean, decode, html_page, language, markdown, plain
from publisher.model import Extracted

#: Endings of files that are taken as articles, and the format of each.
FORMATS = {
    ".txt": "plain",
    ".text": "plain",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
}
#: A larger document is no article; callers refuse it before they read it.
MAX_BYTES = 10_000_000
#: Characters of the text that are enough to tell its language.
_LANGUAGE_SAMPLE = 600


def is_article_file(path: str) -> bool:
    """True if the name of `path` is that of an article: a known ending, and neither hidden nor an editor's own file."""
    name = PurePosixPath(path).name
    return PurePosixPath(name.lower()).suffix in FORMATS and not name.startswith((".", "~", "#"))


def refuse_size(size: int) -> None:
    """Raises DocumentError if a document of `size` bytes is too large, or empty."""
    if size > MAX_BYTES:
        reason = f"it is too large: {size / 1e6:.0f} MB, the limit is {MAX_BYTES / 1e6:.0f} MB"
        raise DocumentError(reason, "split it, or leave it out of the folder")
    if size == 0:
        raise DocumentError("it is empty", "write the article into it, or delete it")


def extract(data: bytes, path: str, *, now: datetime, zone: ZoneInfo, base_url: str = "") -> Extracted:
    """The article in `data`, in the format that the ending of `path` names.

    Dates without a zone are in `zone`; `now` bounds the dates that a page's text may mean; relative links are resolved
    against the document's own canonical URL, else `base_url`. `language` is empty where neither document nor text
    tells. Raises DocumentError for what is no article.
    """
    kind = FORMATS.get(PurePosixPath(path.lower()).suffix)
    if kind is None:
        raise DocumentError("its format is not known", "use one of " + ", ".join(FORMATS))
    refuse_size(len(data))
    decoded = decode.decode(data)
    text = plain_text.clean(decoded.text)
    if not text.strip():
        raise DocumentError("it is empty", "write the article into it, or delete it")
    if kind != "html":
        bounds.refuse_line(text)
    if kind == "markdown":
        bounds.refuse_fragment(text)
        found = markdown.parse(text, zone, base_url, now=now, path=path)
    elif kind == "html":
        found = html_page.parse(text, zone, now=now, base_url=base_url)
    else:
        found = _plain(text, zone)
    if not any(c.isalnum() for c in found.content_text) or not found.title:
        raise DocumentError("it holds no text of an article", "check that the article's text is in it")
    return replace(found, encoding=decoded.encoding, language=_language(found))


def _plain(text: str, zone: ZoneInfo) -> Extracted:
    page = plain.parse(text, zone)
    if page is None:
        raise DocumentError("it is empty", "write the article into it, or delete it")
    return Extracted(
        title=page.title,
        content_text="\n\n".join(page.body),
        content_html=clean.paragraphs(page.body),
        section=page.section,
        standfirst=page.standfirst,
        authors=page.authors,
        published_at=page.published_at,
        caption=page.caption,
        credit=page.credit,
        related=page.related,
    )


def _language(found: Extracted) -> str:
    """The language that the text is in where that is plain to see, else the one that the document declares."""
    detected = language.detect(f"{found.title}\n{found.standfirst}\n{found.content_text[:_LANGUAGE_SAMPLE]}")
    if found.language and (not detected or language.matches(found.language, detected)):
        return found.language
    return detected
