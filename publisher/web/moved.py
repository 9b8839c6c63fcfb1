"""Old addresses of imported articles and feeds, answered where nothing of ours stands: RFC 9110 section 15.4.2.

    request | "?p=12", "?feed=rss2"? -> asked first | files, pages | nothing there? -> asked
            -> 301 to the article's page, or to the feed of ours that goes on where that one ended

The answer is one look at an index. It leads to the article as it is now, so it survives whatever becomes of the page.
"""

from __future__ import annotations

import re
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from publisher import old_addresses, urls
from publisher.errors import StoreError
from publisher.model import ArticleStatus, Listing, ListKind
from publisher.store import articles, redirects, sources
from publisher.store.engine import Store, Tx

_NUMBERED = re.compile(rb"(?:^|&)(?:p(?:age_id)?=\d+|feed=\w+)(?:&|$)")
#: A source that was an import from a blog system, and below which path that stood at its host.
_IMPORTED = re.compile(r"import:(?:wordpress|ghost):[^/]*(?P<root>(?:/[^?]*)?)")
_SECTIONED = re.compile(r"/(?:category|tag)/")
_SHOWN = (ArticleStatus.LIVE, ArticleStatus.UNLISTED)


class NumberFront:
    """An ASGI application that answers for what is asked for by a query alone, and passes everything else on.

    Those addresses have the path of a page that is there, as a rule the home page's.
    """

    def __init__(self, behind: ASGIApp, store: Store, site_url: str) -> None:
        self._behind = behind
        self._store = store
        self._site_url = site_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or lets the application behind answer."""
        if scope["type"] == "http" and scope["query_string"] and _NUMBERED.search(scope["query_string"]):
            answer = None
            with suppress(StoreError):  # what is a file of ours is served, whatever the database does
                answer = await answer_for(Request(scope), self._store, self._site_url)
            if answer is not None:
                await answer(scope, receive, send)
                return
        await self._behind(scope, receive, send)


async def answer_for(request: Request, store: Store, site_url: str) -> Response | None:
    """The way from an old address to the article or feed; None where none is known, or the article is not shown."""
    if request.method not in ("GET", "HEAD"):
        return None
    asked, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    async with store.read() as tx:
        path = await _article(tx, old_addresses.key(asked, query)) or await _feed(tx, old_addresses.feed(asked, query))
    if not path or path == asked:
        return None
    headers = {"Location": urls.absolute(site_url, path), "Cache-Control": "public, max-age=3600"}
    return PlainTextResponse("Moved permanently\n", status_code=301, headers=headers)


async def _article(tx: Tx, key: str) -> str:
    """The path of the article's page; empty where none is known, or it is not shown."""
    found = await redirects.find(tx, key) if key else None
    if found is None and "?" in key and not key.startswith("/?"):
        found = await redirects.find(tx, key.partition("?")[0])
    return urls.article_path(found.slug) if found is not None and found.status in _SHOWN else ""


async def _feed(tx: Tx, asked: tuple[str, str] | None) -> str:
    """The path of the feed that goes on where an imported site's ended, or a section's there; empty for others."""
    if asked is None:
        return ""
    of, name = asked
    for source in await sources.imported(tx):
        if (match := _IMPORTED.fullmatch(source)) is None or not of.startswith(match["root"]):
            continue
        rest = of.removeprefix(match["root"])
        if not rest:
            return f"/{name}"
        if _SECTIONED.match(rest) and (slug := rest.rpartition("/")[2]) in dict(await articles.sections(tx)):
            return urls.list_path(Listing(ListKind.SECTION, slug)) + name
    return ""
