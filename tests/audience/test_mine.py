"""Preferences and fresh links as steps, on both databases, also where two come at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from publisher import address, fingerprints, tokens
from publisher.audience import mine, optin, personal
from publisher.audience.optin import Joined
from publisher.audience.personal import Moved
from publisher.audience.wanted import Answers
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail_settings import Mail
from publisher.model import Frequency, Reader, SubscriptionState
from publisher.settings import Newsletter
from publisher.store import account, audience
from publisher.store.engine import Store, open_store
from tests import ledger

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
KEYS = Keys((b"k" * 32,))
LETTERS = (
    Newsletter(name="daily", frequencies=(Frequency.DAILY, Frequency.WEEKLY)), Newsletter(name="sea", sections=("sea",)),
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path, newsletter=LETTERS, mail=Mail())


@pytest.fixture(params=["sqlite", "postgresql"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    url = "sqlite:///publisher.db" if request.param == "sqlite" else request.getfixturevalue("postgres_store_url")
    store = await open_store(url, root=tmp_path, fingerprints=partial(fingerprints.of, KEYS))
    yield store
    await store.close()


@pytest.fixture
async def ann(kept: Store, settings: Settings) -> Reader:
    _, reader = await optin.add(kept, settings, "ann@example.org", confirmed=True, now=NOW)
    return reader


def token(reader: Reader) -> str:
    return tokens.make(KEYS, tokens.PREFERENCES, reader.subscription.id)


async def states(store: Store) -> dict[str, SubscriptionState]:
    async with store.read() as tx:
        found = await audience.readers_by_email(tx, "ann@example.org")
    return {one.subscription.newsletter: one.subscription.state for one in found}


async def test_a_life_of_choices(kept: Store, settings: Settings, ann: Reader) -> None:
    """Joining, choosing, pausing, resuming, leaving: each does one thing, and only to what comes."""
    by = token(ann)
    assert await mine.join(kept, settings, KEYS, by, LETTERS[1], now=NOW, origin="x", wording="y") == Joined.ADDED
    assert await mine.join(kept, settings, KEYS, by, LETTERS[1], now=NOW, origin="x", wording="y") == Joined.ALREADY
    assert await mine.choose(kept, KEYS, by, LETTERS[0], Answers("", frequency="weekly", weekday="6", time="05:05"))
    assert await mine.choose_for_all(kept, settings, KEYS, by, Answers("", timezone="Asia/Tokyo"), plain_text=True)
    assert await mine.pause(kept, settings, KEYS, by, LETTERS[0], "2026-03-05", NOW) == datetime(2026, 3, 4, 15, tzinfo=UTC)
    assert await mine.resume(kept, KEYS, by, "daily", NOW)
    assert await mine.leave(kept, KEYS, by, "", now=NOW, origin="x") == 2
    assert await mine.leave(kept, KEYS, by, "", now=NOW, origin="x") == 0
    assert not await mine.choose(kept, KEYS, by, LETTERS[0], Answers("", frequency="weekly"))
    assert await mine.pause(kept, settings, KEYS, by, LETTERS[0], "2026-03-05", NOW) is None
    assert await mine.join(kept, settings, KEYS, by, LETTERS[1], now=NOW, origin="x", wording="y") == Joined.ASKED
    assert await states(kept) == {"daily": SubscriptionState.UNSUBSCRIBED, "sea": SubscriptionState.PENDING}


async def test_a_strangers_link_does_nothing(kept: Store, settings: Settings, ann: Reader) -> None:
    """For every act."""
    bad = tokens.make(Keys((b"x" * 32,)), tokens.PREFERENCES, ann.subscription.id)
    assert await mine.mine(kept, KEYS, bad) is None
    assert await mine.join(kept, settings, KEYS, bad, LETTERS[1], now=NOW, origin="x", wording="y") is None
    assert not await mine.choose(kept, KEYS, bad, LETTERS[0], Answers(""))
    assert not await mine.choose_for_all(kept, settings, KEYS, bad, Answers(""), plain_text=True)
    assert await mine.pause(kept, settings, KEYS, bad, LETTERS[0], "2026-03-05", NOW) is None
    assert await mine.leave(kept, KEYS, bad, "", now=NOW, origin="x") == 0
    assert await mine.again(kept, settings, KEYS, bad, "daily", NOW) == mine.Again.NONE
    assert await personal.ask(kept, settings, KEYS, bad, "erase", NOW) is None
    assert await states(kept) == {"daily": SubscriptionState.ACTIVE}


async def test_many_who_join_leave_and_choose_at_once_never_stand_still(
    kept: Store, settings: Settings, ann: Reader
) -> None:
    """Locks are taken in one order: all come to an end, and one subscription stands for each newsletter."""
    by = token(ann)
    acts = [
        act for n in range(4) for act in (
            mine.join(kept, settings, KEYS, by, LETTERS[1], now=NOW, origin="x", wording="y"),
            mine.choose_for_all(kept, settings, KEYS, by, Answers("", timezone="UTC" if n % 2 else "Asia/Tokyo"), plain_text=False),
            mine.leave(kept, KEYS, by, "sea", now=NOW, origin="x"),
            personal.ask(kept, settings, KEYS, by, "export", NOW),
            mine.pause(kept, settings, KEYS, by, LETTERS[0], "2026-03-09", NOW),
        )
    ]
    await asyncio.wait_for(asyncio.gather(*acts), 60)
    assert set(await states(kept)) == {"daily", "sea"}
    assert [claim.notice_kind for claim in await ledger.claim(kept, NOW, 50)].count("export") == 1


async def test_fresh_links_are_asked_for_at_a_bounded_pace(kept: Store, settings: Settings, ann: Reader) -> None:
    """Whatever kind: one in two minutes, eight a day."""
    kinds = ("export", "erase", "address")
    asked = [await personal.ask(kept, settings, KEYS, token(ann), kinds[n % 3], NOW + n * MINUTE) for n in range(40)]
    assert asked[:4] == [True, False, True, False]
    assert asked.count(True) == 8
    assert await personal.ask(kept, settings, KEYS, token(ann), "erase", NOW + DAY + 20 * MINUTE)


async def test_two_who_use_one_link_at_once(kept: Store, settings: Settings, ann: Reader) -> None:
    """One gets the data, one moves the address; the others find the link used."""
    async def fresh(purpose: str, new: str = "") -> str:
        async with kept.write() as tx:
            number = await account.next_link(tx, ann.subscriber.id, NOW, new)
        return tokens.make(KEYS, purpose, ann.subscriber.id, str(number))

    link = await fresh(tokens.EXPORT)
    files = await asyncio.gather(*(personal.export(kept, KEYS, link, NOW) for _ in range(4)))
    assert sum(file is not None for file in files) == 1
    link = await fresh(tokens.NEW_ADDRESS, "ann@new.example")
    moved = await asyncio.gather(
        *(personal.move(kept, settings, KEYS, link, now=NOW, origin="x", wording="y") for _ in range(4))
    )
    assert sorted(state for state, _ in moved) == [Moved.DONE, Moved.VOID, Moved.VOID, Moved.VOID]
    link = await fresh(tokens.ADDRESS)
    sent = await asyncio.gather(*(
        personal.change_address(kept, settings, KEYS, link, address.parse("x@new.example"), NOW) for _ in range(4)
    ))
    assert sent.count(True) == 1
    link = await fresh(tokens.ERASE)
    gone = await asyncio.gather(*(personal.erase_me(kept, KEYS, link, NOW) for _ in range(4)))
    assert gone.count(True) >= 1
    async with kept.read() as tx:
        assert await audience.list_readers(tx) == []
