"""Pictures as files of the site: written before the pages that show them, removed with the last of these.

    article | names of its pictures | those that are no file yet | STORE -> files

A picture of one name never changes, so a file that is there is right.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from publisher import urls
from publisher.model import Article
from publisher.output import Tally
from publisher.store import pictures
from publisher.store.engine import Store

_NAME = re.compile(r"/images/([a-z0-9-]+-[0-9a-f]{12}\.(?:jpg|png|gif|webp))(?![\w.])")


def names(article: Article) -> list[str]:
    """The names that pictures of ours in this article have; those of others' may be among them."""
    return sorted({*_NAME.findall(article.image), *_NAME.findall(article.content_html)})


async def lead_size(store: Store, article: Article) -> tuple[int, int] | None:
    """Width and height of the article's lead picture in pixels; None where it is none of ours."""
    found = _NAME.findall(article.image)
    if not found:
        return None
    async with store.read() as tx:
        size = (await pictures.sizes(tx, found)).get(found[0])
    return (size.width, size.height) if size is not None else None


async def write(store: Store, tally: Tally, article: Article) -> None:
    """Writes those of the article's pictures that are no file yet; a failure is counted."""
    for name in await asyncio.to_thread(_apart, tally.root, names(article), there=False):
        async with store.read() as tx:
            picture = await pictures.get(tx, name)
        if picture is not None and not tally.hopeless:
            await tally.write(_relative(name), picture.content, article.first_seen_at)


async def remove(store: Store, tally: Tally, article: Article) -> None:
    """Removes the files of the pictures of an article without a page, but for those that another page shows."""
    for name in await asyncio.to_thread(_apart, tally.root, names(article), there=True):
        async with store.read() as tx:
            shown = await pictures.is_shown(tx, name)
        if not shown:
            await tally.remove(_relative(name))


def _apart(root: Path, wanted: list[str], *, there: bool) -> list[str]:
    return [name for name in wanted if (root / _relative(name)).is_file() is there]


def _relative(name: str) -> str:
    return urls.picture_path(name)[1:]
