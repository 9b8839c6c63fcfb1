"""Messages made ready ahead of the wire: none is lost where the store fails meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.errors import StoreError
from publisher.mail.ahead import Ahead
from publisher.mail.pace import Pace
from publisher.mail.press import press_for
from publisher.mail.stock import Stock
from publisher.store.engine import Store
from publisher.templating import Templates
from tests.mail.conftest import NOON


async def test_candidates_survive_a_store_that_fails(
    store: Store, settings: Callable[..., Settings], templates: Templates, keys: Keys,
    plant: Callable[..., Awaitable[list[int]]],
) -> None:
    """They are made ready once it works again; whoever closes hears of those that never were."""
    await plant([f"r{n}@m.org" for n in range(3)])
    stop = asyncio.Event()
    ahead = Ahead(store, lambda: NOON, Pace(), stop)
    press = press_for(store, settings(), templates, keys)
    stock = Stock(ahead, press, lambda: NOON)
    await _rename(store, "variant_articles", "elsewhere")
    for _ in range(2):
        with pytest.raises(StoreError):
            await stock.next()
    await _rename(store, "elsewhere", "variant_articles")
    made = [await stock.next() for _ in range(2)]
    assert [parcel.claim.email for parcel in made if parcel and parcel.message] == ["r0@m.org", "r1@m.org"]
    assert [claim.email for claim in await stock.close()] == ["r2@m.org"]
    press.close()
    await ahead.close()


async def _rename(store: Store, table: str, to: str) -> None:
    async with store.write() as tx:
        await tx.execute(text(f"ALTER TABLE {table} RENAME TO {to}"))
