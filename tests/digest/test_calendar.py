"""When a subscription is due: against a clock that is walked minute by minute."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.digest.calendar import instant, latest_due, next_due, period
from publisher.model import Frequency

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

#: Zone, and a day on which its clocks do something (or nothing).
CHANGES = [
    ("Europe/London", date(2026, 3, 29)),
    ("Europe/London", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Asia/Kathmandu", date(2026, 11, 22)),
    ("Asia/Kathmandu", date(1986, 1, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Pacific/Apia", date(2026, 11, 22)),
    ("Africa/Casablanca", date(2026, 2, 15)),
    ("Africa/Casablanca", date(2026, 3, 22)),
    ("America/Nuuk", date(2024, 3, 30)),
    ("America/Havana", date(2026, 11, 1)),
    ("America/St_Johns", date(2006, 4, 2)),
]
TIMES = [time(0, 0), time(0, 1), time(0, 30), time(1, 30), time(2, 0), time(2, 30), time(3, 0), time(7, 0), time(23, 30)]


def walked(zone: ZoneInfo, around: date) -> list[tuple[datetime, datetime]]:
    """(UTC, what the clock on the wall shows) for each minute of five days."""
    start = datetime.combine(around - 2 * DAY, time(), tzinfo=UTC) - timedelta(hours=14)
    minutes = (start + n * MINUTE for n in range(6 * 24 * 60))
    return [(minute, minute.astimezone(zone).replace(tzinfo=None)) for minute in minutes]


def first_shown(clock: list[tuple[datetime, datetime]], wanted: datetime) -> datetime | None:
    """The first minute at which the clock shows `wanted` or, having jumped over it, more; None on a day left out."""
    if not any(wall.date() == wanted.date() for _, wall in clock):
        return None
    return next(minute for minute, wall in clock if wall >= wanted)


def slots(clock: list[tuple[datetime, datetime]], around: date, at: time) -> Iterator[datetime]:
    for offset in (-1, 0, 1):
        found = first_shown(clock, datetime.combine(around + offset * DAY, at))
        if found is not None:
            yield found


@pytest.mark.parametrize(("name", "around"), CHANGES)
def test_due_instants_equal_those_of_a_clock_walked_minute_by_minute(name: str, around: date) -> None:
    """In every zone, around every change of its clocks, each time of day is due when a patient watcher says so."""
    zone = ZoneInfo(name)
    clock = walked(zone, around)
    for at in TIMES:
        for offset in (-1, 0, 1):
            day = around + offset * DAY
            assert instant(day, at, zone) == first_shown(clock, datetime.combine(day, at)), (day, at)
        expected = list(slots(clock, around, at))
        for before, after in itertools.pairwise(expected):
            assert next_due(Frequency.DAILY, 0, at, zone, before) == after
            assert next_due(Frequency.DAILY, 0, at, zone, after - MINUTE) == after
            found = latest_due(Frequency.DAILY, 0, at, zone, before, now=after - MINUTE)
            assert found == before


@pytest.mark.parametrize(("zone", "day", "at", "expected"), [
    ("Europe/London", date(2026, 3, 29), time(1, 30), "2026-03-29T01:00+00:00"),  # the gap ends at 02:00 BST
    ("Europe/London", date(2026, 10, 25), time(1, 30), "2026-10-25T00:30+00:00"),  # the first 01:30 of two
    ("America/New_York", date(2026, 3, 8), time(2, 30), "2026-03-08T07:00+00:00"),
    ("America/New_York", date(2026, 11, 1), time(1, 30), "2026-11-01T05:30+00:00"),
    ("Asia/Kathmandu", date(2026, 11, 22), time(7, 0), "2026-11-22T01:15+00:00"),
    ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), "2026-10-03T15:30+00:00"),  # half an hour is skipped
    ("Australia/Lord_Howe", date(2026, 4, 5), time(1, 45), "2026-04-04T14:45+00:00"),
    ("Pacific/Apia", date(2011, 12, 29), time(7, 0), "2011-12-29T17:00+00:00"),
    ("Pacific/Apia", date(2011, 12, 31), time(7, 0), "2011-12-30T17:00+00:00"),
    ("Africa/Casablanca", date(2026, 3, 22), time(2, 30), "2026-03-22T02:00+00:00"),
    ("America/Nuuk", date(2024, 3, 30), time(23, 30), "2024-03-31T01:00+00:00"),
])
def test_known_instants(zone: str, day: date, at: time, expected: str) -> None:
    """What an almanac says of gaps, folds and odd offsets."""
    assert instant(day, at, ZoneInfo(zone)) == datetime.fromisoformat(expected)


#: Zone, frequency, weekday, reader's time, after when (UTC) -> due (UTC), period, and what the wall then shows.
ALMANAC = [
    ("Europe/London", "daily", 0, "01:30", "2026-03-28T12:00", "2026-03-29T01:00", "D:2026-03-29"),  # Sun 02:00 +0100
    ("Europe/London", "daily", 0, "01:30", "2026-10-24T12:00", "2026-10-25T00:30", "D:2026-10-25"),  # Sun 01:30 +0100
    ("Europe/London", "daily", 0, "01:30", "2026-10-25T00:30", "2026-10-26T01:30", "D:2026-10-26"),  # Mon 01:30 +0000
    ("America/New_York", "daily", 0, "02:30", "2026-03-07T12:00", "2026-03-08T07:00", "D:2026-03-08"),  # Sun 03:00 -0400
    ("America/New_York", "daily", 0, "01:30", "2026-10-31T12:00", "2026-11-01T05:30", "D:2026-11-01"),  # Sun 01:30 -0400
    ("America/New_York", "weekly", 6, "07:00", "2026-03-01T12:00", "2026-03-08T11:00", "W:2026-W10"),  # Sun 07:00 -0400
    ("Asia/Kolkata", "daily", 0, "07:00", "2026-11-22T01:30", "2026-11-23T01:30", "D:2026-11-23"),  # Mon 07:00 +0530
    ("Asia/Kathmandu", "daily", 0, "00:05", "1985-12-31T12:00", "1985-12-31T18:30", "D:1986-01-01"),  # Wed 00:15 +0545
    ("Asia/Kathmandu", "daily", 0, "07:00", "2026-11-22T00:00", "2026-11-22T01:15", "D:2026-11-22"),  # Sun 07:00 +0545
    ("Australia/Lord_Howe", "daily", 0, "02:15", "2026-10-03T00:00", "2026-10-03T15:30", "D:2026-10-04"),  # Sun 02:30 +1100
    ("Australia/Lord_Howe", "daily", 0, "01:45", "2026-04-04T00:00", "2026-04-04T14:45", "D:2026-04-05"),  # Sun 01:45 +1100
    ("Pacific/Apia", "daily", 0, "07:00", "2011-12-29T17:00", "2011-12-30T17:00", "D:2011-12-31"),  # Sat 07:00 +1400
    ("Pacific/Apia", "weekly", 4, "07:00", "2011-12-29T00:00", "2012-01-05T17:00", "W:2012-W01"),  # Fri 07:00 +1400
    ("America/St_Johns", "daily", 0, "00:01", "2006-04-01T12:00", "2006-04-02T03:31", "D:2006-04-02"),  # Sun 01:01 -0230
    ("America/St_Johns", "daily", 0, "07:00", "2026-03-07T12:00", "2026-03-08T09:30", "D:2026-03-08"),  # Sun 07:00 -0230
    ("Africa/Casablanca", "daily", 0, "02:30", "2026-02-14T12:00", "2026-02-15T01:30", "D:2026-02-15"),  # Sun 02:30 +0100
    ("Africa/Casablanca", "daily", 0, "02:30", "2026-03-21T12:00", "2026-03-22T02:00", "D:2026-03-22"),  # Sun 03:00 +0100
    ("America/Nuuk", "daily", 0, "23:30", "2024-03-30T12:00", "2024-03-31T01:00", "D:2024-03-30"),  # Sun 00:00 -0100
    ("America/Havana", "daily", 0, "00:30", "2026-03-07T12:00", "2026-03-08T05:00", "D:2026-03-08"),  # Sun 01:00 -0400
    ("America/Havana", "daily", 0, "00:30", "2026-10-31T12:00", "2026-11-01T04:30", "D:2026-11-01"),  # Sun 00:30 -0400
    ("Pacific/Chatham", "daily", 0, "03:00", "2026-09-26T00:00", "2026-09-26T14:00", "D:2026-09-27"),  # Sun 03:45 +1345
    ("Asia/Tehran", "daily", 0, "00:30", "2022-03-21T12:00", "2022-03-21T20:30", "D:2022-03-22"),  # Tue 01:00 +0430
    ("America/Sao_Paulo", "daily", 0, "00:00", "2018-11-03T12:00", "2018-11-04T03:00", "D:2018-11-04"),  # Sun 01:00 -0200
    ("Africa/Cairo", "weekly", 4, "00:15", "2026-04-20T00:00", "2026-04-23T22:00", "W:2026-W17"),  # Fri 01:00 +0300
    ("Antarctica/Troll", "daily", 0, "02:30", "2026-03-28T12:00", "2026-03-29T01:00", "D:2026-03-29"),  # Sun 03:00 +0200
    ("Australia/Eucla", "daily", 0, "07:00", "2026-11-22T00:00", "2026-11-22T22:15", "D:2026-11-23"),  # Mon 07:00 +0845
    ("Pacific/Kiritimati", "daily", 0, "07:00", "1994-12-31T00:00", "1994-12-31T17:00", "D:1995-01-01"),  # Sun 07:00 +1400
    ("Asia/Tokyo", "daily", 0, "07:00", "2028-02-28T00:00", "2028-02-28T22:00", "D:2028-02-29"),  # Tue 07:00 +0900
    ("Pacific/Auckland", "weekly", 1, "07:00", "2028-02-25T00:00", "2028-02-28T18:00", "W:2028-W09"),  # Tue 07:00 +1300
    ("America/Caracas", "daily", 0, "02:45", "2016-04-30T12:00", "2016-05-01T07:00", "D:2016-05-01"),  # Sun 03:00 -0400
    ("Asia/Pyongyang", "daily", 0, "23:45", "2018-05-04T12:00", "2018-05-04T15:00", "D:2018-05-04"),  # Sat 00:00 +0900
    ("Asia/Beirut", "daily", 0, "00:00", "2026-03-28T12:00", "2026-03-28T22:00", "D:2026-03-29"),  # Sun 01:00 +0300
]


@pytest.mark.parametrize(("name", "frequency", "weekday", "at", "after", "expected", "slot"), ALMANAC)
def test_a_table_of_calendar_cases(
    name: str, frequency: str, weekday: int, at: str, after: str, expected: str, slot: str
) -> None:
    """Gaps, folds, half hours and quarters, days left out, leap days: as written down, and as a patient watcher says."""
    zone, how, wanted = ZoneInfo(name), Frequency(frequency), time.fromisoformat(at)
    since, due = (datetime.fromisoformat(f"{instant}+00:00") for instant in (after, expected))
    assert next_due(how, weekday, wanted, zone, since) == due
    assert period(how, due, zone, 1, local_time=wanted) == slot
    assert latest_due(how, weekday, wanted, zone, due, now=due + 20 * MINUTE) == due
    assert watched(zone, how, weekday, wanted, since) == due


def test_the_table_covers_the_world() -> None:
    """At least 15 zones, among them those with the strangest clocks."""
    zones = {row[0] for row in ALMANAC}
    assert len(zones) >= 15
    assert zones >= {
        "Europe/London", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia",
        "America/St_Johns", "Africa/Casablanca",
    }


def watched(zone: ZoneInfo, how: Frequency, weekday: int, at: time, since: datetime) -> datetime:
    """The first due minute after `since`, by a clock on the wall that somebody looks at each minute."""
    start = since - 2 * DAY
    clock = [
        (minute, minute.astimezone(zone).replace(tzinfo=None))
        for minute in (start + n * MINUTE for n in range(17 * 24 * 60))
    ]
    days = sorted({wall.date() for _, wall in clock})[1:-1]
    wanted = [day for day in days if how == Frequency.DAILY or day.weekday() == weekday]
    found = (first_shown(clock, datetime.combine(day, at)) for day in wanted)
    return min(minute for minute in found if minute is not None and minute > since)


def test_a_day_that_a_zone_left_out_has_no_slot() -> None:
    """Apia went from 29 to 31 December 2011: the daily edition of the 30th does not exist."""
    apia = ZoneInfo("Pacific/Apia")
    assert instant(date(2011, 12, 30), time(7, 0), apia) is None
    after = datetime(2011, 12, 29, 18, 0, tzinfo=UTC)
    assert next_due(Frequency.DAILY, 0, time(7, 0), apia, after).astimezone(apia).date() == date(2011, 12, 31)
    fridays = next_due(Frequency.WEEKLY, 4, time(7, 0), apia, after)
    assert fridays.astimezone(apia).date() == date(2012, 1, 6)


def test_a_slot_that_a_gap_moves_past_midnight_keeps_its_own_date() -> None:
    """In Nuuk 23:30 of 30 March 2024 is midnight; the slot of 31 March comes a day later, under its own name."""
    nuuk, late = ZoneInfo("America/Nuuk"), time(23, 30)
    first = next_due(Frequency.DAILY, 0, late, nuuk, datetime(2024, 3, 30, 12, tzinfo=UTC))
    second = next_due(Frequency.DAILY, 0, late, nuuk, first)
    names = [period(Frequency.DAILY, at, nuuk, 1, local_time=late) for at in (first, second)]
    assert names == ["D:2024-03-30", "D:2024-03-31"]


def test_periods_are_named_for_the_readers_own_calendar() -> None:
    """A day, an ISO week (whose year is not always the calendar's), or the window's end."""
    auckland, at = ZoneInfo("Pacific/Auckland"), time(7, 0)
    due = datetime(2026, 12, 31, 18, 0, tzinfo=UTC)
    assert period(Frequency.DAILY, due, auckland, 5, local_time=at) == "D:2027-01-01"
    assert period(Frequency.WEEKLY, due, auckland, 5, local_time=at) == "W:2026-W53"
    assert period(Frequency.IMMEDIATE, due, auckland, 5, local_time=at) == "I:5"


def test_immediate_is_due_one_coalescing_time_after_its_last() -> None:
    """And slots that were missed fold into the last of them."""
    last = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
    five = timedelta(minutes=5)
    assert next_due(Frequency.IMMEDIATE, 0, time(7), UTC, last, coalesce=five) == last + five
    now = last + timedelta(minutes=23)
    assert latest_due(Frequency.IMMEDIATE, 0, time(7), UTC, last, now=now, coalesce=five) == last + 4 * five


zones = st.sampled_from(sorted({name for name, _ in CHANGES} | {"UTC", "Asia/Kolkata", "Antarctica/Troll"})).map(ZoneInfo)
instants = st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 1)).map(lambda at: at.replace(tzinfo=UTC))
frequencies = st.sampled_from((Frequency.DAILY, Frequency.WEEKLY))


@given(frequencies, st.integers(0, 6), st.times().map(lambda t: t.replace(second=0, microsecond=0)), zones, instants)
def test_I4_slots_follow_each_other_and_never_share_a_name(
    frequency: Frequency, weekday: int, at: time, zone: ZoneInfo, after: datetime
) -> None:
    """Wherever one starts, due instants rise, each has another period, and none lies between two neighbours."""
    first = next_due(frequency, weekday, at, zone, after)
    second = next_due(frequency, weekday, at, zone, first)
    assert after < first < second
    assert next_due(frequency, weekday, at, zone, first - timedelta(seconds=1)) == first
    assert latest_due(frequency, weekday, at, zone, first, now=second - timedelta(seconds=1)) == first
    assert latest_due(frequency, weekday, at, zone, first, now=first) == first
    assert period(frequency, first, zone, 1, local_time=at) != period(frequency, second, zone, 1, local_time=at)
