"""The contract of the ledger of mail, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from publisher.model import ArticleStatus
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply
from publisher.store import articles, audience, ledger_view, outbox
from tests import ledger
from tests.ledger import counts_of_all, list_deliveries, list_notices

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def _notice(scene: Any, subscription: int, number: int = 1, now: datetime = NOW) -> int:
    async with scene.store.write() as tx:
        ident: int = await outbox.add_notice(
            tx, "confirm", subscription, {"title": "Daily"}, f"<n{number}@example.org>", now
        )
    return ident


async def _notice_states(scene: Any) -> list[DeliveryState]:
    async with scene.store.read() as tx:
        return [found.state for found in reversed(await list_notices(tx))]


async def test_I5_claim_is_committed_with_all_that_sending_needs(scene: Any) -> None:
    """The row says so before the first byte; a second claim finds nothing."""
    subscription = await scene.reader("Ada@example.org")
    await scene.plan(subscription)
    (claim,) = await scene.claim()
    assert claim.email == "Ada@example.org"
    assert (claim.kind, claim.attempt, claim.subscription_id) == ("delivery", 1, subscription)
    assert (claim.newsletter, claim.message_id) == ("daily", f"<D:2026-11-22.{subscription}@example.org>")
    assert (claim.created_at, claim.in_doubt) == (NOW, False)
    assert await scene.states() == [DeliveryState.CLAIMED]
    assert await scene.claim() == []


async def test_claims_take_what_is_due_in_order_and_no_more_than_wanted(scene: Any) -> None:
    """The longest due first."""
    readers = [await scene.reader(f"r{n}@example.org") for n in range(4)]
    await scene.plan(*readers)
    claims = await scene.claim(4)
    for hours, claim in zip((3, 1, 2, 9), claims, strict=True):
        await scene.settle(claim, DeliveryState.DEFERRED, NOW + hours * HOUR)
    assert await scene.claim(9) == []
    assert [c.subscription_id for c in await scene.claim(2, NOW + 3 * HOUR)] == [readers[1], readers[2]]
    assert [c.subscription_id for c in await scene.claim(9, NOW + 3 * HOUR)] == [readers[0]]


async def test_notices_go_before_digests(scene: Any) -> None:
    """Whoever waits for a confirmation waits before a screen."""
    await scene.plan(await scene.reader("ada@example.org"))
    new = await scene.reader("new@example.org", confirmed=False)
    ident = await _notice(scene, new, now=NOW)
    (first,) = await scene.claim(1)
    assert (first.kind, first.id, first.notice_kind, first.params) == ("notice", ident, "confirm", {"title": "Daily"})
    assert (first.generation, first.edition_id, first.variant_id) == (1, None, None)
    (second,) = await scene.claim(1)
    assert second.kind == "delivery"


async def test_I10_nothing_goes_to_a_reader_who_left(scene: Any) -> None:
    """What waited is cancelled at once, what was deferred meanwhile at the next claim."""
    ada, bo = [await scene.reader(f"{name}@example.org") for name in ("ada", "bo")]
    await scene.plan(ada, bo)
    first, second = await scene.claim()
    await scene.settle(first, DeliveryState.DEFERRED, NOW)
    async with scene.store.write() as tx:
        await audience.unsubscribe(tx, ada, NOW)
        await audience.unsubscribe(tx, bo, NOW)
    assert await scene.states() == [DeliveryState.CANCELLED, DeliveryState.CLAIMED]
    await scene.settle(second, DeliveryState.DEFERRED, NOW)
    assert await scene.claim() == []
    assert await scene.states() == [DeliveryState.CANCELLED] * 2
    found = (await scene.ledger())["bo@example.org D:2026-11-22"]
    assert found.reply.text == "the subscription is unsubscribed"
    assert found.finished_at == NOW


async def test_I11_nothing_goes_to_a_suppressed_address(scene: Any) -> None:
    """Digests and notices alike, however the address is spelt; others are claimed in the same breath."""
    ada, bo = [await scene.reader(f"{name}@example.org") for name in ("Ada", "bo")]
    new = await scene.reader("new@example.org", confirmed=False)
    await scene.plan(ada, bo)
    await _notice(scene, new)
    async with scene.store.write() as tx:
        await audience.suppress(tx, "ada@example.org", reason="complaint", note="", now=NOW)
        await audience.suppress(tx, "new@example.org", reason="bounce", note="", now=NOW)
    assert [claim.subscription_id for claim in await scene.claim(1)] == [bo]
    assert await _notice_states(scene) == [DeliveryState.CANCELLED]
    assert (await scene.ledger())["Ada@example.org D:2026-11-22"].reply.text == "suppressed: complaint"


async def test_window_of_a_suppressed_reader_moves_on(scene: Any) -> None:
    """So their editions are those of everybody; one who left keeps theirs, for the welcome when they come back."""
    ada, bo = [await scene.reader(f"{name}@example.org") for name in ("ada", "bo")]
    await scene.plan(ada, bo, to_seq=5)
    claims = await scene.claim()
    async with scene.store.write() as tx:
        for key in ("ada@example.org", "bo@example.org"):
            await audience.suppress(tx, key, reason="bounce", note="", now=NOW)
        await audience.unsubscribe(tx, bo, NOW)
    for claim in claims:
        await scene.settle(claim, DeliveryState.DEFERRED, NOW)
    assert await scene.claim() == []
    assert await scene.states() == [DeliveryState.CANCELLED] * 2
    assert (await scene.from_seq(ada), await scene.from_seq(bo)) == (5, 0)


async def test_I11_address_that_only_unsubscribed_may_be_asked_to_confirm(scene: Any) -> None:
    """The person asked for it; the same address gets no digest."""
    new = await scene.reader("new@example.org", confirmed=False)
    await _notice(scene, new)
    async with scene.store.write() as tx:
        await audience.suppress(tx, "new@example.org", reason="unsubscribed", note="", now=NOW)
    assert [claim.kind for claim in await scene.claim()] == ["notice"]


async def test_confirmation_is_not_sent_to_whoever_confirmed_or_left_meanwhile(scene: Any) -> None:
    """A notice holds only while the subscription is pending."""
    confirmed = await scene.reader("ada@example.org")
    left = await scene.reader("bo@example.org")
    async with scene.store.write() as tx:
        await audience.unsubscribe(tx, left, NOW)
    await _notice(scene, confirmed, 1)
    await _notice(scene, left, 2)
    assert await scene.claim() == []
    assert await _notice_states(scene) == [DeliveryState.CANCELLED] * 2


async def test_I10_variant_with_a_withdrawn_article_is_not_claimed(scene: Any) -> None:
    """Its deliveries wait for the new revision; others go out."""
    first, second = await scene.live(2)
    ada, bo = [await scene.reader(f"{name}@example.org") for name in ("ada", "bo")]
    await scene.plan(ada, article_ids=[first.id], period="D:1", to_seq=3)
    await scene.plan(bo, article_ids=[second.id], period="D:2", to_seq=3)
    async with scene.store.write() as tx:
        await articles.set_status(tx, first.id, ArticleStatus.WITHDRAWN, NOW)
    assert [claim.subscription_id for claim in await scene.claim()] == [bo]
    assert await scene.states() == [DeliveryState.QUEUED, DeliveryState.CLAIMED]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (DeliveryState.ACCEPTED, 7), (DeliveryState.BOUNCED, 0), (DeliveryState.DEFERRED, 0),
        (DeliveryState.IN_DOUBT, 0), (DeliveryState.HELD, 0), (DeliveryState.EXPIRED, 0),
    ],
)
async def test_I3_window_moves_on_only_when_the_message_is_accepted(
    scene: Any, state: DeliveryState, expected: int
) -> None:
    """Whatever was not accepted is in the next edition."""
    subscription = await scene.reader("ada@example.org")
    await scene.plan(subscription, to_seq=7)
    (claim,) = await scene.claim()
    await scene.settle(claim, state)
    assert await scene.from_seq(subscription) == expected
    assert await scene.states() == [state]


async def test_I3_late_acceptance_never_moves_a_window_back(scene: Any) -> None:
    """The reader came back and starts at the present, which lies ahead."""
    await scene.live(9)
    subscription = await scene.reader("ada@example.org")
    (item,) = [await scene.delivery(subscription, 3, "D:1")]
    assert item.from_seq == 9
    await scene.plan(subscription, to_seq=3)
    (claim,) = await scene.claim()
    await scene.settle(claim, DeliveryState.ACCEPTED)
    assert await scene.from_seq(subscription) == 9


async def test_I3_what_was_on_the_wire_when_the_reader_left_is_not_in_the_welcome(scene: Any) -> None:
    """The reader left and came back while a message was on its way: what it held does not come again."""
    await scene.reader("other@example.org")
    subscription = await scene.reader("ada@example.org")
    await scene.live(3)
    await scene.plan(subscription, to_seq=2)
    (claim,) = await scene.claim()
    async with scene.store.write() as tx:
        await audience.unsubscribe(tx, subscription, NOW)
        await audience.new_generation(tx, subscription)
        await audience.confirm(tx, subscription, NOW, welcome=True)
    await scene.settle(claim, DeliveryState.ACCEPTED)
    async with scene.store.read() as tx:
        reader = await audience.reader(tx, subscription)
    assert reader is not None
    assert (reader.subscription.welcome_after, reader.subscription.from_seq) == (2, 3)


async def test_I3_what_may_have_arrived_before_the_reader_left_is_not_in_the_welcome(scene: Any) -> None:
    """In doubt, and never repeated since the reader left: it counts as delivered when they come back."""
    subscription = await scene.reader("ada@example.org")
    await scene.live(3)
    await scene.plan(subscription, to_seq=2)
    (claim,) = await scene.claim()
    await scene.settle(claim, DeliveryState.IN_DOUBT, NOW)
    async with scene.store.write() as tx:
        await audience.unsubscribe(tx, subscription, NOW)
    assert await scene.claim() == []
    assert await scene.states() == [DeliveryState.CANCELLED]
    async with scene.store.write() as tx:
        await audience.new_generation(tx, subscription)
        await audience.confirm(tx, subscription, NOW, welcome=True)
        reader = await audience.reader(tx, subscription)
    assert reader is not None
    assert (reader.subscription.welcome_after, reader.subscription.from_seq) == (2, 3)


async def test_claims_go_by_age_whatever_their_state(scene: Any) -> None:
    """A retry that is long due does not wait for the end of a long queue, nor pass what waits longer."""
    old, retried, new = [await scene.reader(f"r{n}@example.org") for n in range(3)]
    await scene.plan(retried)
    (claim,) = await scene.claim()
    await scene.settle(claim, DeliveryState.DEFERRED, NOW + HOUR)
    await scene.plan(old)
    await scene.plan(new)
    assert [c.subscription_id for c in await scene.claim(1, NOW + 2 * HOUR)] == [old]
    await ledger.settle(scene.store, NOW, unsent=await scene.claim(1, NOW + 3 * HOUR))
    order = [(await scene.claim(1, NOW + 4 * HOUR))[0].subscription_id for _ in range(2)]
    assert order == [new, retried]


async def test_outcome_counts_once(scene: Any) -> None:
    """An outcome of a claim that is settled already changes nothing."""
    subscription = await scene.reader("ada@example.org")
    await scene.plan(subscription, to_seq=7)
    (claim,) = await scene.claim()
    await scene.settle(claim, DeliveryState.DEFERRED, NOW + HOUR)
    await scene.settle(claim, DeliveryState.ACCEPTED)
    assert await scene.states() == [DeliveryState.DEFERRED]
    assert await scene.from_seq(subscription) == 0
    async with scene.store.read() as tx:
        found = await ledger_view.show(tx, claim.id)
    assert found is not None
    assert len(found[1]) == 1


async def test_reply_that_no_database_takes_keeps_no_outcome_back(scene: Any) -> None:
    """Zero bytes, lone surrogates and floods from a server are cleaned on the way in."""
    readers = [await scene.reader(f"r{n}@example.org") for n in range(2)]
    await scene.plan(*readers)
    claims = await scene.claim()
    reply = Reply(550, "5.1.1\0" + "9" * 50, "no\0 such \udcff user " + "x" * 100_000)
    outcomes = [Outcome(claim, DeliveryState.BOUNCED, reply, NOW, NOW) for claim in claims]
    await ledger.settle(scene.store, NOW, outcomes)
    found = (await scene.ledger())["r0@example.org D:2026-11-22"]
    assert found.reply.text.startswith("no such  user x")
    assert found.reply.enhanced.startswith("5.1.1")
    assert await scene.states() == [DeliveryState.BOUNCED] * 2


async def test_released_claims_are_as_they_were(scene: Any) -> None:
    """No byte was sent: neither an attempt nor a doubt remains."""
    fresh, tried, doubted = [await scene.reader(f"r{n}@example.org") for n in range(3)]
    await scene.plan(fresh, tried, doubted)
    _, second, third = await scene.claim()
    await ledger.settle(scene.store, NOW, unsent=[_])
    await scene.settle(second, DeliveryState.DEFERRED, NOW)
    await scene.settle(third, DeliveryState.IN_DOUBT, NOW)
    claims = await scene.claim()
    assert [claim.attempt for claim in sorted(claims, key=lambda claim: claim.id)] == [1, 2, 2]
    await ledger.settle(scene.store, NOW, unsent=claims)
    assert await scene.states() == [DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT]
    assert [found.attempts for found in (await scene.ledger()).values()] == [1, 1, 0]
    again = await scene.claim()
    assert {(claim.id, claim.attempt, claim.in_doubt) for claim in again} == {
        (claim.id, claim.attempt, claim.in_doubt) for claim in claims
    }


async def _crash(scene: Any) -> Claim:
    """A delivery and a notice on the wire when the process dies."""
    await scene.plan(await scene.reader("ada@example.org"))
    await _notice(scene, await scene.reader("new@example.org", confirmed=False))
    _, claim = await scene.claim()
    found: Claim = claim
    return found


async def test_I5_what_was_on_the_wire_is_repeated_with_its_message_id(scene: Any) -> None:
    """In doubt, by name, and sent again."""
    before = await _crash(scene)
    async with scene.store.write() as tx:
        assert await outbox.recover(tx, NOW, repeat=True) == 2
        assert await outbox.recover(tx, NOW, repeat=True) == 0
    assert await scene.states() == [DeliveryState.IN_DOUBT]
    assert await _notice_states(scene) == [DeliveryState.IN_DOUBT]
    _, again = await scene.claim()
    assert again == replace(before, attempt=2, in_doubt=True, state=DeliveryState.IN_DOUBT, due_at=NOW)


async def test_I5_what_was_on_the_wire_is_held_for_the_operator(scene: Any) -> None:
    """In doubt, by name, and left alone."""
    await _crash(scene)
    async with scene.store.write() as tx:
        assert await outbox.recover(tx, NOW, repeat=False) == 2
    assert await scene.claim(10, NOW + 1000 * HOUR) == []
    found = (await scene.ledger())["ada@example.org D:2026-11-22"]
    assert (found.state, found.next_attempt_at) == (DeliveryState.IN_DOUBT, None)
    assert found.reply.text == "the program ended before the server's reply"


async def test_view_of_the_ledger(scene: Any) -> None:
    """Lists by state, domain and edition; counts; the next attempt; one delivery with its attempts."""
    readers = [await scene.reader(email) for email in ("ada@example.org", "bo@Example.NET", "cy@notexample.net")]
    await scene.plan(*readers)
    await _notice(scene, await scene.reader("new@example.org", confirmed=False), now=NOW + 9 * HOUR)
    async with scene.store.read() as tx:
        assert await ledger_view.due(tx, NOW) == 3
        assert await ledger_view.next_attempt(tx) == NOW
    first, second, third = await scene.claim()
    await scene.settle(first, DeliveryState.DEFERRED, NOW + HOUR)
    await scene.settle(second, DeliveryState.ACCEPTED)
    await scene.settle(third, DeliveryState.BOUNCED)
    async with scene.store.read() as tx:
        assert await ledger_view.next_attempt(tx) == NOW + HOUR
        assert await ledger_view.counts(tx) == {"deferred": 1}
        assert await ledger_view.counts_of_notices(tx) == {"queued": 1}
        assert await counts_of_all(tx) == {"deferred": 1, "accepted": 1, "bounced": 1}
        assert [d.id for d in await list_deliveries(tx)] == [third.id, second.id, first.id]
        assert [d.id for d in await list_deliveries(tx, limit=1)] == [third.id]
        assert [d.id for d in await list_deliveries(tx, state=DeliveryState.DEFERRED)] == [first.id]
        assert [d.id for d in await list_deliveries(tx, domain="example.net")] == [second.id]
        assert len(await list_deliveries(tx, edition=first.edition_id)) == 3
        assert await list_deliveries(tx, edition=99) == []
        (notice,) = await list_notices(tx, state=DeliveryState.QUEUED)
        assert (notice.email, notice.message_id) == ("new@example.org", "<n1@example.org>")
        assert await ledger_view.show(tx, 99) is None
        shown = await ledger_view.show(tx, first.id)
    assert shown is not None
    delivery, attempts = shown
    assert (delivery.state, delivery.reply, delivery.attempts) == (
        DeliveryState.DEFERRED, Reply(451, "", "as the server said"), 1,
    )
    assert [(a["number"], a["state"], a["reply_code"]) for a in attempts] == [(1, "deferred", 451)]
