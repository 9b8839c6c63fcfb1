"""Erasing a person, at their own wish or by the operator's hand.

    address | nothing more goes out, committed | what is on the wire ends | personal data gone, mark left (one commit)

Only its owner's fresh double opt-in brings the address back (I11).
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from publisher.errors import PublisherError
from publisher.store import erasure
from publisher.store.engine import Store

#: Tries, and seconds between two, for what is on the wire to end.
_TRIES, _PAUSE = 40, 0.25


async def erase(store: Store, email_key: str, now: datetime) -> bool:
    """Erases whoever has this address in normal form; whether anybody had. The address is marked in any case.

    Raises PublisherError where a message to it stays on the wire: by then it gets nothing more, and asking again later
    does the rest.
    """
    for left in range(_TRIES, 0, -1):
        async with store.write() as tx:
            person = await erasure.find(tx, email_key)
            if person is None:
                await erasure.mark(tx, email_key, now)
                await erasure.forget_reports(tx, [email_key])
                return False
            if not await erasure.stop(tx, person, now):
                await erasure.mark(tx, email_key, now)
                await erasure.scrub(tx, person, now)
                return True
        if left > 1:
            await asyncio.sleep(_PAUSE)
    raise PublisherError("a message to this address is on its way at this moment; ask again in some minutes")
