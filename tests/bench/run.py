"""`make bench`: how fast, side by side with a peer in one run. Absolute figures mean little on a shared machine; ratios do.

    run.py [NAME...]     intake, article, fifty, drop, nginx, send, plan, move, inbound; none named: all
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import coming_back
import moving
import planning
import publishing
import sending
import taking_in
import uvloop

from publisher import log
from publisher.config import Settings
from publisher.mail_settings import Mail
from publisher.settings import Newsletter, Site
from publisher.store.engine import Store, open_store

MESSAGES = 20_000
FEEDS = ["article", "fifty", "drop", "nginx"]
ROWS: list[tuple[str, str, str]] = []


def row(what: str, ours: str, ratio: str = "") -> None:
    ROWS.append((what, ours, ratio))
    print(f"{what:<58} {ours:>18}  {ratio}", flush=True)


async def intake(root: Path) -> None:
    taking_in.extraction(row)
    await taking_in.storing(root / "stored", row)
    await taking_in.looking_again(root / "again", row)


@asynccontextmanager
async def _opened(root: Path, port: int = 25) -> AsyncIterator[tuple[Store, Settings]]:
    root.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        root=root, site=Site(postal_address="1 Bench Street"), newsletter=(Newsletter(name="daily", welcome=False),),
        mail=Mail(transport="smtp", port=port, sender="Bench <bench@example.org>"),
    )
    store = await open_store("sqlite:///publisher.db", root=root)
    try:
        yield store, settings
    finally:
        await store.close()


def main() -> None:
    log.configure("error")
    wanted = sys.argv[1:] or ["intake", *FEEDS, "send", "plan", "move", "inbound"]
    if "intake" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            uvloop.run(intake(Path(folder)))
    publishing.run(row, [name for name in FEEDS if name in wanted])
    if "send" in wanted:
        sending.run(MESSAGES)
    if "plan" in wanted:
        planning.run(row)
    if "inbound" in wanted:
        coming_back.run(row)
    if "move" in wanted:
        moving.run(row)


if __name__ == "__main__":
    main()
