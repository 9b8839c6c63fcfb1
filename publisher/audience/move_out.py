"""A subscription as a row of a table that can be imported again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from publisher.audience.wanted import WEEKDAYS
from publisher.model import Reader, SubscriptionState

#: What records that a person agreed.
_AGREED = ("confirmed", "operator", "imported")
_STATUS = {
    SubscriptionState.ACTIVE: "confirmed", SubscriptionState.PENDING: "pending",
    SubscriptionState.UNSUBSCRIBED: "unsubscribed",
}
#: Of a suppressed address: a table must not bring back elsewhere whom nothing may be sent to here.
_BARRED = {"bounce": "bounced", "complaint": "complained", "operator": "suppressed"}


def row(reader: Reader, consents: Sequence[Mapping[str, Any]], suppression: str | None) -> list[str]:
    """The cells of `publisher.audience.exports.COLUMNS`; `consents` as the store lists them."""
    subscription, person = reader.subscription, reader.subscriber
    agreed = next((one for one in reversed(consents) if one["action"] in _AGREED), None)
    status = _STATUS[subscription.state]
    if suppression is not None:
        status = _BARRED.get(suppression, "unsubscribed")
    return [
        person.email, person.name, subscription.newsletter, subscription.frequency.value,
        WEEKDAYS[subscription.weekday].lower(), ",".join(subscription.sections), person.timezone,
        f"{subscription.local_time:%H:%M}", person.language, status, ",".join(person.tags),
        "yes" if person.plain_text else "no", _instant(subscription.paused_until),
        _instant(agreed["at"] if agreed else None), agreed["origin"] if agreed else "",
    ]


def guarded(cell: str) -> str:
    """The cell for a spreadsheet, which would take one that begins so for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell


def _instant(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()
