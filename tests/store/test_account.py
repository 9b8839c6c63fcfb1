"""The contract of a person as a whole: links that count on, another address, what was sent; on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from publisher.model import ArticleStatus, Reader
from publisher.outgoing import DeliveryState, NewVariant
from publisher.store import account, articles, asking, audience, editions, outbox
from publisher.store.mail_schema import variants

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def person(scene: Any, email: str) -> int:
    subscription = await scene.reader(email)
    async with scene.store.read() as tx:
        found = await audience.reader(tx, subscription)
    assert isinstance(found, Reader)
    return found.subscriber.id


async def test_each_link_makes_the_one_before_void(scene: Any) -> None:
    """Numbers count on, when one is asked for and when one is used; the new address goes with its link."""
    ada = await person(scene, "ada@example.org")
    async with scene.store.write() as tx:
        assert await account.next_link(tx, ada, NOW) == 1
        assert await account.next_link(tx, ada, NOW, "New@example.org") == 2
        assert await account.link(tx, ada, lock=True) == account.Link(2, NOW, "ada@example.org", "New@example.org")
        assert await account.next_link(tx, ada, None) == 3
        assert await account.link(tx, ada, lock=False) == account.Link(3, None, "ada@example.org", "")
        assert await account.link(tx, 999, lock=True) is None


async def test_two_who_use_one_link_at_once_get_different_numbers(scene: Any) -> None:
    """Whoever locks second sees what the first did."""
    ada = await person(scene, "ada@example.org")

    async def use() -> int:
        async with scene.store.write() as tx:
            found = await account.link(tx, ada, lock=True)
            assert found is not None
            await asyncio.sleep(0.01)
            assert await account.next_link(tx, ada, None) == found.number + 1
        return found.number

    assert sorted(await asyncio.gather(*(use() for _ in range(4)))) == [0, 1, 2, 3]


async def test_an_address_belongs_to_one_person(scene: Any) -> None:
    """Somebody else's is refused, and the transaction goes on; one's own spelling may change."""
    ada, _bo = await person(scene, "ada@example.org"), await person(scene, "bo@example.org")
    async with scene.store.write() as tx:
        assert not await account.move(tx, ada, "Bo@example.org", "bo@example.org")
        assert await account.move(tx, ada, "ADA@example.org", "ada@example.org")
        assert await account.move(tx, ada, "Ada@new.example", "ada@new.example")
    async with scene.store.read() as tx:
        (moved,) = await audience.readers_by_email(tx, "ada@new.example")
        assert moved.subscriber.email == "Ada@new.example"
        assert await audience.readers_by_email(tx, "ada@example.org") == []
        assert len(await audience.readers_by_email(tx, "bo@example.org")) == 1


async def test_the_last_edition_as_it_reads_by_now(scene: Any) -> None:
    """The newest that was accepted, in its newest revision; none where all of that was withdrawn."""
    subscription = await scene.reader("ada@example.org")
    async with scene.store.read() as tx:
        assert await account.last_variant(tx, subscription) is None
    await scene.plan(subscription, period="D:1")
    (claim,) = await scene.claim()
    async with scene.store.read() as tx:
        assert await account.last_variant(tx, subscription) is None
    await scene.settle(claim, DeliveryState.ACCEPTED)
    await scene.plan(subscription, period="D:2")
    async with scene.store.write() as tx:
        assert await account.last_variant(tx, subscription) == claim.variant_id
        await tx.execute(update(variants).where(variants.c.id == claim.variant_id).values(stale=True))
        assert await account.last_variant(tx, subscription) is None
        again = await editions.variant(tx, claim.edition_id, NewVariant("D:1", "en", "S", "<p>H</p>", "T", ()))
        assert await account.last_variant(tx, subscription) == again
        sent = await account.messages(tx, subscription)
    assert [(row["subject"], row["state"]) for row in sent] == [("Subject", "queued"), ("Subject", "accepted")]


async def test_what_was_sent_to_oneself_lately(scene: Any) -> None:
    """By kind and by time, over all of a person's subscriptions."""
    first = await scene.reader("ada@example.org")
    second = await scene.reader("ada@example.org", newsletter="weekly")
    async with scene.store.write() as tx:
        for number, (subscription, kind, at) in enumerate(
            [(first, "export", NOW), (second, "erase", NOW - HOUR), (first, "again", NOW), (second, "export", NOW - 9 * HOUR)]
        ):
            await outbox.add_notice(tx, kind, subscription, {}, f"<{number}@example.org>", at)
        ids = [first, second]
        assert await account.sent_since(tx, ids, ("export", "erase"), NOW - 2 * HOUR) == [NOW, NOW - HOUR]
        assert await account.sent_since(tx, [second], ("export",), NOW - 2 * HOUR) == []


@pytest.mark.parametrize(("since", "expected"), [(NOW - HOUR, 2), (NOW - 5 * HOUR, 3)])
async def test_wishes_are_counted_in_all_and_by_mailbox(scene: Any, since: datetime, expected: int) -> None:
    """The operator's own are no strangers', but they came into the mailbox."""
    one, two = await scene.reader("ada+x@example.org"), await scene.reader("ada@example.org")
    async with scene.store.write() as tx:
        for subscription, origin, at in (
            (one, "web form, x", NOW), (two, "small form, y", NOW), (two, "operator", NOW), (one, "web form", NOW - 3 * HOUR)
        ):
            await audience.add_consent(tx, subscription, action="asked", now=at, origin=origin, wording="")
            await audience.add_consent(tx, subscription, action="confirmed", now=at, origin=origin, wording="")
        assert await asking.count_asked(tx, since) == expected
        assert await asking.count_asked_of(tx, "ada@example.org", "ada@example.org", NOW - HOUR) == 2
        for subscription in (one, two):
            reader = await audience.reader(tx, subscription)
            assert reader is not None
            await asking.note_mailbox(tx, reader.subscriber.id, "ada@example.org")
        assert await asking.count_asked_of(tx, "other@example.org", "ada@example.org", NOW - HOUR) == 3
        assert await asking.count_asked_of(tx, "other@example.org", "other@example.org", NOW - HOUR) == 0


async def test_the_last_edition_without_what_was_withdrawn(scene: Any) -> None:
    """The revision that others got has another key: it is known by what stands in it, and nothing else will do."""
    one, two, three = [article.id for article in await scene.live(3)]
    subscription = await scene.reader("ada@example.org")
    await scene.plan(subscription, article_ids=(one, two))
    (claim,) = await scene.claim()
    await scene.settle(claim, DeliveryState.ACCEPTED)

    async def made(key: str, stories: tuple[str, ...], corrected: tuple[str, ...] = (), form: str = "full") -> int:
        async with scene.store.write() as tx:
            new = NewVariant(key, "en", "S", "<p>H</p>", "T", stories, corrected, form)
            return int(await editions.variant(tx, claim.edition_id, new))

    async def last() -> int | None:
        async with scene.store.read() as tx:
            return await account.last_variant(tx, subscription)

    await made("more", (one, three))
    await made("short", (one,), form="headlines")
    await made("other", (three,))
    await made("corrected", (), (one,))
    assert await last() == claim.variant_id
    async with scene.store.write() as tx:
        await articles.set_status(tx, two, ArticleStatus.WITHDRAWN, NOW)
    assert await last() is None
    revised = await made("revised", (one,))
    assert await last() == revised
    async with scene.store.write() as tx:
        await articles.set_status(tx, one, ArticleStatus.WITHDRAWN, NOW)
    assert await last() is None
