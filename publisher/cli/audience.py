"""Commands about readers: subscribers add, list, show."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.address import parse
from publisher.audience.optin import Joined, add
from publisher.cli import own_feed, shapes, show
from publisher.cli.context import load_settings, now, opened, print_json, run, say
from publisher.errors import NotFoundError
from publisher.model import Reader
from publisher.store import audience as table
from publisher.store.articles import sections as sections_of

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL")]

subscribers_app = typer.Typer(help="The readers.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(subscribers_app, name="subscribers")
    subscribers_app.command("feed")(own_feed.feed)


@subscribers_app.command("add")
def add_subscriber(
    context: typer.Context,
    email: Email,
    name: Annotated[str, typer.Option(help="How to call the reader.")] = "",
    newsletter: Annotated[str, typer.Option(help="Default: the first configured.")] = "",
    frequency: Annotated[str, typer.Option(help="daily, weekly or immediate; default: the newsletter's first.")] = "",
    weekday: Annotated[str, typer.Option(help="Of weekly: monday ... sunday, or 0 (Monday) to 6.")] = "",
    sections: Annotated[str, typer.Option(help="Slugs with commas between; none: all.")] = "",
    timezone: Annotated[str, typer.Option(help="IANA name; default: the site's.")] = "",
    clock: Annotated[str, typer.Option("--time", metavar="HH:MM", help="Default: the newsletter's.")] = "",
    language: Annotated[str, typer.Option(help="Default: the site's.")] = "",
    confirmed: Annotated[bool, typer.Option("--confirmed", help="You vouch for consent; it is recorded so.")] = False,
    as_json: Json = False,
) -> None:
    """Add a reader; adding twice is harmless. Without --confirmed a confirmation mail is queued."""
    settings = load_settings(context.obj)
    chosen = tuple(part.strip() for part in sections.split(",") if part.strip())

    async def work() -> tuple[Joined, Reader, set[str]]:
        async with opened(settings) as it:
            joined, reader = await add(
                it.store, settings, email, name=name, newsletter=newsletter, frequency=frequency, weekday=weekday,
                sections=chosen, timezone=timezone, time=clock, language=language, confirmed=confirmed, now=now(),
            )
            async with it.store.read() as tx:
                known = {slug for slug, _ in await sections_of(tx)}
        return joined, reader, set(reader.subscription.sections) - known

    joined, reader, unknown = run(work())
    for slug in sorted(unknown):
        typer.echo(f"publisher: note: no article stands in a section {slug!r} yet", err=True)
    if as_json:
        print_json(shapes.reader_json(reader) | {"result": joined.value})
    else:
        say(f"{reader.subscriber.email}: {reader.subscription.newsletter}, {reader.subscription.state} ({joined})")


@subscribers_app.command("list")
def list_subscribers(context: typer.Context, as_json: Json = False) -> None:
    """All subscriptions, in the order in which they came."""
    settings = load_settings(context.obj)

    async def work() -> list[Reader]:
        found: list[Reader] = []
        async with opened(settings) as it, it.store.read() as tx:
            while page := await table.list_readers(tx, found[-1].subscription.id if found else 0):
                found += page
        return found

    rows = run(work())
    if as_json:
        print_json({"subscribers": [shapes.reader_json(row) for row in rows]})
        return
    facts = [shapes.reader_json(row) for row in rows]
    names = ("email", "newsletter", "frequency", "time", "timezone", "state", "next_due_at")
    show.table(names, ([fact[name] for name in names] for fact in facts))


@subscribers_app.command("show")
def show_subscriber(context: typer.Context, email: Email, as_json: Json = False) -> None:
    """One reader: subscriptions and consents."""
    settings = load_settings(context.obj)

    async def work() -> list[dict[str, object]]:
        async with opened(settings) as it, it.store.read() as tx:
            found = await table.readers_by_email(tx, parse(email).key)
            return [
                shapes.reader_json(row) | {"consents": await table.list_consents(tx, row.subscription.id)}
                for row in found
            ]

    rows = run(work())
    if not rows:
        raise NotFoundError(f"nobody with the address {email} is known")
    if as_json:
        print_json({"subscriptions": rows})
        return
    for row in rows:
        for key, value in row.items():
            if key != "consents":
                say(f"{key:>13}  {value if value not in (None, '', []) else '-'}")
        for consent in row["consents"]:  # type: ignore[attr-defined]  # a JSON value that we made above
            say(f"{'consent':>13}  {consent['action']} at {consent['at']:%Y-%m-%d %H:%M} from {consent['origin']}")
        say()
