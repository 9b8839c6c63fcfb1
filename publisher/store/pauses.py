"""Pauses that are over: the reader is due again, and what went live until then is passed over (I3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, bindparam, case, func, select, update

from publisher.model import Reader, SubscriptionState
from publisher.store import audience, tides
from publisher.store.bulk import among
from publisher.store.engine import Tx
from publisher.store.instant import Instant
from publisher.store.mail_schema import subscriptions

_C = subscriptions.c
_PLACE = bindparam("place", type_=BigInteger)
_ENDED = (
    update(subscriptions)
    .where(_C.id == bindparam("of"), _C.paused_until == bindparam("until", type_=Instant))
    .values(
        paused_until=None, next_due_at=bindparam("due", type_=Instant),
        from_seq=case((_C.from_seq < _PLACE, _PLACE), else_=_C.from_seq),
    )
)


async def over(tx: Tx, now: datetime, limit: int) -> list[Reader]:
    """Active subscriptions whose pause has come to its end, at most so many; found along an index of pauses."""
    # Within an expression the state does not lead SQLite to the index of states.
    active = func.coalesce(_C.state, "") == SubscriptionState.ACTIVE
    ended = select(_C.id).where(_C.paused_until.is_not(None), _C.paused_until <= now, active)
    ids = (await tx.execute(ended.order_by(_C.paused_until, _C.id).limit(limit))).scalars()
    return await audience.list_readers(tx, 0, None, among(tx, _C.id, list(ids)))


async def end(tx: Tx, ended: Sequence[tuple[int, datetime, datetime]]) -> int:
    """Ends these pauses where they still end then: (subscription, end, first due instant after it). How many.

    The next window opens after what had gone live by the end, whenever this is called; it never moves back.
    """
    found = await audience.lock_all(tx, (ident for ident, _, _ in ended))
    still = [one for one in ended if one[0] in found and found[one[0]].paused_until == one[1]]
    places = {until: await tides.seq_at(tx, until) for until in {one[1] for one in still}}
    if still:
        await tx.execute(_ENDED, [
            {"of": ident, "until": until, "due": due, "place": places[until]} for ident, until, due in still
        ])
    return len(still)
