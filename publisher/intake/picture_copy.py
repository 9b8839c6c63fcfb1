"""The pictures of documents that were read, copied into the store.

    Loaded with marks | look beside the document | read | known by its bytes? else prepare, in a thread -> STORE
                      | rewrite -> Loaded with addresses of ours

One at a time, so that never more than one is in memory. What cannot be taken is left out of the article, with a remark
that says why; the article is accepted all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from publisher import urls
from publisher.errors import PictureError
from publisher.intake import picture, picture_files, picture_links
from publisher.intake.identity import content_hash
from publisher.intake.load import Loaded
from publisher.intake.picture_links import Placed
from publisher.model import Extracted, Picture
from publisher.store import pictures
from publisher.store.engine import Store
from publisher.store.pictures import Origin

#: Pictures of one document that are taken, and remarks about them that are kept.
_MOST, _MOST_REMARKS = 100, 5


@dataclass(slots=True)
class _Finds:
    """What became of a document's pictures."""

    moved: dict[str, Placed | str | None] = field(default_factory=dict)
    origins: list[Origin] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


async def copy(store: Store, root: Path, site_url: str, loaded: Sequence[Loaded]) -> list[Loaded]:
    """These documents of the source at `root`, their local pictures copied."""
    return [
        await _copied(store, root, site_url, one, one.made)
        if isinstance(one.made, Extracted) and picture_links.marks(one.made) else one
        for one in loaded
    ]


async def _copied(store: Store, root: Path, site_url: str, one: Loaded, made: Extracted) -> Loaded:
    finds = _Finds()
    marks = picture_links.marks(made)
    finds.moved |= dict.fromkeys(marks[_MOST:])
    for mark in marks[:_MOST]:
        reference = picture_links.reference(mark) or ""
        try:
            finds.moved[mark] = await _take(store, root, site_url, one.reading.path, reference, finds)
        except PictureError as error:
            # A page that tells its address has its pictures there.
            finds.moved[mark] = urls.resolve(made.source_url, reference) or None
            if not finds.moved[mark]:
                finds.remarks.append(f"its picture {_shown(reference)} is left out: {error}")
    if marks[_MOST:]:
        finds.remarks.insert(0, f"of its {len(marks)} pictures only the first {_MOST} are taken")
    if (more := len(finds.remarks) - _MOST_REMARKS) > 0:
        finds.remarks[_MOST_REMARKS:] = [f"and {more} more are left out"]
    new = picture_links.rewritten(made, finds.moved)
    new = replace(new, remarks=(*new.remarks, *finds.remarks))
    return replace(one, made=new, content_hash=content_hash(new), origins=tuple(finds.origins))


async def _take(
    store: Store, root: Path, site_url: str, document: str, reference: str, finds: _Finds
) -> Placed:
    """Where the picture is from now on. Raises PictureError with the reason why it is nowhere."""
    places = picture_links.places(document, reference)
    origin = await asyncio.to_thread(picture_files.origin, root, places)
    finds.origins.append(origin)
    content = await asyncio.to_thread(picture_files.read, root, origin)
    own_name = PurePosixPath(origin.picture).name
    name = await asyncio.to_thread(picture.name_of, content, own_name)
    async with store.read() as tx:
        size = (await pictures.sizes(tx, [name])).get(name)
    if size is not None:
        width, height = size.width, size.height
    else:
        made = await asyncio.to_thread(_prepared, content, own_name)
        async with store.write() as tx:
            await pictures.put(tx, made)
        width, height = made.width, made.height
    return Placed(urls.absolute(site_url, urls.picture_path(name)), width, height)


def _prepared(content: bytes, name: str) -> Picture:
    try:
        return picture.prepare(content, name)
    except PictureError:
        raise
    except Exception as error:
        # A picture that breaks the decoder in a way that nobody knew must not stop the other documents (I12).
        raise PictureError(f"it could not be read: {type(error).__name__}: {error}".splitlines()[0][:200]) from error


def _shown(reference: str) -> str:
    plain = "".join(c if c.isprintable() else "?" for c in reference)
    return plain if len(plain) <= 80 else plain[:79] + "\u2026"
