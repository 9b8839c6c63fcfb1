"""The reader of WordPress exports (WXR, which is RSS with more in it): a stream of items. Pure.

    bytes | decode | without what XML forbids | expat, without a tree -> items, one at a time; what the channel says

However long the file is, one item is in memory. No document type is let in, and so no entity of the file's own.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from publisher.errors import DocumentError
from publisher.intake.export_entry import MAX_TEXT

#: Bytes that are read at a time.
_STEP = 256 * 1024
#: Characters of what is not an item's text: titles, addresses, values.
_LONGEST = 20_000
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{2,40})[\"']")
_EXPORT = "http://wordpress.org/export/"
_SPACES = {"http://purl.org/rss/1.0/modules/content/": "content:", "http://purl.org/dc/elements/1.1/": "dc:"}
_TEXTS = frozenset(("content:encoded", "excerpt:encoded"))
_KEPT = _TEXTS | frozenset(
    ("title", "link", "guid", "pubDate", "dc:creator", "wp:post_id", "wp:post_date", "wp:post_date_gmt",
     "wp:post_modified", "wp:post_modified_gmt", "wp:post_name", "wp:status", "wp:post_type", "wp:post_password",
     "wp:post_parent", "wp:attachment_url")
)  # fmt: skip
_META = frozenset(("_thumbnail_id", "_wp_attachment_image_alt", "enclosure"))
_ITEM = ["rss", "channel", "item"]
_EXPORT_ANEW = "export it again under Tools, Export"
_NO_WXR = "it is no WordPress export (WXR)"


@dataclass(slots=True)
class Item:
    """One item, as found."""

    #: By name with the usual prefix, as "wp:post_id"; absent where empty.
    fields: dict[str, str] = field(default_factory=dict)
    #: (domain, nicename, name).
    categories: list[tuple[str, str, str]] = field(default_factory=list)
    #: Values of those keys that are needed.
    meta: dict[str, str] = field(default_factory=dict)
    #: Its text is longer than any document may be, and was cut.
    too_large: bool = False


@dataclass(slots=True)
class Channel:
    """What the export says before its items."""

    #: By name, as "link" or "wp:wxr_version".
    fields: dict[str, str] = field(default_factory=dict)
    #: Display names by login.
    authors: dict[str, str] = field(default_factory=dict)


def read(file: BinaryIO) -> Iterator[tuple[Channel, Item]]:
    """The items of the export in their order, each with the channel as far as it is known then.

    Raises DocumentError, after the items before, where it is none, is damaged or ends too soon.
    """
    reader = _Reader()
    for chunk, last in _chunks(file):
        try:
            reader.parser.Parse(chunk, last)
        except expat.ExpatError as error:
            raise _fault(error, last=last, begun=reader.begun) from error
        while reader.items:
            yield reader.channel, reader.items.popleft()
    if "wp:wxr_version" not in reader.channel.fields:
        raise DocumentError(_NO_WXR, "for a feed use: publisher import feed FILE")


def _fault(error: expat.ExpatError, *, last: bool, begun: bool) -> DocumentError:
    if not begun:
        return DocumentError("it is no XML, and no WordPress export (WXR)", _EXPORT_ANEW)
    if last:
        return DocumentError(f"it ends in the middle, at line {error.lineno}: the export was cut off", _EXPORT_ANEW)
    words = expat.ErrorString(error.code)
    return DocumentError(f"it is damaged at line {error.lineno}: {words}", _EXPORT_ANEW)


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """The file in UTF-8 and without characters that XML forbids, which old exports hold; whether it was the last."""
    chunk = file.read(_STEP)
    if not chunk:
        raise DocumentError("it is empty", _EXPORT_ANEW)
    if chunk.startswith((b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ")):
        raise DocumentError("it is compressed", "unpack it, and import what was in it")
    decoder = _decoder(chunk)
    while chunk:
        yield _FORBIDDEN.sub("", decoder.decode(chunk)).encode("utf-8", "replace"), False
        chunk = file.read(_STEP)
    yield _FORBIDDEN.sub("", decoder.decode(b"", final=True)).encode("utf-8", "replace"), True


def _decoder(head: bytes) -> codecs.IncrementalDecoder:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return codecs.getincrementaldecoder("utf-16")("replace")
    told = _ENCODING.search(head[:400])
    name = told[1].decode("ascii").lower() if told else "utf-8"
    try:
        # What stands there in ASCII is in no encoding that reads ASCII otherwise, whatever it says of itself.
        made = codecs.getincrementaldecoder(name)
        if name not in ("utf-8", "utf8") and told and made("replace").decode(told[0]) == told[0].decode("ascii"):
            return made("replace")
    except (LookupError, ValueError, TypeError, AssertionError):
        pass
    return codecs.getincrementaldecoder("utf-8-sig")("replace")


class _Reader:
    """What expat calls: keeps the texts that matter, and lets the rest go by."""

    def __init__(self) -> None:
        self.channel = Channel()
        self.items: deque[Item] = deque()
        #: An element was seen.
        self.begun = False
        self._item = Item()
        self._path: list[str] = []
        self._names: dict[str, str] = {}
        self._text: list[str] | None = None
        self._size = self._room = 0
        #: Children of an element with children: an author, a value.
        self._parts: dict[str, str] = {}
        self._category = ("", "")
        self.parser = expat.ParserCreate("utf-8", " ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = _refuse_doctype

    def _start(self, full: str, attributes: dict[str, str]) -> None:
        name = self._names.get(full) or self._names.setdefault(full, _short(full))
        if not self.begun and name != "rss":
            raise DocumentError(_NO_WXR, "for a feed use: publisher import feed FILE")
        self.begun = True
        self._path.append(name)
        depth = len(self._path)
        if self._path == _ITEM:
            self._item = Item()
        if (depth == 3 and name in ("wp:author", "wp:postmeta")) or (depth == 4 and name == "wp:postmeta"):
            self._parts = {}
        if depth == 4 and name == "category":
            self._category = (attributes.get("domain", ""), attributes.get("nicename", ""))
        self._text = [] if self._is_wanted(name, depth) else None
        self._size, self._room = 0, MAX_TEXT if name in _TEXTS else _LONGEST

    def _is_wanted(self, name: str, depth: int) -> bool:
        in_item = self._path[2:3] == ["item"]
        if depth == 3:
            return not in_item
        if depth == 4:
            return name in _KEPT or name == "category" if in_item else self._path[2] == "wp:author"
        return depth == 5 and self._path[3] == "wp:postmeta"

    def _characters(self, text: str) -> None:
        if self._text is None:
            return
        self._size += len(text)
        if self._size <= self._room:
            self._text.append(text)
        elif self._room == MAX_TEXT:
            self._item.too_large = True

    def _end(self, _full: str) -> None:
        name, depth = self._path[-1], len(self._path)
        said = "".join(self._text or ()).strip()
        self._text = None
        if self._path == _ITEM:
            self.items.append(self._item)
        elif depth == 3:
            self._end_of_channel(name, said)
        elif depth == 4 and self._path[2] == "item":
            self._end_of_item(name, said)
        elif depth in (4, 5):
            self._parts[name] = said
        self._path.pop()

    def _end_of_channel(self, name: str, said: str) -> None:
        if name == "wp:author":
            login = self._parts.get("wp:author_login", "")
            self.channel.authors[login] = self._parts.get("wp:author_display_name", "") or login
        elif said:
            self.channel.fields.setdefault(name, said)

    def _end_of_item(self, name: str, said: str) -> None:
        if name == "category":
            self._item.categories.append((*self._category, said))
        elif name == "wp:postmeta":
            key = self._parts.get("wp:meta_key", "")
            if key in _META:
                self._item.meta.setdefault(key, self._parts.get("wp:meta_value", ""))
        elif said and name in _KEPT:
            self._item.fields.setdefault(name, said)


def _refuse_doctype(*_declared: object) -> None:
    raise DocumentError("it declares a document type, which could make it grow without end", _EXPORT_ANEW)


def _short(full: str) -> str:
    """The name with its usual prefix, whatever the file calls the namespace."""
    space, _, name = full.rpartition(" ")
    if not space:
        return name
    if space.startswith(_EXPORT):
        return ("excerpt:" if space.rstrip("/").endswith("excerpt") else "wp:") + name
    return _SPACES.get(space, "other:") + name
