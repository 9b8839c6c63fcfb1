"""Posts of a WordPress export as articles. Pure.

    file | survey: authors, library, counts, and that it is whole       -> Export
    file | item by item: posts, and pages where wanted | text to HTML    -> Exported
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from publisher import old_addresses, urls
from publisher.errors import DocumentError
from publisher.intake import dates, wordpress_text, wxr
from publisher.intake.export_entry import Export, Exported, exported, plain
from publisher.intake.feed_entry import Raw
from publisher.intake.wordpress_text import Shown
from publisher.intake.wxr import Channel, Item
from publisher.model import ArticleStatus, Enclosure

#: States of what was thrown away, or never saved by its author.
_NOTHING = frozenset(("trash", "auto-draft", "inherit"))
_DRAFTS = {"draft": "it is a draft there", "pending": "it awaits review there", "private": "it is private there"}
_PROTECTED = "it asks for a password there"
#: What WordPress calls the category of posts that were given none, in the languages that it comes in.
_NO_SECTION = frozenset(
    ("uncategorized", "uncategorised", "allgemein", "non-classe", "sin-categoria", "senza-categoria", "sem-categoria",
     "geen-categorie", "bez-kategorii", "ukategoriserad", "ikke-kategoriseret", "bez-rubriki", "bez-rubryky")
)  # fmt: skip
_PLURALS = {
    "page": "pages", "attachment": "files of the library", "revision": "revisions", "nav_menu_item": "menu entries",
}


@dataclass(slots=True)
class _Site:
    """What entries need of the rest of the export."""

    url: str = ""
    language: str = ""
    authors: dict[str, str] = field(default_factory=dict)
    #: The library's pictures by their ids, and the ids by the post that they were uploaded to.
    library: dict[str, Shown] = field(default_factory=dict)
    of_post: dict[str, list[str]] = field(default_factory=dict)


def read(opened: Callable[[], BinaryIO], zone: ZoneInfo, *, pages: bool = False) -> Export:
    """What the export holds; `opened` opens the file anew. Dates without a zone are in `zone`.

    Pages of the site (`pages`) become unlisted articles; without that they are passed over. Raises DocumentError for a
    file that is no whole WordPress export.
    """
    site = _Site()
    channel = Channel()
    passed: Counter[str] = Counter()
    total = 0
    with opened() as file:
        for channel, item in wxr.read(file):  # noqa: B007 - the last one is complete
            what = _passed_over(item, pages)
            total += not what
            passed.update([what] if what else [])
            _note_picture(site, item)
    told = channel.fields
    site.url = next((told[n] for n in ("wp:base_blog_url", "link", "wp:base_site_url") if told.get(n)), "").rstrip("/")
    site.language, site.authors = told.get("language", ""), channel.authors
    return Export(
        f"import:wordpress:{urls.canonical(site.url)}", site.url, total,
        partial(_entries, opened, site, zone, pages=pages), dict(passed),
    )


def _entries(opened: Callable[[], BinaryIO], site: _Site, zone: ZoneInfo, *, pages: bool) -> Iterator[Exported]:
    with opened() as file:
        for _, item in wxr.read(file):
            if not _passed_over(item, pages):
                yield _entry(item, site, zone)


def _passed_over(item: Item, pages: bool) -> str:
    """Why the item is no article, as a kind of thing; empty where it is one."""
    kind, status = item.fields.get("wp:post_type", "post"), item.fields.get("wp:status", "publish")
    if kind == "post" or (kind == "page" and pages):
        return "unsaved or in the bin" if status in _NOTHING else ""
    return _PLURALS.get(kind, f"of type {kind[:40]}")


def _note_picture(site: _Site, item: Item) -> None:
    said = item.fields
    if said.get("wp:post_type") != "attachment" or not said.get("wp:attachment_url"):
        return
    number = said.get("wp:post_id", "")
    site.library[number] = Shown(
        said["wp:attachment_url"], plain(item.meta.get("_wp_attachment_image_alt", "")),
        plain(said.get("excerpt:encoded", "")[:2000]),
    )
    if said.get("wp:post_parent", "0") != "0":
        site.of_post.setdefault(said["wp:post_parent"], []).append(number)


def _entry(item: Item, site: _Site, zone: ZoneInfo) -> Exported:
    said = item.fields
    number = said.get("wp:post_id", "")
    link = urls.resolve(site.url + "/", said.get("link", ""))
    old = old_addresses.of_urls((link, said.get("guid", ""), f"{site.url}/?p={number}"))
    path = number or said.get("guid") or link
    if not path:
        return Exported("item", None, (), "it has neither number nor address", "export it again under Tools, Export")
    if item.too_large:
        return Exported(path, None, old, "its text is too large", "leave it out of the export, or split it")
    try:
        markup, remarks = wordpress_text.rendered(said.get("content:encoded", ""), partial(_gallery, site, number))
    except (DocumentError, RecursionError) as error:
        return Exported(path, None, old, f"its text could not be read: {error}", "mend it there, and export it again")
    status, why = _status(said)
    return exported(
        path, _raw(item, site, link, markup), zone, old=old, status=status, slug=unquote(said.get("wp:post_name", "")),
        updated_at=dates.parse(_utc(said.get("wp:post_modified_gmt", "")), zone)
        or dates.parse(said.get("wp:post_modified", ""), zone),
        enclosures=_enclosures(item), remarks=(*filter(None, [why]), *remarks),
    )


def _raw(item: Item, site: _Site, link: str, markup: str) -> Raw:
    said = item.fields
    login = said.get("dc:creator", "")
    kept = [(domain, name) for domain, nice, name in item.categories if nice not in _NO_SECTION]
    sections = [plain(name) for domain, name in kept if domain == "category"]
    tags = [plain(name) for domain, name in kept if domain == "post_tag"]
    shown = site.library.get(item.meta.get("_thumbnail_id", ""), Shown(""))
    return Raw(
        id=said.get("guid") or said.get("wp:post_id", ""), link="", title=said.get("title", ""), markup=markup,
        is_html=True, summary=said.get("excerpt:encoded", ""), base=link or site.url,
        authors=tuple(filter(None, [plain(site.authors.get(login, login))])),
        tags=tuple(dict.fromkeys(sections[1:] + tags)),
        section=next(iter(sections), ""), language=site.language,
        dates=(_utc(said.get("wp:post_date_gmt", "")), said.get("wp:post_date", ""), said.get("pubDate", "")),
        image=urls.resolve(site.url + "/", shown.url) if shown.url else "", caption=shown.caption or shown.alt,
    )


def _utc(said: str) -> str:
    """A date that is in UTC, and does not say so; empty for the zeros of a draft."""
    return f"{said} UTC" if said and not said.startswith("0000") else ""


def _status(said: dict[str, str]) -> tuple[ArticleStatus, str]:
    """What the post asks to be here, and why where that is not what it is there."""
    state = said.get("wp:status", "publish")
    if said.get("wp:post_password"):
        return ArticleStatus.DRAFT, f"{_PROTECTED}: it is kept as a draft"
    if state in _DRAFTS:
        return ArticleStatus.DRAFT, f"{_DRAFTS[state]}: it is kept as a draft"
    if state not in ("publish", "future"):
        return ArticleStatus.DRAFT, f"its state there is {state[:40]!r}: it is kept as a draft"
    return (ArticleStatus.UNLISTED if said.get("wp:post_type") == "page" else ArticleStatus.SCHEDULED), ""


def _gallery(site: _Site, post: str, ids: tuple[str, ...]) -> Iterator[Shown]:
    for number in ids or site.of_post.get(post, ()):
        if number in site.library:
            yield site.library[number]


def _enclosures(item: Item) -> tuple[Enclosure, ...]:
    """The file of a podcast's episode: address, bytes and type on a line each."""
    url, length, kind = ([*item.meta.get("enclosure", "").split("\n"), "", "", ""])[:3]
    url, length, kind = url.strip(), length.strip(), kind.strip()
    if not urls.resolve("", url).startswith("http"):
        return ()
    size = int(length) if length.isascii() and length.isdigit() and len(length) <= 15 else 0
    return (Enclosure(url, kind[:100] or "application/octet-stream", size),)
