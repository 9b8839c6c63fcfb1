"""What every command shares: settings, an open store, one way to print and one way to fail."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from publisher import config, fingerprints, log
from publisher.crypto import Keys, load_keys
from publisher.errors import NotFoundError
from publisher.settings import Newsletter
from publisher.store.engine import Store, open_store
from publisher.templating import Templates, templates_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """One run of a command."""

    settings: config.Settings
    store: Store
    templates: Templates
    keys: Keys


def load_settings(file: Path | None, *, service: bool = False) -> config.Settings:
    """The settings, with logging set up as they ask; a command that reports by itself logs errors only."""
    settings = config.load(file)
    log.configure(settings.log.level if service or settings.log.level == "debug" else "error")
    return settings


@asynccontextmanager
async def opened(settings: config.Settings) -> AsyncIterator[Context]:
    """The store and all that goes with it, closed at the end."""
    keys = load_keys(settings.store_folder / "keys.json")
    store = await open_store(
        settings.store.url, root=settings.root, durability=settings.store.durability,
        fingerprints=partial(fingerprints.of, keys),
    )
    try:
        yield Context(settings, store, templates_of(settings.root), keys)
    finally:
        await store.close()


def newsletter(settings: config.Settings, name: str) -> Newsletter:
    """The newsletter called `name`, or the only one where `name` is empty; NotFoundError otherwise."""
    known = ", ".join(n.name for n in settings.newsletter) or "none is configured"
    if not name and len(settings.newsletter) >= 1:
        return settings.newsletter[0]
    found = settings.find_newsletter(name)
    if found is None:
        raise NotFoundError(f"no newsletter is called {name!r}; known: {known}")
    return found


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs `work` to its end.

    On the standard event loop: once uvloop has run, what a slow reader of a pipe does not take at once is lost.
    """
    return asyncio.run(work)


def say(line: str = "") -> None:
    """A line for the person at the terminal."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    say(json.dumps(value, ensure_ascii=False, indent=2, default=plain_json))


def print_json_line(value: object) -> None:
    """One JSON object on a line of its own."""
    say(json.dumps(value, ensure_ascii=False, default=plain_json))


def plain_json(value: object) -> str:
    """What JSON has no form for, as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
