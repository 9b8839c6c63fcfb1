"""What people ask for, checked field by field."""

from __future__ import annotations

from datetime import time

import pytest

from publisher.audience.wanted import Answers, WantedError, check
from publisher.errors import PublisherError
from publisher.model import Frequency
from publisher.settings import Newsletter, Site

DAILY = Newsletter(name="daily", title="Daily", frequencies=(Frequency.WEEKLY, Frequency.DAILY), time=time(8), weekday=3)
SEA = Newsletter(name="sea", sections=("sea", "fish-and-chips"))
SITE = Site(timezone="Asia/Tokyo")


def test_what_is_not_said_is_the_newsletters_choice() -> None:
    """First newsletter, its first frequency, its time and day, all sections, the site's zone and language."""
    found = check(Answers("jo@example.org"), [DAILY, SEA], SITE)
    assert (found.newsletter, found.frequency, found.weekday, found.local_time) == (DAILY, Frequency.WEEKLY, 3, time(8))
    assert (found.sections, found.timezone, found.language, found.name) == ((), "Asia/Tokyo", "", "")


def test_what_is_said_counts() -> None:
    """Names of days and sections are understood as well as numbers and slugs; a name is put on one line."""
    answers = Answers(
        "jo@example.org", name=" Jo\n Smith ", newsletter="sea", frequency="DAILY", weekday="Friday",
        sections=("Fish and Chips", "sea", "sea"), timezone="America/New_York", time="06:30:00", language="de-AT",
    )
    found = check(answers, [DAILY, SEA], SITE)
    assert (found.name, found.weekday, found.sections) == ("Jo Smith", 4, ("fish-and-chips", "sea"))
    assert (found.timezone, found.local_time, found.language) == ("America/New_York", time(6, 30), "de-AT")


@pytest.mark.parametrize(
    ("field", "answers"),
    [
        ("email", Answers("")),
        ("newsletter", Answers("jo@example.org", newsletter="gone")),
        ("name", Answers("jo@example.org", name="x" * 101)),
        ("frequency", Answers("jo@example.org", frequency="immediate")),
        ("weekday", Answers("jo@example.org", weekday="7")),
        ("time", Answers("jo@example.org", time="7:00")),
        ("sections", Answers("jo@example.org", newsletter="sea", sections=("news",))),
        ("sections", Answers("jo@example.org", sections=("x",) * 51)),
        ("timezone", Answers("jo@example.org", timezone="../../etc/passwd")),
        ("language", Answers("jo@example.org", language="e\n")),
    ],
)
def test_each_fault_has_its_field(field: str, answers: Answers) -> None:
    """The fault stands under the name of the form's field."""
    with pytest.raises(WantedError) as caught:
        check(answers, [DAILY, SEA], SITE)
    assert list(caught.value.faults) == [field]


def test_every_fault_is_told_at_once() -> None:
    """Two wrong answers, two reasons."""
    with pytest.raises(WantedError) as caught:
        check(Answers("jo", time="x"), [DAILY], SITE)
    assert set(caught.value.faults) == {"email", "time"}


def test_without_a_newsletter_there_is_nothing_to_want() -> None:
    """A clear line for the operator."""
    with pytest.raises(PublisherError, match="no newsletter is configured"):
        check(Answers("jo@example.org"), [], SITE)
