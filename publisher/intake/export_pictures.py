"""Pictures that an import brings along: from an unpacked folder of the old site, or fetched from it. Never lost twice.

    articles | addresses of the old site's pictures | not copied yet? -> file of the folder, else fetched where wanted
    bytes    | prepare, in a thread                                   -> STORE picture, and which address it is

A picture that cannot be had stays where it is, and is remarked; no article is lost for one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from publisher import http, urls
from publisher.errors import FetchError, PictureError
from publisher.intake import folder, picture, picture_links
from publisher.intake.export_entry import Export, Exported
from publisher.intake.folder import Refusal
from publisher.intake.picture_links import Placed
from publisher.model import Extracted, Picture
from publisher.store import picture_addresses, pictures
from publisher.store.engine import Store

#: Pictures that are fetched at a time, and seconds that one may take: they lie on one server.
_AT_ONCE, _LIMITS = 4, http.Limits(body=picture.MAX_BYTES, total=30.0, idle=10.0)
#: Failures in a row after which the old site is asked no more: it is gone, or keeps us out.
_GIVEN_UP = 20
#: In which folder of its own each system keeps pictures.
_ROOTS = ("/wp-content/uploads/", "/content/images/", "/images/", "/uploads/")
_PROXY = re.compile(r"i\d\.wp\.com")
#: What systems put into the address of a smaller copy.
_SMALLER = (re.compile(r"-\d{2,5}x\d{2,5}(?=\.\w{3,4}$)"), re.compile(r"^size/[^/]+/(?:format/[^/]+/)?"))


@dataclass(slots=True)
class Library:
    """Where pictures come from, and how it went so far."""

    #: The unpacked folder; None: there is none.
    folder: Path | None
    #: Ask the old site for what is not there.
    fetch: bool
    #: Let it lie at private addresses (for tests, and for a site in a network of one's own).
    allow_private: bool = False
    #: Why an address could not be had.
    failures: dict[str, str] = field(default_factory=dict)
    failed_in_a_row: int = 0


async def copy(store: Store, library: Library, export: Export, entries: Iterable[Exported]) -> None:
    """Copies the old site's pictures that these entries show, and that were not copied before."""
    shown = (address for entry in entries if entry.made for address in _of_site(export, entry.made))
    wanted = list(dict.fromkeys(address for address in shown if address not in library.failures))
    async with store.read() as tx:
        known = await picture_addresses.find(tx, wanted)
    missing = [address for address in wanted if address not in known]
    for start in range(0, len(missing), _AT_ONCE):
        found = await asyncio.gather(*(_had(library, address) for address in missing[start : start + _AT_ONCE]))
        await _keep(store, [one for one in found if one is not None])


async def placed(
    store: Store, library: Library, export: Export, site_url: str, entries: Sequence[Exported]
) -> list[Exported]:
    """The entries with those pictures that were copied at their new addresses; what failed is remarked."""
    wanted = {address for entry in entries if entry.made for address in _of_site(export, entry.made)}
    async with store.read() as tx:
        known = await picture_addresses.find(tx, wanted) if wanted else {}
    places = {
        address: Placed(urls.absolute(site_url, urls.picture_path(one.name)), one.width, one.height)
        for address, one in known.items()
    }
    return [_with_places(library, entry, places) for entry in entries]


def _with_places(library: Library, entry: Exported, places: Mapping[str, Placed]) -> Exported:
    if entry.made is None:
        return entry
    shown = picture_links.references(entry.made)
    failures = library.failures
    failed = [f"picture left at {address}: {failures[address]}" for address in shown if address in failures]
    moved = {address: places[address] for address in shown if address in places}
    made = picture_links.rewritten(entry.made, moved) if moved else entry.made
    return replace(entry, made=replace(made, remarks=(*made.remarks, *failed[:5])))


# --- where they are --------------------------------------------------------------------------------------------------


def _of_site(export: Export, made: Extracted) -> Iterator[str]:
    """Addresses of the article's pictures that are the old site's."""
    own = _host(export.url)
    for address in picture_links.references(made) if own else ():
        host = _host(address)
        if _PROXY.fullmatch(host):  # WordPress's own: the first part of the path is the host that it asks
            host = urlsplit(address).path.lstrip("/").partition("/")[0].removeprefix("www.")
        if host == own or host.endswith(f".{own}"):
            yield address


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _files(address: str) -> list[str]:
    """Paths below the folder at which the picture may lie: as named, then the larger one that it was made of."""
    path = unquote(urlsplit(address).path)
    root = next((root for root in _ROOTS if root in path), "/")
    below = path.partition(root)[2]
    found = [below, *(pattern.sub("", below, count=1) for pattern in _SMALLER)]
    safe = (name for name in found if name and name.isprintable() and not {"..", ".", ""} & set(name.split("/")))
    return list(dict.fromkeys(safe))


# --- getting them ----------------------------------------------------------------------------------------------------


async def _had(library: Library, address: str) -> tuple[str, Picture] | None:
    """The picture, from wherever it can be had; None, with the reason noted, where it cannot."""
    try:
        content = await asyncio.to_thread(_from_folder, library.folder, address) if library.folder else None
        if content is None and library.fetch:
            content = await _fetched(library, address)
        if content is None:
            return None
        name = unquote(urlsplit(address).path).rpartition("/")[2]
        return address, await asyncio.to_thread(picture.prepare, content, name)
    except (PictureError, FetchError) as error:
        library.failures[address] = str(error)
        return None


def _from_folder(root: Path, address: str) -> bytes | None:
    """The file's bytes; None where there is none. Links that lead out of the folder are refused."""
    for name in _files(address):
        listing = folder.look(root, [name])
        for reading in listing.files:
            content = folder.read(root, reading, picture.MAX_BYTES)
            if isinstance(content, Refusal):
                raise PictureError(content.reason)
            return content
        for refusal in listing.refused:
            raise PictureError(refusal.reason)
    return None


async def _fetched(library: Library, address: str) -> bytes:
    if library.failed_in_a_row >= _GIVEN_UP:
        raise FetchError("the old site was asked no more, after too many failures; import again later")
    library.failed_in_a_row += 1
    got = await http.fetch(address, headers={"Accept": "image/*"}, limits=_LIMITS, allow_private=library.allow_private)
    if got.status != 200:
        raise FetchError(f"its server answers {got.status}")
    library.failed_in_a_row = 0
    return got.body


async def _keep(store: Store, found: Sequence[tuple[str, Picture]]) -> None:
    if found:
        async with store.write() as tx:
            for address, made in found:
                await pictures.put(tx, made)
                await picture_addresses.put(tx, address, made.name)
