"""Feeds that are no files: of a search, and a reader's own.

    /feed?sections=&tags= | slugs, sorted | kept since the last change? -> answer | STORE -> document, coded -> kept
    /feed/TOKEN           | whose? ended: 410 | what the reader's subscriptions ask for -> the same, for him alone

Bounded: so many sections and tags, so many made at a time, so many bytes kept.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from publisher import urls
from publisher.audience import own_feed
from publisher.feeds import search
from publisher.feeds.pieces import Pieces
from publisher.feeds.search import FORMATS, MOST, Search
from publisher.store import articles
from publisher.web import moved
from publisher.web.conditional import coding_for, status_for
from publisher.web.face import Face, face_of, message
from publisher.web.files import conditions_of
from publisher.web.prepared import Prepared, prepare

#: Bytes of answers that are kept.
CACHE_BYTES = 16 * 1024 * 1024
#: Feeds that are made at a time, and that may wait for it.
AT_ONCE, _WAITING = 2, 50
_AGE = 300


@dataclass(frozen=True, slots=True)
class Wanted:
    """A feed in a format."""

    search: Search
    #: "atom", "rss" or "json".
    form: str
    #: Path and query of its own.
    address: str
    cache: str


class BusyError(Exception):
    """Too many wait already."""


class Made:
    """Feeds that were made, each for as long as no article changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Wanted, str], Prepared] = OrderedDict()
        self._size = 0
        self._pieces = Pieces(CACHE_BYTES)
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def get(self, face: Face, wanted: Wanted, coding: str) -> Prepared:
        """The feed in this coding. Raises BusyError where too many wait for theirs."""
        if found := await self._ready(face, wanted, coding):
            return found
        if self._waiting >= _WAITING:
            raise BusyError
        self._waiting += 1
        try:
            async with self._turn:
                # Whoever had the turn before may have wanted the same.
                return await self._ready(face, wanted, coding) or await self._make(face, wanted, coding)
        finally:
            self._waiting -= 1

    async def _ready(self, face: Face, wanted: Wanted, coding: str) -> Prepared | None:
        """What was made since the last change; None where that is not kept."""
        async with face.store.read() as tx:
            change = await articles.max_change(tx)
        found = self._kept.get((wanted, coding))
        if found is None or found.signature != change:
            return None
        self._kept.move_to_end((wanted, coding))
        return found

    async def _make(self, face: Face, wanted: Wanted, coding: str) -> Prepared:
        async with face.store.read() as tx:
            change = await articles.max_change(tx)
            content = await search.document(
                tx, face.settings, self._pieces, wanted.search, wanted.form, wanted.address
            )
        # No date: what stands in it may be older than what was taken out, and a reader with a date would keep that.
        made = await asyncio.to_thread(
            prepare, content, coding, modified=None, cache=wanted.cache, kind=FORMATS[wanted.form].media_type,
            more=[], signature=change,
        )
        old = self._kept.pop((wanted, coding), None)
        self._size += len(made.body) - (len(old.body) if old else 0)
        self._kept[wanted, coding] = made
        while self._size > CACHE_BYTES:
            self._size -= len(self._kept.popitem(last=False)[1].body)
        return made


async def searched(request: Request) -> Response:
    """GET /feed?sections=&tags=&format=: everything that stands in any of them."""
    params = request.query_params
    found = Search(_slugs(params.getlist("sections")), _slugs(params.getlist("tags")))
    form = params.get("format", "atom")
    if form not in FORMATS:
        return _wrong(f"format: one of {', '.join(FORMATS)}")
    if len(found.sections) + len(found.tags) > MOST:
        return _wrong(f"at most {MOST} sections and tags")
    if not found.query:
        return await _whole(request, FORMATS[form].file)
    address = f"/feed?{found.query}" + (f"&format={form}" if form != "atom" else "")
    return await _answer(request, Wanted(found, form, address, f"public, max-age={_AGE}"))


async def _whole(request: Request, file: str) -> Response:
    """Where the feed of everything is; readers of an imported site find the format there that they had."""
    face = face_of(request)
    headers = {"Location": urls.absolute(face.settings.site.url, f"/{file}"), "Cache-Control": "public, max-age=3600"}
    known = await moved.answer_for(request, face.store, face.settings.site.url)
    return known or PlainTextResponse("Moved permanently\n", 301, headers)


async def own(request: Request) -> Response:
    """GET /feed/TOKEN: the reader's own, for no shared cache."""
    face, token = face_of(request), request.path_params["token"]
    form = request.query_params.get("format", "atom")
    if form not in FORMATS:
        return _wrong(f"format: one of {', '.join(FORMATS)}")
    async with face.store.read() as tx:
        reader, ended = await own_feed.reader_of(tx, face.keys, token)
        sections = await own_feed.sections_for(tx, face.settings, reader) if reader is not None else ()
    if reader is None:
        known = None if ended else await moved.answer_for(request, face.store, face.settings.site.url)
        if known is not None:
            return known
        what = "This feed was ended by its reader." if ended else "There is no feed at this address."
        return await message(request, "No feed here", what, status=410 if ended else 404, subscribe=True)
    address = f"/feed/{token}" + (f"?format={form}" if form != "atom" else "")
    answer = await _answer(request, Wanted(Search(sections), form, address, f"private, max-age={_AGE}"))
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


ROUTES = [Route("/feed", searched, methods=["GET"]), Route("/feed/{token}", own, methods=["GET"])]


async def _answer(request: Request, wanted: Wanted) -> Response:
    accepted, conditions = conditions_of(request.scope["headers"])
    coding = coding_for(accepted)
    if coding is None:
        return PlainTextResponse("No acceptable content coding\n", 406, {"Vary": "Accept-Encoding"})
    try:
        made = await request.app.state.feeds.get(face_of(request), wanted, coding)
    except BusyError:
        return PlainTextResponse("Too many at once. Please try again.\n", 503, {"Retry-After": "5"})
    status = 200 if conditions is None else status_for(conditions, made.etag, made.modified)
    if status == 412:
        return PlainTextResponse("Precondition failed\n", 412)
    answer = Response(made.body if status == 200 and request.method == "GET" else b"", status)
    answer.raw_headers[:] = made.headers if status == 200 else made.short_headers
    return answer


def _slugs(values: list[str]) -> tuple[str, ...]:
    """Names or slugs, with commas between, as slugs."""
    named = (part for value in values for part in value.split(","))
    return tuple(sorted({slug for slug in map(urls.section_slug, named) if slug}))


def _wrong(what: str) -> Response:
    return PlainTextResponse(f"{what}\n", 400, {"Cache-Control": "no-store"})
