"""The vocabulary of what comes back: reports, their classes, and what they prove. Imports nothing of ours.

All instants are timezone-aware and in UTC unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReportClass(StrEnum):
    """What a report means for the reader that it is about."""

    HARD = "hard"
    """The address is dead."""
    SOFT = "soft"
    """Not now: full, away, slow, out of order."""
    POLICY = "policy"
    """They refuse us or the message, not the reader: never counted against the reader."""
    COMPLAINT = "complaint"
    """The reader called it spam."""
    UNSUBSCRIBE = "unsubscribe"
    """The reader wants no more."""
    OTHER = "other"
    """Nothing of that: automatic answers, questions, letters."""


class ReportKind(StrEnum):
    """What sort of mail a report is."""

    BOUNCE = "bounce"
    """A message was given up."""
    DELAY = "delay"
    """It is still tried: nothing has failed yet."""
    RECEIPT = "receipt"
    """It arrived, was read, or went on to elsewhere."""
    COMPLAINT = "complaint"
    """A feedback report (RFC 5965), or one in its own form."""
    UNSUBSCRIBE = "unsubscribe"
    """A mail that asks to be taken off."""
    AUTOMATIC = "automatic"
    """An answer that nobody wrote: a vacation note, a ticket."""
    CHALLENGE = "challenge"
    """A question whether a person wrote."""
    LETTER = "letter"
    """Somebody wrote."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a message that came in says. Of its own words: it proves nothing by itself."""

    report_class: ReportClass
    kind: ReportKind
    #: Of the person whom it is about, as the report gives it; or empty.
    address: str = ""
    #: Enhanced status code (RFC 3463) as "5.1.1", else the SMTP code, else empty.
    code: str = ""
    #: The words that decided, on one line.
    reason: str = ""
    #: Name of the rule that decided.
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What of ours a report carries: who it is about. Worth nothing until it is checked against the store."""

    #: "message" (a return path), "subscription" (an unsubscribe address or link) or "message-id".
    kind: str
    #: The token, or the Message-ID without its brackets.
    value: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way in."""

    #: As it came.
    content: bytes
    #: By which way: "lmtp", "imap" or "maildir".
    way: str
    #: Of its envelope, where one is known.
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of a message that came in, or of a refusal at the door of the receiving server."""

    finding: Finding
    #: "smtp", "lmtp", "imap" or "maildir".
    way: str
    #: SHA-256 in hex: the same report is recorded once.
    digest: str
    #: The best first.
    proofs: tuple[Proof, ...] = ()
    #: What tells a person how it came to be judged so: the decisive lines, shortened.
    evidence: str = ""
    #: When it was said, where that is known better than by when it is taken in.
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a report is about, proven."""

    subscriber_id: int
    subscription_id: int
    email: str
    email_key: str
    newsletter: str
    #: Of a report about one message: it, and its edition.
    delivery_id: int | None = None
    edition_id: int | None = None
    #: False: the proof names a person whose address may have been another then.
    bound: bool = True


@dataclass(frozen=True, slots=True)
class Tally:
    """What is held against an address since mail last got through to it."""

    email_key: str
    #: Days, in UTC, on which a report said that the address is dead.
    hard_days: int = 0
    hard_first_at: datetime | None = None
    hard_last_at: datetime | None = None
    #: Messages that were given up for the time being.
    soft_sends: int = 0
    soft_first_at: datetime | None = None
    soft_last_at: datetime | None = None
    #: The last delivery that is counted.
    delivery_id: int = 0
