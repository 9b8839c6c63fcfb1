"""Who wrote it and when, from the lines that say so. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from publisher.intake import dates
from publisher.text import one_line

_LABEL = (
    r"(?:(?:this (?:post|article|story) was\s+)?(?:written|posted|published|words|story|report(?:ed)?|text)\s+)?"
    r"(?:by|von|par|por|di|door|av|af|autor|author|автор|بقلم|كتب(?:ت)?|文)\s*[:：]?"
)
_BY = re.compile(rf"{_LABEL}\s+(?P<names>\S.*)", re.IGNORECASE)
_BY_ALONE = re.compile(_LABEL, re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:,|&|;|\band\b|\bund\b|\bet\b|\by\b)\s*|\s+و(?=\S)", re.IGNORECASE)
_AFTER_NAME = re.compile(r"\s*(?:[|•·–—(]|\s-\s|,?\s+(?:on|for|in)\s|\d).*$")
_NAME = re.compile(r"[^\W\d_][\w.'’-]*(?:\s+[^\W\d_][\w.'’-]*){0,4}")
_YEAR = re.compile(r"(?:19|20)\d\d")
_DATE_WORDS = re.compile(
    r"(?:published|posted|updated|last|on|date|at|am|pm|gmt|utc|[a-z]{1,2}t|uhr|min|read|by|"
    r"mon|tue|wed|thu|fri|sat|sun|(?:mon|tues|wednes|thurs|fri|satur|sun)day|stand|veröffentlicht|aktualisiert|publié|le|à)",
    re.IGNORECASE,
)


def authors(line: str) -> tuple[str, ...]:
    """The names in a byline, as "By Ann Other and Ben Some"; empty for other lines."""
    match = _BY.fullmatch(line)
    if match is None or len(line) > 140:
        return ()
    return names(_AFTER_NAME.sub("", match["names"]))


def is_label(line: str) -> bool:
    """True for "By" and its kin on a line of their own."""
    return len(line) < 30 and _BY_ALONE.fullmatch(line) is not None


def names(text: str) -> tuple[str, ...]:
    """The names in "Ann Other, Ben Some and Cy Third"; empty where a part is no name."""
    text = re.sub(r"^(?:by|von|par|por)\s+", "", one_line(text), flags=re.IGNORECASE)
    parts = [part for part in _BETWEEN.split(text) if part]
    if not parts or not all(_is_name(part) for part in parts):
        return ()
    return tuple(dict.fromkeys(parts))


def person(line: str) -> tuple[str, ...]:
    """The names in a line that is known to name the author and may go on with a date or an office."""
    return () if is_label(line) else names(_AFTER_NAME.sub("", line))


def _is_name(part: str) -> bool:
    if not _NAME.fullmatch(part):
        return False
    cased = [word for word in part.split() if word[0].lower() != word[0].upper()]
    return not cased or sum(word[0].isupper() for word in cased) * 2 > len(cased)


def date(line: str, zone: ZoneInfo) -> datetime | None:
    """The instant (UTC) that a date line gives; None for other lines, such as sentences that name a date."""
    if len(line) > 100 or not _YEAR.search(line):
        return None
    found = dates.find(line, zone)
    if found is None:
        return None
    rest = [word for word in re.findall(r"[^\W\d_]+", line) if not _DATE_WORDS.fullmatch(word)]
    return found if len(rest) <= 4 else None
