"""Subscribing, confirming and leaving, over HTTP."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from publisher import tokens
from publisher.audience import optin
from publisher.model import Reader, SubscriptionState
from publisher.outgoing import Claim
from publisher.store import audience
from tests import ledger

FORM = {
    "email": "Jo@Example.org", "name": "Jo", "newsletter": "daily", "frequency": "weekly", "weekday": "4",
    "time": "06:30", "timezone": "Asia/Kathmandu", "sections": ["sea", "tides"],
}


async def reader_of(web: Any, email: str = "jo@example.org") -> Reader | None:
    async with web.store.read() as tx:
        found = await audience.readers_by_email(tx, email)
    return found[0] if found else None


async def notices(web: Any) -> list[Claim]:
    """The confirmation mails that wait, as the mailer would take them."""
    return await ledger.claim(web.store, datetime.now(UTC) + timedelta(seconds=1), 50)


async def asked(web: Any) -> str:
    """The path of the confirmation link after a form was sent."""
    answer = await web.client.post("/subscribe", data=FORM)
    assert answer.status_code == 200
    claim = (await notices(web))[0]
    return f"/confirm/{tokens.make(web.keys, tokens.CONFIRM, claim.subscription_id, str(claim.generation))}"


async def leaver(web: Any) -> tuple[str, int]:
    """The path of the unsubscribe link of an active reader, and the id of the subscription."""
    _, reader = await optin.add(web.store, web.settings, "ann@example.org", confirmed=True, now=datetime.now(UTC))
    return f"/u/{tokens.make(web.keys, tokens.UNSUBSCRIBE, reader.subscription.id)}", reader.subscription.id


async def state_of(web: Any, ident: int) -> SubscriptionState:
    async with web.store.read() as tx:
        found = await audience.reader(tx, ident)
    assert found is not None
    return found.subscription.state


async def test_the_form_stands_beside_the_feeds(web: Any) -> None:
    """GET /subscribe shows the fields with the site's zone, and the three feeds; one script, known by hash; no cookie."""
    answer = await web.client.get("/subscribe")
    assert answer.status_code == 200
    assert '<option value="Europe/London" selected>London</option>' in answer.text
    assert 'name="email"' in answer.text
    assert all(f'href="/{name}"' in answer.text for name in ("rss.xml", "atom.xml", "feed.json"))
    (script,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers


async def test_I9_form_then_click_then_active(web: Any) -> None:
    """The form makes a pending subscription and one mail; the GET of its link changes nothing, the POST activates."""
    path = await asked(web)
    reader = await reader_of(web)
    assert reader is not None
    assert (reader.subscriber.email, reader.subscriber.name) == ("Jo@Example.org", "Jo")
    assert (reader.subscriber.timezone, reader.subscription.sections) == ("Asia/Kathmandu", ("sea", "tides"))
    assert (reader.subscription.weekday, reader.subscription.local_time.isoformat("minutes")) == (4, "06:30")
    for method in ("GET", "HEAD", "GET"):
        assert (await web.client.request(method, path)).status_code == 200
        assert await state_of(web, reader.subscription.id) == SubscriptionState.PENDING
    first = await web.client.post(path)
    assert (first.status_code, await state_of(web, reader.subscription.id)) == (200, SubscriptionState.ACTIVE)
    assert "will come to" in first.text
    for again in (await web.client.post(path), await web.client.get(path)):
        assert again.status_code == 200
        assert "confirmed before" in again.text


async def test_consent_is_recorded_in_the_words_that_were_shown(web: Any) -> None:
    """When, from where, and the very sentence beside the button, for asking and for confirming."""
    path = await asked(web)
    form, button = (await web.client.get("/subscribe")).text, (await web.client.get(path)).text
    await web.client.post(path)
    reader = await reader_of(web)
    assert reader is not None
    async with web.store.read() as tx:
        consents = await audience.list_consents(tx, reader.subscription.id)
    assert [consent["action"] for consent in consents] == ["asked", "confirmed"]
    assert consents[0]["wording"] in form
    assert consents[1]["wording"] in button
    assert all("127.0.0.1" in consent["origin"] for consent in consents)


async def test_the_answer_never_tells_whether_an_address_is_known(web: Any) -> None:
    """New, pending, active, gone and suppressed addresses get the same page, byte for byte."""
    path, _ = await leaver(web)
    async with web.store.write() as tx:
        await audience.suppress(tx, "bad@example.org", reason="bounce", note="", now=datetime.now(UTC))
    pages = set()
    for email in ("new@example.org", "new@example.org", "ann@example.org", "bad@example.org"):
        pages.add((await web.client.post("/subscribe", data={**FORM, "email": email})).content)
    await web.client.post(path)
    pages.add((await web.client.post("/subscribe", data={**FORM, "email": "ann@example.org"})).content)
    assert len(pages) == 1
    assert {claim.email for claim in await notices(web)} == {"new@example.org", "ann@example.org"}


async def test_one_address_cannot_be_flooded_through_the_form(web: Any) -> None:
    """However often the form is sent for an address, one mail waits; other forms of the address count as the same."""
    for email in ("Jo@example.org", "jo@EXAMPLE.org", " jo@example.org ", "JO@example.org"):
        await web.client.post("/subscribe", data={**FORM, "email": email})
    assert len(await notices(web)) == 1


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"email": ""}, "missing"),
    ({"email": "jo"}, "needs one @"),
    ({"email": "jo@example.org\r\nBcc: x@example.org"}, "holds no space"),
    ({"email": "jo@example.org\x07x"}, "holds a character"),
    ({"frequency": "hourly"}, "comes daily or weekly or immediate"),
    ({"timezone": "Mars/Olympus"}, "The time zone is a name"),
    ({"time": "25:00"}, "written as 07:00"),
    ({"newsletter": "gone"}, "no newsletter"),
    ({"newsletter": "sea", "sections": ["world"]}, "no section world"),
    ({"name": "x" * 5000}, "name is too long"),
]


async def test_a_wrong_form_comes_back_with_the_reason(web: Any) -> None:
    """Each fault is told, what was typed stays, and nothing is stored."""
    for change, words in WRONG:
        answer = await web.client.post("/subscribe", data={**FORM, **change})
        assert answer.status_code == 400
        assert words in answer.text
        assert 'role="alert"' in answer.text
        assert 'value="Jo"' in answer.text or "name" in change
    assert await reader_of(web) is None


async def test_header_injection_through_the_name_comes_to_nothing(web: Any) -> None:
    """A name is one line of plain text, and is escaped where it is shown."""
    await web.client.post("/subscribe", data={**FORM, "name": "Jo\r\nBcc: x@example.org\0<b>"})
    reader = await reader_of(web)
    assert reader is not None
    assert reader.subscriber.name == "Jo Bcc: x@example.org<b>"
    back = await web.client.post("/subscribe", data={**FORM, "email": "x", "name": "<b>Jo"})
    assert "&lt;b&gt;Jo" in back.text


async def test_programs_that_fill_in_every_field_get_nowhere(web: Any) -> None:
    """The honeypot answers like success and stores nothing."""
    answer = await web.client.post("/subscribe", data={**FORM, "website": "http://spam.example"})
    assert (answer.status_code, await reader_of(web)) == (200, None)
    assert "Check your mail" in answer.text


async def test_many_forms_from_one_client_have_to_wait(web: Any) -> None:
    """The twenty-first form within ten minutes is 429 with Retry-After; another client behind the proxy is not held."""
    headers = {"X-Forwarded-For": "203.0.113.9"}
    answers = [await web.client.post("/subscribe", data={"email": "x"}, headers=headers) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [400] * 20 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 600
    other = await web.client.post("/subscribe", data={"email": "x"}, headers={"X-Forwarded-For": "203.0.113.10"})
    assert other.status_code == 400


async def test_a_form_of_a_megabyte_is_refused(web: Any) -> None:
    """413, with and without a declared length, url-encoded and multipart; nothing is stored."""

    async def chunks() -> Any:
        for _ in range(64):
            yield b"name=" + b"x" * 16384

    big = {"email": "jo@example.org", "name": "x" * 1_000_000}
    assert (await web.client.post("/subscribe", data=big)).status_code == 413
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await web.client.post("/subscribe", content=chunks(), headers=kind)).status_code == 413
    assert (await web.client.post("/subscribe", files={"email": b"x" * 1_000_000})).status_code == 413
    assert (await web.client.post("/subscribe", files={"email": ("f", b"x")})).status_code == 400
    assert await reader_of(web) is None


async def test_multipart_forms_are_read_too(web: Any) -> None:
    """A form that is sent as multipart/form-data subscribes as well."""
    parts = [(name, (None, value)) for name, value in FORM.items() if isinstance(value, str)]
    assert (await web.client.post("/subscribe", files=parts)).status_code == 200
    assert await reader_of(web) is not None


async def test_I9_one_click_post_leaves_and_get_does_not(web: Any) -> None:
    """RFC 8058: scanners may GET as they like; the POST ends it at once, without cookie or redirect, also twice."""
    path, ident = await leaver(web)
    for method in ("GET", "HEAD", "OPTIONS"):
        await web.client.request(method, path)
        assert await state_of(web, ident) == SubscriptionState.ACTIVE
    for _ in range(2):
        answer = await web.client.post(path, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert not {"set-cookie", "location"} & set(answer.headers)
        assert await state_of(web, ident) == SubscriptionState.UNSUBSCRIBED


async def test_one_click_as_multipart_and_with_no_body(web: Any) -> None:
    """Both encodings of RFC 8058 section 3.2 are taken, and the plain button's empty form."""
    path, ident = await leaver(web)
    await web.client.post(path, files={"List-Unsubscribe": (None, "One-Click")})
    assert await state_of(web, ident) == SubscriptionState.UNSUBSCRIBED
    assert (await web.client.post(path)).status_code == 200


async def test_I11_an_old_confirmation_link_does_not_bring_a_reader_back(web: Any) -> None:
    """After leaving, the link of the first confirmation is void; asking again brings a fresh one that works."""
    old = await asked(web)
    await web.client.post(old)
    reader = await reader_of(web)
    assert reader is not None
    ident = reader.subscription.id
    await web.client.post(f"/u/{tokens.make(web.keys, tokens.UNSUBSCRIBE, ident)}")
    assert (await web.client.post(old)).status_code == 404
    assert await state_of(web, ident) == SubscriptionState.UNSUBSCRIBED
    later = datetime.now(UTC) + timedelta(hours=1)
    await optin.add(web.store, web.settings, "jo@example.org", now=later)
    again = await reader_of(web)
    assert again is not None
    fresh = f"/confirm/{tokens.make(web.keys, tokens.CONFIRM, ident, str(again.subscription.generation))}"
    assert (await web.client.post(fresh)).status_code == 200
    assert await state_of(web, ident) == SubscriptionState.ACTIVE


async def test_guessed_and_tampered_tokens_open_nothing(web: Any) -> None:
    """Another purpose, another row, a flipped letter, another key, rubbish: the same polite 404, and no change."""
    path, ident = await leaver(web)
    token = path.removeprefix("/u/")
    confirm = tokens.make(web.keys, tokens.CONFIRM, ident, "7")
    foreign = tokens.make(type(web.keys)((b"x" * 32,)), tokens.UNSUBSCRIBE, ident)
    other = tokens.make(web.keys, tokens.UNSUBSCRIBE, ident + 1)
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    bad = [confirm, foreign, other, flipped, token[:-1], token + "A", "A" * 20, "x", "%00", "\u00e9", "../rss.xml"]
    for wrong in bad:
        for base in ("/u/", "/confirm/"):
            for method in ("GET", "POST"):
                answer = await web.client.request(method, f"{base}{wrong}")
                assert answer.status_code == 404 or (wrong == "../rss.xml" and answer.status_code in (200, 405)), wrong
    assert (await web.client.post(f"/confirm/{token}")).status_code == 404
    assert await state_of(web, ident) == SubscriptionState.ACTIVE


async def test_pages_with_a_token_are_sealed(web: Any) -> None:
    """No referrer, no store, no index, no script, no frame."""
    path, _ = await leaver(web)
    answer = await web.client.get(path)
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert '<meta name="robots" content="noindex">' in answer.text
    assert "ann@example.org" not in answer.text


async def test_an_unknown_method_is_405(web: Any) -> None:
    """Links know GET, HEAD and POST."""
    answer = await web.client.put("/subscribe")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].replace(" ", "").split(",")) >= {"GET", "HEAD"}
