"""Asks callbacks whether they meant what was asked for them, and tells those that are denied (W3C WebSub, section 5).

    due in the STORE | a few at a time for each host | GET with a challenge, guarded | its very words back? -> STORE

Nothing changes for a callback that does not confirm.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from publisher import http, log, metrics
from publisher.config import Settings
from publisher.errors import FetchError
from publisher.hub_state import Answer, HubMode, HubRequest
from publisher.store import hub_requests
from publisher.store.engine import Store
from publisher.websub import ask
from publisher.websub.lanes import Lanes
from publisher.websub.schedule import next_question

#: Callbacks of one host that are asked at a time: they may be a stranger's.
_PER_HOST = 8
#: Questions that one turn begins.
_PER_TURN = 16
#: The body is the challenge, and nothing more; no redirects.
LIMITS = http.Limits(body=1_000, total=10.0, idle=10.0, redirects=0)
#: Says who asks.
HEADERS = {"User-Agent": "Publisher (WebSub hub)"}

_log = log.get("hub")


@dataclass(slots=True)
class Asking:
    """The questions that are out."""

    lanes: Lanes[Answer]
    requests: dict[int, HubRequest] = field(default_factory=dict)


async def ask_due(store: Store, settings: Settings, asking: Asking, *, now: Callable[[], datetime]) -> None:
    """Begins to ask whoever is due, as far as there is place."""
    lanes = asking.lanes
    left = _PER_TURN
    while free := min(lanes.free(slow=False), left):
        asking.requests = {number: it for number, it in asking.requests.items() if number in lanes.busy}
        out = list(asking.requests.values())
        full = [host for host, count in Counter(it.host for it in out).items() if count >= _PER_HOST]
        async with store.read() as tx:
            due = await hub_requests.due(tx, now(), busy=lanes.busy, full=full, limit=free + len(out))
        pairs = {(it.feed, it.callback) for it in out}
        hosts = Counter(it.host for it in out)
        started = 0
        for it in due:
            if started < free and hosts[it.host] < _PER_HOST and (it.feed, it.callback) not in pairs:
                hosts[it.host] += 1
                asking.requests[it.id] = it
                _start(settings, lanes, it, now)
                started += 1
        left -= started
        if not started:
            return
    if not left:
        lanes.wake.set()  # there may be more


def _start(settings: Settings, lanes: Lanes[Answer], it: HubRequest, now: Callable[[], datetime]) -> None:
    def failed(reason: str) -> Answer:
        return Answer(it, confirmed=False, reason=reason, retry_at=next_question(it.tries, now()))

    lanes.start(it.id, _ask(settings, it, now), failed)


async def _ask(settings: Settings, it: HubRequest, now: Callable[[], datetime]) -> Answer:
    challenge = secrets.token_urlsafe(32)
    url = ask.question(it, challenge)
    try:
        got = await http.fetch(url, headers=HEADERS, limits=LIMITS, allow_private=settings.hub.allow_private)
    except FetchError as error:
        again = None if error.refused else next_question(it.tries, now())
        return Answer(it, confirmed=False, reason=f"no answer: {error}", retry_at=again)
    if not 200 <= got.status < 300:
        return Answer(it, confirmed=False, reason=f"it answers {got.status}")
    if it.mode != HubMode.DENIED and got.body != challenge.encode():
        return Answer(it, confirmed=False, reason="it does not answer with the challenge")
    return Answer(it, confirmed=it.mode != HubMode.DENIED)


async def record(store: Store, lanes: Lanes[Answer], now: datetime) -> None:
    """Writes down what was answered, all of it in one commit."""
    answers = dict(lanes.outcomes)
    if not answers:
        return
    async with store.write() as tx:
        await hub_requests.settle(tx, answers.values(), now)
    for number, answer in answers.items():
        del lanes.outcomes[number]
        it = answer.request
        if it.mode == HubMode.DENIED:
            continue
        metrics.HUB_QUESTIONS.labels("confirmed" if answer.confirmed else "failed").inc()
        if answer.confirmed:
            _log.info(f"{it.mode.value}d", feed=it.feed, host=it.host)
        elif answer.retry_at is None:
            _log.warning("not confirmed", mode=it.mode.value, feed=it.feed, host=it.host, why=answer.reason)
