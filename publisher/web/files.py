"""Feeds and pages as bytes, served in front of the framework.

    request | path -> file | stat | prepared bytes (cached while inode, ctime and size stay) | conditions -> answer

What is no file of ours goes on to the application behind. Each content coding is prepared once per change, on
demand. `Range` is ignored, as RFC 9110 section 14.2 allows; no answer sets a cookie.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
import stat
import time
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import brotli
from starlette.types import ASGIApp, Receive, Scope, Send

from publisher.web.conditional import Conditions, coding_for, http_date, status_for

#: Bytes of prepared content that are kept in memory.
CACHE_BYTES = 64 * 1024 * 1024

_BROTLI_QUALITY = 6
_GZIP_LEVEL = 8
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

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """One file in one content coding, ready to be sent."""

    #: Inode, ctime in nanoseconds, size in bytes of the file it was made from.
    signature: tuple[int, int, int]
    body: bytes
    etag: str
    #: Epoch seconds.
    modified: int
    #: Of a 200; those of a 304 are among them.
    headers: Headers
    short_headers: Headers


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

    def __init__(self, folder: Path, behind: ASGIApp, *, cache_bytes: int = CACHE_BYTES) -> None:
        self._root = f"{folder}/"
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
            await _refuse(send, 405, b"Method not allowed\n", [(b"allow", b"GET, HEAD")])
        else:
            await self._answer(scope, send, name, found)

    def _is_folder(self, path: str) -> bool:
        """Whether a page is there once the closing slash is added."""
        return not path.endswith("/") and _signature(f"{self._root}{path[1:]}/index.html") is not None

    async def _answer(self, scope: Scope, send: Send, name: str, signature: tuple[int, int, int]) -> None:
        accepted, conditions = _asked(scope["headers"])
        coding = "identity" if name.rpartition(".")[2] in _PACKED else coding_for(accepted)
        if coding is None:
            await _refuse(send, 406, b"No acceptable content coding\n", [(b"vary", b"Accept-Encoding")])
            return
        prepared = self._cache.get((name, coding))
        if prepared is None or prepared.signature != signature:
            prepared = await self._prepare(name, coding)
        else:
            self._cache.move_to_end((name, coding))
        if prepared is None:  # gone since it was looked at
            await _refuse(send, 404, b"Not found\n")
            return
        status = 200 if conditions is None else status_for(conditions, prepared.etag, prepared.modified)
        if status == 412:
            await _refuse(send, 412, b"Precondition failed\n")
            return
        headers = prepared.headers if status == 200 else prepared.short_headers
        body = prepared.body if status == 200 and scope["method"] == "GET" else b""
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _prepare(self, name: str, coding: str) -> Prepared | None:
        """The file in this coding, made in a thread; requests that meet share the work."""
        key = (name, coding)
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(_read, self._root, name, coding))
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


def _signature(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - on the hot path, where a Path costs more than the call
    except OSError:
        return None
    return _signature_of(found) if stat.S_ISREG(found.st_mode) else None


def _signature_of(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_ctime_ns, found.st_size


def _asked(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str | None, Conditions | None]:
    """Accept-Encoding, and the conditional headers where there are any; repeated headers are one list."""
    accepted: str | None = None
    found: dict[str, str] = {}
    for name, value in headers:
        if name == b"accept-encoding":
            text = value.decode("latin-1")
            accepted = text if accepted is None else f"{accepted},{text}"
        elif name.startswith(b"if-"):
            key = name.decode("latin-1").replace("-", "_")
            found[key] = f"{found[key]},{value.decode('latin-1')}" if key in found else value.decode("latin-1")
    if not found:
        return accepted, None
    known = ("if_match", "if_none_match", "if_modified_since", "if_unmodified_since")
    return accepted, Conditions(**{key: found[key] for key in known if key in found})


def _read(root: str, name: str, coding: str) -> Prepared | None:
    """The file as it is now, in this coding; None where it cannot be read."""
    try:
        with open(root + name, "rb") as file:  # noqa: PTH123 - the name is checked already
            found = os.fstat(file.fileno())
            content = file.read()
    except OSError:
        return None
    body = _pack(content, coding)
    etag = f'"{urlsafe_b64encode(hashlib.sha256(body).digest()[:15]).decode()}-{coding[:2]}"'
    modified = min(int(found.st_mtime), int(time.time()))  # never in the future: RFC 9110 section 8.8.2.1
    short = _headers(name, etag, modified)
    long = [*short, (b"content-length", str(len(body)).encode()), *_content_headers(name, coding)]
    return Prepared(_signature_of(found), body, etag, modified, long, short)


def _pack(content: bytes, coding: str) -> bytes:
    """Equal bytes for equal content, on every node and at any time."""
    if coding == "br":
        packed: bytes = brotli.compress(content, quality=_BROTLI_QUALITY)
        return packed
    return gzip.compress(content, _GZIP_LEVEL, mtime=0) if coding == "gzip" else content


def _headers(name: str, etag: str, modified: int) -> Headers:
    """What a 200 and a 304 have in common (RFC 9110 section 15.4.5)."""
    base = name.rpartition("/")[2]
    age = str(_PAGE_AGE if base.endswith(".html") else _FEED_AGE)
    if name.startswith(_NEVER_CHANGING):
        age = _FOR_EVER
    headers = [
        (b"etag", etag.encode()),
        (b"last-modified", http_date(modified).encode()),
        (b"cache-control", f"public, max-age={age}".encode()),
    ]
    return headers if base.rpartition(".")[2] in _PACKED else [*headers, (b"vary", b"Accept-Encoding")]


def _content_headers(name: str, coding: str) -> Headers:
    base = name.rpartition("/")[2]
    extension = base.rpartition(".")[2]
    kind = _FEEDS.get(base) or _TYPES.get(extension, "application/octet-stream")
    headers = [(b"content-type", kind.encode()), (b"x-content-type-options", b"nosniff")]
    if coding != "identity":
        headers.append((b"content-encoding", coding.encode()))
    if extension in ("html", "svg"):
        headers.append((b"content-security-policy", _POLICY.encode()))
    return headers


async def _redirect(scope: Scope, send: Send) -> None:
    """To the same place with its closing slash. The path holds no empty segment, so it cannot lead to another host."""
    raw = scope.get("raw_path") or scope["path"].encode()
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    headers = [(b"location", raw + b"/" + query), (b"cache-control", b"public, max-age=3600")]
    await _refuse(send, 301, b"Moved permanently\n", headers)


async def _refuse(send: Send, status: int, body: bytes, headers: Headers | None = None) -> None:
    plain = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*(headers or []), *plain]})
    await send({"type": "http.response.body", "body": body})
