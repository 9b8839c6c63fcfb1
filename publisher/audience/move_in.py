"""Readers from a table: our own, or another system's export.

    rows | read -> answers, word | check | page of rows | what is known of them (one look) | rule | one short commit

A page is a transaction of its own, and a row that is there already changes nothing: an import that was cut off is run
again, and ends as if it never was. Imports never bypass suppression, nor bring back who left (I11); nobody who comes
by one gets a welcome edition, and what was live before is not mailed to them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from publisher.audience import sheet
from publisher.audience.exports import EMAIL, Entry, read, recognise
from publisher.audience.placing import Checked, Placed, Placing
from publisher.audience.report import Report, Result
from publisher.audience.ruling import Known, Ruling, Word, left_before, rule
from publisher.audience.sheet import Row, Sheet
from publisher.audience.tagging import words
from publisher.audience.wanted import Answers, Wanted, checker
from publisher.config import Settings
from publisher.errors import PublisherError
from publisher.progress import Progress, silent
from publisher.store import audience, moving, suppressions
from publisher.store.engine import Store, Tx
from publisher.store.moving import Held, Place

#: Rows of one transaction; each writes at most four.
PAGE = 500
#: Seconds that other writers have after each: those of SQLite look every few hundredths of a second.
_BREATH = 0.03
#: Rulings that make a person known where they were not.
_STORED = (Ruling.ACTIVATE, Ruling.ASK, Ruling.WAIT, Ruling.END)


@dataclass(frozen=True, slots=True)
class Options:
    """How the operator wants it."""

    #: Of rows that name none; empty: the first configured.
    newsletter: str = ""
    #: What is meant of rows that say nothing of consent.
    unsaid: Word = Word.UNSAID
    #: What a row says takes the place of what readers there chose before.
    update: bool = False
    #: Nothing is stored.
    dry_run: bool = False


@dataclass(slots=True)
class _Run:
    settings: Settings
    table: Sheet
    options: Options
    report: Report
    check: Callable[[Answers], Wanted]
    #: (address, newsletter) by its hash -> line on which it stood first. Grows by some dozen bytes a row.
    seen: dict[int, int] = field(default_factory=dict)
    waiting: list[Checked] = field(default_factory=list)


async def move_in(
    store: Store, settings: Settings, table: Sheet, options: Options, *, now: Callable[[], datetime],
    progress: Progress = silent,
) -> Report:
    """Takes in the readers of the table. Raises PublisherError where no newsletter is configured, or is so called."""
    run = _Run(
        settings, table, options, Report(recognise(table.columns), table.encoding),
        checker(settings.newsletter, settings.site),
    )
    run.check(Answers("anybody@example.org", newsletter=options.newsletter))
    for row in sheet.rows(table):
        found = _checked(run, row)
        if found is None:
            continue
        again = _again(run, found)
        if again and found.word not in (Word.LEFT, Word.BARRED):
            run.report.note(row.line, found.entry.answers.email, Result.DUPLICATE, f"it stands in line {again} already")
            continue
        if again or len(run.waiting) >= PAGE:  # who left is judged by what their first row did
            await _flush(store, run, now())
            progress(row.line, max(table.lines, row.line))
        run.waiting.append(found)
    await _flush(store, run, now())
    run.report.told.sort(key=lambda told: told.line)
    return run.report


def _checked(run: _Run, row: Row) -> Checked | None:
    """The row, if it is one that can be decided about; else it is noted."""
    if row.fault:
        run.report.note(row.line, "", Result.INVALID, row.fault)
        return None
    email = ""
    try:
        entry = read(run.report.system, row.line, row.cells, run.table.path.name)
        email = entry.answers.email
        told = entry.told
        if told.word is None:
            run.report.note(row.line, email, Result.SKIPPED, told.why)
            return None
        word = run.options.unsaid if told.word == Word.UNSAID else told.word
        return _wanted(run, entry, word)
    except PublisherError as error:
        run.report.note(row.line, email or _some(row), Result.INVALID, str(error))
        return None


def _wanted(run: _Run, entry: Entry, word: Word) -> Checked:
    """The row, checked. A fault beside the address must not keep it from being noted that nothing is to go there."""
    answers = entry.answers
    if run.options.newsletter and not answers.newsletter:
        answers = replace(answers, newsletter=run.options.newsletter)
    try:
        wanted, tags = run.check(answers), words(entry.tags)
    except PublisherError:
        if word not in (Word.LEFT, Word.BARRED):
            raise
        newsletter = answers.newsletter if word == Word.LEFT else run.options.newsletter
        wanted, tags = run.check(Answers(answers.email, newsletter=newsletter)), ()
    return Checked(entry, wanted, wanted.address.key, word, tags)


def _some(row: Row) -> str:
    return next((row.cells[name] for name in EMAIL if row.cells.get(name)), "")


def _again(run: _Run, found: Checked) -> int:
    """The line on which the same subscription stood before, or 0."""
    ident = hash((found.key, found.wanted.newsletter.name))
    return 0 if run.seen.setdefault(ident, found.entry.line) == found.entry.line else run.seen[ident]


async def _flush(store: Store, run: _Run, now: datetime) -> None:
    """Decides about what waits, and writes it: in one transaction, all of it or nothing."""
    if not run.waiting:
        return
    keys = {one.key for one in run.waiting}
    if run.options.dry_run:
        async with store.read() as tx:
            await _decide(tx, run, await audience.suppressed_among(tx, keys), await moving.ids(tx, keys), now)
    else:
        async with store.write() as tx:
            barred = await audience.suppressed_among(tx, keys)
            await _enter(tx, run.waiting, barred, now)
            if await moving.lock(tx, keys):  # somebody may have been erased until then
                barred = await audience.suppressed_among(tx, keys)
            it = await _decide(tx, run, barred, await moving.ids(tx, keys), now)
            await suppressions.put(tx, it.put, now)
            await moving.write(tx, it.page, now)
        await asyncio.sleep(_BREATH)
    run.waiting.clear()


async def _enter(tx: Tx, found: Sequence[Checked], barred: Mapping[str, str], now: datetime) -> None:
    """Makes those people known who are not, and of whom something is to be kept."""
    known = await moving.ids(tx, {one.key for one in found})
    people: dict[str, dict[str, Any]] = {}
    for one in found:
        if one.key not in known and rule(one.word, Known(barred.get(one.key))) in _STORED:
            wanted = one.wanted
            people.setdefault(one.key, {
                "email": wanted.address.given, "email_key": one.key, "name": wanted.name, "language": wanted.language,
                "timezone": wanted.timezone, "created_at": now, "plain_text": one.entry.plain_text or False,
                "tags": one.tags, "mailbox": wanted.address.mailbox,
            })
    await moving.add_people(tx, list(people.values()))


async def _decide(tx: Tx, run: _Run, barred: dict[str, str], ids: Mapping[str, int], now: datetime) -> Placing:
    """What is to be written of the rows that wait; each is noted."""
    held = await moving.held(tx, ids.values())
    people = {place[0]: one.reader.subscriber for place, one in held.items()}
    it = Placing(run.table.path.name, run.report.system, run.settings, run.options.update, now)
    for one in run.waiting:
        at: Place = (ids.get(one.key, 0), one.wanted.newsletter.name)
        there = held.get(at)
        ruling = rule(one.word, _known(there, barred.get(one.key)))
        if ruling in _STORED and not at[0] and not run.options.dry_run:  # they changed their address at this moment
            placed = Placed(Result.SKIPPED, "somebody else changed this reader meanwhile; import the file again")
        else:
            placed = it.place(one, ruling, at, there, people.get(at[0]))
        if ruling == Ruling.BAR:
            barred[one.key] = one.entry.told.reason
        run.report.note(one.entry.line, one.entry.answers.email, placed.result, placed.reason)
        run.report.pending += placed.pending
        run.report.asked += placed.asked
    return it


def _known(there: Held | None, suppression: str | None) -> Known:
    if there is None:
        return Known(suppression)
    subscription = there.reader.subscription
    left = left_before(subscription.state, subscription.confirmed_at, there.actions)
    return Known(suppression, subscription.state, left, "confirmed" in there.actions)
