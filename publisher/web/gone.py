"""What stood here once and does not any more: withdrawn articles, lists that have emptied, feeds that moved or ended.

    nothing there? | feeds.moved -> 301 or 410 | withdrawn article -> 410 | list that has long been without one -> 410
                   | the archive document that comes next -> the feed (307)
"""

from __future__ import annotations

import re
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from publisher import urls
from publisher.model import ArticleStatus, Listing, ListKind
from publisher.store import archive, articles, listings
from publisher.web.face import face_of, message, now

_FILE = r"(?:rss\.xml|atom\.xml|feed\.json)"
_ARTICLE = re.compile(r"/articles/([^/]+)")
_LIST = re.compile(rf"/(sections|tags|authors)/([^/]+)/(?:{_FILE})?")
_NEXT = re.compile(rf"/archive/([1-9]\d{{0,17}})/({_FILE})")
#: A list that has just emptied may fill again, and whoever hears 410 never comes back.
_GRACE = timedelta(hours=1)
_KINDS = {"sections": ListKind.SECTION, "tags": ListKind.TAG, "authors": ListKind.AUTHOR}


async def answer_for(request: Request) -> Response | None:
    """The answer for what is known to be gone; None where nothing is known of it."""
    path = request.scope["path"]
    settings = face_of(request).settings
    moved = settings.feeds.moved.get(path)
    if moved:
        where = moved if "://" in moved else urls.absolute(settings.site.url, moved)
        return _to(where, 301, "public, max-age=86400")
    if moved == "":
        return await _gone(request, "This feed has ended", "It is served no more. Please take it out of your reader.")
    if found := _NEXT.fullmatch(path):
        return await _next(request, int(found[1]), found[2])
    if (found := _ARTICLE.fullmatch(path)) and await _withdrawn(request, found[1]):
        return await _gone(request, "Withdrawn", "This article was taken back, and is not shown any more.")
    if (found := _LIST.fullmatch(path)) and await _emptied(request, Listing(_KINDS[found[1]], found[2])):
        return await _gone(request, "Nothing here any more", "No article stands in this list any more.")
    return None


async def _next(request: Request, number: int, file: str) -> Response | None:
    """What will be in the next archive document is in the feed until then: its link leads there."""
    async with face_of(request).store.read() as tx:
        last = await archive.last_document(tx)
    if number != last + 1:
        return None
    return _to(urls.absolute(face_of(request).settings.site.url, f"/{file}"), 307, "no-store")


async def _withdrawn(request: Request, slug: str) -> bool:
    async with face_of(request).store.read() as tx:
        article = await articles.by_slug(tx, slug)
    return article is not None and article.status == ArticleStatus.WITHDRAWN and article.seq is not None


async def _emptied(request: Request, listing: Listing) -> bool:
    async with face_of(request).store.read() as tx:
        stands = await listings.name_of(tx, listing) is not None
        changed_at = None if stands else await listings.changed_at(tx, listing)
    return changed_at is not None and now() - changed_at >= _GRACE


async def _gone(request: Request, title: str, words: str) -> Response:
    answer = await message(request, title, words, status=410)
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


def _to(where: str, status: int, cache: str) -> Response:
    return PlainTextResponse("Moved\n", status, {"Location": where, "Cache-Control": cache})
