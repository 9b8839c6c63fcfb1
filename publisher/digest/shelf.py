"""The variants of a run: each is rendered and stored once, and then known by its place in the store.

    course | in the store already? | window of articles | render, outside of any transaction | one write -> its ids

An edition has a bounded number of variants, whatever its readers chose and missed. Once it has `FULL` of them, further
windows share variants of headlines: the newest story and the headlines of all sections that the newsletter offers, one
variant for all choices of sections that begin at the same place and are told of the same corrections. Once it has
`SHARED` more, what begins almost at one place shares too: a window of more than 31 articles is shown without its
oldest, less than one in sixteen, and corrections are told to nobody. Large groups of readers are planned first, so that
the rare ones share. A reader's own window counts as delivered in each case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from publisher.digest.course import MANUAL, NAMED, SCHEDULED, Course
from publisher.digest.desk import Desk
from publisher.digest.press import FULL as FULL_FORM
from publisher.digest.press import HEADLINES
from publisher.digest.select import offered, variant_key
from publisher.model import Article
from publisher.outgoing import NewVariant
from publisher.store import articles, editions
from publisher.store.engine import Tx

#: Variants of an edition that tell their stories in full.
FULL = 500
#: Those of headlines beyond, each for a window of its own.
SHARED = 500
#: Binary digits of the length of a window that others share.
_DIGITS = 5
#: Places known at once; what else there is, is looked up in the store.
_KEPT = 4096

#: (edition, variant) in the store.
Place = tuple[int, int]


@dataclass(slots=True)
class Shelf:
    """What a run knows of the variants in the store."""

    #: Kind of editions.
    kind: str
    #: By newsletter, last `seq` and key; None where it could not be rendered.
    placed: dict[tuple[str, int, str], Place | None] = field(default_factory=dict)
    #: Editions by newsletter and last `seq`.
    editions: dict[tuple[str, int], int] = field(default_factory=dict)
    #: Variants of each edition.
    counts: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, *, manual: bool) -> Shelf:
        """An empty one."""
        return cls(MANUAL if manual else SCHEDULED)


async def drop_stale(tx: Tx, shelf: Shelf) -> None:
    """Forgets variants that hold an article withdrawn since."""
    stale = await editions.stale_among(tx, [place[1] for place in shelf.placed.values() if place is not None])
    for at in [at for at, place in shelf.placed.items() if place is not None and place[1] in stale]:
        del shelf.placed[at]


async def place(desk: Desk, shelf: Shelf, course: Course) -> Place | None:
    """Where the variant of this course is; None where its template fails, or all its stories have just gone."""
    assert course.newsletter is not None
    at = (course.newsletter.name, course.window[1], course.key)
    if at not in shelf.placed:
        if len(shelf.placed) >= _KEPT:
            shelf.placed.clear()
        shelf.placed[at] = await _place(desk, shelf, course)
    return shelf.placed[at]


async def _place(desk: Desk, shelf: Shelf, course: Course) -> Place | None:
    edition = await _edition(desk, shelf, course)
    if found := await _find(desk, edition, course.key):
        return found
    if shelf.counts[edition] < FULL:
        return await _make(desk, shelf, edition, course, FULL_FORM)
    shared = _shared(course, narrow=shelf.counts[edition] >= FULL + SHARED)
    return await _make(desk, shelf, edition, shared, HEADLINES)


async def _edition(desk: Desk, shelf: Shelf, course: Course) -> int:
    assert course.newsletter is not None
    at = (course.newsletter.name, course.window[1])
    if at not in shelf.editions:
        async with desk.store.write() as tx:
            found = await editions.edition(tx, at[0], desk.on, shelf.kind, at[1], desk.now)
            shelf.counts[found] = await editions.count_variants(tx, found)
        shelf.editions[at] = found
    return shelf.editions[at]


async def _find(desk: Desk, edition: int, key: str) -> Place | None:
    async with desk.store.read() as tx:
        found = await editions.find_variant(tx, edition, key)
    return None if found is None else (edition, found)


async def _make(desk: Desk, shelf: Shelf, edition: int, course: Course, form: str) -> Place | None:
    stories, corrected = await _read(desk, course)
    if not stories or course.newsletter is None:
        return None
    key = variant_key(shelf.kind, stories, desk.settings.site.language, form, corrected)
    if found := await _find(desk, edition, key):
        return found
    new = await desk.press.variant(course.newsletter, shelf.kind, desk.on, stories, corrected, form)
    return None if new is None else await _store(desk, shelf, edition, new)


async def _store(desk: Desk, shelf: Shelf, edition: int, new: NewVariant) -> Place:
    async with desk.store.write() as tx:
        made = await editions.variant(tx, edition, new)
        shelf.counts[edition] = await editions.count_variants(tx, edition)
    return edition, made


async def _read(desk: Desk, course: Course) -> tuple[Sequence[Article], Sequence[Article]]:
    """The course's stories, and what was corrected."""
    async with desk.store.read() as tx:
        stories = await articles.window(tx, *course.window, course.sections, limit=NAMED)
        found = await articles.get_many(tx, course.corrected) if course.corrected else {}
    return stories, [found[ident] for ident in course.corrected]


def _shared(course: Course, *, narrow: bool) -> Course:
    """What readers of rare windows get in its place."""
    assert course.newsletter is not None
    shared = replace(course, sections=offered(course.newsletter.sections, ()))
    if not narrow:
        return shared
    after, to = course.window
    spare = max(0, (to - after).bit_length() - _DIGITS)
    return replace(shared, window=(to - ((to - after) >> spare << spare), to), corrected=())
