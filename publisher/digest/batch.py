"""The second part of the plan step: readers whose next edition is due, or asked for by hand, a batch at a time.

    page | readers who are alike: their course | variants, each rendered and stored once | one write: locked, still as
    read, nothing open? -> deliveries; due instants move on

A reader for whom nothing can be decided yet stays due, and the next run looks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from publisher.digest import shelf, welcome
from publisher.digest.course import Course, Fate, Memory, courses
from publisher.digest.desk import Desk
from publisher.outgoing import DeliveryState
from publisher.store import editions, planning
from publisher.store.bulk import plain
from publisher.store.editions import REPLACEABLE, Open
from publisher.store.engine import Tx
from publisher.store.planning import Edition, Found, NewRow, PageRow, Slot

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
    after: PageRow | None = None
    memory: Memory = field(default_factory=Memory)
    placed: shelf.Placed = field(default_factory=dict)


@dataclass(slots=True)
class Sheet:
    """What a batch is to write."""

    expected: set[Found] = field(default_factory=set)
    #: Readers who get nothing this time, by why.
    idle: dict[Fate, set[int]] = field(default_factory=lambda: {fate: set() for fate in Fate})
    deliveries: list[NewRow] = field(default_factory=list)
    moves: dict[Slot, list[int]] = field(default_factory=dict)


async def plan_batch(run: Run) -> int:
    """Plans the next batch of readers; how many were looked at, 0 at the end."""
    groups: dict[tuple[object, ...], list[PageRow]] = {}
    async with run.desk.store.read() as tx:
        page = await _page(run, tx)
        for row in page:
            if run.newsletter in ("", row.newsletter):
                groups.setdefault(planning.as_alike(row), []).append(row)
        before = run.memory.change
        decided = await courses(run.desk, tx, run.memory, groups, run.manual)
        if before != run.memory.change:
            await shelf.drop_stale(tx, run.placed)
    sheet = Sheet()
    for course, readers in zip(decided, groups.values(), strict=True):
        await _enter(run, sheet, course, readers)
    if sheet.expected:
        async with run.desk.store.write() as tx:
            await _write(run.desk, tx, sheet)
    return len(page)


async def _page(run: Run, tx: Tx) -> Sequence[PageRow]:
    if run.manual:
        page = await planning.active(tx, run.newsletter, run.size, run.after)
    else:
        page = await planning.due(tx, run.desk.now, run.size, run.after)
    run.after = page[-1] if page else None
    return page


async def _enter(run: Run, sheet: Sheet, course: Course, readers: Sequence[PageRow]) -> None:
    """What these readers, who are alike, add to the sheet."""
    desk = run.desk
    if course.fate != Fate.SEND and course.slot is None:  # no due instant to move: nothing to write
        desk.tally[course.fate.value] += len(readers)
        return
    if course.fate != Fate.SEND:
        sheet.idle[course.fate].update(row[0] for row in readers)
    elif place := await shelf.place(desk, run.placed, course, manual=bool(run.manual)):
        edition = Edition(*place, course.period, course.window, plain(desk.store.dialect, desk.now))
        message_ids = desk.message_ids(len(readers))
        times = desk.times(message_ids, spread=course.slot is not None)
        sheet.deliveries += [
            planning.new_row(edition, row[0], message_id, at)
            for row, message_id, at in zip(readers, message_ids, times, strict=True)
        ]
    else:
        desk.tally["failed"] += len(readers)
        return
    if course.slot is not None:
        slot = course.slot.next_due_at, course.slot.due_at
        sheet.moves.setdefault(slot, []).extend([row[0] for row in readers])
    sheet.expected.update(map(planning.as_found, readers))


async def _write(desk: Desk, tx: Tx, sheet: Sheet) -> None:
    """Writes what still holds of a sheet: what was read is checked once more, now that nobody else can change it."""
    ids = [found[0] for found in sheet.expected]
    skipped = {found[0] for found in sheet.expected - await planning.lock(tx, ids)}
    standing = await editions.open_deliveries(tx, ids)
    waiting = {ident for ident, delivery in standing.items() if _waited_for(delivery)}
    skipped |= waiting - sheet.idle[Fate.PASSED_OVER]
    desk.tally["waiting"] += len(skipped)
    for fate, idle in sheet.idle.items():
        desk.tally[fate.value] += len(idle - skipped)
    wanted = sheet.deliveries
    if skipped:
        wanted = [row for row in wanted if planning.reader_of(row) not in skipped]
    if standing:
        wanted = await _replace(desk, tx, standing, wanted)
    written = await planning.add(tx, wanted)
    desk.tally["planned"] += written
    desk.tally["passed over"] += len(wanted) - written
    for slot, readers in sorted(sheet.moves.items()):
        await planning.move(tx, slot, [ident for ident in readers if ident not in skipped])


async def _replace(desk: Desk, tx: Tx, standing: dict[int, Open], wanted: Sequence[NewRow]) -> list[NewRow]:
    """Ends the open deliveries in whose place these come; without those whose slot is filled already."""
    slots = [(ident, planning.period_of(row)) for row in wanted if (ident := planning.reader_of(row)) in standing]
    taken = await editions.taken(tx, slots)
    replaced = [standing[ident].id for ident, period in slots if (ident, period) not in taken]
    desk.tally["expired"] += await editions.expire(tx, replaced, desk.now)
    desk.tally["passed over"] += len(taken)
    return [row for row in wanted if (planning.reader_of(row), planning.period_of(row)) not in taken]


def _waited_for(standing: Open) -> bool:
    """What may be on the wire must be resolved first; and a welcome is not replaced before it was tried once."""
    untried_welcome = standing.state == DeliveryState.QUEUED and standing.period.startswith(f"{welcome.KIND}:")
    return untried_welcome or standing.state not in REPLACEABLE
