"""What a person asks for when they subscribe, checked field by field. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import time
from functools import cache, lru_cache
from typing import Any, TypedDict
from zoneinfo import available_timezones

from publisher import address, text
from publisher.errors import PublisherError
from publisher.model import Frequency
from publisher.settings import Newsletter, Site
from publisher.urls import section_slug

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_ANYBODY = "anybody@example.org"
_NAME_LENGTH = 100
_SECTIONS = 50
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::\d\d)?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class Choices(TypedDict):
    """What a reader chooses of a newsletter."""

    frequency: Frequency
    #: 0 is Monday.
    weekday: int
    local_time: time
    #: Slugs; empty: all that the newsletter offers.
    sections: tuple[str, ...]


class Personal(TypedDict):
    """What a reader chooses for all that they get."""

    timezone: str
    #: BCP 47; empty: the site's.
    language: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A subscription as asked for, with the newsletter's own choices where the person made none."""

    address: address.Address
    newsletter: Newsletter
    name: str
    frequency: Frequency
    #: 0 is Monday.
    weekday: int
    local_time: time
    #: Slugs; empty: all that the newsletter offers.
    sections: tuple[str, ...]
    timezone: str
    #: BCP 47; empty: the site's.
    language: str


@dataclass(frozen=True, slots=True)
class Answers:
    """The same as it came in, from a form or a command line; empty: not said."""

    email: str
    name: str = ""
    newsletter: str = ""
    frequency: str = ""
    #: Name or number, 0 is Monday.
    weekday: str = ""
    #: Slugs or names.
    sections: tuple[str, ...] = ()
    timezone: str = ""
    time: str = ""
    language: str = ""


class WantedError(PublisherError):
    """Some answers will not do; `faults` maps the field to one line that says why."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = faults


def check(answers: Answers, newsletters: Sequence[Newsletter], site: Site) -> Wanted:
    """What `answers` ask for; raises WantedError with every fault, PublisherError where there is no newsletter."""
    if not newsletters:
        raise PublisherError("no newsletter is configured")
    faults: dict[str, str] = {}
    found = {n.name: n for n in newsletters}.get(answers.newsletter or newsletters[0].name)
    if found is None:
        faults["newsletter"] = f"there is no newsletter {text.shorten(answers.newsletter, 40)!r}"
    letter = found or newsletters[0]
    given = _tried(faults, "email", address.parse, answers.email)
    name = _tried(faults, "name", _name, answers.name)
    choices, personal = _choices(faults, answers, letter), _personal(faults, answers, site)
    if faults:
        raise WantedError(faults)
    return Wanted(given, letter, name, **choices, **personal)


def check_choices(answers: Answers, letter: Newsletter) -> Choices:
    """What `answers` choose of a newsletter; raises WantedError with every fault."""
    faults: dict[str, str] = {}
    choices = _choices(faults, answers, letter)
    if faults:
        raise WantedError(faults)
    return choices


def check_personal(answers: Answers, site: Site) -> Personal:
    """What `answers` choose for everything; raises WantedError with every fault."""
    faults: dict[str, str] = {}
    personal = _personal(faults, answers, site)
    if faults:
        raise WantedError(faults)
    return personal


def _choices(faults: dict[str, str], answers: Answers, letter: Newsletter) -> Choices:
    return {
        "frequency": _tried(faults, "frequency", lambda value: _frequency(value, letter), answers.frequency),
        "weekday": _tried(faults, "weekday", lambda value: _weekday(value, letter), answers.weekday),
        "local_time": _tried(faults, "time", lambda value: _time(value, letter), answers.time),
        "sections": _tried(faults, "sections", lambda value: _sections(value, letter), answers.sections),
    }


def _personal(faults: dict[str, str], answers: Answers, site: Site) -> Personal:
    return {
        "timezone": _tried(faults, "timezone", lambda value: _timezone(value, site), answers.timezone),
        "language": _tried(faults, "language", _language, answers.language),
    }


def checker(newsletters: Sequence[Newsletter], site: Site) -> Callable[[Answers], Wanted]:
    """`check` for many people: what most of them say alike, which is all but address and name, is judged once."""

    @lru_cache(4096)
    def alike(
        newsletter: str, frequency: str, weekday: str, sections: tuple[str, ...], timezone: str, time: str,
        language: str,
    ) -> Wanted:
        answers = Answers(_ANYBODY, "", newsletter, frequency, weekday, sections, timezone, time, language)
        return check(answers, newsletters, site)

    def one(answers: Answers) -> Wanted:
        try:
            found = alike(
                answers.newsletter, answers.frequency, answers.weekday, answers.sections, answers.timezone,
                answers.time, answers.language,
            )
            given, name = address.parse(answers.email), _name(answers.name)
        except PublisherError:
            return check(answers, newsletters, site)  # which tells every fault
        return Wanted(
            given, found.newsletter, name, found.frequency, found.weekday, found.local_time, found.sections,
            found.timezone, found.language,
        )

    return one


def _tried(faults: dict[str, str], field: str, read: Callable[[Any], Any], value: Any) -> Any:
    """What `read` makes of `value`; where it refuses, None, and the reason stands in `faults`."""
    try:
        return read(value)
    except PublisherError as error:
        faults[field] = str(error)
        return None


def _name(value: str) -> str:
    if len(value) > _NAME_LENGTH:
        raise PublisherError(f"the name is too long; {_NAME_LENGTH} characters will do")
    return text.one_line(value)


def _frequency(value: str, letter: Newsletter) -> Frequency:
    offered = {frequency.value: frequency for frequency in letter.frequencies}
    found = offered.get(value.strip().lower() or letter.frequencies[0].value)
    if found is None:
        raise PublisherError(f"{letter.title or letter.name} comes {' or '.join(offered)}")
    return found


def _weekday(value: str, letter: Newsletter) -> int:
    wanted = value.strip().lower()
    if not wanted:
        return letter.weekday
    for number, name in enumerate(WEEKDAYS):
        if wanted in (str(number), name.lower(), name[:3].lower()):
            return number
    raise PublisherError("the weekday is a name such as Monday, or a number from 0 (Monday) to 6")


def _time(value: str, letter: Newsletter) -> time:
    if not value.strip():
        return letter.time
    match = _CLOCK.fullmatch(value.strip())
    if match is None:
        raise PublisherError("the time is written as 07:00")
    return time(int(match[1]), int(match[2]))


def _sections(value: Sequence[str], letter: Newsletter) -> tuple[str, ...]:
    if len(value) > _SECTIONS or any(len(name) > _NAME_LENGTH for name in value):
        raise PublisherError("too many sections")
    slugs = tuple(dict.fromkeys(section_slug(name) for name in value if name.strip()))
    foreign = [slug for slug in slugs if letter.sections and slug not in letter.sections]
    if foreign:
        raise PublisherError(f"{letter.title or letter.name} has no section {', '.join(foreign)}")
    return slugs


def _timezone(value: str, site: Site) -> str:
    found = value.strip() or site.timezone
    if found not in zones():
        raise PublisherError('the time zone is a name such as "Europe/London"')
    return found


def _language(value: str) -> str:
    if value.strip() and not _LANGUAGE.fullmatch(value.strip()):
        raise PublisherError('the language is a code such as "en"')
    return value.strip()


@cache
def zones() -> frozenset[str]:
    """The IANA time zones that this machine knows."""
    return frozenset(available_timezones())
