"""The second part of the plan step: readers whose next edition is due, or asked for by hand, a batch at a time.

    page | readers who are alike: their course | variants, each rendered and stored once | one write: locked, still as
    read, nothing open? -> deliveries; due instants move on

While a page is planned the next one is read.

A reader for whom nothing can be decided yet stays due, and the next run looks again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from publisher.digest import welcome
from publisher.digest.corrected import Errata, split
from publisher.digest.course import Course, Fate, Memory, courses
from publisher.digest.desk import Desk
from publisher.digest.shelf import Shelf, drop_stale, place
from publisher.outgoing import DeliveryState
from publisher.progress import Progress
from publisher.store import editions, planned, planning
from publisher.store.bulk import plain
from publisher.store.editions import REPLACEABLE, Open
from publisher.store.engine import Tx
from publisher.store.planned import Parcel, Slot
from publisher.store.planning import Group, Page, Place

#: Readers read, and planned in one write transaction, at a time: other writers wait well under half a second.
BATCH = 2500
#: Seconds that writers in other processes have between two of them: one who waits asks every two milliseconds.
_BREATH = 0.004


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
    shelf: Shelf = field(init=False)
    errata: Errata = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf.of(manual=bool(self.manual))
        self.errata = Errata(self.desk.now, self.desk.settings.mail.settle_mail)


@dataclass(slots=True)
class Sheet:
    """What a batch is to write."""

    #: Those for whom there is anything to write.
    expected: list[Group] = field(default_factory=list)
    #: Readers who get nothing this time, by why.
    idle: dict[Fate, set[int]] = field(default_factory=lambda: {fate: set() for fate in Fate})
    parcels: list[Parcel] = field(default_factory=list)
    moves: dict[Slot, list[int]] = field(default_factory=dict)

    def without(self, skipped: set[int]) -> None:
        """Leaves these readers out."""
        self.parcels = [
            replace(one, ids=left) for one in self.parcels if (left := [id_ for id_ in one.ids if id_ not in skipped])
        ]


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
    groups.sort(key=lambda group: -len(group.ids))  # what many get is made first (`publisher.digest.shelf`)
    async with run.desk.store.read() as tx:
        before = run.memory.change
        decided = await courses(run.desk, tx, run.memory, (group.alike for group in groups), run.manual)
        if before != run.memory.change:
            await drop_stale(tx, run.shelf)
        told = await split(tx, run.errata, list(zip(decided, groups, strict=True)))
    sheet = Sheet()
    for course, group in told:
        await _enter(run, sheet, course, group)
    if sheet.expected:
        async with run.desk.store.write() as tx:
            await _write(run.desk, tx, sheet)
        await asyncio.sleep(_BREATH)


async def _enter(run: Run, sheet: Sheet, course: Course, group: Group) -> None:
    """What these readers, who are alike, add to the sheet."""
    desk, ids = run.desk, group.ids
    if course.fate != Fate.SEND and course.slot is None:  # no due instant to move: nothing to write
        desk.tally[course.fate.value] += len(ids)
        return
    if course.fate != Fate.SEND:
        sheet.idle[course.fate].update(ids)
    elif found := await place(desk, run.shelf, course):
        for at, mine in desk.times(ids, spread=course.slot is not None):
            sheet.parcels.append(Parcel(*found, course.period, course.window, at, mine))
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
    skipped = await planning.changed(tx, sheet.expected)
    standing = await editions.open_deliveries(tx, ids)
    waiting = {ident for ident, delivery in standing.items() if _waited_for(delivery)}
    skipped |= waiting - sheet.idle[Fate.PASSED_OVER]
    desk.tally["waiting"] += len(skipped)
    for fate, idle in sheet.idle.items():
        desk.tally[fate.value] += len(idle - skipped)
    if skipped:
        sheet.without(skipped)
    if standing:
        await _replace(desk, tx, standing, sheet)
    written = await planned.add(tx, sheet.parcels, desk.frame(), plain(desk.store.dialect, desk.now))
    desk.tally["planned"] += written
    desk.tally["passed over"] += sum(len(one.ids) for one in sheet.parcels) - written
    for slot, readers in sorted(sheet.moves.items()):
        await planned.move(tx, slot, [ident for ident in readers if ident not in skipped] if skipped else readers)


async def _replace(desk: Desk, tx: Tx, standing: dict[int, Open], sheet: Sheet) -> None:
    """Ends the open deliveries in whose place these come; those whose slot is filled already are left out."""
    slots = [(ident, one.period) for one in sheet.parcels for ident in one.ids if ident in standing]
    taken = {slot[0] for slot in await editions.taken(tx, slots)}
    replaced = [standing[ident].id for ident, _ in slots if ident not in taken]
    desk.tally["expired"] += await editions.expire(tx, replaced, desk.now)
    desk.tally["passed over"] += len(taken)
    sheet.without(taken)


def _waited_for(standing: Open) -> bool:
    """What may be on the wire must be resolved first; and a welcome is not replaced before it was tried once."""
    untried_welcome = standing.state == DeliveryState.QUEUED and standing.period.startswith(f"{welcome.KIND}:")
    return untried_welcome or standing.state not in REPLACEABLE
