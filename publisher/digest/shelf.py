"""The variants of a run: each is rendered and stored once, and then known by its place in the store.

    course | window of articles | render, outside of any transaction | one write: edition, variant -> its ids
"""

from __future__ import annotations

from publisher.digest.course import MANUAL, NAMED, SCHEDULED, Course
from publisher.digest.desk import Desk
from publisher.store import articles, editions
from publisher.store.engine import Tx

#: (edition, variant) in the store by newsletter, last `seq` and key; None where it could not be rendered.
Placed = dict[tuple[str, int, str], tuple[int, int] | None]

#: Places known at once; of an edition with more windows than that, some are rendered again.
_KEPT = 4096


async def drop_stale(tx: Tx, placed: Placed) -> None:
    """Forgets variants that hold an article withdrawn since."""
    stale = await editions.stale_among(tx, [place[1] for place in placed.values() if place is not None])
    for at in [at for at, place in placed.items() if place is not None and place[1] in stale]:
        del placed[at]


async def place(desk: Desk, placed: Placed, course: Course, *, manual: bool) -> tuple[int, int] | None:
    """The (edition, variant) of this course; None where its template fails, or all its stories have just gone."""
    assert course.newsletter is not None
    name, (after, to) = course.newsletter.name, course.window
    at = (name, to, course.key)
    if at in placed:
        return placed[at]
    kind = MANUAL if manual else SCHEDULED
    async with desk.store.read() as tx:
        stories = await articles.window(tx, after, to, course.sections, limit=NAMED)
    variant = await desk.press.variant(course.newsletter, kind, desk.on, stories) if stories else None
    if len(placed) >= _KEPT:
        placed.clear()
    if variant is None:
        placed[at] = None
        return None
    async with desk.store.write() as tx:
        edition_id = await editions.edition(tx, name, desk.on, kind, to, desk.now)
        placed[at] = edition_id, await editions.variant(tx, edition_id, variant)
    return placed[at]
