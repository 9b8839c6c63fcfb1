"""The suppression list: addresses are put on it, one by one or from a table.

    rows | address, reason | what stands there already | STORE  suppressions
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from publisher import address, fingerprints
from publisher.audience import sheet
from publisher.audience.exports import EMAIL, Told, instant, read, recognise
from publisher.audience.report import Report, Result
from publisher.audience.ruling import REASONS, Word, weightier
from publisher.audience.sheet import Row, Sheet
from publisher.errors import PublisherError
from publisher.progress import Progress, silent
from publisher.store import audience, suppressions
from publisher.store.engine import Store, Tx
from publisher.store.suppressions import Suppression
from publisher.text import one_line, shorten

#: Addresses of one transaction.
PAGE = 1000
_MARK = re.compile(re.escape(fingerprints.PREFIX) + r"[A-Za-z0-9_-]{43}=")
_NOTE = 500


@dataclass(slots=True)
class _Run:
    """A table on its way."""

    table: Sheet
    #: Of rows that tell none.
    reason: str
    now: datetime
    dry_run: bool
    report: Report
    seen: dict[int, int] = field(default_factory=dict)
    waiting: list[tuple[Row, str, Suppression]] = field(default_factory=list)


async def keep_out(store: Store, emails: Sequence[str], reason: str, note: str, now: datetime) -> list[Suppression]:
    """Nothing is sent to these addresses from the commit on (I10); all of them are checked before any is put there."""
    note = shorten(one_line(note), _NOTE)
    found = [Suppression(address.parse(email).key, reason, note, now) for email in dict.fromkeys(emails)]
    async with store.write() as tx:
        await suppressions.put(tx, found, now)
    return found


async def bring_in(
    store: Store, table: Sheet, *, reason: str, now: datetime, dry_run: bool = False, progress: Progress = silent
) -> Report:
    """Puts the addresses of the table on the list; those that are subscribed in it are passed over.

    One that stands there already keeps its reason, unless only that it left is known of it. Safe to repeat.
    """
    run = _Run(table, reason, now, dry_run, Report(_system(table), table.encoding))
    for row in sheet.rows(table):
        found = _checked(run, row)
        if found is not None:
            run.waiting.append((row, *found))
        if len(run.waiting) >= PAGE:
            await _flush(store, run)
            progress(row.line, max(table.lines, row.line))
    await _flush(store, run)
    run.report.told.sort(key=lambda told: told.line)
    return run.report


def _system(table: Sheet) -> str:
    return "csv" if "reason" in table.columns else recognise(table.columns)


def _checked(run: _Run, row: Row) -> tuple[str, Suppression] | None:
    """The address as given, and what is to stand on the list; None where the row was noted."""
    email = next((row.cells[name] for name in EMAIL if row.cells.get(name)), "")
    if row.fault:
        run.report.note(row.line, "", Result.INVALID, row.fault)
        return None
    try:
        key = email if _MARK.fullmatch(email) else address.parse(email).key
        told = _told(run, row)
    except PublisherError as error:
        run.report.note(row.line, email, Result.INVALID, str(error))
        return None
    again = run.seen.setdefault(hash(key), row.line)
    if told.word is None:
        run.report.note(row.line, email, Result.SKIPPED, told.why)
    elif again != row.line:
        run.report.note(row.line, email, Result.DUPLICATE, f"it stands in line {again} already")
    else:
        at = run.now if told.at is None else min(told.at, run.now)
        return email, Suppression(key, told.reason, shorten(told.why, _NOTE), at)
    return None


def _told(run: _Run, row: Row) -> Told:
    """Why the address is to be on the list; without a word where it is not to be."""
    name = run.table.path.name
    if run.report.system == "csv" and (row.cells.get("reason") or not row.cells.get("status")):
        reason = row.cells.get("reason", "").casefold() or run.reason
        if reason not in REASONS:
            raise PublisherError(f"unknown reason {shorten(one_line(reason), 40)!r}; known: {', '.join(REASONS)}")
        note = one_line(row.cells["note"]) if "note" in row.cells else name
        return Told(Word.BARRED, note, reason, instant(row.cells.get("at", "")))
    told = read(run.report.system, row.line, row.cells, name).told
    if told.word == Word.LEFT:
        return Told(Word.BARRED, f"{name}: they unsubscribed there", "unsubscribed", told.at)
    if told.word == Word.BARRED:
        return Told(Word.BARRED, f"{name}: {told.why}", told.reason, told.at)
    return Told(None, told.why or "nothing in the row says that they want no mail")


async def _flush(store: Store, run: _Run) -> None:
    if not run.waiting:
        return
    if run.dry_run:
        async with store.read() as tx:
            await _decide(tx, run)
    else:
        async with store.write() as tx:
            await suppressions.put(tx, await _decide(tx, run), run.now)
    run.waiting.clear()


async def _decide(tx: Tx, run: _Run) -> list[Suppression]:
    before = await audience.suppressed_among(tx, [found.email_key for _, _, found in run.waiting])
    put: list[Suppression] = []
    for row, email, found in run.waiting:
        there = before.get(found.email_key)
        if there is None or weightier(found.reason, there):
            put.append(found)
        result = Result.ADDED if there is None else Result.UPDATED if put and put[-1] is found else Result.UNCHANGED
        run.report.note(row.line, email, result)
    return put
