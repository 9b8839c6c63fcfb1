"""Feeds and pages as bytes, served in front of the framework.

    request | path -> file | stat | prepared bytes (cached while inode, ctime and size stay) | conditions -> answer

What is no file of ours goes on to the application behind. Each content coding is prepared once per change, on
demand. `Range` is ignored, as RFC 9110 section 14.2 allows; no answer sets a cookie.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from publisher.web.conditional import Conditions, coding_for, status_for
from publisher.web.deltas import Deltas, asked_for
from publisher.web.prepared import Headers, Prepared, answer, prepare, refuse

#: Bytes of prepared content that are kept in memory.
CACHE_BYTES = 64 * 1024 * 1024

_FEED_AGE = 300
_PAGE_AGE = 60
#: What lies here is called after its content (RFC 8246).
_NEVER_CHANGING, _FOR_EVER = "images/", f"{365 * 86400}, immutable"
_FEEDS = {
    "rss.xml": "application/rss+xml", "atom.xml": "application/atom+xml", "feed.json": "application/feed+json",
}
_TYPES = {
    "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "txt": "text/plain; charset=utf-8",
    "js": "text/javascript; charset=utf-8", "xml": "application/xml", "opml": "text/x-opml; charset=utf-8",
    "json": "application/json", "svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg",
    "gif": "image/gif", "webp": "image/webp", "avif": "image/avif", "ico": "image/x-icon", "woff2": "font/woff2",
    "mp3": "audio/mpeg", "m4a": "audio/mp4", "mp4": "video/mp4", "pdf": "application/pdf",
}
_PACKED = frozenset(("png", "jpg", "jpeg", "gif", "webp", "avif", "woff2", "mp3", "m4a", "mp4", "pdf"))
# An article comes from outside: whatever slips through the sanitiser must not run. A site's own script files may.
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src * data:; media-src *; "
    "font-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
)

#: Headers that a file has beside the usual ones, by its name.
Announce = Callable[[str], Headers]


@lru_cache(256)  # of every request, and most are for the same few feeds
def file_for(path: str) -> str | None:
    """The file below the output folder that the URL path `path` (decoded) asks for; None for an unlawful path.

    A folder is asked for with its closing slash; `/articles/x` is the page `articles/x.html`.
    """
    if not path.startswith("/") or "\\" in path or not path.isprintable():
        return None
    parts = path[1:].split("/")
    if any(part.startswith(".") for part in parts) or "" in parts[:-1]:
        return None
    if parts[-1] == "":
        return path[1:] + "index.html"
    return path[1:] if "." in parts[-1] else path[1:] + ".html"


class FileFront:
    """An ASGI application that answers for the files of one folder and passes everything else on."""

    def __init__(
        self, folder: Path, behind: ASGIApp, *, cache_bytes: int = CACHE_BYTES, announce: Announce | None = None
    ) -> None:
        self._root = f"{folder}/"
        self._announce = announce or (lambda _name: [])
        self._deltas = Deltas()
        self._behind = behind
        self._limit = cache_bytes
        self._cache: OrderedDict[tuple[str, str], Prepared] = OrderedDict()
        self._size = 0
        self._under_way: dict[tuple[str, str], asyncio.Task[Prepared | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or lets the application behind answer."""
        name = file_for(scope["path"]) if scope["type"] == "http" else None
        found = _signature(self._root + name) if name else None
        if name is None or found is None:
            if name and scope["method"] in ("GET", "HEAD") and self._is_folder(scope["path"]):
                await _redirect(scope, send)
                return
            await self._behind(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            await refuse(send, 405, b"Method not allowed\n", [(b"allow", b"GET, HEAD")])
        else:
            await self._answer(scope, send, name, found)

    def _is_folder(self, path: str) -> bool:
        """Whether a page is there once the closing slash is added."""
        return not path.endswith("/") and _signature(f"{self._root}{path[1:]}/index.html") is not None

    async def _answer(self, scope: Scope, send: Send, name: str, signature: tuple[int, int, int]) -> None:
        asked = _asked(scope["headers"])
        coding = "identity" if name.rpartition(".")[2] in _PACKED else coding_for(asked.codings)
        if coding is None:
            await refuse(send, 406, b"No acceptable content coding\n", [(b"vary", b"Accept-Encoding")])
            return
        prepared = await self._prepared(name, coding, signature)
        if prepared is None:  # gone since it was looked at
            await refuse(send, 404, b"Not found\n")
            return
        if asked.manipulations and asked.conditions is not None:
            prepared = await self._news(name, coding, prepared, asked) or prepared
        await answer(scope, send, prepared, None if prepared.status == 226 else asked.conditions)

    async def _prepared(self, name: str, coding: str, signature: object) -> Prepared | None:
        """The file in this coding; None where it is gone."""
        prepared = self._cache.get((name, coding))
        if prepared is None or prepared.signature != signature:
            return await self._prepare(name, coding)
        self._cache.move_to_end((name, coding))
        return prepared

    async def _news(self, name: str, coding: str, whole: Prepared, asked: _Asked) -> Prepared | None:
        """What is new in a feed for a reader that says which version it has; None where it gets all, or nothing."""
        kind = _FEEDS.get(name.rpartition("/")[2], "")
        conditions = asked.conditions
        if not (kind and conditions and asked_for(asked.manipulations)):
            return None
        old = self._deltas.knows(name, conditions)
        if old is None or status_for(conditions, whole.etag, whole.modified) != 200:
            return None
        identity = whole if coding == "identity" else await self._prepared(name, "identity", whole.signature)
        if identity is None or identity.signature != whole.signature:  # it has changed meanwhile
            return None
        return self._deltas.since(name, old, whole, identity.body, coding, kind)

    async def _prepare(self, name: str, coding: str) -> Prepared | None:
        """The file in this coding, made in a thread; requests that meet share the work."""
        key = (name, coding)
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(self._read, name, coding))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._keep(key, done))
        return await asyncio.shield(task)

    def _keep(self, key: tuple[str, str], done: asyncio.Task[Prepared | None]) -> None:
        """Puts what was prepared into the cache, and lets the least recently used go."""
        del self._under_way[key]
        old = self._cache.pop(key, None)
        self._size -= len(old.body) if old else 0
        prepared = None if done.cancelled() or done.exception() else done.result()
        if prepared is None or len(prepared.body) > self._limit:
            return
        self._cache[key] = prepared
        self._size += len(prepared.body)
        while self._size > self._limit:
            self._size -= len(self._cache.popitem(last=False)[1].body)


    def _read(self, name: str, coding: str) -> Prepared | None:
        """The file as it is now, in this coding; None where it cannot be read."""
        try:
            with open(self._root + name, "rb") as file:  # noqa: PTH123 - the name is checked already
                found = os.fstat(file.fileno())
                content = file.read()
        except OSError:
            return None
        extension = name.rpartition(".")[2]
        more = self._announce(name)
        if extension in ("html", "svg"):
            more = [*more, (b"content-security-policy", _POLICY.encode())]
        prepared = prepare(
            content, coding, kind=_kind(name), cache=_cache_control(name), more=more, packed=extension in _PACKED,
            modified=min(int(found.st_mtime), int(time.time())),  # never in the future: RFC 9110 section 8.8.2.1
            signature=_signature_of(found),
        )
        if extension == "xml" and name.rpartition("/")[2] in _FEEDS:
            self._deltas.remember(name, prepared.etag, content)
        return prepared


def _signature(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - on the hot path, where a Path costs more than the call
    except OSError:
        return None
    return _signature_of(found) if stat.S_ISREG(found.st_mode) else None


def _signature_of(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_ctime_ns, found.st_size


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request says of the answer that it wants."""

    #: Accept-Encoding, where it is there.
    codings: str | None
    #: None where there are no conditional headers.
    conditions: Conditions | None
    #: A-IM, or empty.
    manipulations: str


def _asked(headers: Iterable[tuple[bytes, bytes]]) -> _Asked:
    """Repeated headers are one list."""
    accepted: str | None = None
    manipulations = ""
    found: dict[str, str] = {}
    for name, value in headers:
        if name == b"accept-encoding":
            text = value.decode("latin-1")
            accepted = text if accepted is None else f"{accepted},{text}"
        elif name == b"a-im":
            manipulations = f"{manipulations},{value.decode('latin-1')}"
        elif name.startswith(b"if-"):
            key = name.decode("latin-1").replace("-", "_")
            found[key] = f"{found[key]},{value.decode('latin-1')}" if key in found else value.decode("latin-1")
    if not found:
        return _Asked(accepted, None, manipulations)
    known = ("if_match", "if_none_match", "if_modified_since", "if_unmodified_since")
    return _Asked(accepted, Conditions(**{key: found[key] for key in known if key in found}), manipulations)


def conditions_of(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str | None, Conditions | None]:
    """Accept-Encoding, and the conditional headers where there are any."""
    asked = _asked(headers)
    return asked.codings, asked.conditions


def _cache_control(name: str) -> str:
    if name.startswith(_NEVER_CHANGING):
        return f"public, max-age={_FOR_EVER}"
    return f"public, max-age={_PAGE_AGE if name.endswith('.html') else _FEED_AGE}"


def _kind(name: str) -> str:
    base = name.rpartition("/")[2]
    return _FEEDS.get(base) or _TYPES.get(base.rpartition(".")[2], "application/octet-stream")


async def _redirect(scope: Scope, send: Send) -> None:
    """To the same place with its closing slash. The path holds no empty segment, so it cannot lead to another host."""
    raw = scope.get("raw_path") or scope["path"].encode()
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    headers = [(b"location", raw + b"/" + query), (b"cache-control", b"public, max-age=3600")]
    await refuse(send, 301, b"Moved permanently\n", headers)
