"""The full text of entries, from the pages that they link to.

    entries | fetch each page, guarded | extract as HTML, in a thread | the page's text where it is the longer one

Whatever goes wrong with a page: a new entry is taken as the feed gave it, and of a known one the article stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from publisher import http, log
from publisher.errors import DocumentError, FetchError
from publisher.intake.feed_parse import Entry
from publisher.intake.load import Setting, parse
from publisher.model import Extracted

#: Pages that are fetched at a time: they lie on one server as a rule.
_AT_ONCE = 2
_PAGES = ("text/html", "application/xhtml+xml")

_log = log.get("intake")


async def completed(
    entries: Sequence[Entry], setting: Setting, known: frozenset[str], *, limits: http.Limits, allow_private: bool
) -> list[Entry]:
    """The entries, each with its page's text where that could be had and says more than the feed.

    Those with `known` paths whose pages could not be had are left out: an article does not shrink to a teaser.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(entry: Entry) -> Entry | None:
        if entry.made is None or not entry.made.source_url:
            return entry
        async with gate:
            try:
                page = await _page(entry.made.source_url, setting, limits, allow_private)
            except (FetchError, DocumentError) as error:
                _log.warning("no full text", path=entry.path, reason=str(error))
                return None if entry.path in known else entry
        return replace(entry, made=_merged(entry.made, page))

    return [entry for entry in await asyncio.gather(*map(one, entries)) if entry is not None]


async def _page(url: str, setting: Setting, limits: http.Limits, allow_private: bool) -> Extracted:
    got = await http.fetch(
        url, headers={"Accept": "text/html, application/xhtml+xml;q=0.9"}, limits=limits, allow_private=allow_private
    )
    kind = got.headers.get("content-type", "").partition(";")[0].strip().lower()
    if got.status != 200:
        raise FetchError(f"the page's server answers {got.status}")
    if kind and kind not in _PAGES:
        raise FetchError(f"the page is {kind[:40]}, not HTML")
    return (await asyncio.to_thread(parse, got.body, "page.html", replace(setting, base_url=got.url)))[0]


def _merged(told: Extracted, page: Extracted) -> Extracted:
    """The feed's words about the article, the page's text; what the feed does not tell from the page too."""
    if len(page.content_text) <= len(told.content_text):
        return told
    names = ("section", "standfirst", "authors", "tags", "published_at", "image", "caption", "credit", "language")
    missing = {name: getattr(page, name) for name in names if not getattr(told, name)}
    return replace(told, content_text=page.content_text, content_html=page.content_html, **missing)
