"""Feeds of others: one document, many entries. The only code that knows feedparser. Pure.

    bytes | decode | RSS, Atom (feedparser) or JSON Feed | entry by entry -> article's parts, or why it is none

Nothing is fetched. One broken entry costs only itself (I12).
"""

from __future__ import annotations

import codecs
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from zoneinfo import ZoneInfo

from publisher import text as plain_text
from publisher.errors import DocumentError
from publisher.intake import decode, feed_entry, feed_json
from publisher.intake.feed_entry import Found, Raw
from publisher.model import Extracted

_NO_FEED = "it is no feed"
_REMEDY = "check that the address is that of an RSS, Atom or JSON feed"
_FAULT = "report it: this is a fault of Publisher"
_TWICE = "the feed gives this id to several entries; the first counts"
#: How the report calls the second, third... entry that claims an id.
_AGAIN = "{path} ({number})"
#: Entries of a feed, and elements beside what its texts hold: the largest honest ones have some thousands.
_MOST_ENTRIES, _MOST_ELEMENTS = 10_000, 250_000
_ENTRY = re.compile(r"<(?:\w{1,40}:)?(?:item|entry)\b", re.IGNORECASE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
_ENTITY = re.compile(r"<!ENTITY\s+(%?)\s*[^\s>]+\s*(\"[^\"]*\"|'[^']*'|SYSTEM|PUBLIC)?", re.IGNORECASE)
#: A declared entity may stand for a character or a word, not for more entities.
_HARMLESS = re.compile(r"[\"'](?:[^&%]{0,64}|&#x?[0-9a-fA-F]{1,7};)[\"']")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_PAGE = re.compile(r"\s*(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed."""

    #: The document's path: the id that the source gave it, else its link, else a hash of what it says.
    path: str
    #: SHA-256 in hex of all that the entry says; empty where it could not be read.
    digest: str
    #: None: there is no article in it, and `reason` and `remedy` say why.
    made: Extracted | None
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed holds at one fetch."""

    #: As "rss20", "atom10" or "json11".
    form: str
    title: str
    #: In the order of the document; paths are unique.
    entries: tuple[Entry, ...]
    #: (relation, address) of the links that the feed has for itself, as found.
    links: tuple[tuple[str, str], ...] = ()


def parse(data: bytes, content_type: str, url: str, zone: ZoneInfo) -> Feed:
    """The feed in `data`, which came from `url`; dates without a zone are in `zone`.

    What it is shows its content, whatever `content_type` says; that one helps with the charset only. Of several
    entries with one id the first counts. Raises DocumentError for what is no feed.
    """
    text = _decoded(data, content_type)
    is_json = text.lstrip("\ufeff \t\r\n").startswith("{")
    found = feed_json.read(text, url) if is_json else _by_feedparser(text, url)
    if len(found.entries) > _MOST_ENTRIES:
        raise _crowd("entries", _MOST_ENTRIES)
    return Feed(found.form, found.title, _without_doubles(_entry(make, zone) for make in found.entries), found.links)


def _decoded(data: bytes, content_type: str) -> str:
    if not data.strip():
        raise DocumentError("it is empty", _REMEDY)
    try:
        found = decode.decode(data)
    except DocumentError as error:
        raise DocumentError(f"{_NO_FEED}: {error.reason}", _REMEDY) from error
    told = _CHARSET.search(content_type)
    if told is None or found.encoding.startswith("utf-"):  # the header is asked only where the bytes leave a doubt
        return found.text
    try:
        name = codecs.lookup(told[1]).name
        return data.decode("cp1252" if name in ("iso8859-1", "ascii") else name)  # WHATWG Encoding, section 4.2
    except (LookupError, UnicodeDecodeError):
        return found.text


def _by_feedparser(text: str, url: str) -> Found:
    import feedparser  # noqa: PLC0415 - only feeds need it

    if _PAGE.match(text):
        raise DocumentError("it is a web page, not a feed", _REMEDY)
    _refuse_bombs(text)
    _refuse_crowds(text)
    data = _DECLARATION.sub("", text.lstrip("\ufeff")).encode("utf-8", "replace")
    try:
        found = feedparser.parse(
            io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False,
            # No address: it would make ids absolute too, and they would change when the feed moves.
            response_headers={"content-type": "application/xml; charset=utf-8"},
        )
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, AssertionError) as error:
        raise DocumentError(f"it could not be read: {type(error).__name__}", _REMEDY) from error
    form = str(found.get("version") or "")
    if not form and not found.entries:
        raise DocumentError(_NO_FEED, _REMEDY)
    # An author of the whole feed is each entry's in Atom (RFC 4287, section 4.2.1); in RSS it is an editor's address.
    shared = {name: found.feed.get(name) for name in ("language", *(("author", "authors") if "atom" in form else ()))}
    title = plain_text.one_line(str(found.feed.get("title") or ""))
    links = tuple((str(link.get("rel") or ""), str(link.get("href") or "")) for link in found.feed.get("links", ()))
    return Found(form or "unknown", title, [_reader(entry, shared, url) for entry in found.entries], links[:100])


def _reader(entry: feed_entry.Parsed, feed: feed_entry.Parsed, url: str) -> Callable[[], Raw]:
    return lambda: feed_entry.read(entry, feed, url)


def _refuse_bombs(text: str) -> None:
    """Raises DocumentError for entities that could grow when they are put in (XML bombs), or lead elsewhere."""
    for match in _ENTITY.finditer(text[:200_000]):
        if match[1] or not match[2] or not _HARMLESS.fullmatch(match[2]):
            raise DocumentError("it declares entities of its own, which could make it grow without end", _REMEDY)


def _refuse_crowds(text: str) -> None:
    """Raises DocumentError for what would take minutes to read: each element costs time, whatever its size."""
    if text.count("<") <= _MOST_ENTRIES:
        return
    first, *rest = text.split("<![CDATA[")
    bare = first + "".join(part.partition("]]>")[2] for part in rest)
    if sum(1 for _ in _ENTRY.finditer(bare)) > _MOST_ENTRIES:
        raise _crowd("entries", _MOST_ENTRIES)
    if bare.count("<") > _MOST_ELEMENTS:
        raise _crowd("elements", _MOST_ELEMENTS)


def _crowd(what: str, limit: int) -> DocumentError:
    return DocumentError(f"it holds more than {limit:,} {what}", "ask its publisher for a feed of the newest entries")


def _entry(make: Callable[[], Raw], zone: ZoneInfo) -> Entry:
    raw: Raw | None = None
    try:
        raw = make()
        made = feed_entry.article(raw, zone)
        return Entry(_path(raw, made), _digest(made), made)
    except DocumentError as error:
        return Entry(_path(raw, None), "", None, error.reason, error.remedy)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one entry, its record says it
        what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return Entry(_path(raw, None), "", None, f"it could not be read: {what}", _FAULT)


def _path(raw: Raw | None, made: Extracted | None) -> str:
    told = (raw.id or raw.link) if raw else ""
    if told:
        return told if len(told) <= feed_entry.LONGEST_ID else f"sha256:{hashlib.sha256(told.encode()).hexdigest()}"
    said = json.dumps([raw.title, raw.markup] if raw else "", ensure_ascii=True) + (made.title if made else "")
    return f"sha256:{hashlib.sha256(said.encode()).hexdigest()}"


def _digest(made: Extracted) -> str:
    plain = asdict(made) | {"status": str(made.status), "published_at": str(made.published_at)}
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _without_doubles(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Of those with one path the first; the others are refused under paths of their own, so that they are seen."""
    kept: dict[str, Entry] = {}
    claims: dict[str, int] = {}
    for entry in entries:
        number = claims[entry.path] = claims.get(entry.path, 0) + 1
        if number == 1:
            kept[entry.path] = entry
            continue
        path = _AGAIN.format(path=entry.path, number=number)
        kept.setdefault(path, replace(
            entry, path=path, digest="", made=None, reason=_TWICE,
            remedy="ask its publisher to give each entry an id of its own",
        ))
    return tuple(kept.values())
