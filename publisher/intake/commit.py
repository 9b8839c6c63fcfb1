"""A chunk of documents into the store, in one transaction.

    chunk | lock | newcomer: what is new together, the rest one after the other | commit -> rows
    one that fails | all of it one after the other, to find it | refused, and all of it again
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from publisher.errors import StoreError
from publisher.intake import newcomer, record
from publisher.intake.folder import Refusal
from publisher.intake.load import Loaded
from publisher.intake.record import PickUp
from publisher.model import DocumentResult
from publisher.store import articles
from publisher.store.engine import Store
from publisher.store.sqlite_driver import quickly


async def commit(store: Store, pick_up: PickUp, chunk: Sequence[Loaded]) -> list[DocumentResult]:
    """The rows of the documents; one that the store does not take is refused, and the others are written (I12)."""
    loaded, together = list(chunk), True
    keys = []
    for one in loaded:
        keys.append(newcomer.keys_of(one))
        await asyncio.sleep(0)
    while True:
        culprit: Loaded | None = None
        try:
            async with store.write() as tx, quickly(tx):
                await articles.lock(tx)
                if together:
                    return await newcomer.take_all(tx, pick_up, loaded, keys)
                rows = []
                for culprit in loaded:
                    rows.append(await record.take(tx, pick_up, culprit))
                    await asyncio.sleep(0)  # nothing else waits here: others have their turn
                culprit = None
                return rows
        except Exception as error:
            if together and not isinstance(error, StoreError):
                together = False  # one of them, or the store itself: the next round shows which
                continue
            if culprit is None or isinstance(culprit.made, Refusal):
                raise  # the store itself is in trouble
            reason = f"it could not be stored: {type(error).__name__}: {error}".splitlines()[0][:300]
            refusal = Refusal(culprit.reading.path, reason, "report it: this is a fault of Publisher")
            bad = replace(culprit, digest="", made=refusal)
            loaded = [bad if one is culprit else one for one in loaded]
