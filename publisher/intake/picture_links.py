"""Which pictures a document shows, and where those that lie beside it come to lie. Pure.

    parser | mark: an address of its own for each local reference | sanitise -> Extracted with marks
    Extracted | references | (look, copy: elsewhere) | rewritten -> Extracted with addresses of ours

A mark is an address at a host that cannot exist (RFC 6761 section 6.4), so that a local reference passes through all
that is done to addresses as it is.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from publisher import urls
from publisher.errors import PictureError
from publisher.intake import clean, page_picture, page_tree
from publisher.model import Extracted

#: An element of lxml, whose types are not published.
Element = Any

_MARK = "https://beside.invalid/"
#: As the sanitiser writes it: every value in double quotes.
_IMG = re.compile(r"""<img((?:\s+[\w-]+="[^"]*")*)\s*/?>""")
_ATTRIBUTE = re.compile(r"""([\w-]+)="([^"]*)\"""")
_FILE = re.compile(r"""(<img\b[^<>]{0,1000}?\ssrc\s*=\s*(["\']))((?:file:|[a-z]:)[^"\'<>]*)\2""", re.IGNORECASE)
_STATED = ("og:image", "og:image:url", "twitter:image")
#: Attributes by which a page names a picture, beside `src`.
_OTHER_SOURCES = ("srcset", "data-srcset", *page_picture.LAZY)
#: Where systems keep the files that pages name by a path from the site's root.
_STATIC = ("", "static")


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a picture is now."""

    #: Absolute.
    url: str
    #: Pixels.
    width: int
    height: int


def is_local(reference: str) -> bool:
    """True for what names a file beside the document, or anywhere on a disk, instead of an address in the web."""
    try:
        parts = urlsplit(reference.strip())
    except ValueError:
        return False
    if not reference.strip() or reference.strip().startswith("#") or parts.netloc:
        return parts.scheme == "file"
    return parts.scheme in ("", "file") or len(parts.scheme) == 1  # of one letter: a drive


def mark(reference: str) -> str:
    """The mark of a local reference; any other reference as it is."""
    return _MARK + quote(reference.strip(), safe="", errors="replace") if is_local(reference) else reference


def reference(address: str) -> str | None:
    """The local reference that this address is the mark of; None where it is none."""
    return unquote(address.removeprefix(_MARK)) if address.startswith(_MARK) else None


def mark_files(markup: str) -> str:
    """`markup`, not sanitised, with marks for files of a disk that it shows: the sanitiser would drop them unsaid."""
    return _FILE.sub(lambda match: f"{match[1]}{mark(html.unescape(match[3]))}{match[2]}", markup)


def mark_page(tree: Element) -> None:
    """Marks what a page shows and states of pictures, unless it says what its addresses are relative to."""
    if any(urls.resolve("", link) for link in page_tree.found("//base/@href", tree)[:1]):
        return
    for img in tree.iter("img"):
        if is_local(address := page_picture.source(img)):
            for name in _OTHER_SOURCES:
                img.attrib.pop(name, None)
            img.set("src", mark(address))
            if (parent := img.getparent()) is not None and parent.tag == "picture":
                for other in list(parent.iter("source")):
                    other.drop_tree()
    for meta in page_tree.found("//meta[@content]", tree):
        name = (meta.get("property") or meta.get("name") or "").strip().lower()
        if name in _STATED:
            meta.set("content", mark(meta.get("content")))


def references(document: Extracted) -> tuple[str, ...]:
    """The addresses of all pictures of the document, marks among them, the lead picture's first."""
    shown = (_attributes(match[1]).get("src", "") for match in _IMG.finditer(document.content_html))
    return tuple(dict.fromkeys(address for address in (document.image, *shown) if address))


def marks(document: Extracted) -> tuple[str, ...]:
    """Those of its references that are marks."""
    if not document.image.startswith(_MARK) and _MARK not in document.content_html:
        return ()
    return tuple(address for address in references(document) if address.startswith(_MARK))


def rewritten(document: Extracted, moved: Mapping[str, Placed | str | None]) -> Extracted:
    """The document with its pictures where `moved` says, by the addresses that `references` gives.

    Pictures of a known size tell it, so that a page does not jump; a plain address is taken as it is; None takes the
    picture out. What `moved` does not name stays.
    """
    lost = False

    def image(match: re.Match[str]) -> str:
        nonlocal lost
        found = _attributes(match[1])
        place = moved.get(found.get("src", ""), "")
        if place == "":
            return match[0]
        if place is None:
            lost = True
            return ""
        told = found | ({"src": place} if isinstance(place, str) else _sized(found, place))
        return "<img" + "".join(f' {name}="{html.escape(value)}"' for name, value in told.items()) + ">"

    content = _IMG.sub(image, document.content_html)
    lead = moved.get(document.image, document.image) if document.image else ""
    return replace(
        document,
        content_html=clean.sanitise(content) if lost else content,
        image=lead.url if isinstance(lead, Placed) else lead or "",
    )


def places(document: str, reference: str) -> tuple[str, ...]:
    """Paths from the source's root at which a reference of the document at path `document` may mean a file.

    Raises PictureError for one that leads out of the folder, or to what is hidden.
    """
    if not is_local(reference):
        raise PictureError("it is no file beside the text")
    if len(urlsplit(reference).scheme) == 1:
        raise PictureError("it names a drive; put the picture beside the text")
    if urlsplit(reference).scheme:
        raise PictureError("it is a file: address; put the picture beside the text, and write its name alone")
    path = unquote(re.split(r"[?#]", reference, maxsplit=1)[0]).replace("\\", "/")
    if not path.isprintable():
        raise PictureError("its name holds characters that no name may hold")
    if path.startswith("/"):
        found = [posixpath.normpath(posixpath.join(root, path.lstrip("/"))) for root in _STATIC]
    else:
        found = [posixpath.normpath(posixpath.join(posixpath.dirname(document), path))]
    for place in found:
        if place.split("/", 1)[0] == "..":
            raise PictureError("it leads out of the folder; put the picture beside the text")
        if any(part.startswith(".") for part in PurePosixPath(place).parts):
            raise PictureError("it is hidden")
    return tuple(found)


def _attributes(text: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(text)}


def _sized(found: Mapping[str, str], place: Placed) -> dict[str, str]:
    """Address and size of the picture; a width that the document gives stays, with the height that goes with it."""
    wanted = found.get("width", "")
    width = int(wanted) if wanted.isdecimal() and 0 < int(wanted[:6]) < place.width else place.width
    height = max(1, round(width * place.height / place.width))
    return {"src": place.url, "width": str(width), "height": str(height)}
