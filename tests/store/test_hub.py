"""What the hub keeps, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from publisher.hub_state import (
    Answer,
    HubMode,
    HubRequest,
    HubSubscription,
    NewRequest,
    Peer,
    Ping,
    Pushed,
    Took,
    Topic,
)
from publisher.store import hub, hub_pings, hub_requests, hub_view
from publisher.store.engine import Store, Tx

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def wish(callback: str = "https://a.example/1", mode: HubMode = HubMode.SUBSCRIBE, **more: object) -> NewRequest:
    host = callback.split("/")[2]
    made = NewRequest(mode, "rss.xml", "https://n.example/rss.xml", callback, host, "sealed", DAY, 1)
    return replace(made, **more)  # type: ignore[arg-type]


async def waiting(tx: Tx, now: datetime = NOON, **more: object) -> list[HubRequest]:
    return await hub_requests.due(tx, now, **{"busy": (), "full": (), "limit": 99, **more})  # type: ignore[arg-type]


async def behind(tx: Tx, now: datetime = NOON, *, slow: bool = False, busy: tuple[int, ...] = ()) -> list[HubSubscription]:
    return await hub.due(tx, now, slow=slow, busy=busy, limit=99)


async def subscribe(tx: Tx, *callbacks: str) -> None:
    await hub.add_topic(tx, "rss.xml", "d1")
    for callback in callbacks:
        await hub_requests.add(tx, wish(callback), NOON)
        (request,) = await waiting(tx)
        await hub_requests.settle(tx, [Answer(request, confirmed=True)], NOON)


async def test_topics(any_store: Store) -> None:
    """A number grows with each change, and with nothing else; a topic that nobody wants is forgotten."""
    async with any_store.write() as tx:
        assert await hub.add_topic(tx, "rss.xml", "d1") == 1
        await hub.note_change(tx, "rss.xml", "d1")
        assert await hub.topic(tx, "rss.xml") == Topic("rss.xml", "d1", 1)
        await hub.note_change(tx, "rss.xml", "d2")
        assert await hub.add_topic(tx, "rss.xml", "d9") == 2
        await hub.note_gone(tx, "rss.xml", NOON)
        assert await hub.topics(tx) == [Topic("rss.xml", "d2", 2, NOON)]
        await hub_requests.add(tx, wish(), NOON)
        await hub.drop_unwanted_topics(tx)
        assert len(await hub.topics(tx)) == 1
        (request,) = await waiting(tx)
        await hub_requests.settle(tx, [Answer(request, confirmed=True)], NOON)
        await hub.drop_unwanted_topics(tx)
        assert len(await hub.topics(tx)) == 1
        await hub.end(tx, "rss.xml", wish().callback)
        await hub.drop_unwanted_topics(tx)
        assert (await hub.topics(tx), await hub.topic(tx, "rss.xml")) == ([], None)


async def test_requests(any_store: Store) -> None:
    """The newest of each pair comes first; none of those that are out, none at full hosts; silence is tried again."""
    async with any_store.write() as tx:
        for callback in ("https://a.example/1", "https://b.example/1", "https://a.example/1"):
            await hub_requests.add(tx, wish(callback), NOON)
        assert [it.callback for it in await waiting(tx)] == ["https://b.example/1", "https://a.example/1"]
        b, a = await waiting(tx)
        assert a == HubRequest(a.id, HubMode.SUBSCRIBE, "rss.xml", wish().topic, a.callback, "a.example", "sealed", DAY, 1, 0, "")
        assert await waiting(tx, NOON - timedelta(seconds=1)) == []
        assert await waiting(tx, busy=(a.id,)) == [b]
        assert await waiting(tx, full=("b.example",)) == [a]
        assert await waiting(tx, limit=1) == [b]
        assert await hub_requests.count_waiting(tx, "rss.xml", "https://a.example/1") == 2
        assert (await hub.count(tx), await hub.count(tx, "a.example")) == (3, 2)
        again = Answer(b, confirmed=False, reason="silence", retry_at=NOON + timedelta(seconds=5))
        await hub_requests.settle(tx, [again, Answer(a, confirmed=False, reason="no")], NOON)
        (older,) = await waiting(tx)
        assert older.callback == "https://a.example/1"
        later = {it.callback: (it.tries, it.reason) for it in await waiting(tx, NOON + timedelta(seconds=5))}
        assert later == {"https://a.example/1": (0, ""), "https://b.example/1": (1, "silence")}
        assert (await hub_requests.count_failed(tx, "a.example"), await hub_requests.count_failed(tx, "b.example")) == (1, 0)
        await hub_requests.settle(tx, [Answer(older, confirmed=True)], NOON)
        assert (await hub.count(tx), await hub_requests.count_failed(tx, "a.example")) == (2, 1)
        await hub_requests.forget_failed(tx, NOON + timedelta(minutes=9))
        assert await hub_requests.count_failed(tx, "a.example") == 1
        await hub_requests.forget_failed(tx, NOON + timedelta(minutes=10))
        assert await hub_requests.count_failed(tx, "a.example") == 0


async def test_subscriptions(any_store: Store) -> None:
    """Granted, overridden, behind, settled, ended, expired."""
    async with any_store.write() as tx:
        await subscribe(tx, "https://a.example/1", "https://b.example/1", "https://c.example/1")
        assert await behind(tx) == []
        await hub.note_change(tx, "rss.xml", "d2")
        a, b, c = await behind(tx)
        assert a == HubSubscription(a.id, "rss.xml", wish().topic, "https://a.example/1", "a.example", "sealed", NOON + DAY, 1, None, slow=False)
        assert await behind(tx, busy=(a.id,)) == [b, c]
        retry = NOON + timedelta(seconds=2)
        await hub.settle(tx, [
            Pushed(a, Took.DELIVERED, 2, NOON), Pushed(b, Took.FAILED, 2, NOON, slow=True, reason="no", retry_at=retry),
            Pushed(c, Took.ENDED, 2, NOON), Pushed(replace(a, callback="https://other.example/"), Took.ENDED, 2, NOON),
        ])
        assert (await behind(tx), await behind(tx, slow=True)) == ([], [])
        assert [it.id for it in await behind(tx, retry, slow=True)] == [b.id]
        assert (await hub.get(tx, "rss.xml", c.callback), await hub.of_hosts(tx, ["c.example"])) == (None, [])
        await hub.note_change(tx, "rss.xml", "d3")
        assert [it.id for it in await behind(tx)] == [a.id]
        assert [it.failing_since for it in await behind(tx, NOON + timedelta(minutes=1), slow=True)] == [NOON]
        (b,) = await hub.of_hosts(tx, ["b.example"])
        await hub.settle(tx, [Pushed(b, Took.FAILED, 3, NOON + DAY / 2, slow=False, reason="no")])
        assert [it.id for it in await behind(tx, NOON + DAY / 2)] == [a.id]
        await hub.note_change(tx, "rss.xml", "d4")
        assert {it.id for it in await behind(tx, NOON + DAY / 2)} == {a.id, b.id}
        await hub_requests.add(tx, wish("https://a.example/1", secret="", lease=2 * DAY, number=9), NOON)
        (request,) = await waiting(tx)
        await hub_requests.settle(tx, [Answer(request, confirmed=True)], NOON)
        (a,) = await hub.of_hosts(tx, ["a.example"])
        assert (a.secret, a.lease_until, a.number) == ("", NOON + 2 * DAY, 2)
        assert [it.id for it in await behind(tx, NOON + DAY)] == [a.id]
        assert await hub.expire(tx, NOON + DAY) == 1
        assert await hub.of_feed(tx, "rss.xml") == [a]


async def test_topic_that_is_gone_is_pushed_to_nobody(any_store: Store) -> None:
    """There is nothing to push."""
    async with any_store.write() as tx:
        await subscribe(tx, "https://a.example/1")
        await hub.note_change(tx, "rss.xml", "d2")
        await hub.note_gone(tx, "rss.xml", NOON)
        assert await behind(tx) == []


async def test_denials(any_store: Store) -> None:
    """They end the subscription, and are told until somebody answers, or nobody does."""
    async with any_store.write() as tx:
        await subscribe(tx, "https://a.example/1")
        await hub_requests.deny(tx, await hub.of_feed(tx, "rss.xml"), "It ended.", NOON)
        assert await hub.of_feed(tx, "rss.xml") == []
        (denial,) = await waiting(tx)
        assert (denial.mode, denial.reason, denial.secret) == (HubMode.DENIED, "It ended.", "")
        await hub_requests.settle(tx, [Answer(denial, confirmed=False, reason="silence", retry_at=NOON + DAY)], NOON)
        (denial,) = await waiting(tx, NOON + DAY)
        await hub_requests.settle(tx, [Answer(denial, confirmed=False, reason="it answers 500")], NOON)
        assert await waiting(tx, NOON + DAY) == []
        assert await hub_requests.count_failed(tx, "a.example") == 0


async def test_pings(any_store: Store) -> None:
    """Each feed once; what changes while it is told is told again; a hub that rests, is given up, or is configured no more."""
    one, two = "https://h1.example/", "https://h2.example/"
    async with any_store.write() as tx:
        for hub_ in (one, two):
            await hub_pings.note(tx, hub_, ["atom.xml", "rss.xml"], NOON, until=NOON)
        await hub_pings.note(tx, one, ["rss.xml"], NOON + timedelta(seconds=1), until=NOON + timedelta(seconds=1))
        assert await hub_pings.due(tx, one, NOON, 9) == [Ping("atom.xml", 1), Ping("rss.xml", 2)]
        assert await hub_pings.due(tx, one, NOON, 1) == [Ping("atom.xml", 1)]
        await hub_pings.told(tx, one, [Ping("atom.xml", 1), Ping("rss.xml", 1)])
        assert await hub_pings.due(tx, one, NOON, 9) == [Ping("rss.xml", 2)]
        assert await hub_pings.waiting(tx) == {one: 1, two: 2}
        resting = Peer(one, NOON, failing_since=NOON, retry_at=NOON + DAY, reason="it answers 500")
        await hub_pings.put(tx, resting)
        assert await hub_pings.due(tx, one, NOON, 9) == []
        assert await hub_pings.due(tx, one, NOON + DAY, 9) == [Ping("rss.xml", 2)]
        assert await hub_pings.peers(tx) == {one: replace(resting, noted_at=NOON + timedelta(seconds=1)), two: Peer(two, NOON)}
        assert await hub_pings.give_up(tx, [one], NOON) == 2
        assert list(await hub_pings.peers(tx)) == [one]
        assert await hub_pings.give_up(tx, [one], NOON + DAY) == 1


async def test_view(any_store: Store) -> None:
    """What the operator sees: how many, and who fails and why; no address of a callback."""
    async with any_store.write() as tx:
        assert set((await hub_view.counts(tx)).values()) == {0}
        await subscribe(tx, "https://a.example/secret-1", "https://b.example/secret-2")
        await hub.note_change(tx, "rss.xml", "d2")
        (a, _) = await behind(tx)
        await hub.settle(tx, [Pushed(a, Took.FAILED, 2, NOON, reason="it answers 500", retry_at=NOON + DAY)])
        await hub_requests.add(tx, wish("https://c.example/secret-3"), NOON)
        await hub_requests.add(tx, wish("https://d.example/secret-4"), NOON)
        (c, _) = await waiting(tx)
        await hub_requests.settle(tx, [Answer(c, confirmed=False, reason="no")], NOON)
        await hub_pings.note(tx, "https://h.example/", ["rss.xml"], NOON, until=NOON)
        assert await hub_view.counts(tx) == {"subscriptions": 2, "behind": 2, "failing": 1, "to_verify": 1}
        assert await hub_view.failing(tx) == [
            {"what": "push", "feed": "rss.xml", "host": "a.example", "reason": "it answers 500", "next_try_at": NOON + DAY},
            {"what": "verification", "feed": "rss.xml", "host": "c.example", "reason": "no", "next_try_at": None},
        ]
        assert await hub_view.pings(tx) == [{"hub": "https://h.example/", "waiting": 1, "reason": "", "next_try_at": None}]
