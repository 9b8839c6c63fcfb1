"""When a subscription is due, in its reader's own zone. Pure.

A slot is a day of the reader's calendar together with the reader's time of day. Its due instant is that time in the
reader's zone; where a clock change skips it, the first valid instant after the gap; where a clock change repeats it,
the first of the two. A day that a zone left out as a whole (Apia, 30 December 2011) has no slot.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from publisher.model import Frequency

#: What `mail.coalesce` says by default.
COALESCE = timedelta(minutes=5)

_DAY = timedelta(days=1)
#: Days to search: a weekly slot, and another week where its day was left out.
_HORIZON = 16


def instant(day: date, local_time: time, zone: tzinfo) -> datetime | None:
    """The instant, in UTC, at which `zone` shows this time of this day; None where the day does not exist there."""
    wall = datetime.combine(day, local_time, tzinfo=zone)
    before, after = _offset(wall.replace(fold=0)), _offset(wall.replace(fold=1))
    if before >= after:  # an ordinary time, or the first of two
        return _utc(wall, before)
    # A skipped time: the old offset names an instant after the change, the new one an instant before it.
    change = _change(_utc(wall, after), _utc(wall, before), zone)
    left_out = change.astimezone(zone).date() > day and _start(day, zone) == change
    return None if left_out else change


def next_due(
    frequency: Frequency, weekday: int, local_time: time, zone: tzinfo, after: datetime, *,
    coalesce: timedelta = COALESCE,
) -> datetime:
    """The first due instant strictly after `after`, in UTC. `weekday` counts from Monday, 0; only WEEKLY heeds it.

    An IMMEDIATE subscription is due one `coalesce` after `after`, its last.
    """
    if frequency == Frequency.IMMEDIATE:
        return after.astimezone(UTC) + coalesce
    first = after.astimezone(zone).date() - _DAY
    return next(at for at in _slots(frequency, weekday, local_time, zone, first=first, step=_DAY) if at > after)


def latest_due(
    frequency: Frequency, weekday: int, local_time: time, zone: tzinfo, due_at: datetime, *, now: datetime,
    coalesce: timedelta = COALESCE,
) -> datetime:
    """The last due instant at or before `now`: into this one all slots missed since `due_at` fold.

    It lies before `due_at` only where the reader's choices or the zone's rules changed after `due_at` was computed.
    """
    if frequency == Frequency.IMMEDIATE:
        return due_at + (now - due_at) // coalesce * coalesce
    first = now.astimezone(zone).date() + _DAY
    return next(at for at in _slots(frequency, weekday, local_time, zone, first=first, step=-_DAY) if at <= now)


def period(frequency: Frequency, due_at: datetime, zone: tzinfo, to_seq: int, *, local_time: time) -> str:
    """The slot's name, unique for its subscription (I4): `D:2026-11-22`, `W:2026-W47` or `I:<to_seq>`.

    The date is the slot's own: where a gap moves a late slot past midnight, still that of the day before.
    """
    if frequency == Frequency.IMMEDIATE:
        return f"I:{to_seq}"
    day = due_at.astimezone(zone).date()
    if instant(day, local_time, zone) != due_at and instant(day - _DAY, local_time, zone) == due_at:
        day -= _DAY
    if frequency == Frequency.DAILY:
        return f"D:{day.isoformat()}"
    year, week, _ = day.isocalendar()
    return f"W:{year}-W{week:02d}"


def _slots(
    frequency: Frequency, weekday: int, local_time: time, zone: tzinfo, *, first: date, step: timedelta
) -> Iterator[datetime]:
    """The slots' instants from `first` on, a day at a time, for long enough to hold two of the week's."""
    for number in range(_HORIZON + 2):
        day = first + number * step
        if frequency == Frequency.WEEKLY and day.weekday() != weekday:
            continue
        at = instant(day, local_time, zone)
        if at is not None:
            yield at


def _start(day: date, zone: tzinfo) -> datetime:
    """The first instant at which `zone` shows `day` or a later one."""
    wall = datetime.combine(day, time(), tzinfo=zone)
    before, after = _offset(wall), _offset(wall.replace(fold=1))
    return _utc(wall, before) if before >= after else _change(_utc(wall, after), _utc(wall, before), zone)


def _change(early: datetime, late: datetime, zone: tzinfo) -> datetime:
    """The instant in (early, late] at which the zone's offset changes, to the second; there is one."""
    old = _offset(early.astimezone(zone))
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        middle = middle.replace(microsecond=0)
        if _offset(middle.astimezone(zone)) == old:
            early = middle
        else:
            late = middle
    return late


def _offset(moment: datetime) -> timedelta:
    offset = moment.utcoffset()
    assert offset is not None
    return offset


def _utc(wall: datetime, offset: timedelta) -> datetime:
    return (wall.replace(tzinfo=None, fold=0) - offset).replace(tzinfo=UTC)
