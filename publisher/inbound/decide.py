"""What becomes of a reader after a report. Pure.

    what it says    how it is known                         then
    ─────────────   ─────────────────────────────────────   ──────────────────────────────────────────────────────────
    anything        without proof                           nothing: it is listed; a wish to leave goes to the editor
    hard            the receiving server, at its door       the address is given up at once
                    a report, the second day on which       the same
                    a report, the first                     counted
    soft            the fifth message in a row, over        the same
                    14 days; before that                    counted
    policy          either                                  nothing against the reader: the operator is told
    complaint       either                                  the address is given up, all its subscriptions end
    unsubscribe     a mail                                  the subscription ends

Mail that gets through between two reports begins the count anew, and so does time (`inbound.memory`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from publisher.incoming import Finding, ReportClass, ReportKind, Subject, Tally


class Effect(StrEnum):
    """What a report changes."""

    NOTHING = "nothing"
    COUNT = "count"
    GIVE_UP = "give up"
    COMPLAIN = "complain"
    LEAVE = "leave"
    TELL = "tell"
    FORWARD = "forward"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The operator's choices; see `publisher.inbound_settings.Inbound`."""

    hard_days: int = 2
    soft_sends: int = 5
    soft_span: timedelta = timedelta(days=14)
    memory: timedelta = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the reader."""

    effect: Effect
    #: The same in plain words.
    words: str
    #: What is held against the address from now on; None: as before.
    tally: Tally | None = None


def decide(  # noqa: PLR0911 - a table, read from above
    finding: Finding, way: str, subject: Subject | None, tally: Tally | None, limits: Thresholds, now: datetime
) -> Decision:
    """The decision. `tally`: what is held against the address, None where mail got through since, or nothing is."""
    if finding.kind is ReportKind.LETTER:
        return Decision(Effect.FORWARD, "a letter: to the editor")
    if subject is None and finding.kind is ReportKind.UNSUBSCRIBE:
        return Decision(Effect.FORWARD, "asks to leave and proves nothing: to the editor")
    if subject is None:
        return Decision(Effect.NOTHING, "proves nothing: listed only")
    if finding.report_class is ReportClass.UNSUBSCRIBE:
        return Decision(Effect.LEAVE, "the reader left")
    if finding.report_class is ReportClass.COMPLAINT:
        return Decision(Effect.COMPLAIN, "the reader complained: the address is given up, all its subscriptions end")
    if finding.kind is ReportKind.DELAY or finding.report_class is ReportClass.OTHER:
        return Decision(Effect.NOTHING, "nothing has failed yet" if finding.kind is ReportKind.DELAY else "passed over")
    if finding.report_class is ReportClass.POLICY:
        return Decision(Effect.TELL, "not held against the reader; the operator is told")
    if finding.rule == "rate":
        return Decision(Effect.TELL, "given up for our pace, not for the reader's address; the domain gets less")
    if not subject.bound and finding.address.casefold() != subject.email.casefold():
        return Decision(Effect.NOTHING, "names another address than the reader's: listed only")
    return _held_against(finding, way, subject, _fresh(tally, subject, limits, now), limits, now)


def _fresh(tally: Tally | None, subject: Subject, limits: Thresholds, now: datetime) -> Tally:
    """The tally, less what is forgotten."""
    found = tally or Tally(subject.email_key)
    if found.hard_last_at is not None and now - found.hard_last_at > limits.memory:
        found = replace(found, hard_days=0, hard_first_at=None, hard_last_at=None)
    if found.soft_last_at is not None and now - found.soft_last_at > limits.memory:
        found = replace(found, soft_sends=0, soft_first_at=None, soft_last_at=None)
    return found


def _held_against(
    finding: Finding, way: str, subject: Subject, tally: Tally, limits: Thresholds, now: datetime
) -> Decision:
    again = subject.delivery_id is not None and subject.delivery_id <= tally.delivery_id
    counted = replace(tally, delivery_id=max(tally.delivery_id, subject.delivery_id or 0))
    if finding.report_class is ReportClass.HARD and way == "smtp":
        return Decision(Effect.GIVE_UP, "refused at the door: the address is given up", counted)
    if again:
        return Decision(Effect.NOTHING, "a further report of a message that is counted")
    if finding.report_class is ReportClass.HARD:
        new_day = counted.hard_last_at is None or counted.hard_last_at.date() < now.date()
        counted = replace(
            counted, hard_days=counted.hard_days + new_day, hard_first_at=counted.hard_first_at or now, hard_last_at=now
        )
        if counted.hard_days >= limits.hard_days:
            return Decision(Effect.GIVE_UP, f"dead on {counted.hard_days} days: the address is given up", counted)
        return Decision(Effect.COUNT, f"dead, said on {_of(counted.hard_days, limits.hard_days)} days", counted)
    counted = replace(
        counted, soft_sends=counted.soft_sends + 1, soft_first_at=counted.soft_first_at or now, soft_last_at=now
    )
    lasted = now - (counted.soft_first_at or now) >= limits.soft_span
    if counted.soft_sends >= limits.soft_sends and lasted:
        return Decision(Effect.GIVE_UP, f"{counted.soft_sends} messages in a row did not arrive: given up", counted)
    words = f"did not arrive, {_of(counted.soft_sends, limits.soft_sends)} messages in a row"
    return Decision(Effect.COUNT, words, counted)


def _of(count: int, limit: int) -> str:
    return f"{count} of {limit}"
