"""The step of the way back: what came in is judged, and what it changes is changed, in one commit.

    letters | report of each (pure) | who: tokens against the rows that they name | what is held against them | decide
            -> STORE  reports, tallies; suppression, unsubscription, history; letters for the editor
    refusals at the door (attempts that ended so) | the same, without a doubt who

A report is recorded once, by its digest: what is handed in again after a crash changes nothing. Subscriptions are
locked before anything is changed, as claims lock them (I10).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from publisher import return_path
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.inbound.decide import Decision, Effect, Thresholds, decide
from publisher.inbound.effects import CHANGES, apply, row_of
from publisher.inbound.prose import codes_in
from publisher.inbound.report import report_of
from publisher.inbound.rules import Rule, judge, own_rule
from publisher.inbound_settings import Inbound
from publisher.incoming import Finding, Letter, Report, ReportClass, ReportKind, Subject, Tally
from publisher.outgoing import Reply
from publisher.store import bounces, forwards, suppressions
from publisher.store.engine import Store, Tx
from publisher.text import clean, one_line, shorten
from publisher.tokens import row_of as row_in

#: Refusals at the door that are judged in one transaction.
_CHUNK = 500
#: Letters that may wait for the editor, and their bytes.
_LETTERS = 1_000
_LETTER_BYTES = 100_000_000
#: At the first look, refusals older than this are left alone.
_FIRST_LOOK = timedelta(days=14)
#: Outcomes of other processes may be committed a little after their time, and addresses be read a little before an
#: attempt begins: so far is looked back.
_OVERLAP = timedelta(minutes=10)
#: What ends a subscription.
_WISHES = (ReportClass.UNSUBSCRIBE, ReportClass.COMPLAINT)
#: Rules whose refusals are about us, at the door of a whole domain.
_ABOUT_US = ("blocked", "unauthenticated", "rate", "sender", "refused", "too many dead addresses")


@dataclass(frozen=True, slots=True)
class Received:
    """What one commit did."""

    #: Of each report, in order; None where it was recorded already, or is not taken in.
    decisions: tuple[Decision | None, ...] = ()
    #: Whether each was taken in: letters of strangers are not while too many wait for the editor.
    taken: tuple[bool, ...] = ()
    #: What receiving domains said that refuse us: they are to be spared.
    spared: dict[str, Reply] = field(default_factory=dict)


def own_rules(inbound: Inbound | None) -> tuple[Rule, ...]:
    """The operator's rules."""
    return tuple(own_rule(rule.name, rule.match, rule.report_class) for rule in (inbound or Inbound()).rule)


async def receive(
    store: Store, settings: Settings, keys: Keys, letters: Sequence[Letter], now: datetime
) -> Received:
    """Takes these messages in; when this returns, what they say is committed. Raises StoreError: none of it is."""
    rules = own_rules(settings.inbound)
    reports = await asyncio.to_thread(lambda: [report_of(letter, rules) for letter in letters])
    async with store.write() as tx:
        fresh = await _fresh(tx, reports)
        subjects = await _subjects(tx, keys, fresh)
        contents = {report.digest: letter.content for report, letter in zip(reports, letters, strict=True)}
        left = await _no_room(tx, fresh, subjects)
        pairs = [(one, subjects.get(one.digest)) for one in fresh if one.digest not in left]
        decided = await _settle(tx, settings, pairs, now, contents)
    by_digest = {report.digest: decision for report, _, decision in decided}
    taken = tuple(report.digest not in left for report in reports)
    return Received(tuple(by_digest.pop(report.digest, None) for report in reports), taken, _spared(decided))


async def _no_room(tx: Tx, reports: Sequence[Report], subjects: dict[str, Subject]) -> set[str]:
    """Letters that are not taken in for now: of strangers, where too many wait for the editor."""
    letters = (one.digest for one in reports if one.finding.kind in (ReportKind.LETTER, ReportKind.UNSUBSCRIBE))
    strangers = [digest for digest in letters if digest not in subjects]
    if not strangers:
        return set()
    count, size = await forwards.waiting(tx)
    return set(strangers[max(0, _LETTERS - count) if size < _LETTER_BYTES else 0 :])


async def judge_refusals(store: Store, settings: Settings, now: datetime) -> Received:
    """Judges what receiving servers refused at their doors since the last look; all that is there."""
    spared: dict[str, Reply] = {}
    decisions: list[Decision | None] = []
    async with store.read() as tx:
        last = await bounces.last_judged(tx)
    since = max(now - _FIRST_LOOK, (last or now - _FIRST_LOOK) - _OVERLAP)
    while True:
        async with store.write() as tx:
            rows = await bounces.refused(tx, since, _CHUNK)
            there = {
                kind: await bounces.subjects_of_messages(tx, kind, {row.ref_id for row in rows if row.kind == kind})
                for kind in ("delivery", "notice")
            }
            moved = await bounces.moved(tx, {one.subscriber_id for of in there.values() for one in of.values()})
            subjects = [_met(row, there[row.kind].get(row.ref_id), moved) for row in rows]
            pairs = [(_refusal(row, subject), subject) for row, subject in zip(rows, subjects, strict=True)]
            decided = await _settle(tx, settings, pairs, now, {})
        spared |= _spared(decided)
        decisions += [decision for *_, decision in decided]
        if len(rows) < _CHUNK:
            return Received(tuple(decisions), (), spared)


def _met(row: Any, subject: Subject | None, moved: dict[int, tuple[str, datetime]]) -> Subject | None:
    """The subject of a refusal, unless it was given to the address that the reader had before the one of today."""
    if subject is None or subject.subscriber_id not in moved:
        return subject
    today, since = moved[subject.subscriber_id]
    return None if subject.email_key == today and since > row.started_at - _OVERLAP else subject


def _refusal(row: Any, subject: Subject | None) -> Report:
    """The report that a server gave while a message was sent."""
    text, code = row.reply_text, row.reply_code
    enhanced = row.reply_enhanced or codes_in(text).enhanced
    ruling = judge([text], enhanced, str(code or ""))
    finding = Finding(
        ruling.report_class, ReportKind.BOUNCE, subject.email if subject else "", enhanced or str(code or ""),
        shorten(one_line(text), 300), ruling.rule,
    )
    return Report(finding, "smtp", f"attempt {row.id}", (), clean(text), row.finished_at)


async def _fresh(tx: Tx, reports: Sequence[Report]) -> list[Report]:
    """Those that are not recorded yet, each once."""
    known = await bounces.known(tx, sorted({report.digest for report in reports}))
    return list({report.digest: report for report in reports if report.digest not in known}.values())


async def _subjects(tx: Tx, keys: Keys, reports: Sequence[Report]) -> dict[str, Subject]:
    """Whom each report is proven to be about, by its digest: by return path first, then by link and Message-ID."""
    found = await _by_return_path(tx, keys, reports)
    left = [report for report in reports if report.digest not in found]
    links, named = await _by_link(tx, keys, left), await _by_message_id(tx, left)
    for report in left:
        subject = _shown(report.finding, links.get(report.digest), named.get(report.digest))
        if subject is not None:
            found[report.digest] = subject
    return found


def _shown(finding: Finding, linked: Subject | None, named: Subject | None) -> Subject | None:
    """Whom a link and a Message-ID show together.

    A Message-ID stands in every copy that is passed on: what ends a subscription needs its link, or the address too.
    """
    if linked is not None and named is not None and linked.subscription_id == named.subscription_id:
        return named
    if finding.report_class not in _WISHES:
        return named or linked
    if linked is None and named is not None and finding.address.casefold() == named.email.casefold():
        return named
    return linked


async def _by_return_path(tx: Tx, keys: Keys, reports: Sequence[Report]) -> dict[str, Subject]:
    """By a token that was made for the address that the message went to."""
    found: dict[str, Subject] = {}
    for kind in ("delivery", "notice"):
        tokens = [(report.digest, proof.value) for report in reports if report.digest not in found
                  for proof in report.proofs if proof.kind == "message"]
        rows = {token: row for _, token in tokens if (row := row_in(token)) is not None}
        there = await bounces.subjects_of_messages(tx, kind, rows.values())
        for digest, token in reversed(tokens):
            subject = there.get(rows.get(token, -1))
            if subject and return_path.proves_message(keys, token, kind, subject.email_key):
                found[digest] = subject
    return found


async def _by_message_id(tx: Tx, reports: Sequence[Report]) -> dict[str, Subject]:
    """By a Message-ID of ours: nobody can guess one, but it says nothing of the address."""
    named = [
        (report.digest, proof.value) for report in reports for proof in report.proofs if proof.kind == "message-id"
    ]
    there = await bounces.subjects_of_message_ids(tx, {ident for _, ident in named})
    return {digest: replace(there[ident], bound=False) for digest, ident in reversed(named) if ident in there}


async def _by_link(tx: Tx, keys: Keys, reports: Sequence[Report]) -> dict[str, Subject]:
    """By a token that ends a subscription."""
    links = [
        (report.digest, row_in(proof.value)) for report in reports for proof in report.proofs
        if proof.kind == "subscription" and return_path.proves_subscription(keys, proof.value)
    ]
    there = await bounces.subjects_of_subscriptions(tx, {row for _, row in links if row is not None})
    return {digest: replace(there[row], bound=False) for digest, row in reversed(links) if row in there}


Decided = list[tuple[Report, Subject | None, Decision]]


async def _settle(
    tx: Tx, settings: Settings, pairs: Sequence[tuple[Report, Subject | None]], now: datetime,
    contents: dict[str, bytes],
) -> Decided:
    """Decides on each report in turn, and writes all of it."""
    about = [subject for _, subject in pairs if subject is not None]
    await bounces.lock(tx, {subject.subscriber_id for subject in about})
    tallies: dict[str, Tally | None] = dict(await bounces.tallies(tx, sorted({one.email_key for one in about})))
    limits = _limits(settings.inbound)
    decided: Decided = []
    changed: dict[str, Tally] = {}
    for report, subject in pairs:
        tally = None
        if subject is not None:
            tally = await _standing(tx, tallies.get(subject.email_key), subject)
        decision = decide(report.finding, report.way, subject, tally, limits, report.at or now)
        if decision.tally is not None:
            tallies[decision.tally.email_key] = changed[decision.tally.email_key] = decision.tally
        decided.append((report, subject, decision))
    named = {report.finding.address.casefold() for report, _ in pairs} - {""}
    erased = await suppressions.marks_of(tx, named)
    await bounces.add(tx, [
        row_of(*one, one[0].at or now, erased=one[0].finding.address.casefold() in erased) for one in decided
    ])
    await bounces.keep_tallies(tx, list(changed.values()))
    more = [one for one in decided if one[2].effect in CHANGES]
    ids = await bounces.ids_of(tx, [report.digest for report, *_ in more])
    for report, subject, decision in more:
        await apply(tx, report, subject, decision, ids[report.digest], contents.get(report.digest, b""), now)
    return decided


async def _standing(tx: Tx, tally: Tally | None, subject: Subject) -> Tally | None:
    """What is held against the address, unless mail got through since."""
    if tally is None or subject.delivery_id is None or subject.delivery_id <= tally.delivery_id:
        return tally
    through = await bounces.got_through(tx, subject.subscriber_id, tally.delivery_id, subject.delivery_id)
    return None if through else tally


def _limits(inbound: Inbound | None) -> Thresholds:
    chosen = inbound or Inbound()
    return Thresholds(chosen.hard_days, chosen.soft_sends, chosen.soft_span, chosen.memory)


def _spared(decided: Iterable[tuple[Report, Subject | None, Decision]]) -> dict[str, Reply]:
    found = {}
    for report, subject, decision in decided:
        finding = report.finding
        about_us = finding.report_class is ReportClass.POLICY or finding.rule == "rate"
        whole = finding.rule.startswith((*_ABOUT_US, "code"))
        if decision.effect is Effect.TELL and subject is not None and about_us and whole:
            found[subject.email_key.rpartition("@")[2]] = Reply(0, finding.code, finding.reason)
    return found
