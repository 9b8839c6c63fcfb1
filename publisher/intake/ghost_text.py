"""A Ghost post's text where the export has no HTML of it: the editor's own trees, Lexical and Mobiledoc. Pure.

A plain reading: paragraphs, headings, lists, quotations, pictures, links and what is emphasised; other cards by the
HTML or the address that they hold. `publisher.intake.clean` has the last word on all of it.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

from publisher.errors import DocumentError
from publisher.intake import clean
from publisher.intake.export_entry import link

#: Trees that are deeper are no texts.
_DEEPEST = 60
_DAMAGED = "its text is a damaged tree"
#: Lexical's bits of a text's format.
_FORMATS = ((1, "strong"), (2, "em"), (4, "s"), (16, "code"), (32, "sub"), (64, "sup"))
_BLOCKS = {
    "paragraph": "p", "quote": "blockquote", "extended-quote": "blockquote", "aside": "blockquote", "listitem": "li",
}
Node = dict[str, Any]


def of_lexical(source: str) -> str:
    """HTML of a Lexical tree. Raises DocumentError where it is none."""
    return _lexical(_loaded(source).get("root"), 0)


def of_mobiledoc(source: str) -> str:
    """HTML of a Mobiledoc, version 0.3. Raises DocumentError where it is none."""
    doc = _loaded(source)
    out = []
    try:
        for section in _list(doc.get("sections")):
            if section[0] == 1:
                out.append(_element(str(section[1]), _markers(section[2], doc)))
            elif section[0] == 2:
                out.append(_picture(str(section[1])))
            elif section[0] == 3:
                items = "".join(f"<li>{_markers(item, doc)}</li>" for item in section[2])
                out.append(_element(str(section[1]), items))
            elif section[0] == 10:
                card = doc["cards"][section[1]]
                out.append(_card(str(card[0]), card[1] if isinstance(card[1], dict) else {}))
    except (LookupError, TypeError, ValueError) as error:
        raise DocumentError(_DAMAGED) from error
    return "\n".join(filter(None, out))


def _loaded(source: str) -> Node:
    try:
        found = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise DocumentError(_DAMAGED) from error
    if not isinstance(found, dict):
        raise DocumentError(_DAMAGED)
    return found


# --- Lexical ---------------------------------------------------------------------------------------------------------


def _lexical(node: object, depth: int) -> str:
    if not isinstance(node, dict):
        return ""
    if depth > _DEEPEST:
        raise DocumentError(_DAMAGED)
    kind = str(node.get("type", ""))
    if kind in ("text", "extended-text"):
        return _formatted(escape(str(node.get("text", "")), quote=False), node.get("format"))
    if kind == "linebreak":
        return "<br>"
    inner = ("\n" if kind == "root" else "").join(_lexical(child, depth + 1) for child in _list(node.get("children")))
    if kind in ("link", "autolink", "at-link"):
        return f'<a href="{escape(str(node.get("url", "")))}">{inner}</a>'
    tag = _BLOCKS.get(kind, "")
    if kind in ("heading", "extended-heading"):
        tag = str(node.get("tag", "h2"))
    elif kind == "list":
        tag = "ol" if node.get("listType") == "number" else "ul"
    return _element(tag, inner) if tag else inner or _card(kind, node)


def _formatted(text: str, bits: object) -> str:
    for bit, tag in _FORMATS:
        if isinstance(bits, int) and bits & bit:
            text = f"<{tag}>{text}</{tag}>"
    return text


# --- Mobiledoc -------------------------------------------------------------------------------------------------------


def _markers(markers: Any, doc: Node) -> str:
    """A run of texts; each opens some marks of the document's list, and closes some of those that are open."""
    out: list[str] = []
    open_tags: list[str] = []
    for kind, opened, closed, value in markers:
        for number in opened:
            tag, *given = doc["markups"][number]
            pairs = dict(zip(given[0][::2], given[0][1::2], strict=False)) if given else {}
            href = f' href="{escape(str(pairs["href"]))}"' if "href" in pairs else ""
            out.append(f"<{escape(str(tag))}{href}>")
            open_tags.append(escape(str(tag)))
        if kind == 0:
            out.append(escape(str(value), quote=False))
        elif doc["atoms"][value][0] == "soft-return":
            out.append("<br>")
        out += [f"</{open_tags.pop()}>" for _ in range(min(int(closed), len(open_tags)))]
    return "".join(out)


# --- both ------------------------------------------------------------------------------------------------------------


def _card(kind: str, given: Node) -> str:
    """A card by what it holds: a picture, HTML, Markdown or code as text, or an address."""
    images = {"image": [given], "gallery": _list(given.get("images"))}.get(kind)
    if images is not None:
        return "\n".join(_shown(image) for image in images if isinstance(image, dict))
    if kind in ("code", "codeblock"):
        return f"<pre><code>{escape(str(given.get('code') or ''), quote=False)}</code></pre>"
    if text := "<hr>" if kind in ("horizontalrule", "hr") else given.get("html"):
        return str(text)
    if text := given.get("markdown") or given.get("calloutText"):
        return clean.paragraphs(block.strip() for block in str(text).split("\n\n") if block.strip())
    url = str(given.get("url") or given.get("src") or "")
    return link(url) if url else ""


def _shown(image: Node) -> str:
    alt, caption = str(image.get("alt") or ""), str(image.get("caption") or "")
    return _picture(str(image.get("src") or ""), alt, caption)


def _picture(src: str, alt: str = "", caption: str = "") -> str:
    if not src:
        return ""
    told = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure><img src="{escape(src)}" alt="{escape(alt)}">{told}</figure>'


def _element(tag: str, inner: str) -> str:
    name = tag if tag.isascii() and tag.isalnum() else "p"
    return f"<{name}>{inner}</{name}>"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
