"""Addresses: what of ours is served where, and canonical forms of others' URLs. Pure."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from publisher.text import slugify

_TRACKING = frozenset(("fbclid", "gclid", "mc_cid", "mc_eid", "igshid", "ref", "ref_src", "cmpid", "spm", "yclid"))


def section_slug(section: str) -> str:
    """The slug of a section's name; a name without a Latin letter gets its code points in hex."""
    return slugify(section) or "-".join(f"{ord(c):x}" for c in section.strip()[:8])


def article_path(slug: str) -> str:
    """Path of an article's page."""
    return f"/articles/{slug}"


def section_path(slug: str) -> str:
    """Path of a section's page, with its closing slash; its feeds lie below it."""
    return f"/sections/{slug}/"


def absolute(site_url: str, path: str) -> str:
    """`path` (with its leading slash) below the site's public address."""
    return site_url.rstrip("/") + path


def resolve(base: str, link: str) -> str:
    """`link` as found on the page `base`, made absolute; empty unless the result is http, https or mailto."""
    try:
        joined = urljoin(base, link.strip())
        parts = urlsplit(joined)
    except ValueError:
        return ""
    if parts.scheme in ("http", "https") and parts.netloc:
        return joined
    return joined if parts.scheme == "mailto" else ""


def canonical(url: str) -> str:
    """`url` without what does not tell articles apart: scheme, `www.`, fragment, tracking, closing slash.

    For comparing only; empty where `url` is no http(s) URL.
    """
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.")
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host:
        return ""
    kept = [(k, v) for k, v in parse_qsl(parts.query) if k.lower() not in _TRACKING and not k.lower().startswith("utm_")]
    netloc = host if port in (None, 80, 443) else f"{host}:{port}"
    return urlunsplit(("", netloc, parts.path.rstrip("/"), urlencode(sorted(kept)), "")).removeprefix("//")
