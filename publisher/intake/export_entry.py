"""One entry of another system's export, and the article that it is. Pure.

    entry's parts (Raw) | status there | -> Exported: article, draft, or why it is none; its old addresses
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from publisher import text as plain_text
from publisher.errors import DocumentError
from publisher.intake import bounds, clean, feed_entry
from publisher.intake.feed_entry import Raw
from publisher.model import ArticleStatus, Enclosure, Extracted
from publisher.text import one_line

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:[a-zA-Z]{2,8}|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_FRAME = re.compile(
    r"<iframe\b(?=[^<>]*+>)[^<>]*?\bsrc\s*+=\s*+[\"']?((?:https?:)?//[^\s\"'<>]++)[^<>]*+>(?:\s*+</iframe\s*+>)?",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"<img\b", re.IGNORECASE)
#: Bytes of one entry's text; as many as a document may have.
MAX_TEXT = 10_000_000
_TRY_AGAIN = "mend it there, export it again, and import that"


@dataclass(frozen=True, slots=True)
class Exported:
    """One entry of an export."""

    #: The document's path: the id that the other system gave it.
    path: str
    #: None: there is no article in it, and `reason` and `remedy` say why.
    made: Extracted | None
    #: Keys (`publisher.old_addresses`) of the addresses at which it stood.
    old: tuple[str, ...] = ()
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Export:
    """A whole export, read to its end once; its entries are made one by one, each time anew."""

    #: Name of the source that it is to the store, as "import:wordpress:blog.example.org".
    source: str
    #: Where the site stood, absolute; empty where the export does not say.
    url: str
    #: Entries that will come.
    total: int
    entries: Callable[[], Iterator[Exported]]
    #: What is no article, and how often: kinds in plain words.
    passed_over: Mapping[str, int] = field(default_factory=dict)
    #: What its owner should know about the whole.
    remarks: tuple[str, ...] = ()


def exported(
    path: str, raw: Raw, zone: ZoneInfo, *, old: tuple[str, ...] = (), status: ArticleStatus = ArticleStatus.SCHEDULED,
    slug: str = "", updated_at: datetime | None = None, source_url: str = "", enclosures: tuple[Enclosure, ...] = (),
    remarks: tuple[str, ...] = (),
) -> Exported:
    """The entry that `raw` is; whatever is wrong with it is its reason, and costs no other entry (I12)."""
    try:
        made = _article(raw, zone)
    except DocumentError as error:
        return Exported(path, None, old, error.reason, _TRY_AGAIN)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one entry, its record says it
        what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return Exported(path, None, old, f"it could not be read: {what}", "report it: this is a fault of Publisher")
    return Exported(path, replace(
        made, status=status, slug=one_line(slug)[:200], updated_at=updated_at, source_url=source_url,
        enclosures=enclosures,
        remarks=remarks,
    ), old)


def _article(raw: Raw, zone: ZoneInfo) -> Extracted:
    if len(raw.markup) > MAX_TEXT:
        raise DocumentError(f"it is too large: the limit is {MAX_TEXT / 1e6:.0f} MB")
    bounds.refuse_fragment(raw.markup)
    raw = replace(raw, title=plain(raw.title), markup=embeds_as_links(raw.markup))
    if any(c.isalnum() for c in plain_text.from_html(clean.sanitise(raw.markup, raw.base))):
        return feed_entry.article(raw, zone)
    if not raw.title or not (raw.image or _IMAGE.search(raw.markup)):
        raise DocumentError("it holds no text" if raw.title else "it holds neither title nor text")
    # A picture with a title: the title stands for the text that mail and feeds need.
    made = feed_entry.article(replace(raw, markup=clean.paragraphs([raw.title])), zone)
    return replace(made, content_html=clean.sanitise(raw.markup, raw.base) or made.content_html)


def moved_here(made: Extracted) -> Extracted:
    """The entry of a feed as an article of ours: its old address leads to it, and is its source no more."""
    return replace(made, source_url="")


def plain(markup: str) -> str:
    """One line of text; HTML where the text looks like it, as titles of other systems do."""
    if _MARKUP.search(markup):
        markup = plain_text.from_html(clean.sanitise(markup))
    return plain_text.one_line(markup)


def embeds_as_links(markup: str) -> str:
    """`markup` with a link in place of each frame: what is embedded is left out of articles, and not lost."""
    return _FRAME.sub(lambda match: link(match[1]), markup)


def link(url: str) -> str:
    """A paragraph that leads to `url`, as it stands in HTML or plain text."""
    url = html.unescape(url)
    url = f"https:{url}" if url.startswith("//") else url
    return f'<p><a href="{html.escape(url)}">{html.escape(url, quote=False)}</a></p>'


def digest(path: str, made: Extracted) -> str:
    """SHA-256 in hex of all that the entry says, what is remarked about it apart."""
    facts = asdict(made) | {"status": str(made.status), "remarks": (), "path": path}
    return hashlib.sha256(json.dumps(facts, ensure_ascii=True, sort_keys=True, default=str).encode()).hexdigest()
