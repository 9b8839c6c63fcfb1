"""The ways out: one server or several, by weight; one that fails is left alone for a while, and the others go on.

    ways that do not rest | the one with the least open for its weight | open -> session; it fails: the next one
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from publisher.config import Settings
from publisher.errors import MessageError
from publisher.mail import address
from publisher.mail.inbox import InboxTransport
from publisher.mail.judge import relay_wait
from publisher.mail.maildir import MaildirTransport
from publisher.mail.pace import DOMAINS
from publisher.mail.smtp import SmtpTransport
from publisher.mail.standing import about_relay
from publisher.mail.transport import Session, Transport, UnreachedError
from publisher.mail_settings import Server
from publisher.outgoing import Claim, Reply


@dataclass(slots=True)
class Way:
    """One way out, and how it fares."""

    transport: Transport
    weight: int = 1
    #: Sessions open now.
    open: int = 0
    #: Times in a row that it could not be used.
    failures: int = 0
    #: Not before then; None: at once.
    retry_at: datetime | None = None
    #: Why it failed last.
    why: str = ""
    #: Receiving domains for which it asked for less since it took a message.
    asked: set[str] = field(default_factory=set)

    def resting(self, now: datetime) -> bool:
        """Whether it is too early to try again."""
        return self.retry_at is not None and now < self.retry_at

    @property
    def on_trial(self) -> bool:
        """Whether it failed, and a session tries whether it works again."""
        return self.failures > 0 and self.open > 0

    def failed(self, why: str, now: datetime, jitter: float) -> None:
        """Leaves it alone for a while, longer each time. Several connections that fail together are one failure."""
        if self.resting(now):
            return
        self.failures += 1
        self.retry_at = now + relay_wait(self.failures, jitter)
        self.why = why

    def heard(self, claim: Claim, reply: Reply, now: datetime, jitter: Callable[[], float]) -> None:
        """Learns from a reply. A server that asks for less whatever the domain speaks of itself: it is left alone."""
        taken = 200 <= reply.code <= 299
        if not taken and about_relay(reply):
            self.asked.add(claim.domain)
            if len(self.asked) >= DOMAINS:
                self.failed(f"it asks for less: {reply.code} {reply.enhanced} {reply.text}", now, jitter())
        elif reply.code:
            if taken:
                self.asked.clear()
            if self.failures and not self.asked and not self.resting(now):
                self.failures, self.retry_at, self.why = 0, None, ""


@dataclass(slots=True)
class Relay:
    """The ways out of one site, from one run of the deliver step to the next."""

    ways: list[Way] = field(default_factory=list)

    def use(self, settings: Settings) -> None:
        """Fills in what the settings name, once."""
        if not self.ways:
            self.ways = ways_of(settings)

    def resting(self, now: datetime) -> bool:
        """Whether all of them are left alone."""
        return bool(self.ways) and all(way.resting(now) for way in self.ways)

    @property
    def failures(self) -> int:
        """Failures in a row of the way that fares best."""
        return min((way.failures for way in self.ways), default=0)

    @property
    def retry_at(self) -> datetime | None:
        """When the first of them may be tried again; None: at once."""
        times = [way.retry_at for way in self.ways]
        return None if None in times else min((at for at in times if at is not None), default=None)

    def better(self, way: Way, now: datetime) -> bool:
        """Whether a session over `way` had better move to another: one that is back, or one that has too few."""
        if len(self.ways) == 1:  # one that takes no further session still takes what the open ones carry
            return way.resting(now) and len(way.asked) >= DOMAINS
        others = [other for other in self.ways if other is not way and not other.resting(now) and not other.on_trial]
        return bool(others) and (
            way.resting(now) or any((other.open + 1) * way.weight < way.open * other.weight for other in others)
        )

    async def open(self, clock: Callable[[], datetime], jitter: Callable[[], float]) -> tuple[Way, Session]:
        """A session over the best way that works. Raises UnreachedError with the last reason where none does."""
        why = "; ".join(way.why for way in self.ways if way.why) or "no way out is configured"
        while True:
            ready = [way for way in self.ways if not way.resting(clock())]
            if not ready:
                raise UnreachedError(why)
            # One that failed is tried by one session at a time: should it hang, the others are not there.
            ready = [way for way in ready if not way.on_trial] or ready
            way = min(ready, key=lambda way: (way.open + 1) / way.weight)
            way.open += 1
            try:
                return way, await way.transport.open()
            except UnreachedError as error:
                way.open -= 1
                why = str(error)
                way.failed(why, clock(), jitter())
            except BaseException:
                way.open -= 1
                raise


def ways_of(settings: Settings) -> list[Way]:
    """The ways that `[mail]` names."""
    mail = settings.mail
    if mail.transport == "inbox":
        return [Way(InboxTransport(settings.inbox))]
    if mail.transport == "maildir":
        return [Way(MaildirTransport(settings.path(mail.directory)))]
    return [Way(_smtp(settings, server), server.weight) for server in mail.servers]


def transport_for(settings: Settings) -> Transport:
    """The first way that `[mail]` names: for a single message."""
    return ways_of(settings)[0].transport


def _smtp(settings: Settings, server: Server) -> SmtpTransport:
    return SmtpTransport(
        host=server.host, port=server.port, security=server.security, timeout=settings.mail.timeout.total_seconds(),
        own_name=_own_name(settings), ca_file=None if server.ca_file is None else settings.path(server.ca_file),
        username=server.username, password=server.password.get_secret_value(),
        messages=settings.mail.messages_per_connection,
    )


def _own_name(settings: Settings) -> str:
    try:
        return address.parse(settings.mail.sender).domain
    except MessageError:
        return "localhost"
