"""What our WebSub hub knows of its topics and of those who subscribed to them. Vocabulary, like `publisher.model`.

A topic is a feed of ours, named by its file below the output folder, as "sections/sea/atom.xml". Its content has a
number, which grows with each change; a subscription is behind while the number that it got is smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class HubMode(StrEnum):
    """What a callback is asked or told (WebSub, sections 5.2 and 5.3)."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Topic:
    """A feed that somebody subscribed to, or asked to."""

    feed: str
    #: SHA-256 in hex of the content with this number.
    digest: str
    number: int
    #: Since when there is no such file; None: there is one.
    gone_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What somebody asked of the hub."""

    mode: HubMode
    feed: str
    #: As the subscriber wrote it: that is how it knows it.
    topic: str
    callback: str
    #: Of the callback, in lower case.
    host: str
    #: Sealed; empty: none was given.
    secret: str = ""
    #: Granted, in whole seconds.
    lease: timedelta = timedelta()
    #: The topic's number when it was asked: what changed since then is pushed.
    number: int = 0
    #: Of a denial.
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HubRequest:
    """A request whose callback is to be asked whether it meant that, or to be told that it is denied."""

    id: int
    mode: HubMode
    feed: str
    topic: str
    callback: str
    host: str
    secret: str
    lease: timedelta
    number: int
    #: Questions that got no answer.
    tries: int
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """How a callback took the question."""

    request: HubRequest
    #: It said that it meant that.
    confirmed: bool
    #: Why it did not.
    reason: str = ""
    #: It did not answer at all, and is asked again then.
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HubSubscription:
    """A callback to which a topic is pushed."""

    id: int
    feed: str
    topic: str
    callback: str
    host: str
    #: Sealed; empty: none.
    secret: str
    lease_until: datetime
    #: Of the content that it got last, or that was given up.
    number: int
    #: Since when it takes nothing; None: it did the last time.
    failing_since: datetime | None
    #: It took its time the last time.
    slow: bool


class Took(StrEnum):
    """What became of an attempt to push."""

    DELIVERED = "delivered"
    FAILED = "failed"
    #: The callback wants no more (410).
    ENDED = "ended"
    #: The secret cannot be read any more, and without a signature nothing may go out.
    UNSIGNED = "unsigned"


@dataclass(frozen=True, slots=True)
class Pushed:
    """An attempt to push content `number`, and what became of it."""

    subscription: HubSubscription
    took: Took
    number: int
    at: datetime
    slow: bool = False
    reason: str = ""
    #: Of a failure: None where it is given up until the next change.
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """A hub of others that is told of changes."""

    hub: str
    #: Changes up to then are noted.
    noted_at: datetime
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ping:
    """A feed of which a hub of others is to be told."""

    feed: str
    #: Grows with each change that is noted meanwhile.
    number: int
