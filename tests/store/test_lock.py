"""The lock that keeps a second sender off the same store."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from publisher.errors import StoreBusyError, StoreError
from publisher.store.engine import Store, open_store
from publisher.store.lock import pick_up_lock, sender_lock

#: Holds the lock until it is killed; says "held" once it has it.
_HOLDER = """
import asyncio, sys
from pathlib import Path
from publisher.store.engine import open_store
from publisher.store.lock import sender_lock

async def main():
    store = await open_store(sys.argv[1], root=Path(sys.argv[2]))
    async with sender_lock(store, Path(sys.argv[2])):
        print("held", flush=True)
        await asyncio.sleep(3600)

asyncio.run(main())
"""


@contextmanager
def _holder(url: str, root: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _HOLDER, url, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


async def test_second_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    """The refusal names the process that holds the lock; `kill -9` frees it."""
    store = await open_store("sqlite:///publisher.db", root=tmp_path)
    with _holder("sqlite:///publisher.db", tmp_path) as process:
        with pytest.raises(StoreBusyError, match=rf"process {process.pid}\b"):
            async with sender_lock(store, tmp_path):
                pass
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        async with sender_lock(store, tmp_path):
            pass
    await store.close()


async def test_second_process_is_refused_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """The same where the lock is the server's."""
    store = await open_store(postgres_url, root=tmp_path)
    with _holder(postgres_url, tmp_path) as process:
        with pytest.raises(StoreBusyError, match="already running"):
            async with sender_lock(store, tmp_path):
                pass
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        for _ in range(100):  # the server notices when it next looks at the connection
            try:
                async with sender_lock(store, tmp_path):
                    break
            except StoreBusyError:
                continue
        else:
            pytest.fail("the lock was never freed")
    await store.close()


async def test_lock_is_free_again_after_use(any_store: Store, tmp_path: Path) -> None:
    """Held once, given back, held again; a second holder within the process is refused too."""
    for _ in range(2):
        async with sender_lock(any_store, tmp_path):
            with pytest.raises(StoreBusyError):
                async with sender_lock(any_store, tmp_path):
                    pass


async def test_folder_that_is_not_there_gives_one_line(store: Store, tmp_path: Path) -> None:
    """A lock file that cannot be made is a clear error."""
    with pytest.raises(StoreError, match="cannot open the lock file"):
        async with sender_lock(store, tmp_path / "nowhere"):
            pass


async def test_I2_a_pick_up_waits_for_another_ones_end(any_store: Store) -> None:
    """Two stores on one database share no lock in memory, as two processes: the second begins when the first has ended."""
    order: list[str] = []
    other = Store(any_store._engine, "normal")

    async def one(store: Store, name: str) -> None:
        async with pick_up_lock(store):
            order.append(f"{name} begins")
            await asyncio.sleep(0.2)
            order.append(f"{name} ends")

    first = asyncio.create_task(one(any_store, "first"))
    await asyncio.sleep(0.1)
    await asyncio.gather(first, one(other, "second"))
    assert order == ["first begins", "first ends", "second begins", "second ends"]


async def test_whoever_only_asks_keeps_no_sender_out(any_store: Store) -> None:
    """`status` holds the lock for an instant; a service that starts just then waits for it."""
    asked = asyncio.Event()

    async def ask() -> None:
        async with sender_lock(any_store, any_store.folder):
            asked.set()
            await asyncio.sleep(0.15)

    async with asyncio.TaskGroup() as group:
        group.create_task(ask())
        await asked.wait()
        async with sender_lock(any_store, any_store.folder):
            pass
