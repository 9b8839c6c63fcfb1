"""A plain text's blocks (paragraphs, headings, captions), each on one line again. Pure.

Scrapes put one block on each line, with or without blank lines between; mail and old editors wrap paragraphs at a
fixed width. Which of the two a text does is read from the text: a wrapping editor breaks a line only where the next
word would not have fitted.
"""

from __future__ import annotations

import re
from itertools import pairwise

from publisher.text import clean

_LIST_MARK = re.compile(r"(?:[-*•–·‣▪]|\d{1,2}[.)])\s+\S")
_NO_SPACES = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_SENTENCE_END = re.compile(r"[.!?…。！？؟۔।:;](?: ?[\"'”’»«)\]])*$")

_HYPHEN = re.compile(r"[^\W\d_]-$")
#: Characters at the end of a line that tell whether it ends a sentence.
_TAIL = 40
_NARROWEST, _WIDEST = 40, 120


def ends_sentence(line: str) -> bool:
    """True if `line` ends as sentences end, in any script."""
    return _SENTENCE_END.search(line, max(0, len(line) - _TAIL)) is not None


def blocks(text: str) -> list[str]:
    """The blocks of `text` in order, wrapped paragraphs joined, each cleaned and on one line."""
    groups = _groups(clean(text))
    width = _wrap_width(groups)
    found = [block for group in groups for block in (_joined(group, width) if width else group)]
    return [line for line in (" ".join(block.split()) for block in found) if line]


def _groups(text: str) -> list[list[str]]:
    """Runs of lines without a blank line between; indentation kept."""
    groups: list[list[str]] = [[]]
    for line in text.expandtabs(4).split("\n"):
        if line.strip():
            groups[-1].append(line.rstrip())
        elif groups[-1]:
            groups.append([])
    return [group for group in groups if group]


def _wrap_width(groups: list[list[str]]) -> int:
    """The width at which the text was wrapped, or 0 if it was not."""
    pairs = [(a, b) for group in groups for a, b in pairwise(group)]
    if len(pairs) < 2:
        return 0
    width = max(len(line) for pair in pairs for line in pair)
    if not _NARROWEST <= width <= _WIDEST:
        return 0
    full = sum(not _would_fit(a, b, width) for a, b in pairs)
    return width if full >= 0.6 * len(pairs) else 0


def _would_fit(line: str, following: str, width: int) -> bool:
    return len(line) + 1 + len(following.split(None, 1)[0]) <= width


def _joined(group: list[str], width: int) -> list[str]:
    joined = [[group[0]]]
    for before, line in pairwise(group):
        if _breaks(before, line, width):
            joined.append([line])
        else:
            joined[-1] += (_gap(before, line.lstrip()), line.strip())
    return list(map("".join, joined))


def _gap(before: str, line: str) -> str:
    """What stands for the line break: nothing in scripts without spaces, and after a hyphen within a word."""
    if _NO_SPACES.match(before[-1]) and _NO_SPACES.match(line):
        return ""
    return "" if _in_a_word(before, line) else " "


def _in_a_word(before: str, line: str) -> bool:
    return _HYPHEN.search(before) is not None and line[0].islower()


def _breaks(before: str, line: str, width: int) -> bool:
    """True if a new block begins with `line`."""
    indented = line.startswith("  ") and not before.startswith("  ")
    if indented or _LIST_MARK.match(line.lstrip()):
        return True
    if not _would_fit(before, line, width) or _in_a_word(before, line.lstrip()):
        return False
    return ends_sentence(before) or len(before) < 0.8 * width or not line.lstrip()[0].islower()
