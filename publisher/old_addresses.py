"""Addresses of pages at the site that articles came from, in the one form under which they are kept. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlsplit

#: Longer ones are no addresses of articles.
_LONGEST = 500
#: What names an article in a query: blog systems answer to it under every form of address.
_NUMBERS = ("p", "page_id")


def key(path: str, query: str = "") -> str:
    """The form of a decoded `path` and a raw `query`: no closing slash, and of the query only what names an article.

    "/2020/05/tide/" is "/2020/05/tide", "/?p=12&preview=1" is "/?p=12". Empty for what can be no article's address,
    such as a site's home page.
    """
    number = next((f"?{name}={value}" for name, value in parse_qsl(query[:_LONGEST]) if _is_number(name, value)), "")
    plain = unicodedata.normalize("NFC", path).rstrip("/")
    found = (plain or "/") + number if plain or number else ""
    lawful = found.startswith("/") and not found.startswith("//") and found.isprintable() and "\\" not in found
    return found if lawful and len(found) <= _LONGEST else ""


def of_urls(found: Iterable[str]) -> tuple[str, ...]:
    """The keys of these absolute URLs, each once; what is no http(s) URL is passed over."""
    return tuple(dict.fromkeys(filter(None, map(_of_url, found))))


def _of_url(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return key(unquote(parts.path), parts.query) if parts.scheme in ("http", "https") and parts.netloc else ""


def _is_number(name: str, value: str) -> bool:
    return name in _NUMBERS and value.isascii() and value.isdigit() and len(value) <= 20
