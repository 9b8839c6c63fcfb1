"""Slips of the keyboard in the domain of an address: what was meant, most likely. Pure.

A slip is one letter more, less, another, or two in the wrong order (Damerau's distance of 1), in the name of a provider
that very many people use. What is a name of another provider, too, is no slip.
"""

from __future__ import annotations

from publisher.address import Address

#: Providers, by how many people use them: of two that are as near the first is meant.
_PROVIDERS = (
    "gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "aol.com", "live.com", "googlemail.com",
    "proton.me", "protonmail.com", "hotmail.co.uk", "yahoo.co.uk", "btinternet.com", "hotmail.fr", "yahoo.fr",
    "orange.fr", "wanadoo.fr", "laposte.net", "web.de", "t-online.de", "freenet.de", "libero.it", "comcast.net",
    "verizon.net", "yandex.ru", "rambler.ru", "fastmail.com",
)
#: Names that look like slips, and are none.
_REAL = frozenset(
    (
        *_PROVIDERS,
        "gmx.com", "gmx.net", "gmx.de", "gmx.at", "gmx.ch", "mail.com", "mail.ru", "email.com", "ymail.com",
        "hotmail.de", "hotmail.it", "hotmail.es", "outlook.de", "outlook.fr", "outlook.es", "outlook.it", "yahoo.de",
        "yahoo.it", "yahoo.es", "yahoo.ca", "yahoo.co.in", "yahoo.co.jp", "live.fr", "live.de", "live.it", "live.nl",
        "live.ca", "live.co.uk", "me.com", "mac.com", "aim.com", "gmail.co", "web.com", "proton.com", "tonline.de",
        "aon.com", "avl.com", "all.com", "live.co", "live.cn", "ail.com", "ao.com", "aola.com",
    )
)
#: Ends that are no domain of the world, and what was meant.
_ENDS = {
    "con": "com", "cmo": "com", "ocm": "com", "comm": "com", "coom": "com", "vom": "com", "xom": "com", "cpm": "com",
    "clm": "com", "ner": "net", "nte": "net", "ent": "net", "rog": "org", "ogr": "org", "orgg": "org", "nett": "net",
}


def meant(address: Address) -> str:
    """The address that was most likely meant, as the person would write it; empty where nothing looks like a slip."""
    domain = address.domain
    if domain in _REAL:
        return ""
    head, _, end = domain.rpartition(".")
    mended = f"{head}.{_ENDS[end]}" if end in _ENDS else domain
    near = mended if mended in _REAL else next((name for name in _PROVIDERS if _one_slip(mended, name)), mended)
    return "" if near == domain else f"{address.local}@{near}"


def _one_slip(typed: str, name: str) -> bool:
    """Whether one slip makes `typed` of `name`."""
    if abs(len(typed) - len(name)) > 1:
        return False
    start = next((at for at, pair in enumerate(zip(typed, name, strict=False)) if pair[0] != pair[1]), None)
    if start is None:
        return len(typed) != len(name)
    rest, other = typed[start:], name[start:]
    swapped = rest[:2] == other[1::-1] and rest[2:] == other[2:]
    return swapped or rest[1:] == other[1:] or rest[1:] == other or rest == other[1:]
