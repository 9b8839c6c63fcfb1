"""The operator's hand on the ledger, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import update

from publisher.delivery_state import Event
from publisher.model import ArticleStatus
from publisher.outgoing import NOTICES, DeliveryState
from publisher.store import articles, audience, edition_hand, editions, ledger_hand, ledger_sum, ledger_view, outbox
from publisher.store.ledger_hand import Done
from publisher.store.mail_schema import notices, subscribers
from publisher.store.selection import Selection, unknown_ids
from tests.ledger import list_deliveries, list_notices

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
S = DeliveryState


async def _planned(scene: Any, number: int = 1, **values: Any) -> list[int]:
    """As many readers, each with a delivery up to seq 5; their subscriptions."""
    readers = [await scene.reader(f"r{n}@example.org") for n in range(number)]
    await scene.plan(*readers, **{"to_seq": 5, **values})
    return readers


async def _act(scene: Any, event: Event, now: datetime = NOW, **chosen: Any) -> Done:
    return await ledger_hand.act(scene.store, event, Selection(**chosen), now)


async def _rows(scene: Any) -> list[Any]:
    async with scene.store.read() as tx:
        return list(reversed(await list_deliveries(tx)))


async def _settled(scene: Any, *states: DeliveryState) -> list[int]:
    """Deliveries that were sent once and came to these states; their subscriptions."""
    readers = await _planned(scene, len(states))
    claims = sorted(await scene.claim(len(states)), key=lambda claim: claim.id)
    for claim, state in zip(claims, states, strict=True):
        await scene.settle(claim, state, NOW + HOUR if state == S.DEFERRED else None)
    return readers


async def test_hold_and_release(scene: Any) -> None:
    """What waits is kept back with the operator's name on it; let go, it is due at once."""
    await _settled(scene, S.DEFERRED, S.ACCEPTED)
    await scene.plan(await scene.reader("new@example.org"), period="D:2", to_seq=6)
    done = await _act(scene, Event.HOLD)
    assert (done.changed, done.passed) == (2, {"the server took it": 1})
    assert await scene.states() == [S.HELD, S.ACCEPTED, S.HELD]
    assert {row.reply.text for row in await _rows(scene) if row.state == S.HELD} == {"held by the operator"}
    assert await scene.claim(10, NOW + 1000 * HOUR) == []
    done = await _act(scene, Event.RELEASE, states=(S.HELD,))
    assert done.changed == 2
    assert await scene.states() == [S.QUEUED, S.ACCEPTED, S.QUEUED]
    assert len(await scene.claim()) == 2


async def test_selection_by_id_state_domain_edition_newsletter_and_age(scene: Any) -> None:
    """Each filter asks for less; the domain as a whole, whatever its letters' case."""
    ada, bo, cy = [await scene.reader(email) for email in ("ada@example.org", "bo@Example.NET", "cy@notexample.net")]
    await scene.plan(ada, bo)
    await scene.plan(cy, period="D:2", to_seq=7)
    rows = {row.email: row for row in await _rows(scene)}
    last = rows["cy@notexample.net"]
    for chosen, expected in (
        (Selection(), 3), (Selection(ids=(last.id,)), 1), (Selection(states=(S.QUEUED, S.HELD)), 3),
        (Selection(states=(S.HELD,)), 0), (Selection(domain="example.net"), 1), (Selection(edition=last.edition_id), 1),
        (Selection(newsletter="daily"), 3), (Selection(newsletter="other"), 0), (Selection(since=NOW), 3),
        (Selection(since=NOW + HOUR), 0), (Selection(domain="example.org", newsletter="daily"), 1),
    ):
        done = await ledger_hand.act(scene.store, Event.HOLD, chosen, NOW, dry_run=True)
        assert done.changed == expected, chosen
        async with scene.store.read() as tx:
            assert len(await ledger_view.listed(tx, chosen, 10)) == expected
    assert await scene.states() == [S.QUEUED] * 3
    async with scene.store.read() as tx:
        assert await unknown_ids(tx, Selection(ids=(last.id, 999))) == [999]


async def test_retry_takes_what_nothing_else_delivers(scene: Any) -> None:
    """Deferred: due now. Ended unsent: queued again with the same Message-ID. The others are counted with reasons."""
    readers = await _settled(scene, S.DEFERRED, S.BOUNCED, S.EXPIRED, S.ACCEPTED, S.BOUNCED, S.BOUNCED)
    async with scene.store.write() as tx:
        await audience.unsubscribe(tx, readers[4], NOW)
        await audience.suppress(tx, "r5@example.org", reason="bounce", note="", now=NOW)
    before = [row.message_id for row in await _rows(scene)]
    done = await _act(scene, Event.RETRY)
    assert done.changed == 3
    assert done.passed == {
        "the server took it": 1, "the subscription is unsubscribed": 1, "the address is suppressed: bounce": 1,
    }
    assert await scene.states() == [S.DEFERRED, S.QUEUED, S.QUEUED, S.ACCEPTED, S.BOUNCED, S.BOUNCED]
    assert [row.message_id for row in await _rows(scene)] == before
    assert len(await scene.claim()) == 3


async def test_I3_retry_of_what_a_later_edition_delivered_is_refused(scene: Any) -> None:
    """Its window moved on."""
    (reader,) = await _settled(scene, S.BOUNCED)
    await scene.plan(reader, period="D:2", to_seq=9)
    assert (await _act(scene, Event.RETRY)).passed == {
        "another delivery of this subscription is open": 1, "it waits for its turn": 1,
    }
    (claim,) = await scene.claim()
    await scene.settle(claim, S.ACCEPTED)
    assert (await _act(scene, Event.RETRY, states=(S.BOUNCED,))).passed == {
        "its articles came in another edition, or the reader came back": 1
    }
    assert await scene.states() == [S.BOUNCED, S.ACCEPTED]


async def test_I3_retry_opens_one_delivery_of_a_subscription(scene: Any) -> None:
    """Of two that ended unsent the later one, which covers both windows."""
    (reader,) = await _settled(scene, S.BOUNCED)
    await scene.plan(reader, period="D:2", to_seq=9)
    (claim,) = await scene.claim()
    await scene.settle(claim, S.BOUNCED)
    done = await _act(scene, Event.RETRY)
    assert (done.changed, done.passed) == (1, {"another delivery of this subscription is open": 1})
    assert await scene.states() == [S.BOUNCED, S.QUEUED]


@pytest.mark.parametrize("died", [True, False])
async def test_I3_retry_of_what_may_have_arrived_is_refused(scene: Any, died: bool) -> None:
    """Whether its reply was lost or its process: also where its window is empty, as a welcome's is."""
    (reader,) = await _planned(scene, to_seq=0)
    (claim,) = await scene.claim()
    async with scene.store.write() as tx:
        if died:
            await outbox.recover(tx, NOW, repeat=True)
    if not died:
        await scene.settle(claim, S.IN_DOUBT, NOW)
    (again,) = await scene.claim()
    await scene.settle(again, S.BOUNCED)
    assert await scene.from_seq(reader) == 0
    done = await _act(scene, Event.RETRY)
    assert (done.changed, done.passed) == (0, {"it may have arrived, and counts as delivered": 1})


@pytest.mark.parametrize("end", [S.BOUNCED, S.EXPIRED])
async def test_I3_window_closes_with_whatever_ends_a_doubt(scene: Any, end: DeliveryState) -> None:
    """The first copy may have arrived: a 5xx to the second, or the end of its time, puts its articles in no other."""
    (reader,) = await _settled(scene, S.IN_DOUBT)
    await _act(scene, Event.RESOLVE_REPEAT)
    (again,) = await scene.claim()
    assert again.in_doubt
    await scene.settle(again, end)
    assert await scene.from_seq(reader) == 5


@pytest.mark.parametrize(
    ("event", "state", "from_seq"),
    [
        (Event.RESOLVE_ACCEPTED, S.ACCEPTED, 5), (Event.RESOLVE_LOST, S.EXPIRED, 0),
        (Event.RESOLVE_REPEAT, S.IN_DOUBT, 0), (Event.CANCEL, S.CANCELLED, 5),
    ],
)
async def test_I3_doubt_is_resolved_as_the_operator_knows(
    scene: Any, event: Event, state: DeliveryState, from_seq: int
) -> None:
    """Arrived, or cancelled: its window closes. Lost: it opens again, and it may be tried again."""
    (reader,) = await _settled(scene, S.IN_DOUBT)
    assert (await _act(scene, event)).changed == 1
    (row,) = await _rows(scene)
    assert (row.state, await scene.from_seq(reader)) == (state, from_seq)
    assert (row.finished_at is None) == (state == S.IN_DOUBT)
    assert len(await scene.claim()) == (state == S.IN_DOUBT)
    again = await _act(scene, Event.RETRY, states=(S.EXPIRED, S.ACCEPTED, S.CANCELLED))
    assert again.changed == (event is Event.RESOLVE_LOST)


async def test_act_leaves_alone_what_went_its_way_meanwhile(scene: Any) -> None:
    """A claimed one is on the wire: nothing is done to it."""
    await _planned(scene, 2)
    await scene.claim(1)
    done = await _act(scene, Event.HOLD)
    assert (done.changed, done.passed) == (1, {"it is on the wire": 1})
    assert sorted(await scene.states()) == [S.CLAIMED, S.HELD]


async def test_paused_edition_is_not_claimed_until_it_is_resumed(scene: Any) -> None:
    """What the sender put aside meanwhile is due again; another edition goes on."""
    await _planned(scene, 3)
    await scene.plan(await scene.reader("other@example.org"), period="D:2", to_seq=9)
    first, *_, other = await _rows(scene)
    assert await edition_hand.pause(scene.store, [first.edition_id]) == 1
    assert await edition_hand.pause(scene.store, [first.edition_id]) == 0
    assert [claim.edition_id for claim in await scene.claim()] == [other.edition_id]
    await _put_aside(scene)
    assert [row.next_attempt_at for row in await _rows(scene)] == [None] * 4
    assert await edition_hand.unpark(scene.store, NOW, repeat=True) == 0
    assert await edition_hand.resume(scene.store, None, NOW + HOUR, repeat=True) == (1, 3)
    assert len(await scene.claim(9, NOW + HOUR)) == 3


async def test_all_editions_are_paused_at_once(scene: Any) -> None:
    """And resumed."""
    await _planned(scene)
    await scene.plan(await scene.reader("other@example.org"), period="D:2", to_seq=9)
    assert await edition_hand.pause(scene.store, None) == 2
    assert await scene.claim() == []
    assert (await edition_hand.resume(scene.store, None, NOW, repeat=True))[0] == 2
    assert len(await scene.claim()) == 2


async def test_an_edition_that_is_planned_while_all_are_paused_is_paused_too(scene: Any) -> None:
    """Until all are resumed; one that is resumed by name runs alone."""
    await _planned(scene)
    await edition_hand.pause(scene.store, None)
    other = await scene.reader("other@example.org")
    await scene.plan(other, period="D:2", to_seq=9)
    first, later = await _rows(scene)
    async with scene.store.read() as tx:
        assert await edition_hand.states(tx, [first.edition_id, later.edition_id]) == dict.fromkeys(
            (first.edition_id, later.edition_id), "paused"
        )
        assert await edition_hand.all_paused(tx)
    assert await edition_hand.resume(scene.store, [first.edition_id], NOW, repeat=True) == (1, 0)
    assert [claim.edition_id for claim in await scene.claim()] == [first.edition_id]
    await edition_hand.resume(scene.store, None, NOW, repeat=True)
    assert [claim.edition_id for claim in await scene.claim()] == [later.edition_id]
    await scene.plan(await scene.reader("last@example.org"), period="D:3", to_seq=12)
    assert len(await scene.claim()) == 1


async def _noticed(scene: Any, *emails: str) -> list[int]:
    """Notices to readers who are not confirmed; their ids."""
    found = []
    for number, email in enumerate(emails):
        reader = await scene.reader(email, confirmed=False)
        async with scene.store.write() as tx:
            found.append(await outbox.add_notice(tx, "confirm", reader, {}, f"<n{number}@example.org>", NOW))
    return found


async def _notice_states(scene: Any) -> list[DeliveryState]:
    async with scene.store.read() as tx:
        return [row.state for row in reversed(await list_notices(tx))]


async def test_notices_in_the_hand(scene: Any) -> None:
    """Held, released, tried again and resolved as deliveries are, which they leave alone."""
    await _planned(scene, 1)
    await _noticed(scene, "new@example.org", "other@example.net")
    assert (await _act(scene, Event.HOLD, notices=True, domain="example.net")).changed == 1
    assert await _notice_states(scene) == [S.QUEUED, S.HELD]
    assert await scene.states() == [S.QUEUED]
    first, digest = await scene.claim()
    assert (first.kind, digest.kind) == ("notice", "delivery")
    await scene.settle(first, S.BOUNCED)
    await scene.settle(digest, S.ACCEPTED)
    assert (await _act(scene, Event.RELEASE, notices=True)).changed == 1
    (second,) = await scene.claim()
    await scene.settle(second, S.IN_DOUBT)
    assert (await _act(scene, Event.RESOLVE_LOST, notices=True)).changed == 1
    assert await _notice_states(scene) == [S.BOUNCED, S.EXPIRED]
    done = await _act(scene, Event.RETRY, notices=True)
    assert (done.changed, dict(done.passed)) == (2, {})
    assert await _notice_states(scene) == [S.QUEUED, S.QUEUED]
    assert await scene.states() == [S.ACCEPTED]


async def test_a_notice_is_not_tried_again_where_nobody_asks(scene: Any) -> None:
    """Nor where it may have arrived, or another one waits."""
    (ident,) = await _noticed(scene, "new@example.org")
    (claim,) = await scene.claim()
    await scene.settle(claim, S.BOUNCED)
    async with scene.store.write() as tx:
        again = await outbox.add_notice(tx, "confirm", claim.subscription_id, {}, "<again@example.org>", NOW)
    done = await _act(scene, Event.RETRY, notices=True, ids=(ident,))
    assert dict(done.passed) == {"another notice of this subscription is open": 1}
    await _act(scene, Event.HOLD, notices=True, ids=(again,))
    async with scene.store.write() as tx:
        await audience.suppress(tx, claim.email_key, reason="complaint", note="", now=NOW)
    done = await _act(scene, Event.RETRY, notices=True, ids=(ident,))
    assert dict(done.passed) == {"the address is suppressed: complaint": 1}


@pytest.mark.parametrize("kind", NOTICES)
async def test_a_notice_is_tried_again_where_it_may_be_sent(scene: Any, kind: str) -> None:
    """By the rule of its kind, in every state and for every suppression: just what is claimed may be tried again."""
    for state, reason in product(("pending", "active", "unsubscribed"), ("", "unsubscribed", "bounce")):
        email = f"{state}.{reason or 'free'}@example.org"
        reader = await scene.reader(email, confirmed=state != "pending")
        async with scene.store.write() as tx:
            if state == "unsubscribed":
                await audience.unsubscribe(tx, reader, NOW)
            if reason:
                await audience.suppress(tx, email, reason=reason, note="", now=NOW)
            await outbox.add_notice(tx, kind, reader, {}, f"<{email}>", NOW)
    sent = {claim.id for claim in await scene.claim()}
    async with scene.store.write() as tx:
        await tx.execute(update(notices).values(state=S.BOUNCED, attempts=0, next_attempt_at=None, finished_at=NOW))
    assert (await _act(scene, Event.RETRY, notices=True)).changed == len(sent)
    async with scene.store.read() as tx:
        assert {row.id for row in await list_notices(tx, state=S.QUEUED)} == sent


async def test_a_notice_to_an_address_of_its_own_is_tried_again_by_that_address(scene: Any) -> None:
    """The reader's own does not matter; of an erased reader nothing is sent, whatever the notice."""
    reader = await scene.reader("ada@example.org")
    async with scene.store.write() as tx:
        to = ("New@example.net", "new@example.net")
        await outbox.add_notice(tx, "new_address", reader, {}, "<n@example.org>", NOW, to=to)
        await tx.execute(update(notices).values(state=S.BOUNCED, next_attempt_at=None, finished_at=NOW))
        await audience.suppress(tx, "ada@example.org", reason="bounce", note="", now=NOW)
    chosen = Selection(notices=True)
    assert (await ledger_hand.act(scene.store, Event.RETRY, chosen, NOW, dry_run=True)).changed == 1
    async with scene.store.write() as tx:
        await audience.suppress(tx, "new@example.net", reason="bounce", note="", now=NOW)
    done = await _act(scene, Event.RETRY, notices=True)
    assert dict(done.passed) == {"the address is suppressed: bounce": 1}
    async with scene.store.write() as tx:
        await tx.execute(update(subscribers).values(email="", email_key="erased:1"))
        await tx.execute(update(notices).values(recipient="", recipient_key=""))
    assert dict((await _act(scene, Event.RETRY, notices=True)).passed) == {"its reader was erased": 1}


@pytest.mark.parametrize("repeat", [True, False])
async def test_I5_what_is_in_doubt_is_resumed_only_where_it_is_to_be_repeated(scene: Any, repeat: bool) -> None:
    """Otherwise it goes on waiting for the operator."""
    await _settled(scene, S.IN_DOUBT)
    (row,) = await _rows(scene)
    await edition_hand.pause(scene.store, [row.edition_id])
    assert await edition_hand.resume(scene.store, [row.edition_id], NOW, repeat=repeat) == (1, int(repeat))
    assert len(await scene.claim()) == int(repeat)


async def test_cancelled_edition_ends_but_for_what_is_on_the_wire(scene: Any) -> None:
    """Unsent: its articles come later. In doubt: it counts as delivered. What was on the wire ends with the next look."""
    readers = await _settled(scene, S.ACCEPTED, S.IN_DOUBT, S.HELD, S.DEFERRED)
    await scene.plan(await scene.reader("wire@example.org"), to_seq=5)
    (claim,) = await scene.claim()
    (edition,) = {row.edition_id for row in await _rows(scene)}
    done = await edition_hand.cancel(scene.store, [edition], NOW)
    assert (done.changed, done.passed) == (3, {"the server took it": 1, "it is on the wire": 1})
    assert await scene.states() == [S.ACCEPTED, S.CANCELLED, S.CANCELLED, S.CANCELLED, S.CLAIMED]
    assert [await scene.from_seq(reader) for reader in readers] == [5, 5, 0, 0]
    await scene.settle(claim, S.DEFERRED, NOW)
    assert await scene.claim() == []
    await _put_aside(scene)
    assert await edition_hand.unpark(scene.store, NOW, repeat=True) == 0
    assert (await scene.states())[-1] == S.CANCELLED
    assert (await _act(scene, Event.RETRY, states=(S.CANCELLED,))).passed == {
        "its edition is cancelled: `outbox resume` it first": 4
    }
    assert await edition_hand.resume(scene.store, [edition], NOW, repeat=True) == (1, 0)
    again = await _act(scene, Event.RETRY, states=(S.CANCELLED,))
    assert again.changed == 3
    assert sum(again.passed.values()) == 1
    async with scene.store.read() as tx:
        assert await edition_hand.states(tx, [edition, 99]) == {edition: "running"}


async def _put_aside(scene: Any) -> None:
    """As the sender does with what it may not claim."""
    async with scene.store.read() as tx:
        found = await outbox.waiting(tx, NOW + 1000 * HOUR, 100)
    async with scene.store.write() as tx:
        await outbox.weed(tx, found, NOW)


async def test_sum_of_each_edition_names_the_most_frequent_reasons(scene: Any) -> None:
    """The newest edition first; a server's words are counted by their codes."""
    await _settled(scene, S.ACCEPTED, S.BOUNCED, S.BOUNCED, S.HELD)
    await scene.plan(await scene.reader("new@example.org"), period="D:2", to_seq=6)
    await _act(scene, Event.HOLD, states=(S.QUEUED,))
    async with scene.store.read() as tx:
        newest, first = await ledger_sum.sums(tx, Selection(), 10)
        (same,) = await ledger_sum.sums(tx, Selection(edition=first.id), 10)
        assert await ledger_sum.sums(tx, Selection(newsletter="other"), 10) == []
        assert len(await ledger_sum.sums(tx, Selection(), 1)) == 1
        (elsewhere,) = await ledger_sum.sums(tx, Selection(edition=first.id, domain="example.net"), 10)
    assert same == first
    assert (first.newsletter, first.on, first.state) == ("daily", date(2026, 11, 22), "running")
    assert first.counts == {S.ACCEPTED: 1, S.BOUNCED: 2, S.HELD: 1}
    most = first.reasons[0]
    assert (most.state, most.code, most.text, most.count) == (S.BOUNCED, 451, "as the server said", 2)
    assert newest.counts == {S.HELD: 1}
    assert [(r.code, r.text) for r in newest.reasons] == [(0, "held by the operator")]
    assert elsewhere.counts == {}


async def test_I10_retry_of_a_variant_with_a_withdrawn_article_waits_for_its_revision(scene: Any) -> None:
    """It is unsent again, and so it is among those that the plan step revises."""
    (story,) = await scene.live(1)
    await _planned(scene, article_ids=[story.id])
    (claim,) = await scene.claim()
    await scene.settle(claim, S.BOUNCED)
    async with scene.store.write() as tx:
        await articles.set_status(tx, story.id, ArticleStatus.WITHDRAWN, NOW)
    async with scene.store.read() as tx:
        assert await editions.stale_variants(tx) == []
    assert (await _act(scene, Event.RETRY)).changed == 1
    assert await scene.claim() == []
    async with scene.store.read() as tx:
        assert len(await editions.stale_variants(tx)) == 1
