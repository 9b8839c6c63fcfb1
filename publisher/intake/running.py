"""Where a scraped text's running text is: the lines of a page, its headline unglued, its body as a run of lines. Pure.

The body is the contiguous run of blocks with the most running text, where a line that is none costs a little: that
keeps subheadings and short quotations, and leaves menus and footers out.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from publisher.intake import line_model, shape
from publisher.intake.lines import ends_sentence
from publisher.text import fold, folded_words

#: So many lines before the body may hold headline, standfirst and byline; what lies before is the page's.
HEAD = 30
#: From this share on a line is taken for the article's.
LIKELY = 0.42
#: A text of more lines is no page.
_LONGEST = 4000
_COST_OF_OTHER_LINE = 0.3
_LAST_PARAGRAPH = re.compile(r"[.!?…。！？؟।][\"”’»«)]?$")


@dataclass(slots=True)
class Lines:
    """The lines of a text, and what is known of them while their roles are decided."""

    lines: list[str]
    #: Each line's words in lower case, for comparing.
    folded: list[str]
    #: The words of each of those.
    words: list[list[str]]
    #: How often each of those stands in the text, glued to other lines too.
    counts: Counter[str]
    #: True for each line that looks like running text.
    running: list[bool] = dataclass_field(default_factory=list)
    #: Index of each line that had the headline glued to its end, and the headline.
    unglued: dict[int, str] = dataclass_field(default_factory=dict)
    #: How likely each line is part of the body, 0 to 1.
    shares: list[float] = dataclass_field(default_factory=list)
    #: What each number of a line counts for it to be the headline.
    weights: tuple[float, ...] = ()
    #: The body is lines[start:end].
    start: int = 0
    end: int = 0

    def repeated(self, at: int) -> bool:
        """True if line `at` stands in the text more than once."""
        return self.counts[self.folded[at]] > 1


def read(blocks: list[str], model: line_model.Model | None = None) -> Lines:
    """What is known of `blocks`; `start` equals `end` where none of them looks like running text."""
    words = list(map(folded_words, blocks))
    folded = list(map(" ".join, words))
    page = Lines(list(blocks), folded, words, Counter(folded))
    _unglue(page)
    page.running = [shape.is_sentence(line) and not shape.is_notice(line) for line in page.lines]
    page.start, page.end = _run(page)
    page.shares = _shares(page, model)
    page.weights = (model or line_model.packaged()).title
    if page.start < page.end:
        masses = [share * min(len(line), 400) / 100 for share, line in zip(page.shares, page.lines, strict=True)]
        page.start, page.end = line_model.run(page.shares, masses)
    return page


def _shares(page: Lines, model: line_model.Model | None) -> list[float]:
    """The model's word on each line; that of the run alone for a book, and where the model sees no article."""
    if len(page.lines) <= _LONGEST:
        shares = line_model.shares(page.lines, page.folded, page.words, model)
        if max(shares, default=0.0) >= LIKELY:
            return shares
    return [float(page.start <= at < page.end) for at in range(len(page.lines))]


def _unglue(page: Lines) -> None:
    """Cuts a headline off the end of another line, where a scrape joined the two."""
    heads = [line for line in page.lines[:HEAD] if shape.is_titlelike(line) and shape.words(line) >= 3]
    ends = tuple(heads)
    for at, line in enumerate(page.lines[:HEAD]):
        for head in heads if line.endswith(ends) else ():
            if line.endswith(head) and len(line) >= len(head) + 12:
                page.lines[at] = line[: -len(head)].rstrip()
                page.words[at] = folded_words(page.lines[at])
                page.folded[at] = " ".join(page.words[at])
                page.counts[fold(head)] += 1
                page.unglued[at] = head
                break


def _run(page: Lines) -> tuple[int, int]:
    """(start, end) of the contiguous run with the most running text; equal where there is none."""
    best, best_start, best_end = 0.0, 0, 0
    total, start = 0.0, 0
    for at, line in enumerate(page.lines):
        if total <= 0:
            total, start = 0.0, at
        total += _weight(line) if page.running[at] else -_COST_OF_OTHER_LINE
        if total > best:
            best, best_start, best_end = total, start, at + 1
    while best_end and best_end < len(page.lines) and _closes(page.lines[best_end]):
        best_end += 1
    return best_start, best_end


def _weight(line: str) -> float:
    return 1 + (min(shape.width(line), 400) / 200 if ends_sentence(line) else 0)


def _closes(line: str) -> bool:
    """True for a short last paragraph, such as "We are staying."."""
    return (
        shape.words(line) >= 2
        and _LAST_PARAGRAPH.search(line) is not None
        and not shape.is_page_words(line)
        and not shape.is_notice(line)
        and any(word.islower() for word in line.split()[1:])
    )
