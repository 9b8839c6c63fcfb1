"""Feeds that push: a real hub, our callback behind a real server, a real store between them (W3C WebSub)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.http import Limits
from publisher.intake import feed_poll, push_ask, push_receive, push_schedule
from publisher.intake.push_offer import Offer, find
from publisher.intake.push_receive import Delivery
from publisher.model import Article
from publisher.settings import Site, Source
from publisher.source_state import Push, PushMode, SourceState
from publisher.store import articles, documents, pushes, schema, sources
from publisher.store.engine import Store, Tx
from publisher.templating import Templates
from publisher.web.app import build_app
from publisher.web.server import listening

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEYS = Keys((b"k" * 32, b"o" * 32))


def atom(*numbers: int, hub: str = "", words: str = "") -> str:
    link = f'<link rel="hub" href="{hub}"/>' if hub else ""
    entries = "".join(
        f"<entry><id>tag:{n}</id><title>Story number {n}</title><link href='https://news.example.org/{n}'/><updated>2026-11-0{n}T10:00:00Z</updated>"
        f"<content>What story {n} says about the harbour and ferry {n}{words}.</content></entry>" for n in numbers
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>{link}{entries}</feed>'


async def _of_source(tx: Tx, source: str) -> list[Push]:
    """All subscriptions of a source, wanted or not."""
    ids = (await tx.execute(select(schema.pushes.c.id).where(schema.pushes.c.source == source))).scalars()
    found = [await pushes.get(tx, ident) for ident in list(ids)]
    return [push for push in found if push is not None]


class Hub:
    """A hub of the tests' own: takes subscriptions, verifies them, hands out what is published."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[dict[str, str]] = []
        #: What the callbacks answered: (status, body).
        self.answers: list[tuple[int, str]] = []
        self.status = 202
        self.lease = 864_000
        self.verifies = True

    async def take(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        self.asked.append(form)
        check = BackgroundTask(self.verify, form) if self.verifies and self.status < 300 else None
        return PlainTextResponse("", status_code=self.status, background=check)

    async def verify(self, form: dict[str, str], **more: str) -> None:
        given = {"hub.mode": form["hub.mode"], "hub.topic": form["hub.topic"], "hub.challenge": "<b>x</b>", **more}
        if form["hub.mode"] == "subscribe":
            given.setdefault("hub.lease_seconds", str(self.lease))
        async with httpx.AsyncClient(trust_env=False) as client:
            got = await client.get(form["hub.callback"], params=given)
        assert got.headers["content-type"].startswith("text/plain")
        assert got.headers["x-content-type-options"] == "nosniff"
        self.answers.append((got.status_code, got.text))

    async def push(self, body: str, method: str = "sha256", signature: str | None = None, form: int = 0) -> int:
        to = self.asked[form]
        signed = f"{method}={hmac.new(to['hub.secret'].encode(), body.encode(), getattr(hashlib, method)).hexdigest()}"
        async with httpx.AsyncClient(trust_env=False) as client:
            got = await client.post(
                to["hub.callback"], content=body.encode(),
                headers={"content-type": "application/atom+xml", "x-hub-signature": signed if signature is None else signature},
            )
        return got.status_code


class Desk:
    """A store, a clock, a callback that is served, and somebody who polls."""

    def __init__(self, store: Store, settings: Settings, hub: Hub, url: str) -> None:
        self.store, self.settings, self.hub, self.url, self.now = store, settings, hub, url, NOON

    async def poll(self, later: timedelta = timedelta(minutes=20), **more: Any) -> None:
        self.now += later
        await feed_poll.poll(
            self.store, self.settings, now=lambda: self.now, jitter=lambda: 0.0, limits=Limits(1_000_000, 3.0, 1.0), keys=KEYS, **more
        )
        await self.settle()

    async def settle(self) -> None:
        """Until the hub has had its answers."""
        for _ in range(100):
            if not self.hub.verifies or len(self.hub.answers) >= len(self.hub.asked) or self.hub.status >= 300:
                return
            await asyncio.sleep(0.02)

    def configure(self, **source: Any) -> None:
        (old,) = self.settings.source
        self.settings = self.settings.model_copy(update={"source": (old.model_copy(update=source),)})

    async def subscriptions(self) -> list[Push]:
        async with self.store.read() as tx:
            return await _of_source(tx, self.name)

    @property
    def name(self) -> str:
        return f"feed:{self.url.removeprefix('http://')}"

    async def state(self) -> SourceState:
        async with self.store.read() as tx:
            return await sources.get(tx, self.name)

    async def live(self) -> list[Article]:
        async with self.store.read() as tx:
            return await articles.newest(tx, 100)

    async def titles(self) -> list[str]:
        return sorted(article.title for article in await self.live())


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    found = Hub()
    async with listening(Starlette(routes=[Route("/hub", found.take, methods=["POST"])]), "127.0.0.1", 0) as url:
        found.url = f"{url}/hub"
        yield found


@pytest.fixture
async def desk(store: Store, tmp_path: Path, peer: Any, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """Subscribed to a feed of one entry, whose next poll is due in a quarter of an hour."""
    feed = f"{peer.url}/feed"
    settings = Settings(root=tmp_path, source=(Source(kind="feed", url=feed, allow_private=True),), site=Site())
    app = build_app(store, settings, Templates(), KEYS, ready=lambda: None)
    async with listening(app, "127.0.0.1", 0) as url:
        found = Desk(store, settings.model_copy(update={"site": Site(url=url)}), hub, feed)
        monkeypatch.setattr("publisher.web.push.now", lambda: found.now)
        peer.say("/feed", atom(1, hub=hub.url), Link=f'<{feed}>; rel="self"', ETag='"1"')
        yield found


# --- subscribing -----------------------------------------------------------------------------------------------------


async def test_entry_that_is_pushed_is_live_without_a_poll(desk: Desk, peer: Any) -> None:
    """As news, not backfill; what the push does not hold is neither gone nor changed."""
    await desk.poll()
    (asked,) = desk.hub.asked
    assert (asked["hub.mode"], asked["hub.topic"], asked["hub.lease_seconds"]) == ("subscribe", desk.url, "864000")
    assert desk.hub.answers == [(200, "<b>x</b>")]
    assert len(asked["hub.callback"].rpartition("/")[2]) == 20
    assert 40 <= len(asked["hub.secret"]) < 200
    (push,) = await desk.subscriptions()
    assert (push.lease_until, push.pending) == (desk.now + timedelta(days=10), PushMode.NOTHING)
    assert await desk.hub.push(atom(2)) == 202
    assert {a.title: a.backfill for a in await desk.live()} == {"Story number 1": True, "Story number 2": False}
    async with desk.store.read() as tx:
        assert sorted(await documents.present(tx, desk.name)) == ["tag:1", "tag:2"]
    assert len(peer.requests) == 1
    assert await desk.hub.push(atom(2)) == 202
    assert await desk.hub.push(atom(2, words=", corrected")) == 202
    assert "corrected" in next(a.content_text for a in await desk.live() if a.title == "Story number 2")


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
async def test_every_method_of_signing_is_known(desk: Desk, method: str) -> None:
    """Section 7 of the Recommendation names four."""
    await desk.poll()
    assert await desk.hub.push(atom(2), method) == 202
    assert len(await desk.live()) == 2


@pytest.mark.parametrize("signature", ["", "sha256=" + "0" * 64, "md5=1", "sha256", "new=x"])
async def test_push_that_is_not_signed_is_ignored(desk: Desk, signature: str) -> None:
    """The answer tells nobody so."""
    await desk.poll()
    assert await desk.hub.push(atom(2), signature=signature) == 202
    assert await desk.titles() == ["Story number 1"]


async def test_poll_slows_down_while_the_lease_is_live_and_no_longer(desk: Desk) -> None:
    """Every three hours, and at the lease's end at the latest."""
    desk.hub.lease = 7200 + 20 * 60
    await desk.poll()
    assert (await desk.state()).next_poll_at == desk.now + timedelta(minutes=15)
    await desk.poll()
    assert (await desk.state()).next_poll_at == desk.now + timedelta(hours=2)
    desk.hub.status = 500
    await desk.poll(later=timedelta(hours=3))
    assert (await desk.state()).next_poll_at == desk.now + timedelta(minutes=15)


async def test_poll_after_a_push_reads_the_whole_feed_again(desk: Desk, peer: Any) -> None:
    """An old delivery that came late is put right by it, whatever validators were known."""
    await desk.poll()
    assert await desk.hub.push(atom(1, words=", as it was long ago")) == 202
    await desk.poll()
    assert "if-none-match" not in peer.asked("/feed")[1]
    assert "long ago" not in (await desk.live())[0].content_text


async def test_lease_is_renewed_before_it_ends(desk: Desk) -> None:
    """A day before; the address of the callback stays the same."""
    await desk.poll()
    await desk.poll(timedelta(days=8, hours=23))
    assert len(desk.hub.asked) == 1
    await desk.poll(timedelta(hours=2))
    first, second = desk.hub.asked
    assert first == second
    (push,) = await desk.subscriptions()
    assert push.lease_until == desk.now + timedelta(days=10)


async def test_hub_that_fails_is_asked_later_and_later(desk: Desk) -> None:
    """The reason is kept, the feed polled as before."""
    desk.hub.status = 503
    wait = timedelta(minutes=1)
    for minutes in (10, 20, 40, 80):
        await desk.poll(later=wait)
        (push,) = await desk.subscriptions()
        assert (push.next_ask_at, push.reason) == (desk.now + timedelta(minutes=minutes), "its hub answers 503")
        wait = timedelta(minutes=minutes)
    desk.hub.status = 202
    await desk.poll(later=timedelta(hours=2))
    (push,) = await desk.subscriptions()
    assert (push.reason, push.tries, push.lease_until) == ("", 0, desk.now + timedelta(days=10))


async def test_hub_that_denies_is_left_alone_for_a_week(desk: Desk) -> None:
    """Also where it ends what it had granted; its reason is kept."""
    await desk.poll()
    await desk.hub.verify(desk.hub.asked[0], **{"hub.mode": "denied", "hub.reason": "not\npaid"})
    (push,) = await desk.subscriptions()
    assert (push.lease_until, push.reason) == (None, "its hub denies the subscription: not paid")
    assert await desk.hub.push(atom(2)) == 410
    await desk.poll(timedelta(days=6))
    assert len(desk.hub.asked) == 1
    await desk.poll(timedelta(days=2))
    assert len(desk.hub.asked) == 2


@pytest.mark.parametrize(
    "more",
    [
        {"hub.topic": "https://other.example/"}, {"hub.mode": "unsubscribe"}, {"hub.mode": "nonsense"}, {"hub.challenge": ""},
        {"hub.challenge": "x" * 3000}, {"hub.topic": "", "hub.mode": "denied"},
    ],
)
async def test_question_about_what_we_did_not_ask_is_a_404(desk: Desk, more: dict[str, str]) -> None:
    """Nothing changes by it."""
    desk.hub.verifies = False
    await desk.poll()
    before = await desk.subscriptions()
    await desk.hub.verify(desk.hub.asked[0], **more)
    assert desk.hub.answers == [(404, "Nobody asked for this.\n")]
    assert await desk.subscriptions() == before
    assert await desk.hub.push(atom(2)) == 410
    await desk.hub.verify(desk.hub.asked[0])
    await desk.hub.verify(desk.hub.asked[0])
    assert [status for status, _ in desk.hub.answers] == [404, 200, 404]


async def test_address_that_was_guessed_leads_nowhere(desk: Desk) -> None:
    """Neither by its shape, nor one of another subscription or of another kind of link."""
    await desk.poll()
    token = desk.hub.asked[0]["hub.callback"].rpartition("/")[2]
    base = desk.settings.site.url
    async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
        for wrong in ("x", "A" * 20, token[:-1] + ("A" if token[-1] != "A" else "B"), "AAAAAAI" + token[7:]):
            assert (await client.post(f"/push/{wrong}", content=b"x")).status_code == 410
            assert (await client.get(f"/push/{wrong}", params={"hub.mode": "denied", "hub.topic": desk.url})).status_code == 404
    assert (await desk.subscriptions())[0].reason == ""


@pytest.mark.parametrize("given", [(KEYS.secrets[1],), (b"n" * 32, *KEYS.secrets)])
async def test_subscription_outlives_a_change_of_keys(desk: Desk, given: tuple[bytes, ...]) -> None:
    """As long as the old one is among them; without it nothing is taken."""
    await desk.poll()
    (push,) = await desk.subscriptions()
    token = desk.hub.asked[0]["hub.callback"].rpartition("/")[2]
    body = atom(2).encode()
    signature = "sha256=" + hmac.new(desk.hub.asked[0]["hub.secret"].encode(), body, hashlib.sha256).hexdigest()
    status = await push_receive.delivery(
        desk.store, desk.settings, Keys(given), token, Delivery(body, "", signature), now=lambda: desk.now
    )
    assert (status, len(await desk.live())) == ((202, 2) if KEYS.secrets[0] in given else (410, 1))
    assert push.lease_until is not None


# --- what cannot be taken --------------------------------------------------------------------------------------------


async def test_push_that_is_no_feed_has_the_feed_polled(desk: Desk, peer: Any) -> None:
    """At once, and the same where it is too large."""
    await desk.poll()
    await desk.poll()
    for body, status in (("<!doctype html><title>x</title>", 202), ("x" * 10_000_001, 413)):
        assert await desk.hub.push(body) == status
        state = await desk.state()
        assert state.next_poll_at == desk.now
        asked = len(peer.requests)
        await desk.poll(timedelta(0), due_only=True)
        assert len(peer.requests) == asked + 1


async def test_push_before_the_first_reading_is_left_to_it(desk: Desk) -> None:
    """Nobody knows yet what is backfill."""
    async with desk.store.write() as tx:
        await pushes.offer(tx, desk.name, desk.hub.url, desk.url, NOON)
    await push_ask.ask(desk.store, desk.settings, KEYS, now=lambda: NOON, jitter=lambda: 0.0)
    await desk.settle()
    assert await desk.hub.push(atom(2)) == 202
    assert await desk.live() == []
    await desk.poll()
    assert [a.backfill for a in await desk.live()] == [True]


async def test_poll_that_is_under_way_gives_way_to_a_push(desk: Desk, peer: Any) -> None:
    """What it fetched before is older than what was pushed since."""
    await desk.poll()
    was: Callable[..., Any] = peer.acts["/feed"]

    async def slow(writer: asyncio.StreamWriter) -> None:
        assert await desk.hub.push(atom(1, words=", as it is now")) == 202
        await was(writer)

    peer.say("/feed", atom(1, hub=desk.hub.url, words=", older"), ETag='"2"')
    was = peer.acts["/feed"]
    peer.acts["/feed"] = slow
    await desk.poll()
    assert "as it is now" in (await desk.live())[0].content_text


# --- ending ----------------------------------------------------------------------------------------------------------


async def test_feed_that_offers_no_hub_any_more_is_unsubscribed(desk: Desk, peer: Any) -> None:
    """The hub asks whether we mean it; then nothing is known of it, and what it still sends is 410."""
    await desk.poll()
    peer.say("/feed", atom(1))
    await desk.poll()
    assert [form["hub.mode"] for form in desk.hub.asked] == ["subscribe", "unsubscribe"]
    assert "hub.secret" not in desk.hub.asked[1]
    assert desk.hub.answers[-1][0] == 200
    assert await desk.subscriptions() == []
    assert await desk.hub.push(atom(2)) == 410
    assert (await desk.state()).next_poll_at == desk.now + timedelta(minutes=15)


async def test_feed_that_moves_to_another_hub_is_subscribed_there(desk: Desk, peer: Any) -> None:
    """And not at the old one any more."""
    await desk.poll()
    peer.say("/feed", atom(1, hub=desk.hub.url), Link=f'<{desk.url}?new>; rel="self"')
    await desk.poll()
    assert sorted((form["hub.mode"], form["hub.topic"]) for form in desk.hub.asked[1:]) == [
        ("subscribe", f"{desk.url}?new"), ("unsubscribe", desk.url),
    ]
    assert [push.topic for push in await desk.subscriptions()] == [f"{desk.url}?new"]


async def test_source_that_is_configured_otherwise_is_unsubscribed(desk: Desk) -> None:
    """`push = false`; no question of another mode is answered meanwhile."""
    await desk.poll()
    desk.configure(push=False)
    await desk.poll()
    assert desk.hub.asked[-1]["hub.mode"] == "unsubscribe"
    assert await desk.subscriptions() == []
    await desk.poll()
    assert len(desk.hub.asked) == 2


async def test_hub_that_does_not_let_go_is_forgotten(desk: Desk) -> None:
    """After three tries; it is told 410 from then on."""
    await desk.poll()
    desk.hub.verifies = False
    desk.settings = desk.settings.model_copy(update={"source": (replace_url(desk.settings.source[0]),)})
    for _ in range(5):
        await desk.poll(timedelta(hours=1))
    assert await desk.subscriptions() == []
    assert await desk.hub.push(atom(2)) == 410


def replace_url(source: Source) -> Source:
    return source.model_copy(update={"url": source.url + "/other"})


async def test_private_hub_is_refused_by_the_guard(store: Store, tmp_path: Path, peer: Any) -> None:
    """Nothing is sent there, unless the source may be private; the reason is kept."""
    source = Source(kind="feed", url="https://news.example.org/feed")
    settings = Settings(root=tmp_path, source=(source,), site=Site(url="https://courier.example.org"))
    async with store.write() as tx:
        await pushes.offer(tx, source.name, f"{peer.url}/hub", source.url, NOON)
    await push_ask.ask(store, settings, KEYS, now=lambda: NOON, jitter=lambda: 0.5)
    async with store.read() as tx:
        (push,) = await _of_source(tx, source.name)
    assert "127.0.0.1, which is no public address" in push.reason
    assert push.next_ask_at == NOON + timedelta(minutes=10) * 1.125
    assert peer.requests == []


@pytest.mark.parametrize(
    ("url", "more", "possible"),
    [
        ("https://a.example", {}, True), ("http://a.example", {}, False), ("http://127.0.0.1:8000", {"allow_private": True}, True),
        ("https://a.example", {"push": False}, False), ("https://a.example", {"kind": "folder"}, False),
    ],
)
def test_only_who_can_be_reached_subscribes(tmp_path: Path, url: str, more: dict[str, Any], possible: bool) -> None:
    """By https, or within a network of one's own; never against the configuration."""
    source = Source(**{"kind": "feed", "url": "https://n.example/", **more})
    assert push_ask.is_possible(Settings(root=tmp_path, site=Site(url=url)), source) is possible


async def test_service_asks_hubs(desk: Desk) -> None:
    """With its own keys; a poll by hand only remembers the offer, for nobody serves its callback."""
    from publisher.ticks import Service, poll_feeds  # noqa: PLC0415 - the whole program, for one test

    await feed_poll.poll(desk.store, desk.settings, now=lambda: datetime.now(UTC), jitter=lambda: 0.0)
    assert desk.hub.asked == []
    await poll_feeds(Service(desk.settings, desk.store, Templates(), KEYS, asyncio.Event()))
    assert [form["hub.mode"] for form in desk.hub.asked] == ["subscribe"]


# --- what is offered -------------------------------------------------------------------------------------------------

URL = "https://news.example.org/feed.xml"


@pytest.mark.parametrize(
    ("link", "own", "expected"),
    [
        ("", (), None), ("", (("self", URL),), None), ("", (("hub", "https://h.example/"),), Offer("https://h.example/", URL)),
        ("", (("hub", "/hub"), ("self", "/a.xml")), Offer("https://news.example.org/hub", "https://news.example.org/a.xml")),
        ('<https://h.example/>; rel="hub", <https://n.example/f>; rel="self"', (), Offer("https://h.example/", "https://n.example/f")),
        ("<https://h.example/>;rel=hub", (("self", "https://n.example/s"),), Offer("https://h.example/", "https://n.example/s")),
        ('<https://h.example/>; title="a, b; <x>"; REL="alternate Hub"', (), Offer("https://h.example/", URL)),
        ("<https://one.example/>; rel=hub", (("hub", "https://two.example/"),), Offer("https://one.example/", URL)),
        ("<javascript:a()>; rel=hub", (("hub", "ftp://h.example/"), ("hub", "mailto:a@b.example")), None),
        ("<https://h.example/>; rel=next", (), None), (";;;<<<>>>,,,rel=hub", (), None), ("<" * 5000, (), None),
        ("<https://h.example/?a=1,2>; rel=hub", (), Offer("https://h.example/?a=1,2", URL)),
        (f"<https://h.example/{'x' * 1500}>; rel=hub", (), None),
    ],
)
def test_offer_is_found(link: str, own: tuple[tuple[str, str], ...], expected: Offer | None) -> None:
    """In the headers first, then in the feed; whatever else stands there."""
    assert find({"link": link} if link else {}, own, URL) == expected


@pytest.mark.parametrize(
    ("text", "hub"),
    [
        ('<rss version="2.0"><channel xmlns:atom="http://www.w3.org/2005/Atom"><title>N</title><atom:link rel="hub" href="https://h.example/"/></channel></rss>', True),
        (atom(1, hub="https://h.example/"), True), (atom(1), False),
        ('{"version": "https://jsonfeed.org/version/1.1", "items": [], "feed_url": "x", "hubs": [{"type": "rssCloud", "url": "y"}, {"type": "WebSub", "url": "https://h.example/"}]}', True),
        ('{"version": "https://jsonfeed.org/version/1.1", "items": [], "hubs": {"type": 5}}', False),
        ('{"version": "https://jsonfeed.org/version/1.1", "items": [], "hubs": [5, null, {"url": ["x"]}]}', False),
    ],
)
def test_every_format_can_offer_a_hub(text: str, hub: bool) -> None:
    """RSS by Atom's link, Atom, JSON Feed."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    from publisher.intake.feed_parse import parse  # noqa: PLC0415

    offer = find({}, parse(text.encode(), "", URL, ZoneInfo("UTC")).links, URL)
    assert (offer.hub if offer else "") == ("https://h.example/" if hub else "")


async def test_store_keeps_subscriptions(any_store: Store) -> None:
    """On both databases: offers, their change and return, what is due, what ends."""
    async with any_store.write() as tx:
        await pushes.offer(tx, "feed:a", "h1", "t", NOON)
        await pushes.offer(tx, "feed:a", "h1", "t", NOON + timedelta(days=1))
        await pushes.offer(tx, "feed:b", "h1", "t", NOON)
        (push,) = await _of_source(tx, "feed:a")
        assert push == Push(push.id, "feed:a", "h1", "t", next_ask_at=NOON)
        live = replace(push, lease_until=NOON + timedelta(days=2), next_ask_at=NOON + timedelta(days=1), pending=PushMode.SUBSCRIBE, tries=2)
        await pushes.put(tx, live)
        assert await pushes.get(tx, push.id) == live
        assert await pushes.live_until(tx, "feed:a") == NOON + timedelta(days=2)
        assert [one.source for one in await pushes.due(tx, NOON)] == ["feed:b"]
        await pushes.refused(tx, replace(live, tries=1), "stale")
        assert (await _of_source(tx, "feed:a"))[0].reason == ""
        await pushes.offer(tx, "feed:a", "h2", "t", NOON)
        assert [(one.hub, one.wanted) for one in sorted(await _of_source(tx, "feed:a"), key=lambda p: p.id)] == [("h1", False), ("h2", True)]
        assert await pushes.live_until(tx, "feed:a") is None
        await pushes.offer(tx, "feed:a", "h1", "t", NOON)
        assert await pushes.live_until(tx, "feed:a") == NOON + timedelta(days=2)
        assert await pushes.any_strange(tx, ["feed:a"])
        await pushes.keep_only(tx, ["feed:a"], NOON)
        assert not await pushes.any_strange(tx, ["feed:a"])
        assert await pushes.any_strange(tx, [])
        await pushes.withdraw(tx, "feed:a", NOON)
        assert not await pushes.any_strange(tx, [])
        await pushes.remove(tx, push.id)
        assert await pushes.get(tx, push.id) is None


def test_signature_of_a_hub_holds_after_our_keys_are_changed() -> None:
    """The hub keeps the secret that it was given, until it is asked again."""
    old, new = b"o" * 32, b"n" * 32
    secret = push_schedule.secret(Keys((old,)), "token")
    said = f"sha256={hmac.new(secret.encode(), b'body', hashlib.sha256).hexdigest()}"
    assert push_schedule.signed(Keys((new, old)), "token", b"body", said)
    assert push_schedule.signed(Keys((new,), (old,)), "token", b"body", said)
    assert not push_schedule.signed(Keys((new,)), "token", b"body", said)
