"""When the operator is told, and what. Pure.

    facts | what is wrong, by kind | against what he was told already | raised, again, or over -> words

There is one alarm of each kind at a time: told once, again after a while as long as it stands, and when it is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

#: Complaints for each accepted message: told from here on, long before a provider acts (at 0.003).
COMPLAINTS = 0.001

#: Kind -> (what is wrong, that it is over, what to do).
KINDS = {
    "stuck": (
        "Mail is stuck", "Mail goes out again",
        "See `publisher status` and `publisher outbox list --summary`. Nothing is lost: it is tried again by itself.",
    ),
    "held": (
        "Messages are held back", "No message is held back any more",
        "`publisher outbox list --state held` has them; `publisher outbox release` lets them go.",
    ),
    "doubt": (
        "Messages are in doubt", "No message is in doubt any more",
        "`publisher outbox list --state in_doubt` names them; ask the mail server's log, then `outbox resolve`.",
    ),
    "dkim": ("The DKIM key cannot be used", "The DKIM key can be used again", "Nothing is sent until it can be."),
    "policy": (
        "A receiving domain refuses our mail", "No receiving domain refuses our mail any more",
        "No reader is given up for it; the domain gets less for now. See `publisher bounces list --class policy`.",
    ),
    "complaints": (
        "Readers call the mail spam", "Complaints are few again",
        "Providers act at 0.3 %. `publisher bounces rates` tells where from. Those readers get no more mail.",
    ),
    "store": ("The store is in trouble", "The store works again", "Nothing is planned or sent until it does."),
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """What the operator was told."""

    kind: str
    reason: str
    since: datetime
    #: None: it stands.
    cleared_at: datetime | None = None
    #: When each way out was last told of it.
    mailed_at: datetime | None = None
    posted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """How mail stands."""

    #: Messages that have been due for longer than `alerts.stuck`.
    late: int = 0
    #: One was accepted within that time.
    moving: bool = True
    #: Deferred messages of editions of which fewer were accepted, and the most common reply among them.
    deferred: int = 0
    reply: str = ""
    #: Messages that were withheld, and the most common reason.
    held: int = 0
    held_why: str = ""
    #: Messages in doubt that wait for the operator.
    doubtful: int = 0
    #: Refusals of the last day that are about us; the domain with most of them, and its words.
    refused: int = 0
    refused_by: str = ""
    refused_why: str = ""
    #: Domains where more than a few readers complained: what was accepted, and how many did.
    complained: Sequence[tuple[str, int, int]] = ()


def troubles(facts: Facts, stuck: timedelta, why: str) -> dict[str, str]:
    """What is wrong, by kind, with its reason. `why`: why the sender found no way out, where it found none."""
    found = {}
    minutes = max(1, round(stuck.total_seconds() / 60))
    if not facts.moving and facts.late:
        because = why or facts.reply or "no reply tells why; see the log"
        found["stuck"] = f"{_messages(facts.late)} due for more than {minutes} min, and none went out: {because}"
    elif not facts.moving and facts.deferred:
        found["stuck"] = f"{_messages(facts.deferred)} refused for now, and none went out; most often: {facts.reply}"
    if facts.held:
        found["held"] = f"{_messages(facts.held)} held back: {facts.held_why}"
    if facts.doubtful:
        found["doubt"] = f"{_messages(facts.doubtful)} in doubt: whether they arrived, only the mail server's log knows"
    if facts.refused:
        many = "A message was" if facts.refused == 1 else f"{facts.refused} messages were"
        found["policy"] = f"{many} refused in a day, most by {facts.refused_by}: {facts.refused_why}"
    if facts.complained:
        domain, accepted, count = facts.complained[0]
        readers = "1 reader" if count == 1 else f"{count} readers"
        share = 100 * count / max(accepted, 1)
        found["complaints"] = f"In 7 days {readers} at {domain} complained, of {_messages(accepted)} ({share:.2f} %)"
    return found


def near_limit(rates: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Of (domain, accepted, complaints) those that come near to what providers bear, the worst first."""
    near = [rate for rate in rates if rate[2] > COMPLAINTS * rate[1]]
    return sorted(near, key=lambda rate: -rate[2] / max(rate[1], 1))


def updated(known: Mapping[str, Alarm], wrong: Mapping[str, str], judged: Iterable[str], now: datetime) -> list[Alarm]:
    """The alarms as they stand now. Of a kind that could not be `judged`, what stood still stands."""
    found = dict(known)
    for kind in judged:
        before = known.get(kind)
        if kind not in wrong:
            if before is not None and before.cleared_at is None:
                found[kind] = replace(before, cleared_at=now)
        elif before is None:
            found[kind] = Alarm(kind, wrong[kind], now)
        elif before.cleared_at is not None:
            found[kind] = replace(before, reason=wrong[kind], since=now, cleared_at=None)
        else:
            found[kind] = replace(before, reason=wrong[kind])
    return list(found.values())


def is_due(alarm: Alarm, told_at: datetime | None, now: datetime, again: timedelta) -> bool:
    """Whether a way out that was last told at `told_at` is to be told now."""
    if alarm.cleared_at is None:
        return told_at is None or told_at < alarm.since or now - told_at >= again
    return told_at is not None and alarm.since <= told_at < alarm.cleared_at


def title(alarm: Alarm) -> str:
    """What is wrong, or that it is over, in a few words."""
    wrong, over, _ = KINDS[alarm.kind]
    return wrong if alarm.cleared_at is None else over


def text(alarm: Alarm) -> str:
    """The same with all that is known of it, as plain text."""
    since = f"{alarm.since:%Y-%m-%d %H:%M} UTC"
    if alarm.cleared_at is not None:
        return f"{title(alarm)}.\n\nIt stood since {since}: {alarm.reason}\n"
    return f"{title(alarm)}.\n\n{alarm.reason}\n\nSince {since}. {KINDS[alarm.kind][2]}\n"


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"
