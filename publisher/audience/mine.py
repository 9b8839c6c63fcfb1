"""What a reader may change with the link that stands in every digest: no password, and nothing that a friend to whom
the digest was forwarded must not do (`publisher.audience.personal` has that).

    token of any digest | verify | GET -> all that the reader has here; POST -> one change, at once
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from publisher import address, tokens
from publisher.audience import optin, pace
from publisher.audience.optin import Joined
from publisher.audience.wanted import Answers, WantedError, check_choices, check_personal
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.model import Subscriber, Subscription, SubscriptionState
from publisher.settings import Newsletter
from publisher.store import account, audience, outbox, preferences
from publisher.store.engine import Store, Tx

#: A pause of more than this is an unsubscription.
_LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Mine:
    """A reader, and all that they have here."""

    person: Subscriber
    #: By newsletter.
    subscriptions: dict[str, Subscription]
    #: The subscription whose message the link came with.
    by: int

    @property
    def active(self) -> bool:
        """Whether anything comes to them."""
        return any(one.state == SubscriptionState.ACTIVE for one in self.subscriptions.values())


class Again(StrEnum):
    """What became of a wish to get the last digest again."""

    SENT = "sent"
    WAIT = "wait"
    """It was sent again a short while ago, or often today."""
    NONE = "none"
    """There was none yet, or what it told was withdrawn."""


async def mine(store: Store, keys: Keys, token: str) -> Mine | None:
    """What the reader of this link has, changing nothing; None where it is not ours."""
    async with store.read() as tx:
        return await read(tx, keys, token)


async def choose(store: Store, keys: Keys, token: str, letter: Newsletter, answers: Answers) -> bool:
    """New choices for a newsletter that comes; False where it does not. Raises WantedError with every fault."""
    choices = check_choices(answers, letter)
    async with store.write() as tx:
        found = await _active(tx, keys, token, letter.name)
        if found is not None and _differ(found, choices):
            await audience.change_subscription(tx, found.id, **choices)
    return found is not None


def _differ(found: Subscription, choices: object) -> bool:
    """Whether anything is new: what stays as it is keeps its due instant."""
    now = {
        "frequency": found.frequency, "weekday": found.weekday, "local_time": found.local_time,
        "sections": found.sections,
    }
    return now != choices


async def choose_for_all(
    store: Store, settings: Settings, keys: Keys, token: str, answers: Answers, *, plain_text: bool
) -> bool:
    """New choices for everything that comes; False where the link is not ours. Raises WantedError with every fault."""
    personal = check_personal(answers, settings.site)
    async with store.write() as tx:
        found = await read(tx, keys, token)
        if found is not None:
            await preferences.change_person(tx, found.person.id, **personal, plain_text=plain_text)
    return found is not None


async def pause(
    store: Store, settings: Settings, keys: Keys, token: str, letter: Newsletter, until: str, now: datetime
) -> datetime | None:
    """Nothing comes before this day (as "2026-12-24") of the reader's zone; returns the instant of its beginning.

    None where the newsletter does not come. Raises WantedError for a day that will not do.
    """
    async with store.write() as tx:
        found = await read(tx, keys, token)
        subscription = await _active(tx, keys, token, letter.name)
        if found is None or subscription is None:
            return None
        end = _beginning(until, found.person.timezone, settings, now)
        await preferences.pause(tx, subscription.id, end, now)
    return end


def _beginning(until: str, zone: str, settings: Settings, now: datetime) -> datetime:
    try:
        day = date.fromisoformat(until.strip())
    except ValueError as error:
        raise WantedError({"until": "choose the day on which it is to come again"}) from error
    place = ZoneInfo(zone) if zone else settings.site.zone
    today = now.astimezone(place).date()
    if not today < day <= today + _LONGEST:
        raise WantedError({"until": "choose a day after today, and within a year"})
    return datetime.combine(day, time(), place)


async def resume(store: Store, keys: Keys, token: str, newsletter: str, now: datetime) -> bool:
    """Ends a pause at once; False where there is none."""
    async with store.write() as tx:
        found = await _active(tx, keys, token, newsletter)
        return found is not None and await preferences.resume(tx, found.id, now)


async def join(
    store: Store, settings: Settings, keys: Keys, token: str, letter: Newsletter, *, now: datetime, origin: str,
    wording: str,
) -> Joined | None:
    """Subscribes to one more newsletter at once: the address is proven. Who left it once is asked by mail (I11).

    None where the link is not ours.
    """
    async with store.write() as tx:
        found = await read(tx, keys, token)
        if found is None:
            return None
        subscription = found.subscriptions.get(letter.name)
        if subscription is None:
            subscription, _ = await audience.subscribe(
                tx, subscriber_id=found.person.id, newsletter=letter.name, **check_choices(Answers(""), letter)
            )
        once = subscription.state == SubscriptionState.UNSUBSCRIBED or subscription.confirmed_at is not None
        if subscription.state == SubscriptionState.ACTIVE:
            return Joined.ALREADY
        if once or not found.active:
            return await optin.ask_again(
                tx, settings, found.person.email, subscription.id, now=now, origin=origin, wording=wording
            )
        await audience.confirm(tx, subscription.id, now, welcome=letter.welcome)
        await audience.add_consent(tx, subscription.id, action="confirmed", now=now, origin=origin, wording=wording)
        return Joined.ADDED


async def leave(store: Store, keys: Keys, token: str, newsletter: str, *, now: datetime, origin: str) -> int:
    """Ends the subscription to a newsletter (empty: to all), at once; how many ended."""
    ended = 0
    async with store.write() as tx:
        found = await read(tx, keys, token)
        wanted = found.subscriptions.values() if found is not None else ()
        for one in sorted(wanted, key=lambda one: one.id):
            if newsletter in ("", one.newsletter) and await audience.unsubscribe(tx, one.id, now):
                await audience.add_consent(tx, one.id, action="left", now=now, origin=origin, wording="")
                ended += 1
    return ended


async def again(store: Store, settings: Settings, keys: Keys, token: str, newsletter: str, now: datetime) -> Again:
    """Queues a copy of the last edition that this reader got; it belongs to no slot and opens no window."""
    async with store.write() as tx:
        found = await _active(tx, keys, token, newsletter)
        variant = None if found is None else await account.last_variant(tx, found.id)
        if found is None or variant is None:
            return Again.NONE
        before = await account.sent_since(tx, [found.id], ("again",), now - pace.DAY)
        if not pace.may_have(before, now):
            return Again.WAIT
        message_id = address.message_id(settings.mail.sender, secrets.token_hex(12))
        await outbox.add_notice(tx, "again", found.id, {}, message_id, now, variant_id=variant)
    return Again.SENT


async def read(tx: Tx, keys: Keys, token: str) -> Mine | None:
    """As `mine`, within a transaction."""
    ident = tokens.row_of(token)
    if ident is None or not tokens.valid(keys, tokens.PREFERENCES, token):
        return None
    reader = await audience.reader(tx, ident)
    if reader is None or not reader.subscriber.email:
        return None
    person = reader.subscriber
    readers = [await audience.reader(tx, one) for one in await account.subscriptions_of(tx, person.id)]
    return Mine(person, {one.subscription.newsletter: one.subscription for one in readers if one}, ident)


async def _active(tx: Tx, keys: Keys, token: str, newsletter: str) -> Subscription | None:
    """The reader's subscription to this newsletter, locked, where it is active."""
    found = await read(tx, keys, token)
    one = found.subscriptions.get(newsletter) if found is not None else None
    locked = await audience.lock(tx, one.id) if one is not None else None
    return locked if locked is not None and locked.state == SubscriptionState.ACTIVE else None
