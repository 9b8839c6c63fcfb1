"""Posts of a Ghost export (JSON) as articles. Pure.

    bytes | JSON | tables | post by post: text, tags, authors, picture | by its visibility -> Exported

What Ghost gives to members only never comes out openly here: it is kept as a draft, and its row says so.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from publisher import old_addresses, urls
from publisher.errors import DocumentError
from publisher.intake import dates, ghost_text
from publisher.intake.export_entry import Export, Exported, exported, plain
from publisher.intake.feed_entry import Raw
from publisher.model import ArticleStatus

#: Versions of Ghost whose exports have these tables.
_MAJORS = range(1, 7)
_NO_GHOST = "it is no Ghost export"
_EXPORT_ANEW = "export it again under Settings, Import/Export"
_PLACE = "__GHOST_URL__"
_STATES = {
    "draft": "it is a draft there", "sent": "it was sent by mail there, and never published",
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Tables:
    """The export's tables by what is asked of them."""

    posts: list[Row]
    meta: dict[str, Row]
    tags: dict[str, list[Row]]
    authors: dict[str, list[Row]]
    users: dict[str, Row]
    #: What takes the place of the placeholder, without a closing slash.
    url: str
    language: str


def read(data: bytes, zone: ZoneInfo, *, url: str = "", site_url: str = "", pages: bool = False) -> Export:
    """What the export holds. `url`: where the site stood, which an export does not say; else `site_url` is taken.

    Pages (`pages`) become unlisted articles; without that they are passed over. Raises DocumentError for what is no
    Ghost export, and for one of a version that is not known.
    """
    found = _data(data)
    settings = {str(row.get("key")): row.get("value") for row in _rows(found, "settings")}
    name = _text(settings.get("db_hash")) or urls.canonical(url) or _text(settings.get("title"))
    place = (url or site_url).rstrip("/")
    tables = _tables(found, place, _text(settings.get("locale") or settings.get("lang")))
    wanted = [row for row in tables.posts if pages or not _is_page(row)]
    passed = Counter("pages" for row in tables.posts if not pages and _is_page(row))
    unknown = f"the export does not say where the site stood: it is taken for {place}; else give --url"
    return Export(
        f"import:ghost:{name}", place, len(wanted), partial(_entries, wanted, tables, zone), dict(passed),
        (unknown,) if not url and _PLACE.encode() in data else (),
    )


def _data(data: bytes) -> Row:
    if not data.strip():
        raise DocumentError("it is empty", _EXPORT_ANEW)
    if data.startswith((b"\x1f\x8b", b"PK\x03\x04")):
        raise DocumentError("it is compressed", "unpack it, and import the .json file that was in it")
    try:
        found = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            raise DocumentError(f"{_NO_GHOST}: it is no JSON", _EXPORT_ANEW) from error
        where = f", at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise DocumentError(f"it is damaged or cut off{where}", _EXPORT_ANEW) from error
    whole = found.get("db") if isinstance(found, dict) else None
    first = whole[0] if isinstance(whole, list) and whole else found
    tables = first.get("data") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(tables, dict) or not isinstance(tables.get("posts"), list):
        raise DocumentError(f"{_NO_GHOST}: it has no table of posts", _EXPORT_ANEW)
    meta = first.get("meta")
    version = _text(meta.get("version")) if isinstance(meta, dict) else ""
    major = version.partition(".")[0]
    if not (major.isascii() and major.isdigit()) or int(major[:5]) not in _MAJORS or "." not in version:
        known = f"known are {_MAJORS[0]} to {_MAJORS[-1]}"
        raise DocumentError(f"it is an export of Ghost {version[:20] or 'of no version'}; {known}", _EXPORT_ANEW)
    return tables


def _tables(found: Row, url: str, language: str) -> _Tables:
    tags = {_text(row.get("id")): row for row in _rows(found, "tags")}
    users = {_text(row.get("id")): row for row in _rows(found, "users")}
    return _Tables(
        _rows(found, "posts"), {_text(row.get("post_id")): row for row in _rows(found, "posts_meta")},
        _joined(_rows(found, "posts_tags"), "tag_id", tags), _joined(_rows(found, "posts_authors"), "author_id", users),
        users, url, language,
    )


def _joined(rows: list[Row], key: str, others: dict[str, Row]) -> dict[str, list[Row]]:
    """The rows of another table by post, in their order there."""
    ordered = sorted(rows, key=lambda row: row["sort_order"] if isinstance(row.get("sort_order"), int) else 0)
    found: dict[str, list[Row]] = {}
    for row in ordered:
        other = others.get(_text(row.get(key)))
        if other is not None:
            found.setdefault(_text(row.get("post_id")), []).append(other)
    return found


def _entries(posts: list[Row], tables: _Tables, zone: ZoneInfo) -> Iterator[Exported]:
    for post in posts:
        yield _entry(post, tables, zone)


def _entry(post: Row, tables: _Tables, zone: ZoneInfo) -> Exported:
    number, slug = _text(post.get("id")), _text(post.get("slug"))
    path = _text(post.get("uuid")) or number or slug
    if not path:
        return Exported("post", None, (), "it has neither number nor address", _EXPORT_ANEW)
    home = tables.url or "http://localhost"
    old = old_addresses.of_urls(f"{home}/{part}/" for part in (slug, f"p/{path}") if part and slug)
    status, why = _status(post)
    try:
        markup = _markup(post)
    except DocumentError as error:
        return Exported(path, None, old, error.reason, "open and save it there, and export it again")
    return exported(
        path, _raw(post, tables, number, path, markup.replace(_PLACE, tables.url)), zone, old=old, status=status,
        slug=slug, updated_at=dates.parse(_text(post.get("updated_at")), zone), remarks=(why,) if why else (),
        source_url=_elsewhere(_text(post.get("canonical_url")).replace(_PLACE, tables.url), tables.url),
    )


def _markup(post: Row) -> str:
    """The post's HTML; where there is none, made of the editor's tree."""
    if found := _text(post.get("html")):
        return found
    if found := _text(post.get("lexical")):
        return ghost_text.of_lexical(found)
    if found := _text(post.get("mobiledoc")):
        return ghost_text.of_mobiledoc(found)
    return ""


def _raw(post: Row, tables: _Tables, number: str, path: str, markup: str) -> Raw:
    public = [row for row in tables.tags.get(number, ()) if not _is_internal(row)]
    section, *tags = [plain(_text(row.get("name"))) for row in public] or [""]
    people = tables.authors.get(number) or [tables.users.get(_text(post.get("author_id")), {})]
    meta = tables.meta.get(number, {})
    picture = _text(post.get("feature_image") or post.get("image")).replace(_PLACE, tables.url)
    caption = _text(meta.get("feature_image_caption")) or _text(meta.get("feature_image_alt"))
    return Raw(
        id=path, link="", title=_text(post.get("title")), markup=markup, is_html=True,
        summary=_text(post.get("custom_excerpt")), base=tables.url + "/" if tables.url else "",
        authors=tuple(filter(None, (plain(_text(row.get("name"))) for row in people))),
        tags=tuple(tags), section=section, language=_text(post.get("locale")) or tables.language,
        dates=(_text(post.get("published_at")), _text(post.get("created_at"))),
        image=urls.resolve(tables.url + "/", picture) if picture else "", caption=plain(caption) if picture else "",
    )


def _status(post: Row) -> tuple[ArticleStatus, str]:
    """What the post asks to be here, and why where that is not what it is there."""
    seen_by, state = _text(post.get("visibility")) or "public", _text(post.get("status")) or "draft"
    if seen_by != "public":
        who = {"members": "members", "paid": "paying members"}.get(seen_by, "some members")
        return ArticleStatus.DRAFT, f"it is for {who} only there: it is kept as a draft"
    if state not in ("published", "scheduled"):
        return ArticleStatus.DRAFT, f"{_STATES.get(state, f'its state there is {state[:40]!r}')}: it is kept as a draft"
    return (ArticleStatus.UNLISTED if _is_page(post) else ArticleStatus.SCHEDULED), ""


def _is_page(post: Row) -> bool:
    return post.get("type") == "page" or post.get("page") in (1, True)


def _is_internal(tag: Row) -> bool:
    return tag.get("visibility") == "internal" or _text(tag.get("name")).startswith("#")


def _elsewhere(canonical: str, url: str) -> str:
    """The canonical URL where it leads to another site: there the article was first."""
    there = urls.canonical(canonical)
    own = urls.canonical(url)
    return canonical if there and there.partition("/")[0] != own.partition("/")[0] else ""


def _rows(tables: Row, name: str) -> list[Row]:
    found = tables.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
