"""Files of exports on the disk: opened, read to their end once, and given as entries."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from publisher import old_addresses
from publisher.errors import DocumentError
from publisher.intake import export_entry, feed_parse, ghost, wordpress
from publisher.intake.export_entry import Export, Exported
from publisher.text import slugify

#: Bytes of a file that must be in memory as a whole.
_LARGEST = 200_000_000
#: What every WordPress export declares, and no feed.
_WXR = b"http://wordpress.org/export/"
#: Where the pictures of an export lie as a rule, beside it.
_FOLDERS = ("uploads", "wp-content/uploads", "content/images", "images")


def from_wordpress(file: Path, zone: ZoneInfo, *, pages: bool = False) -> Export:
    """A WordPress export, of any size. Raises DocumentError for what is none, OSError where it cannot be read."""
    return wordpress.read(partial(_opened, file), zone, pages=pages)


def from_ghost(file: Path, zone: ZoneInfo, *, url: str = "", site_url: str = "", pages: bool = False) -> Export:
    """A Ghost export. Raises as `from_wordpress`."""
    return ghost.read(_whole(file), zone, url=url, site_url=site_url, pages=pages)


def from_feed(file: Path, zone: ZoneInfo, *, url: str = "") -> Export:
    """A saved RSS, Atom or JSON Feed; `url` is what its links are relative to. Raises as `from_wordpress`."""
    data = _whole(file)
    if _WXR in data:  # as a feed its drafts and its private posts would look like any other
        raise DocumentError("it is a WordPress export, not a feed", "use: publisher import wordpress FILE")
    feed = feed_parse.parse(data, "", url or "http://localhost/", zone)
    name = slugify(feed.title) or slugify(file.stem) or "feed"
    return Export(f"import:feed:{name}", url, len(feed.entries), partial(_feed_entries, feed.entries))


def media_folder(file: Path) -> Path | None:
    """The folder beside the file that holds its pictures, where one of the usual names is there."""
    found = (file.parent / name for name in _FOLDERS)
    return next((folder for folder in found if folder.is_dir()), None)


def _feed_entries(entries: tuple[feed_parse.Entry, ...]) -> Iterator[Exported]:
    for entry in entries:
        if entry.made is None:
            yield Exported(entry.path, None, (), entry.reason, entry.remedy)
        else:
            old = old_addresses.of_urls([entry.made.source_url])
            yield Exported(entry.path, export_entry.moved_here(entry.made), old)


def _opened(file: Path) -> BinaryIO:
    return file.open("rb")


def _whole(file: Path) -> bytes:
    size = file.stat().st_size
    if size > _LARGEST:
        reason = f"it is too large: {size / 1e6:.0f} MB, the limit is {_LARGEST / 1e6:.0f} MB"
        raise DocumentError(reason, "export it in parts")
    return file.read_bytes()
