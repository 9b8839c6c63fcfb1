"""Bytes that are ready to be sent: one content coding, its validators, its headers. Knows brotli and Zstandard.

    content | coding | hash -> ETag | headers of a 200 and of a 304

Each coding is prepared once per change. The answer to a request is chosen by `publisher.web.conditional`.
"""

from __future__ import annotations

import gzip
import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass

import brotli
import zstandard
from starlette.types import Scope, Send

from publisher.web.conditional import Conditions, http_date, status_for

_BROTLI_QUALITY = 6
_GZIP_LEVEL = 8
_ZSTD_LEVEL = 10

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Content in one coding, ready to be sent."""

    #: Of what it was made from: another one means that it is stale.
    signature: object
    body: bytes
    etag: str
    #: Epoch seconds; None where its tag alone tells whether it changed.
    modified: int | None
    #: Of a 200; those of a 304 are among them.
    headers: Headers
    short_headers: Headers
    #: Of the whole answer, where that is no 200.
    status: int = 200


def prepare(
    content: bytes, coding: str, *, modified: int | None, cache: str, kind: str, more: Headers,
    signature: object = None, packed: bool = False,
) -> Prepared:
    """`content` of the media type `kind` in this coding.

    `cache` is its Cache-Control; `more` are headers of a 200 alone; `packed` content has no other coding.
    """
    body = pack(content, coding)
    etag = etag_of(body, coding)
    short = [(b"etag", etag.encode()), (b"cache-control", cache.encode())]
    if modified is not None:
        short.append((b"last-modified", http_date(modified).encode()))
    if not packed:
        short.append((b"vary", b"Accept-Encoding"))
    long = [*short, *content_headers(body, kind, coding), *more]
    return Prepared(signature, body, etag, modified, long, short)


def content_headers(body: bytes, kind: str, coding: str) -> Headers:
    """What tells of a body."""
    headers = [
        (b"content-length", str(len(body)).encode()), (b"content-type", kind.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    return headers if coding == "identity" else [*headers, (b"content-encoding", coding.encode())]


def etag_of(body: bytes, coding: str) -> str:
    """A strong entity tag, of its own for each coding (RFC 9110 section 8.8.3.3)."""
    return f'"{urlsafe_b64encode(hashlib.sha256(body).digest()[:15]).decode()}-{coding[:2]}"'


def pack(content: bytes, coding: str) -> bytes:
    """Equal bytes for equal content, on every node and at any time."""
    if coding == "br":
        packed: bytes = brotli.compress(content, quality=_BROTLI_QUALITY)
        return packed
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(content)
    return gzip.compress(content, _GZIP_LEVEL, mtime=0) if coding == "gzip" else content


async def answer(scope: Scope, send: Send, prepared: Prepared, conditions: Conditions | None) -> None:
    """Sends it, or that it has not changed, or that what the client asks for is not so."""
    status = 200 if conditions is None else status_for(conditions, prepared.etag, prepared.modified)
    if status == 412:
        await refuse(send, 412, b"Precondition failed\n")
        return
    headers = prepared.headers if status == 200 else prepared.short_headers
    body = prepared.body if status == 200 and scope["method"] == "GET" else b""
    await send({
        "type": "http.response.start", "status": prepared.status if status == 200 else status, "headers": headers
    })
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, status: int, body: bytes, headers: Headers | None = None) -> None:
    """A short answer in plain text."""
    plain = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*(headers or []), *plain]})
    await send({"type": "http.response.body", "body": body})
