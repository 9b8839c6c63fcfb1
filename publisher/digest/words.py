"""The digest's own words, in English: dates, counts, sentences. Pure, and independent of the process's locale."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")
#: Authors named in a byline before it says "and others".
_NAMED = 3


def day(on: date) -> str:
    """The date as a masthead writes it: "Sunday, 22 November 2026"."""
    return f"{_DAYS[on.weekday()]}, {on.day} {_MONTHS[on.month - 1]} {on.year}"


def stories(count: int) -> str:
    """"1 story", "8 stories"."""
    return "1 story" if count == 1 else f"{count:,} stories"


def reading(minutes: int) -> str:
    """A reading time: "4 min", "1 h 20 min"."""
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def byline(authors: Sequence[str]) -> str:
    """"By A", "By A and B", "By A, B, C and others"; empty where nobody is named."""
    if not authors:
        return ""
    if len(authors) > _NAMED:
        return f"By {', '.join(authors[:_NAMED])} and others"
    *first, last = authors
    return f"By {', '.join(first)} and {last}" if first else f"By {last}"


def left_out(count: int) -> str:
    """What stands below the last headline where the message has no room for more."""
    return f"And {stories(count)} more on our site"


def corrections(count: int) -> str:
    """What stands above the stories that were corrected after their readers got them."""
    return f"Since we sent {'it' if count == 1 else 'them'} to you, we corrected {stories(count)}:"


def welcome(title: str) -> str:
    """The paragraph with which a first edition opens."""
    return f"Welcome to {title}, and thank you for subscribing. To begin with, here is what we published last."
