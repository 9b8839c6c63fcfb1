"""Joining and leaving, on a real store."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from publisher import tokens
from publisher.audience import optin
from publisher.audience.optin import Joined, LinkState
from publisher.audience.wanted import Answers, check
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.errors import PublisherError
from publisher.mail_settings import Mail
from publisher.model import Frequency, Reader, SubscriptionState
from publisher.outgoing import Claim
from publisher.settings import Newsletter
from publisher.store import audience
from publisher.store.engine import Store
from tests import ledger

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
KEYS = Keys((b"k" * 32,))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    letters = (
        Newsletter(name="daily", title="Daily", frequencies=(Frequency.DAILY, Frequency.WEEKLY)),
        Newsletter(name="sea", welcome=False),
    )
    return Settings(root=tmp_path, newsletter=letters, mail=Mail(sender="Courier <digest@courier.example>"))


async def ask(store: Store, settings: Settings, now: datetime = NOW, *, email: str = "jo@example.org", letter: str = "",
              timezone: str = "", frequency: str = "") -> Joined:
    answers = Answers(email, newsletter=letter, timezone=timezone, frequency=frequency)
    wanted = check(answers, settings.newsletter, settings.site)
    return await optin.ask(store, settings, wanted, now=now, origin="test", wording="Yes.")


async def confirm(store: Store, settings: Settings, token: str, now: datetime = NOW) -> LinkState:
    return (await optin.confirm(store, settings, KEYS, token, now=now, origin="test", wording="Yes."))[0]


async def leave(store: Store, reader: Reader, now: datetime = NOW) -> Reader | None:
    token = tokens.make(KEYS, tokens.UNSUBSCRIBE, reader.subscription.id)
    return await optin.leave(store, KEYS, token, now=now, origin="test")


async def the_reader(store: Store, email: str = "jo@example.org") -> Reader:
    async with store.read() as tx:
        return (await audience.readers_by_email(tx, email))[0]


def link(reader: Reader) -> str:
    return tokens.make(KEYS, tokens.CONFIRM, reader.subscription.id, str(reader.subscription.generation))


async def mails(store: Store, now: datetime) -> list[Claim]:
    """The notices that the mailer would send now; each is taken once."""
    return await ledger.claim(store, now, 100)


async def actions(store: Store, reader: Reader) -> list[str]:
    async with store.read() as tx:
        return [consent["action"] for consent in await audience.list_consents(tx, reader.subscription.id)]


async def test_a_wish_makes_one_pending_subscription_and_one_mail(store: Store, settings: Settings) -> None:
    """The mail is a notice "confirm" with a Message-ID in the sender's domain; nothing else is due."""
    assert await ask(store, settings, frequency="weekly") == Joined.ASKED
    (claim,) = await mails(store, NOW)
    reader = await the_reader(store)
    assert (claim.kind, claim.notice_kind, claim.email) == ("notice", "confirm", "jo@example.org")
    assert claim.message_id.endswith("@courier.example>")
    assert claim.generation == reader.subscription.generation == 1
    assert reader.subscription.state == SubscriptionState.PENDING
    assert reader.subscription.frequency == Frequency.WEEKLY


async def test_a_confirmation_link_works_once_and_lives_seven_days(store: Store, settings: Settings) -> None:
    """Good, then done; too old is expired; looking changes nothing."""
    await ask(store, settings)
    reader = await the_reader(store)
    token = link(reader)
    assert (await optin.look(store, settings, KEYS, token, NOW + 7 * DAY))[0] == LinkState.GOOD
    assert await confirm(store, settings, token, NOW + 7 * DAY + MINUTE) == LinkState.EXPIRED
    assert (await the_reader(store)).subscription.state == SubscriptionState.PENDING
    assert await confirm(store, settings, token, NOW + DAY) == LinkState.GOOD
    assert await confirm(store, settings, token, NOW + 30 * DAY) == LinkState.DONE
    found = (await the_reader(store)).subscription
    assert (found.state, found.confirmed_at) == (SubscriptionState.ACTIVE, NOW + DAY)
    assert await actions(store, reader) == ["asked", "confirmed"]


async def test_a_newer_mail_voids_the_older_link(store: Store, settings: Settings) -> None:
    """One pending confirmation at a time, with the choices that were made last."""
    await ask(store, settings, timezone="Europe/Paris")
    old = link(await the_reader(store))
    assert await ask(store, settings, NOW + 11 * MINUTE, timezone="Asia/Tokyo") == Joined.ASKED
    reader = await the_reader(store)
    assert await confirm(store, settings, old, NOW + 12 * MINUTE) == LinkState.VOID
    assert await confirm(store, settings, link(reader), NOW + 12 * MINUTE) == LinkState.GOOD
    assert reader.subscriber.timezone == "Asia/Tokyo"


async def test_one_address_gets_a_few_confirmation_mails_at_most(store: Store, settings: Settings) -> None:
    """One in ten minutes for a subscription, five a day for an address, however it is written."""
    assert await ask(store, settings) == Joined.ASKED
    assert await ask(store, settings, NOW + 9 * MINUTE, email="JO@EXAMPLE.org") == Joined.WAITING
    assert await ask(store, settings, NOW + 9 * MINUTE, letter="sea") == Joined.ASKED
    later = [await ask(store, settings, NOW + n * 11 * MINUTE) for n in range(1, 20)]
    assert later.count(Joined.ASKED) == 3
    assert await ask(store, settings, NOW + DAY + 12 * MINUTE) == Joined.ASKED
    assert len(await mails(store, NOW + 2 * DAY)) == 6


async def test_an_active_reader_is_left_alone(store: Store, settings: Settings) -> None:
    """A stranger who knows the address can change nothing and send nothing."""
    await optin.add(store, settings, "jo@example.org", timezone="Europe/Paris", confirmed=True, now=NOW)
    before = await the_reader(store)
    assert await ask(store, settings, NOW + DAY, timezone="Asia/Tokyo", frequency="weekly") == Joined.ALREADY
    assert await ask(store, settings, NOW + DAY, letter="sea", timezone="Asia/Tokyo") == Joined.ASKED
    assert await the_reader(store) == before


@pytest.mark.parametrize("reason", ["bounce", "complaint", "operator"])
async def test_I11_a_suppressed_address_gets_not_even_a_confirmation(
    store: Store, settings: Settings, reason: str
) -> None:
    """Neither by the form nor by the operator; nothing is stored."""
    async with store.write() as tx:
        await audience.suppress(tx, "jo@example.org", reason=reason, note="", now=NOW)
    assert await ask(store, settings, email="Jo@example.org") == Joined.SUPPRESSED
    for confirmed in (True, False):
        with pytest.raises(PublisherError, match="suppression list"):
            await optin.add(store, settings, "JO@example.org", confirmed=confirmed, now=NOW)
    assert await mails(store, NOW + DAY) == []
    async with store.read() as tx:
        assert await audience.readers_by_email(tx, "jo@example.org") == []


async def test_I11_who_left_comes_back_by_a_fresh_opt_in_only(store: Store, settings: Settings) -> None:
    """The operator's word is not enough, not even twice; the reader's own confirmation is."""
    await optin.add(store, settings, "jo@example.org", confirmed=True, now=NOW)
    reader = await the_reader(store)
    assert await leave(store, reader, NOW + MINUTE) is not None
    assert await actions(store, reader) == ["operator", "left"]
    for minutes in (20, 40):
        later = NOW + minutes * MINUTE
        joined, _ = await optin.add(store, settings, "jo@example.org", confirmed=True, now=later)
        assert joined == Joined.ASKED
    back = await the_reader(store)
    assert back.subscription.state == SubscriptionState.PENDING
    (_, claim) = await mails(store, NOW + DAY)
    assert claim.notice_kind == "confirm"
    assert await confirm(store, settings, link(back), NOW + DAY) == LinkState.GOOD
    assert (await the_reader(store)).subscription.state == SubscriptionState.ACTIVE


async def test_leaving_works_twice_and_ends_what_was_pending(store: Store, settings: Settings) -> None:
    """The second time changes nothing; a pending confirmation is void after it, and its mail is not sent."""
    await ask(store, settings)
    reader = await the_reader(store)
    for _ in range(2):
        assert (await leave(store, reader)) is not None
    assert await confirm(store, settings, link(reader)) == LinkState.VOID
    assert await actions(store, reader) == ["asked", "left"]
    assert await mails(store, NOW + DAY) == []


async def test_adding_twice_changes_nothing(store: Store, settings: Settings) -> None:
    """The same row, the same choices, no second consent, no mail."""
    first, reader = await optin.add(
        store, settings, "jo@example.org", name="Jo", time="06:15", timezone="Asia/Tokyo", confirmed=True, now=NOW
    )
    second, again = await optin.add(store, settings, "Jo@Example.org", confirmed=True, now=NOW + DAY)
    assert (first, second) == (Joined.ADDED, Joined.ALREADY)
    assert again == reader
    assert (reader.subscription.local_time, reader.subscriber.name) == (time(6, 15), "Jo")
    assert await actions(store, reader) == ["operator"]
    assert await mails(store, NOW + DAY) == []


async def test_adding_without_consent_asks_for_it(store: Store, settings: Settings) -> None:
    """A mail goes out once; the operator may vouch afterwards."""
    assert (await optin.add(store, settings, "jo@example.org", now=NOW))[0] == Joined.ASKED
    assert (await optin.add(store, settings, "jo@example.org", now=NOW + MINUTE))[0] == Joined.WAITING
    assert len(await mails(store, NOW + MINUTE)) == 1
    assert (await optin.add(store, settings, "jo@example.org", confirmed=True, now=NOW + DAY))[0] == Joined.ADDED


async def test_a_welcome_is_owed_where_the_newsletter_gives_one(store: Store, settings: Settings) -> None:
    """By the newsletter's own setting."""
    _, daily = await optin.add(store, settings, "jo@example.org", confirmed=True, now=NOW)
    _, sea = await optin.add(store, settings, "jo@example.org", newsletter="sea", confirmed=True, now=NOW)
    assert daily.subscription.welcome_after is not None
    assert sea.subscription.welcome_after is None


async def test_tokens_open_only_what_they_were_made_for(store: Store, settings: Settings) -> None:
    """An unsubscribe token confirms nothing, and the other way round."""
    await ask(store, settings)
    reader = await the_reader(store)
    unsubscribe = tokens.make(KEYS, tokens.UNSUBSCRIBE, reader.subscription.id)
    assert await confirm(store, settings, unsubscribe) == LinkState.VOID
    assert await optin.leave(store, KEYS, link(reader), now=NOW, origin="test") is None
    assert await optin.leave(store, Keys((b"x" * 32,)), unsubscribe, now=NOW, origin="test") is None
    assert await optin.leave(store, Keys((b"n" * 32, b"k" * 32)), unsubscribe, now=NOW, origin="test") is not None
