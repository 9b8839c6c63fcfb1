"""Addresses: what of ours is served where, and canonical forms of others' URLs. Pure."""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from publisher.model import Listing, ListKind
from publisher.text import latin, slugify

#: (file name, media type, name for people) of each feed format; the files lie below each list's page.
FEED_FORMATS = (
    ("rss.xml", "application/rss+xml", "RSS"),
    ("atom.xml", "application/atom+xml", "Atom"),
    ("feed.json", "application/feed+json", "JSON Feed"),
)

#: Path of the WebSub hub.
HUB_PATH = "/hub"
FEED_FILES = frozenset(file for file, _, _ in FEED_FORMATS)

_LIST_FOLDERS = {ListKind.SECTION: "sections", ListKind.TAG: "tags", ListKind.AUTHOR: "authors"}

# What browsers take out of an address before they read it: "java\nscript:" is a script to them (WHATWG URL, 4.4).
_BROKEN = re.compile(r"[\t\r\n]")
# What no address may hold as it stands (RFC 3986, section 2), and no database or feed takes.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff<>\"]")
_TRACKING = frozenset(("fbclid", "gclid", "mc_cid", "mc_eid", "igshid", "ref", "ref_src", "cmpid", "spm", "yclid"))


def section_slug(section: str) -> str:
    """The slug of a section's name; letters outside the Latin script are told by a checksum of the whole name.

    So two sections never share a slug only because their names are written in other letters. Tags and authors have
    theirs by the same rule. At most 69 characters; empty only where the name is.
    """
    plain = slugify(section)
    name = latin(section).strip() or section.strip()
    if not name or (plain and all(c.isascii() or not c.isalnum() for c in name)):
        return plain
    return f"{plain}-{zlib.crc32(name.encode()):08x}".strip("-")


def article_path(slug: str) -> str:
    """Path of an article's page."""
    return f"/articles/{slug}"


def list_path(listing: Listing) -> str:
    """Path of a list's page, with its closing slash; its feeds lie below it."""
    return "/" if listing.kind == ListKind.SITE else f"/{_LIST_FOLDERS[listing.kind]}/{listing.slug}/"


def archive_path(number: int) -> str:
    """Path of an archive document's folder (RFC 5005, section 4), with its closing slash."""
    return f"/archive/{number}/"


def picture_path(name: str) -> str:
    """Path of a picture that was copied."""
    return f"/images/{name}"


def absolute(site_url: str, path: str) -> str:
    """`path` (with its leading slash) below the site's public address."""
    return site_url.rstrip("/") + path


def unbroken(link: str) -> str:
    """`link` as browsers read it: without spaces around it and line breaks in it."""
    return _BROKEN.sub("", link.strip())


@lru_cache(maxsize=2048)  # a page's links are read more than once
def resolve(base: str, link: str) -> str:
    """`link` as found on the page `base`, made absolute; empty unless the result is http, https or mailto."""
    try:
        joined = urljoin(base, unbroken(link))
        parts = urlsplit(joined)
    except ValueError:
        return ""
    if not (parts.netloc if parts.scheme in ("http", "https") else parts.scheme == "mailto"):
        return ""
    return _FORBIDDEN.sub(_escaped, joined)


def _escaped(match: re.Match[str]) -> str:
    return quote(match[0], safe="", errors="replace")


def resolve_web(base: str, link: str) -> str:
    """As `resolve`, but empty unless the result is http or https: of what is fetched or shown, not written to."""
    found = resolve(base, link)
    return found if urlsplit(found).scheme in ("http", "https") else ""


def canonical(url: str) -> str:
    """`url` without what does not tell articles apart: scheme, `www.`, fragment, tracking, closing slash.

    For comparing only; empty where `url` is no http(s) URL.
    """
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.")
        port = parts.port
        query = parse_qsl(parts.query, keep_blank_values=True)  # "?one-story" is a key without a value
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host:
        return ""
    kept = [(k, v) for k, v in query if k.lower() not in _TRACKING and not k.lower().startswith("utm_")]
    netloc = host if port in (None, 80, 443) else f"{host}:{port}"
    return urlunsplit(("", netloc, parts.path.rstrip("/"), urlencode(sorted(kept)), "")).removeprefix("//")
