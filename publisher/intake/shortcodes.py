"""Marks in Markdown that only the system it was written for understands: Hugo's, Jekyll's, Pelican's. Pure.

    body | line by line, outside code | a figure -> an image; a raw block -> its text; the rest -> left out, and told

Left as they are, readers would see them.
"""

from __future__ import annotations

import re
from html import escape

#: A shortcode `{{< name ... >}}` or `{{% name ... %}}` or a tag `{% name ... %}`.
_CODE = re.compile(
    r"\{\{[<%]\s*(?P<hugo>/?[\w./-]+)(?P<given>[^{}]*?)/?\s*[%>]\}\}|\{%-?\s*(?P<liquid>\w+)(?P<rest>[^{}]*?)-?%\}"
)
_OUTPUT = re.compile(r"\{\{-?\s*(?:site|page|content|include)\b[^{}]*\}\}")
_GIVEN = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))""")
_LINK_INTO_SITE = re.compile(r"(\]\(|[\"'(])\{(?:static|filename|attach|author|category|tag|index)\}/?")
_LIQUID_BASE = re.compile(r"\{\{-?\s*site\.(?:base)?url\s*-?\}\}")
_ATTRIBUTES = re.compile(r"^\s*\{:[^{}\n]*\}\s*$|(?<=\S)\{:[^{}\n]*\}(?=\s|$)", re.MULTILINE)
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_ENDS = frozenset(("endhighlight", "endraw", "endcomment", "endfigure"))


def rendered(body: str) -> tuple[str, tuple[str, ...]]:
    """(`body` without such marks, what was left out in words for its owner); code is left alone."""
    if "{" not in body:
        return body, ()
    lost: dict[str, None] = {}
    lines: list[str] = []
    fence = ""
    for line in body.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else mark[1]
        lines.append(line if fence or mark or line.startswith(("    ", "\t")) else _line(line, lost))
    told = (f"marks of another system were left out: {', '.join(lost)}",) if lost else ()
    return "\n".join(lines), told


def _line(line: str, lost: dict[str, None]) -> str:
    """The line outside its code spans."""
    parts = line.split("`")
    return "`".join(part if i % 2 else _text(part, lost) for i, part in enumerate(parts))


def _text(text: str, lost: dict[str, None]) -> str:
    if "{" not in text:
        return text
    text = _LINK_INTO_SITE.sub(r"\1/", _LIQUID_BASE.sub("", text))
    text = _CODE.sub(lambda match: _shortcode(match, lost), text)
    return _ATTRIBUTES.sub("", _OUTPUT.sub("", text))


def _shortcode(match: re.Match[str], lost: dict[str, None]) -> str:
    if match["liquid"]:
        return _liquid(match["liquid"], lost)
    name, given = match["hugo"].lower(), {key: a or b or c for key, a, b, c in _GIVEN.findall(match["given"])}
    if name == "figure" and given.get("src"):
        caption = given.get("caption") or given.get("title") or ""
        picture = f'<img src="{escape(given["src"])}" alt="{escape(given.get("alt", caption))}">'
        return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>" if caption else picture
    if name in ("ref", "relref"):
        target = match["given"].strip().strip("\"'")
        return target.removesuffix(".md")
    if name.startswith("/") or name in ("highlight", "raw", "figure"):
        return ""
    lost[name] = None
    return ""


def _liquid(name: str, lost: dict[str, None]) -> str:
    if name in ("highlight", "endhighlight"):
        return "\n```\n"
    if name not in _ENDS and name not in ("raw", "comment"):
        lost[name] = None
    return ""
