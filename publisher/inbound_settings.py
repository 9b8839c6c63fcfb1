"""The table `[inbound]` of the configuration: the way back. Reading it is `publisher.config`'s.

Every key has a default that is right for most, and a comment that says what it means.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, SecretStr

from publisher.incoming import ReportClass
from publisher.setting_types import DomainOrNone, Duration, ListeningOrNone, Location, MailboxOrNone, Pause, Port, Table


def _expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return value


class Imap(Table):
    """A mailbox that is asked for new mail."""

    #: The server's name.
    host: str = Field(min_length=1)
    #: Its port: 993 with "tls", 143 as a rule with the others.
    port: Port = 993
    #: "tls": TLS from the first byte; "starttls": TLS after STARTTLS; "none": plain text (a server on this machine).
    security: Literal["tls", "starttls", "none"] = "tls"
    #: Trust this CA file instead of the system's.
    ca_file: Location | None = None
    #: Of the log-in.
    username: str = Field(min_length=1)
    #: Of the log-in.
    password: SecretStr = SecretStr("")
    #: File that holds the password, instead of `password`.
    password_file: Location | None = None
    #: Which of its mailboxes.
    mailbox: str = Field(default="INBOX", min_length=1)
    #: How often it is asked.
    poll: Pause = timedelta(minutes=1)


class OwnRule(Table):
    """What a refusal means, in the operator's own words; comes before the rules that are built in."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    #: Shown as the reason of a decision.
    name: str = Field(min_length=1, max_length=60)
    #: Regular expression that stands somewhere in the words of the refusal; case does not count.
    match: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_expression)]
    #: "hard", "soft" or "policy".
    report_class: Literal[ReportClass.HARD, ReportClass.SOFT, ReportClass.POLICY] = Field(alias="class")


class Inbound(Table):
    """The way back: bounces, complaints, unsubscriptions by mail."""

    #: Address to take mail at, by LMTP from the mail server; empty: none is taken so.
    lmtp: ListeningOrNone = "127.0.0.1:8024"
    #: Domain of return paths and of the unsubscribe address; its mail comes here. Empty: messages carry neither.
    bounce_domain: DomainOrNone = ""
    #: A mailbox that is asked for new mail.
    imap: Imap | None = None
    #: A Maildir that is looked at: what lies in its `new/` is read, then moved to `cur/`.
    maildir: Location | None = None
    #: Where letters go that readers wrote; empty: to `mail.reply_to`, else to the sender.
    replies_to: MailboxOrNone = ""
    #: An address is given up when so many days brought reports that it is dead (the receiving server's own word, while
    #: a message is sent, counts at once).
    hard_days: int = Field(default=2, ge=1, le=30)
    #: The same when so many messages in a row were given up for the time being, over at least `soft_span`.
    soft_sends: int = Field(default=5, ge=1, le=1000)
    #: See `soft_sends`.
    soft_span: Duration = timedelta(days=14)
    #: What is held against an address is forgotten after so long without a further report.
    memory: Pause = timedelta(days=60)
    #: Further rules for refusals.
    rule: tuple[OwnRule, ...] = ()
