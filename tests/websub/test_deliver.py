"""Pushing: the newest content, signed, to each by itself; what fails is tried again (W3C WebSub, section 7)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from publisher.crypto import Keys
from tests.websub.conftest import SITE, Desk, Subscriber


async def until(desk: Desk, condition: Callable[[], object]) -> None:
    """Turns until `condition` holds, without waiting for those who are slow."""
    async with asyncio.timeout(60):
        while not condition():
            await desk.turn()
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("feed", "media_type"),
    [
        ("rss.xml", "application/rss+xml"), ("atom.xml", "application/atom+xml"), ("feed.json", "application/feed+json"),
        ("sections/sea/atom.xml", "application/atom+xml"), ("tags/a/feed.json", "application/feed+json"),
    ],
)
async def test_whole_content_is_pushed_with_its_type_and_links(
    desk: Desk, subscriber: Subscriber, feed: str, media_type: str
) -> None:
    """Section 7: the body as the feed has it, hub and self in the Link header; no signature without a secret."""
    desk.write("one", feed)
    await desk.subscribe(feed=feed)
    await desk.settle()
    assert subscriber.pushed() == []
    body = desk.write("two ä" * 10_000, feed)
    await desk.settle()
    assert subscriber.pushed() == [body]
    headers = subscriber.headers()
    assert headers["content-type"] == media_type
    assert headers["link"] == f'<{SITE}/hub>; rel="hub", <{SITE}/{feed}>; rel="self"'
    assert "x-hub-signature" not in headers
    assert headers["user-agent"] == "Publisher (WebSub hub)"
    await desk.settle()
    desk.write("two ä" * 10_000, feed)
    await desk.settle(timedelta(hours=1))
    assert len(subscriber.pushed()) == 1


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
async def test_signature_is_that_of_the_body(desk: Desk, subscriber: Subscriber, method: str) -> None:
    """Section 7.1, by each method; a secret of 199 bytes, one of other letters."""
    desk.configure(signature=method)
    for path, secret in (("/a", "x" * 199), ("/b", "geheim ä€")):
        await desk.subscribe(path, secret=secret)
    body = desk.write("<rss>two</rss>")
    await desk.settle()
    for path, secret in (("/a", "x" * 199), ("/b", "geheim ä€")):
        wanted = hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()
        assert subscriber.headers(path)["x-hub-signature"] == f"{method}={wanted}"


async def test_secret_lies_sealed_in_the_store(desk: Desk, subscriber: Subscriber) -> None:
    """Nobody learns it from the store alone; an old key opens it; without one the subscription is ended, and told so."""
    await desk.subscribe(secret="our little secret")
    (row,) = await desk.subscriptions()
    assert "secret" not in row.secret
    old = desk.keys
    desk.keys = Keys((b"n" * 32, *old.secrets))
    body = desk.write("<rss>two</rss>")
    await desk.settle()
    wanted = hmac.new(b"our little secret", body, "sha256").hexdigest()
    assert subscriber.headers()["x-hub-signature"] == f"sha256={wanted}"
    desk.keys = Keys((b"n" * 32,))
    desk.write("<rss>three</rss>")
    await desk.settle()
    assert subscriber.pushed() == [body]
    assert "secret" in subscriber.asked()[-1]["hub.reason"]
    assert subscriber.asked()[-1]["hub.mode"] == "denied"
    assert await desk.subscriptions() == []


async def test_410_ends_the_subscription(desk: Desk, subscriber: Subscriber) -> None:
    """At once; the others go on."""
    await desk.subscribe()
    await desk.subscribe("/other")
    subscriber.say("POST /cb", 410)
    for text in ("two", "three"):
        desk.write(text)
        await desk.settle()
    assert (subscriber.pushed(), subscriber.pushed("/other")) == ([b"two"], [b"two", b"three"])
    assert [row.callback for row in await desk.subscriptions()] == [f"{subscriber.url}/other"]


async def test_feed_that_cannot_be_read_keeps_no_other_back(desk: Desk, subscriber: Subscriber) -> None:
    """I12: it is tried again, and pushed once it can be read."""
    await desk.subscribe()
    desk.write("one", "atom.xml")
    await desk.subscribe("/other", feed="atom.xml")
    subscriber.say("POST /cb", 503)
    body = desk.write("two")
    await desk.settle()
    feed = desk.settings.path(desk.settings.output.directory) / "rss.xml"
    feed.unlink()
    feed.symlink_to(feed)
    other = desk.write("three", "atom.xml")
    await desk.settle(timedelta(hours=1))
    assert subscriber.pushed("/other") == [other]
    feed.unlink()
    subscriber.say("POST /cb", 200)
    desk.write("two")
    await desk.settle(timedelta(hours=5))
    assert subscriber.pushed()[-1] == body


@pytest.mark.parametrize("status", [200, 202, 204, 299])
async def test_any_2xx_has_taken_it(desk: Desk, subscriber: Subscriber, status: int) -> None:
    """Nothing is sent again."""
    await desk.subscribe()
    subscriber.say("POST /cb", status)
    desk.write("two")
    await desk.settle()
    await desk.settle(timedelta(hours=1))
    assert subscriber.pushed() == [b"two"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_push_follows_no_redirect(desk: Desk, subscriber: Subscriber, status: int) -> None:
    """It is a failure like others."""
    await desk.subscribe()
    subscriber.say("POST /cb", status, location=f"{subscriber.url}/elsewhere")
    desk.write("two")
    await desk.settle()
    assert subscriber.pushed("/elsewhere") == []
    assert (await desk.subscriptions())[0].reason == f"it answers {status}"


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_callback_that_is_down_for_a_while_gets_it_later(desk: Desk, subscriber: Subscriber, status: int) -> None:
    """Waits double; after a restart too; then the newest content, once."""
    await desk.subscribe()
    subscriber.say("POST /cb", status)
    desk.write("two")
    await desk.settle()
    waits = []
    for _ in range(4):
        (row,) = await desk.subscriptions()
        waits.append((row.retry_at - desk.now).total_seconds())
        await desk.settle(timedelta(seconds=waits[-1] - 0.5))
        await desk.restart()
        await desk.settle(timedelta(seconds=0.5))
    assert waits == [2, 2, 4, 8]
    assert subscriber.pushed() == [b"two"] * 5
    desk.write("three")
    await desk.settle(timedelta(seconds=1))
    desk.write("four")
    await desk.settle(timedelta(seconds=1))
    assert len(subscriber.pushed()) == 5
    subscriber.say("POST /cb", 200)
    await desk.settle(timedelta(seconds=20))
    await desk.settle(timedelta(days=1))
    assert subscriber.pushed()[5:] == [b"four"]
    (row,) = await desk.subscriptions()
    assert (row.reason, row.failing_since, row.retry_at) == ("", None, None)


async def test_callback_that_stays_down_is_given_up_until_the_next_change(desk: Desk, subscriber: Subscriber) -> None:
    """After a day or more, and a bounded number of tries."""
    await desk.subscribe()
    subscriber.say("POST /cb", 500)
    desk.write("two")
    for _ in range(60):
        await desk.settle(timedelta(hours=1))
    tries = len(subscriber.pushed())
    assert 5 < tries < 30
    (row,) = await desk.subscriptions()
    assert (row.retry_at, row.reason) == (None, "it answers 500")
    subscriber.say("POST /cb", 200)
    await desk.settle(timedelta(hours=6))
    assert len(subscriber.pushed()) == tries
    desk.write("three")
    await desk.settle()
    assert subscriber.pushed()[tries:] == [b"three"]


async def test_change_has_a_long_wait_cut_short(desk: Desk, subscriber: Subscriber) -> None:
    """New content is tried before the time that the old one waits for, but not more than once a minute."""
    await desk.subscribe()
    subscriber.say("POST /cb", 500)
    desk.write("two")
    for _ in range(10):
        await desk.settle(timedelta(hours=1))
    desk.now += timedelta(minutes=2)
    desk.write("three")
    await desk.settle()
    tries = len(subscriber.pushed())
    assert subscriber.pushed()[-1] == b"three"
    desk.write("four")
    await desk.settle(timedelta(seconds=30))
    assert len(subscriber.pushed()) == tries
    await desk.settle(timedelta(seconds=31))
    assert subscriber.pushed()[tries:] == [b"four"]


async def test_I12_slow_callback_keeps_nobody_waiting(desk: Desk, subscriber: Subscriber) -> None:
    """Far more of them than there are places: the others have it all, again and again, while those hang."""
    hanging = asyncio.Event()

    async def act(_request: Request) -> Response:
        await hanging.wait()
        return PlainTextResponse("")

    slow, quick = [f"/slow/{n}" for n in range(110)], [f"/quick/{n}" for n in range(20)]
    for path in (*slow, *quick):
        await desk.ask(path)
    await desk.settle()
    for path in slow:
        subscriber.acts[f"POST {path}"] = act
    for text in ("two", "three", "four"):
        body = desk.write(text)
        await until(desk, partial(_all_have, subscriber, quick, body))
    assert len(desk.course.pushing.slow) <= 32
    hanging.set()


def _all_have(subscriber: Subscriber, paths: list[str], body: bytes) -> bool:
    return all(body in subscriber.pushed(path) for path in paths)


async def test_callback_that_was_slow_gets_the_newest_once(desk: Desk, subscriber: Subscriber) -> None:
    """While one push hangs no second one begins; what changed meanwhile comes after it, without what lay between."""
    hanging = asyncio.Event()

    async def act(_request: Request) -> Response:
        await hanging.wait()
        return PlainTextResponse("")

    await desk.subscribe()
    subscriber.acts["POST /cb"] = act
    desk.write("two")
    await until(desk, subscriber.pushed)
    for text in ("three", "four", "five"):
        desk.write(text)
        await desk.turn()
    assert subscriber.pushed() == [b"two"]
    hanging.set()
    await desk.settle()
    assert subscriber.pushed() == [b"two", b"five"]


async def test_500_callbacks_each_get_it_once(desk: Desk, subscriber: Subscriber) -> None:
    """Verified, pushed, signed: all of them, and nothing twice; in few commits."""
    paths = [f"/{number}" for number in range(500)]
    for at in range(0, 500, 50):
        answers = await asyncio.gather(*(desk.ask(path, secret=f"secret of {path}") for path in paths[at : at + 50]))
        assert {answer.status_code for answer in answers} == {202}
    await desk.settle()
    assert len(await desk.subscriptions()) == 500
    body = desk.write("<rss>two</rss>")
    begun = time.process_time()
    await desk.settle()
    print(f"\n500 callbacks: {time.process_time() - begun:.2f} s of processor time, subscriber included")
    assert all(subscriber.pushed(path) == [body] for path in paths)
    for path in paths:
        wanted = hmac.new(f"secret of {path}".encode(), body, "sha256").hexdigest()
        assert subscriber.headers(path)["x-hub-signature"] == f"sha256={wanted}"


async def test_body_of_an_answer_is_left_unread(desk: Desk, subscriber: Subscriber) -> None:
    """However long it is."""
    await desk.subscribe()
    subscriber.say("POST /cb", 200, "x" * 3_000_000)
    desk.write("two")
    await desk.settle()
    (row,) = await desk.subscriptions()
    assert (row.reason, row.number) == ("", 2)


async def test_one_broken_callback_stops_no_other(desk: Desk, subscriber: Subscriber) -> None:
    """Even what should be impossible: its reason is kept, the others get theirs."""
    await desk.subscribe("/broken")
    await desk.subscribe("/good")
    (broken, _) = await desk.subscriptions()
    from publisher.store.hub_schema import hub_subscriptions  # noqa: PLC0415

    async with desk.store.write() as tx:
        bad = hub_subscriptions.update().where(hub_subscriptions.c.id == broken.id)
        await tx.execute(bad.values(callback="http://127.0.0.1:1\x00/"))
    desk.write("two")
    await desk.settle()
    assert subscriber.pushed("/good") == [b"two"]
    assert (await desk.subscriptions())[0].reason


async def test_hub_that_is_off_pushes_nothing(desk: Desk, subscriber: Subscriber) -> None:
    """Leases run out meanwhile."""
    await desk.subscribe(lease_seconds="60")
    desk.configure(enabled=False)
    desk.write("two")
    await desk.settle()
    assert subscriber.pushed() == []
    await desk.settle(timedelta(minutes=2))
    assert await desk.subscriptions() == []


async def test_address_of_the_site_may_change(desk: Desk, subscriber: Subscriber) -> None:
    """A topic is a file of the site: it is pushed on, with the links of its new address."""
    await desk.subscribe()
    desk.settings = desk.settings.model_copy(update={"site": replace_url(desk, "https://new.example.org/news")})
    desk.write("two")
    await desk.settle()
    assert subscriber.headers()["link"] == (
        '<https://new.example.org/news/hub>; rel="hub", <https://new.example.org/news/rss.xml>; rel="self"'
    )


def replace_url(desk: Desk, url: str) -> object:
    return desk.settings.site.model_copy(update={"url": url})
