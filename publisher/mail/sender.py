"""The life of a sender process: it makes, signs and sends; the ledger is another's, at the far end of a socket.

    begin <- socket | candidates <- socket | made, signed | connections | outcomes, the next wanted -> socket | ended

It serves one run of the deliver step after the other, and ends with the process that started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

from publisher import log, loop
from publisher.config import Settings
from publisher.crypto import load_keys
from publisher.errors import PublisherError, StoreError
from publisher.mail.connections import Run, run_connections
from publisher.mail.judge import Policy
from publisher.mail.ledger import MANY, MOMENT
from publisher.mail.press import press_for
from publisher.mail.relay import Relay
from publisher.mail.stock import Stock
from publisher.mail.talk import (
    Answered,
    Begin,
    Ended,
    Given,
    Key,
    Ready,
    Stop,
    Talk,
    Visit,
    Visits,
    Wanted,
    claim_of,
    done_of,
    open_talk,
    unpack,
)
from publisher.outgoing import Claim, Outcome
from publisher.store.engine import Store, open_store
from publisher.templating import templates_of


def work(end: int) -> None:
    """The life of a sender process, whose end of the socket has this file descriptor."""
    # A terminal and a service manager signal all processes of a group: it is the first one that says when to stop.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    loop.run(_work(socket.socket(fileno=end)))


async def _work(end: socket.socket) -> None:
    talk = await open_talk(end)
    talk.say(Ready())
    async with _stores() as stores:
        while (frame := await talk.hear()) is not None:
            if isinstance(frame, Begin):
                await _run(talk, stores, unpack(frame.settings), frame.share)
    await talk.close()


async def _run(talk: Talk, stores: _Stores, settings: Settings, share: int) -> None:
    """One run, to its last word."""
    log.configure(settings.log.level)
    stop = asyncio.Event()
    remote = _Remote(talk)
    working = asyncio.create_task(_worked(settings, share, stores, remote, stop))
    listening = asyncio.create_task(remote.listen(stop))
    await asyncio.wait((working, listening), return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        # The keeper of the ledger is gone: nothing may go out that nobody counts, and whoever comes next must not wait.
        os._exit(1)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    talk.say(working.result())


async def _worked(settings: Settings, share: int, stores: _Stores, remote: _Remote, stop: asyncio.Event) -> Ended:
    """Runs its share of the connections to their ends."""
    run: Run | None = None
    fault = ""
    try:
        async with contextlib.AsyncExitStack() as stack:
            store = await stores.of(settings)
            keys = load_keys(settings.store_folder / "keys.json")
            press = press_for(store, settings, templates_of(settings.root), keys)
            stack.callback(press.close)
            stock = Stock(remote, press, _now)
            stack.push_async_callback(stock.close)
            relay = Relay()
            relay.use(settings)
            policy = Policy(expiry=settings.mail.expiry, repeat=settings.mail.in_doubt == "repeat")
            run = Run(stock, remote, relay, policy, _now, stop)
            await run_connections(run, share)
    except Exception as error:  # noqa: BLE001 - told to the process that waits for us
        fault = str(error) if isinstance(error, PublisherError) else f"{type(error).__name__}: {error}"
    return Ended(run.lost if run else "", run is not None and run.drained, fault)


class _Stores:
    """The store of the last run, which is that of the next one as a rule: its connections know their statements."""

    def __init__(self) -> None:
        self._store: Store | None = None
        self._of: tuple[object, ...] = ()

    async def of(self, settings: Settings) -> Store:
        """The store that the settings name. Raises StoreError."""
        wanted = (settings.store.url, settings.root, settings.store.durability)
        if self._store is None or self._of != wanted:
            await self.close()
            url, durability = settings.store.url, settings.store.durability
            self._store = await open_store(url, root=settings.root, durability=durability, prepared=True)
            self._of = wanted
        return self._store

    async def close(self) -> None:
        """Closes it."""
        store, self._store = self._store, None
        if store is not None:
            await store.close()


@contextlib.asynccontextmanager
async def _stores() -> AsyncIterator[_Stores]:
    stores = _Stores()
    try:
        yield stores
    finally:
        await stores.close()


class _Remote:
    """The ledger and the supply, as seen from another process."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._loop = asyncio.get_running_loop()
        #: Visits of this turn of the loop, and who waits for their answers.
        self._visits: list[Visit] = []
        self._waiting: list[asyncio.Future[Any]] = []
        #: Number of a frame -> who waits for its answers.
        self._asked: dict[int, list[asyncio.Future[Any]]] = {}
        self._number = 0
        #: Claims on the wire.
        self._open = 0

    async def visit(
        self, outcome: Outcome | None = None, *, unsent: Claim | None = None, want: Claim | None = None
    ) -> bool:
        """See `publisher.mail.ledger.Ledger.visit`."""
        if not self._visits:
            self._loop.call_soon(self._come_along)
        self._visits.append((None if outcome is None else done_of(outcome), _key(unsent), _key(want)))
        answer: asyncio.Future[bool] = self._loop.create_future()
        self._waiting.append(answer)
        if outcome is not None or unsent is not None:
            self._open -= 1
        claimed = await answer
        self._open += claimed
        return claimed

    async def give(self, want: int) -> list[Claim]:
        """See `publisher.mail.ahead.Ahead.give`."""
        answer: asyncio.Future[list[Claim]] = self._loop.create_future()
        self._number += 1
        self._asked[self._number] = [answer]
        self._talk.say(Wanted(self._number, want))
        return await answer

    def _come_along(self) -> None:
        """Whoever is ready in this turn of the loop comes along, and if those are few, whoever is in a moment."""
        if len(self._visits) * MANY < len(self._visits) + self._open:
            self._loop.call_later(MOMENT, self._go)
        else:
            self._go()

    def _go(self) -> None:
        self._number += 1
        self._asked[self._number] = self._waiting
        self._talk.say(Visits(self._number, self._visits))
        self._visits, self._waiting = [], []

    async def listen(self, stop: asyncio.Event) -> None:
        """Hands out the answers; returns when the other process is gone."""
        while (frame := await self._talk.hear()) is not None:
            if isinstance(frame, Stop):
                stop.set()
            elif isinstance(frame, Given):
                self._hand_out(frame, [[claim_of(values) for values in frame.candidates]])
            elif isinstance(frame, Answered):
                self._hand_out(frame, frame.claimed)

    def _hand_out(self, frame: Answered | Given, answers: Sequence[Any]) -> None:
        """To each who waits for this frame an answer, or to all of them its fault."""
        for number, waiter in enumerate(self._asked.pop(frame.number)):
            if waiter.done():
                continue
            if frame.fault:
                waiter.set_exception(StoreError(frame.fault))
            else:
                waiter.set_result(answers[number])


def _key(claim: Claim | None) -> Key | None:
    return None if claim is None else (claim.kind, claim.id)


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    work(int(sys.argv[1]))
