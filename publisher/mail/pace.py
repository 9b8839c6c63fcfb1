"""When a message may start: rates, receiving domains, quiet hours, warm-up. Pure: `now` is an argument.

    place:  a candidate | may it start soon? kept at hand (now) : a time at which to look at it again
    opens:  a candidate at hand | stop, quiet hours, the day's allowance, messages at once, rate | when it may start
    begins, given_back, dropped, ended: what became of it, and what that teaches

All limits are kept where a message begins, by those that began; the times that `place` gives only keep the messages of
a spared domain out of the others' way. Notices, which somebody waits for, mind nothing but a stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from publisher.mail.hours import Hours
from publisher.mail.standing import CREDIT, Standing, about_relay, greylists, limits_us
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply

#: Domains that ask for less in a row, with nothing accepted meanwhile, until it is the relay that asks.
DOMAINS = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """The operator's choices."""

    #: Messages a second over all; 0: as many as go.
    rate: float = 0.0
    #: Messages a second to each receiving domain, unless `rates` names it or its group; 0: as many as go.
    domain_rate: float = 0.0
    rates: Mapping[str, float] = field(default_factory=dict)
    hours: Hours = field(default_factory=Hours)
    #: Messages at once to one domain, when nothing speaks against it.
    connections: int = 8


@dataclass(slots=True)
class Pace:
    """What is known now. What must survive a restart goes out by `changed` and comes back by `recall`."""

    limits: Limits = field(default_factory=Limits)
    #: From a receiving domain to the name of the group whose servers it shares.
    group_of: Callable[[str], str] = str
    #: Whether the settings, and what earlier runs learnt, are filled in.
    filled: bool = False
    #: When the next digest may start, by the overall rate.
    next_free: datetime | None = None
    _groups: dict[str, Standing] = field(default_factory=dict)
    #: Groups of the candidates at hand and of the messages under way: a group may get another name meanwhile.
    _names: dict[tuple[str, int], str] = field(default_factory=dict)
    #: Digests under way, and accepted on the last day on which any was.
    _digests: int = 0
    _sent: int = 0
    _day: date | None = None
    #: What was known of the groups that asked for less since a message was accepted.
    _suspects: dict[str, tuple[datetime | None, int | None, str]] = field(default_factory=dict)
    #: It is the relay that asks.
    _relay: bool = False
    _changed: set[str] = field(default_factory=set)

    def place(self, claim: Claim, now: datetime) -> datetime:
        """`now` where the candidate is to be kept at hand; otherwise when it is to be looked at again."""
        notice = claim.kind == "notice"
        at = now if notice else self._calendar(now) or now
        if at > now:
            return at
        name = self._group(claim.domain)
        standing = self._groups.get(name)
        if standing is None:
            standing = self._groups[name] = Standing()
        rate = 0.0 if notice or not self._by_domain else self._rate(claim.domain, name)
        full = not notice and (rate or standing.allowed is not None) and standing.kept >= standing.room(rate)
        if standing.stopped(now) or full:
            return standing.line_up(now, rate, self.limits.connections)
        standing.kept += 1
        self._names[claim.kind, claim.id] = name
        return now

    def opens(self, claim: Claim, now: datetime) -> datetime | None:
        """When a candidate at hand may start, but for `next_free`; None: once another message has ended."""
        name = self._names[claim.kind, claim.id]
        standing = self._groups[name]
        if standing.stopped_until is not None and standing.stopped_until > now:
            return standing.stopped_until
        if claim.kind == "notice":
            return now
        at = self._calendar(now)
        if at is None or at > now:
            return at
        if standing.allowed is not None and standing.under_way >= standing.allowed:
            return None
        if self._by_domain and (rate := self._rate(claim.domain, name)) and standing.under_way >= self._most(rate):
            return None
        return max(now, standing.next_free or now)

    def begins(self, claim: Claim, now: datetime) -> None:
        """A candidate at hand is on its way."""
        name = self._names[claim.kind, claim.id]
        standing = self._groups[name]
        standing.kept -= 1
        standing.under_way += 1
        if claim.kind == "notice":
            return
        self._digests += 1
        if self._by_domain and (rate := self._rate(claim.domain, name)):
            standing.next_free = _after(standing.next_free, rate, now)
        if self.limits.rate:
            self.next_free = _after(self.next_free, self.limits.rate, now)

    def dropped(self, claim: Claim, now: datetime) -> None:
        """A candidate is no longer at hand."""
        name = self._names.pop((claim.kind, claim.id))
        self._groups[name].kept -= 1
        self._tidy(name, now)

    def bars(self, claim: Claim, now: datetime) -> bool:
        """Whether a message that began, and of which no byte has left, is not to go now: its domain limits us since."""
        standing = self._groups.get(self._names.get((claim.kind, claim.id), ""))
        return (standing is not None and standing.stopped(now)) or (
            claim.kind == "delivery" and self.limits.hours.after_quiet(now) > now
        )

    def given_back(self, claim: Claim, now: datetime) -> None:
        """A message that began was not sent after all."""
        if (claim.kind, claim.id) not in self._names:
            return
        self._ends(claim)
        self._tidy(self._names.pop((claim.kind, claim.id)), now)

    def ended(self, outcome: Outcome) -> None:
        """Learns from what became of a message."""
        claim, reply, now = outcome.claim, outcome.reply, outcome.finished_at
        if (claim.kind, claim.id) not in self._names:
            return
        standing = self._ends(claim)
        name = self._names.pop((claim.kind, claim.id))
        if reply.code:
            standing.took((now - outcome.started_at).total_seconds())
        if outcome.state == DeliveryState.ACCEPTED:
            self._went_well(claim, name, standing, now)
        elif about_relay(reply):
            self._asks_for_less(name, standing, outcome)
        elif 400 <= reply.code <= 499 and not greylists(reply) and standing.refused(reply, self.limits.connections):
            self._changed.add(name)
        self._tidy(name, now)

    def spare(self, domain: str, reply: Reply, now: datetime) -> None:
        """A domain said in a report that it refuses us: it is left alone for a while, then gets more step by step."""
        name = self._group(domain)
        self._groups.setdefault(name, Standing()).stop(reply, now)
        self._changed.add(name)

    def recall(self, groups: Iterable[tuple[str, Standing]], day: date | None = None, sent: int = 0) -> None:
        """Takes up what an earlier run knew, and how many digests were accepted on `day`."""
        self._groups.update(groups)
        self._day, self._sent = day, sent

    def begin_anew(self) -> None:
        """A run begins: nothing is at hand or under way, however the last one ended."""
        self._names.clear()
        self._digests = 0
        for standing in self._groups.values():
            standing.kept = standing.under_way = 0

    def changed(self) -> dict[str, Standing]:
        """The groups that changed since the last call; of those that are spared no more `allowed` is None."""
        found = {name: self._groups.get(name) or Standing() for name in self._changed}
        self._changed.clear()
        return found

    @property
    def _by_domain(self) -> bool:
        """Whether any receiving domain has a rate."""
        return self.limits.domain_rate > 0 or bool(self.limits.rates)

    def room(self) -> int | None:
        """How many more digests may be under way by the overall rate; None: any number."""
        return self._most(self.limits.rate) - self._digests if self.limits.rate else None

    def _most(self, rate: float) -> int:
        """Messages under way at a rate: those on the wire, and few that lie ready.

        A rate counts what begins: all that lay ready while the servers were slow would leave in one burst.
        """
        return self.limits.connections + int(rate * CREDIT.total_seconds())

    def _rate(self, domain: str, name: str) -> float:
        rates = self.limits.rates
        if not rates:
            return self.limits.domain_rate
        return rates.get(domain, rates.get(name, self.limits.domain_rate))

    def _calendar(self, now: datetime) -> datetime | None:
        """When a digest may start by the clock and the calendar; None: that depends on those under way."""
        hours = self.limits.hours
        if hours.quiet is None and hours.warm_up_since is None:
            return now
        at = hours.after_quiet(now)
        allowance = hours.allowance(at)
        if allowance is None:
            return at
        sent = self._sent if self._day == hours.day(at) else 0
        if sent >= allowance:
            return hours.next_day(at)
        return at if sent + self._digests < allowance else None

    def _group(self, domain: str) -> str:
        """The domain's group; what was learnt of the domain before the group was known is now known of the group."""
        name = self.group_of(domain)
        if name != domain and domain in self._groups and self._groups[domain].allowed is not None:
            self._groups.setdefault(name, Standing()).adopt(self._groups[domain])
            self._changed |= {name, domain}
        return name

    def _ends(self, claim: Claim) -> Standing:
        standing = self._groups[self._names[claim.kind, claim.id]]
        standing.under_way -= 1
        if claim.kind == "delivery":
            self._digests -= 1
        return standing

    def _went_well(self, claim: Claim, name: str, standing: Standing, now: datetime) -> None:
        self._relay = False
        self._suspects.clear()
        if claim.kind == "delivery" and self.limits.hours.warm_up:
            today = self.limits.hours.day(now)
            self._sent = self._sent + 1 if self._day == today else 1
            self._day = today
        if standing.went_well(self.limits.connections):
            self._changed.add(name)

    def _asks_for_less(self, name: str, standing: Standing, outcome: Outcome) -> None:
        """One domain is spared; where one after the other asks, it is the relay that does, and none of them is."""
        before = (standing.stopped_until, standing.allowed, standing.reason)
        self._suspects.setdefault(name, before)
        if self._relay or len(self._suspects) >= DOMAINS:
            self._relay = True
            for group, (until, allowed, reason) in self._suspects.items():
                known = self._groups.get(group)
                if known is not None:
                    known.stopped_until, known.allowed, known.reason = until, allowed, reason
                self._changed.add(group)
            self._suspects.clear()
        elif limits_us(outcome.reply):
            standing.stop(outcome.reply, outcome.finished_at)
            self._changed.add(name)
        elif standing.refused(outcome.reply, self.limits.connections):
            self._changed.add(name)

    def _tidy(self, name: str, now: datetime) -> None:
        """Forgets a group of which nothing is to be known."""
        if self._groups[name].forgettable(now):
            del self._groups[name]


def _after(free: datetime | None, rate: float, now: datetime) -> datetime:
    """When the message after one that begins `now` may start."""
    earliest = now - CREDIT
    return max(free or earliest, earliest) + timedelta(seconds=1 / rate)
