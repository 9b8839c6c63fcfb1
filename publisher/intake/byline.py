"""Who wrote it and when, from the lines that say so. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from publisher.intake import dates
from publisher.text import one_line

#: Headline and roles ask of the same lines.
_remembered = lru_cache(maxsize=4096)

_PIECE = (
    r"words|story|report(?:ed|ing)?|texte?|testo|interview|analysis|review|opinion|chronique|reportage|entretien|entrevista"
    r"|crónica|reportaje|texto|bericht|propos recueillis|recogido|intervista|un[ea]? \w{4,12}"
)
_LABEL = (
    rf"(?:(?:this (?:post|article|story) was\s+)?(?:written|posted|published|edited|{_PIECE})\s+)?"
    r"(?:by|von|par|por|di|door|av|af|autor(?:in|es|a)?|authors?|auteure?|автори?|від|بقلم|كتب(?:ت)?|إعداد|文)\s*[:：]?"
    rf"|(?:{_PIECE}|reporter|текст|розмовляла?|интервью|інтерв.ю|حوار|تقرير|نص|تحقيق)\s*[:：]"
    rf"|(?:{_PIECE})\s+(?:de|di|da|mit)"
)
_BY = re.compile(rf"(?:{_LABEL})\s+(?P<names>\S.*)", re.IGNORECASE)
_BY_ALONE = re.compile(_LABEL, re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:,|&|;|\band\b|\bund\b|\bet\b|\by\b)\s*|\s+و(?=\S)", re.IGNORECASE)
_AFTER_NAME = re.compile(r"\s*(?:[|•·–—(]|\s[-/]\s|,?\s+(?:on|for|in|für|pour|para|для)\s|\d).*$")
#: What may stand before a name in its place, each as the patterns here have it.
_BEFORE_NAME = ("by", "von", "par", "por", "unser", "our", "notre", "nuestr")
_OFFICE = re.compile(r",\s+[^\W\d_A-ZÀ-Þ][^,]*$")
_OUR = re.compile(r"^(?:unser\w*|our|notre|nuestr[oa])\s+\S+\s+", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][\w.'’-]*(?:\s+[^\W\d_][\w.'’-]*){0,4}")
_YEAR = re.compile(r"(?:19|20)\d\d")
_SHORT_YEAR = re.compile(r"\d[./-]\d{1,2}[./-]\d\d(?!\d)")
#: What stands before the name of one who signs.
_SIGNED = re.compile(r"(?:[—–]|--?)\s*(?=[^\W\d_])")
_DATE_WORDS = re.compile(
    r"(?:published|posted|updated|last|on|date|at|am|pm|gmt|utc|[a-z]{1,2}t|uhr|min|read|by|"
    r"mon|tue|wed|thu|fri|sat|sun|(?:mon|tues|wednes|thurs|fri|satur|sun)day|stand|veröffentlicht|aktualisiert|publié|le|à|"
    r"de|del|actualizado|publicado|minutos?|minutes?|lectura|first|mis|jour|نشر|في|оновлено|опубліковано|р"
    r"|el|las?|às|du|au|um|vom|den|der|kl|alle|del|[年月日時分]|公開日?|更新日?|投稿日?|掲載|読了時間)",
    re.IGNORECASE,
)


@_remembered
def authors(line: str) -> tuple[str, ...]:
    """The names in a byline, as "By Ann Other and Ben Some"; empty for other lines."""
    match = _BY.fullmatch(line) if len(line) <= 140 else None
    if match is None:
        return ()
    return names(_plain_names(match["names"]))


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
    return () if is_label(line) else names(_plain_names(line))


@_remembered
def is_person(line: str) -> bool:
    """True for names alone, of two or three words with capitals, maybe with an office or a date behind."""
    if len(line) > 90 or line[-1] in ".?!:" or "\u201c" in line or not _may_name(line):
        return False
    found = person(line)
    return bool(found) and all(_is_full_name(name) for name in found)


def _may_name(line: str) -> bool:
    """False for most lines that begin with no name: asking so costs less than the patterns."""
    first, *rest = line.split(None, 2)
    if not rest:
        return False
    return first.lower().startswith(_BEFORE_NAME) or rest[0][0].isupper() or rest[0][1:2] == "."


def _is_full_name(name: str) -> bool:
    words = name.split()
    capitals = all((word[0].isupper() and not word.isupper()) or word[1:2] == "." for word in words)
    return capitals and len(words) in (2, 3)


def _plain_names(text: str) -> str:
    """`text` without office, place, date and "our correspondent"."""
    bare = _OUR.sub("", _AFTER_NAME.sub("", text))
    cut = _OFFICE.sub("", bare)
    return cut if cut != bare and not any(word.islower() for word in cut.split()[:1]) else bare


def _is_name(part: str) -> bool:
    if not _NAME.fullmatch(part):
        return False
    cased = [word for word in part.split() if word[0].lower() != word[0].upper()]
    return not cased or sum(word[0].isupper() for word in cased) * 2 > len(cased)


@_remembered
def date(line: str, zone: ZoneInfo) -> datetime | None:
    """The instant (UTC) that a date line gives; None for other lines, such as sentences that name a date."""
    if len(line) > 100:
        return None
    if _YEAR.search(line):
        found, most = dates.find(line, zone), 4
    else:
        found, most = dates.find_short(line, zone) if _SHORT_YEAR.search(line) else None, 2
    if found is None:
        return None
    rest = [word for word in re.findall(r"[^\W\d_]+", line) if not _DATE_WORDS.fullmatch(word)]
    return found if len(rest) <= most else None


def signature(line: str) -> tuple[str, ...]:
    """The names in a line that signs the text above it, as "— Ann Other"; empty for other lines."""
    match = _SIGNED.match(line) if len(line) <= 80 else None
    if match is None or line[-1] in ".?!:;,":
        return ()
    bare = line[match.end() :]
    found = authors(bare) or person(bare)
    return found if all(2 <= len(name.split()) <= 4 for name in found) else ()
