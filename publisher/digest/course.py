"""What becomes of readers who are alike: decided once for all of them, and kept for the run.

    alike | slot | window | stories' key -> an edition to send, nothing this time, not yet

What is kept holds until an article changes; then it is decided anew. The run's last `seq` stays: what goes live
meanwhile belongs to the next slot.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from publisher.digest.desk import Desk
from publisher.digest.due import Slot, name_of, slot, window_end, zone_of
from publisher.digest.select import key_of, offered
from publisher.settings import Newsletter
from publisher.store import articles, planning
from publisher.store.engine import Tx
from publisher.store.planning import Alike

#: Kinds of editions.
SCHEDULED = "scheduled"
MANUAL = "manual"
#: Articles of a window that a message can name; older ones count as delivered with it.
NAMED = 1000
#: Kinds of readers, and windows, kept at once: memory does not grow with the audience (I8).
_KEPT = 4096


class Fate(StrEnum):
    """What is to be done for readers who are alike; the words of the run's tally."""

    SEND = "planned"
    EMPTY = "empty"
    UNSETTLED = "unsettled"
    PASSED_OVER = "passed over"


@dataclass(frozen=True, slots=True)
class Course:
    """A fate with what it takes."""

    fate: Fate
    #: None: asked for by hand, or its newsletter is no more.
    slot: Slot | None
    #: Of SEND alone, as all that follows; of the rest None or empty.
    newsletter: Newsletter | None = None
    #: Slugs; none: all.
    sections: tuple[str, ...] = ()
    period: str = ""
    window: tuple[int, int] = (0, 0)
    #: `select.variant_key` of the stories.
    key: str = ""
    #: As `Alike.corrections_from`.
    corrections_from: datetime | None = None
    #: Ids of articles that were corrected since the reader got them, of which they are told.
    corrected: tuple[str, ...] = ()


@dataclass(slots=True)
class Memory:
    """What a run knows."""

    #: Number of the change to an article up to which all of it holds.
    change: int = -1
    #: The last `seq` when the run began.
    last_seq: int = 0
    #: `seq` of articles that changed a moment ago, in order.
    unsettled: list[int] = field(default_factory=list)
    courses: dict[tuple[Any, ...], Course] = field(default_factory=dict)
    #: By (after, to, sections): the key of the stories, None where there is none.
    keys: dict[tuple[int, int, tuple[str, ...]], str | None] = field(default_factory=dict)


async def courses(
    desk: Desk, tx: Tx, memory: Memory, groups: Iterable[tuple[Any, ...]], manual: str
) -> list[Course]:
    """The course of each of these groups of readers, told by what they have in common (`Group.alike`)."""
    await _look(desk, tx, memory, manual)
    found = []
    for raw in groups:
        if raw not in memory.courses:
            if len(memory.courses) >= _KEPT:
                memory.courses.clear()
            memory.courses[raw] = await _decide(desk, tx, memory, planning.read_alike(raw), manual)
        found.append(memory.courses[raw])
    return found


async def _look(desk: Desk, tx: Tx, memory: Memory, manual: str) -> None:
    """Forgets what an article's change has made doubtful."""
    change = await articles.max_change(tx)
    if change == memory.change:
        return
    if memory.change < 0:
        memory.last_seq = await articles.max_seq(tx)
    memory.change = change
    memory.unsettled = [] if manual else await articles.unsettled(tx, desk.now - desk.settings.mail.settle_mail)
    memory.courses.clear()
    memory.keys.clear()


async def _decide(desk: Desk, tx: Tx, memory: Memory, alike: Alike, manual: str) -> Course:
    newsletter = desk.settings.find_newsletter(alike.newsletter)
    zone = zone_of(alike.timezone, desk.settings.site.zone)
    reached = None if manual else slot(alike, zone, desk.now, desk.settings.mail)
    if newsletter is None or (reached is not None and reached.passed_over):
        return Course(Fate.PASSED_OVER, reached)
    to_seq = window_end(alike.from_seq, memory.last_seq, memory.unsettled)
    sections = offered(newsletter.sections, alike.sections)
    key = await _key(desk, tx, memory, (alike.from_seq, to_seq, sections), manual)
    if key is not None:
        period = name_of(alike, zone, reached.due_at, to_seq) if reached else f"manual:{manual}"
        window = (alike.from_seq, to_seq)
        return Course(Fate.SEND, reached, newsletter, sections, period, window, key, alike.corrections_from)
    later = (max(alike.from_seq, to_seq), memory.last_seq, sections)
    waits = await _key(desk, tx, memory, later, manual) is not None
    return Course(Fate.UNSETTLED, None) if waits else Course(Fate.EMPTY, reached)


async def _key(
    desk: Desk, tx: Tx, memory: Memory, window: tuple[int, int, tuple[str, ...]], manual: str
) -> str | None:
    """The key of the stories of (after, to, sections), None where there is none."""
    if window not in memory.keys:
        if len(memory.keys) >= _KEPT:
            memory.keys.clear()
        stories = await planning.stories(tx, *window, limit=NAMED) if window[0] < window[1] else []
        kind = MANUAL if manual else SCHEDULED
        memory.keys[window] = key_of(kind, stories, desk.settings.site.language) if stories else None
    return memory.keys[window]
