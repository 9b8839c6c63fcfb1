"""Joining and leaving: double opt-in, with a record of what was agreed to.

    answers | check | subscriber, pending subscription | pace -> STORE  consent "asked", notice "confirm"
    token of that mail | verify | POST -> STORE  subscription active, consent "confirmed"
    token of any mail | verify | POST -> STORE  subscription ended, consent "left"

Whether an address is known shows in no answer that a stranger sees.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from datetime import time as clock
from enum import StrEnum
from typing import TypedDict

from publisher import address, tokens
from publisher.address import Address
from publisher.audience import pace
from publisher.audience.ruling import Known, Ruling, Word, left_before, rule
from publisher.audience.wanted import Answers, Wanted, check
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.errors import PublisherError
from publisher.model import LEFT, Frequency, Reader, Subscription, SubscriptionState
from publisher.store import asking, audience, outbox
from publisher.store.engine import Store, Tx

#: Where the operator's own wishes come from.
OPERATOR = "operator"
#: Shown beside the button with which one who left comes back, and recorded with the consent.
BACK = "Yes, ask me by email whether I want to come back."


class Joined(StrEnum):
    """What became of a wish to subscribe. For operators and tests: never shown to a stranger."""

    CROWDED = "crowded"
    """Forms asked for too many confirmations lately, whoever for."""
    ADDED = "added"
    ASKED = "asked"
    """A confirmation mail is on its way."""
    WAITING = "waiting"
    """One was sent a short while ago."""
    ALREADY = "already"
    SUPPRESSED = "suppressed"


class LinkState(StrEnum):
    """What a confirmation link is good for."""

    GOOD = "good"
    DONE = "done"
    """The subscription is active already."""
    EXPIRED = "expired"
    VOID = "void"
    """Not ours, or replaced by a newer one, or the reader left since."""


async def ask(store: Store, settings: Settings, wanted: Wanted, *, now: datetime, origin: str, wording: str) -> Joined:
    """Notes what a person wants, and queues the mail that asks them to confirm it.

    `origin` says where the wish came from, `wording` what text was shown beside the button.
    """
    async with store.write() as tx:
        if await asking.count_asked(tx, now - pace.HOUR) >= settings.subscribing.in_all:
            return Joined.CROWDED
        if await _barred(tx, wanted):
            return Joined.SUPPRESSED
        subscription = await _enter(tx, wanted, now)
        if subscription.state == SubscriptionState.ACTIVE:
            return Joined.ALREADY
        return await _ask(tx, settings, wanted.address, subscription, now=now, origin=origin, wording=wording)


async def ask_back(store: Store, settings: Settings, keys: Keys, token: str, *, now: datetime, origin: str) -> bool:
    """Who left by this unsubscribe link wants to come back: queues the mail that asks them to confirm it.

    At the pace of all confirmations. False where the link is not ours, or its reader was erased.
    """
    reader = await leaving(store, keys, token)
    if reader is None or not reader.subscriber.email:
        return False
    async with store.write() as tx:
        await ask_again(
            tx, settings, reader.subscriber.email, reader.subscription.id, now=now, origin=origin, wording=BACK
        )
    return True


async def ask_again(
    tx: Tx, settings: Settings, email: str, subscription_id: int, *, now: datetime, origin: str, wording: str
) -> Joined:
    """Queues the mail that asks a known person to confirm a subscription of theirs, at the pace of all these mails."""
    given = address.parse(email)
    if await asking.count_asked(tx, now - pace.HOUR) >= settings.subscribing.in_all:
        return Joined.CROWDED
    if await audience.suppressed(tx, given.key) not in (None, *LEFT):
        return Joined.SUPPRESSED
    subscription = await audience.lock(tx, subscription_id)
    if subscription is None or subscription.state == SubscriptionState.ACTIVE:
        return Joined.ALREADY
    return await _ask(tx, settings, given, subscription, now=now, origin=origin, wording=wording)


async def add(
    store: Store, settings: Settings, email: str, *, name: str = "", newsletter: str = "", frequency: str = "",
    weekday: str = "", sections: tuple[str, ...] = (), timezone: str = "", time: str = "", language: str = "",
    confirmed: bool = False, now: datetime,
) -> tuple[Joined, Reader]:
    """Adds a subscriber on the operator's word; adding twice changes nothing.

    `confirmed`: the operator vouches for the consent, and that is recorded; without it, and for a reader who once
    left (I11), a confirmation mail is queued. Raises PublisherError for wrong answers and suppressed addresses.
    """
    answers = Answers(email, name, newsletter, frequency, weekday, sections, timezone, time, language)
    wanted = check(answers, settings.newsletter, settings.site)
    async with store.write() as tx:
        if await _barred(tx, wanted):
            raise PublisherError(f"{wanted.address.given} is on the suppression list; nothing is sent to it")
        subscription = await _enter(tx, wanted, now)
        joined = await _add(tx, settings, wanted, subscription, confirmed=confirmed, now=now)
        reader = await audience.reader(tx, subscription.id)
    assert reader is not None
    return joined, reader


async def look(
    store: Store, settings: Settings, keys: Keys, token: str, now: datetime
) -> tuple[LinkState, Reader | None]:
    """What a confirmation link is good for, changing nothing; with the reader it names, unless it is void."""
    async with store.read() as tx:
        return await _judge(tx, settings, keys, token, now)


async def confirm(
    store: Store, settings: Settings, keys: Keys, token: str, *, now: datetime, origin: str, wording: str
) -> tuple[LinkState, Reader | None]:
    """Makes the subscription of a confirmation link active. GOOD: it is so from now on; DONE: it was so before."""
    ident = tokens.row_of(token)
    if ident is None:
        return LinkState.VOID, None
    async with store.write() as tx:
        await audience.lock(tx, ident)
        state, reader = await _judge(tx, settings, keys, token, now)
        if state == LinkState.GOOD and reader is not None:
            newsletter = settings.find_newsletter(reader.subscription.newsletter)
            await audience.confirm(tx, ident, now, welcome=newsletter is not None and newsletter.welcome)
            await audience.lift(tx, address.parse(reader.subscriber.email).key)
            await audience.add_consent(tx, ident, action="confirmed", now=now, origin=origin, wording=wording)
    return state, reader


async def leaving(store: Store, keys: Keys, token: str) -> Reader | None:
    """Whose unsubscribe link this is, changing nothing; None where it is not ours."""
    ident = tokens.row_of(token)
    if ident is None or not tokens.valid(keys, tokens.UNSUBSCRIBE, token):
        return None
    async with store.read() as tx:
        return await audience.reader(tx, ident)


async def leave(store: Store, keys: Keys, token: str, *, now: datetime, origin: str) -> Reader | None:
    """Ends the subscription of an unsubscribe link, at once; harmless when repeated. None where it is not ours."""
    reader = await leaving(store, keys, token)
    if reader is None:
        return None
    async with store.write() as tx:
        if await audience.unsubscribe(tx, reader.subscription.id, now):
            await audience.add_consent(
                tx, reader.subscription.id, action="left", now=now, origin=origin, wording=""
            )
    return reader


async def _barred(tx: Tx, wanted: Wanted) -> bool:
    """Whether nothing may be sent to the address, not even a confirmation (I11)."""
    known = Known(suppression=await audience.suppressed(tx, wanted.address.key))
    return rule(Word.ASK, known) == Ruling.SUPPRESSED


async def _enter(tx: Tx, wanted: Wanted, now: datetime) -> Subscription:
    """The person and their subscription, locked; with the choices of now, unless it is active already."""
    person, new = await audience.add_subscriber(
        tx, email=wanted.address.given, email_key=wanted.address.key, name=wanted.name, language=wanted.language,
        timezone=wanted.timezone, now=now,
    )
    choices = _choices(wanted)
    found, fresh = await audience.subscribe(
        tx, subscriber_id=person.id, newsletter=wanted.newsletter.name, **choices
    )
    subscription = await audience.lock(tx, found.id)
    assert subscription is not None
    if not fresh and subscription.state != SubscriptionState.ACTIVE:
        await audience.change_subscription(tx, subscription.id, **choices)
    mine = [] if new else await audience.readers_by_email(tx, wanted.address.key)
    if mine and all(reader.subscription.state != SubscriptionState.ACTIVE for reader in mine):
        await audience.change_subscriber(
            tx, person.id, name=wanted.name, language=wanted.language, timezone=wanted.timezone
        )
    return subscription


class _Choices(TypedDict):
    frequency: Frequency
    weekday: int
    local_time: clock
    sections: tuple[str, ...]


def _choices(wanted: Wanted) -> _Choices:
    return {
        "frequency": wanted.frequency, "weekday": wanted.weekday, "local_time": wanted.local_time,
        "sections": wanted.sections,
    }


async def _ask(
    tx: Tx, settings: Settings, given: Address, subscription: Subscription, *, now: datetime, origin: str, wording: str
) -> Joined:
    """Queues the confirmation mail, unless one went out lately."""
    await asking.note_mailbox(tx, subscription.subscriber_id, given.mailbox)
    lately = await asking.count_asked_of(tx, given.key, given.mailbox, now - pace.DAY)
    if not pace.may_ask(await _asked(tx, subscription.id), lately, settings.subscribing, now):
        return Joined.WAITING
    await audience.new_generation(tx, subscription.id)
    await audience.add_consent(tx, subscription.id, action="asked", now=now, origin=origin, wording=wording)
    message_id = address.message_id(settings.mail.sender, secrets.token_hex(12))
    await outbox.add_notice(tx, "confirm", subscription.id, {}, message_id, now)
    return Joined.ASKED


async def _add(
    tx: Tx, settings: Settings, wanted: Wanted, subscription: Subscription, *, confirmed: bool, now: datetime
) -> Joined:
    actions = {consent["action"] for consent in await audience.list_consents(tx, subscription.id)}
    known = Known(
        # Looked at again: they may have been erased since, by somebody who held their old row.
        suppression=await audience.suppressed(tx, wanted.address.key), state=subscription.state,
        left=left_before(subscription.state, subscription.confirmed_at, actions),
    )
    ruling = rule(Word.CONFIRMED if confirmed else Word.ASK, known)
    if ruling == Ruling.KEEP:
        return Joined.ALREADY
    wording = "added by the operator"
    if ruling != Ruling.ACTIVATE:  # who left is asked as well: by hand it is one mail, to one person
        return await _ask(tx, settings, wanted.address, subscription, now=now, origin=OPERATOR, wording=wording)
    await audience.confirm(tx, subscription.id, now, welcome=wanted.newsletter.welcome)
    await audience.add_consent(tx, subscription.id, action="operator", now=now, origin="operator", wording=wording)
    return Joined.ADDED


async def _asked(tx: Tx, subscription_id: int) -> list[datetime]:
    """When confirmations of this subscription were asked for."""
    return [c["at"] for c in await audience.list_consents(tx, subscription_id) if c["action"] == "asked"]


async def _judge(
    tx: Tx, settings: Settings, keys: Keys, token: str, now: datetime
) -> tuple[LinkState, Reader | None]:
    ident = tokens.row_of(token)
    reader = None if ident is None else await audience.reader(tx, ident)
    if reader is None:
        return LinkState.VOID, None
    subscription = reader.subscription
    if not tokens.valid(keys, tokens.CONFIRM, token, str(subscription.generation)):
        return LinkState.VOID, None
    if subscription.state == SubscriptionState.ACTIVE:
        return LinkState.DONE, reader
    if subscription.state != SubscriptionState.PENDING:
        return LinkState.VOID, None
    expired = pace.expired(await _asked(tx, subscription.id), settings.subscribing, now)
    return (LinkState.EXPIRED if expired else LinkState.GOOD), reader
