"""What a decision writes: the report, and what becomes of the reader, in their history and reversible.

    given up      suppression "bounce" (lifted by hand: `publisher.store.suppressions.release`)
    complained    suppression "complaint", all subscriptions end
    left          the subscription ends, once, by whichever way it was asked first
    a letter      kept until it is with the editor
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from publisher.inbound.decide import Decision, Effect
from publisher.incoming import Report, Subject
from publisher.store import audience, forwards
from publisher.store.engine import Tx
from publisher.text import clean

#: Effects that change more than the count.
CHANGES = (Effect.GIVE_UP, Effect.COMPLAIN, Effect.LEAVE, Effect.FORWARD)
#: Reasons of a suppression that none of ours takes the place of.
_KEPT = ("bounce", "complaint")


def row_of(
    report: Report, subject: Subject | None, decision: Decision, now: datetime, *, erased: bool
) -> dict[str, Any]:
    """The report as it is recorded; `erased`: of somebody who was erased, so without what is personal."""
    finding = report.finding
    address = finding.address or (subject.email if subject else "")
    domain = (subject.email_key if subject else address.lower()).rpartition("@")[2]
    return {
        "digest": report.digest, "at": now, "way": report.way, "class": finding.report_class.value,
        "kind": finding.kind.value, "address": "" if erased else clean(address),
        "domain": clean(domain)[:255], "code": finding.code[:12],
        "reason": "" if erased else clean(finding.reason), "rule": finding.rule,
        "evidence": "" if erased else report.evidence, "effect": decision.words,
        "subscriber_id": subject.subscriber_id if subject else None,
        "subscription_id": subject.subscription_id if subject else None,
        "delivery_id": subject.delivery_id if subject else None, "edition_id": subject.edition_id if subject else None,
    }


async def apply(
    tx: Tx, report: Report, subject: Subject | None, decision: Decision, bounce_id: int, content: bytes, now: datetime
) -> None:
    """Changes what the decision says. `content`: of a letter."""
    finding = report.finding
    if decision.effect is Effect.FORWARD:
        subject_line = finding.reason
        await forwards.add(tx, report.digest, finding.address, subject_line, content, now)
    if subject is None:
        return
    origin = f"mail ({report.way}), report {bounce_id}"
    if decision.effect is Effect.LEAVE:
        await _leave(tx, subject.subscription_id, origin, now)
    elif decision.effect is Effect.GIVE_UP:
        await _suppress(tx, subject, "bounce", f"{decision.words}; report {bounce_id}: {finding.reason}", now)
        await _tell_history(tx, subject, "bounced", origin, decision.words, now)
    elif decision.effect is Effect.COMPLAIN:
        await _suppress(tx, subject, "complaint", f"report {bounce_id}: {finding.reason}", now)
        await _tell_history(tx, subject, "complained", origin, finding.reason, now)
        for reader in await audience.readers_by_email(tx, subject.email_key):
            await audience.unsubscribe(tx, reader.subscription.id, now)


async def _leave(tx: Tx, subscription_id: int, origin: str, now: datetime) -> None:
    """Ends the subscription; where another way was faster, that one stands in the history."""
    if await audience.unsubscribe(tx, subscription_id, now):
        await audience.add_consent(tx, subscription_id, action="left", now=now, origin=origin, wording="")


async def _suppress(tx: Tx, subject: Subject, reason: str, note: str, now: datetime) -> None:
    if await audience.suppressed(tx, subject.email_key) not in _KEPT:
        await audience.suppress(tx, subject.email_key, reason=reason, note=clean(note)[:500], now=now)


async def _tell_history(tx: Tx, subject: Subject, action: str, origin: str, wording: str, now: datetime) -> None:
    for reader in await audience.readers_by_email(tx, subject.email_key):
        await audience.add_consent(
            tx, reader.subscription.id, action=action, now=now, origin=origin, wording=clean(wording)
        )
