"""What the parts of the plan step share: the store, the press, the instant of this run, and its tally."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from publisher.address import message_id
from publisher.config import Settings
from publisher.digest.due import zone_of
from publisher.digest.press import Press
from publisher.model import Article, Reader
from publisher.outgoing import NewDelivery
from publisher.store import articles
from publisher.store.engine import Store, Tx

#: Subscriptions read, and planned in one write transaction, at a time: other writers wait well under half a second.
BATCH = 100
#: Articles of a window that a message can name; older ones count as delivered with it.
_NAMED = 1000


@dataclass(frozen=True, slots=True)
class Desk:
    """One run of the plan step."""

    store: Store
    settings: Settings
    press: Press
    now: datetime
    #: Gives another letters-and-digits text at each call, for Message-IDs.
    new_id: Callable[[], str]
    #: What became of subscriptions and variants, by word.
    tally: Counter[str] = field(default_factory=Counter)

    @property
    def on(self) -> date:
        """The issue's date: today, in the site's zone."""
        return self.now.astimezone(self.settings.site.zone).date()

    def zone(self, reader: Reader) -> tzinfo:
        """The reader's zone."""
        return zone_of(reader.subscriber.timezone, self.settings.site.zone)

    def message_id(self) -> str:
        """A new Message-ID at the sender's domain, RFC 5322 section 3.6.4 (I6)."""
        return message_id(self.settings.mail.sender, self.new_id())

    def delivery(
        self, reader: Reader, period: str, window: tuple[int, int], *, due_at: datetime | None = None,
        next_due_at: datetime | None = None,
    ) -> NewDelivery:
        """A delivery of `window` to this reader, to be written if the subscription is still as it was read."""
        subscription = reader.subscription
        return NewDelivery(
            subscription_id=subscription.id, subscriber_id=subscription.subscriber_id, period=period,
            from_seq=window[0], to_seq=window[1], message_id=self.message_id(), next_due_at=next_due_at, due_at=due_at,
            expect_from_seq=subscription.from_seq, expect_generation=subscription.generation,
        )


@dataclass(frozen=True, slots=True)
class Windows:
    """Reads windows of articles in one transaction, each only once."""

    tx: Tx
    found: dict[tuple[int, int, tuple[str, ...]], Sequence[Article]] = field(default_factory=dict)
    seen: dict[tuple[int, int, tuple[str, ...]], bool] = field(default_factory=dict)

    async def read(self, after: int, to: int, sections: tuple[str, ...]) -> Sequence[Article]:
        """The matching articles of (after, to], newest first, backfill left out."""
        key = (after, to, sections)
        if key not in self.found:
            self.found[key] = [] if after >= to else await articles.window(self.tx, after, to, sections, limit=_NAMED)
        return self.found[key]

    async def holds_any(self, after: int, to: int, sections: tuple[str, ...]) -> bool:
        """Whether any article of (after, to] matches."""
        key = (after, to, sections)
        if key not in self.seen:
            self.seen[key] = after < to and bool(await articles.window(self.tx, after, to, sections, limit=1))
        return self.seen[key]
