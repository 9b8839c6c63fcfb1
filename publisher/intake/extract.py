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
from publisher.intake import bounds, clean, dates, decode, html_page, language, markdown, plain
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
#: Characters of the text that are mostly enough to tell its language, and those that are if any.
_LANGUAGE_SAMPLES = (200, 600)


def is_article_file(path: str) -> bool:
    """True if the name of `path` is that of an article: a known ending, and neither hidden nor an editor's own file.

    Hugo's `_index` tells of a section, not of an article.
    """
    name = path.rpartition("/")[2]  # a path object for each of 100,000 files takes longer than the look at them
    stem, dot, ending = name.lower().rpartition(".")
    return dot + ending in FORMATS and not name.startswith((".", "~", "#")) and stem != "_index"


def refuse_size(size: int) -> None:
    """Raises DocumentError if a document of `size` bytes is too large, or empty."""
    if size > MAX_BYTES:
        reason = f"it is too large: {size / 1e6:.0f} MB, the limit is {MAX_BYTES / 1e6:.0f} MB"
        raise DocumentError(reason, "split it, or leave it out of the folder")
    if size == 0:
        raise DocumentError("it is empty", "write the article into it, or delete it")


def extract(
    data: bytes, path: str, *, now: datetime, zone: ZoneInfo, base_url: str = "", beside: bool = False
) -> Extracted:
    """The article in `data`, in the format that the ending of `path` names.

    Dates without a zone are in `zone`; `now` bounds the dates that a page's text may mean; relative links are resolved
    against the document's own canonical URL, else `base_url`; with `beside` those of pictures are marked instead, for
    they may mean files beside the document (`picture_links`). `language` is empty where neither document nor text
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
        found = markdown.parse(text, zone, base_url, now=now, path=path, beside=beside)
    elif kind == "html":
        found = html_page.parse(text, zone, now=now, base_url=base_url, beside=beside)
    else:
        found = _plain(text, zone)
    if not any(c.isalnum() for c in found.content_text) or not found.title:
        raise DocumentError("it holds no text of an article", "check that the article's text is in it")
    return replace(dated(found, now), encoding=decoded.encoding, language=_language(found))


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


def dated(found: Extracted, now: datetime) -> Extracted:
    """Without a date that cannot be meant: the article would come out in a hundred years, or among the oldest."""
    if found.published_at is None or not dates.is_absurd(found.published_at, now):
        return found
    remark = f"its date cannot be meant and is passed over ({found.published_at.date().isoformat()})"
    return replace(found, published_at=None, remarks=(*found.remarks, remark))


def _language(found: Extracted) -> str:
    """The language that the text is in where that is plain to see, else the one that the document declares."""
    head = f"{found.title}\n{found.standfirst}\n"
    samples = (head + found.content_text[:size] for size in _LANGUAGE_SAMPLES)
    detected = next((code for sample in samples if (code := language.detect(sample))), "")
    if found.language and (not detected or language.matches(found.language, detected)):
        return found.language
    return detected
