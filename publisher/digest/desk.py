"""What the parts of the plan step share: the store, the press, the instant of this run, and its tally."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import count
from secrets import token_hex

from publisher.address import message_id
from publisher.config import Settings
from publisher.digest.due import zone_of
from publisher.digest.press import Press
from publisher.model import Reader
from publisher.outgoing import NewDelivery
from publisher.store.bulk import PlainInstant, plain
from publisher.store.engine import Store

#: New readers read, and planned in one write transaction, at a time.
BATCH = 500
#: Random bytes of a Message-ID.
_RANDOM = 9


@dataclass(frozen=True, slots=True)
class Desk:
    """One run of the plan step."""

    store: Store
    settings: Settings
    press: Press
    now: datetime
    #: So many random bytes in hex, for Message-IDs.
    token: Callable[[int], str] = token_hex
    #: Message-IDs given out in this run.
    given: count[int] = field(default_factory=count)
    #: What became of subscriptions and variants, by word.
    tally: Counter[str] = field(default_factory=Counter)

    @property
    def on(self) -> date:
        """The issue's date: today, in the site's zone."""
        return self.now.astimezone(self.settings.site.zone).date()

    def zone(self, reader: Reader) -> tzinfo:
        """The reader's zone."""
        return zone_of(reader.subscriber.timezone, self.settings.site.zone)

    def message_ids(self, number: int) -> list[str]:
        """New Message-IDs at the sender's domain, RFC 5322 section 3.6.4 (I6).

        Those of later readers come later in the alphabet too: a million at random places of an index are slow to store.
        """
        random = self.token(_RANDOM * number)
        begin, end = _frame(self.settings.mail.sender, f"{int(self.now.timestamp()):08x}")
        parts = (random[at : at + 2 * _RANDOM] for at in range(0, len(random), 2 * _RANDOM))
        return [f"{begin}{next(self.given):06x}{part}{end}" for part in parts]

    def times(self, message_ids: Sequence[str], *, spread: bool) -> list[PlainInstant]:
        """When each of these messages may go: now, or `spread` evenly over the time that the settings give an edition.

        A message's place in that time comes from its Message-ID, to the second.
        """
        seconds = int(self.settings.mail.spread.total_seconds()) if spread else 0
        if not seconds:
            return [plain(self.store.dialect, self.now)] * len(message_ids)
        after = [zlib.crc32(ident.encode()) * seconds >> 32 for ident in message_ids]
        at = {delay: plain(self.store.dialect, self.now + timedelta(seconds=delay)) for delay in set(after)}
        return [at[delay] for delay in after]

    def delivery(self, reader: Reader, period: str, window: tuple[int, int]) -> NewDelivery:
        """A delivery of `window` outside of any slot, to be written if the subscription is still as it was read."""
        subscription = reader.subscription
        return NewDelivery(
            subscription_id=subscription.id, subscriber_id=subscription.subscriber_id, period=period,
            from_seq=window[0], to_seq=window[1], message_id=self.message_ids(1)[0], next_due_at=None, due_at=None,
            expect_from_seq=subscription.from_seq, expect_generation=subscription.generation,
        )


@lru_cache(8)
def _frame(sender: str, begin: str) -> tuple[str, str]:
    """What stands around the unique part of Message-IDs that all begin alike."""
    before, _, after = message_id(sender, f"{begin}|").partition("|")
    return before, after
