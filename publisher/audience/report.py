"""What became of the rows of a table, counted, and told one by one where there is something to know. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from publisher.text import one_line, shorten

#: Rows that are reported one by one; of more only the number is.
MOST_TOLD = 10_000


class Result(StrEnum):
    """What became of a row."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    LEFT = "left"
    """The reader left, there or here, and gets nothing."""
    SUPPRESSED = "suppressed"
    """The address is on the suppression list, or was put there."""
    SKIPPED = "skipped"
    DUPLICATE = "duplicate"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class ToldRow:
    """A row that its owner should know of."""

    #: Number of the line; the first of the file is 1.
    line: int
    email: str
    result: Result
    reason: str


@dataclass(slots=True)
class Report:
    """What became of all rows: `counts` add up to `read`."""

    #: Which system wrote the table.
    system: str
    encoding: str
    read: int = 0
    counts: Counter[Result] = field(default_factory=Counter)
    #: Subscriptions that wait for their readers' consent; to how many of them a mail goes that asks for it.
    pending: int = 0
    asked: int = 0
    told: list[ToldRow] = field(default_factory=list)
    #: Rows that are not in `told`, for it is full.
    untold: int = 0

    def note(self, line: int, email: str, result: Result, reason: str = "") -> None:
        """Counts a row, and keeps it in mind where there is a reason to."""
        self.read += 1
        self.counts[result] += 1
        if not reason:
            return
        if len(self.told) < MOST_TOLD:
            self.told.append(ToldRow(line, shorten(one_line(email), 254), result, shorten(one_line(reason), 300)))
        else:
            self.untold += 1
