"""What a forwarded digest must not allow: taking one's data, erasing oneself, another address. Each by a fresh link.

    preferences | pace -> STORE  the number of the link, notice to the reader's own address
    its token, within an hour, once | POST -> the data; or nothing of it is left; or a link goes to the new address
    token of that link | POST -> the new address is the reader's, and the old one is told
"""

from __future__ import annotations

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from publisher import address, tokens
from publisher.address import Address
from publisher.audience import mine, pace
from publisher.audience.erase import erase
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.model import LEFT, Subscriber
from publisher.store import account, audience, outbox
from publisher.store.engine import Store, Tx

#: Kinds of links, and of the notices that carry them.
KINDS = {"export": tokens.EXPORT, "erase": tokens.ERASE, "address": tokens.ADDRESS, "new_address": tokens.NEW_ADDRESS}


class Moved(StrEnum):
    """What became of a change of address."""

    DONE = "done"
    TAKEN = "taken"
    """The new address has subscriptions of its own."""
    VOID = "void"


async def ask(store: Store, settings: Settings, keys: Keys, token: str, kind: str, now: datetime) -> bool | None:
    """Queues a fresh link of this kind to the reader of a preferences link; the ones before it are void.

    False where it is too soon for one more, None where the link is not ours.
    """
    async with store.write() as tx:
        found = await mine.read(tx, keys, token)
        if found is None:
            return None
        ids = sorted(one.id for one in found.subscriptions.values())
        await audience.lock_all(tx, ids)  # before the person, as everybody does
        if not pace.may_have(await account.sent_since(tx, ids, KINDS, now - pace.DAY), now):
            return False
        number = await account.next_link(tx, found.person.id, now)
        await _notice(tx, settings, kind, found.by, found.person.id, number, now)
    return True


async def look(store: Store, keys: Keys, kind: str, token: str, now: datetime) -> account.Link | None:
    """What a link of this kind is for, changing nothing; None where it is not ours, too old or used."""
    async with store.read() as tx:
        return await _good(tx, keys, kind, token, now, lock=False)


async def export(store: Store, keys: Keys, token: str, now: datetime) -> dict[str, Any] | None:
    """All that is known of the reader of an "export" link, as JSON values; uses the link up. None where it is void."""
    async with store.write() as tx:
        if await _good(tx, keys, "export", token, now) is None:
            return None
        ident = _row(token)
        await account.next_link(tx, ident, None)
        ids = await account.subscriptions_of(tx, ident)
        readers = [reader for one in ids if (reader := await audience.reader(tx, one)) is not None]
        kept = [
            {
                "newsletter": it.newsletter, "state": it.state.value, "frequency": it.frequency.value,
                "weekday": it.weekday, "time": it.local_time.strftime("%H:%M"), "sections": list(it.sections),
                "confirmed_at": it.confirmed_at, "paused_until": it.paused_until,
                "consents": await audience.list_consents(tx, it.id), "messages": await account.messages(tx, it.id),
            }
            for it in (reader.subscription for reader in readers)
        ]
        return {"exported_at": now, **_of_person(readers[0].subscriber), "subscriptions": kept}


def _of_person(person: Subscriber) -> dict[str, Any]:
    return {
        "email": person.email, "name": person.name, "language": person.language, "timezone": person.timezone,
        "plain_text": person.plain_text, "tags": list(person.tags), "known_since": person.created_at,
    }


async def erase_me(store: Store, keys: Keys, token: str, now: datetime) -> bool:
    """Erases the reader of an "erase" link; False where it is void. Raises what `erase` raises: the link stays good."""
    found = await look(store, keys, "erase", token, now)
    return found is not None and await erase(store, address.parse(found.email).key, now)


async def change_address(
    store: Store, settings: Settings, keys: Keys, token: str, new: Address, now: datetime
) -> bool:
    """Sends a link to the new address of the reader of an "address" link, which is used up; False where it is void.

    Whether the new address is known here, and whether anything may be sent to it, shows in nothing.
    """
    async with store.write() as tx:
        if await _good(tx, keys, "address", token, now) is None:
            return False
        ident = _row(token)
        number = await account.next_link(tx, ident, now, new.given)
        if await audience.suppressed(tx, new.key) in (None, *LEFT):
            (by, *_) = await account.subscriptions_of(tx, ident)
            await _notice(tx, settings, "new_address", by, ident, number, now, to=(new.given, new.key))
    return True


async def move(
    store: Store, settings: Settings, keys: Keys, token: str, *, now: datetime, origin: str, wording: str
) -> tuple[Moved, str]:
    """Makes the address to which a "new_address" link went the reader's own; the old one is told. With the new one."""
    async with store.write() as tx:
        found = await _good(tx, keys, "new_address", token, now)
        if found is None:
            return Moved.VOID, ""
        ident, old, new = _row(token), address.parse(found.email), address.parse(found.new_email)
        await account.next_link(tx, ident, None)
        if not await account.move(tx, ident, new.given, new.key):
            return Moved.TAKEN, new.given
        await audience.lift(tx, new.key)
        (by, *_) = await account.subscriptions_of(tx, ident)
        await audience.add_consent(tx, by, action="moved", now=now, origin=origin, wording=wording)
        message_id = address.message_id(settings.mail.sender, secrets.token_hex(12))
        await outbox.add_notice(tx, "moved", by, {}, message_id, now, to=(old.given, old.key))
    return Moved.DONE, new.given


async def _notice(
    tx: Tx, settings: Settings, kind: str, by: int, person: int, number: int, now: datetime, *,
    to: tuple[str, str] = ("", ""),
) -> None:
    message_id = address.message_id(settings.mail.sender, secrets.token_hex(12))
    params = {"person": str(person), "number": str(number)}
    await outbox.add_notice(tx, kind, by, params, message_id, now, to=to)


async def _good(
    tx: Tx, keys: Keys, kind: str, token: str, now: datetime, *, lock: bool = True
) -> account.Link | None:
    """The link that this token is, kept from everybody else until the commit; None where it is void."""
    ident = tokens.row_of(token)
    if ident is None:
        return None
    if lock:
        await audience.lock_all(tx, await account.subscriptions_of(tx, ident))
    found = await account.link(tx, ident, lock=lock)
    if found is None or not found.email or not tokens.valid(keys, KINDS[kind], token, str(found.number)):
        return None
    return found if pace.is_fresh(found.asked_at, now) else None


def _row(token: str) -> int:
    """The person whom a token that was verified names."""
    ident = tokens.row_of(token)
    assert ident is not None
    return ident
