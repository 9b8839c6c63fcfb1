"""Topics and subscriptions of the WebSub hub: who is behind, who is due, what became of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, exists, func, or_, select, update

from publisher.hub_state import HubRequest, HubSubscription, Pushed, Took, Topic
from publisher.store.engine import Tx
from publisher.store.hub_schema import hub_requests, hub_subscriptions, hub_topics
from publisher.store.upsert import insert_new

#: Rows that one transaction ends at most.
BATCH = 500
#: One that fails is tried with newer content before its time, but no sooner than this after the last try.
_PAUSE = timedelta(minutes=1)

_subs = hub_subscriptions.c
_columns = [_subs[name] for name in HubSubscription.__slots__]


def _subscription(row: Row[Any]) -> HubSubscription:
    return HubSubscription(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


# --- topics ----------------------------------------------------------------------------------------------------------


async def topics(tx: Tx) -> list[Topic]:
    """All of them."""
    return [Topic(*row) for row in await tx.execute(select(hub_topics).order_by(hub_topics.c.feed))]


async def topic(tx: Tx, feed: str) -> Topic | None:
    """The topic of this feed; None where nobody ever asked for it."""
    row = (await tx.execute(select(hub_topics).where(hub_topics.c.feed == feed))).first()
    return None if row is None else Topic(*row)


async def add_topic(tx: Tx, feed: str, digest: str) -> int:
    """The number of the topic's content; a topic that is not known yet has the content with this digest."""
    await insert_new(tx, hub_topics, {"feed": feed, "digest": digest, "number": 1})
    found: int = (await tx.execute(select(hub_topics.c.number).where(hub_topics.c.feed == feed))).scalar_one()
    return found


async def note_change(tx: Tx, feed: str, digest: str) -> None:
    """The feed has content with this digest now; all who subscribed to it are behind."""
    new = {"digest": digest, "number": hub_topics.c.number + 1}
    here = (hub_topics.c.feed == feed) & (hub_topics.c.digest != digest)
    await tx.execute(update(hub_topics).where(here).values(**new))


async def note_gone(tx: Tx, feed: str, since: datetime | None) -> None:
    """Since when there is no such feed; None: there is one (again)."""
    await tx.execute(update(hub_topics).where(hub_topics.c.feed == feed).values(gone_since=since))


async def drop_unwanted_topics(tx: Tx) -> None:
    """Forgets the topics that nobody subscribes to or asks for."""
    wanted = or_(
        exists().where(_subs.feed == hub_topics.c.feed), exists().where(hub_requests.c.feed == hub_topics.c.feed)
    )
    await tx.execute(delete(hub_topics).where(~wanted))


# --- subscriptions ---------------------------------------------------------------------------------------------------


async def grant(tx: Tx, request: HubRequest, lease_until: datetime) -> None:
    """The subscription that the callback confirmed; one that is there takes its topic's name, secret and lease.

    What it is still to get, it gets (WebSub, section 5.1: a subscription overrides the one before).
    """
    told = {
        "topic": request.topic, "host": request.host, "secret": request.secret, "lease_until": lease_until,
    }
    row = {
        "feed": request.feed, "callback": request.callback, "number": request.number, "tried": request.number,
        "slow": False, "reason": "",
    }
    if not await insert_new(tx, hub_subscriptions, {**row, **told}):
        await tx.execute(update(hub_subscriptions).where(_pair(request.feed, request.callback)).values(**told))


async def end(tx: Tx, feed: str, callback: str) -> None:
    """Forgets the subscription."""
    await tx.execute(delete(hub_subscriptions).where(_pair(feed, callback)))


async def expire(tx: Tx, now: datetime) -> int:
    """Forgets those whose lease has ended, `BATCH` at a time; how many."""
    ended = select(_subs.id).where(_subs.lease_until <= now).limit(BATCH)
    return (await tx.execute(delete(hub_subscriptions).where(_subs.id.in_(ended)))).rowcount


async def of_hosts(tx: Tx, hosts: Collection[str]) -> list[HubSubscription]:
    """Those whose callbacks lie at one of these hosts, `BATCH` at most."""
    return await _some(tx, _subs.host.in_(list(hosts)))


async def of_feed(tx: Tx, feed: str) -> list[HubSubscription]:
    """Those of a topic, `BATCH` at most."""
    return await _some(tx, _subs.feed == feed)


async def get(tx: Tx, feed: str, callback: str) -> HubSubscription | None:
    """The callback's subscription to this feed, or None."""
    return next(iter(await _some(tx, _pair(feed, callback))), None)


async def due(tx: Tx, now: datetime, *, slow: bool, busy: Collection[int], limit: int) -> list[HubSubscription]:
    """Those to which their topic's content is to be pushed now, whether or not they were slow; none of `busy`."""
    again = and_(_subs.tried < hub_topics.c.number, _subs.tried_at <= now - _PAUSE)
    ready = or_(_subs.retry_at.is_(None), _subs.retry_at <= now, again)
    query = (
        select(*_columns)
        .join_from(hub_topics, hub_subscriptions, _subs.feed == hub_topics.c.feed)
        .where(
            _subs.number < hub_topics.c.number, ready, _subs.lease_until > now, _subs.slow.is_(slow),
            hub_topics.c.gone_since.is_(None), _subs.id.not_in(list(busy)),
        )
        .order_by(_subs.tried_at.nulls_first(), _subs.id)
        .limit(limit)
    )
    return [_subscription(row) for row in await tx.execute(query)]


async def settle(tx: Tx, pushes: Iterable[Pushed]) -> None:
    """What became of attempts; a subscription that ended meanwhile stays ended."""
    for push in pushes:
        it = push.subscription  # an id alone may have been given out again
        here = (_subs.id == it.id) & _pair(it.feed, it.callback)
        if push.took in (Took.ENDED, Took.UNSIGNED):
            await tx.execute(delete(hub_subscriptions).where(here))
        else:
            await tx.execute(update(hub_subscriptions).where(here).values(**_settled(push)))


def _settled(push: Pushed) -> dict[str, Any]:
    values = {
        "tried": push.number, "tried_at": push.at, "retry_at": push.retry_at, "slow": push.slow,
        "reason": push.reason[:300],
    }
    if push.took == Took.DELIVERED:
        return {**values, "number": push.number, "failing_since": None}
    if push.retry_at is None:  # given up: the next change begins anew
        return {**values, "number": push.number, "failing_since": None}
    return {**values, "failing_since": push.subscription.failing_since or push.at}


async def count(tx: Tx, host: str = "") -> int:
    """How many there are, of all hosts or of one, with the requests that wait."""
    subscriptions = select(func.count()).select_from(hub_subscriptions)
    waiting = select(func.count()).select_from(hub_requests).where(hub_requests.c.next_try_at.is_not(None))
    if host:
        subscriptions, waiting = subscriptions.where(_subs.host == host), waiting.where(hub_requests.c.host == host)
    return int((await tx.execute(subscriptions)).scalar_one()) + int((await tx.execute(waiting)).scalar_one())


def _pair(feed: str, callback: str) -> ColumnElement[bool]:
    return and_(_subs.feed == feed, _subs.callback == callback)


async def _some(tx: Tx, which: ColumnElement[bool]) -> list[HubSubscription]:
    query = select(*_columns).where(which).order_by(_subs.id).limit(BATCH)
    return [_subscription(row) for row in await tx.execute(query)]
