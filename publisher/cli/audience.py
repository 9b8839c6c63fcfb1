"""Commands about one reader: subscribers add, show, tag, erase."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from publisher.address import parse
from publisher.audience import tagging
from publisher.audience.erase import erase
from publisher.audience.optin import Joined, add
from publisher.cli import own_feed, shapes, show
from publisher.cli.context import load_settings, now, opened, print_json, run, say
from publisher.errors import NotFoundError
from publisher.model import Reader
from publisher.store import audience as table
from publisher.store import moving, readers, suppressions
from publisher.store.articles import sections as sections_of
from publisher.store.engine import Tx
from publisher.text import one_line

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL")]

#: Deliveries that `show` lists.
_LAST = 10

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


@subscribers_app.command("show")
def show_subscriber(context: typer.Context, email: Email, as_json: Json = False) -> None:
    """One reader. Subscriptions, what was agreed to, whether the address is suppressed, what went out last."""
    settings = load_settings(context.obj)
    key = parse(email).key

    async def work() -> dict[str, Any]:
        async with opened(settings) as it, it.store.read() as tx:
            return await _facts(tx, key)

    facts = run(work())
    if not facts["subscriptions"] and facts["suppression"] is None and not facts["releases"]:
        raise NotFoundError(f"nobody with the address {email} is known")
    if as_json:
        print_json(facts)
    else:
        _tell(facts, key)


async def _facts(tx: Tx, key: str) -> dict[str, Any]:
    found = await table.readers_by_email(tx, key)
    ids = [reader.subscription.id for reader in found]
    consents = await readers.consents_of(tx, ids)
    reason = await table.suppressed(tx, key)
    deliveries = await readers.last_deliveries(tx, ids, _LAST)
    return {
        "subscriptions": [
            shapes.reader_json(row) | {"consents": consents.get(row.subscription.id, [])} for row in found
        ],
        "suppression": reason,
        "releases": await suppressions.history(tx, key),
        "deliveries": [shapes.delivery_json(row) for row in deliveries],
    }


def _tell(facts: dict[str, Any], key: str) -> None:
    """The same for the person at the terminal."""
    if facts["suppression"]:
        say(f"nothing is sent to {key}: {facts['suppression']}; see `publisher suppressions list`")
    for row in facts["releases"]:
        said = f": {row['release_note']}" if row["release_note"] else ""
        say(f"released {_minute(row['released_at'])} by {row['released_by'] or '-'} ({row['reason']}){said}")
    for row in facts["subscriptions"]:
        for name, value in row.items():
            if name != "consents":
                say(f"{name:>13}  {_shown(value)}")
        for consent in row["consents"]:
            origin = consent["origin"] and f"from {consent['origin']}"
            told = one_line("; ".join(filter(None, (consent["action"], origin, consent["wording"]))))
            say(f"{'consent':>13}  {_minute(consent['at'])}  {told}")
        say()
    if facts["deliveries"]:
        names = ("id", "state", "newsletter", "period", "created_at")
        rows = ([*(row[name] for name in names), row["reply"]["text"]] for row in facts["deliveries"])
        show.table((*names[:4], "created", "reply"), rows)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return one_line(", ".join(map(str, value))) or "-"
    return "-" if value in (None, "") else "yes" if value is True else "no" if value is False else one_line(str(value))


@subscribers_app.command("tag")
def tag_subscribers(
    context: typer.Context,
    emails: Annotated[list[str], typer.Argument(metavar="EMAIL...")],
    add_tags: Annotated[list[str] | None, typer.Option("--add", help="May be given several times.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="The same.")] = None,
    as_json: Json = False,
) -> None:
    """Put readers into groups of your own. Tags are plain words; capitals do not count."""
    if not add_tags and not remove:
        raise typer.BadParameter("say which tags, with --add or --remove")
    settings = load_settings(context.obj)
    keys = {parse(email).key: email for email in emails}

    async def work() -> dict[str, tuple[str, ...]]:
        async with opened(settings) as it, it.store.write() as tx:
            people = await moving.ids(tx, keys)
            unknown = [email for key, email in keys.items() if key not in people]
            if unknown:
                raise NotFoundError(f"nobody with the address {unknown[0]} is known; no tag was changed")
            return {
                keys[key]: await readers.change_tags(
                    tx, ident, lambda before: tagging.changed(before, add_tags or (), remove or ())
                )
                for key, ident in ((key, people[key]) for key in keys)
            }

    found = run(work())
    if as_json:
        print_json({"subscribers": [{"email": email, "tags": tags} for email, tags in found.items()]})
        return
    for email, tags in found.items():
        say(f"{email}: {', '.join(tags) or 'no tags'}")


@subscribers_app.command("erase")
def erase_subscriber(context: typer.Context, email: Email, as_json: Json = False) -> None:
    """Erase a person. Their data goes at once, for good; a mark that shows no address keeps them from coming back."""
    settings = load_settings(context.obj)
    key = parse(email).key

    async def work() -> None:
        async with opened(settings) as it:
            async with it.store.read() as tx:
                known = await moving.ids(tx, [key]) or await suppressions.stands_plainly(tx, key)
            if not known:
                raise NotFoundError(f"nobody with the address {email} is known; there is nothing to erase")
            await erase(it.store, key, now())

    run(work())
    if as_json:
        print_json({"email": email, "erased": True})
    else:
        say(f"{email}: erased; only their own fresh subscription brings the address back")
