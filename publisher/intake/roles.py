"""What each line of a scraped text is: headline, byline, body, promo, furniture and so on. Pure.

page with its likely lines | headline, standfirst, section      headline
                           | what says itself what it is        byline, shape
                           | the likely lines' kinds; the rest is the page's
"""

from __future__ import annotations

import re
from enum import StrEnum
from zoneinfo import ZoneInfo

from publisher.intake import byline, headline, shape
from publisher.intake.lines import ends_sentence
from publisher.intake.running import LIKELY, Lines

#: For asking whether a line is a date at all.
_ANY_ZONE = ZoneInfo("UTC")
#: No line that says itself what it is has more characters.
_LONGEST_TOLD = 500
#: A short line that stands in the text again must be as likely as this.
_CERTAIN = 0.8
#: A plea to subscribe is the page's below this.
_SURE = 0.95
#: No button says more, in characters.
_LONGEST_CALL = 80
#: Lines below the last paragraph within which its author may sign.
_SIGNED_WITHIN = 3
_ITEM = re.compile(r"(?:[-*•–·‣▪]|\d{1,2}[.)])\s+\S")
_NUMBER = re.compile(r"\d+")
_TIME = re.compile(r"(?:[01]?\d|2[0-3])[:.h][0-5]\d(?: ?(?:h|[ap]\.?m\.?|uhr))?", re.IGNORECASE)
_DAY = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:\d\d|\d{4})")
_QUOTED = re.compile(r"(?:[“„«「][^“”»」]{8,}[“”»」]|\"[^\"]{8,}\")[.!?]?(?:\s*[–—-]\s*.{2,60})?")


class Role(StrEnum):
    """What a line is to its article."""

    SECTION = "section"
    HEADLINE = "headline"
    STANDFIRST = "standfirst"
    BYLINE = "byline"
    DATE = "date"
    CAPTION = "caption"
    CREDIT = "credit"
    BODY = "body"
    SUBHEADING = "subheading"
    QUOTATION = "quotation"
    LIST = "list"
    PROMO = "promo"
    FURNITURE = "furniture"


#: The roles that make up the body.
OF_BODY = frozenset((Role.BODY, Role.SUBHEADING, Role.QUOTATION, Role.LIST))


def assign(page: Lines) -> list[Role]:
    """The role of each line of `page`."""
    title_at = headline.title(page)
    found: list[Role | None] = [_told(line) for line in page.lines]
    _captions(page, found, title_at)
    if title_at is not None:
        _head(page, found, title_at)
    _listed(page, found)
    if title_at is not None and Role.STANDFIRST not in found:
        _summary(page, found, title_at)
    roles = [role or _own_or_not(page, at, title_at) for at, role in enumerate(found)]
    _end(page, roles)
    _signed(page, roles, title_at)
    return roles


def _end(page: Lines, roles: list[Role]) -> None:
    """What looks like a heading with no paragraph below it is the page's."""
    for at in range(len(roles) - 1, -1, -1):
        if roles[at] is Role.SUBHEADING and _ends_nothing(page.lines[at]):
            roles[at] = Role.FURNITURE
        elif roles[at] in OF_BODY:
            return


def _signed(page: Lines, roles: list[Role], title_at: int | None) -> None:
    """Who signed below the last paragraph: a name behind a dash or, where none is named above, a name alone."""
    ends = (at for at, role in enumerate(roles) if role is Role.BODY and ends_sentence(page.lines[at]))
    last = max(ends, default=len(roles))
    nameless = title_at is not None and Role.BYLINE not in roles[:last]
    for at in range(last + 1, min(last + 1 + _SIGNED_WITHIN, len(roles))):
        line = page.lines[at]
        alone = nameless and at == last + 1 and byline.is_person(line) and not shape.is_page_words(line)
        if alone or byline.signature(line):
            roles[at] = Role.BYLINE
            return


def _ends_nothing(line: str) -> bool:
    return not ends_sentence(line) or shape.is_page_words(line)


def _told(line: str) -> Role | None:
    """The role of a line that says itself what it is."""
    if shape.pointer(line) or shape.is_pointer_label(line):
        return Role.PROMO
    if len(line) > _LONGEST_TOLD:
        return None
    if shape.credit(line):
        return Role.CREDIT
    if shape.caption(line):
        return Role.CAPTION
    if byline.authors(line) or byline.is_label(line):
        return Role.BYLINE
    is_date = byline.date(line, _ANY_ZONE) is not None or _DAY.fullmatch(line)
    return Role.DATE if is_date else None


def _head(page: Lines, found: list[Role | None], title_at: int) -> None:
    """Headline with its repetitions, standfirst, section, and the names below them."""
    standfirst_at = headline.standfirst(page, title_at)
    section_at = headline.section_at(page, title_at)
    for at, folded in enumerate(page.folded):
        if folded == page.folded[title_at] and (at <= page.start + 8 or page.shares[at] < 0.9):
            found[at] = Role.HEADLINE
    if standfirst_at is not None and found[standfirst_at] is None:
        found[standfirst_at] = Role.STANDFIRST
    if section_at is not None:
        found[section_at] = Role.SECTION
    for at in range(title_at + 1, min(title_at + 8, len(page.lines))):
        if found[at] in (None, Role.DATE) and page.shares[at] < _CERTAIN and byline.is_person(page.lines[at]):
            found[at] = Role.BYLINE


def _summary(page: Lines, found: list[Role | None], title_at: int) -> None:
    """A line of some words between headline and body that nothing else explains sums the article up."""
    for at in range(title_at + 1, min(title_at + 6, len(page.lines))):
        line = page.lines[at]
        if found[at] is not None:
            continue
        if page.shares[at] < LIKELY and shape.words(line) >= 5 and len(line) <= 400 and not shape.is_page_words(line):
            found[at] = Role.STANDFIRST
        return


def _captions(page: Lines, found: list[Role | None], title_at: int | None) -> None:
    """The words about a picture stand right above its credit."""
    for at in range(1, len(found)):
        above = page.lines[at - 1]
        if found[at] is not Role.CREDIT or found[at - 1] is not None or at - 1 == title_at:
            continue
        if 3 <= shape.words(above) <= 40 and not ends_sentence(above):
            found[at - 1] = Role.CAPTION


def _listed(page: Lines, found: list[Role | None]) -> None:
    """Titles below a label such as "Related stories" point to them."""
    listing = False
    for at, line in enumerate(page.lines):
        if shape.is_pointer_label(line):
            listing = True
        elif listing and found[at] is None and _could_be_story(line):
            found[at] = Role.PROMO
        else:
            listing = False


def _is_entry(line: str) -> bool:
    """True for an entry of a table, such as a result or a line-up."""
    return len(_NUMBER.findall(line)) >= 2 or (":" in line[:40] and line.count(",") >= 2)


def _could_be_story(line: str) -> bool:
    told = shape.is_page_words(line) or shape.is_prompt(line)
    return shape.is_titlelike(line) and shape.words(line) >= 4 and not told


def _own_or_not(page: Lines, at: int, title_at: int | None) -> Role:
    """The kind of a line that may be the body's."""
    line = page.lines[at]
    if _TIME.fullmatch(line) and page.shares[at + 1 : at + 2] > [LIKELY]:
        return Role.SUBHEADING  # of a report that goes on by the hour
    if _is_pages(page, at, title_at):
        return Role.FURNITURE
    if _ITEM.match(line) or (len(line) < 120 and not ends_sentence(line) and _is_entry(line)):
        return Role.LIST
    if len(line) < 300 and _QUOTED.fullmatch(line):
        return Role.QUOTATION
    is_short = shape.width(line) < 80 and shape.words(line) <= 12
    return Role.SUBHEADING if is_short and not ends_sentence(line) else Role.BODY


def _is_pages(page: Lines, at: int, title_at: int | None) -> bool:
    """True for a line of the page around the article."""
    line, share = page.lines[at], page.shares[at]
    if share < LIKELY or (title_at is not None and at < title_at) or shape.is_notice(line):
        return True
    if share < _SURE and shape.is_prompt(line):
        return True
    if ends_sentence(line):
        return False
    if share < _CERTAIN and len(line) < _LONGEST_CALL and not shape.CALLS.isdisjoint(page.words[at][:1]):
        return True
    return shape.is_page_words(line) or (page.repeated(at) and share < _CERTAIN)
