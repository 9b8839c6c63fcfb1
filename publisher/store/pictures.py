"""Pictures: their bytes, and which files beside a document they were made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from publisher.model import ArticleStatus, Picture
from publisher.store.engine import Tx
from publisher.store.schema import articles, document_pictures, pictures
from publisher.store.upsert import insert_new

#: Bound parameters of one statement stay far below SQLite's limit.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Size:
    """What is known of a picture without its bytes."""

    #: Pixels.
    width: int
    height: int
    #: Bytes.
    length: int


@dataclass(frozen=True, slots=True)
class Origin:
    """A file beside a document, as it was when the document was read."""

    #: Relative to the source's root, with `/`.
    picture: str
    #: Bytes; -1 where there was no such file.
    size: int = -1
    #: Of the last write, in nanoseconds since the epoch.
    mtime_ns: int = 0


async def put(tx: Tx, picture: Picture) -> None:
    """Keeps the picture; one that is there by this name stays."""
    values = {name: getattr(picture, name) for name in Picture.__slots__}
    await insert_new(tx, pictures, values | {"length": len(picture.content)})


async def get(tx: Tx, name: str) -> Picture | None:
    """The picture of this name."""
    row = (await tx.execute(select(pictures).where(pictures.c.name == name))).first()
    if row is None:
        return None
    return Picture(row.name, row.media_type, row.width, row.height, bytes(row.content))


async def sizes(tx: Tx, names: Iterable[str]) -> dict[str, Size]:
    """Those of these names that are there, without their bytes."""
    wanted = sorted(set(names))
    found: dict[str, Size] = {}
    for start in range(0, len(wanted), _CHUNK):
        columns = (pictures.c.name, pictures.c.width, pictures.c.height, pictures.c.length)
        query = select(*columns).where(pictures.c.name.in_(wanted[start : start + _CHUNK]))
        found |= {row.name: Size(row.width, row.height, row.length) for row in await tx.execute(query)}
    return found


async def is_shown(tx: Tx, name: str) -> bool:
    """True if an article with a page shows the picture. Reads all articles: for what is seldom asked."""
    there = articles.c.image.contains(name, autoescape=True) | articles.c.content_html.contains(name, autoescape=True)
    shown = articles.c.status.in_((ArticleStatus.LIVE, ArticleStatus.UNLISTED))
    return (await tx.execute(select(articles.c.id).where(shown, there).limit(1))).first() is not None


async def origins(tx: Tx, source: str) -> dict[str, list[Origin]]:
    """The pictures of all documents of the source, by the document's path."""
    query = select(document_pictures).where(document_pictures.c.source == source)
    found: dict[str, list[Origin]] = defaultdict(list)
    for row in await tx.execute(query):
        found[row.path].append(Origin(row.picture, row.size, row.mtime_ns))
    return dict(found)


async def set_origins(tx: Tx, source: str, path: str, found: Iterable[Origin]) -> None:
    """The document at this path shows these files from now on, and no others."""
    mine = (document_pictures.c.source == source) & (document_pictures.c.path == path)
    await tx.execute(delete(document_pictures).where(mine))
    rows = {one.picture: {name: getattr(one, name) for name in Origin.__slots__} for one in found}
    if rows:
        place = {"source": source, "path": path}
        await tx.execute(insert(document_pictures), [place | row for row in rows.values()])
