"""When digests may start at all, by the site's clock: quiet hours, and a warm-up's days. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Hours:
    """The operator's choices."""

    #: Zone of days and quiet hours.
    zone: tzinfo = UTC
    #: Local times between which no digest starts, over midnight where the first is the later; None: at all times.
    quiet: tuple[time, time] | None = None
    #: Digests a day from `warm_up_since` on; after the last day without limit.
    warm_up: tuple[int, ...] = ()
    warm_up_since: date | None = None

    def day(self, now: datetime) -> date:
        """The site's day."""
        return now.astimezone(self.zone).date()

    def after_quiet(self, now: datetime) -> datetime:
        """`now`, or the end of the quiet hours in which it lies."""
        if self.quiet is None:
            return now
        begins, ends = self.quiet
        local = now.astimezone(self.zone)
        at = local.time()
        over_midnight = begins > ends
        if not (at >= begins or at < ends if over_midnight else begins <= at < ends):
            return now
        day = local.date() + timedelta(days=1 if over_midnight and at >= begins else 0)
        end = datetime.combine(day, ends, self.zone).astimezone(UTC)
        if end <= now:  # a clock that was put back passes twice: the quiet hours end with the second time
            end = datetime.combine(day, ends.replace(fold=1), self.zone).astimezone(UTC)
        return end

    def allowance(self, now: datetime) -> int | None:
        """Digests that may go on this day; None: as many as there are."""
        if self.warm_up_since is None:
            return None
        number = (self.day(now) - self.warm_up_since).days
        return self.warm_up[number] if 0 <= number < len(self.warm_up) else None

    def day_began(self, now: datetime) -> datetime:
        """The first instant of the site's day."""
        return datetime.combine(self.day(now), time(), self.zone).astimezone(UTC)

    def next_day(self, now: datetime) -> datetime:
        """The first instant of the site's next day that is not quiet."""
        midnight = datetime.combine(self.day(now) + timedelta(days=1), time(), self.zone).astimezone(UTC)
        return self.after_quiet(midnight)
