"""What keeps strangers from wearing the service out: bodies of bounded size, forms at a bounded pace."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import OrderedDict, deque

from starlette.requests import Request

#: Bytes of a form; the largest honest one has a few hundred.
BODY_BYTES = 32 * 1024

#: Seconds between the moments at which answers that must tell nothing are given.
EVEN = 0.25

_DROPPED = 4 * 1024 * 1024
_WINDOW = 600.0
_CLIENTS = 10_000


class TooLargeError(Exception):
    """The body of a request is larger than allowed."""


async def body(request: Request, limit: int = BODY_BYTES) -> bytes:
    """The body of the request; raises TooLargeError where it is over `limit` bytes, whatever its headers said.

    A little more is read and dropped first: a client that is cut off while it writes never sees the answer.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        elif size > limit + _DROPPED:
            break
    if size > limit:
        raise TooLargeError
    return b"".join(chunks)


async def even(begun: float) -> None:
    """Waits until the next full `EVEN` since `begun` (of the monotonic clock), whatever there was to do meanwhile.

    What takes more or less time for an address that is known would tell so.
    """
    if EVEN:
        await asyncio.sleep(EVEN - (time.monotonic() - begun) % EVEN)


def client(request: Request) -> str:
    """The network that a request came from: an IPv4 address, or the /64 of an IPv6 one.

    What a proxy says (the last entry of X-Forwarded-For) counts only where the proxy runs on this machine.
    """
    peer = request.client.host if request.client else ""
    told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    if told and loopback(peer):
        peer = told
    try:
        found = ipaddress.ip_address(peer)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def loopback(host: str) -> bool:
    """Whether `host`, a name or an address, is this machine's loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Pace:
    """Counts forms by client over the last ten minutes; knows the latest ten thousand clients and no more."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, who: str, clock: float) -> int:
        """Seconds until `who` may send one more form; 0: now, and this one counts. `clock` is in seconds."""
        times = self._seen.setdefault(who, deque())
        self._seen.move_to_end(who)
        while times and clock - times[0] >= _WINDOW:
            times.popleft()
        if len(times) >= self._limit:
            return max(1, int(times[0] + _WINDOW - clock + 1))
        times.append(clock)
        while len(self._seen) > _CLIENTS:
            self._seen.popitem(last=False)
        return 0
