"""Commands that run and watch the service: run, status, migrate."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from publisher.cli import show, summary
from publisher.cli.context import load_settings, opened, print_json, say
from publisher.cli.context import run as run_to_end
from publisher.crypto import load_rsa

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(run)
    app.command()(status)
    app.command()(migrate)


def run(context: typer.Context) -> None:
    """The service: pick-up, feeds, digests, sending, web. Ctrl-C or SIGTERM stops it."""
    from publisher import loop, service, ticks  # noqa: PLC0415 - every part; other commands start faster without

    settings = load_settings(context.obj, service=True)
    if settings.mail.dkim is not None:
        load_rsa(settings.path(settings.mail.dkim.key_file))  # better no service than one that never sends

    async def work() -> None:
        async with opened(settings) as it:
            parts = ticks.Service(
                settings, it.store, it.templates, it.keys, stop=asyncio.Event(), reporting=show.progress
            )

            async def announce(started: service.Started) -> None:
                for line in await summary.lines(it, started.address, started.documents):
                    say(line)

            await service.run(parts, announce)

    loop.run(work())


def status(context: typer.Context, as_json: Json = False) -> None:
    """What is live, due, queued and stuck."""
    settings = load_settings(context.obj)

    async def work() -> dict[str, Any]:
        async with opened(settings) as it:
            return await summary.facts(it)

    facts = run_to_end(work())
    if as_json:
        print_json(facts)
        return
    for line in summary.status_lines(facts):
        say(line)


def migrate(context: typer.Context) -> None:
    """Bring the store to this version's shape (the service does so by itself at its start)."""
    settings = load_settings(context.obj)

    async def work() -> None:
        async with opened(settings):
            pass

    run_to_end(work())
    say("the store is up to date")
