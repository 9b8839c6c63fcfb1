"""One turn at the ledger, as a script: outcomes recorded, claims given back, the next ones taken, in one commit.

    readers locked | outcomes settled, windows moved on | unsent given back | claims taken if nothing is against it

A claim is taken by one guarded update: it changes the row only where its reader is still to get it, by everything
that was committed before (I10, I11).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    and_,
    bindparam,
    case,
    exists,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.sql.elements import ClauseElement

from publisher.delivery_state import delivered
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply
from publisher.store import recipients
from publisher.store.bulk import Bulk, PlainInstant, among_given, ids_value, plain
from publisher.store.express import Script, Step
from publisher.store.mail_schema import (
    attempts,
    deliveries,
    editions,
    notices,
    subscribers,
    subscriptions,
    suppressions,
    variants,
)
from publisher.text import clean

#: Not ended yet.
_WAITING = (DeliveryState.DEFERRED, DeliveryState.IN_DOUBT, DeliveryState.HELD)
_TABLES = {"notice": notices, "delivery": deliveries}
_REPLY = ("reply_code", "reply_enhanced", "reply_text")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one commit did."""

    #: May be sent now.
    taken: tuple[Claim, ...]
    #: Changed since they were read, or not to be sent any more.
    refused: tuple[Claim, ...]


def turn(
    dialect: str, now: datetime, outcomes: Sequence[Outcome] = (), unsent: Sequence[Claim] = (),
    wanted: Sequence[Claim] = (),
) -> Script[Turn]:
    """The script of a turn in `dialect`. An outcome of a claim that is settled already changes nothing."""
    if dialect != "sqlite":  # which has one writer
        yield from _locked(dialect, [*(outcome.claim for outcome in outcomes), *wanted], wanted)
    taken: list[Claim] = []
    refused: list[Claim] = []
    for kind in _TABLES:
        yield from _settled_all(dialect, kind, [outcome for outcome in outcomes if outcome.claim.kind == kind])
        back = [claim for claim in unsent if claim.kind == kind]
        if back:
            yield Step(_RELEASED[kind], [
                (claim.state.value, claim.attempt - 1, _at(dialect, claim.due_at), claim.id) for claim in back
            ])
        mine = [claim for claim in wanted if claim.kind == kind]
        if mine:
            changed = yield Step(_CLAIMED[kind], [_guards(dialect, claim, now) for claim in mine])
            for claim, count in zip(mine, changed, strict=True):
                (taken if count else refused).append(claim)
    return Turn(tuple(taken), tuple(refused))


def _locked(dialect: str, concerned: Sequence[Claim], wanted: Sequence[Claim]) -> Script[None]:
    """The reader before the delivery, as everybody does, and in one order: two who lock several never block another."""
    readers = sorted({claim.subscription_id for claim in concerned})
    yield Step(_LOCK_READERS, [(ids_value(dialect, readers),)])
    shown = sorted({claim.variant_id for claim in wanted if claim.variant_id is not None})
    yield Step(_LOCK_VARIANTS, [(ids_value(dialect, shown),)])


def _settled_all(dialect: str, kind: str, outcomes: list[Outcome]) -> Script[None]:
    """Outcomes of claims of one kind: settled, windows moved on, attempts written down."""
    if not outcomes:
        return
    outcomes.sort(key=_place)
    said = [_said(outcome.reply) for outcome in outcomes]
    finished = [_at(dialect, outcome.finished_at) for outcome in outcomes]
    changed = yield Step(_SETTLED[kind], [
        (outcome.state.value, _at(dialect, outcome.next_attempt_at), *words, None if outcome.state in _WAITING else end,
         outcome.claim.id)
        for outcome, words, end in zip(outcomes, said, finished, strict=True)
    ])
    done = [row for row, count in zip(zip(outcomes, said, finished, strict=True), changed, strict=True) if count]
    arrived = [
        (outcome.claim.subscription_id, outcome.claim.to_seq, outcome.claim.created_at or outcome.started_at)
        for outcome, _, _ in done
        if kind == "delivery" and delivered(outcome.state, doubted=outcome.claim.in_doubt)
    ]
    yield from opened_after(dialect, arrived)
    yield Step(_ATTEMPTED, [
        (kind, outcome.claim.id, outcome.claim.attempt, _at(dialect, outcome.started_at), end, outcome.state.value,
         *words)
        for outcome, words, end in done
    ])


def _place(outcome: Outcome) -> int:
    return outcome.claim.id


def opened_after(dialect: str, windows: Sequence[tuple[int, int, datetime]]) -> Script[None]:
    """Opens subscriptions' next windows, each given by its subscription, its end and when it was planned.

    That of articles opens after the end, that of corrections after the planning; none ever moves back. So do those of
    welcome editions that are still owed: the reader left and came back while this was on its way.
    """
    rows = []
    for of, to_seq, planned_at in windows:
        told = plain(dialect, planned_at)
        rows.append((to_seq, to_seq, to_seq, to_seq, told, told, of))
    yield Step(_ADVANCED, rows)


def _said(reply: Reply) -> tuple[int, str, str]:
    """What the server said, less what a database refuses: a reply must never keep outcomes from being recorded."""
    return reply.code, clean(reply.enhanced)[:12], clean(reply.text)[:2000]


def _at(dialect: str, instant: datetime | None) -> PlainInstant | None:
    return None if instant is None else plain(dialect, instant)


def _guards(dialect: str, claim: Claim, now: datetime) -> tuple[Any, ...]:
    """The values of `_claimed`."""
    values = (
        plain(dialect, now), claim.id, claim.state.value, _at(dialect, claim.due_at), claim.subscription_id,
        claim.email, claim.email_key, claim.variant_id, claim.variant_id,
    )
    return values if claim.kind == "notice" else (*values, claim.edition_id)


_GUARDS = ("now", "of", "was", "due", "reader", "email", "email_key", "variant", "shown")


def _text(value: str) -> ColumnElement[str]:
    """A word of ours, written out: a statement has no values but those that change."""
    return literal_column(f"'{value}'", String)


def _claimed(kind: str, _dialect: str) -> ClauseElement:
    """A claim, refused where the row changed or its reader is not to get it any more."""
    table = _TABLES[kind]
    reader = (
        select(subscriptions.c.id)
        .join(subscribers, subscriptions.c.subscriber_id == subscribers.c.id)
        .where(
            subscriptions.c.id == bindparam("reader", type_=BigInteger), recipients.wanted(kind),
            recipients.email(kind) == bindparam("email"),
        )
        .correlate(table)
    )
    against = and_(suppressions.c.email_key == bindparam("email_key"), recipients.barred(kind))
    shown = and_(variants.c.id == bindparam("shown", type_=BigInteger), variants.c.stale.is_(False))
    same = table.c.variant_id == bindparam("variant", type_=BigInteger)
    fresh = and_(same, exists(select(variants.c.id).where(shown)))
    conditions = [
        table.c.id == bindparam("of"), table.c.state == bindparam("was"),
        table.c.next_attempt_at == bindparam("due"), exists(reader),
        ~exists(select(suppressions.c.email_key).where(against).correlate(notices)),
    ]
    if kind == "notice":  # it may be a copy of a digest
        conditions.append(or_(table.c.variant_id.is_(None), fresh))
    else:
        running = and_(editions.c.id == bindparam("edition", type_=BigInteger), editions.c.state == _text("running"))
        conditions += [fresh, exists(select(editions.c.id).where(running))]
    claimed = {
        "state": _text(DeliveryState.CLAIMED), "attempts": table.c.attempts + literal_column("1"),
        "next_attempt_at": null(), "claimed_at": bindparam("now"),
    }
    return update(table).where(*conditions).values(claimed)


def _settled(kind: str, _dialect: str) -> ClauseElement:
    table = _TABLES[kind]
    mine = and_(table.c.id == bindparam("of"), table.c.state == _text(DeliveryState.CLAIMED))
    return update(table).where(mine).values({name: bindparam(f"new_{name}") for name in _SETTLING})


def _released(kind: str, _dialect: str) -> ClauseElement:
    """A claim of which no byte was sent: the row is as it was before."""
    table = _TABLES[kind]
    mine = and_(table.c.id == bindparam("of"), table.c.state == _text(DeliveryState.CLAIMED))
    before: dict[str, Any] = {
        "state": bindparam("new_state"), "attempts": bindparam("new_attempts"), "next_attempt_at": bindparam("due"),
    }
    return update(table).where(mine).values(before)


def _attempted(_dialect: str) -> ClauseElement:
    return insert(attempts).values({name: bindparam(name) for name in _ATTEMPT})


def _advanced(_dialect: str) -> ClauseElement:
    moving = (subscriptions.c.from_seq, subscriptions.c.welcome_after)
    ends = [bindparam(f"to_{number}", type_=BigInteger) for number in range(4)]
    cases = {
        column: case((column < ends[2 * at], ends[2 * at + 1]), else_=column) for at, column in enumerate(moving)
    }
    told = subscriptions.c.corrections_from
    later = or_(told.is_(None), told < bindparam("told_0"))
    cases[told] = case((later, bindparam("told_1")), else_=told)
    return update(subscriptions).where(subscriptions.c.id == bindparam("of")).values(cases)


def _lock_readers(dialect: str) -> ClauseElement:
    chosen = among_given(dialect, subscriptions.c.id, "ids")
    return select(subscriptions.c.id).where(chosen).order_by(subscriptions.c.id).with_for_update()


def _lock_variants(dialect: str) -> ClauseElement:
    chosen = among_given(dialect, variants.c.id, "ids")
    return select(variants.c.id).where(chosen).order_by(variants.c.id).with_for_update(read=True)


_SETTLING = ("state", "next_attempt_at", *_REPLY, "finished_at")
_ATTEMPT = ("kind", "ref_id", "number", "started_at", "finished_at", "state", *_REPLY)
_CLAIMED = {
    "delivery": Bulk(partial(_claimed, "delivery"), (*_GUARDS, "edition")),
    "notice": Bulk(partial(_claimed, "notice"), _GUARDS),
}
_SETTLED = {kind: Bulk(partial(_settled, kind), (*(f"new_{name}" for name in _SETTLING), "of")) for kind in _TABLES}
_RELEASED = {kind: Bulk(partial(_released, kind), ("new_state", "new_attempts", "due", "of")) for kind in _TABLES}
_ATTEMPTED = Bulk(_attempted, _ATTEMPT)
_ADVANCED = Bulk(_advanced, ("to_0", "to_1", "to_2", "to_3", "told_0", "told_1", "of"))
_LOCK_READERS = Bulk(_lock_readers, ("ids",))
_LOCK_VARIANTS = Bulk(_lock_variants, ("ids",))
