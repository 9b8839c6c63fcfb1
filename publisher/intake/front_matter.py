"""Front matter: the block of fields at the head of a Markdown document. The only code that knows PyYAML. Pure.

    text | which style | its own parser, every scalar a string -> raw fields, body

YAML between lines of `---`, TOML between lines of `+++`, JSON from a `{` at the top to its `}`, and Pelican's header
lines (`Title: x`) up to the first empty line. What the fields mean is in `publisher.intake.header`. Every scalar is
the string that was written: else YAML's `title: No` is False, `12:30` is 750 and `id: 0123` is 83.
"""

from __future__ import annotations

import json
import re
import tomllib
from contextlib import suppress
from typing import Any

from publisher.errors import DocumentError

_BLOCK = re.compile(
    r"\s*^(?:---[ \t]*\n(?P<yaml>.*?)^(?:---|\.\.\.)|\+\+\+[ \t]*\n(?P<toml>.*?)^\+\+\+)"
    r"[ \t]*(?:\n|\Z)(?P<body>.*)",
    re.DOTALL | re.MULTILINE,
)
_OPENED = re.compile(r"\s*^(---|\+\+\+)[ \t]*\n\s*\"?[\w-]+\"?\s*[:=]", re.MULTILINE)
_JSON = re.compile(r"\s*(?=\{\s*\")")
#: Pelican's: `Name: value`, and lines that go on with four spaces.
_HEADERS = re.compile(
    r"\s*(?P<fields>(?:[A-Za-z][\w-]*:[^\n]*\n(?:[ ]{4,}\S[^\n]*\n)*)+)(?:[ \t]*\n|\Z)(?P<body>.*)", re.DOTALL
)
_HEADER = re.compile(r"^([A-Za-z][\w-]*):[ \t]*([^\n]*(?:\n[ ]{4,}\S[^\n]*)*)", re.MULTILINE)

#: A field of running text on one line that YAML would cut at a `#`, or whose first word it would take for a mark of its
#: own, without a word. (A comment has a space behind its `#`.)
_CUT = re.compile(
    r"^((?:title|headline|standfirst|description|summary|subtitle|excerpt|caption|credit):[ \t]+)"
    r"((?:[!&]|[^\s\"'\[{|>][^\n]*[ \t]#(?=[^\s#]))[^\n]*?)[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
#: Characters of a block that libyaml gets, ten times as fast: it does not bound how deep it calls itself.
_SHORT = 2_000
#: YAML's words for nothing.
_NOTHING = ("~", "null")
#: A tag before a value or an item that asks for more than text, a list or a table.
_TAGGED = re.compile(
    r"^\s*(?:-\s+)*(?:[\w-]+\s*:\s+)?"
    r"(?P<tag>!!(?!(?:str|int|float|bool|null|timestamp|seq|map)\b)\w\S*)",
    re.MULTILINE,
)
_LISTED = re.compile(r"(?:\s*-\s+\S[^\n]*\n)+\s*")
_NO_TABLE = "it is not a table of keys and values, as title: My title"


def split(text: str) -> tuple[dict[str, Any], str]:
    """(raw fields, what follows them); no fields where `text` begins with none.

    Names are in lower case; what the values may be is for `publisher.intake.header` to bear. Raises DocumentError,
    naming the line, for front matter that is broken or never closed.
    """
    opening = _JSON.match(text)
    if opening is not None:
        return _json(text, opening.end())
    match = _BLOCK.match(text)
    if match is None:
        if _OPENED.match(text):
            raise DocumentError("its front matter is never closed", "close it with a line that repeats its first line")
        return _headers(text)
    block = match["yaml"]
    if block is None:
        return _toml(match["toml"], text[: match.start("toml")].count("\n")), match["body"]
    line = text[: match.start("yaml")].count("\n")
    if _TAGGED.search(block):
        _refuse_tags(block, line)
    if not re.search(r"^\s*[^\s#].*:", block, re.MULTILINE):
        if _LISTED.fullmatch(block) and not match["body"].lstrip().startswith("# "):
            raise _broken(line + 1, _NO_TABLE)
        # Two rules (---) with text between are no front matter.
        return {}, text if block.strip() else match["body"]
    return _yaml(block, line), match["body"]


def _refuse_tags(block: str, line: int) -> None:
    """Raises DocumentError for a value that asks to be more than text, as `!!python/object`."""
    for number, written in enumerate(block.split("\n"), start=line + 1):
        if (tag := _TAGGED.match(written)) is not None:
            raise DocumentError(
                f"its front matter is refused in line {number}: the tag {tag['tag'][:40]} is not allowed",
                f"take the tag out of line {number}; values are read as text",
            )


def _yaml(block: str, line: int) -> dict[str, Any]:
    """`block` as a mapping whose scalars are strings; `line` is the number of lines before it."""
    import yaml  # noqa: PLC0415 - only documents with YAML need it

    try:
        whole = _CUT.sub(lambda match: match[1] + json.dumps(match[2], ensure_ascii=False), block)
        loaded = _loaded(whole)
    except yaml.MarkedYAMLError as error:
        open_quote = "quoted scalar" in (error.context or "")
        mark = error.context_mark if open_quote else error.problem_mark or error.context_mark
        problem = "a quotation mark is not closed well" if open_quote else str(error.problem or "not YAML")
        raise _broken(line + (mark.line if mark else 0) + 1, problem) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _broken(line + 1, "not YAML") from error
    fields = _named(loaded, line)
    return {name: value for name, value in fields.items() if value not in _NOTHING}


def _loaded(block: str) -> object:
    import yaml  # noqa: PLC0415 - as above

    fast = getattr(yaml, "CBaseLoader", None) if len(block) <= _SHORT else None
    if fast is not None:
        with suppress(yaml.YAMLError):  # then the other one says in its words what is wrong
            return yaml.load(block, Loader=fast)  # noqa: S506 - BaseLoaders make strings, lists and dicts only
    return yaml.load(block, Loader=yaml.BaseLoader)  # noqa: S506 - as above


def _toml(block: str, line: int) -> dict[str, Any]:
    try:
        loaded = tomllib.loads(block, parse_float=str)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        where = re.search(r"\(at line (\d+)", str(error))
        number = line + int(where[1]) if where else line + block.count("\n")
        raise _broken(number, re.sub(r" \(at .*", "", str(error)).lower()) from error
    return _named(loaded, line)


def _json(text: str, start: int) -> tuple[dict[str, Any], str]:
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
    try:
        loaded, end = decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise _broken(error.lineno, error.msg.lower()) from error
    except RecursionError as error:
        raise _broken(text[:start].count("\n") + 1, "not JSON") from error
    return _named(loaded, text[:start].count("\n")), text[end:]


def _headers(text: str) -> tuple[dict[str, Any], str]:
    """Pelican's header lines. Only where one gives the title: else any text may begin with a word and a colon."""
    match = _HEADERS.match(text + "\n")
    if match is None:
        return {}, text
    found = {name.lower(): re.sub(r"\n\s+", "\n", value).strip() for name, value in _HEADER.findall(match["fields"])}
    return (found, match["body"]) if found.get("title") else ({}, text)


def _named(loaded: object, line: int) -> dict[str, Any]:
    if not isinstance(loaded, dict):
        raise _broken(line + 1, _NO_TABLE)
    return {str(name).strip().lower(): value for name, value in loaded.items() if value is not None}


def _broken(line: int, problem: str) -> DocumentError:
    return DocumentError(
        f"its front matter is broken in line {line}: {problem}",
        f"mend line {line}; put a text that holds a colon or begins with a sign in quotes",
    )
