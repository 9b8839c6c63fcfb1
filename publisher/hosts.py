"""Which hosts may be asked: addresses of the public internet, however they are written (guard against SSRF)."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from urllib.parse import urlsplit

from publisher.errors import FetchError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: IPv6 ranges that carry an IPv4 address in their last four bytes: what they lead to decides.
_CARRIERS = (ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96"))
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
#: Ranges of special use that some versions of the language's own table take for public (RFC 6890 and later).
_SPECIAL = tuple(map(ipaddress.ip_network, (
    "192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16",
)))
#: Where no web server is: a request there speaks to something else (WHATWG Fetch, section 2.9).
_BAD_PORTS = frozenset((
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
    111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
    540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
    6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
))
#: A host whose last label looks like this is an address and no name (WHATWG URL, section 3.5).
_NUMERIC = re.compile(r"(?:\d+|0x[0-9a-f]*)\.?", re.IGNORECASE)


def is_public(address: Address) -> bool:
    """True for a unicast address of the public internet: not private, loopback, link-local, shared, reserved...

    An IPv6 address that carries an IPv4 address (mapped, NAT64, 6to4) is judged by that one.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in network for network in _CARRIERS):
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        if address in _SIX_TO_FOUR:
            return is_public(ipaddress.IPv4Address(int(address) >> 80 & 0xFFFF_FFFF))
        if address.scope_id is not None:
            return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
        or address.is_link_local
    )


def refuse_form(url: str, allow_private: bool) -> None:
    """Raises FetchError for an address that is refused as it is written."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise FetchError("it is no address that can be asked", refused=True) from None
    if parts.scheme not in ("http", "https"):
        raise FetchError(f"{parts.scheme or 'nothing'} is no scheme that is fetched; http and https are", refused=True)
    if not host or port == 0:
        raise FetchError("it names no host", refused=True)
    if port in _BAD_PORTS:
        raise FetchError(f"port {port} is none of a web server", refused=True)
    if parts.username is not None or parts.password is not None:
        raise FetchError("it holds a user or a password", refused=True)
    if not allow_private and _literal(host) is None and _NUMERIC.fullmatch(host.rstrip(".").rpartition(".")[2]):
        raise FetchError(f"{host} is an address in disguise", refused=True)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


async def lawful(host: str, port: int, allow_private: bool) -> list[Address]:
    """The addresses of `host`; FetchError where the name is not known, and where one is refused.

    All of them are judged: a name that leads inside by one address is no public name.
    """
    addresses = await resolve(host, port)
    for address in addresses:
        if not (allow_private or is_public(address)):
            raise FetchError(f"it leads to {address}, which is no public address", refused=True)
    return addresses


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of `host`, none of them judged yet; FetchError where the name is not known."""
    literal = _literal(host)
    if literal is not None:
        return [literal]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchError(f"the name {host} is not known") from None
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    if not addresses:
        raise FetchError(f"the name {host} is not known")
    return list(dict.fromkeys(addresses))
