"""A part of the plan step: pauses that are over.

    paused until now or earlier | first slot after the end -> due again; the window opens after what was live at the end

The end is what counts, not when it is noticed: what goes live after it is mailed, and a slot since then is not lost.
"""

from __future__ import annotations

from publisher.digest.desk import BATCH, Desk
from publisher.digest.due import first_due
from publisher.store import pauses


async def resume(desk: Desk) -> None:
    """Ends every pause whose time has come."""
    while True:
        async with desk.store.read() as tx:
            readers = await pauses.over(tx, desk.now, BATCH)
        ended = [
            (it.subscription.id, until, first_due(it.subscription, desk.zone(it), until, desk.settings.mail))
            for it in readers if (until := it.subscription.paused_until) is not None
        ]
        if not ended:
            return
        async with desk.store.write() as tx:
            desk.tally["resumed"] += await pauses.end(tx, ended)
