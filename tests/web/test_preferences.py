"""Preferences by signed link, and fresh links for what a forwarded digest must not allow, over real HTTP."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from publisher import fingerprints, tokens
from publisher.audience import erase, optin
from publisher.crypto import Keys
from publisher.mail import notices as words
from publisher.model import Frequency, Reader, SubscriptionState
from publisher.outgoing import Claim, DeliveryState
from publisher.store import account, audience
from publisher.store.mail_schema import consents, subscribers
from publisher.templating import Templates
from tests import ledger
from tests.ledger import list_deliveries

EMAIL = "ann.archer@example.org"


@pytest.fixture
async def ann(web: Any) -> Any:
    """An active reader of "daily", and the path of her preferences."""
    web.store._engine.sync_engine.update_execution_options(
        publisher_fingerprints=lambda key: fingerprints.of(web.keys, key)
    )
    _, reader = await optin.add(web.store, web.settings, EMAIL, name="Ann", confirmed=True, now=datetime.now(UTC))
    return reader, f"/preferences/{tokens.make(web.keys, tokens.PREFERENCES, reader.subscription.id)}"


async def now_of(web: Any, ident: int) -> Reader:
    async with web.store.read() as tx:
        found = await audience.reader(tx, ident)
    assert found is not None
    return found


async def letters_of(web: Any) -> dict[str, Reader]:
    async with web.store.read() as tx:
        return {one.subscription.newsletter: one for one in await audience.readers_by_email(tx, EMAIL)}


async def mails(web: Any) -> list[Claim]:
    return await ledger.claim(web.store, datetime.now(UTC) + timedelta(seconds=1), 50)


def link_in(web: Any, claim: Claim) -> str:
    """The path of the link in a notice, as its text part has it."""
    text = words.render(Templates(), web.settings, web.keys, claim).text
    found = re.search(r"http://127\.0\.0\.1:8000(/[a-z-]+/[A-Za-z0-9_-]{20})", text)
    assert found is not None
    return found[1]


async def post(web: Any, path: str, do: str, **fields: Any) -> Any:
    return await web.client.post(path, data={"do": do, **fields})


async def test_I9_looking_changes_nothing(web: Any, ann: Any) -> None:
    """GET and HEAD show the page, and the store stays as it is."""
    reader, path = ann
    for method in ("GET", "HEAD", "GET"):
        assert (await web.client.request(method, path)).status_code == 200
    assert await now_of(web, reader.subscription.id) == reader
    page = (await web.client.get(path)).text
    assert "The Daily Courier" in page
    assert EMAIL not in page
    assert "a…@example.org" in page


async def test_choices_are_saved_and_scheduled_anew(web: Any, ann: Any) -> None:
    """Frequency, day, time, sections; the due instant is computed again, unless nothing is new."""
    reader, path = ann
    ident = reader.subscription.id
    fields = {"newsletter": "daily", "frequency": "weekly", "weekday": "4", "time": "18:30", "sections": ["sea", "world"]}
    async with web.store.write() as tx:
        await ledger.set_due(tx, ident, datetime.now(UTC))
    answer = await post(web, path, "choose", **fields)
    assert (answer.status_code, "Saved" in answer.text) == (200, True)
    found = (await now_of(web, ident)).subscription
    assert (found.frequency, found.weekday, found.local_time) == (Frequency.WEEKLY, 4, time(18, 30))
    assert (found.sections, found.next_due_at) == (("sea", "world"), None)
    due = datetime.now(UTC)
    async with web.store.write() as tx:
        await ledger.set_due(tx, ident, due)
    await post(web, path, "choose", **fields)
    assert (await now_of(web, ident)).subscription.next_due_at == due


async def test_wrong_choices_change_nothing_and_come_back(web: Any, ann: Any) -> None:
    """The reason stands on the page, what was typed stays."""
    reader, path = ann
    for wrong, why in (({"time": "25:00"}, "written as 07:00"), ({"frequency": "hourly"}, "comes daily")):
        fields = {"newsletter": "daily", "frequency": "weekly", "weekday": "4", "time": "18:30"} | wrong
        answer = await post(web, path, "choose", **fields)
        assert answer.status_code == 400
        assert why in answer.text
        assert 'aria-invalid="true"' in answer.text
    answer = await post(web, path, "choose-for-all", timezone="Mars/Olympus", language="en")
    assert (answer.status_code, "time zone is a name" in answer.text) == (400, True)
    assert await now_of(web, reader.subscription.id) == reader


async def test_zone_language_and_plain_text_hold_for_all(web: Any, ann: Any) -> None:
    """One person, whatever they read."""
    reader, path = ann
    await post(web, path, "choose-for-all", timezone="Asia/Kathmandu", language="de", plain_text="yes")
    person = (await now_of(web, reader.subscription.id)).subscriber
    assert (person.timezone, person.language, person.plain_text) == ("Asia/Kathmandu", "de", True)
    page = (await web.client.get(path)).text
    assert '<option value="Asia/Kathmandu" selected>' in page
    assert re.search(r'name="plain_text" value="yes" checked', page)
    await post(web, path, "choose-for-all", timezone="Asia/Kathmandu", language="de")
    assert not (await now_of(web, reader.subscription.id)).subscriber.plain_text


async def test_pause_until_a_day_of_the_readers_own_zone(web: Any, ann: Any) -> None:
    """Its end is that day's beginning there; it can be ended early; impossible days are refused."""
    reader, path = ann
    ident = reader.subscription.id
    await post(web, path, "choose-for-all", timezone="Asia/Kathmandu", language="en")
    day = (datetime.now(UTC) + timedelta(days=10)).date()
    answer = await post(web, path, "pause", newsletter="daily", until=day.isoformat())
    assert "pauses until" in answer.text
    expected = datetime.combine(day, time(), UTC) - timedelta(hours=5, minutes=45)
    assert (await now_of(web, ident)).subscription.paused_until == expected
    assert "Pauses until" in (await web.client.get(path)).text
    for wrong in ("", "tomorrow", "2020-01-01", "9999-12-31", datetime.now(UTC).date().isoformat(), "2026-02-30"):
        answer = await post(web, path, "pause", newsletter="daily", until=wrong)
        assert answer.status_code == 400, wrong
    assert (await now_of(web, ident)).subscription.paused_until == expected
    assert "comes again" in (await post(web, path, "resume", newsletter="daily")).text
    assert (await now_of(web, ident)).subscription.paused_until is None


async def test_a_further_newsletter_comes_without_another_mail(web: Any, ann: Any) -> None:
    """The address is proven; consent is recorded in the words beside the button."""
    _, path = ann
    page = (await web.client.get(path)).text
    await post(web, path, "join", newsletter="sea")
    sea = (await letters_of(web))["sea"]
    assert sea.subscription.state == SubscriptionState.ACTIVE
    assert await mails(web) == []
    async with web.store.read() as tx:
        (consent,) = await audience.list_consents(tx, sea.subscription.id)
    assert (consent["action"], "preferences" in consent["origin"]) == ("confirmed", True)
    assert consent["wording"] in page


async def test_I11_who_left_comes_back_by_a_fresh_opt_in(web: Any, ann: Any) -> None:
    """Also through preferences, and also where everything was left."""
    reader, path = ann
    await post(web, path, "join", newsletter="sea")
    assert "no longer comes" in (await post(web, path, "leave", newsletter="daily")).text
    assert (await now_of(web, reader.subscription.id)).subscription.state == SubscriptionState.UNSUBSCRIBED
    assert (await letters_of(web))["sea"].subscription.state == SubscriptionState.ACTIVE
    answer = await post(web, path, "join", newsletter="daily")
    assert "You left The Daily Courier once" in answer.text
    assert (await now_of(web, reader.subscription.id)).subscription.state == SubscriptionState.PENDING
    (claim,) = await mails(web)
    assert claim.notice_kind == "confirm"
    await web.client.post(link_in(web, claim))
    assert (await now_of(web, reader.subscription.id)).subscription.state == SubscriptionState.ACTIVE


async def test_no_message_is_announced_that_is_not_sent(web: Any, ann: Any) -> None:
    """Where one went out lately, where nothing may be sent to the address, and where forms sent too many."""
    reader, path = ann
    await post(web, path, "leave", newsletter="daily")
    assert "on its way to you" in (await post(web, path, "join", newsletter="daily")).text
    answers = [await post(web, path, "join", newsletter="daily")]
    async with web.store.write() as tx:
        await audience.suppress(tx, EMAIL, reason="complaint", note="", now=datetime.now(UTC))
    answers.append(await post(web, path, "join", newsletter="daily"))
    asked = {"subscription_id": reader.subscription.id, "action": "asked", "at": datetime.now(UTC), "origin": "web", "wording": ""}
    async with web.store.write() as tx:
        await tx.execute(insert(consents), [asked] * web.settings.subscribing.in_all)
    answers.append(await post(web, path, "join", newsletter="daily"))
    told = ("asked by mail lately", "nothing is sent to your address", "try again in an hour")
    for answer, words_of_it in zip(answers, told, strict=True):
        assert words_of_it in answer.text
        assert "on its way to you" not in answer.text
        assert "complain" not in answer.text


async def test_leaving_everything_keeps_the_page_for_the_way_back(web: Any, ann: Any) -> None:
    """All subscriptions end at once; the page still opens, and offers no newsletter without a confirmation."""
    _, path = ann
    await post(web, path, "join", newsletter="sea")
    await post(web, path, "leave-all")
    assert {one.subscription.state for one in (await letters_of(web)).values()} == {SubscriptionState.UNSUBSCRIBED}
    page = await web.client.get(path)
    assert (page.status_code, page.text.count("Subscribe again")) == (200, 2)
    await post(web, path, "join", newsletter="sea")
    assert (await letters_of(web))["sea"].subscription.state == SubscriptionState.PENDING


async def test_goodbye_offers_a_way_back(web: Any, ann: Any) -> None:
    """A button that asks for a fresh confirmation; pressed ten times it is one mail."""
    reader, _ = ann
    path = f"/u/{tokens.make(web.keys, tokens.UNSUBSCRIBE, reader.subscription.id)}"
    goodbye = (await web.client.post(path)).text
    assert f'action="{path}/back"' in goodbye
    assert (await web.client.get(f"{path}/back")).status_code == 405
    for _ in range(10):
        assert "Check your mail" in (await web.client.post(f"{path}/back")).text
    (claim,) = await mails(web)
    await web.client.post(link_in(web, claim))
    assert (await now_of(web, reader.subscription.id)).subscription.state == SubscriptionState.ACTIVE
    assert (await web.client.post("/u/AAAAAAAAAAAAAAAAAAAA/back")).status_code == 404


async def test_the_last_one_again_at_a_bounded_pace(web: Any, ann: Any, planted: Any) -> None:
    """One copy of the same variant; a second at once is refused; nothing of the ledger's windows moves."""
    reader, path = ann
    assert "none to send again yet" in (await post(web, path, "again", newsletter="daily")).text
    variant = await planted(reader, DeliveryState.ACCEPTED)
    before = await now_of(web, reader.subscription.id)
    assert "on its way to you again" in (await post(web, path, "again", newsletter="daily")).text
    assert "a short while ago" in (await post(web, path, "again", newsletter="daily")).text
    (claim,) = await mails(web)
    assert (claim.notice_kind, claim.variant_id, claim.email) == ("again", variant, EMAIL)
    assert await now_of(web, reader.subscription.id) == before
    async with web.store.read() as tx:
        assert len(await list_deliveries(tx)) == 1


async def test_export_by_a_fresh_link_once(web: Any, ann: Any) -> None:
    """The file holds what is known; the link is void afterwards, and a second mail is not sent at once."""
    _reader, path = ann
    assert "on its way to you" in (await post(web, path, "export")).text
    assert "a short while ago" in (await post(web, path, "export")).text
    (claim,) = await mails(web)
    assert (claim.notice_kind, claim.email) == ("export", EMAIL)
    link = link_in(web, claim)
    assert "Get my data" in (await web.client.get(link)).text
    answer = await web.client.post(link)
    assert answer.headers["content-type"] == "application/json"
    assert "attachment" in answer.headers["content-disposition"]
    found = json.loads(answer.content)
    assert (found["email"], found["name"]) == (EMAIL, "Ann")
    assert found["subscriptions"][0]["newsletter"] == "daily"
    assert found["subscriptions"][0]["consents"][0]["action"] == "operator"
    assert (await web.client.post(link)).status_code == 404
    assert (await web.client.get(link)).status_code == 404


async def test_a_fresh_link_is_good_for_an_hour_and_for_its_own_purpose(web: Any, ann: Any) -> None:
    """Too old, another purpose, the preferences link itself: void. A newer one makes an older one void."""
    reader, path = ann
    await post(web, path, "export")
    (claim,) = await mails(web)
    link = link_in(web, claim)
    token = link.rpartition("/")[2]
    for other in ("/erase/", "/address/", "/new-address/", "/preferences/", "/u/", "/confirm/"):
        assert (await web.client.get(other + token)).status_code == 404, other
    for other in ("/export/", "/erase/", "/address/", "/new-address/"):
        assert (await web.client.post(other + path.rpartition("/")[2])).status_code == 404
    async with web.store.write() as tx:
        old = datetime.now(UTC) - timedelta(minutes=61)
        await tx.execute(update(subscribers).values(link_asked_at=old))
    assert (await web.client.post(link)).status_code == 404
    async with web.store.write() as tx:
        await tx.execute(update(subscribers).values(link_asked_at=datetime.now(UTC)))
    assert (await web.client.get(link)).status_code == 200
    async with web.store.write() as tx:
        await account.next_link(tx, reader.subscriber.id, datetime.now(UTC))
    assert (await web.client.post(link)).status_code == 404


async def test_erasing_oneself(web: Any, ann: Any) -> None:
    """GET asks, POST erases; every link of the reader is dead, and their address is marked."""
    _reader, path = ann
    await post(web, path, "erase")
    (claim,) = await mails(web)
    link = link_in(web, claim)
    await ledger.settle(web.store, datetime.now(UTC), [_accepted(claim)])
    assert (await web.client.get(link)).status_code == 200
    assert await letters_of(web)
    assert "You are erased" in (await web.client.post(link)).text
    assert await letters_of(web) == {}
    for dead in (link, path):
        assert (await web.client.get(dead)).status_code == 404
        assert (await web.client.post(dead, data={"do": "join", "newsletter": "sea"})).status_code == 404
    async with web.store.read() as tx:
        assert await audience.suppressed(tx, EMAIL) == "erased"
    assert await mails(web) == []


async def test_erasing_while_a_message_is_on_the_wire(
    web: Any, ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A polite "not yet"; nothing more goes out from then on, and the same link does the rest later."""
    monkeypatch.setattr(erase, "_TRIES", 1)
    reader, path = ann
    await post(web, path, "erase")
    (claim,) = await mails(web)
    link = link_in(web, claim)
    answer = await web.client.post(link)
    assert (answer.status_code, "press the button again" in answer.text) == (503, True)
    assert (await now_of(web, reader.subscription.id)).subscription.state == SubscriptionState.UNSUBSCRIBED
    await ledger.settle(web.store, datetime.now(UTC), [_accepted(claim)])
    assert "You are erased" in (await web.client.post(link)).text


async def test_another_address_is_proven_and_the_old_one_told(web: Any, ann: Any) -> None:
    """A link to the old address, one to the new, then the change; only its own link moves it."""
    reader, path = ann
    await post(web, path, "address")
    (claim,) = await mails(web)
    link = link_in(web, claim)
    assert (await web.client.post(link, data={"email": "nonsense"})).status_code == 400
    assert "Check your new mail" in (await web.client.post(link, data={"email": "Ann@New.example"})).text
    assert (await web.client.post(link, data={"email": "x@evil.example"})).status_code == 404
    (second,) = await mails(web)
    assert (second.notice_kind, second.email) == ("new_address", "Ann@New.example")
    proof = link_in(web, second)
    assert "Ann@New.example" in (await web.client.get(proof)).text
    assert (await now_of(web, reader.subscription.id)).subscriber.email == EMAIL
    assert "Your address is changed" in (await web.client.post(proof)).text
    assert (await web.client.post(proof)).status_code == 404
    assert (await now_of(web, reader.subscription.id)).subscriber.email == "Ann@New.example"
    (told,) = await mails(web)
    assert (told.notice_kind, told.email) == ("moved", EMAIL)
    assert "/new-address/" not in words.render(Templates(), web.settings, web.keys, told).text
    assert (await web.client.get(path)).status_code == 200


async def test_the_address_of_somebody_else_shows_in_nothing(web: Any, ann: Any) -> None:
    """Known, suppressed or new: one answer. Whoever owns a known one is told by its own link, and nothing moves."""
    reader, _path = ann
    await optin.add(web.store, web.settings, "bo@example.org", confirmed=True, now=datetime.now(UTC))
    async with web.store.write() as tx:
        await audience.suppress(tx, "bad@example.org", reason="bounce", note="", now=datetime.now(UTC))
    answers = set()
    for email in ("bo@example.org", "bad@example.org", "new@example.org"):
        async with web.store.write() as tx:
            number = await account.next_link(tx, reader.subscriber.id, datetime.now(UTC))
        token = tokens.make(web.keys, tokens.ADDRESS, reader.subscriber.id, str(number))
        answers.add((await web.client.post(f"/address/{token}", data={"email": email})).content)
        found = await mails(web)
        assert [claim.email for claim in found] == ([] if email.startswith("bad") else [email])
        if email.startswith("bo"):
            assert "of its own" in (await web.client.post(link_in(web, found[0]))).text
    assert len(answers) == 1
    assert (await now_of(web, reader.subscription.id)).subscriber.email == EMAIL


async def test_links_live_as_long_as_keys_allow(web: Any, ann: Any) -> None:
    """Rotation leaves all links; revocation ends those to preferences, never those to unsubscribe."""
    reader, path = ann
    old = web.keys.secrets
    leave = f"/u/{tokens.make(web.keys, tokens.UNSUBSCRIBE, reader.subscription.id)}"
    object.__setattr__(web.keys, "secrets", (b"n" * 32, *old))
    assert (await web.client.get(path)).status_code == 200
    assert (await web.client.get(leave)).text.count("/preferences/") == 1
    object.__setattr__(web.keys, "secrets", (b"n" * 32,))
    object.__setattr__(web.keys, "revoked", old)
    assert (await web.client.get(path)).status_code == 404
    page = await web.client.get(leave)
    assert (page.status_code, page.text.count("/preferences/")) == (200, 0)
    assert (await web.client.post(leave)).status_code == 200
    assert (await now_of(web, reader.subscription.id)).subscription.state == SubscriptionState.UNSUBSCRIBED


async def test_a_page_of_another_site_changes_nothing(web: Any, ann: Any) -> None:
    """CSRF: whatever the browser tells of where a form comes from, another's is refused; ours, and old browsers', not."""
    reader, path = ann
    await post(web, path, "export")
    (claim,) = await mails(web)
    places = [(path, {"do": "leave-all"}), (link_in(web, claim), {})]
    foreign: list[dict[str, str]] = [
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"}, {"Origin": "http://127.0.0.1.evil.example"},
    ]
    for headers in foreign:
        for place, data in places:
            assert (await web.client.post(place, data=data, headers=headers)).status_code == 403, headers
    assert await now_of(web, reader.subscription.id) == reader
    ours: list[dict[str, str]] = [
        {}, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": web.url}, {"Origin": "null"},
        {"Origin": web.settings.site.url},
    ]
    for headers in ours:
        answer = await web.client.post(path, data={"do": "resume", "newsletter": "daily"}, headers=headers)
        assert answer.status_code == 200, headers


async def test_guessed_and_tampered_links_open_nothing(web: Any, ann: Any) -> None:
    """Another purpose, another row, a flipped letter, another key, rubbish: 404 for all, and no change."""
    reader, path = ann
    ident = reader.subscription.id
    token = path.rpartition("/")[2]
    bad = [
        tokens.make(web.keys, tokens.UNSUBSCRIBE, ident), tokens.make(web.keys, tokens.PREFERENCES, ident + 1),
        tokens.make(Keys((b"x" * 32,)), tokens.PREFERENCES, ident), token[:-1] + ("A" if token[-1] != "A" else "B"),
        token[:-1], token + "A", "A" * 20, "x", "%00", "\u00e9", "%2e%2e", token.swapcase(),
    ]
    for wrong in bad:
        for base in ("/preferences/", "/export/", "/erase/", "/address/", "/new-address/"):
            for method in ("GET", "POST"):
                data = {"do": "leave-all", "email": "x@example.org"} if method == "POST" else None
                answer = await web.client.request(method, f"{base}{wrong}", data=data)
                assert answer.status_code == 404, (method, base, wrong)
    assert await now_of(web, ident) == reader


async def test_a_scanner_that_follows_every_link_changes_nothing(web: Any, ann: Any) -> None:
    """GET, HEAD and OPTIONS of every link that mail ever carries, and of what the pages link to."""
    reader, path = ann
    ident = reader.subscription.id
    await post(web, path, "erase")
    (claim,) = await mails(web)
    links = [path, link_in(web, claim), f"/u/{tokens.make(web.keys, tokens.UNSUBSCRIBE, ident)}"] + [
        f"/{kind.replace(' ', '-')}/{tokens.make(web.keys, kind, reader.subscriber.id, '1')}"
        for kind in (tokens.EXPORT, tokens.ADDRESS, tokens.NEW_ADDRESS)
    ]
    before = await now_of(web, ident)
    for link in links:
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = await web.client.request(method, link)
            assert not {"set-cookie", "location"} & set(answer.headers)
        for found in re.findall(r'href="(/[^"]*)"', (await web.client.get(link)).text):
            await web.client.get(found)
        for query in ("?do=leave-all", "?do=erase&newsletter=daily"):
            await web.client.get(link + query)
    assert await now_of(web, ident) == before
    assert await mails(web) == []


async def test_pages_behind_tokens_are_sealed(web: Any, ann: Any) -> None:
    """No referrer, no store, no index, no frame, no script, nothing from elsewhere, no cookie."""
    _reader, path = ann
    await post(web, path, "export")
    (claim,) = await mails(web)
    for link in (path, link_in(web, claim)):
        answer = await web.client.get(link)
        policy = answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy
        assert "<script" not in answer.text
        assert '<meta name="robots" content="noindex">' in answer.text
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//(?!127\.0\.0\.1)', answer.text)
        assert "set-cookie" not in answer.headers


async def test_oversized_and_odd_forms_change_nothing(web: Any, ann: Any) -> None:
    """A megabyte, other encodings, unknown acts, too many fields, files: refused or without effect, never a 500."""
    reader, path = ann
    kind = "application/x-www-form-urlencoded"
    contents: list[tuple[bytes, str]] = [
        (b"do=leave-all&x=" + b"y" * 1_000_000, kind), (b"\xff\xfe\x00d\x00o", kind), (b"do=%ff%fe%00", kind),
        (b"do=choose&newsletter=daily&time=%E2%80%8F07:00", kind), (b"&".join(b"a=1" for _ in range(5000)), kind),
        (b"--x\r\nnot multipart at all", "multipart/form-data; boundary=x"), (b"do=explode", kind),
        (b"do=choose&newsletter=%00", kind), (b"do=leave&newsletter=", kind), (b'{"do": "leave-all"}', "application/json"),
        (b"do=pause&newsletter=daily&until=%F0%9F%92%A9", kind), (b"do=leave-all", "text/plain"),
    ]
    for content, kind_of in contents:
        answer = await web.client.post(path, content=content, headers={"Content-Type": kind_of})
        assert answer.status_code in (200, 400, 413), content[:40]
    assert await now_of(web, reader.subscription.id) == reader


def _accepted(claim: Claim) -> Any:
    from publisher.outgoing import Outcome, Reply  # noqa: PLC0415 - of this one test

    at = datetime.now(UTC)
    return Outcome(claim, DeliveryState.ACCEPTED, Reply(250, "", "ok"), at, at)


async def test_a_reader_gets_and_ends_a_feed_of_the_own(web: Any, ann: Any) -> None:
    """By two buttons; a look alone opens none, and asking again makes another address."""
    _, path = ann
    assert "/feed/" not in (await web.client.get(path)).text
    first = re.search(r"/feed/([\w-]{20})", (await post(web, path, "feed")).text)
    second = re.search(r"/feed/([\w-]{20})", (await post(web, path, "feed")).text)
    assert first is not None
    assert second is not None
    assert (await web.client.get(first[0])).status_code == 410
    assert (await web.client.get(second[0])).status_code == 200
    assert second[0] in (await web.client.get(path)).text
    await post(web, path, "end-feed")
    assert (await web.client.get(second[0])).status_code == 410
    assert "/feed/" not in (await web.client.get(path)).text
