"""The alert step: what is wrong with mail is told to the operator, once, and once more when it is over.

    store, key | facts | what is wrong | against what was told | mail and webhook (best effort) | store

A way out that fails is tried again at the next look. A store in trouble keeps no alarm from being told: what was told
is remembered here too.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

from publisher import http, log
from publisher.config import Settings
from publisher.crypto import check_rsa
from publisher.errors import PublisherError, StoreError
from publisher.mail import address, alarm, compose, message
from publisher.mail.alarm import Alarm, Facts
from publisher.mail.aside import send_aside, signer_or_none
from publisher.mail.transport import Transport
from publisher.outgoing import Reply
from publisher.store import alarms, bounce_view
from publisher.store.engine import Store
from publisher.text import one_line, shorten

_log = log.get("alerts")

#: Seconds that one way out may take.
_PATIENCE = 10.0
#: Refusals and complaints of so long are told of.
_LATELY, _WEEK = timedelta(days=1), timedelta(days=7)
#: Complaints are weighed anew after so long, though none was added.
_WEIGHED = timedelta(hours=1)


@dataclass(slots=True)
class Watch:
    """What one look leaves to the next."""

    #: None: not read from the store yet.
    known: dict[str, Alarm] | None = None
    #: Of the first look: the time before it tells nothing about mail that is stuck.
    since: datetime | None = None
    #: Complaints that were weighed against what was accepted, when, and what came of it: that takes a while.
    weighed: tuple[int, datetime, list[tuple[str, int, int]]] | None = None
    #: Ways out that failed, and why: told in the log once.
    failed: dict[str, str] = field(default_factory=dict)


async def watch(
    store: Store, settings: Settings, state: Watch, now: datetime, *, why: str = "", resting: bool = False,
    transport: Transport | None = None,
) -> None:
    """One look. `why`: the sender's words where it found no way out. `resting`: it sends nothing on purpose."""
    state.since = state.since or now
    wrong, judged = await _look(store, settings, state, now, why=why, resting=resting)
    known = state.known or {}
    found = [await _told(settings, state, one, now, transport) for one in alarm.updated(known, wrong, judged, now)]
    for one in found:
        _note(known.get(one.kind), one)
    changed = [one for one in found if known.get(one.kind) != one]
    state.known = {one.kind: one for one in found}
    if changed:
        try:
            async with store.write() as tx:
                await alarms.keep(tx, [asdict(one) for one in changed])
        except StoreError as error:
            _log.warning("alarms not kept", why=str(error))


async def _look(
    store: Store, settings: Settings, state: Watch, now: datetime, *, why: str, resting: bool
) -> tuple[dict[str, str], set[str]]:
    """What is wrong, by kind, and the kinds that could be judged."""
    wrong: dict[str, str] = {}
    judged = {"dkim", "store"}
    if settings.mail.dkim is not None:
        try:
            await asyncio.to_thread(check_rsa, settings.path(settings.mail.dkim.key_file))
        except PublisherError as error:
            wrong["dkim"] = str(error)
    try:
        if state.known is None:
            async with store.read() as tx:
                state.known = {row.kind: Alarm(**row._asdict()) for row in await alarms.rows(tx)}
        # What rests on purpose, or was not watched for long enough, is not stuck yet, nor is it over.
        blind = resting or state.since is None or now - state.since < settings.alerts.stuck
        facts = await _facts(store, now - settings.alerts.stuck, blind=blind)
        facts = await _come_back(store, state, facts, now)
    except StoreError as error:
        wrong["store"] = str(error)
    else:
        wrong |= alarm.troubles(facts, settings.alerts.stuck, why)
        judged |= {"held", "doubt", "policy", "complaints"} | (set() if blind and not facts.moving else {"stuck"})
    return wrong, judged


async def _facts(store: Store, before: datetime, *, blind: bool) -> Facts:
    async with store.read() as tx:
        held = await alarms.held_back(tx)
        facts = Facts(
            moving=await alarms.went_out(tx, before), held=held.count, held_why=_words(held.reply),
            doubtful=await alarms.doubtful(tx),
        )
        if facts.moving or blind:
            return facts
        late = await alarms.late(tx, before)
        deferred = await alarms.mostly_deferred(tx, before)
        reply = deferred.reply if deferred.count else await alarms.last_words(tx, before)
        return replace(facts, late=late, deferred=deferred.count, reply=_words(reply))


async def _come_back(store: Store, state: Watch, facts: Facts, now: datetime) -> Facts:
    """`facts`, with what came back."""
    async with store.read() as tx:
        refused, domain, why = await bounce_view.policy_refusals(tx, now - _LATELY)
        complaints = await bounce_view.complaints(tx, now - _WEEK)
        known = state.weighed
        if known is None or known[0] != complaints or now - known[1] > _WEIGHED:
            rates = await bounce_view.rates_by_domain(tx, now - _WEEK) if complaints else []
            told = ((rate.of, rate.accepted, rate.reports.get("complaint", 0)) for rate in rates)
            known = state.weighed = (complaints, now, alarm.near_limit(told))
    words = shorten(one_line(why), 300)
    return replace(facts, refused=refused, refused_by=domain, refused_why=words, complained=known[2])


def _words(reply: Reply) -> str:
    return shorten(one_line(f"{reply.code or ''} {reply.enhanced} {reply.text}"), 300)


async def _told(settings: Settings, state: Watch, one: Alarm, now: datetime, transport: Transport | None) -> Alarm:
    """The alarm, told by each way out that is to know."""
    ways = settings.alerts
    mails = bool(ways.email) and alarm.is_due(one, one.mailed_at, now, ways.again)
    posts = bool(ways.webhook.get_secret_value()) and alarm.is_due(one, one.posted_at, now, ways.again)
    told = one
    if mails and await _tried(state, "mail", lambda: _mail(settings, one, now, transport)):
        told = replace(told, mailed_at=now)
    if posts and await _tried(state, "webhook", lambda: _post(settings, one, now)):
        told = replace(told, posted_at=now)
    return told


async def _tried(state: Watch, way: str, tell: Callable[[], Awaitable[None]]) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE):
            await tell()
    except (PublisherError, OSError) as error:  # TimeoutError is an OSError
        why = str(error) or "it took too long"
        if state.failed.get(way) != why:
            _log.warning("an alarm could not be told", way=way, why=why)
        state.failed[way] = why
        return False
    state.failed.pop(way, None)
    return True


def _note(before: Alarm | None, one: Alarm) -> None:
    """In the log, whatever other ways there are."""
    stood = before is not None and before.cleared_at is None
    stands = one.cleared_at is None
    if stands and not stood:
        _log.error("alarm", kind=one.kind, why=one.reason)
    elif stood and not stands:
        _log.info("alarm over", kind=one.kind)


async def _mail(settings: Settings, one: Alarm, now: datetime, transport: Transport | None) -> None:
    """A plain message, past the ledger. Raises PublisherError where nobody takes it."""
    origin, recipient = message.sender(settings), address.parse(settings.alerts.email)
    words = f"{alarm.text(one)}\n{settings.site.url}\n"
    content = compose.Content(f"[{settings.site.title}] {alarm.title(one)}", "", words)
    letter = compose.Letter(recipient, now, f"alarm.{secrets.token_hex(12)}@{origin.domain}", {})
    frame = compose.Frame(origin, signer=await signer_or_none(settings))
    ready = compose.fill(compose.compile_message(content, frame), letter, now)
    reply = await send_aside(settings, recipient.address, ready, transport)
    if not 200 <= reply.code <= 299:
        raise PublisherError(f"refused: {_words(reply)}")


async def _post(settings: Settings, one: Alarm, now: datetime) -> None:
    """JSON to the operator's own address, wherever it lies; `text` is what a chat shows."""
    told = {
        "kind": one.kind, "state": "standing" if one.cleared_at is None else "cleared", "title": alarm.title(one),
        "reason": one.reason, "since": one.since.isoformat(), "at": now.isoformat(), "site": settings.site.title,
        "url": settings.site.url, "text": f"{settings.site.title}: {alarm.title(one)}. {one.reason}",
    }
    limits = http.Limits(body=100_000, total=_PATIENCE, idle=_PATIENCE)
    answer = await http.post_json(settings.alerts.webhook.get_secret_value(), told, limits=limits, allow_private=True)
    if not 200 <= answer.status <= 299:
        raise PublisherError(f"it answered {answer.status}")
