"""How long a confirmation link lives, and how often one may be asked for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

#: A confirmation link is good for so long.
LIFETIME = timedelta(days=7)
#: Between two confirmation mails for one subscription.
PAUSE = timedelta(minutes=10)
#: Confirmation mails to one address in a day, over all its subscriptions: a form must be no weapon.
DAILY = 5

_DAY = timedelta(days=1)


def may_ask(asked: Sequence[datetime], anywhere: Sequence[datetime], now: datetime) -> bool:
    """Whether one more confirmation mail may go out.

    `asked`: when it was asked for this subscription; `anywhere`: for any subscription of the same address.
    """
    recent = [at for at in anywhere if now - at < _DAY]
    return all(now - at >= PAUSE for at in asked) and len(recent) < DAILY


def expired(asked: Sequence[datetime], now: datetime) -> bool:
    """Whether the link of the last confirmation mail is too old, or was never sent."""
    return not asked or now - max(asked) > LIFETIME
