"""Commands that mend by hand what identity got wrong: articles merge, articles split."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

import typer

from publisher.cli import shapes
from publisher.cli.articles import Json, articles_app, named
from publisher.cli.context import load_settings, now, opened, print_json, run, say
from publisher.feeds.publish import publish as publish_feeds
from publisher.model import Article
from publisher.site.publish import publish as publish_pages
from publisher.store.engine import Tx

Ident = Annotated[str, typer.Argument(metavar="ID")]


def register(app: typer.Typer) -> None:
    """Adds these commands; they stand in the group of `articles`."""
    del app


@articles_app.command("merge")
def merge(
    context: typer.Context,
    into: Annotated[str, typer.Argument(metavar="A")],
    other: Annotated[str, typer.Argument(metavar="B")],
    as_json: Json = False,
) -> None:
    """B is the same article as A: its documents belong to A now, it is withdrawn, and its page leads to A's."""
    from publisher.intake import mend  # noqa: PLC0415 - parsers load slowly; other commands need none

    async def work(tx: Tx, at: datetime) -> Article:
        return await mend.merge(tx, (await named(tx, into)).id, (await named(tx, other)).id, at)

    _tell(context, work, as_json, "{0.slug}: has the documents of " + other + " now")


@articles_app.command("split")
def split(context: typer.Context, ident: Ident, as_json: Json = False) -> None:
    """Undo the last merge, or make the last document that came to this article an article of its own."""
    from publisher.intake import mend  # noqa: PLC0415 - as above

    async def work(tx: Tx, at: datetime) -> Article:
        return await mend.split(tx, (await named(tx, ident)).id, at)

    _tell(context, work, as_json, "{0.slug}: an article of its own, {0.id}; its files are read again next")


def _tell(
    context: typer.Context, work: Callable[[Tx, datetime], Awaitable[Article]], as_json: bool, line: str
) -> None:
    """Does it in one transaction, writes what changed for readers, and prints the article."""
    settings = load_settings(context.obj)

    async def steps() -> Article:
        async with opened(settings) as it:
            async with it.store.write() as tx:
                found = await work(tx, now())
            await publish_pages(it.store, settings, it.templates)
            await publish_feeds(it.store, settings)
            return found

    found = run(steps())
    if as_json:
        print_json(shapes.article_json(found))
    else:
        say(line.replace("{0.slug}", found.slug).replace("{0.id}", found.id))
