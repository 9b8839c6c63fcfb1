"""The sender processes of the program's own: none is left behind."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from publisher.config import Settings
from publisher.mail.crew import Crew
from publisher.mail_settings import Mail


def children() -> set[int]:
    """The processes that this one has started and not yet seen the end of."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(path.parent.name))
    return found


async def test_a_start_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    """Neither one that was started before, nor one that was just being started."""
    before, crew = children(), Crew()
    ready = asyncio.create_task(crew.ready(Settings(root=tmp_path, mail=Mail(processes=8, connections=8))))
    while not children() - before:
        await asyncio.sleep(0)
    ready.cancel()
    await asyncio.wait((ready,))
    await crew.close()
    assert children() - before == set()
