"""The second part of the plan step: a batch of readers whose next edition is due, or asked for by hand.

    readers | slot, window, what is open | select | render | write: edition, variant, deliveries; due instants move on

A reader for whom nothing can be decided yet stays due, and the next run looks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from publisher.digest import welcome
from publisher.digest.desk import Desk, Windows
from publisher.digest.due import Slot, name_of, slot, window_end
from publisher.digest.select import offered
from publisher.model import Article, Reader
from publisher.outgoing import SENDABLE, DeliveryState, NewVariant
from publisher.settings import Newsletter
from publisher.store import articles, audience, editions
from publisher.store.editions import Open
from publisher.store.engine import Tx

#: An open delivery in one of these states ends as expired, and the new one covers its window; others are waited for.
_REPLACEABLE = (*SENDABLE, DeliveryState.HELD)


@dataclass(frozen=True, slots=True)
class Want:
    """An edition that one reader is to get, if anything stands in its window."""

    reader: Reader
    newsletter: Newsletter
    #: Slugs; none: all.
    sections: tuple[str, ...]
    period: str
    to_seq: int
    #: None: asked for by hand.
    slot: Slot | None
    #: The open delivery that this one replaces.
    replaces: int | None


@dataclass(slots=True)
class Batch:
    """What reading a batch found."""

    #: Editions with their articles.
    wants: list[tuple[Want, Sequence[Article]]]
    #: Due instants that move on without an edition, as `audience.move_due` takes them.
    moves: list[tuple[int, datetime, datetime, datetime]]


async def plan_batch(desk: Desk, readers: Sequence[Reader], *, manual: str) -> None:
    """Plans the next edition of each of these readers; `manual` names a run by hand, empty: the slot that is due."""
    async with desk.store.read() as tx:
        batch = await _read(desk, tx, readers, manual)
    groups: dict[tuple[str, int, str], tuple[NewVariant, list[Want]]] = {}
    kind = "manual" if manual else "scheduled"
    for want, stories in batch.wants:
        variant = await desk.press.variant(want.newsletter, kind, desk.on, stories)
        if variant is None:
            desk.tally["failed"] += 1
        else:
            groups.setdefault((want.newsletter.name, want.to_seq, variant.key), (variant, []))[1].append(want)
    if not groups and not batch.moves:
        return
    async with desk.store.write() as tx:
        # All readers first, in one order: two planners with other groups must not wait for each other.
        planned = [want.reader.subscription.id for _, wants in groups.values() for want in wants]
        await audience.lock_all(tx, [*planned, *(move[0] for move in batch.moves)])
        for (newsletter, to_seq, _), (variant, wants) in sorted(groups.items(), key=lambda group: group[0]):
            edition_id = await editions.edition(tx, newsletter, desk.on, kind, to_seq, desk.now)
            await _write(desk, tx, edition_id, variant, wants)
        await audience.move_due(tx, batch.moves)


async def _read(desk: Desk, tx: Tx, readers: Sequence[Reader], manual: str) -> Batch:
    mail = desk.settings.mail
    last_seq = await articles.max_seq(tx)
    unsettled = [] if manual else await articles.unsettled(tx, desk.now - mail.settle_mail)
    opens = await editions.open_deliveries(tx, [reader.subscription.id for reader in readers])
    batch = Batch([], [])
    wants: list[Want] = []
    for reader in readers:
        newsletter = desk.settings.find_newsletter(reader.subscription.newsletter)
        standing = opens.get(reader.subscription.id)
        reached = None if manual else slot(reader.subscription, desk.zone(reader), desk.now, mail)
        if newsletter is None or (reached is not None and reached.passed_over):
            desk.tally["passed over"] += 1
            batch.moves += _moves(reader, reached)
        elif standing is not None and _waited_for(standing):
            desk.tally["waiting"] += 1
        else:
            to_seq = window_end(reader.subscription.from_seq, last_seq, unsettled)
            wants.append(
                _want(desk, reader, newsletter, reached=reached, manual=manual, to_seq=to_seq, standing=standing)
            )
    await _fill(desk, tx, batch, wants, last_seq)
    return batch


def _waited_for(standing: Open) -> bool:
    """What may be on the wire must be resolved first; and a welcome is not replaced before it was tried once."""
    untried_welcome = standing.state == DeliveryState.QUEUED and standing.period.startswith(f"{welcome.KIND}:")
    return untried_welcome or standing.state not in _REPLACEABLE


def _want(
    desk: Desk, reader: Reader, newsletter: Newsletter, *, reached: Slot | None, manual: str, to_seq: int,
    standing: Open | None,
) -> Want:
    subscription = reader.subscription
    by_hand = f"manual:{manual}"
    return Want(
        reader=reader, newsletter=newsletter, sections=offered(newsletter.sections, subscription.sections),
        period=name_of(subscription, desk.zone(reader), reached.due_at, to_seq) if reached else by_hand,
        to_seq=to_seq, slot=reached, replaces=standing.id if standing else None,
    )


async def _fill(desk: Desk, tx: Tx, batch: Batch, wants: Sequence[Want], last_seq: int) -> None:
    """Sorts the wants: those with stories, those that wait for stories to settle, those for which nothing is there."""
    windows = Windows(tx)
    taken = await editions.taken(tx, [(want.reader.subscription.id, want.period) for want in wants])
    for want in wants:
        subscription = want.reader.subscription
        if (subscription.id, want.period) in taken:
            desk.tally["passed over"] += 1
            batch.moves += _moves(want.reader, want.slot)
        elif stories := await windows.read(subscription.from_seq, want.to_seq, want.sections):
            batch.wants.append((want, stories))
        elif await windows.holds_any(max(subscription.from_seq, want.to_seq), last_seq, want.sections):
            desk.tally["unsettled"] += 1
        else:
            desk.tally["empty"] += 1
            batch.moves += _moves(want.reader, want.slot)


def _moves(reader: Reader, reached: Slot | None) -> list[tuple[int, datetime, datetime, datetime]]:
    was = reader.subscription.next_due_at
    if reached is None or was is None:
        return []
    return [(reader.subscription.id, was, reached.next_due_at, reached.due_at)]


async def _write(desk: Desk, tx: Tx, edition_id: int, variant: NewVariant, wants: Sequence[Want]) -> None:
    variant_id = await editions.variant(tx, edition_id, variant)
    new = []
    for want in wants:
        if want.replaces is not None and await editions.expire(tx, want.replaces, desk.now):
            desk.tally["expired"] += 1
        window = (want.reader.subscription.from_seq, want.to_seq)
        reached = want.slot
        new.append(
            desk.delivery(want.reader, want.period, window) if reached is None else desk.delivery(
                want.reader, want.period, window, due_at=reached.due_at, next_due_at=reached.next_due_at)
        )
    planned = await editions.plan(tx, edition_id, variant_id, new, desk.now)
    desk.tally["planned"] += planned
    desk.tally["waiting"] += len(new) - planned
