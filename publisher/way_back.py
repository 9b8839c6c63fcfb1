"""The way back in the service: what listens, what collects, what is judged and passed on.

    LMTP -> queue -+
    Maildir, IMAP -+-> take in | commit | spare the domains that refuse us
    refusals at the doors (always, also without `[inbound]`) -> the same
    letters -> the editor
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from publisher import log
from publisher.inbound.collect import from_mailbox, from_maildir
from publisher.inbound.lmtp import listening
from publisher.inbound.queue import Queue
from publisher.inbound.receive import judge_refusals, receive
from publisher.incoming import Letter
from publisher.mail.forward import forward_letters
from publisher.mail.pacing import spare
from publisher.store import bounces
from publisher.ticks import Service, guarded, utc_now

_log = log.get("inbound")

#: Seconds between two looks into the Maildir.
_LOOK = 5.0


@asynccontextmanager
async def open_for_mail(service: Service) -> AsyncIterator[None]:
    """Takes mail in as `[inbound]` says, inside the `with` block. Raises PublisherError where it cannot listen."""
    chosen = service.settings.inbound
    if chosen is None:
        yield
        return
    queue = Queue(lambda letters: take(service, letters))
    tasks = [asyncio.create_task(queue.serve())]
    if chosen.maildir is not None:
        tasks.append(asyncio.create_task(_keep_looking(service, look_into_maildir, _LOOK)))
    if chosen.imap is not None:
        tasks.append(asyncio.create_task(_keep_looking(service, ask_mailbox, chosen.imap.poll.total_seconds())))
    try:
        async with AsyncExitStack() as stack:
            if chosen.lmtp:
                address = await stack.enter_async_context(listening(chosen.lmtp, queue.put))
                _log.info("listening for mail", lmtp=address)
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def take(service: Service, letters: Sequence[Letter]) -> Sequence[bool]:
    """Takes messages in; which of them, once that is committed."""
    done = await receive(service.store, service.settings, service.keys, letters, utc_now())
    await spare(service.pace, service.store, done.spared, utc_now())
    return done.taken


async def look_into_maildir(service: Service) -> None:
    """Takes in what lies in the Maildir."""
    chosen = service.settings.inbound
    assert chosen is not None
    assert chosen.maildir is not None
    await from_maildir(service.settings.path(chosen.maildir), lambda letters: take(service, letters), service.stop)


async def ask_mailbox(service: Service) -> None:
    """Takes in what is unseen in the mailbox."""
    chosen = service.settings.inbound
    assert chosen is not None
    assert chosen.imap is not None
    ca_file = None if chosen.imap.ca_file is None else service.settings.path(chosen.imap.ca_file)
    await from_mailbox(chosen.imap, ca_file, lambda letters: take(service, letters), service.stop)


async def judge(service: Service) -> None:
    """Judges what receiving servers refused since the last look."""
    done = await judge_refusals(service.store, service.settings, utc_now())
    await spare(service.pace, service.store, done.spared, utc_now())


async def forward(service: Service) -> None:
    """Brings letters to the editor; keeps the list of reports that prove nothing from growing for ever."""
    await forward_letters(service.store, service.settings, utc_now())
    async with service.store.write() as tx:
        await bounces.prune(tx)


async def _keep_looking(
    service: Service, look: Callable[[Service], Coroutine[Any, Any, None]], seconds: float
) -> None:
    while not service.stop.is_set():
        await guarded(service, look)
        with suppress(TimeoutError):
            await asyncio.wait_for(service.stop.wait(), seconds)
