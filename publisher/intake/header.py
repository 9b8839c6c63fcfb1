"""What front matter means: raw fields, as whatever system wrote them, to an article's parts. Pure.

    raw fields + name of the file | field by field | Hugo's, Jekyll's, Pelican's and Zola's habits -> Header

A value is used only where it is of the kind that its field needs; nothing is guessed from one of another kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from publisher.errors import DocumentError
from publisher.intake import dates
from publisher.model import ArticleStatus, Related
from publisher.text import one_line, slugify

_BETWEEN_NAMES = re.compile(r"\s*[,;]\s*|\s+(?:and|&)\s+")
_YES = frozenset(("true", "yes", "on", "1"))
_NO = frozenset(("false", "no", "off", "0", ""))
#: Words of `status` in which nobody is to see the article; Pelican's, and WordPress's.
_DRAFT = frozenset(("draft", "skip", "private", "pending", "auto-draft", "trash"))
_UNLISTED = frozenset(("unlisted", "hidden"))
#: Jekyll's: `2026-11-20-title.md`.
_DATED_NAME = re.compile(r"(?P<date>\d{4}-\d\d?-\d\d?)-(?P<slug>.+)")
_YEAR_FIRST = re.compile(r"\s*[+-]?(\d{1,6})[-/.]\d")
#: Fields that tell when an article came out, and before when it must not.
_DATES = ("published", "date", "published_at", "pubdate", "date_published")
_EMBARGO = ("embargo", "embargo_until", "embargoed_until")
_UPDATES = ("updated", "updated_at", "lastmod", "modified", "last_modified_at", "date_modified")
_EXPIRY = ("expirydate", "expires", "expiry_date", "unpublishdate")
#: A date "of today" may lie so far ahead of the clock.
_SLACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Header:
    """What front matter and file name may say of an article; empty where they say nothing."""

    title: str = ""
    section: str = ""
    standfirst: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    language: str = ""
    published_at: datetime | None = None
    updated_at: datetime | None = None
    image: str = ""
    caption: str = ""
    credit: str = ""
    related: tuple[Related, ...] = ()
    source_url: str = ""
    source_id: str = ""
    slug: str = ""
    status: ArticleStatus = ArticleStatus.SCHEDULED
    #: What was odd and passed over.
    remarks: tuple[str, ...] = ()
    #: The title that the file's name gives, where it is one of Jekyll's; for a document that has none.
    named_title: str = ""


def header(raw: Mapping[str, Any], zone: ZoneInfo, now: datetime, path: str = "") -> Header:
    """`raw`, converted field by field; dates without a zone are in `zone`.

    Raises DocumentError for a flag or a date of publication that cannot be read.
    """
    raw = _flattened(raw)
    stem = PurePosixPath(path).stem
    dated = _DATED_NAME.fullmatch(stem)
    if dated and "," not in (tags := scalar(raw.get("tags"))):  # Jekyll parts them by spaces
        raw = {**raw, "tags": raw.get("tags") if not tags else tags.replace(" ", ",")}
    categories = scalar(raw.get("categories"))
    sections = tuple(categories.split()) if dated and categories and "," not in categories else ()
    remarks: list[str] = []
    published, held = _publication(raw, zone, now, dated["date"] if dated else "", remarks)
    updated = _when(raw, zone, now, _UPDATES, remarks, strict=False)
    if updated is not None and updated > now + _SLACK:
        remarks.append("it says that it will be changed in the future; that is passed over")
        updated = None
    expired = _is_expired(raw, zone, now, remarks)
    found = Header(
        title=_text(raw, "title", "headline"),
        section=_text(raw, "section") or _first(sections or _items(raw, "category", "categories")),
        standfirst=_text(raw, "standfirst", "description", "summary", "subtitle", "excerpt"),
        authors=_names(raw),
        tags=_items(raw, "tags", "keywords"),
        language=_text(raw, "language", "lang", "locale").replace("_", "-"),
        published_at=published,
        updated_at=updated,
        image=_text(raw, "image", "cover", "cover_image", "thumbnail", "featured_image", "images"),
        caption=_text(raw, "caption", "image_caption"),
        credit=_text(raw, "credit", "image_credit"),
        related=_related(raw.get("related")),
        source_url=_text(raw, "canonical", "canonical_url", "source_url", "canonicalurl"),
        source_id=_text(raw, "id", "guid", "source_id"),
        slug=slugify(_text(raw, "slug") or (dated["slug"] if dated else "")),
        named_title=one_line(re.sub(r"[-_]+", " ", dated["slug"])).capitalize() if dated else "",
    )
    asleep = held or expired or "_drafts" in PurePosixPath(path).parts[:-1]
    return replace(found, status=ArticleStatus.DRAFT if asleep else _status(raw), remarks=tuple(remarks))


def scalar(value: object) -> str:
    """A text, number, flag or date as a string, on one line; empty for all else (lists may hold themselves)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return one_line(str(value)) if isinstance(value, str | float) or _is_short(value) else ""


def _is_short(value: object) -> bool:
    return isinstance(value, int) and abs(value) < 10**30  # Python refuses to write out numbers of thousands of digits


def _flattened(raw: Mapping[str, Any]) -> dict[str, Any]:
    """With what Hugo (`params`) and Zola (`extra`, `taxonomies`) keep in tables of its own."""
    found: dict[str, Any] = {}
    for table in ("params", "extra", "taxonomies"):
        inner = raw.get(table)
        found |= {str(name).lower(): value for name, value in inner.items()} if isinstance(inner, dict) else {}
    return found | dict(raw)


def _text(raw: Mapping[str, Any], *names: str) -> str:
    """The first of the named fields that holds a text or number, on one line."""
    for name in names:
        value = raw.get(name)
        if isinstance(value, list):  # images: [one, another]
            value = value[0] if value else None
        if isinstance(value, dict):  # image: {src: ...}
            value = next((value[key] for key in ("src", "url", "path", "image", "name") if value.get(key)), None)
        if not isinstance(value, bool) and (line := scalar(value)):
            return line
    return ""


def _items(raw: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    """The first of the named fields that is a list, or a text with commas."""
    for name in names:
        value = raw.get(name)
        parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
        if kept := _distinct(scalar(part) for part in parts):
            return kept
    return ()


def _first(items: tuple[str, ...]) -> str:
    return items[0] if items else ""


def _distinct(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for item in items if item))


def _names(raw: Mapping[str, Any]) -> tuple[str, ...]:
    value = raw.get("authors") or raw.get("author") or []
    found: list[str] = []
    for person in value if isinstance(value, list) else [value]:
        name = scalar(person.get("name") if isinstance(person, dict) else person)
        found += _BETWEEN_NAMES.split(name) if isinstance(value, str) else [name]
    return _distinct(found)


def _related(value: object) -> tuple[Related, ...]:
    found = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            title, url = scalar(item.get("title")), scalar(item.get("url") or item.get("link"))
        else:
            title, url = scalar(item), ""
        if title:
            found.append(Related(title, url if url.startswith(("http://", "https://")) else ""))
    return tuple(found)


def _publication(
    raw: Mapping[str, Any], zone: ZoneInfo, now: datetime, named: str, remarks: list[str]
) -> tuple[datetime | None, bool]:
    """When the article comes out, never before its embargo ends; and whether that is never.

    The day in the file's name counts only where no field tells it.
    """
    found = _when(raw, zone, now, ("publishdate", *_DATES), remarks)
    if found is None and named and not any(scalar(raw.get(name)) not in _YES | _NO for name in _DATES):
        found = _when({"date": named}, zone, now, ("date",), remarks, strict=False)
    until = _when(raw, zone, now, _EMBARGO, remarks)
    held = any(_year(scalar(raw.get(name))) > now.year + dates.YEARS_AHEAD for name in ("publishdate", *_EMBARGO))
    return max(filter(None, (found, until)), default=None), held


def _is_expired(raw: Mapping[str, Any], zone: ZoneInfo, now: datetime, remarks: list[str]) -> bool:
    """True if the document says that its time is over. One that is yet to come is noted: nothing ends by itself."""
    at = _when(raw, zone, now, _EXPIRY, remarks, strict=False)
    if at is None:
        return False
    day = at.astimezone(zone).date().isoformat()
    if at <= now:
        remarks.append(f"it expired on {day}: it is taken as a draft")
        return True
    remarks.append(f"it is to expire on {day}: nothing ends by itself; then withdraw it")
    return False


def _when(
    raw: Mapping[str, Any], zone: ZoneInfo, now: datetime, names: Iterable[str], remarks: list[str], *,
    strict: bool = True,
) -> datetime | None:
    """The first of the named fields that holds a date. One that no article can mean is passed over with a remark.

    Raises DocumentError, where `strict`, for one that cannot be read.
    """
    for name in names:
        value = scalar(raw.get(name))
        if value.lower() in _YES | _NO:  # "published: false" is no date
            continue
        shown = f"{name}: {value[:60]}"
        found = dates.exact(value, zone)
        year = _year(value)
        nameless = year >= 0 and not dates.FIRST_YEAR <= year <= now.year + dates.YEARS_AHEAD
        if dates.is_absurd(found, now) if found else nameless:
            remarks.append(f"its date cannot be meant and is passed over ({shown})")
        elif found is not None:
            return found
        elif strict:
            raise DocumentError(
                f"its front matter gives a date that cannot be read: {shown}",
                "write it as 2026-11-20, 2026-11-20T07:30 or 2026-11-20T07:30+02:00",
            )
        else:
            remarks.append(f"its date cannot be read and is passed over ({shown})")
    return None


def _year(value: str) -> int:
    """The year that a date begins with, -1 where it begins with none."""
    match = _YEAR_FIRST.match(value)
    return int(match[1]) if match and not (len(match[1]) < 3 and int(match[1]) in range(1, 32)) else -1


def _status(raw: Mapping[str, Any]) -> ArticleStatus:
    word = scalar(raw.get("status")).lower()
    unwanted = scalar(raw.get("published")).lower() in ("false", "no", "off")
    if _flag(raw, "draft") or _flag(raw, "private") or word in _DRAFT or unwanted:
        return ArticleStatus.DRAFT
    build = raw.get("build") or raw.get("_build")  # Hugo's: list and render are "always", "never" or "local"
    off = isinstance(build, dict) and any(scalar(build.get(key)) in ("never", "false") for key in ("list", "render"))
    unlisted = _flag(raw, "unlisted") or _flag(raw, "hidden") or word in _UNLISTED or off
    return ArticleStatus.UNLISTED if unlisted else ArticleStatus.SCHEDULED


def _flag(raw: Mapping[str, Any], name: str) -> bool:
    word = scalar(raw.get(name)).lower()
    if word not in _YES | _NO:
        raise DocumentError(f"its front matter gives {name} as {word[:40]!r}", f"write {name} as true or false")
    return word in _YES
