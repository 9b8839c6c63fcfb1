"""The hub in processes of their own, killed at each step in turn: `killed.py ROOT`.

A step is a commit of the store or a request to a callback. The first process is killed before the first step, the next
after it, the next before the second..., each on a copy of ROOT, and each is followed by one that runs to its end there.
After each process a line tells its signal (0: it came to its end) and its folder; it goes on when it reads a line.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from publisher import http, log
from publisher.config import Settings
from publisher.crypto import load_keys
from publisher.settings import Hub, Site
from publisher.store.engine import Store, Tx, open_store
from publisher.websub import distribute
from publisher.websub.distribute import Course

SITE = "https://news.example.org"


class Executioner:
    """Counts steps; kills at the last."""

    def __init__(self, last: int) -> None:
        self.left = last

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def arm(executioner: Executioner) -> None:
    """Puts a step before and after each commit and each request."""
    write, post, get = Store.write, http.post_bytes, http.fetch

    @asynccontextmanager
    async def writing(self: Store) -> AsyncIterator[Tx]:
        async with write(self) as tx:
            yield tx
            executioner.step()
        executioner.step()

    def around(ask: Any) -> Any:
        async def asking(*args: Any, **more: Any) -> http.Fetched:
            executioner.step()
            got: http.Fetched = await ask(*args, **more)
            executioner.step()
            return got

        return asking

    Store.write = writing  # type: ignore[method-assign]
    http.post_bytes, http.fetch = around(post), around(get)


async def main(root: Path, last: int) -> None:
    """Turns until all is done."""
    arm(Executioner(last))
    settings = Settings(root=root, site=Site(url=SITE), hub=Hub(allow_private=True))
    store = await open_store("sqlite:///store/publisher.db", root=root)
    keys, course = load_keys(root / "keys.json"), Course()
    while True:
        course.wake.clear()
        await distribute.turn(store, settings, keys, course, now=lambda: datetime.now(UTC), jitter=lambda: 0.0)
        if not (course.pushing.busy or course.asking.lanes.busy or course.wake.is_set()):
            break
        await course.wake.wait()
    await store.close()


def forked(root: Path, last: int) -> int:
    """The signal that ended a process which did that; what is imported is imported once."""
    child = os.fork()
    if child == 0:
        asyncio.run(main(root, last))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def tell(status: int, root: Path) -> None:
    sys.stdout.write(f"{status} {root}\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    log.configure("error")
    ended, number = -1, 0
    while ended != 0:
        number += 1
        copy = Path(f"{sys.argv[1]}-{number}")
        shutil.copytree(sys.argv[1], copy)
        ended = forked(copy, number)
        tell(ended, copy)
        tell(forked(copy, 0), copy)
