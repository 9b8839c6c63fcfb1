"""The plan step: from who is due to deliveries that wait to be sent.

    pauses           | over? -> what went live meanwhile is passed over
    new readers      | first due instant, welcome owed? | select | render -> edition, variant, deliveries
    due (or by hand) | readers who are alike: slot, window, variant -> the same; nothing in it: the due instant moves on
    stale variants   | render without what was withdrawn -> new revision, or cancelled

Each batch reads in one transaction, renders outside any, and writes in another that is short and checks again what the
reading said. So two planners at once, or one that dies anywhere, plan nothing twice and lose nothing (I3, I4).
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from publisher import log
from publisher.config import Settings
from publisher.digest.batch import BATCH, Run, plan_due
from publisher.digest.desk import Desk
from publisher.digest.press import Press
from publisher.digest.resume import resume
from publisher.digest.revise import revise
from publisher.digest.welcome import receive
from publisher.progress import Progress, silent
from publisher.store.engine import Store
from publisher.templating import Templates

#: New objects after which Python looks for garbage.
_GARBAGE = 50_000

_log = log.get("digest")


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What one run of the plan step did, in subscriptions and deliveries."""

    #: Deliveries written, welcome editions among them.
    planned: int = 0
    #: Subscriptions that got their first due instant.
    scheduled: int = 0
    #: Pauses that ended.
    resumed: int = 0
    #: Due, with nothing in their window: nothing is sent.
    empty: int = 0
    #: Slots without an edition: too late, filled before, or of a newsletter that is no more.
    passed_over: int = 0
    #: Still due: a welcome is still to be tried, or an earlier message is on the wire or in doubt. After a run by hand:
    #: send, and plan again with the same name.
    waiting: int = 0
    #: Still due: their articles changed a moment ago.
    unsettled: int = 0
    #: Open deliveries that ended because the next edition takes their place.
    expired: int = 0
    #: Deliveries that got a message without an article withdrawn since.
    revised: int = 0
    #: Deliveries that ended because everything in them was withdrawn.
    cancelled: int = 0
    #: Still due: their message could not be rendered.
    failed: int = 0
    #: One line for each variant that could not be rendered.
    faults: tuple[str, ...] = ()


async def plan(
    store: Store, settings: Settings, templates: Templates, *, now: datetime, manual: str = "", newsletter: str = "",
    progress: Progress = silent, batch: int = BATCH,
) -> PlanReport:
    """Plans everything that is due at `now`; planning again at once plans nothing more.

    `manual` names a run by hand: the next edition of every active subscription to `newsletter`, which must then be
    given, at once and whatever is due; due instants stay. `newsletter` alone: only what is due of this one. `progress`
    hears of subscriptions looked at. `batch`: subscriptions planned in one write transaction.
    """
    desk = Desk(store, settings, Press(settings, templates), now)
    await resume(desk)
    await receive(desk)
    run = Run(desk, manual, newsletter, batch)
    # What stands in memory before is looked through for garbage once, not with each batch; and a batch is many rows
    # that live on until it is written.
    often = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_GARBAGE, *often[1:])
    try:
        await plan_due(run, progress)
    finally:
        gc.set_threshold(*often)
        gc.unfreeze()
    await revise(desk)
    return _report(desk.tally, desk.press.faults)


def _report(tally: Counter[str], faults: Sequence[str]) -> PlanReport:
    report = PlanReport(
        planned=tally["planned"], scheduled=tally["scheduled"], resumed=tally["resumed"], empty=tally["empty"],
        passed_over=tally["passed over"], waiting=tally["waiting"], unsettled=tally["unsettled"],
        expired=tally["expired"], revised=tally["revised"], cancelled=tally["cancelled"], failed=tally["failed"],
        faults=tuple(faults),
    )
    if any((report.planned, report.passed_over, report.revised, report.cancelled)):
        _log.info("planned", **{word: number for word, number in sorted(tally.items()) if number})
    return report
