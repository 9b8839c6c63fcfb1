"""The second part of the plan step: readers whose next edition is due, or asked for by hand, a batch at a time.

    page | readers who are alike: their course | variants, each rendered and stored once | one write: locked, still as
    read, nothing open? -> deliveries; due instants move on

While a page is planned the next one is read.

A reader for whom nothing can be decided yet stays due, and the next run looks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from publisher.digest import shelf, welcome
from publisher.digest.course import Course, Fate, Memory, courses
from publisher.digest.desk import Desk
from publisher.outgoing import DeliveryState
from publisher.progress import Progress
from publisher.store import editions, planning
from publisher.store.bulk import plain
from publisher.store.editions import REPLACEABLE, Open
from publisher.store.engine import Tx
from publisher.store.planning import Edition, Group, NewRow, Page, Place, Slot

#: Readers read, and planned in one write transaction, at a time: other writers wait well under half a second.
BATCH = 2000


@dataclass(slots=True)
class Run:
    """How far a run has come with the readers who are due."""

    desk: Desk
    #: Names a run by hand; empty: the slots that are due.
    manual: str
    #: The one to plan; empty: all.
    newsletter: str
    #: Readers in a batch.
    size: int = BATCH
    memory: Memory = field(default_factory=Memory)
    placed: shelf.Placed = field(default_factory=dict)


@dataclass(slots=True)
class Sheet:
    """What a batch is to write."""

    #: Those for whom there is anything to write.
    expected: list[Group] = field(default_factory=list)
    #: Readers who get nothing this time, by why.
    idle: dict[Fate, set[int]] = field(default_factory=lambda: {fate: set() for fate in Fate})
    deliveries: list[NewRow] = field(default_factory=list)
    moves: dict[Slot, list[int]] = field(default_factory=dict)


async def plan_due(run: Run, progress: Progress) -> None:
    """Plans all readers who are due, page by page; `progress` hears of how many were looked at."""
    page = await _page(run, None)
    looked_at = 0
    while page.last is not None:
        ahead = asyncio.create_task(_page(run, page.last))
        try:
            await _plan(run, page)
        finally:
            await asyncio.gather(ahead, return_exceptions=True)  # what it raises comes with its result
        looked_at += sum(len(group.ids) for group in page.groups)
        progress(looked_at, 0)
        page = ahead.result()


async def _page(run: Run, after: Place | None) -> Page:
    async with run.desk.store.read() as tx:
        if run.manual:
            return await planning.active(tx, run.newsletter, run.size, after)
        return await planning.due(tx, run.desk.now, run.size, after)


async def _plan(run: Run, page: Page) -> None:
    groups = [group for group in page.groups if run.newsletter in ("", planning.newsletter_of(group))]
    async with run.desk.store.read() as tx:
        before = run.memory.change
        decided = await courses(run.desk, tx, run.memory, (group.alike for group in groups), run.manual)
        if before != run.memory.change:
            await shelf.drop_stale(tx, run.placed)
    sheet = Sheet()
    for course, group in zip(decided, groups, strict=True):
        await _enter(run, sheet, course, group)
    if sheet.expected:
        async with run.desk.store.write() as tx:
            await _write(run.desk, tx, sheet)


async def _enter(run: Run, sheet: Sheet, course: Course, group: Group) -> None:
    """What these readers, who are alike, add to the sheet."""
    desk, ids = run.desk, group.ids
    if course.fate != Fate.SEND and course.slot is None:  # no due instant to move: nothing to write
        desk.tally[course.fate.value] += len(ids)
        return
    if course.fate != Fate.SEND:
        sheet.idle[course.fate].update(ids)
    elif place := await shelf.place(desk, run.placed, course, manual=bool(run.manual)):
        edition = Edition(*place, course.period, course.window, plain(desk.store.dialect, desk.now))
        message_ids = desk.message_ids(len(ids))
        times = desk.times(message_ids, spread=course.slot is not None)
        sheet.deliveries += planning.new_rows(edition, ids, message_ids, times)
    else:
        desk.tally["failed"] += len(ids)
        return
    if course.slot is not None:
        slot = course.slot.next_due_at, course.slot.due_at
        sheet.moves.setdefault(slot, []).extend(ids)
    sheet.expected.append(group)


async def _write(desk: Desk, tx: Tx, sheet: Sheet) -> None:
    """Writes what still holds of a sheet: what was read is checked once more, now that nobody else can change it."""
    ids = [ident for group in sheet.expected for ident in group.ids]
    skipped = set(ids) - await planning.hold(tx, sheet.expected)
    standing = await editions.open_deliveries(tx, ids)
    waiting = {ident for ident, delivery in standing.items() if _waited_for(delivery)}
    skipped |= waiting - sheet.idle[Fate.PASSED_OVER]
    desk.tally["waiting"] += len(skipped)
    for fate, idle in sheet.idle.items():
        desk.tally[fate.value] += len(idle - skipped)
    wanted = sheet.deliveries
    if skipped:
        wanted = [row for row in wanted if planning.slot_of(row)[0] not in skipped]
    if standing:
        wanted = await _replace(desk, tx, standing, wanted)
    written = await planning.add(tx, wanted)
    desk.tally["planned"] += written
    desk.tally["passed over"] += len(wanted) - written
    for slot, readers in sorted(sheet.moves.items()):
        await planning.move(tx, slot, sorted(set(readers) - skipped))


async def _replace(desk: Desk, tx: Tx, standing: dict[int, Open], wanted: Sequence[NewRow]) -> list[NewRow]:
    """Ends the open deliveries in whose place these come; without those whose slot is filled already."""
    slots = [slot for slot in map(planning.slot_of, wanted) if slot[0] in standing]
    taken = await editions.taken(tx, slots)
    replaced = [standing[slot[0]].id for slot in slots if slot not in taken]
    desk.tally["expired"] += await editions.expire(tx, replaced, desk.now)
    desk.tally["passed over"] += len(taken)
    return [row for row in wanted if planning.slot_of(row) not in taken]


def _waited_for(standing: Open) -> bool:
    """What may be on the wire must be resolved first; and a welcome is not replaced before it was tried once."""
    untried_welcome = standing.state == DeliveryState.QUEUED and standing.period.startswith(f"{welcome.KIND}:")
    return untried_welcome or standing.state not in REPLACEABLE
