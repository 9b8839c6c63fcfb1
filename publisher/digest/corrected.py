"""Corrections: readers who were mailed what was corrected since are told once, with their next edition.

    alike | corrected since their last edition | who of them was mailed which of these? -> readers who are told the same

Corrections have to settle as articles do: one that was made a moment ago is told with the edition after.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from publisher.digest.course import Course
from publisher.digest.select import with_corrections
from publisher.store import corrections
from publisher.store.corrections import Correction
from publisher.store.engine import Tx
from publisher.store.planning import Group

#: Corrections that an edition tells of, at most: those of the last ones.
TOLD = 50
#: Instants of last editions, and sets of corrections, of which a run remembers what belongs to them.
_KEPT = 256


@dataclass(slots=True)
class Errata:
    """What a run knows of corrections."""

    now: datetime
    #: `mail.settle_mail`.
    settle: timedelta
    since: dict[datetime, tuple[Correction, ...]] = field(default_factory=dict)
    #: Variants that hold any of these articles as news.
    holding: dict[tuple[Correction, ...], dict[int, frozenset[str]]] = field(default_factory=dict)


async def split(tx: Tx, errata: Errata, readers: Sequence[tuple[Course, Group]]) -> list[tuple[Course, Group]]:
    """The same readers, those together who are to be told of the same corrections."""
    found = [await _since(tx, errata, course.corrections_from) for course, _ in readers]
    asked: defaultdict[tuple[Correction, ...], list[int]] = defaultdict(list)
    for corrected, (_, group) in zip(found, readers, strict=True):
        if corrected:
            asked[corrected] += group.ids
    mailed = {corrected: await _mailed(tx, errata, corrected, ids) for corrected, ids in asked.items()}
    return [
        one for corrected, (course, group) in zip(found, readers, strict=True)
        for one in (_parts(course, group, corrected, mailed[corrected]) if corrected else [(course, group)])
    ]


def _parts(
    course: Course, group: Group, found: tuple[Correction, ...], mailed: dict[int, set[str]]
) -> list[tuple[Course, Group]]:
    by_told: defaultdict[tuple[Correction, ...], list[int]] = defaultdict(list)
    for ident in group.ids:
        mine = mailed.get(ident, set())
        by_told[tuple(one for one in found if one.article_id in mine)].append(ident)
    return [(_told(course, told), replace(group, ids=ids)) for told, ids in by_told.items()]


def _told(course: Course, told: tuple[Correction, ...]) -> Course:
    key = with_corrections(course.key, [(one.article_id, one.content_hash) for one in told])
    return replace(course, corrected=tuple(one.article_id for one in told), key=key)


async def _since(tx: Tx, errata: Errata, after: datetime | None) -> tuple[Correction, ...]:
    """What was corrected since the edition that was planned then; nothing where there was none."""
    if after is None:
        return ()
    if after not in errata.since:
        if len(errata.since) >= _KEPT:
            errata.since.clear()
        begin, end = after - errata.settle, errata.now - errata.settle
        errata.since[after] = tuple(await corrections.since(tx, begin, end, TOLD))
    return errata.since[after]


async def _mailed(
    tx: Tx, errata: Errata, found: tuple[Correction, ...], ids: Sequence[int]
) -> dict[int, set[str]]:
    """Which of these articles each of these subscriptions was mailed."""
    if found not in errata.holding:
        if len(errata.holding) >= _KEPT:
            errata.holding.clear()
        errata.holding[found] = await corrections.holding(tx, {one.article_id for one in found})
    lowest = min(one.seq for one in found)
    return await corrections.mailed(tx, ids, errata.holding[found], lowest)
