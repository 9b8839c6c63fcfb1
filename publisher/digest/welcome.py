"""The first part of the plan step: readers who are new.

    active without a due instant | welcome owed? newest ten, backfill too | render -> delivery; due instant

The due instant and the welcome edition are written together, so neither comes without the other, or twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from publisher.digest.desk import BATCH, Desk
from publisher.digest.due import first_due
from publisher.digest.select import WELCOME_STORIES, offered
from publisher.model import Article, Reader
from publisher.outgoing import NewVariant
from publisher.store import articles, audience, editions
from publisher.store.engine import Tx

KIND = "welcome"


async def receive(desk: Desk) -> None:
    """Gives each new subscription its first due instant, and its welcome edition where one is owed and not empty.

    One that still has an open delivery from earlier is waited for.
    """
    after = 0
    while True:
        async with desk.store.read() as tx:
            readers = await audience.unscheduled(tx, BATCH, after)
            stories = await _stories(desk, tx, readers)
        if not readers:
            return
        after = readers[-1].subscription.id
        await _plan(desk, readers, stories)


async def _stories(desk: Desk, tx: Tx, readers: Sequence[Reader]) -> dict[int, Sequence[Article]]:
    """What each reader's welcome edition holds, by subscription; none for those to whom none is owed."""
    read: dict[tuple[int, int, tuple[str, ...]], Sequence[Article]] = {}
    found: dict[int, Sequence[Article]] = {}
    for reader in readers:
        subscription = reader.subscription
        newsletter = desk.settings.find_newsletter(subscription.newsletter)
        if newsletter is None or subscription.welcome_after is None:
            continue
        key = (subscription.welcome_after, subscription.from_seq, offered(newsletter.sections, subscription.sections))
        if key not in read:
            read[key] = await articles.window(tx, *key, limit=WELCOME_STORIES, include_backfill=True)
        if read[key]:
            found[subscription.id] = read[key]
    return found


async def _plan(desk: Desk, readers: Sequence[Reader], stories: dict[int, Sequence[Article]]) -> None:
    ready: list[tuple[Reader, NewVariant | None]] = []
    for reader in readers:
        held = stories.get(reader.subscription.id)
        newsletter = desk.settings.find_newsletter(reader.subscription.newsletter)
        variant = await desk.press.variant(newsletter, KIND, desk.on, held) if newsletter and held else None
        if held and variant is None:
            desk.tally["failed"] += 1
        else:
            ready.append((reader, variant))
    wanted = []
    async with desk.store.write() as tx:
        for reader, variant in ready:
            if variant is not None and not await _write(desk, tx, reader, variant):
                desk.tally["waiting"] += 1
                continue
            subscription = reader.subscription
            at = first_due(subscription, desk.zone(reader), desk.now, desk.settings.mail)
            wanted.append((subscription.id, at, subscription.generation))
            desk.tally["planned"] += variant is not None
        desk.tally["scheduled"] += await audience.schedule(tx, wanted)


async def _write(desk: Desk, tx: Tx, reader: Reader, variant: NewVariant) -> bool:
    subscription = reader.subscription
    present = subscription.from_seq
    edition_id = await editions.edition(tx, subscription.newsletter, desk.on, KIND, present, desk.now)
    variant_id = await editions.variant(tx, edition_id, variant)
    delivery = desk.delivery(reader, f"{KIND}:{subscription.generation}", (present, present))
    return bool(await editions.plan(tx, edition_id, variant_id, [delivery], desk.now))
