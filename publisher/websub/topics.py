"""Which feed a topic's address names, and what is told beside its content. Pure.

A topic is one of the site's own feed files; its address is the file's below `site.url`.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from publisher import urls

_PORTS = {"http": 80, "https": 443}
_TYPES = {name: media_type for name, media_type, _ in urls.FEED_FORMATS}


def feed_of(topic: str, site_url: str) -> str | None:
    """The feed file that `topic` names, as "sections/sea/atom.xml"; None where it is none of this site's.

    Written otherwise it is the same topic: host in capitals, the scheme's own port, letters percent-encoded.
    """
    try:
        asked, own = urlsplit(topic), urlsplit(site_url)
        if _origin(asked.scheme, asked.hostname, asked.port) != _origin(own.scheme, own.hostname, own.port):
            return None
        path = unquote(asked.path, errors="strict")
    except ValueError:
        return None
    base = own.path.rstrip("/") + "/"
    if asked.username is not None or "?" in topic or "#" in topic or not path.startswith(base):
        return None
    return feed_at(path.removeprefix(base))


def feed_at(path: str) -> str | None:
    """`path`, relative to the output folder, where a feed may lie there; else None."""
    parts = path.split("/")
    lawful = path.isprintable() and "\\" not in path and all(part and not part.startswith(".") for part in parts)
    return path if lawful and parts[-1] in _TYPES else None


def address(feed: str, site_url: str) -> str:
    """The topic's canonical address."""
    return urls.absolute(site_url, "/" + quote(feed))


def headers(feed: str, site_url: str, content: bytes, method: str, secret: bytes | None) -> Mapping[str, str]:
    """What goes out beside a feed's content: its type, the hub, itself, and the signature (WebSub, sections 7, 7.1)."""
    hub = urls.absolute(site_url, urls.HUB_PATH)
    found = {
        "Content-Type": _TYPES[feed.rpartition("/")[2]],
        "Link": f'<{hub}>; rel="hub", <{address(feed, site_url)}>; rel="self"',
    }
    if secret is not None:
        found["X-Hub-Signature"] = f"{method}={hmac.new(secret, content, method).hexdigest()}"
    return found


def _origin(scheme: str, host: str | None, port: int | None) -> tuple[str, str, int | None]:
    return scheme.lower(), (host or "").lower().rstrip("."), port or _PORTS.get(scheme.lower())
