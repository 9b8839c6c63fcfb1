"""What changed between two versions of an article, for people to read. Pure.

    fields | paragraphs against paragraphs | words within those that changed -> lines

A line that begins with "  " stayed, with "- " went, with "+ " came; within "~ " lines `[-words-]` went and `{+words+}`
came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from publisher.text import from_html, shorten

#: Fields that are shown as a whole where they differ.
_FIELDS = (
    "title", "standfirst", "section", "authors", "tags", "language", "image", "caption", "credit", "source_url",
)
#: Paragraphs of more words than this are shown whole: comparing them word by word would take too long.
_LONGEST = 2000
#: Paragraphs compared with one another; a text of more is compared only as far as this.
_MOST = 2000
#: Below this likeness two paragraphs are shown one after the other.
_ALIKE = 0.4
#: Characters of a paragraph that stayed.
_CONTEXT = 60


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The lines that tell `old` from `new`: contents as a version keeps them, by name; empty where nothing differs."""
    lines = []
    for name in _FIELDS:
        was, now = _shown(old.get(name)), _shown(new.get(name))
        if was != now:
            lines += [f"- {name}: {was}"] * bool(was) + [f"+ {name}: {now}"] * bool(now)
    before, after = (from_html(side.get("content_html") or "").split("\n\n")[:_MOST] for side in (old, new))
    if before != after:
        lines += _paragraphs(before, after)
    elif old.get("content_html") != new.get("content_html"):
        lines.append("~ the markup of the text")
    return lines


def _shown(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value or "")


def _paragraphs(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """Changed paragraphs, each with the one before it that stayed."""
    for kind, i, i_end, j, j_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield f"  {shorten(before[i_end - 1], _CONTEXT)}"
            continue
        both = min(i_end - i, j_end - j)
        for one, other in zip(before[i : i + both], after[j : j + both], strict=True):
            yield from _words(one, other)
        yield from (f"- {text}" for text in before[i + both : i_end] if text)
        yield from (f"+ {text}" for text in after[j + both : j_end] if text)


def _words(one: str, other: str) -> Iterator[str]:
    a, b = one.split(), other.split()
    if max(len(a), len(b)) <= _LONGEST:
        matcher = SequenceMatcher(None, a, b, autojunk=False)
        if matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE:
            yield "~ " + " ".join(_marked(a, b, matcher))
            return
    yield from ([f"- {one}"] if one else []) + ([f"+ {other}"] if other else [])


def _marked(a: Sequence[str], b: Sequence[str], matcher: SequenceMatcher[str]) -> Iterator[str]:
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        if kind == "equal":
            yield " ".join(a[i:i_end])
            continue
        if i < i_end:
            yield f"[-{' '.join(a[i:i_end])}-]"
        if j < j_end:
            yield f"{{+{' '.join(b[j:j_end])}+}}"
