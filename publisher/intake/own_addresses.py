"""Addresses of the site's own in what articles say: they follow `site.url` when that changes.

    what it was at the last run | the same? done : articles that hold it, some at a time -> STORE, short transactions

Articles say their pictures, and links to other pages of the site, as absolute addresses, since feeds and mails need
them. No article is corrected by that: no version is kept, `updated_at` stays, and nothing is mailed again.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from publisher import log
from publisher.model import Article
from publisher.store import archive, articles, notes
from publisher.store.engine import Store

_NAME = "site.url"
#: Articles of one transaction.
_CHUNK = 100

_log = log.get("intake")


async def follow(store: Store, site_url: str, now: datetime) -> int:
    """Gives the articles the site's present address in place of its last one; how many that changed.

    Stopped at any point and run again, it goes on: the address is noted when all is done.
    """
    new = site_url.rstrip("/")
    async with store.read() as tx:
        old = await notes.get(tx, _NAME)
    if old == new:
        return 0
    count, last = 0, ""
    while old:
        async with store.write() as tx:
            await articles.lock(tx)
            found = await notes.articles_with(tx, old, after=last, limit=_CHUNK)
            for article in found:
                moved = rehomed(article, old, new)
                if moved != article:
                    await articles.update(tx, moved, now, change=None, changed_at=article.changed_at, freeze=False)
                    count += 1
        if not found:
            break
        last = found[-1].id
    if old:
        await _archived(store, old, new)
    async with store.write() as tx:
        await notes.put(tx, _NAME, new)
    if old:
        _log.info("the site's address changed", before=old, now=new, articles=count)
    return count


async def _archived(store: Store, old: str, new: str) -> None:
    """What archive documents show of articles that were corrected since follows too."""
    last = 0
    while True:
        async with store.write() as tx:
            await articles.lock(tx)
            found = await archive.frozen(tx, last, _CHUNK)
            moved = {number: rehomed(article, old, new) for number, article in found.items()}
            await archive.refreeze(tx, {number: one for number, one in moved.items() if one != found[number]})
        if not found:
            return
        last = max(found)


def rehomed(article: Article, old: str, new: str) -> Article:
    """The article with its links and pictures at `new` that were at `old`, both without a closing slash."""
    place = re.compile(rf'(?<=[\s])(href|src)="{re.escape(old)}(?=["/?#])')
    return replace(
        article,
        content_html=place.sub(lambda match: f'{match[1]}="{new}', article.content_html),
        image=new + article.image.removeprefix(old) if article.image.startswith(f"{old}/") else article.image,
    )
