"""A chunk of documents into the store, in one transaction.

    chunk | lock | record one after the other | commit -> rows;  a document that fails | refused, and all of it again
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from publisher.intake import record
from publisher.intake.folder import Refusal
from publisher.intake.load import Loaded
from publisher.intake.record import PickUp
from publisher.model import DocumentResult
from publisher.store import articles
from publisher.store.engine import Store
from publisher.store.sqlite_driver import quickly


async def commit(store: Store, pick_up: PickUp, chunk: Sequence[Loaded]) -> list[DocumentResult]:
    """The rows of the documents; one that the store does not take is refused, and the others are written (I12)."""
    loaded = list(chunk)
    while True:
        culprit: Loaded | None = None
        try:
            async with store.write() as tx, quickly(tx):
                await articles.lock(tx)
                rows = []
                for culprit in loaded:
                    row = await record.take(tx, pick_up, culprit)
                    rows.append(row)
                    await asyncio.sleep(0)  # nothing else waits here: others have their turn
                culprit = None
        except Exception as error:
            if culprit is None or isinstance(culprit.made, Refusal):
                raise  # the store itself is in trouble
            reason = f"it could not be stored: {type(error).__name__}: {error}".splitlines()[0][:300]
            refusal = Refusal(culprit.reading.path, reason, "report it: this is a fault of Publisher")
            bad = replace(culprit, digest="", made=refusal)
            loaded = [bad if one is culprit else one for one in loaded]
        else:
            return rows
