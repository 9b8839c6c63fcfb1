"""Outgoing requests, guarded: the one client for addresses that others chose (the only code that knows httpx).

    url | scheme, host | resolve | every address public? | connect to that very address | bounded body -> Fetched
        ^_________________________ a redirect: all of it again ___________|

The name is resolved here and the connection made to the address that was checked, so a name that answers differently
a moment later (DNS rebinding) gains nothing. No cookies, no proxies of the environment, no credentials in addresses.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urljoin, urlsplit

import httpx

from publisher.errors import FetchError
from publisher.hosts import lawful, refuse_form

USER_AGENT = "Publisher (feed reader)"
_PERMANENT, _TEMPORARY = (301, 308), (302, 303, 307)
#: Redirects that keep method and body, RFC 9110 section 15.4.
_KEEPING = (307, 308)
#: Addresses of one name that are tried in turn.
_TRIES = 3
#: Bytes that are inflated at a time.
_STEP = 65_536


@dataclass(frozen=True, slots=True)
class Limits:
    """What one fetch may cost."""

    #: Bytes of the body, on the wire and inflated; 0: it is left unread, whatever its size.
    body: int = 10_000_000
    #: Seconds from first to last, redirects and all.
    total: float = 60.0
    #: Seconds to wait for a connection, or for the next bytes.
    idle: float = 15.0
    #: Followed at most; 0: a redirect is the answer.
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered in the end."""

    #: Status of the last answer; where redirects are followed, none of those.
    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    #: Inflated; empty unless the status is 2xx.
    body: bytes
    #: Where the answer came from.
    url: str
    #: Where to ask from now on, by permanent redirects alone; empty where nothing moved.
    moved: str = ""


@dataclass(slots=True)
class _Trail:
    """The way that redirects lead."""

    url: str
    moved: str = ""
    #: Only permanent redirects so far.
    lasting: bool = True
    hops: int = 0
    seen: set[str] = field(default_factory=set)
    #: A form that is posted, or a value as JSON, or bytes as they are; none of them: GET.
    form: Mapping[str, str] | None = None
    json: object = None
    content: bytes | None = None

    @property
    def posts(self) -> bool:
        """Whether something is posted."""
        return any(it is not None for it in (self.form, self.json, self.content))


async def fetch(
    url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None, allow_private: bool = False
) -> Fetched:
    """GETs `url` with these extra headers; the answer, whatever its status.

    Raises FetchError where there is none within the limits, and where an address on the way is refused: any scheme but
    http and https, and unless `allow_private` whatever is or leads to no public address.
    """
    return await _ask(_Trail(url), headers or {}, limits or Limits(), allow_private)


async def post(
    url: str, form: Mapping[str, str], *, limits: Limits | None = None, allow_private: bool = False
) -> Fetched:
    """POSTs `form`, url-encoded, as `fetch` GETs; of redirects only 307 and 308 are followed, which keep the form."""
    return await _ask(_Trail(url, form=form), {}, limits or Limits(), allow_private)


async def post_json(url: str, value: object, *, limits: Limits | None = None, allow_private: bool = False) -> Fetched:
    """POSTs `value` as JSON, as `post` does a form."""
    return await _ask(_Trail(url, json=value), {}, limits or Limits(), allow_private)


async def post_bytes(
    url: str, content: bytes, *, headers: Mapping[str, str], limits: Limits | None = None, allow_private: bool = False
) -> Fetched:
    """POSTs `content` under these headers, as `post` does a form."""
    return await _ask(_Trail(url, content=content), headers, limits or Limits(), allow_private)


async def _ask(trail: _Trail, headers: Mapping[str, str], limits: Limits, allow_private: bool) -> Fetched:
    try:
        async with asyncio.timeout(limits.total):
            while True:
                answer = await _one(trail, headers, limits, allow_private)
                if answer is not None:
                    return answer
    except TimeoutError:
        raise FetchError(f"it took longer than {limits.total:g} seconds") from None


async def _one(trail: _Trail, headers: Mapping[str, str], limits: Limits, allow_private: bool) -> Fetched | None:
    """One request; None where it was redirected."""
    refuse_form(trail.url, allow_private)
    transport = _Pinned(allow_private)
    try:
        request = httpx.Request(
            "POST" if trail.posts else "GET", trail.url, data=trail.form, json=trail.json, content=trail.content,
            extensions={"timeout": httpx.Timeout(limits.idle).as_dict()},
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate", "Connection": "close", **headers},
        )
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            response = await client.send(request, stream=True)
            try:
                return await _judge(response, trail, limits)
            finally:
                await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchError(_reason(error)) from error


async def _judge(response: httpx.Response, trail: _Trail, limits: Limits) -> Fetched | None:
    status = response.status_code
    location = response.headers.get("location", "")
    if limits.redirects and location and status in (_KEEPING if trail.posts else (*_PERMANENT, *_TEMPORARY)):
        _follow(trail, location, status, limits)
        return None
    body = await _body(response, limits.body) if limits.body and 200 <= status < 300 else b""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Fetched(status, headers, body, trail.url, trail.moved)


def _follow(trail: _Trail, location: str, status: int, limits: Limits) -> None:
    """Moves `trail` on. A permanent move counts as long as no temporary one came before, and never away from TLS."""
    try:
        target = urljoin(trail.url, location.strip())
        scheme = urlsplit(target).scheme
    except ValueError:
        raise FetchError("it redirects to what is no address") from None
    trail.hops += 1
    trail.seen.add(trail.url)
    if trail.hops > limits.redirects or target in trail.seen:
        raise FetchError("it redirects too often" if target not in trail.seen else "it redirects in a circle")
    trail.lasting = trail.lasting and status in _PERMANENT and not (trail.url.startswith("https:") and scheme == "http")
    trail.moved = target if trail.lasting else trail.moved
    trail.url = target


# --- bodies ----------------------------------------------------------------------------------------------------------


async def _body(response: httpx.Response, limit: int) -> bytes:
    """The body, inflated; nothing is held beyond `limit` bytes, however small the bytes on the wire."""
    told = response.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told[:18]) > limit:
        raise _too_large(limit)
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        return await _plain(response.aiter_raw(), limit)
    if coding in ("gzip", "x-gzip", "deflate"):
        return await _inflated(response.aiter_raw(), limit)
    raise FetchError(f"it comes in the content coding {coding[:40]!r}, which was not asked for")


async def _plain(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    found = bytearray()
    async for chunk in chunks:
        found += chunk
        if len(found) > limit:
            raise _too_large(limit)
    return bytes(found)


async def _inflated(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    found = bytearray()
    wire = 0
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its first bytes
    try:
        async for chunk in chunks:
            wire += len(chunk)
            if not found and wire == len(chunk) and not _has_header(chunk):
                inflater = zlib.decompressobj(-zlib.MAX_WBITS)  # "deflate" without a header, as some servers send it
            rest = chunk
            while rest and not inflater.eof:
                found += inflater.decompress(rest, _STEP)
                rest = inflater.unconsumed_tail
                if len(found) > limit or wire > limit:
                    raise _too_large(limit)
            if wire > limit:  # bytes behind the end
                raise _too_large(limit)
        found += inflater.flush()
    except zlib.error as error:
        raise FetchError("its compressed body is damaged") from error
    if wire and not inflater.eof:
        raise FetchError("its compressed body ends before its end")
    return bytes(found)


def _has_header(chunk: bytes) -> bool:
    return chunk[:2] == b"\x1f\x8b" or (chunk[0] & 0x0F == 8 and int.from_bytes(chunk[:2], "big") % 31 == 0)


def _too_large(limit: int) -> FetchError:
    return FetchError(f"it is too large: the limit is {limit / 1e6:g} MB")


# --- connections -----------------------------------------------------------------------------------------------------


class _Pinned(httpx.AsyncBaseTransport):
    """Connects to an address that it has resolved and judged itself; TLS still asks for the name."""

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._inner = httpx.AsyncHTTPTransport(verify=_trust(), trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request to the first of the host's addresses that answers."""
        host = request.url.raw_host.decode("ascii")
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        addresses = await lawful(host, port, self._allow_private)
        last: httpx.ConnectError | httpx.ConnectTimeout | None = None
        for address in addresses[:_TRIES]:
            pinned = httpx.Request(
                request.method, request.url.copy_with(host=str(address)), headers=request.headers,
                stream=request.stream, extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return await self._inner.handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                last = error
        assert last is not None
        raise last

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._inner.aclose()


@cache
def _trust() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _reason(error: Exception) -> str:
    """In words that stay the same from one try to the next."""
    told = {
        httpx.ConnectTimeout: "no connection within the time allowed", httpx.ReadTimeout: "it fell silent",
        httpx.ConnectError: "no connection", httpx.RemoteProtocolError: "its answer is no HTTP",
        httpx.ReadError: "the connection broke", httpx.InvalidURL: "it is no address that can be asked",
    }
    words = told.get(type(error), type(error).__name__)
    if isinstance(error, httpx.ConnectError) and "certificate" in str(error).lower():
        return "its certificate is not trusted"
    return words
