"""The command for a reader's own feed: subscribers feed."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher import urls
from publisher.address import parse
from publisher.audience import own_feed
from publisher.cli.context import load_settings, opened, print_json, run, say
from publisher.errors import NotFoundError
from publisher.store import audience as table


def feed(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    renew: Annotated[bool, typer.Option("--renew", help="A new address; the old one is void.")] = False,
    end: Annotated[bool, typer.Option("--end", help="Serve it no more.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """The address of a reader's own feed, which follows the reader's preferences; opened where it was not."""
    settings = load_settings(context.obj)

    async def work() -> str:
        async with opened(settings) as it:
            async with it.store.read() as tx:
                found = await table.readers_by_email(tx, parse(email).key)
            if not found:
                raise NotFoundError(f"nobody with the address {email} is known")
            reader = found[0].subscriber.id
            if end:
                await own_feed.end(it.store, reader)
                return ""
            return await own_feed.address(it.store, it.keys, reader, renew=renew)

    token = run(work())
    address = urls.absolute(settings.site.url, f"/feed/{token}") if token else ""
    if as_json:
        print_json({"email": email, "feed": address or None})
    else:
        say(address or f"{email}: no feed of its own any more")
