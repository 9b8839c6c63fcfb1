"""Erasing a person: nothing of theirs stays, and nothing but their own wish brings the address back."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from publisher import fingerprints, tokens
from publisher.audience import erase as step
from publisher.audience import optin, own_feed
from publisher.audience.erase import erase
from publisher.audience.optin import Joined, LinkState
from publisher.audience.wanted import Answers, check
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.errors import PublisherError, StoreError
from publisher.inbound.receive import receive
from publisher.incoming import Letter
from publisher.mail_settings import Mail
from publisher.model import Reader, SubscriptionState
from publisher.outgoing import DeliveryState, Outcome, Reply
from publisher.settings import Newsletter
from publisher.store import audience, bounce_view, readers, suppressions
from publisher.store.engine import Store, open_store
from tests import ledger
from tests.inbound.conftest import arf, dsn

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
KEYS = Keys((b"k" * 32,))
EMAIL = "Jo.Secret@example.org"
KEY = EMAIL.lower()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path, newsletter=(Newsletter(name="daily", title="Daily"), Newsletter(name="sea")), mail=Mail())


@pytest.fixture(params=["sqlite", "postgresql"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store that knows its keys."""
    url = "sqlite:///publisher.db" if request.param == "sqlite" else request.getfixturevalue("postgres_store_url")
    store = await open_store(url, root=tmp_path, fingerprints=partial(fingerprints.of, KEYS))
    yield store
    await store.close()


async def join(store: Store, settings: Settings, **more: Any) -> Reader:
    _, reader = await optin.add(store, settings, EMAIL, name="Jo Secret", confirmed=True, now=NOW, **more)
    return reader


async def ask(store: Store, settings: Settings, now: datetime) -> Joined:
    wanted = check(Answers(EMAIL), settings.newsletter, settings.site)
    return await optin.ask(store, settings, wanted, now=now, origin="web form, 203.0.113.77", wording="Yes.")


async def everything(store: Store) -> str:
    """Every value of every table of the audience and the ledger, as text."""
    from sqlalchemy import select  # noqa: PLC0415 - the test looks behind the store

    from publisher.store.inbound_schema import bounces  # noqa: PLC0415
    from publisher.store.schema import metadata  # noqa: PLC0415

    assert bounces.metadata is metadata
    found = []
    async with store.read() as tx:
        for table in metadata.sorted_tables:
            found += [repr(tuple(row)) for row in await tx.execute(select(table))]
    return "\n".join(found)


async def test_nothing_personal_stays(kept: Store, settings: Settings) -> None:
    """Address, name, origins, what servers said of them; counts and states stay."""
    assert await ask(kept, settings, NOW - DAY) == Joined.ASKED
    (claim,) = await ledger.claim(kept, NOW, 10)
    reply = Reply(250, "2.1.5", f"<{EMAIL}> recipient ok")
    await ledger.settle(kept, NOW, [Outcome(claim, DeliveryState.ACCEPTED, reply, NOW, NOW)])
    reader = await join(kept, settings)
    await join(kept, settings, newsletter="sea")
    assert "203.0.113.77" in await everything(kept)
    assert await erase(kept, KEY, NOW + DAY)
    left = (await everything(kept)).lower()
    for secret in (EMAIL.lower(), "jo.secret", "jo secret", "203.0.113.77"):
        assert secret not in left
    async with kept.read() as tx:
        assert await readers.count_by_state(tx) == {"unsubscribed": 2}
        assert await audience.list_readers(tx) == []
        assert [c["action"] for c in await audience.list_consents(tx, reader.subscription.id)][:1] == ["asked"]
        assert await audience.suppressed(tx, KEY) == "erased"
        assert await audience.suppressed(tx, "somebody.else@example.org") is None


async def test_reports_about_the_erased_tell_nothing_of_them(kept: Store, settings: Settings) -> None:
    """Bounces that were proven to be theirs, and such as only name the address; what can be counted stays."""
    from sqlalchemy import insert, select  # noqa: PLC0415 - the test looks behind the store

    from publisher.store.inbound_schema import bounce_tallies, bounces, forwards  # noqa: PLC0415

    reader = await join(kept, settings)
    rows = [
        {
            "digest": str(number), "at": NOW, "way": "lmtp", "class": "soft", "kind": "bounce", "address": EMAIL,
            "domain": "example.org", "code": "4.2.2", "reason": f"{EMAIL} is full", "rule": "r", "evidence": EMAIL,
            "effect": f"counted against {EMAIL}", "subscriber_id": owner,
        } for number, owner in enumerate((reader.subscriber.id, None))
    ]
    async with kept.write() as tx:
        await tx.execute(insert(bounces), rows)
        await tx.execute(insert(bounce_tallies).values(email_key=KEY, hard_days=1, soft_sends=2, delivery_id=3))
        await tx.execute(insert(forwards).values(
            digest="f", sender=EMAIL, subject="From Jo Secret", content=b"", attempts=1, created_at=NOW, reply_text="ok",
        ))
    await erase(kept, KEY, NOW)
    left = (await everything(kept)).lower()
    assert "jo.secret" not in left
    assert "jo secret" not in left
    async with kept.read() as tx:
        found = (await tx.execute(select(bounces.c["class"], bounces.c.code, bounces.c.domain))).all()
    assert [tuple(row) for row in found] == [("soft", "4.2.2", "example.org")] * 2


async def test_addresses_of_the_past_are_forgotten_too(kept: Store, settings: Settings) -> None:
    """What notices, reports, tallies and letters hold of one that was changed; and the words of that change."""
    from sqlalchemy import insert, update  # noqa: PLC0415 - the test looks behind the store

    from publisher.store import forwards, outbox  # noqa: PLC0415
    from publisher.store.inbound_schema import bounce_tallies, bounces  # noqa: PLC0415
    from publisher.store.mail_schema import subscribers  # noqa: PLC0415

    reader = await join(kept, settings)
    ident = reader.subscription.id
    new = "Other.Secret@example.org"
    async with kept.write() as tx:
        await tx.execute(update(subscribers).values(email=new, email_key=new.lower()))
        for action in ("moved", "bounced", "complained", "left"):
            await audience.add_consent(tx, ident, action=action, now=NOW, origin="x", wording=f"Yes, {new} is mine.")
        await outbox.add_notice(tx, "moved", ident, {}, "<m1@example.org>", NOW, to=(EMAIL, KEY))
        await tx.execute(insert(bounces).values(**{
            "digest": "1", "at": NOW, "way": "lmtp", "class": "hard", "kind": "bounce", "address": EMAIL, "domain": "example.org",
            "code": "5.1.1", "reason": EMAIL, "rule": "r", "evidence": EMAIL, "effect": "",
        }))
        await tx.execute(insert(bounce_tallies).values(email_key=KEY, hard_days=1, soft_sends=2, delivery_id=3))
        await forwards.add(tx, "f", EMAIL, "From Jo Secret", b"Jo Secret", NOW)
    assert await erase(kept, new.lower(), NOW)
    async with kept.write() as tx:
        (letter,) = await forwards.due(tx, NOW, 9)
        await forwards.settle(tx, letter.id, "ok", None)
    left = (await everything(kept)).lower()
    for secret in ("jo.secret", "other.secret", "jo secret"):
        assert secret not in left


async def test_an_erased_readers_own_feed_ends(kept: Store, settings: Settings) -> None:
    """Its address opens nothing."""
    reader = await join(kept, settings)
    token = await own_feed.address(kept, KEYS, reader.subscriber.id)
    assert await erase(kept, KEY, NOW)
    async with kept.read() as tx:
        assert await own_feed.reader_of(tx, KEYS, token) == (None, True)


async def test_late_reports_bring_nothing_of_the_erased_back(kept: Store, settings: Settings) -> None:
    """A bounce that names the address, and a complaint with the link: listed, about nobody; nobody is suppressed."""
    reader = await join(kept, settings)
    link = f"https://x.example/u/{tokens.make(KEYS, tokens.UNSUBSCRIBE, reader.subscription.id)}"
    assert await erase(kept, KEY, NOW)
    original = f"From: d@example.org\r\nList-Unsubscribe: <{link}>\r\nSubject: News\r\n\r\nNews."
    for content in (dsn("digest@example.org", EMAIL), arf("digest@example.org", EMAIL, original=original)):
        await receive(kept, settings, KEYS, [Letter(content, "lmtp", ())], NOW)
    assert "jo.secret" not in (await everything(kept)).lower()
    async with kept.read() as tx:
        assert [one.reason for one in await suppressions.page(tx)] == ["erased"]
        found = await bounce_view.listed(tx, bounce_view.Wanted(), 9)
    assert {(row["class"], row["effect"]) for row in found} == {
        ("hard", "proves nothing: listed only"), ("complaint", "proves nothing: listed only"),
    }


async def test_reports_about_a_stranger_are_forgotten_at_their_wish(kept: Store, settings: Settings) -> None:
    """An address that no reader has may stand in reports all the same."""
    await receive(kept, settings, KEYS, [Letter(dsn("digest@example.org", EMAIL), "lmtp", ())], NOW)
    assert "jo.secret" in (await everything(kept)).lower()
    assert not await erase(kept, KEY, NOW)
    assert "jo.secret" not in (await everything(kept)).lower()


async def test_I11_an_erased_address_comes_back_by_its_owner_alone(kept: Store, settings: Settings) -> None:
    """No operator's word counts; the confirmed wish of the owner does, and lifts the mark."""
    await join(kept, settings)
    await erase(kept, KEY, NOW)
    joined, reader = await optin.add(kept, settings, EMAIL, confirmed=True, now=NOW + MINUTE)
    assert (joined, reader.subscription.state) == (Joined.ASKED, SubscriptionState.PENDING)
    (claim,) = await ledger.claim(kept, NOW + MINUTE, 10)
    assert (claim.notice_kind, claim.email) == ("confirm", EMAIL)
    token = tokens.make(KEYS, tokens.CONFIRM, claim.subscription_id, str(claim.generation))
    state, _ = await optin.confirm(kept, settings, KEYS, token, now=NOW + DAY, origin="x", wording="y")
    assert state == LinkState.GOOD
    async with kept.read() as tx:
        assert await audience.suppressed(tx, KEY) is None


@pytest.mark.parametrize("reason", ["bounce", "complaint", "operator"])
async def test_I11_erasing_does_not_wash_an_address_clean(kept: Store, settings: Settings, reason: str) -> None:
    """What barred it before bars it still, though the list knows it by its mark alone."""
    await join(kept, settings)
    async with kept.write() as tx:
        await audience.suppress(tx, KEY, reason=reason, note=f"550 {EMAIL}", now=NOW)
    await erase(kept, KEY, NOW)
    assert "jo.secret" not in (await everything(kept)).lower()
    assert await ask(kept, settings, NOW + DAY) == Joined.SUPPRESSED
    with pytest.raises(PublisherError, match="suppression list"):
        await optin.add(kept, settings, EMAIL, confirmed=True, now=NOW + DAY)


async def test_a_mark_outlives_every_change_of_keys(kept: Store, settings: Settings, tmp_path: Path) -> None:
    """Made under the first key, known after two rotations and a revocation."""
    await join(kept, settings)
    await erase(kept, KEY, NOW)
    later = Keys((b"n" * 32,), (b"m" * 32, b"k" * 32))
    engine = kept._engine.sync_engine
    engine.update_execution_options(publisher_fingerprints=partial(fingerprints.of, later))
    async with kept.read() as tx:
        assert await audience.suppressed(tx, KEY) == "erased"
    engine.update_execution_options(publisher_fingerprints=partial(fingerprints.of, Keys((b"x" * 32,))))
    async with kept.read() as tx:
        assert await audience.suppressed(tx, KEY) is None


async def test_what_is_on_the_wire_is_waited_for(
    kept: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reply may hold the address: nothing more starts, and erasing is asked for again."""
    monkeypatch.setattr(step, "_TRIES", 2)
    monkeypatch.setattr(step, "_PAUSE", 0.0)
    await ask(kept, settings, NOW)
    (claim,) = await ledger.claim(kept, NOW, 10)
    with pytest.raises(PublisherError, match="on its way at this moment"):
        await erase(kept, KEY, NOW)
    reply = Reply(450, "4.2.1", f"<{EMAIL}> busy")
    await ledger.settle(kept, NOW, [Outcome(claim, DeliveryState.DEFERRED, reply, NOW, NOW, NOW + MINUTE)])
    assert await erase(kept, KEY, NOW)
    assert await ledger.claim(kept, NOW + DAY, 10) == []
    assert "jo.secret" not in (await everything(kept)).lower()


async def test_erasing_twice_and_a_stranger_is_harmless(kept: Store, settings: Settings) -> None:
    """A stranger's address is marked too: the operator asked that nothing goes there."""
    await join(kept, settings)
    assert await erase(kept, KEY, NOW)
    assert not await erase(kept, KEY, NOW + DAY)
    assert not await erase(kept, "stranger@example.org", NOW)
    async with kept.read() as tx:
        assert await audience.suppressed(tx, "stranger@example.org") == "erased"


async def test_links_of_the_erased_open_nothing(kept: Store, settings: Settings) -> None:
    """Confirming is void; the unsubscribe link still answers, and changes nothing."""
    reader = await join(kept, settings)
    await erase(kept, KEY, NOW)
    ident = reader.subscription.id
    for generation in range(5):
        token = tokens.make(KEYS, tokens.CONFIRM, ident, str(generation))
        assert (await optin.look(kept, settings, KEYS, token, NOW))[0] == LinkState.VOID
    left = await optin.leave(kept, KEYS, tokens.make(KEYS, tokens.UNSUBSCRIBE, ident), now=NOW, origin="198.51.100.9")
    assert left is not None
    assert left.subscriber.email == ""
    assert "198.51.100.9" not in await everything(kept)


async def test_a_store_without_keys_erases_nobody(store: Store, settings: Settings) -> None:
    """A mark that nobody could find again would let the address back in."""
    await join(store, settings)
    with pytest.raises(StoreError, match="keys"):
        await erase(store, KEY, NOW)
    async with store.read() as tx:
        assert len(await audience.readers_by_email(tx, KEY)) == 1


async def test_the_file_itself_forgets(settings: Settings, tmp_path: Path) -> None:
    """Once SQLite has tidied its file, no byte of the address is left in it."""
    store = await open_store("sqlite:///publisher.db", root=tmp_path, fingerprints=partial(fingerprints.of, KEYS))
    await join(store, settings)
    await erase(store, KEY, NOW)
    await store.close()
    connection = sqlite3.connect(tmp_path / "publisher.db")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    kept = (tmp_path / "publisher.db").read_bytes().lower()
    assert b"jo.secret" not in kept
    assert b"jo secret" not in kept
