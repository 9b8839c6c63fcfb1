"""What was learnt of a receiving domain, and how it is spared. Pure.

    it limits us (421, 4.7.x)    nothing for ten minutes, then one message at once, then one more for every 20 that went
                                 well, up to all connections: as Gmail asks
    it refuses three in a row    half of what it gets at once, growing in the same way
    greylisting                  says nothing about pace: every first message meets it
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from publisher.outgoing import Reply

#: How long a domain is left alone that limits us.
STOP = timedelta(minutes=10)
#: Messages that must go well before a spared domain gets one more at once.
STEP = 20
#: Refusals in a row that are taken as a wish for less.
STREAK = 3
#: What was not used of a rate is made up for later, as far as this goes: nobody wakes up for each single message.
CREDIT = timedelta(milliseconds=100)
#: Messages of a spared domain that may start within this time are kept at hand; the others wait in the store.
HORIZON = timedelta(seconds=2)
#: Length of the line in which a domain's further messages wait for their turn.
LINE = timedelta(hours=1)
#: At most so many of one spared domain are kept at hand.
_ROOM = 128
#: Seconds that a message takes, until it is known, and at most when the line is planned.
_GUESS = 1.0
#: Weight of the last message in the average time that one takes.
_FRESH = 0.1
_GREY = re.compile(r"gr[ae]y-?\s?list", re.IGNORECASE)


@dataclass(slots=True)
class Standing:
    """A receiving domain, or a group of them that share their servers."""

    stopped_until: datetime | None = None
    #: Messages that it gets at once; None: as many as there are connections.
    allowed: int | None = None
    #: Why it is spared, in the server's words.
    reason: str = ""
    #: Candidates at hand, and messages on their way to it.
    kept: int = 0
    under_way: int = 0
    #: Messages that went well, and refusals, in a row.
    good: int = 0
    bad: int = 0
    #: Average seconds that a message takes.
    seconds: float = _GUESS
    #: When the next one may start, by its rate.
    next_free: datetime | None = None
    #: End of the line of those that wait in the store.
    tail: datetime | None = None

    def stopped(self, now: datetime) -> bool:
        """Whether it is left alone."""
        return self.stopped_until is not None and self.stopped_until > now

    def room(self, rate: float) -> int:
        """How many candidates are worth keeping at hand, at `rate` messages a second (0: any)."""
        room = float(_ROOM)
        if self.allowed is not None:
            room = max(2 * self.allowed, HORIZON.total_seconds() * self.allowed / max(self.seconds, 0.001))
        if rate:
            room = min(room, HORIZON.total_seconds() * rate)
        return max(1, min(_ROOM, int(room)))

    def line_up(self, now: datetime, rate: float, connections: int) -> datetime:
        """When a candidate for which there is no room is to be looked at again.

        The line moves as fast as the domain would take messages if nothing was wrong with it: so what comes back is
        never later than need be, and no more comes back than could be sent. A line that is an hour long begins again.
        """
        spacing = 1 / rate if rate else max(0.001, min(self.seconds, _GUESS) / connections)
        first = now + HORIZON
        if self.stopped_until is not None:
            first = max(first, self.stopped_until)
        at = max(first, self.tail or first)
        if at > first + LINE:
            at = first
        self.tail = at + timedelta(seconds=spacing)
        return at

    def took(self, seconds: float) -> None:
        """Learns how long a message took."""
        self.seconds += (seconds - self.seconds) * _FRESH

    def went_well(self, most: int) -> bool:
        """A message was accepted; True where the domain gets more from now on. `most`: messages at once, unspared."""
        self.bad = 0
        if self.allowed is None:
            return False
        self.good += 1
        if self.good < STEP:
            return False
        self.good = 0
        self.allowed += 1
        if self.allowed >= most:
            self.free()
        return True

    def free(self) -> None:
        """It is spared no more."""
        self.allowed, self.stopped_until, self.reason, self.tail = None, None, "", None
        self.good = self.bad = 0

    def stop(self, reply: Reply, now: datetime) -> None:
        """It limits us."""
        self.stopped_until, self.allowed, self.tail = now + STOP, 1, None
        self.reason = _words(reply)
        self.good = self.bad = 0

    def refused(self, reply: Reply, most: int) -> bool:
        """It refused a message for now; True where it gets less from now on."""
        self.good = 0
        self.bad += 1
        if self.bad < STREAK:
            return False
        self.bad = 0
        self.allowed = max(1, (self.allowed or most) // 2)
        self.reason = _words(reply)
        return True

    def adopt(self, other: Standing) -> None:
        """Takes over what was learnt of a domain that turns out to share these servers; `other` is free then."""
        if other.allowed is None:
            return
        self.allowed = other.allowed if self.allowed is None else min(self.allowed, other.allowed)
        times = [at for at in (self.stopped_until, other.stopped_until) if at is not None]
        self.stopped_until, self.reason = max(times, default=None), self.reason or other.reason
        other.free()

    def forgettable(self, now: datetime) -> bool:
        """Whether nothing is known that a new one would not say."""
        idle = not (self.kept or self.under_way or self.bad) and self.allowed is None
        spent = self.next_free is not None and self.next_free > now - CREDIT
        return idle and not spent and (self.tail is None or self.tail <= now)


def limits_us(reply: Reply) -> bool:
    """Whether a server says that we send too much, or closes on us: 421, or 4.7.x (Gmail's 4.7.28, Outlook's 4.7.5xx).

    Not 4.7.1, which greylisting says as a rule, nor anything that calls itself greylisting.
    """
    if not 400 <= reply.code <= 499 or greylists(reply):
        return False
    return reply.code == 421 or (reply.enhanced.startswith("4.7.") and reply.enhanced != "4.7.1")


def greylists(reply: Reply) -> bool:
    """Whether a server refuses what it has not seen before, and takes it later."""
    return _GREY.search(reply.text) is not None


def about_relay(reply: Reply) -> bool:
    """Whether a refusal may concern the server that we talk to, not the recipient's: 4.3.x is about mail systems."""
    return limits_us(reply) or (400 <= reply.code <= 499 and reply.enhanced.startswith("4.3."))


def _words(reply: Reply) -> str:
    return " ".join(part for part in (str(reply.code or ""), reply.enhanced, reply.text) if part)
