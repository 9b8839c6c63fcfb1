"""What the parts of the plan step share: the store, the press, the instant of this run, and its tally."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
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
from publisher.store.planned import Frame

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
    #: Frames of Message-IDs given out in this run.
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

    def frame(self) -> Frame:
        """Of Message-IDs at the sender's domain, RFC 5322 section 3.6.4, one for each reader; never given twice (I6).

        Those of later frames come later in the alphabet too.
        """
        begin = f"{int(self.now.timestamp()):08x}{next(self.given):06x}{self.token(_RANDOM)}."
        return Frame(*message_id(self.settings.mail.sender, f"{begin}|").split("|"))

    def times(self, ids: Sequence[int], *, spread: bool) -> Iterable[tuple[PlainInstant, list[int]]]:
        """When messages to these subscriptions may go, with those for whom it is then.

        At once, or `spread` evenly over the time that the settings give an edition, to the second.
        """
        seconds = int(self.settings.mail.spread.total_seconds()) if spread else 0
        after: defaultdict[int, list[int]] = defaultdict(list)
        for ident in ids if seconds else ():
            after[zlib.crc32(f"{ident} {self.now.timestamp()}".encode()) * seconds >> 32].append(ident)
        for delay, mine in after.items() if seconds else ((0, list(ids)),):
            yield plain(self.store.dialect, self.now + timedelta(seconds=delay)), mine

    def delivery(self, reader: Reader, period: str, window: tuple[int, int]) -> NewDelivery:
        """A delivery of `window` outside of any slot, to be written if the subscription is still as it was read."""
        subscription, frame = reader.subscription, self.frame()
        return NewDelivery(
            subscription_id=subscription.id, subscriber_id=subscription.subscriber_id, period=period,
            from_seq=window[0], to_seq=window[1], message_id=f"{frame.begin}{subscription.id}{frame.end}",
            next_due_at=None, due_at=None,
            expect_from_seq=subscription.from_seq, expect_generation=subscription.generation,
        )
