"""Feeds of others become articles: polled, compared with what is known, and written like the documents of a folder.

    due feeds | fetch, conditionally, guarded                 -> answer, or why there is none
    answer    | parse, in a thread                            -> entries
    entries   | compare, complete, write (`feed_take`)        -> STORE, short transactions
    feed      | what is gone, that it was read, when to ask again, what hub it offers -> STORE
    hubs      | asked to push, where that is wanted (`push_ask`)
    all       | publish what is due, in the order of its dates -> STORE

Several feeds at a time; one that fails, or is slow, keeps none of the others. Nothing is fetched while the pick-up's
lock is held, and validators are kept only when all that came with them is in the store.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from publisher import http, log
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.errors import DocumentError, FetchError
from publisher.intake import feed_parse, feed_schedule, feed_take, push_ask, record
from publisher.intake.feed_parse import Feed
from publisher.intake.feed_rows import ITSELF, is_news, known_rows, tell
from publisher.intake.folder import Refusal
from publisher.intake.ingest import publish
from publisher.intake.record import PickUp
from publisher.model import DocumentResult
from publisher.progress import Progress, silent
from publisher.settings import Source
from publisher.source_state import SourceState
from publisher.store import documents, pushes, sources
from publisher.store.engine import Store
from publisher.store.lock import pick_up_lock

#: Feeds that are fetched and parsed at a time.
_AT_ONCE = 4
_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
)
_LATER = "nothing to do: it is asked again later, and nothing is lost meanwhile"
_REFUSED = "correct its address in the configuration, or set allow_private = true if it lies in a network of your own"
_GONE = ("it has ended: its server answers 410", "take it out of the configuration, or write its new address there")

_log = log.get("intake")


@dataclass(frozen=True, slots=True)
class _Run:
    """One call of `poll`."""

    store: Store
    settings: Settings
    now: Callable[[], datetime]
    jitter: Callable[[], float]
    limits: http.Limits
    due_only: bool
    brief: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a feed's server said."""

    state: SourceState
    got: http.Fetched
    digest: str
    #: None: nothing changed.
    feed: Feed | None


async def poll(
    store: Store, settings: Settings, *, now: Callable[[], datetime], jitter: Callable[[], float],
    due_only: bool = False, brief: bool = False, progress: Progress = silent, limits: http.Limits | None = None,
    keys: Keys | None = None,
) -> list[DocumentResult]:
    """Asks the configured feeds, and takes in what is new; a row for each entry, and for each feed that failed.

    `due_only`: only those whose time has come, as a service wants it; without it all, but for those that have ended and
    those whose server asked to be left alone. `brief`: only rows that are news. `jitter` gives numbers in [0, 1).
    Publishes what came in. With `keys`, the hubs of the feeds are asked to push: where somebody serves the callback.
    """
    run = _Run(store, settings, now, jitter, limits or http.Limits(), due_only, brief)
    feeds = [source for source in settings.source if source.kind == "feed"]
    gate = asyncio.Semaphore(_AT_ONCE)
    done = 0

    async def one(source: Source) -> list[DocumentResult]:
        nonlocal done
        async with gate:
            rows = await _isolated(run, source)
        done += 1
        if not due_only:
            progress(done, len(feeds))
        return rows

    found = await asyncio.gather(*(one(source) for source in feeds), return_exceptions=True)
    for rows in found:
        if isinstance(rows, BaseException):
            raise rows  # the store is in trouble; all else is in the rows
    if keys is not None:
        await push_ask.ask(store, settings, keys, now=now, jitter=jitter)
    return [row for rows in found if not isinstance(rows, BaseException) for row in rows]


async def _isolated(run: _Run, source: Source) -> list[DocumentResult]:
    async with run.store.read() as tx:
        state = await sources.get(tx, source.name)
    if run.due_only and not feed_schedule.is_due(state, run.now()):
        return []
    if state.gone:
        return [DocumentResult(source.url, "rejected", reason=record.reason(*_GONE))]
    if state.retry_at is not None and state.retry_at > run.now():
        wait = f"its server asked to be left alone until {state.retry_at.isoformat(timespec='seconds')}"
        return [DocumentResult(source.url, "rejected", reason=record.reason(state.reason, wait))]
    try:
        return await _poll(run, source, state)
    except Exception as error:  # noqa: BLE001 - a fault of ours with one feed keeps no other (I12); it is recorded
        reason = f"it could not be taken in: {type(error).__name__}: {error}".splitlines()[0][:300]
        _log.exception("feed failed", source=source.name, reason=reason)
        return await _failed(run, source, state, reason, "report it: this is a fault of Publisher")


async def _poll(run: _Run, source: Source, state: SourceState) -> list[DocumentResult]:
    try:
        got = await http.fetch(
            state.url or source.url, headers={"Accept": _ACCEPT, **feed_schedule.conditions(state)},
            limits=run.limits, allow_private=source.allow_private,
        )
    except FetchError as error:
        remedy = _REFUSED if error.refused else _LATER
        return await _failed(run, source, state, f"it could not be fetched: {error}", remedy)
    if got.status == 410:
        return await _ended(run, source, state)
    if got.status not in (200, 304):
        return await _failed(run, source, state, f"its server answers {got.status}", _LATER, got)
    said = got.body + got.headers.get("link", "").encode()  # which may offer another hub for the same feed
    digest = hashlib.sha256(said).hexdigest() if got.status == 200 else state.digest
    if digest == state.digest:
        return await _unchanged(run, source, _Answer(state, got, digest, None))
    try:
        feed = await asyncio.to_thread(
            feed_parse.parse, got.body, got.headers.get("content-type", ""), got.url, run.settings.site.zone
        )
    except DocumentError as error:
        return await _failed(run, source, state, error.reason, error.remedy, got)
    return await _take(run, source, _Answer(state, got, digest, feed))


# --- a feed that was read --------------------------------------------------------------------------------------------


async def _take(run: _Run, source: Source, answer: _Answer) -> list[DocumentResult]:
    assert answer.feed is not None
    entries = answer.feed.entries
    compared = await feed_take.compare(
        run.store, run.settings, source, entries, now=run.now(), limits=run.limits
    )
    known = compared.known
    async with pick_up_lock(run.store):
        async with run.store.read() as tx:
            current = await sources.get(tx, source.name)
        if current.polled_at != answer.state.polled_at:  # somebody else was here meanwhile, with what is newer
            return []
        pick_up = await feed_take.pick_up(run.store, run.settings, source, entries, now=run.now())
        rows = await feed_take.write(run.store, pick_up, compared.loaded)
        await _note(run, source, answer, pick_up, held=any(row.reason == record.HELD for row in rows))
    await publish(run.store, run.now())
    news = [row for row in rows if is_news(row, known.get(row.path))]
    tell(source, news)
    if run.brief:
        return news
    taken = {row.path for row in rows}
    same = [known[entry.path] for entry in entries if entry.path in known and entry.path not in taken]
    return await known_rows(run.store, same) + rows


async def _note(run: _Run, source: Source, answer: _Answer, pick_up: PickUp, *, held: bool) -> None:
    """What the feed holds no more, that it was read, and when it is asked again. Articles stay."""
    assert answer.feed is not None
    got = answer.got
    async with run.store.write() as tx:
        await push_ask.note_offer(tx, run.settings, source, answer.feed, got, pick_up.now)
        state = feed_schedule.taken(
            answer.state, now=pick_up.now, poll=source.poll, headers=got.headers, moved=got.moved,
            digest="" if held else answer.digest, pushed_until=await pushes.live_until(tx, source.name),
        )
        await documents.mark_absent(tx, source.name, pick_up.gone)
        await sources.put(tx, state)
        await documents.mark_read(tx, source.name, pick_up.now)


async def _unchanged(run: _Run, source: Source, answer: _Answer) -> list[DocumentResult]:
    async with run.store.write() as tx:
        state = feed_schedule.unchanged(
            answer.state, now=run.now(), poll=source.poll, headers=answer.got.headers, moved=answer.got.moved,
            pushed_until=await pushes.live_until(tx, source.name),
        )
        await documents.mark_absent(tx, source.name, [ITSELF])
        await sources.put(tx, state)
    if run.brief:
        return []
    async with run.store.read() as tx:
        held = await documents.present(tx, source.name)
    return await known_rows(run.store, [held[path] for path in sorted(held)])


# --- a feed that was not ---------------------------------------------------------------------------------------------


async def _failed(
    run: _Run, source: Source, state: SourceState, reason: str, remedy: str, got: http.Fetched | None = None
) -> list[DocumentResult]:
    """Recorded, and asked again later; what came before stays."""
    later = feed_schedule.failed(
        state, now=run.now(), poll=source.poll, reason=reason, headers=got.headers if got else {}, jitter=run.jitter()
    )
    return await _refused(run, source, later, reason, remedy)


async def _ended(run: _Run, source: Source, state: SourceState) -> list[DocumentResult]:
    reason, remedy = _GONE if not state.url else ("where it had moved to it has ended: that server answers 410", _LATER)
    return await _refused(run, source, feed_schedule.ended(state, now=run.now(), reason=reason), reason, remedy)


async def _refused(run: _Run, source: Source, state: SourceState, reason: str, remedy: str) -> list[DocumentResult]:
    """The feed as a document that is rejected, so that it is seen where all rejected documents are."""
    pick_up = PickUp(source.name, Path(), run.now(), "")
    async with run.store.write() as tx:
        known = await documents.get(tx, source.name, ITSELF)
        document = record.rejection(pick_up, Refusal(ITSELF, reason, remedy), None, known)
        if document is not None:
            await documents.put(tx, document)
        await sources.put(tx, state)
    row = DocumentResult(source.url, "rejected", reason=record.reason(reason, remedy))
    news = document is not None
    if news:
        tell(source, [row])
    return [row] if news or not run.brief else []
