"""A reader's own feed: its address is asked for, and ended, by the reader (or the operator in his name).

    token -> reader | open? -> what the reader's subscriptions ask for, as sections
"""

from __future__ import annotations

from publisher import tokens
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.store import private_feeds
from publisher.store.engine import Store, Tx
from publisher.store.private_feeds import Standing

#: Former addresses that are told from wrong ones.
_FORMER = 20


async def address(store: Store, keys: Keys, subscriber_id: int, *, renew: bool = False) -> str:
    """The token of the reader's feed, opened where it was not; `renew` makes the old address void."""
    async with store.write() as tx:
        now = await private_feeds.standing(tx, subscriber_id)
        if renew or not now.open:
            now = Standing(now.number + 1, open=True)
            await private_feeds.put(tx, subscriber_id, now)
    return tokens.make(keys, tokens.FEED, subscriber_id, str(now.number))


async def current(tx: Tx, keys: Keys, subscriber_id: int) -> str:
    """The token of the reader's feed; empty where it is not open."""
    now = await private_feeds.standing(tx, subscriber_id)
    return tokens.make(keys, tokens.FEED, subscriber_id, str(now.number)) if now.open else ""


async def end(store: Store, subscriber_id: int) -> bool:
    """The reader's feed is served no more; whether it was."""
    async with store.write() as tx:
        now = await private_feeds.standing(tx, subscriber_id)
        if now.open:
            await private_feeds.put(tx, subscriber_id, Standing(now.number, open=False))
        return now.open


async def reader_of(tx: Tx, keys: Keys, token: str) -> tuple[int | None, bool]:
    """(reader, ended): whose feed this token names, where it is open; whether it was one once."""
    row = tokens.row_of(token)
    if row is None:
        return None, False
    now = await private_feeds.standing(tx, row)
    if now.open and tokens.valid(keys, tokens.FEED, token, str(now.number)):
        return row, False
    former = range(max(1, now.number - _FORMER), now.number + 1)
    return None, any(tokens.valid(keys, tokens.FEED, token, str(number)) for number in former)


async def sections_for(tx: Tx, settings: Settings, subscriber_id: int) -> tuple[str, ...]:
    """Slugs of the sections that the reader's subscriptions ask for; none: all of them."""
    found: list[str] = []
    for newsletter, chosen in await private_feeds.wishes(tx, subscriber_id):
        letter = settings.find_newsletter(newsletter)
        wanted = chosen or (letter.sections if letter else ())
        if not wanted:
            return ()
        found += wanted
    return tuple(sorted(dict.fromkeys(found)))
