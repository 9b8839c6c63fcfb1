"""One turn at the ledger, as a script: outcomes recorded, claims given back, the next ones taken, in one commit.

    readers locked | outcomes settled, windows moved on | unsent given back | claims taken if nothing is against it

A claim is taken by one guarded update: it changes the row only where its reader is still to get it, by everything
that was committed before (I10, I11).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, BindParameter, and_, bindparam, case, exists, func, insert, null, select, update

from publisher.delivery_state import delivered
from publisher.model import SubscriptionState
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply
from publisher.store.express import Script, Statement, Step
from publisher.store.instant import Instant
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
_TABLES = {"delivery": deliveries, "notice": notices}
_OF = bindparam("of", type_=BigInteger)
_TO = bindparam("to", type_=BigInteger)
_NOW = bindparam("now", type_=Instant)
_REPLY = ("reply_code", "reply_enhanced", "reply_text")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one commit did."""

    #: May be sent now.
    taken: tuple[Claim, ...]
    #: Changed since they were read, or not to be sent any more.
    refused: tuple[Claim, ...]


def turn(
    now: datetime, outcomes: Sequence[Outcome] = (), unsent: Sequence[Claim] = (), wanted: Sequence[Claim] = ()
) -> Script[Turn]:
    """The script of a turn. An outcome of a claim that is settled already changes nothing."""
    concerned = (*(outcome.claim for outcome in outcomes), *wanted)
    # The reader before the delivery, as everybody does, and in one order: two who lock several never block each other.
    yield Step(_LOCK_READERS, {"ids": sorted({claim.subscription_id for claim in concerned})})
    yield Step(_LOCK_VARIANTS, {"ids": sorted({claim.variant_id for claim in wanted if claim.variant_id is not None})})
    for outcome in sorted(outcomes, key=_place):
        yield from _settle(outcome)
    for claim in unsent:
        yield Step(_RELEASED[claim.kind], {
            "of": claim.id, "new_state": claim.state, "new_attempts": claim.attempt - 1, "due": claim.due_at,
        })
    taken: list[Claim] = []
    refused: list[Claim] = []
    for claim in wanted:
        changed = yield Step(_CLAIMED[claim.kind], _guards(claim, now))
        (taken if changed else refused).append(claim)
    return Turn(tuple(taken), tuple(refused))


def _place(outcome: Outcome) -> tuple[str, int]:
    return outcome.claim.kind, outcome.claim.id


def _settle(outcome: Outcome) -> Script[None]:
    claim = outcome.claim
    said = _said(outcome.reply)
    changed = yield Step(_SETTLED[claim.kind], {
        "of": claim.id, "new_state": outcome.state, "new_next_attempt_at": outcome.next_attempt_at,
        "new_finished_at": None if outcome.state in _WAITING else outcome.finished_at,
        **{f"new_{name}": value for name, value in said.items()},
    })
    if not changed:
        return
    if claim.kind == "delivery" and delivered(outcome.state, doubted=claim.in_doubt):
        yield from opened_after(claim.subscription_id, claim.to_seq, claim.created_at or outcome.started_at)
    yield Step(_ATTEMPTED, {
        "kind": claim.kind, "ref_id": claim.id, "number": claim.attempt, "started_at": outcome.started_at,
        "finished_at": outcome.finished_at, "state": outcome.state, **said,
    })


def opened_after(subscription_id: int, to_seq: int, planned_at: datetime) -> Script[None]:
    """Opens a subscription's next window after `to_seq`, and that of corrections after `planned_at`; none moves back.

    So does that of a welcome edition that is still owed: the reader left and came back while this was on its way.
    """
    yield Step(_ADVANCED, {"of": subscription_id, "to": to_seq, "planned_at": planned_at})


def _said(reply: Reply) -> dict[str, Any]:
    """What the server said, less what a database refuses: a reply must never keep outcomes from being recorded."""
    return {
        "reply_code": reply.code, "reply_enhanced": clean(reply.enhanced)[:12], "reply_text": clean(reply.text)[:2000],
    }


def _guards(claim: Claim, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {
        "of": claim.id, "now": now, "was": claim.state, "due": claim.due_at, "reader": claim.subscription_id,
        "email": claim.email, "email_key": claim.email_key,
    }
    if claim.kind == "delivery":
        values |= {"variant": claim.variant_id, "edition": claim.edition_id}
    return values


def _claimed(kind: str) -> Statement:
    """A claim, refused where the row changed or its reader is not to get it any more."""
    table = _TABLES[kind]
    notice = kind == "notice"
    wanted = SubscriptionState.PENDING if notice else SubscriptionState.ACTIVE
    reader = (
        select(subscriptions.c.id)
        .join(subscribers, subscriptions.c.subscriber_id == subscribers.c.id)
        .where(
            subscriptions.c.id == bindparam("reader", type_=BigInteger), subscriptions.c.state == wanted,
            subscribers.c.email == bindparam("email"),
        )
    )
    against = suppressions.c.email_key == bindparam("email_key")
    if notice:  # an address that was only unsubscribed may still be asked for a fresh confirmation (I11)
        against = and_(against, suppressions.c.reason != "unsubscribed")
    conditions = [
        table.c.id == _OF, table.c.state == bindparam("was"),
        table.c.next_attempt_at == bindparam("due", type_=Instant), exists(reader),
        ~exists(select(suppressions.c.reason).where(against)),
    ]
    if not notice:
        variant, edition = bindparam("variant", type_=BigInteger), bindparam("edition", type_=BigInteger)
        conditions += [
            table.c.variant_id == variant,
            exists(select(variants.c.id).where(variants.c.id == variant, variants.c.stale.is_(False))),
            exists(select(editions.c.id).where(editions.c.id == edition, editions.c.state == "running")),
        ]
    claimed = {"state": DeliveryState.CLAIMED, "claimed_at": _NOW, "next_attempt_at": null()}
    return Statement(update(table).where(*conditions).values(**claimed, attempts=table.c.attempts + 1))


def _settled(kind: str) -> Statement:
    table = _TABLES[kind]
    mine = and_(table.c.id == _OF, table.c.state == DeliveryState.CLAIMED)
    names = ("state", "next_attempt_at", "finished_at", *_REPLY)
    return Statement(update(table).where(mine).values({name: bindparam(f"new_{name}") for name in names}))


def _released(kind: str) -> Statement:
    """A claim of which no byte was sent: the row is as it was before."""
    table = _TABLES[kind]
    mine = and_(table.c.id == _OF, table.c.state == DeliveryState.CLAIMED)
    before = {
        "state": bindparam("new_state"), "attempts": bindparam("new_attempts"),
        "next_attempt_at": bindparam("due", type_=Instant),
    }
    return Statement(update(table).where(mine).values(before))


_CLAIMED = {kind: _claimed(kind) for kind in _TABLES}
_SETTLED = {kind: _settled(kind) for kind in _TABLES}
_RELEASED = {kind: _released(kind) for kind in _TABLES}
_ATTEMPTED = Statement(insert(attempts).values({
    name: bindparam(name) for name in ("kind", "ref_id", "number", "started_at", "finished_at", "state", *_REPLY)
}))
_MOVING = (subscriptions.c.from_seq, subscriptions.c.welcome_after)
_PLANNED_AT = bindparam("planned_at", type_=Instant)
_TOLD = func.coalesce(subscriptions.c.corrections_from, _PLANNED_AT)
_ADVANCED = Statement(
    update(subscriptions)
    .where(subscriptions.c.id == _OF)
    .values({column: case((column < _TO, _TO), else_=column) for column in _MOVING} | {
        subscriptions.c.corrections_from: case((_TOLD < _PLANNED_AT, _PLANNED_AT), else_=_TOLD),
    })
)
_IDS: BindParameter[int] = bindparam("ids", expanding=True)
_LOCK_READERS = Statement(
    select(subscriptions.c.id).where(subscriptions.c.id.in_(_IDS)).order_by(subscriptions.c.id).with_for_update(),
    lock=True,
)
_LOCK_VARIANTS = Statement(
    select(variants.c.id).where(variants.c.id.in_(_IDS)).order_by(variants.c.id).with_for_update(read=True), lock=True
)
