"""What is fuzzed: each format that comes in, with what must hold whatever the bytes are.

A document becomes an article, or is refused with the program's own reason: no other exception, no more than `CPU`
seconds, no more than `MEMORY` bytes, and nothing in the article that runs.
"""

from __future__ import annotations

import io
import re
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from publisher.errors import PublisherError
from publisher.intake import feed_parse, ghost, picture, picture_header, wordpress
from publisher.intake.export_entry import Exported
from publisher.intake.extract import extract
from publisher.model import Extracted
from tests.fuzz import seeds
from tests.fuzz.markup import faults, unsafe_address

#: Bounds of one document: seconds of CPU, bytes of memory on top of what the process had.
CPU, MEMORY = 2.0, 200_000_000
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/London")
BASE = "https://news.example.org/feeds/main.xml"
_PAGE = resource.getpagesize()
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class BrokenError(AssertionError):
    """A document did what none may do."""


@dataclass(frozen=True, slots=True)
class Format:
    """One way in."""

    take: Callable[[bytes], Iterable[Extracted]]
    seeds: tuple[bytes, ...]
    #: What its documents are made of, for whoever mixes new ones.
    words: tuple[bytes, ...] = ()


def check(name: str, data: bytes) -> bool:
    """Whether the document is an article; raises BrokenError, or whatever the program raised and should not have."""
    took, memory = time.process_time(), _resident()
    try:
        made = list(FORMATS[name].take(data))
    except PublisherError as error:
        if not str(error).strip():
            raise BrokenError("it is refused without a reason") from error
        made = []
    took = time.process_time() - took
    if took > CPU:
        raise BrokenError(f"it took {took:.1f} seconds")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - memory
    if grown > MEMORY and _resident() - memory > MEMORY:
        raise BrokenError(f"it took {grown / 1e6:.0f} MB")
    for article in made:
        _judge(article)
    return bool(made)


def _resident() -> int:
    """Bytes that the process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def _judge(made: Extracted) -> None:
    wrong = faults(made.content_html)
    if wrong:
        raise BrokenError(f"in content_html: {wrong[:5]}")
    if not made.title.strip() or "\n" in made.title or "\n" in made.standfirst:
        raise BrokenError(f"title {made.title[:80]!r}, standfirst {made.standfirst[:80]!r}")
    addresses = (made.image, made.source_url, *(e.url for e in made.enclosures), *(r.url for r in made.related))
    for address in addresses:
        if unsafe_address(address):
            raise BrokenError(f"the address {address[:80]!r}")
    for name, text in _texts(asdict(made)):
        if _FORBIDDEN.search(text):  # no database takes a zero byte or a lone surrogate, no XML any of them
            raise BrokenError(f"a character that no document may hold, in {name}: {text[:200]!r}")


def _texts(fields: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(fields, str):
        yield name, fields
    elif isinstance(fields, dict):
        for key, value in fields.items():
            yield from _texts(value, f"{name} {key}".strip())
    elif isinstance(fields, (list, tuple)):
        for value in fields:
            yield from _texts(value, name)


# --- the ways in -----------------------------------------------------------------------------------------------------


def _document(ending: str) -> Callable[[bytes], Iterator[Extracted]]:
    def take(data: bytes) -> Iterator[Extracted]:
        yield extract(data, f"story.{ending}", now=NOW, zone=ZONE, base_url=BASE)

    return take


def _feed(data: bytes) -> Iterator[Extracted]:
    for entry in feed_parse.parse(data, "application/xml", BASE, ZONE).entries:
        if entry.made is not None:
            yield entry.made
        elif not entry.reason or "fault of Publisher" in entry.remedy:
            raise BrokenError(f"an entry: {entry.reason}")


def _wordpress(data: bytes) -> Iterator[Extracted]:
    return _exported(wordpress.read(lambda: io.BytesIO(data), ZONE, pages=True).entries())


def _ghost(data: bytes) -> Iterator[Extracted]:
    return _exported(ghost.read(data, ZONE, url="https://blog.example.org/", pages=True).entries())


def _exported(entries: Iterable[Exported]) -> Iterator[Extracted]:
    for entry in entries:
        if entry.made is not None:
            yield entry.made
        elif not entry.reason or "fault of Publisher" in entry.remedy:
            raise BrokenError(f"an entry: {entry.reason}")


def _picture(data: bytes) -> Iterator[Extracted]:
    made = picture.prepare(data, "picture")
    if max(made.width, made.height) > picture.LARGEST or picture_header.read(made.content) is None:
        raise BrokenError("no picture, and no reason")
    return iter(())


FORMATS = {
    "text": Format(_document("txt"), seeds.TEXTS, seeds.TEXT_WORDS),
    "markdown": Format(_document("md"), seeds.MARKDOWN, seeds.MARKDOWN_WORDS),
    "front-matter": Format(_document("md"), seeds.FRONT_MATTER, seeds.FRONT_MATTER_WORDS),
    "html": Format(_document("html"), seeds.PAGES, seeds.HTML_WORDS),
    "xml-feed": Format(_feed, seeds.XML_FEEDS, seeds.XML_WORDS + seeds.HTML_WORDS),
    "json-feed": Format(_feed, seeds.JSON_FEEDS, seeds.JSON_WORDS),
    "wordpress": Format(_wordpress, seeds.WORDPRESS, seeds.XML_WORDS + seeds.WORDPRESS_WORDS + seeds.HTML_WORDS),
    "ghost": Format(_ghost, seeds.GHOST, seeds.JSON_WORDS + seeds.HTML_WORDS),
    "picture": Format(_picture, seeds.pictures()),
}
