"""Front matter: the block of fields at the head of a Markdown document. The only code that knows PyYAML. Pure.

YAML between lines of `---`, TOML between lines of `+++`. Every YAML scalar is read as the string that was written:
else `title: No` is False, `12:30` is 750 and `id: 0123` is 83.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from publisher.errors import DocumentError
from publisher.intake import dates
from publisher.model import ArticleStatus, Related
from publisher.text import one_line, slugify

_BLOCK = re.compile(
    r"\s*^(?P<fence>---|\+\+\+)[ \t]*\n(?P<fields>.*?)^(?P=fence)[ \t]*(?:\n|\Z)(?P<body>.*)",
    re.DOTALL | re.MULTILINE,
)
_OPENED = re.compile(r"\s*^(---|\+\+\+)[ \t]*\n\s*\"?[\w-]+\"?\s*[:=]", re.MULTILINE)
_BETWEEN_NAMES = re.compile(r"\s*[,;]\s*|\s+(?:and|&)\s+")
_YES = frozenset(("true", "yes", "on", "1"))
_NO = frozenset(("false", "no", "off", "0", ""))


@dataclass(frozen=True, slots=True)
class Fields:
    """What front matter may say of an article; empty where it says nothing."""

    title: str = ""
    section: str = ""
    standfirst: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    language: str = ""
    published_at: datetime | None = None
    image: str = ""
    caption: str = ""
    credit: str = ""
    related: tuple[Related, ...] = ()
    source_url: str = ""
    source_id: str = ""
    slug: str = ""
    status: ArticleStatus = ArticleStatus.SCHEDULED


def split(text: str) -> tuple[dict[str, Any], str]:
    """(raw fields, what follows them); no fields where `text` begins with none.

    Raises DocumentError, naming the line, for front matter that is broken or never closed.
    """
    match = _BLOCK.match(text)
    if match is None:
        if _OPENED.match(text):
            raise DocumentError("its front matter is never closed", "close it with a line that repeats its first line")
        return {}, text
    if match["fence"] == "---" and not re.search(r"^\s*[^\s#].*:", match["fields"], re.MULTILINE):
        if not match["fields"].strip():
            return {}, match["body"]
        return {}, text  # two rules (---) with text between: no front matter
    line = text[: match.start("fields")].count("\n")
    load = _yaml if match["fence"] == "---" else _toml
    return load(match["fields"], line), match["body"]


def _yaml(block: str, line: int) -> dict[str, Any]:
    """`block` as a mapping whose scalars are strings; `line` is the number of lines before it."""
    import yaml  # noqa: PLC0415 - only documents with YAML need it

    try:
        loaded = yaml.load(block, Loader=yaml.BaseLoader)  # noqa: S506 - BaseLoader makes strings, lists and dicts only
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _broken(line + (mark.line if mark else 0) + 1, str(error.problem or "not YAML")) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise _broken(line + 1, "not YAML") from error
    if not isinstance(loaded, dict):
        raise _broken(line + 1, "no fields in it")
    return {str(key).strip().lower(): value for key, value in loaded.items()}


def _toml(block: str, line: int) -> dict[str, Any]:
    try:
        loaded = tomllib.loads(block)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        where = re.search(r"\(at line (\d+)", str(error))
        number = line + int(where[1]) if where else line + block.count("\n")
        raise _broken(number, re.sub(r" \(at .*", "", str(error)).lower()) from error
    return {key.lower(): value for key, value in loaded.items()}


def _broken(line: int, problem: str) -> DocumentError:
    return DocumentError(
        f"its front matter is broken in line {line}: {problem}",
        f"mend line {line}; put a text that holds a colon or begins with a sign in quotes",
    )


def fields(raw: Mapping[str, Any], zone: ZoneInfo) -> Fields:
    """`raw`, converted field by field. Raises DocumentError for a date or a flag that cannot be read."""
    params = raw.get("params")  # Hugo keeps what is not its own here
    raw = {**params, **raw} if isinstance(params, dict) else raw
    return Fields(
        title=_text(raw, "title", "headline"),
        section=_text(raw, "section") or _first(_items(raw, "category", "categories")),
        standfirst=_text(raw, "standfirst", "description", "summary", "subtitle", "excerpt"),
        authors=_names(raw),
        tags=_items(raw, "tags", "keywords"),
        language=_text(raw, "language", "lang", "locale").replace("_", "-"),
        published_at=_date(raw, zone, "published", "date", "published_at", "publishdate", "pubdate"),
        image=_text(raw, "image", "cover", "cover_image", "thumbnail"),
        caption=_text(raw, "caption", "image_caption"),
        credit=_text(raw, "credit", "image_credit"),
        related=_related(raw.get("related")),
        source_url=_text(raw, "canonical", "canonical_url", "source_url"),
        source_id=_text(raw, "id", "guid", "source_id"),
        slug=slugify(_text(raw, "slug")),
        status=_status(raw),
    )


def _text(raw: Mapping[str, Any], *names: str) -> str:
    """The first of the named fields that holds a text or number, on one line."""
    for name in names:
        value = raw.get(name)
        if isinstance(value, dict):  # image: {src: ...}
            value = value.get("src") or value.get("url") or value.get("name")
        if isinstance(value, str | int | float) and not isinstance(value, bool) and (line := one_line(str(value))):
            return line
    return ""


def _items(raw: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    """The first of the named fields that is a list, or a text with commas."""
    for name in names:
        value = raw.get(name)
        parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
        found = [one_line(str(part)) for part in parts if isinstance(part, str | int | float)]
        if kept := tuple(dict.fromkeys(item for item in found if item)):
            return kept
    return ()


def _first(items: tuple[str, ...]) -> str:
    return items[0] if items else ""


def _names(raw: Mapping[str, Any]) -> tuple[str, ...]:
    value = raw.get("authors") or raw.get("author") or []
    people = value if isinstance(value, list) else [value]
    found: list[str] = []
    for person in people:
        name = one_line(str(person.get("name", "") if isinstance(person, dict) else person))
        found += _BETWEEN_NAMES.split(name) if isinstance(value, str) else [name]
    return tuple(dict.fromkeys(name for name in found if name))


def _related(value: object) -> tuple[Related, ...]:
    found = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            title, url = one_line(str(item.get("title", ""))), one_line(str(item.get("url") or item.get("link") or ""))
        else:
            title, url = one_line(str(item or "")), ""
        if title:
            found.append(Related(title, url if url.startswith(("http://", "https://")) else ""))
    return tuple(found)


def _date(raw: Mapping[str, Any], zone: ZoneInfo, *names: str) -> datetime | None:
    for name in names:
        value = raw.get(name)
        if value is None or str(value).strip().lower() in _YES | _NO:  # "published: false" is no date
            continue
        found = dates.parse(value.isoformat() if hasattr(value, "isoformat") else str(value), zone)
        if found is None:
            raise DocumentError(
                f"its front matter gives a date that cannot be read: {name}: {one_line(str(value))[:60]}",
                "write it as 2026-11-20 or 2026-11-20T07:30",
            )
        return found
    return None


def _status(raw: Mapping[str, Any]) -> ArticleStatus:
    word = _text(raw, "status").lower()
    if _flag(raw, "draft") or word == "draft" or ("published" in raw and str(raw["published"]).lower() == "false"):
        return ArticleStatus.DRAFT
    unlisted = _flag(raw, "unlisted") or word in ("unlisted", "hidden")
    return ArticleStatus.UNLISTED if unlisted else ArticleStatus.SCHEDULED


def _flag(raw: Mapping[str, Any], name: str) -> bool:
    word = str(raw.get(name, "")).strip().lower()
    if word not in _YES | _NO:
        raise DocumentError(f"its front matter gives {name} as {word[:40]!r}", f"write {name} as true or false")
    return word in _YES
