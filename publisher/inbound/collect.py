"""Collecting mail that waits elsewhere: in a Maildir, in a mailbox.

    look | some messages | taken in, committed | moved or marked | the next

A message is moved or marked once what it says is committed. What is cut off in between is met again, and known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from publisher.inbound import folder, mailbox
from publisher.inbound_settings import Imap
from publisher.incoming import Letter

#: Messages of one commit.
_BATCH = 50

#: Takes messages in; which of them it took, once that is committed.
Take = Callable[[Sequence[Letter]], Awaitable[Sequence[bool]]]


async def from_maildir(maildir: Path, take: Take, stop: asyncio.Event) -> int:
    """Takes in all that lies in the Maildir; how many. Raises PublisherError where it cannot be read."""
    count = 0
    left: set[Path] = set()
    while not stop.is_set():
        found = await asyncio.to_thread(folder.waiting, maildir, _BATCH, frozenset(left))
        if not found:
            break
        took = await take([letter for _, letter in found])
        done = [path for (path, _), taken in zip(found, took, strict=True) if taken]
        left |= {path for path, _ in found} - set(done)
        await asyncio.to_thread(folder.taken, done)
        count += len(done)
    return count


async def from_mailbox(imap: Imap, ca_file: Path | None, take: Take, stop: asyncio.Event) -> int:
    """Takes in all that is unseen in the mailbox; how many. Raises PublisherError where it cannot be read."""
    count = 0
    left: set[bytes] = set()
    client = await asyncio.to_thread(mailbox.connect, imap, ca_file)
    try:
        while not stop.is_set():
            found = await asyncio.to_thread(mailbox.unseen, client, _BATCH, frozenset(left))
            if not found:
                break
            took = await take([letter for _, letter in found])
            done = [uid for (uid, _), taken in zip(found, took, strict=True) if taken]
            left |= {uid for uid, _ in found} - set(done)
            await asyncio.to_thread(mailbox.seen, client, done)
            count += len(done)
    finally:
        await asyncio.to_thread(mailbox.close, client)
    return count
