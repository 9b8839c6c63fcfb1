"""When a message may start: rates, receiving domains, warm-up, quiet hours. Pure: `now` is an argument.

    a candidate | quiet hours | what its domain bears | the day's allowance | the overall rate -> its time

A receiving domain that says "slow down" is spared: after a limit of its own (4.7.x, or 421) for ten minutes, then one
message at a time, then one more for each run of messages that went well, as Gmail asks. Other refusals for now
(greylisting is one) halve what it gets at once after a few in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo

from publisher.outgoing import Claim, DeliveryState, Outcome, Reply

#: How long a domain is left alone that limits us.
STOP = timedelta(minutes=10)
#: Messages that must go well before a spared domain gets one more at once.
_STEP = 20
#: Refusals in a row that are taken as a wish for less.
_STREAK = 3
#: No message is put off for longer than this in one go: things change.
_FAR = timedelta(minutes=10)
#: Seconds that a message takes, until it is known.
_FIRST_GUESS = 1.0
#: Weight of the last message in the average time that one takes.
_FRESH = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """The operator's choices."""

    #: Messages a second over all; 0: as many as go.
    rate: float = 0.0
    #: Messages a second to each receiving domain, unless `rates` names it; 0: as many as go.
    domain_rate: float = 0.0
    rates: Mapping[str, float] = field(default_factory=dict)
    #: Digests a day from `warm_up_since` on; after the last day without limit.
    warm_up: tuple[int, ...] = ()
    warm_up_since: date | None = None
    #: Local times between which no digest starts; None: at all times.
    quiet: tuple[time, time] | None = None
    #: Zone of days and quiet hours.
    zone: tzinfo | None = None
    #: Messages at once to one domain, when nothing speaks against it.
    connections: int = 8


@dataclass(slots=True)
class Standing:
    """What was learnt of a receiving domain (or of a group of them that share their servers)."""

    stopped_until: datetime | None = None
    #: Messages that it gets at once; None: as many as there are connections.
    allowed: int | None = None
    #: Why it is spared, in the server's words.
    reason: str = ""
    #: Messages on their way to it.
    under_way: int = 0
    #: Messages that went well, or refusals, in a row.
    good: int = 0
    bad: int = 0
    #: Average seconds that a message takes.
    seconds: float = _FIRST_GUESS
    #: When the next one may start, by its rate.
    next_free: datetime | None = None


@dataclass(slots=True)
class Pace:
    """What is known now. What must survive a restart goes out by `changed` and comes back by `recall`."""

    limits: Limits = field(default_factory=Limits)
    #: From a receiving domain to the name of the group whose servers it shares.
    group_of: Callable[[str], str] = str
    _groups: dict[str, Standing] = field(default_factory=dict)
    _next_free: datetime | None = None
    #: Digests of the day, of which day.
    _sent: int = 0
    _day: date | None = None
    _changed: set[str] = field(default_factory=set)

    def slot(self, claim: Claim, now: datetime) -> datetime:
        """When the message may start, its place taken: the next one to the same domain comes after it."""
        standing = self._of(claim.domain)
        if claim.kind == "notice":  # somebody waits for it before a screen
            return max(now, standing.stopped_until or now)
        at = max(after_quiet(self.limits, now), self._of_the_day(now))
        at = max(at, self._of_domain(claim.domain, standing, now))
        if at > now or not self.limits.rate:
            return at
        at, self._next_free = _next(self._next_free, 1 / self.limits.rate, now)
        return at

    def admits(self, claim: Claim, now: datetime) -> bool:
        """Whether its domain takes one more at once."""
        standing = self._groups.get(self.group_of(claim.domain))
        if standing is None or standing.allowed is None:
            return True
        stopped = standing.stopped_until is not None and standing.stopped_until > now
        return not stopped and standing.under_way < standing.allowed

    def begins(self, claim: Claim) -> None:
        """The message is on its way."""
        self._of(claim.domain).under_way += 1

    def given_back(self, claim: Claim) -> None:
        """It was not sent after all."""
        self._of(claim.domain).under_way -= 1

    def ended(self, outcome: Outcome) -> None:
        """Learns from what became of a message."""
        claim, now = outcome.claim, outcome.finished_at
        standing = self._of(claim.domain)
        standing.under_way -= 1
        took = (outcome.finished_at - outcome.started_at).total_seconds()
        standing.seconds += (took - standing.seconds) * _FRESH
        if outcome.state == DeliveryState.ACCEPTED:
            self._went_well(claim, standing, now)
        elif limits_us(outcome.reply):
            self._stop(claim.domain, standing, outcome.reply, now)
        elif 400 <= outcome.reply.code <= 499:
            self._refused(claim.domain, standing, outcome.reply)

    def recall(self, groups: Iterable[tuple[str, Standing]], day: date | None = None, sent: int = 0) -> None:
        """Takes up what an earlier run knew."""
        self._groups.update(groups)
        self._day, self._sent = day, sent

    def changed(self) -> dict[str, Standing]:
        """The groups that changed since the last call; those that are spared no more have `allowed` None."""
        found = {name: self._groups[name] for name in self._changed}
        self._changed.clear()
        return found

    def day(self) -> tuple[date, int] | None:
        """Digests sent on the last day on which any was."""
        return None if self._day is None else (self._day, self._sent)

    def _of(self, domain: str) -> Standing:
        name = self.group_of(domain)
        found = self._groups.get(name)
        if found is None:
            found = self._groups[name] = Standing()
        return found

    def _of_domain(self, domain: str, standing: Standing, now: datetime) -> datetime:
        if standing.stopped_until is not None and standing.stopped_until > now:
            return standing.stopped_until
        rate = self.limits.rates.get(domain, self.limits.rates.get(self.group_of(domain), self.limits.domain_rate))
        spacing = 1 / rate if rate else 0.0
        if standing.allowed is not None:
            spacing = max(spacing, standing.seconds / standing.allowed)
        if not spacing:
            return now
        at, standing.next_free = _next(standing.next_free, spacing, now)
        return at

    def _of_the_day(self, now: datetime) -> datetime:
        """`now`, or the next day where this one's digests are all sent."""
        if self.limits.warm_up_since is None:
            return now
        local = now.astimezone(self.limits.zone)
        number = (local.date() - self.limits.warm_up_since).days
        if not 0 <= number < len(self.limits.warm_up):
            return now
        if self._day != local.date():
            self._day, self._sent = local.date(), 0
        if self._sent < self.limits.warm_up[number]:
            return now
        return datetime.combine(local.date() + timedelta(days=1), time(), local.tzinfo).astimezone(now.tzinfo)

    def _went_well(self, claim: Claim, standing: Standing, now: datetime) -> None:
        if claim.kind == "delivery":
            today = now.astimezone(self.limits.zone).date()
            self._sent = self._sent + 1 if self._day == today else 1
            self._day = today
        standing.bad = 0
        standing.good += 1
        if standing.allowed is not None and standing.good >= _STEP:
            standing.good = 0
            standing.allowed += 1
            if standing.allowed >= self.limits.connections:
                standing.allowed, standing.stopped_until, standing.reason = None, None, ""
            self._changed.add(self.group_of(claim.domain))

    def _stop(self, domain: str, standing: Standing, reply: Reply, now: datetime) -> None:
        standing.stopped_until, standing.allowed = now + STOP, 1
        standing.reason = f"{reply.code} {reply.enhanced} {reply.text}".strip()
        standing.good = standing.bad = 0
        standing.next_free = None
        self._changed.add(self.group_of(domain))

    def _refused(self, domain: str, standing: Standing, reply: Reply) -> None:
        standing.good = 0
        standing.bad += 1
        if standing.bad >= _STREAK:
            standing.bad = 0
            standing.allowed = max(1, (standing.allowed or self.limits.connections) // 2)
            standing.reason = f"{reply.code} {reply.enhanced} {reply.text}".strip()
            self._changed.add(self.group_of(domain))


def after_quiet(limits: Limits, now: datetime) -> datetime:
    """`now`, or the end of the quiet hours in which it lies."""
    if limits.quiet is None:
        return now
    begins, ends = limits.quiet
    local = now.astimezone(limits.zone)
    at = local.time()
    over_midnight = begins > ends
    if not (at >= begins or at < ends if over_midnight else begins <= at < ends):
        return now
    day = local.date() + timedelta(days=1 if over_midnight and at >= begins else 0)
    return datetime.combine(day, ends, local.tzinfo).astimezone(now.tzinfo)


def limits_us(reply: Reply) -> bool:
    """Whether a receiving server says that we send too much (RFC 3463 class 4.7, Gmail's 4.7.28) or closes on us."""
    return reply.code == 421 or (400 <= reply.code <= 499 and reply.enhanced.startswith("4.7."))


def _next(free: datetime | None, spacing: float, now: datetime) -> tuple[datetime, datetime]:
    """The time of the next message at this spacing in seconds, and when the one after it may start."""
    at = max(now, free or now)
    if at > now + _FAR:
        return now + _FAR, at
    return at, at + timedelta(seconds=spacing)
