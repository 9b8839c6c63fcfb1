"""How long links live, and how often one may be asked for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from publisher.settings import Subscribing

#: Of confirmation mails to one mailbox, and of what readers have sent to themselves.
DAY = timedelta(days=1)
#: Of confirmation mails in all.
HOUR = timedelta(hours=1)
#: A link for what a forwarded digest must not allow is good for so long.
FRESH = timedelta(hours=1)

#: Between two of the same that a reader has sent to themselves, and how many a day.
_REST, _DAILY = timedelta(minutes=2), 8


def may_ask(asked: Sequence[datetime], lately: int, limits: Subscribing, now: datetime) -> bool:
    """Whether one more confirmation mail may go out.

    `asked`: when it was asked for this subscription; `lately`: how often within a day for the same mailbox.
    """
    return all(now - at >= limits.pause for at in asked) and lately < limits.per_address


def expired(asked: Sequence[datetime], limits: Subscribing, now: datetime) -> bool:
    """Whether the link of the last confirmation mail is too old, or was never sent."""
    return not asked or now - max(asked) > limits.link


def may_have(before: Sequence[datetime], now: datetime) -> bool:
    """Whether a reader may have one more mail sent to themselves; `before`: when they had one within a day."""
    return len(before) < _DAILY and all(now - at >= _REST for at in before)


def is_fresh(asked_at: datetime | None, now: datetime) -> bool:
    """Whether a link that was asked for then is still good."""
    return asked_at is not None and now - asked_at <= FRESH
