"""What a document may cost: marks of markup that no article needs, refused before any parser sees them. Pure.

Each bound keeps a parser whose work grows with the square of something, or whose tree takes a hundred bytes for each
byte of the document, within two seconds and 200 MB.
"""

from __future__ import annotations

import re

from publisher.errors import DocumentError

#: Of a page: an element takes about 250 bytes of memory.
MAX_TAGS = 200_000
#: Of one tag. Parsers compare each attribute with all before it.
MAX_ATTRIBUTES = 4_000
#: Of elements in elements, where the markup goes to the sanitiser as it is.
MAX_DEPTH = 300
#: Characters of one line of plain text or Markdown; a novel has fewer.
MAX_LINE = 2_000_000
#: A shorter tag cannot hold too many attributes.
_LONG_TAG = 2 * MAX_ATTRIBUTES
_TAG = re.compile(r"""<[a-zA-Z](?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')|=)*+>?""")
_VALUE = re.compile(r"""=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>]++)""")
_BETWEEN_ATTRIBUTES = re.compile(r"[\s/\"']+")
_OPEN_OR_CLOSE = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)")
#: Elements that have no end, or whose end may be left out.
_ENDLESS = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr", "p",
     "li", "dt", "dd", "td", "th", "tr", "option", "thead", "tbody")
)  # fmt: skip
_REMEDY = "save it as plain text or simple HTML"


def refuse_page(text: str) -> None:
    """Raises DocumentError for a web page with too many tags, or too many attributes in one."""
    if text.count("<") > MAX_TAGS:
        raise DocumentError(f"it has more than {MAX_TAGS} tags", _REMEDY)
    for match in _TAG.finditer(text):
        if match.end() - match.start() <= _LONG_TAG:
            continue
        names = _VALUE.sub(" ", match[0])
        if sum(1 for _ in _BETWEEN_ATTRIBUTES.finditer(names)) > MAX_ATTRIBUTES and not _is_script(text, match.start()):
            raise DocumentError(f"it has a tag with more than {MAX_ATTRIBUTES} attributes", _REMEDY)


def refuse_fragment(markup: str) -> None:
    """Raises DocumentError for a text with markup in it that is a bad page, or nested too deep.

    Web pages may nest as deep as they like: their parser cuts them off.
    """
    refuse_page(markup)
    depth = deepest = 0
    for match in _OPEN_OR_CLOSE.finditer(markup):
        if match[2].lower() not in _ENDLESS:
            depth = max(0, depth - 1) if match[1] else depth + 1
            deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise DocumentError(f"its markup is nested more than {MAX_DEPTH} deep", _REMEDY)


def refuse_line(text: str) -> None:
    """Raises DocumentError for a text with a line that no one wrote."""
    if len(text) > MAX_LINE and max(map(len, text.split("\n"))) > MAX_LINE:
        raise DocumentError(f"it has a line of more than {MAX_LINE} characters", "break it into paragraphs")


def _is_script(text: str, at: int) -> bool:
    """True if the place is inside a script or style element, where `<` may mean anything."""
    return any(text.rfind(f"<{name}", 0, at + 1) > text.rfind(f"</{name}", 0, at) for name in ("script", "style"))
