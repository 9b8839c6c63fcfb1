"""When the operator is told, and what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from publisher.mail import alarm
from publisher.mail.alarm import Alarm, Facts
from tests.mail.conftest import NOON

TEN = timedelta(minutes=10)
AGAIN = timedelta(hours=6)


@pytest.mark.parametrize(
    ("facts", "why", "expected"),
    [
        (Facts(), "", {}),
        (Facts(late=9, deferred=9, reply="450 later"), "", {}),
        (Facts(late=9, moving=False), "no route to relay:25",
         {"stuck": "9 messages due for more than 10 min, and none went out: no route to relay:25"}),
        (Facts(late=1, moving=False, reply="450 4.2.1 later"), "",
         {"stuck": "1 message due for more than 10 min, and none went out: 450 4.2.1 later"}),
        (Facts(deferred=3, moving=False, reply="450 4.2.1 later"), "",
         {"stuck": "3 messages refused for now, and none went out; most often: 450 4.2.1 later"}),
        (Facts(moving=False), "no route to relay:25", {}),
        (Facts(held=2, held_why="no postal address"), "", {"held": "2 messages held back: no postal address"}),
        (Facts(doubtful=1), "",
         {"doubt": "1 message in doubt: whether they arrived, only the mail server's log knows"}),
    ],
)
def test_troubles_name_their_reason(facts: Facts, why: str, expected: dict[str, str]) -> None:
    """Mail is stuck only while none goes out."""
    assert alarm.troubles(facts, TEN, why) == expected


def test_one_alarm_of_a_kind_is_raised_stands_and_is_over() -> None:
    """Its reason follows what is known; what could not be judged is left as it was."""
    (raised,) = alarm.updated({}, {"stuck": "relay down"}, {"stuck", "held"}, NOON)
    assert raised == Alarm("stuck", "relay down", NOON)
    later = NOON + TEN
    (stands,) = alarm.updated({"stuck": raised}, {"stuck": "relay refuses"}, {"stuck"}, later)
    assert stands == Alarm("stuck", "relay refuses", NOON)
    assert alarm.updated({"stuck": stands}, {}, {"store"}, later) == [stands]
    (over,) = alarm.updated({"stuck": stands}, {}, {"stuck"}, later)
    assert over == replace(stands, cleared_at=later)
    assert alarm.updated({"stuck": over}, {}, {"stuck"}, later + TEN) == [over]
    (back,) = alarm.updated({"stuck": over}, {"stuck": "again"}, {"stuck"}, later + TEN)
    assert back == Alarm("stuck", "again", later + TEN)


def test_each_way_is_told_once_again_after_a_while_and_when_it_is_over() -> None:
    """Whoever was never told that it stood is not told that it is over."""
    stands = Alarm("stuck", "relay down", NOON)
    assert alarm.is_due(stands, None, NOON, AGAIN)
    assert alarm.is_due(stands, NOON - TEN, NOON, AGAIN)
    assert not alarm.is_due(stands, NOON, NOON + AGAIN - TEN, AGAIN)
    assert alarm.is_due(stands, NOON, NOON + AGAIN, AGAIN)
    over = replace(stands, cleared_at=NOON + TEN)
    assert alarm.is_due(over, NOON, NOON + TEN, AGAIN)
    assert not alarm.is_due(over, None, NOON + TEN, AGAIN)
    assert not alarm.is_due(over, NOON - TEN, NOON + TEN, AGAIN)
    assert not alarm.is_due(over, NOON + TEN, NOON + 9 * AGAIN, AGAIN)


@pytest.mark.parametrize("kind", list(alarm.KINDS))
def test_words_say_what_since_when_and_what_to_do(kind: str) -> None:
    """And when it is over, that."""
    stands = Alarm(kind, "because of the fog", NOON)
    assert "because of the fog" in alarm.text(stands)
    assert "2026-11-22 12:00 UTC" in alarm.text(stands)
    assert alarm.text(stands).startswith(alarm.title(stands))
    over = replace(stands, cleared_at=NOON + TEN)
    assert alarm.title(over) != alarm.title(stands)
    assert alarm.text(over).startswith(alarm.title(over))
