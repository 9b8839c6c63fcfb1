"""What no content_html may hold, judged by two parsers that know nothing of the sanitiser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from lxml import html as lxml_html

#: Elements that run, load, post, or change how what follows is parsed.
FORBIDDEN = frozenset(
    (
        "script", "style", "iframe", "frame", "frameset", "object", "embed", "applet", "svg", "math", "template",
        "noscript", "noembed", "noframes", "xmp", "plaintext", "listing", "form", "input", "button", "select",
        "textarea", "option", "isindex", "meta", "link", "base", "title", "head", "audio", "video", "source", "track",
        "portal", "marquee", "slot", "foreignobject", "mglyph", "annotation-xml", "image", "keygen", "dialog",
    )
)
_ADDRESSES = frozenset(("href", "src", "cite", "longdesc", "background", "poster", "data", "action", "formaction", "xlink:href"))
_NEVER = frozenset(("style", "srcset", "srcdoc", "id", "class", "name", "ping", "target", "is", "slot", "formaction", "action"))
_SCHEMES = frozenset(("http", "https", "mailto"))
#: What browsers take out of an address before they look for its scheme (WHATWG URL, section 4.4).
_IGNORED = re.compile(r"[\t\r\n]|^[\x00-\x20]+")


def faults(markup: str) -> list[str]:
    """Everything in `markup` that could run, or that a browser might read otherwise than the sanitiser did."""
    walk = _Walk()
    walk.feed(markup)
    walk.close()
    found = [*walk.found, *_by_lxml(markup)]
    if markup.count("<") > walk.tags:
        found.append("a tag that is not closed, or a bare <")
    return found


def unsafe_address(address: str) -> bool:
    """True where an address outside the markup leads to anything but http and https."""
    scheme = re.match(r"[a-z][a-z0-9+.-]*(?=:)", _IGNORED.sub("", address).lower())
    return bool(address) and (scheme is None or scheme[0] not in ("http", "https"))


class _Walk(HTMLParser):
    """Walks over all tags and attributes as they stand."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.tags = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags += 1
        self.found += _wrong(tag, ((name, value or "") for name, value in attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self.tags += 1

    def handle_comment(self, data: str) -> None:
        self.found.append(f"a comment: {data[:40]!r}")

    def handle_decl(self, decl: str) -> None:
        self.found.append(f"a declaration: {decl[:40]!r}")

    def handle_pi(self, data: str) -> None:
        self.found.append(f"a processing instruction: {data[:40]!r}")

    def unknown_decl(self, data: str) -> None:
        self.found.append(f"a marked section: {data[:40]!r}")


def _by_lxml(markup: str) -> Iterator[str]:
    """The same by the parser of libxml2, which mends what is broken in its own way."""
    if not markup.strip():
        return
    for element in lxml_html.fragment_fromstring(markup, create_parent="body").iter():
        if not isinstance(element.tag, str):
            yield f"a comment or processing instruction: {str(element)[:40]!r}"
        else:
            yield from _wrong(element.tag, element.attrib.items())


def _wrong(tag: str, attributes: Iterator[tuple[str, str]]) -> Iterator[str]:
    if tag.lower().rpartition(":")[2] in FORBIDDEN or not re.fullmatch(r"[a-z][a-z0-9]*", tag):
        yield f"<{tag}>"
    for name, value in attributes:
        low = name.lower()
        if low.startswith("on") or low in _NEVER or not re.fullmatch(r"[a-z][a-z-]*", low):
            yield f"{tag} {name}={value[:40]!r}"
        if low in _ADDRESSES:
            scheme = re.match(r"[a-z][a-z0-9+.-]*(?=:)", _IGNORED.sub("", value).lower())
            if scheme is None or scheme[0] not in _SCHEMES:
                yield f"{tag} {name}={value[:40]!r}: no scheme that is allowed"
