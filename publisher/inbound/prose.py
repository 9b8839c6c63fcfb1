"""A refusal told in words: where they stand, whom they are about, which codes they name. Pure.

    text | cut before the copy of our own message | the address | the paragraph about it | codes
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from publisher.inbound import telltales
from publisher.inbound.fields import ADDRESS
from publisher.inbound.mime import Part
from publisher.inbound.rules import plain

#: Characters of a report's own words that are read.
_LONGEST = 8_000
_ENHANCED = re.compile(r"(?<![\d.])([45]\.\d{1,2}\.\d{1,3})(?![\d.]*\d)")
_BASIC = re.compile(r"(?<![\d.\[])([45][0-5]\d)(?=[- :#(\]]|\)|$)(?![ -]?(?:bytes|kb|mb|hours|days|am|pm))")
@dataclass(frozen=True, slots=True)
class Codes:
    """What a server answered."""

    #: As "5.1.1", or empty.
    enhanced: str
    #: As "550", or empty.
    basic: str


def codes_in(words: str) -> Codes:
    """The first codes in `words`."""
    enhanced = _ENHANCED.search(words)
    basic = _BASIC.search(words)
    return Codes(enhanced[1] if enhanced else "", basic[1] if basic else "")


def own_words(message: Part) -> str:
    """What the report itself says, without the copy of our message."""
    found: list[str] = []
    for part in _told(message):
        text = part.text[: 2 * _LONGEST].replace("\r", "")
        # At the very beginning it is the report's own first sentence.
        cut = next((match.start() for match in telltales.COPY.finditer(text) if match.start() > 20), None)
        if cut is not None:
            found.append(text[:cut])
            break
        found.append(text)
        if sum(map(len, found)) > _LONGEST:
            break
    return "\n".join(found)[:_LONGEST]


def still_trying(words: str) -> bool:
    """Whether a report says that its mail system goes on trying: nothing has failed yet."""
    text = plain(words)
    return telltales.TRYING.search(text) is not None and telltales.GIVEN_UP.search(text) is None


def _told(message: Part) -> list[Part]:
    """The text parts that are not enclosed messages; plain text instead of HTML where both are there."""
    found: list[Part] = []

    def collect(part: Part) -> None:
        if part.content_type.startswith("multipart/"):
            for each in part.parts:
                collect(each)
        elif part.content_type.startswith("text/") and not part.parts:
            found.append(part)

    collect(message)
    plain = [part for part in found if part.content_type == "text/plain" and part.text.strip()]
    return plain or found


def candidates(text: str, not_these: frozenset[str]) -> list[str]:
    """The addresses in `text` that may be of the recipient, the likeliest first. `not_these` in lower case."""
    found: dict[str, int] = {}
    for match in ADDRESS.finditer(text):
        address = match[1]
        if address.lower() in not_these or telltales.OURS.match(address):
            continue
        before = text[max(0, match.start() - 40) : match.start()]
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip(" \t<>*-(\"'[")
        after = text[match.end() : match.end() + 2].lstrip(">")
        weight = 2 * (not line) + 2 * (telltales.INTRODUCED.search(before) is not None) + after.startswith(":")
        found[address] = max(found.get(address, 0), weight)
    order = list(found)
    return sorted(order, key=lambda address: (-found[address], order.index(address)))


def about(text: str, address: str) -> str:
    """What is said of the address: from where it stands to the end of its paragraphs."""
    at = text.lower().find(address.lower()) if address else -1
    if at < 0:
        return text
    start = text.rfind("\n\n", 0, at) + 1
    return text[start : at + 1_500]
