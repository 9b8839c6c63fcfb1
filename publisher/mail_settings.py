"""The tables of the configuration that are about mail: `[mail]`, `[alerts]`. Reading them is `publisher.config`'s.

Every key has a default that is right for most, and a comment that says what it means.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from publisher.setting_types import (
    Domain,
    Duration,
    EndpointOrNone,
    Hook,
    Location,
    Mailbox,
    MailboxOrNone,
    Pause,
    Port,
    Table,
    TimesOfDay,
)


class Server(Table):
    """An SMTP server that takes our mail."""

    #: Its name or address.
    host: str = "127.0.0.1"
    #: Its port: 25, 587 with "starttls", 465 with "tls" as a rule.
    port: Port = 25
    #: "none": plain text; "starttls": TLS after STARTTLS; "tls": TLS from the first byte.
    security: Literal["none", "starttls", "tls"] = "none"
    #: Trust this CA file instead of the system's (for a relay with its own certificate).
    ca_file: Location | None = None
    #: SMTP AUTH; empty: no log-in.
    username: str = ""
    #: Of SMTP AUTH.
    password: SecretStr = SecretStr("")
    #: File that holds the password, instead of `password`.
    password_file: Location | None = None
    #: Share of the connections that it gets, beside other relays.
    weight: int = Field(default=1, ge=1, le=1000)


class WarmUp(Table):
    """A sender that is new to the world starts small."""

    #: The first day.
    since: date
    #: Digests that may go on the first day, the second, ...; after the last one there is no limit.
    days: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)


class Dkim(Table):
    """How messages are signed, RFC 6376."""

    #: Signing domain (`d=`).
    domain: str = Field(min_length=1)
    #: Selector (`s=`).
    selector: str = Field(min_length=1)
    #: RSA-2048 private key, PEM.
    key_file: Location


class Mail(Server):
    """How mail goes out. The keys of a server are those of the only one, or of the first beside `relay`."""

    #: "inbox": the development inbox; "smtp"; "maildir": files for another program.
    transport: Literal["inbox", "smtp", "maildir"] = "inbox"
    #: From, as `Name <address>`.
    sender: Mailbox = "Publisher <publisher@localhost>"
    #: Where replies go; empty: to the sender.
    reply_to: MailboxOrNone = ""
    #: Seconds to wait for a server, written as a duration; for its word on a message ten times as long.
    timeout: Pause = timedelta(seconds=60)
    #: Connections held open at once.
    connections: int = Field(default=8, ge=1, le=256)
    #: Sender processes.
    processes: int = Field(default=1, ge=1, le=64)
    #: Messages on the wire when the program died: "repeat" (same Message-ID) or "hold" for the operator.
    in_doubt: Literal["repeat", "hold"] = "repeat"
    #: Of transport "maildir".
    directory: Location = Path("var/maildir")
    #: Mail waits so long after an article's last change.
    settle_mail: Duration = timedelta(seconds=60)
    #: An edition later than this waits for the next slot.
    catch_up: Duration = timedelta(hours=12)
    #: An `immediate` subscription gets at most one mail in such a time.
    coalesce: Pause = timedelta(minutes=5)
    #: An edition's messages are spread evenly over so much time from their due instant; 0: they go at once.
    spread: Duration = timedelta()
    #: A message refused for so long is given up.
    expiry: Duration = timedelta(days=2)
    #: Messages that one connection carries; 0: as many as the server takes.
    messages_per_connection: int = Field(default=0, ge=0)
    #: Messages a second over all; 0: as many as go.
    rate: float = Field(default=0.0, ge=0)
    #: Messages a second to each receiving domain; 0: as many as go.
    domain_rate: float = Field(default=0.0, ge=0)
    #: The same for single domains, by their names.
    rates: dict[Domain, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    #: Domains that share their mail servers share their limits (asked of the DNS).
    group_by_mx: bool = True
    #: DNS server that is asked, as "127.0.0.1:53"; empty: the system's.
    resolver: EndpointOrNone = ""
    #: No digest starts between these times of the site's zone, as "22:00-06:30"; empty: at all times.
    quiet: TimesOfDay = None
    #: Absent: no warm-up.
    warm_up: WarmUp | None = None
    #: Further servers; each carries its share of the mail, and the others' where they fail.
    relay: tuple[Server, ...] = ()
    #: Absent: messages go out unsigned (the relay signs).
    dkim: Dkim | None = None

    @property
    def servers(self) -> tuple[Server, ...]:
        """All servers, the first one first."""
        return (self, *self.relay)


class Alerts(Table):
    """Who is told when mail is stuck, and when it goes on."""

    #: The operator's address, written to by the transport of `[mail]`; empty: nobody is written to.
    email: MailboxOrNone = ""
    #: Address that is told by a POST of JSON, as a chat's incoming webhook; empty: none.
    webhook: Hook = SecretStr("")
    #: File that holds the address, instead of `webhook`.
    webhook_file: Location | None = None
    #: Mail is stuck once messages are due for so long and none is accepted meanwhile.
    stuck: Pause = timedelta(minutes=10)
    #: What stands is told again after so long.
    again: Pause = timedelta(hours=6)
