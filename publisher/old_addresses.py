"""Addresses at the site that articles came from: of pages, in the one form that is kept, and of feeds. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlsplit

#: Longer ones are no addresses of articles.
_LONGEST = 500
#: What names an article in a query: blog systems answer to it under every form of address.
_NUMBERS = ("p", "page_id")
#: Where blog systems keep a feed, below what it is a feed of; and the name of ours in that format.
_FEEDS = {
    **dict.fromkeys(
        ("feed", "feed/rss", "feed/rss2", "feed/rdf", "rss", "rss2", "rdf", "index.xml", "index.rdf", "feed.xml",
         "rss.xml", "wp-rss.php", "wp-rss2.php", "wp-rdf.php", "wp-feed.php"), "rss.xml",
    ),
    **dict.fromkeys(("feed/atom", "atom", "atom.xml", "wp-atom.php"), "atom.xml"),
    **dict.fromkeys(("feed/json", "feed.json"), "feed.json"),
}  # fmt: skip


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


def feed(path: str, query: str = "") -> tuple[str, str] | None:
    """(path of what it was a feed of, name of our feed in that format) of a feed's old address; None for others.

    "/feed/" is ("", "rss.xml"), "/blog/category/sea/feed/atom/" ("/blog/category/sea", "atom.xml"); WordPress answers
    to "/?feed=atom" too.
    """
    plain = path.rstrip("/")
    asked = next((value for name, value in parse_qsl(query[:_LONGEST]) if name == "feed"), "")
    if asked:
        name = _FEEDS.get(f"feed/{asked}")
        return (plain.removesuffix("/index.php"), name) if name else None
    parts = plain.split("/")
    for count in (2, 1):
        if len(parts) > count and (name := _FEEDS.get("/".join(parts[-count:]))):
            return "/".join(parts[:-count]), name
    return None


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
