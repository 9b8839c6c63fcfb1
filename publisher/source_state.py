"""What is known of a source between two looks at it. Vocabulary, like `publisher.model`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
    #: SHA-256 in hex of the last body that was read to its end.
    digest: str = ""
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
