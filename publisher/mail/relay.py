"""The way out as a whole: which transport the settings name, and how long to leave it alone after it failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from publisher.config import Settings
from publisher.errors import MessageError
from publisher.mail import address
from publisher.mail.inbox import InboxTransport
from publisher.mail.judge import relay_wait
from publisher.mail.maildir import MaildirTransport
from publisher.mail.smtp import SmtpTransport
from publisher.mail.transport import Transport


@dataclass(slots=True)
class Relay:
    """What one run of the deliver step leaves to the next."""

    #: Runs in a row that found no way out.
    failures: int = 0
    #: Not before then; None: at once.
    retry_at: datetime | None = None

    def resting(self, now: datetime) -> bool:
        """Whether it is too early to try again."""
        return self.retry_at is not None and now < self.retry_at

    def failed(self, now: datetime, jitter: float) -> datetime:
        """Notes a failure; returns when to try again."""
        self.failures += 1
        self.retry_at = now + relay_wait(self.failures, jitter)
        return self.retry_at

    def worked(self) -> None:
        """Forgets all failures."""
        self.failures, self.retry_at = 0, None


def transport_for(settings: Settings) -> Transport:
    """The transport that `mail.transport` names."""
    mail = settings.mail
    if mail.transport == "inbox":
        return InboxTransport(settings.inbox)
    if mail.transport == "maildir":
        return MaildirTransport(settings.path(mail.directory))
    return SmtpTransport(
        host=mail.host, port=mail.port, security=mail.security, timeout=mail.timeout.total_seconds(),
        own_name=_own_name(settings), ca_file=None if mail.ca_file is None else settings.path(mail.ca_file),
        username=mail.username, password=mail.password.get_secret_value(),
    )


def _own_name(settings: Settings) -> str:
    try:
        return address.parse(settings.mail.sender).domain
    except MessageError:
        return "localhost"
