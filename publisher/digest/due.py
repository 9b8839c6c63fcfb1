"""Which slot of its calendar a subscription has reached, and how far its window goes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

from publisher.digest.calendar import latest_due, next_due, period
from publisher.mail_settings import Mail
from publisher.model import Frequency


class Choices(Protocol):
    """What of a subscription says when it is due: a `Subscription`, or what readers who are alike have in common."""

    @property
    def frequency(self) -> Frequency:
        """How often."""

    @property
    def weekday(self) -> int:
        """0 is Monday; only of weight for WEEKLY."""

    @property
    def local_time(self) -> time:
        """In the reader's zone."""

    @property
    def next_due_at(self) -> datetime | None:
        """None: not scheduled yet."""

    @property
    def last_due_at(self) -> datetime | None:
        """Of the last slot that was planned or passed over."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The slot into which all that a subscription missed folds."""

    #: In UTC, as `next_due_at`.
    due_at: datetime
    next_due_at: datetime
    #: No edition for this one: it is past `catch_up`, or not later than the last slot.
    passed_over: bool


def zone_of(name: str, default: tzinfo) -> tzinfo:
    """The zone of a subscriber; `default` where its name is no longer one."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return default


def first_due(subscription: Choices, zone: tzinfo, now: datetime, mail: Mail) -> datetime:
    """The first due instant of a subscription that has none: after `now`, and in another slot than its last one.

    An IMMEDIATE one is due at once: its window says whether there is anything for it.
    """
    last = subscription.last_due_at
    if subscription.frequency == Frequency.IMMEDIATE:
        return now if last is None else max(now, last + mail.coalesce)
    found = _next(subscription, zone, now if last is None else max(now, last), mail.coalesce)
    while last is not None and name_of(subscription, zone, found, 0) == name_of(subscription, zone, last, 0):
        found = _next(subscription, zone, found, mail.coalesce)
    return found


def slot(subscription: Choices, zone: tzinfo, now: datetime, mail: Mail) -> Slot:
    """The slot of a subscription whose `next_due_at` is at or before `now`."""
    assert subscription.next_due_at is not None
    at = latest_due(
        subscription.frequency, subscription.weekday, subscription.local_time, zone, subscription.next_due_at,
        now=now, coalesce=mail.coalesce,
    )
    late = subscription.frequency != Frequency.IMMEDIATE and now - at > mail.catch_up
    again = subscription.last_due_at is not None and at <= subscription.last_due_at
    return Slot(at, _next(subscription, zone, now, mail.coalesce), late or again)


def name_of(subscription: Choices, zone: tzinfo, due_at: datetime, to_seq: int) -> str:
    """The slot's period (I4)."""
    return period(subscription.frequency, due_at, zone, to_seq, local_time=subscription.local_time)


def window_end(from_seq: int, last_seq: int, unsettled: Sequence[int]) -> int:
    """The last `seq` of a window that opens after `from_seq`: below the first one that is not settled yet.

    `unsettled` is in order.
    """
    first = next((seq for seq in unsettled if seq > from_seq), last_seq + 1)
    return min(last_seq, first - 1)


def _next(subscription: Choices, zone: tzinfo, after: datetime, coalesce: timedelta) -> datetime:
    return next_due(
        subscription.frequency, subscription.weekday, subscription.local_time, zone, after, coalesce=coalesce
    )
