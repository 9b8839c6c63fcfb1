"""The form as a weapon: what strangers try with it, and what comes of it."""

from __future__ import annotations

import asyncio
import html
import itertools
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from publisher.audience import optin
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail_settings import Mail
from publisher.outgoing import Claim
from publisher.settings import Newsletter, Site, Subscribing
from publisher.store import audience
from publisher.store.engine import Store
from publisher.templating import Templates
from publisher.web import limits
from publisher.web.app import build_app
from publisher.web.server import listening
from tests import ledger

LETTERS = tuple(Newsletter(name=f"letter-{number}") for number in range(12))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers take no even time, so that many of them take little."""
    monkeypatch.setattr(limits, "EVEN", 0.0)


def settings_with(tmp_path: Path, **bounds: Any) -> Settings:
    return Settings(
        root=tmp_path, site=Site(), newsletter=LETTERS, mail=Mail(),
        subscribing=Subscribing(**{"per_network": 10_000, **bounds}),
    )


async def serve(store: Store, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(store, settings, Templates(), Keys((b"k" * 32,)), ready=lambda: None)
    async with listening(app, "127.0.0.1", 0) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


@pytest.fixture
async def form(store: Store, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a site with a dozen newsletters, and no bound for single networks."""
    async for client in serve(store, settings_with(tmp_path)):
        yield client


async def mails(store: Store) -> list[Claim]:
    return await ledger.claim(store, datetime.now(UTC) + timedelta(seconds=1), 1000)


async def test_one_mailbox_cannot_be_bombed(form: httpx.AsyncClient, store: Store) -> None:
    """Over twelve newsletters, six spellings and as many networks as there are forms: five mails a day."""
    spellings = [
        "victim@gmail.com", "VICTIM@Gmail.com", "v.i.c.t.i.m@gmail.com", "victim+{}@gmail.com", "vic.tim+a{}@googlemail.com",
        " Victim@GOOGLEMAIL.com ",
    ]
    pages = set()
    for number, (letter, spelling) in enumerate(itertools.product(LETTERS, spellings)):
        headers = {"X-Forwarded-For": f"203.0.{number // 250}.{number % 250}"}
        data = {"email": spelling.format(number), "newsletter": letter.name}
        answer = await form.post("/subscribe", data=data, headers=headers)
        assert answer.status_code == 200
        pages.add(answer.content)
    assert len(pages) == 1
    assert len(await mails(store)) == 5


async def test_others_are_not_held_up_by_a_bombed_mailbox(form: httpx.AsyncClient, store: Store) -> None:
    """A neighbour on the same domain gets theirs."""
    for letter in LETTERS:
        await form.post("/subscribe", data={"email": "victim@example.org", "newsletter": letter.name})
    await form.post("/subscribe", data={"email": "neighbour@example.org", "newsletter": "letter-0"})
    assert [claim.email for claim in await mails(store)].count("neighbour@example.org") == 1


async def test_mails_in_all_are_bounded_whatever_restarts(store: Store, tmp_path: Path) -> None:
    """The bound is the store's: another process goes on counting. What the operator asks for is not counted."""
    settings = settings_with(tmp_path, in_all=3)
    for number in range(4):
        await optin.add(store, settings, f"by-hand-{number}@example.org", now=datetime.now(UTC))
    codes = []
    for number in range(6):
        async for client in serve(store, settings):  # a new process each time, as far as memory goes
            answer = await client.post("/subscribe", data={"email": f"r{number}@example.org"})
            codes.append(answer.status_code)
            if answer.status_code == 429:
                assert int(answer.headers["retry-after"]) > 0
    assert codes == [200, 200, 200, 429, 429, 429]
    assert len(await mails(store)) == 7


async def test_the_bound_in_all_tells_nothing_of_an_address(store: Store, tmp_path: Path) -> None:
    """Known or not, everybody is asked to come later."""
    settings = settings_with(tmp_path, in_all=1)
    await optin.add(store, settings, "known@example.org", confirmed=True, now=datetime.now(UTC))
    answers = []
    async for client in serve(store, settings):
        await client.post("/subscribe", data={"email": "first@example.org"})
        answers = [await client.post("/subscribe", data={"email": f"{who}@example.org"}) for who in ("known", "new")]
    assert [answer.status_code for answer in answers] == [429, 429]
    assert answers[0].content == answers[1].content


async def test_every_answer_takes_even_time(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New, waiting, active, left and suppressed addresses: none is answered before the even time is over."""
    monkeypatch.setattr(limits, "EVEN", 0.3)
    settings = settings_with(tmp_path)
    now = datetime.now(UTC)
    await optin.add(store, settings, "active@example.org", confirmed=True, now=now)
    async with store.write() as tx:
        await audience.suppress(tx, "bad@example.org", reason="bounce", note="", now=now)
    async for client in serve(store, settings):
        for who in ("new", "new", "active", "bad"):
            begun = time.monotonic()
            assert (await client.post("/subscribe", data={"email": f"{who}@example.org"})).status_code == 200
            assert time.monotonic() - begun >= 0.3


async def test_two_who_ask_at_the_same_moment_get_one_mail(form: httpx.AsyncClient, store: Store) -> None:
    """A double click, or a race that somebody runs on purpose."""
    data = {"email": "jo@example.org", "newsletter": "letter-0"}
    await asyncio.gather(*(form.post("/subscribe", data=data) for _ in range(8)))
    assert len(await mails(store)) == 1


async def test_a_slip_is_asked_about_and_may_be_insisted_on(form: httpx.AsyncClient, store: Store) -> None:
    """"Did you mean": nothing is stored; the form of that page, sent once more, is taken; another slip is asked again."""
    data = {"email": "ann@gmial.com", "newsletter": "letter-0"}
    answer = await form.post("/subscribe", data=data)
    assert answer.status_code == 400
    assert "Did you mean ann@gmail.com?" in answer.text
    assert 'name="sure" value="ann@gmial.com"' in answer.text
    assert await mails(store) == []
    assert (await form.post("/subscribe", data={**data, "email": "bo@gmial.com", "sure": "ann@gmial.com"})).status_code == 400
    assert (await form.post("/subscribe", data={**data, "sure": "ann@gmial.com"})).status_code == 200
    assert [claim.email for claim in await mails(store)] == ["ann@gmial.com"]


async def test_the_small_form_may_be_framed_and_nothing_else(form: httpx.AsyncClient, store: Store) -> None:
    """It and its answers carry no X-Frame-Options and let anybody frame them; all other pages forbid it."""
    small = await form.get("/subscribe/embed?newsletter=letter-3")
    assert 'value="letter-3" selected' in small.text
    assert "<nav" not in small.text
    answers = [small] + [
        await form.post("/subscribe/embed", data={"email": email, "newsletter": "letter-3", "timezone": "Not/AZone"})
        for email in ("nonsense", "ann@gmial.com", "ann@example.org")
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 400, 200]
    for answer in answers:
        assert "x-frame-options" not in answer.headers
        assert "frame-ancestors *" in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
    for path in ("/subscribe", "/nowhere"):
        assert (await form.get(path)).headers["x-frame-options"] == "DENY"
    assert [claim.email for claim in await mails(store)] == ["ann@example.org"]


async def test_a_form_on_another_site_subscribes_and_its_origin_is_recorded(
    form: httpx.AsyncClient, store: Store
) -> None:
    """What a browser says of the page that sent it, bounded and on one line."""
    headers = {"Origin": "https://friends.example", "Sec-Fetch-Site": "cross-site"}
    data = {"email": "ann@example.org", "newsletter": "letter-0"}
    assert (await form.post("/subscribe", data=data, headers=headers)).status_code == 200
    async with store.read() as tx:
        (reader,) = await audience.readers_by_email(tx, "ann@example.org")
        (consent,) = await audience.list_consents(tx, reader.subscription.id)
    assert consent["origin"] == "web form on friends.example, 127.0.0.1"


NASTY = [
    "Jo\r\nBcc: x@example.org", "Jo\nContent-Type: text/html", "Jo\0", "=?utf-8?q?a=0ABcc=3A_x=40y?=", "\u202eevil", "x" * 101,
    "Jo\u2028Bcc: x", "\ud83d", "\ue000unsubscribe\ue001", "<script>alert(1)</script>", '"><img src=x>', "\x1b]0;x\x07",
    "J" * 1_000_000, "Jo, <boss@example.org>, ", "{{ 7*7 }}", "%0d%0aBcc:x",
]


@pytest.mark.parametrize("name", NASTY)
async def test_names_reach_no_header_and_no_markup(form: httpx.AsyncClient, store: Store, name: str) -> None:
    """Refused, or one clean line; what comes back on a page is escaped; never a 500."""
    data = {"email": "jo@example.org", "name": name.encode("utf-8", "surrogatepass"), "newsletter": "letter-0"}
    answer = await form.post("/subscribe", data=data)
    assert answer.status_code in (200, 400, 413)
    async with store.read() as tx:
        found = await audience.readers_by_email(tx, "jo@example.org")
    for reader in found:
        kept = reader.subscriber.name
        assert kept.isprintable() or "\u202e" in kept
        assert len(kept) <= 100
        assert not {"\r", "\n", "\0", "\x1b", "\ue000"} & set(kept)
    again = await form.post("/subscribe", data={**data, "email": "x"})
    if again.status_code == 400 and "<" in name:
        assert name not in again.text
        assert html.escape(name) in again.text or "&#34;" in again.text


ODD = [
    (b"\xff\xfe\x00e\x00m", "application/x-www-form-urlencoded"), (b"email=%ff%fe@x.org", "application/x-www-form-urlencoded"),
    (b"email=jo@example.org&email=x@example.org", "application/x-www-form-urlencoded; charset=utf-16"),
    (b"&".join(b"sections=%d" % n for n in range(5000)), "application/x-www-form-urlencoded"),
    (b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\n\xff\xff\r\n--b--\r\n', "multipart/form-data; boundary=b"),
    (b"--b\r\nbroken", "multipart/form-data; boundary=b"), (b"x", "multipart/form-data"), (b"{}", "application/json"),
    (b"email=" + b"a" * 30_000, "application/x-www-form-urlencoded"), (b"", ""), (b"=&=&=", "application/x-www-form-urlencoded"),
]


@pytest.mark.parametrize(("content", "kind"), ODD)
async def test_odd_forms_are_refused_politely(form: httpx.AsyncClient, content: bytes, kind: str) -> None:
    """Never a 500, for either form."""
    for path in ("/subscribe", "/subscribe/embed"):
        answer = await form.post(path, content=content, headers={"Content-Type": kind} if kind else {})
        assert answer.status_code in (200, 400, 413)


@pytest.mark.parametrize("email", [
    "jo@exämple.org", "jö@example.org", "JO@EXAMPLE.ORG", "jo@ｅｘａｍｐｌｅ.org", "jo@xn--exmple-cua.org",
])
async def test_international_addresses_are_kept_as_given(form: httpx.AsyncClient, store: Store, email: str) -> None:
    """Compared in their normal form, so the same mailbox is asked once."""
    for _ in range(2):
        assert (await form.post("/subscribe", data={"email": email, "newsletter": "letter-0"})).status_code == 200
    (claim,) = await mails(store)
    assert claim.email == email
