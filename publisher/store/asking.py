"""How often confirmations were asked for: what keeps a form from being a weapon, whatever restarts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, func, or_, select, update

from publisher.store.engine import Tx
from publisher.store.mail_schema import consents, subscribers, subscriptions

_CONSENTS = consents.join(subscriptions, consents.c.subscription_id == subscriptions.c.id).join(
    subscribers, subscriptions.c.subscriber_id == subscribers.c.id
)


async def count_asked(tx: Tx, since: datetime) -> int:
    """How many confirmations were asked for since then, whoever for, the operator's own wishes left out."""
    asked = and_(consents.c.action == "asked", consents.c.at > since, consents.c.origin != "operator")
    return int((await tx.execute(select(func.count()).where(asked))).scalar_one())


async def count_asked_of(tx: Tx, email_key: str, mailbox: str, since: datetime) -> int:
    """The same for one mailbox, whatever newsletter and spelling of the address, the operator's wishes counted."""
    asked = and_(consents.c.action == "asked", consents.c.at > since)
    mine = or_(subscribers.c.email_key == email_key, subscribers.c.mailbox == mailbox)
    query = select(func.count()).select_from(_CONSENTS).where(asked, mine)
    return int((await tx.execute(query)).scalar_one())


async def note_mailbox(tx: Tx, subscriber_id: int, mailbox: str) -> None:
    """Where mail to the person ends up, as `count_asked_of` wants to know."""
    await tx.execute(update(subscribers).where(subscribers.c.id == subscriber_id).values(mailbox=mailbox))
