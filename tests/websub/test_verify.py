"""Subscribing and unsubscribing: the hub asks the callback, and believes nothing but its answer (W3C WebSub, section 5)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tests.websub.conftest import SITE, Desk, Subscriber


async def test_intent_is_verified_by_a_challenge(desk: Desk, subscriber: Subscriber) -> None:
    """202 at once; then a GET with all that section 5.3 asks for; then there is a subscription."""
    answer = await desk.ask(lease_seconds="3600", topic=f"{SITE}/rss.xml", unknown="x", verify="sync")
    assert answer.status_code == 202
    assert subscriber.seen == []
    assert await desk.subscriptions() == []
    await desk.settle()
    (question,) = subscriber.asked()
    challenge = question.pop("hub.challenge")
    assert question == {"hub.mode": "subscribe", "hub.topic": f"{SITE}/rss.xml", "hub.lease_seconds": "3600"}
    assert len(challenge) >= 32
    (row,) = await desk.subscriptions()
    assert (row.feed, row.callback, row.lease_until) == ("rss.xml", f"{subscriber.url}/cb", desk.start + timedelta(hours=1))
    assert await desk.requests() == []


async def test_each_question_has_a_challenge_of_its_own(desk: Desk, subscriber: Subscriber) -> None:
    """It cannot be guessed from the one before."""
    for _ in range(3):
        await desk.subscribe()
    assert len({question["hub.challenge"] for question in subscriber.asked()}) == 3


async def test_callback_keeps_its_own_query(desk: Desk, subscriber: Subscriber) -> None:
    """Section 5.3: what the hub adds comes after it; a push goes to it unchanged."""
    await desk.subscribe("/cb?a=1&b=%20x;y&a=2")
    raw = subscriber.raw[0].partition("?")[2]
    assert raw.startswith("a=1&b=%20x;y&a=2&hub.mode=subscribe&")
    assert dict(parse_qsl(raw))["hub.topic"] == f"{SITE}/rss.xml"
    desk.write("<rss>two</rss>")
    await desk.settle()
    assert subscriber.raw[-1] == "POST /cb?a=1&b=%20x;y&a=2"


@pytest.mark.parametrize(
    ("status", "text"), [(200, "wrong"), (200, ""), (404, None), (500, None), (302, None), (200, "x" * 5000)],
)
async def test_callback_that_does_not_confirm_changes_nothing(
    desk: Desk, subscriber: Subscriber, status: int, text: str | None
) -> None:
    """Another body, another status: no subscription; and one that is there stays as it is, whatever is asked."""

    async def act(request: Request) -> Response:
        return PlainTextResponse(request.query_params["hub.challenge"] if text is None else text, status)

    subscriber.acts["GET /cb"] = act
    await desk.ask()
    await desk.settle()
    await desk.settle(timedelta(minutes=1))
    assert await desk.subscriptions() == []
    del subscriber.acts["GET /cb"]
    await desk.subscribe(secret="before")
    before = await desk.subscriptions()
    subscriber.acts["GET /cb"] = act
    await desk.ask(mode="unsubscribe")
    await desk.settle()
    await desk.ask(secret="after", lease_seconds="5")
    await desk.settle(timedelta(minutes=2))
    assert await desk.subscriptions() == before


@pytest.mark.parametrize("status", [200, 201, 204 - 1, 299])
async def test_any_2xx_with_the_challenge_confirms(desk: Desk, subscriber: Subscriber, status: int) -> None:
    """Section 5.3.1."""

    async def act(request: Request) -> Response:
        return PlainTextResponse(request.query_params["hub.challenge"], status)

    subscriber.acts["GET /cb"] = act
    await desk.subscribe()
    assert len(await desk.subscriptions()) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(desk: Desk, subscriber: Subscriber, status: int) -> None:
    """Neither to another place of its own, nor of anybody."""
    subscriber.say("GET /cb", status, location=f"{subscriber.url}/other")
    await desk.ask()
    await desk.settle()
    assert subscriber.asked("/other") == []
    assert await desk.subscriptions() == []
    (failed,) = await desk.requests()
    assert failed.reason == f"it answers {status}"


async def test_callback_that_is_not_there_yet_is_asked_again(desk: Desk, subscriber: Subscriber) -> None:
    """An answer counts at once, silence only after the third time; the request outlives a restart."""
    (url, subscriber.url) = (subscriber.url, "http://127.0.0.1:2")
    await desk.ask()
    await desk.settle()
    (row,) = await desk.requests()
    assert (row.tries, row.reason) == (1, "no answer: no connection")
    await desk.restart()
    await desk.settle(timedelta(seconds=5))
    await desk.settle(timedelta(seconds=30))
    (row,) = await desk.requests()
    assert (row.tries, row.next_try_at) == (3, None)
    subscriber.url = url
    await desk.settle(timedelta(hours=1))
    assert subscriber.seen == []
    assert await desk.requests() == []


async def test_subscription_that_is_made_again_overrides_the_one_before(desk: Desk, subscriber: Subscriber) -> None:
    """Per topic and callback: the new secret, the new lease; one subscription, one push."""
    await desk.subscribe(secret="old", lease_seconds="60")
    await desk.subscribe(secret="new", lease_seconds="7200")
    await desk.subscribe("/cb?x")
    await desk.subscribe("/other")
    assert len(await desk.subscriptions()) == 3
    desk.write("<rss>two</rss>")
    await desk.settle(timedelta(seconds=61))
    assert len(subscriber.pushed("/other")) == 1
    assert len(subscriber.pushed("/cb")) == 2
    assert sorted(raw for raw in subscriber.raw if raw.startswith("POST")) == ["POST /cb?", "POST /cb?x", "POST /other?"]
    await desk.subscribe()  # without a secret: nothing is signed any more
    desk.write("<rss>three</rss>")
    await desk.settle()
    assert all("x-hub-signature" not in headers for method, _, _, headers, body in subscriber.seen if b"three" in body)


async def test_renewal_keeps_what_is_still_to_be_pushed(desk: Desk, subscriber: Subscriber) -> None:
    """A callback that was down when something changed, and subscribes again, gets it."""
    await desk.subscribe()
    subscriber.say("POST /cb", 503)
    two = desk.write("<rss>two</rss>")
    await desk.settle()
    subscriber.say("POST /cb", 204)
    await desk.subscribe()
    await desk.settle(timedelta(seconds=2))
    assert subscriber.pushed() == [two, two]


async def test_change_between_the_request_and_its_confirmation_is_pushed(desk: Desk, subscriber: Subscriber) -> None:
    """Whoever read the feed and then asked misses nothing; what stood there before is not pushed."""
    await desk.subscribe("/early")
    await desk.ask()
    two = desk.write("<rss>two</rss>")
    await desk.settle()
    assert subscriber.pushed() == [two]
    await desk.subscribe("/late")
    assert subscriber.pushed("/late") == []


async def test_unsubscription_is_verified_too(desk: Desk, subscriber: Subscriber) -> None:
    """Then nothing is pushed any more; no lease is told."""
    await desk.subscribe()
    assert (await desk.ask(mode="unsubscribe")).status_code == 202
    assert len(await desk.subscriptions()) == 1
    await desk.settle()
    question = subscriber.asked()[-1]
    assert question.pop("hub.challenge")
    assert question == {"hub.mode": "unsubscribe", "hub.topic": f"{SITE}/rss.xml"}
    assert await desk.subscriptions() == []
    desk.write("<rss>two</rss>")
    await desk.settle()
    assert subscriber.pushed() == []


async def test_last_wish_counts(desk: Desk, subscriber: Subscriber) -> None:
    """Of several that wait the newest is asked first, and settles those before it; a false one settles nothing."""
    await desk.ask()
    await desk.ask(mode="unsubscribe")
    await desk.settle()
    assert [question["hub.mode"] for question in subscriber.asked()] == ["unsubscribe"]
    assert (await desk.subscriptions(), await desk.requests()) == ([], [])

    async def only_subscribe(request: Request) -> Response:
        wanted = request.query_params["hub.mode"] == "subscribe"
        return PlainTextResponse(request.query_params["hub.challenge"], 200 if wanted else 404)

    subscriber.acts["GET /cb"] = only_subscribe
    await desk.ask()
    await desk.ask(mode="unsubscribe")
    await desk.settle()
    assert len(await desk.subscriptions()) == 1


@pytest.mark.parametrize(
    ("wish", "granted"),
    [(None, 864_000), ("", 864_000), ("0", 864_000), ("1", 1), ("3600", 3600), ("99999999999999999999", 2_592_000)],
)
async def test_lease_is_bounded_and_never_for_ever(
    desk: Desk, subscriber: Subscriber, wish: str | None, granted: int
) -> None:
    """What is granted is told in the question."""
    await desk.subscribe(**({} if wish is None else {"lease_seconds": wish}))
    assert subscriber.asked()[0]["hub.lease_seconds"] == str(granted)
    (row,) = await desk.subscriptions()
    assert row.lease_until == desk.start + timedelta(seconds=granted)


async def test_lease_that_ended_is_over(desk: Desk, subscriber: Subscriber) -> None:
    """Nothing is pushed from that very second on, and the row is gone; a renewal before it goes on."""
    await desk.subscribe(lease_seconds="60")
    await desk.subscribe("/renewed", lease_seconds="60")
    await desk.settle(timedelta(seconds=50))
    await desk.subscribe("/renewed", lease_seconds="60")
    desk.write("<rss>two</rss>")
    desk.now = desk.start + timedelta(seconds=60)
    await desk.turn()
    await desk.settle()
    assert subscriber.pushed() == []
    assert len(subscriber.pushed("/renewed")) == 1
    assert [row.callback for row in await desk.subscriptions()] == [f"{subscriber.url}/renewed"]
    await desk.settle(timedelta(seconds=60))
    async with desk.store.read() as tx:
        from publisher.store import hub  # noqa: PLC0415

        assert await hub.topics(tx) == []


async def test_topic_that_has_ended_is_denied(desk: Desk, subscriber: Subscriber) -> None:
    """After an hour without its file, with the reason; one that comes back before goes on."""
    desk.write("<rss>sea</rss>", "sections/sea/rss.xml")
    await desk.subscribe("/sea", "sections/sea/rss.xml")
    await desk.subscribe("/root")
    file = desk.settings.path(desk.settings.output.directory) / "sections/sea/rss.xml"
    file.unlink()
    await desk.settle()
    await desk.settle(timedelta(minutes=59))
    back = desk.write("<rss>sea again</rss>", "sections/sea/rss.xml")
    await desk.settle()
    await desk.settle()
    assert subscriber.pushed("/sea") == [back]
    file.unlink()
    await desk.settle()
    await desk.settle(timedelta(minutes=60))
    await desk.settle()
    assert subscriber.asked("/sea")[-1] == {
        "hub.mode": "denied", "hub.topic": f"{SITE}/sections/sea/rss.xml", "hub.reason": "This feed has ended.",
    }
    assert [row.callback for row in await desk.subscriptions()] == [f"{subscriber.url}/root"]
    assert (await desk.ask("/sea", "sections/sea/rss.xml")).status_code == 404
    assert await desk.requests() == []


async def test_folder_that_is_away_ends_no_topic(desk: Desk, subscriber: Subscriber) -> None:
    """A disk that is not there says nothing of feeds: all goes on when it is back."""
    await desk.subscribe()
    folder = desk.settings.path(desk.settings.output.directory)
    folder.rename(folder.with_name("away"))
    await desk.settle()
    await desk.settle(timedelta(hours=2))
    folder.with_name("away").rename(folder)
    two = desk.write("two")
    await desk.settle()
    assert subscriber.pushed() == [two]


async def test_host_that_is_blocked_is_denied(desk: Desk, subscriber: Subscriber) -> None:
    """Its subscriptions end, with the reason."""
    await desk.subscribe("/a?key=1")
    desk.configure(blocked=("127.0.0.1",))
    await desk.settle()
    assert await desk.subscriptions() == []
    assert subscriber.asked("/a")[-1]["hub.reason"] == "Callbacks at this host are not wanted here."
    assert subscriber.raw[-1].startswith("GET /a?key=1&hub.mode=denied&")
    assert await desk.requests() == []


async def test_slow_callbacks_of_one_host_keep_no_other_waiting(desk: Desk, subscriber: Subscriber) -> None:
    """A stranger's host is asked a few at a time; those elsewhere are asked meanwhile."""
    hanging, most = asyncio.Event(), [0, 0]

    async def act(_request: Request) -> Response:
        most[0] += 1
        most[1] = max(most)
        await hanging.wait()
        most[0] -= 1
        return PlainTextResponse("no")

    for number in range(30):
        subscriber.acts[f"GET /{number}"] = act
        await desk.ask(f"/{number}")
    own = subscriber.url
    subscriber.url = own.replace("127.0.0.1", "localhost")
    await desk.ask("/quick")
    subscriber.url = own
    async with asyncio.timeout(30):
        while not await desk.subscriptions():
            await desk.turn()
            await asyncio.sleep(0.02)
    assert most[1] == 8
    hanging.set()
