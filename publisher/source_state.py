"""What is known of a source between two looks at it. Vocabulary, like `publisher.model`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is known between two fetches of a source that is asked over the network."""

    #: Name of the source, as "feed:news.example.org/rss.xml".
    name: str
    #: Where permanent redirects led; empty: the configured address.
    url: str = ""
    #: Validators of the last answer, as the server wrote them; empty where it gave none.
    etag: str = ""
    last_modified: str = ""
    #: SHA-256 in hex of the last body that was read to its end, and of its Link header.
    digest: str = ""
    #: Or when something was pushed last: whatever was fetched before is older.
    polled_at: datetime | None = None
    #: None: at the next occasion; of a feed that is gone: never.
    next_poll_at: datetime | None = None
    #: The server asked to be left alone until then (Retry-After); holds for everybody.
    retry_at: datetime | None = None
    #: In a row, since the last success.
    failures: int = 0
    #: The server says that the feed has ended (410).
    gone: bool = False
    #: Why the last fetch failed; empty where it did not.
    reason: str = ""


class PushMode(StrEnum):
    """What was asked of a hub, and waits for its question back (WebSub, section 5.3)."""

    NOTHING = ""
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True)
class Push:
    """What is known of one topic of a source at one hub, which pushes it to us (W3C WebSub)."""

    id: int
    #: Name of the source, as in SourceState.
    source: str
    hub: str
    topic: str
    #: The source offers it, and is to have it; otherwise the subscription is to end.
    wanted: bool = True
    pending: PushMode = PushMode.NOTHING
    #: Live until then; None: not subscribed.
    lease_until: datetime | None = None
    #: When the hub is to be asked (again).
    next_ask_at: datetime | None = None
    #: Requests in a row that the hub did not come back to.
    tries: int = 0
    #: Why there is no subscription; empty where there is one, or none was asked for yet.
    reason: str = ""
