"""The life of a sender process: it makes, signs and sends; the ledger is another's, at the far end of a socket.

    candidates <- socket | made, signed | connections | outcome, the next wanted -> socket
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from datetime import UTC, datetime
from typing import Any

from publisher import log, loop
from publisher.config import Settings
from publisher.crypto import load_keys
from publisher.errors import PublisherError, StoreError
from publisher.mail.connections import Run, run_connections
from publisher.mail.judge import Policy
from publisher.mail.press import press_for
from publisher.mail.relay import Relay
from publisher.mail.stock import Stock
from publisher.mail.talk import Asked, Done, Ended, Stop, Talk
from publisher.outgoing import Claim, Outcome
from publisher.store.engine import open_store
from publisher.templating import templates_of


def work(settings: Settings, share: int, theirs: socket.socket) -> None:
    """The life of a sender process."""
    # A terminal and a service manager signal all processes of a group: it is the first one that says when to stop.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    log.configure(settings.log.level)
    loop.run(_work(settings, share, theirs))


async def _work(settings: Settings, share: int, theirs: socket.socket) -> None:
    talk = Talk(*await asyncio.open_connection(sock=theirs))
    stop = asyncio.Event()
    remote = _Remote(talk)
    listening = asyncio.create_task(remote.listen(stop))
    working = asyncio.create_task(_worked(settings, share, remote, stop))
    await asyncio.wait((working, listening), return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        # The keeper of the ledger is gone: nothing may go out that nobody counts, and whoever comes next must not wait.
        os._exit(1)
    talk.say(working.result())
    await talk.close()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def _worked(settings: Settings, share: int, remote: _Remote, stop: asyncio.Event) -> Ended:
    """Runs its share of the connections to their ends."""
    run: Run | None = None
    fault = ""
    try:
        async with contextlib.AsyncExitStack() as stack:
            store = await open_store(settings.store.url, root=settings.root, durability=settings.store.durability)
            stack.push_async_callback(store.close)
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


class _Remote:
    """The ledger and the supply, as seen from another process."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._number = 0

    async def visit(
        self, outcome: Outcome | None = None, *, unsent: Claim | None = None, want: Claim | None = None
    ) -> bool:
        """See `publisher.mail.ledger.Ledger.visit`."""
        done = None if outcome is None else Done(
            (outcome.claim.kind, outcome.claim.id), outcome.state, outcome.reply, outcome.started_at,
            outcome.finished_at, outcome.next_attempt_at,
        )
        return bool(await self._ask(done, _key(unsent), _key(want)))

    async def give(self, want: int) -> list[Claim]:
        """See `publisher.mail.ahead.Ahead.give`."""
        found: list[Claim] = await self._ask(more=want)
        return found

    async def _ask(
        self, done: Done | None = None, unsent: tuple[str, int] | None = None, want: tuple[str, int] | None = None,
        more: int = 0,
    ) -> Any:
        self._number += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[self._number] = answer
        self._talk.say(Asked(self._number, done, unsent, want, more))
        return await answer

    async def listen(self, stop: asyncio.Event) -> None:
        """Hands out the answers; returns when the other process is gone."""
        while (frame := await self._talk.hear()) is not None:
            if isinstance(frame, Stop):
                stop.set()
                continue
            answer = self._asked.pop(frame.number)
            if frame.fault:
                answer.set_exception(StoreError(frame.fault))
            else:
                answer.set_result(frame.answer)


def _key(claim: Claim | None) -> tuple[str, int] | None:
    return None if claim is None else (claim.kind, claim.id)


def _now() -> datetime:
    return datetime.now(UTC)
