"""A post's text as WordPress stores it, to HTML. Pure.

    content | without block comments | shortcodes -> HTML, or their inner text | blank lines -> paragraphs -> HTML

WordPress makes paragraphs only when it shows a post, and its plugins leave marks that only they understand.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from publisher.intake.export_entry import link

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_REUSED = re.compile(r"<!--\s*wp:block\b")
_BLOCKS = (
    "p|h[1-6]|ul|ol|li|dl|dt|dd|blockquote|pre|figure|figcaption|table|thead|tbody|tfoot|tr|th|td|caption|colgroup|col|"
    "div|section|article|aside|header|footer|main|nav|details|summary|address|center|hr|form|fieldset|iframe|object|video|audio"
)
_TOKEN = re.compile(rf"<(?P<end>/?)(?P<name>{_BLOCKS}|script|style|textarea|svg)\b[^<>]*>", re.IGNORECASE)
#: Elements whose inside is left as it is.
_WHOLE = frozenset(("pre", "script", "style", "textarea", "svg"))
_CLOSE = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in _WHOLE}
_BLANK = re.compile(r"\n[ \t]*\n\s*")
_BREAK = re.compile(r"<br\s*/?>[ \t]*\n", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s<>\"\[\]]+")
#: Elements without content of their own.
_ENDLESS = frozenset(("hr", "col"))
#: Where loose text becomes paragraphs; in the second kind only where a blank line asks for it.
_FLOWS = frozenset(
    ("div", "section", "article", "aside", "header", "footer", "main", "nav", "blockquote", "details", "center")
)  # fmt: skip
_CELLS = frozenset(("li", "td", "th", "dd"))

_CODE = re.compile(
    r"\[(?P<escape>\[?)(?P<close>/?)(?P<name>[a-zA-Z][\w-]{0,60})(?P<given>(?:[\s/][^\[\]]{0,4000})?)\](?P<after>\]?)"
)
_GIVEN = re.compile(r"""(?<![\w-])([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))""")
_QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2033": '"', "\u2019": "'", "\u00a0": " "})
_PICTURE = re.compile(r"(?:<a\b[^<>]*>\s*)?<img\b[^<>]*>(?:\s*</a>)?", re.IGNORECASE)
#: A picture that leads to its own file, as the old site keeps it.
_ENLARGED = re.compile(
    r"<a\b(?=[^<>]{0,4000}>)[^<>]*?\bhref=[\"'][^\"'<>]*/wp-content/uploads/[^\"'<>]+\.(?:jpe?g|png|gif|webp)[\"']"
    r"[^<>]*+>\s*+(<img\b[^<>]*+>)\s*+</a>", re.IGNORECASE,
)
#: Shortcodes that hold code, which is shown as it is.
_SHOWN = frozenset(("code", "sourcecode", "highlight", "cc", "php", "css", "python"))
#: Those that stand for something at another address.
_LINKS = frozenset(
    ("embed", "youtube", "vimeo", "video", "audio", "tweet", "twitter", "instagram", "soundcloud", "wpvideo", "gist")
)  # fmt: skip
_SOURCES = ("src", "mp3", "m4a", "ogg", "wav", "mp4", "m4v", "webm", "url", "link", "file")


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of the site's library."""

    url: str
    alt: str = ""
    caption: str = ""


#: The pictures of a gallery: of these ids, or where there are none of the post.
Gallery = Callable[[tuple[str, ...]], Iterator[Shown]]


def rendered(content: str, gallery: Gallery) -> tuple[str, tuple[str, ...]]:
    """(HTML of the content, what was left out in words for its owner); not sanitised."""
    lost: dict[str, None] = {}
    if _REUSED.search(content):
        lost["wp:block"] = None
    text = content.replace("\r\n", "\n").replace("\r", "\n")
    text = _without_comments(text)
    if "[" in text:
        text = _shortcodes(text, gallery, lost)
    told = (f"marks of plugins were left out: {', '.join(list(lost)[:20])}",) if lost else ()
    return paragraphs(_ENLARGED.sub(r"\1", text)), told


def _without_comments(text: str) -> str:
    end = text.rfind("-->") + 3  # behind it none is closed, and looking for its end again and again would cost
    return _COMMENT.sub("\n\n", text[:end]) + text[end:] if end > 3 else text


# --- paragraphs ------------------------------------------------------------------------------------------------------


def paragraphs(text: str) -> str:
    """`text` with a paragraph for each run of lines that stands in none."""
    out: list[str] = []
    inside: list[str] = []
    at = 0
    while (token := _TOKEN.search(text, at)) is not None:
        out.append(_loose(text[at : token.start()], inside))
        name, at = token["name"].lower(), token.end()
        if name in _WHOLE and not token["end"]:
            close = _CLOSE[name].search(text, at)
            at = close.end() if close else len(text)
        else:
            _enter(inside, name, ends=bool(token["end"]))
        out.append(text[token.start() : at])
    out.append(_loose(text[at:], inside))
    return "".join(out).strip()


def _enter(inside: list[str], name: str, *, ends: bool) -> None:
    """What the text after this tag is inside of; ends that may be left out are filled in."""
    if name in _ENDLESS:
        return
    if ends:
        if name in inside[-50:]:
            while inside.pop() != name:
                pass
        return
    if inside and (inside[-1] == "p" or inside[-1] == name == "li"):
        inside.pop()
    inside.append(name)


def _loose(text: str, inside: list[str]) -> str:
    """Text between block elements: paragraphs where such may stand."""
    within = inside[-1] if inside else ""
    if not text.strip():
        return "\n" if "\n" in text else ""
    if within and within not in _FLOWS and not (within in _CELLS and _BLANK.search(text.strip())):
        return text
    found = (_paragraph(part.strip()) for part in _BLANK.split(text) if part.strip())
    return "\n" + "\n".join(found) + "\n"


def _paragraph(lines: str) -> str:
    if _ADDRESS.fullmatch(lines):  # alone on its line: WordPress embeds what it leads to
        return link(lines)
    return f"<p>{_BREAK.sub('<br>', lines).replace(chr(10), '<br>')}</p>"


# --- shortcodes ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Code:
    """A mark in the text, or the text before it."""

    text: str
    name: str = ""
    given: str = ""
    closes: bool = False


def _shortcodes(text: str, gallery: Gallery, lost: dict[str, None]) -> str:
    """The text with its marks carried out from the inside to the outside; others' are taken out, brackets stay."""
    parts = list(_split(text))
    closed = {part.name for part in parts if part.closes}
    stack: list[tuple[_Code, list[str]]] = [(_Code(""), [])]
    for part in parts:
        if not part.name:
            stack[-1][1].append(part.text)
        elif part.closes:
            if any(opened.name == part.name for opened, _ in stack[-50:]):
                while True:
                    opened, inner = stack.pop()
                    stack[-1][1].append(_result(opened, "".join(inner), gallery, lost))
                    if opened.name == part.name:
                        break
        elif part.name in closed and len(stack) < 200:
            stack.append((part, []))
        else:
            stack[-1][1].append(_result(part, "", gallery, lost))
    while len(stack) > 1:  # never closed: marks without an inside
        opened, inner = stack.pop()
        stack[-1][1].append(_result(opened, "", gallery, lost) + "".join(inner))
    return "".join(stack[0][1])


def _split(text: str) -> Iterator[_Code]:
    """Text and marks in their order. In a bracket that is no mark, such as "[sic]", the text goes on."""
    at = 0
    closed = {match["name"].lower() for match in _CODE.finditer(text) if match["close"]}
    for match in _CODE.finditer(text):
        if match.start() < at:
            continue
        name, given = match["name"].lower(), match["given"].translate(_QUOTES)
        if match["escape"] and match["after"]:
            yield _Code(text[at : match.start()] + match[0][1:-1])
            at = match.end()
            continue
        if not (match["close"] or name in closed or _is_known(name) or "_" in name or _GIVEN.search(given)):
            continue
        start, end = match.start() + len(match["escape"]), match.end() - len(match["after"])
        yield _Code(text[at:start])
        yield _Code("", name, given.strip(), bool(match["close"]))
        at = end
    yield _Code(text[at:])


def _is_known(name: str) -> bool:
    return name in _LINKS or name in ("gallery", "playlist")


def _result(code: _Code, inner: str, gallery: Gallery, lost: dict[str, None]) -> str:
    given = {key.lower(): a or b or c for key, a, b, c in _GIVEN.findall(code.given)}
    if code.name in ("caption", "wp_caption"):
        return _caption(inner, given.get("caption", ""))
    if code.name == "gallery":
        listed = (given.get("ids") or given.get("include") or "").split(",")
        ids = tuple(number.strip() for number in listed if number.strip())
        return "\n\n" + "\n".join(map(figure, gallery(ids))) + "\n\n"
    if code.name in _SHOWN:
        return f"\n\n<pre><code>{inner.strip()}</code></pre>\n\n"
    if code.name in _LINKS:
        told = next((given[name] for name in _SOURCES if name in given), "")
        said = _ADDRESS.search(inner or code.given) or _ADDRESS.search(told)
        return f"\n\n{link(said[0])}\n\n" if said else ""
    lost[code.name] = None
    return inner


def _caption(inner: str, caption: str) -> str:
    """The picture of a caption's shortcode, and its words, which stand in it or, in old posts, in its attribute."""
    picture = _PICTURE.search(inner)
    if picture is None:
        return inner
    words = (inner[: picture.start()] + inner[picture.end() :]).strip() or html.unescape(caption)
    told = f"<figcaption>{words}</figcaption>" if words else ""
    return f"\n\n<figure>{picture[0]}{told}</figure>\n\n"


def figure(shown: Shown) -> str:
    """A picture with its caption."""
    told = f"<figcaption>{html.escape(shown.caption, quote=False)}</figcaption>" if shown.caption else ""
    return f'<figure><img src="{html.escape(shown.url)}" alt="{html.escape(shown.alt)}">{told}</figure>'
