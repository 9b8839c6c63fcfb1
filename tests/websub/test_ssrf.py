"""Callbacks are addresses that strangers chose: none of them leads inside (DESIGN, FACTS section 2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from publisher.settings import Hub
from publisher.templating import Templates
from publisher.web.app import build_app
from publisher.web.server import listening
from tests.websub.conftest import SITE, Desk, Subscriber

HOSTS = [
    "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1", "0.0.0.0", "0",
    "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::]", "127.0.0.1.", "%31%32%37.0.0.1",
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "[fe80::1]", "[fc00::1]", "100.64.0.1", "224.0.0.1", "①②⑦.⓪.⓪.①",
]


@pytest.fixture
async def strict(desk: Desk) -> AsyncIterator[Desk]:
    """The same hub, as it is by default."""
    desk.settings = desk.settings.model_copy(update={"hub": Hub()})
    app = build_app(desk.store, desk.settings, Templates(), desk.keys, ready=lambda: None)
    async with listening(app, "127.0.0.1", 0) as url, httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        desk.client = client
        yield desk


@pytest.mark.parametrize("host", HOSTS)
async def test_private_callback_is_refused_however_it_is_written(strict: Desk, subscriber: Subscriber, host: str) -> None:
    """At once, with the reason; nothing is noted, and nobody is asked."""
    port = subscriber.url.rpartition(":")[2]
    for mode in ("subscribe", "unsubscribe"):
        form = {"hub.callback": f"http://{host}:{port}/cb", "hub.mode": mode, "hub.topic": f"{SITE}/rss.xml"}
        answer = await strict.client.post("/hub", data=form)
        assert answer.status_code in (400, 403)
        assert answer.text.startswith("hub.callback ")
    await strict.settle()
    await strict.settle(timedelta(minutes=1))
    assert (subscriber.seen, await strict.requests()) == ([], [])


@pytest.mark.parametrize(
    "callback",
    [
        "file:///etc/passwd", "ftp://example.org/", "gopher://example.org/", "//example.org/", "example.org", "javascript:a()",
        "http://user:word@example.org/", "http://example.org:22/", "http://example.org:25/", "http:///", "http://exa mple.org/",
        "http://example.org/\r\nX: y", "http://example.org/#here", "http://[::1/", "", "http://example.org/" + "x" * 3000, "http://example.org/ä",
    ],
)
async def test_what_is_no_callback_is_refused(strict: Desk, callback: str) -> None:
    """By scheme, port, user, form."""
    form = {"hub.callback": callback, "hub.mode": "subscribe", "hub.topic": f"{SITE}/rss.xml"}
    answer = await strict.client.post("/hub", data=form)
    assert answer.status_code == 400
    assert answer.text.startswith("hub.callback ")
    assert await strict.requests() == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_name_that_leads_inside_later_is_refused_at_connect_time(
    desk: Desk, subscriber: Subscriber, host: str
) -> None:
    """A name may answer otherwise once it is taken: the question is judged anew, and so is each push."""
    subscriber.url = subscriber.url.replace("127.0.0.1", host)
    await desk.subscribe("/known")
    await desk.ask("/new")
    desk.configure(allow_private=False)
    desk.write("two")
    await desk.settle()
    await desk.settle(timedelta(minutes=1))
    assert subscriber.pushed("/known") == []
    assert subscriber.asked("/new") == []
    (known,) = await desk.subscriptions()
    (new,) = await desk.requests()
    assert "which is no public address" in known.reason
    assert "which is no public address" in new.reason
    assert new.next_try_at is None
    desk.configure(allow_private=True)
    await desk.settle(timedelta(minutes=10))
    assert subscriber.pushed("/known") == [b"two"]


async def test_redirect_leads_nowhere(desk: Desk, subscriber: Subscriber) -> None:
    """Neither a question nor a push follows one, to loopback or elsewhere; the way of a denial neither."""
    inside = subscriber.url.replace("127.0.0.1", "[::ffff:127.0.0.1]")
    await desk.subscribe()
    for method in ("GET", "POST"):
        for number, status in enumerate((301, 302, 303, 307, 308)):
            subscriber.say(f"{method} /{number}", status, location=f"{inside}/inside")
    subscriber.say("POST /cb", 307, location=f"{inside}/inside")
    subscriber.say("GET /cb", 307, location=f"{inside}/inside")
    for number in range(5):
        await desk.ask(f"/{number}")
    desk.write("two")
    await desk.settle()
    desk.configure(blocked=("127.0.0.1",))
    await desk.settle()
    assert [path for _, path, *_ in subscriber.seen if path == "/inside"] == []
    assert await desk.subscriptions() == []
