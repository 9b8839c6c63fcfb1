"""Erasing a person: what is theirs goes everywhere; counts stay, and a mark on the suppression list.

    locked | unsent ended | nothing on the wire? names, addresses, origins, servers' words gone | a mark is left
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import and_, delete, func, or_, select, update

from publisher.errors import StoreError
from publisher.model import LEFT
from publisher.outgoing import DeliveryState
from publisher.store import audience
from publisher.store.engine import Tx, fingerprints_of
from publisher.store.inbound_schema import bounce_tallies, bounces, forwards
from publisher.store.mail_schema import (
    attempts,
    consents,
    deliveries,
    notices,
    private_feeds,
    releases,
    subscribers,
    subscriptions,
    suppressions,
)
from publisher.store.upsert import upsert

#: In place of the address in normal form of a person who was erased; holds no @.
_NOBODY = "erased:"
_LEDGERS = {"delivery": deliveries, "notice": notices}
#: Consents whose words stood beside a button; those of others hold what reports, imports and changes of address say.
_ASKED = ("asked", "confirmed")


async def find(tx: Tx, email_key: str) -> int | None:
    """The person with this address."""
    return (await tx.execute(select(subscribers.c.id).where(subscribers.c.email_key == email_key))).scalar_one_or_none()


async def stop(tx: Tx, subscriber_id: int, now: datetime) -> bool:
    """Ends all that a person gets, and all that waits for them; whether anything is on the wire still."""
    ids = await _subscriptions(tx, subscriber_id)
    feed = private_feeds.c.subscriber_id == subscriber_id
    await tx.execute(update(private_feeds).where(feed).values(open=False))
    for ident in ids:
        await audience.unsubscribe(tx, ident, now)
    busy = False
    for table in _LEDGERS.values():
        mine = and_(table.c.subscription_id.in_(ids), table.c.finished_at.is_(None))
        states = set((await tx.execute(select(table.c.state).where(mine))).scalars())
        busy = busy or DeliveryState.CLAIMED in states
        ended = {"state": DeliveryState.CANCELLED, "finished_at": now, "next_attempt_at": None}
        await tx.execute(update(table).where(mine, table.c.state != DeliveryState.CLAIMED).values(**ended))
    return busy


async def scrub(tx: Tx, subscriber_id: int, now: datetime) -> None:
    """Takes out what is personal of somebody whom `stop` left with nothing on the wire."""
    ids = await _subscriptions(tx, subscriber_id)
    await forget_reports(tx, await _addresses(tx, subscriber_id, ids), subscriber_id)
    for kind, table in _LEDGERS.items():
        mine = table.c.subscription_id.in_(ids)
        said = and_(attempts.c.kind == kind, attempts.c.ref_id.in_(select(table.c.id).where(mine)))
        await tx.execute(update(attempts).where(said).values(reply_text=""))
        values = {"reply_text": ""} if kind == "delivery" else {
            "reply_text": "", "params": {}, "recipient": "", "recipient_key": "",
        }
        await tx.execute(update(table).where(mine).values(**values))
    agreed = consents.c.subscription_id.in_(ids)
    await tx.execute(update(consents).where(agreed).values(origin=""))
    await tx.execute(update(consents).where(agreed, consents.c.action.not_in(_ASKED)).values(wording=""))
    await tx.execute(update(subscriptions).where(subscriptions.c.id.in_(ids)).values(sections=[]))
    if ids:
        await audience.add_consent(tx, ids[0], action="erased", now=now, origin="", wording="")
    nobody = {
        "email": "", "email_key": f"{_NOBODY}{subscriber_id}", "name": "", "language": "", "timezone": "UTC",
        "plain_text": False, "tags": [], "link_number": subscribers.c.link_number + 1, "link_asked_at": None,
        "new_email": "", "mailbox": "",
    }
    await tx.execute(update(subscribers).where(subscribers.c.id == subscriber_id).values(**nobody))


async def forget_reports(tx: Tx, email_keys: Collection[str], subscriber_id: int | None = None) -> None:
    """Takes these addresses, and the person who had them, out of reports and of letters that were passed on.

    What is counted stays. A letter that still waits for the editor goes there, and is forgotten then.
    """
    about = or_(bounces.c.subscriber_id == subscriber_id, func.lower(bounces.c.address).in_(email_keys))
    await tx.execute(update(bounces).where(about).values(address="", reason="", evidence="", effect=""))
    await tx.execute(delete(bounce_tallies).where(bounce_tallies.c.email_key.in_(email_keys)))
    with_the_editor = and_(func.lower(forwards.c.sender).in_(email_keys), forwards.c.next_attempt_at.is_(None))
    await tx.execute(update(forwards).where(with_the_editor).values(sender="", subject="", reply_text=""))


async def _addresses(tx: Tx, subscriber_id: int, subscription_ids: Sequence[int]) -> set[str]:
    """The addresses in normal form that the person has, had, or wanted to have."""
    now = select(subscribers.c.email_key).where(subscribers.c.id == subscriber_id)
    told = select(notices.c.recipient_key).where(notices.c.subscription_id.in_(subscription_ids))
    return {*(await tx.execute(now.union(told))).scalars()} - {""}


async def mark(tx: Tx, email_key: str, now: datetime) -> None:
    """The suppression list knows the address by its newest mark from here on, and by nothing else.

    A reason that no confirmation lifts stays. Raises StoreError where the store was opened without marks.
    """
    marks = fingerprints_of(tx, email_key)
    if not marks:
        raise StoreError("the store was opened without the keys that erasing an address needs")
    before = await audience.suppressed(tx, email_key)
    reason = before if before is not None and before not in LEFT else "erased"
    await tx.execute(delete(suppressions).where(suppressions.c.email_key.in_((email_key, *marks))))
    await upsert(tx, suppressions, ("email_key",), {"email_key": marks[0], "reason": reason, "note": "", "at": now})
    taken_off = releases.c.email_key.in_((email_key, *marks))
    await tx.execute(update(releases).where(taken_off).values(email_key=marks[0], note="", release_note=""))


async def _subscriptions(tx: Tx, subscriber_id: int) -> Sequence[int]:
    """Ids of the person's subscriptions, locked."""
    mine = subscriptions.c.subscriber_id == subscriber_id
    query = select(subscriptions.c.id).where(mine).order_by(subscriptions.c.id).with_for_update()
    return list((await tx.execute(query)).scalars())
