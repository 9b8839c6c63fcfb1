"""Commands about the suppression list: suppressions list, add, release, import, export."""

from __future__ import annotations

import getpass
import sys
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from publisher.address import parse
from publisher.audience import keep_out
from publisher.audience.report import Report
from publisher.audience.sheet import open_sheet
from publisher.cli import reports, shapes, show, streams
from publisher.cli.context import Context, load_settings, now, opened, print_json, run, say
from publisher.cli.readers import Format
from publisher.errors import NotFoundError, PublisherError
from publisher.store import suppressions as table
from publisher.store.suppressions import Suppression
from publisher.text import one_line, shorten

#: Rows that a terminal shows; another program gets all.
_SCREEN = 500
_COLUMNS = ("email", "reason", "note", "at")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
suppressions_app = typer.Typer(help="The addresses to which nothing is sent.", no_args_is_help=True)


class Reason(StrEnum):
    """Why an operator keeps an address out."""

    OPERATOR = "operator"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBED = "unsubscribed"


Why = Annotated[str, typer.Option("--reason", help="Those that stand there for this reason.")]


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(suppressions_app, name="suppressions")


@suppressions_app.command("list")
def list_suppressions(context: typer.Context, reason: Why = "", as_json: Json = False) -> None:
    """All addresses to which nothing is sent. Of people who were erased only a mark is known."""
    settings = load_settings(context.obj)

    async def work() -> None:
        async with opened(settings) as it:
            pages = _pages(it, reason)
            if as_json:
                await streams.write_json(sys.stdout.buffer, "suppressions", pages, shapes.suppression_json)
            elif await show.pages(_COLUMNS, pages, _cells, _SCREEN):
                say(f"... and more than these {_SCREEN}; --reason chooses, --json lists all")

    run(work())


async def _pages(it: Context, reason: str) -> AsyncIterator[list[Suppression]]:
    last = ""
    while True:
        async with it.store.read() as tx:
            page = await table.page(tx, last, reason=reason)
        if not page:
            return
        last = page[-1].email_key
        yield page


def _cells(found: Suppression) -> Sequence[object]:
    email = shapes.suppression_json(found)["email"] or "(erased)"
    return email, found.reason, found.note, f"{found.at:%Y-%m-%d %H:%M}"


@suppressions_app.command("add")
def add(
    context: typer.Context,
    emails: Annotated[list[str], typer.Argument(metavar="EMAIL...")],
    reason: Annotated[Reason, typer.Option(help="A later subscription lifts `unsubscribed` only.")] = Reason.OPERATOR,
    note: Annotated[str, typer.Option(help="For whoever looks at the list later.")] = "",
    as_json: Json = False,
) -> None:
    """Send nothing to these addresses any more, from this moment on. Messages that wait for them end unsent."""
    settings = load_settings(context.obj)

    async def work() -> list[Suppression]:
        async with opened(settings) as it:
            return await keep_out.keep_out(it.store, emails, reason, note, now())

    found = run(work())
    if as_json:
        print_json({"suppressions": [shapes.suppression_json(one) for one in found]})
        return
    for one in found:
        say(f"{one.email_key}: nothing is sent to it any more ({one.reason})")


@suppressions_app.command("release")
def release(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    note: Annotated[str, typer.Option(help="Why; it is kept on record.")],
    as_json: Json = False,
) -> None:
    """Take an address off the list. Nobody is subscribed by that: who left stays so."""
    why = shorten(one_line(note), 500)
    if not why:
        raise typer.BadParameter("say why", param_hint="--note")
    settings = load_settings(context.obj)
    key = parse(email).key

    async def work() -> Suppression | None:
        async with opened(settings) as it, it.store.write() as tx:
            return await table.release(tx, key, by=_operator(), note=why, now=now())

    found = run(work())
    if found is None:
        raise NotFoundError(f"{email} is not on the suppression list")
    if found.reason == "erased":
        raise PublisherError(f"{email} was erased; only their own fresh subscription brings the address back")
    if as_json:
        print_json({"email": key, "released": True, "reason": found.reason, "note": why})
    else:
        say(f"{key}: released; it stood there since {found.at:%Y-%m-%d} ({found.reason})")


def _operator() -> str:
    """Who runs the command, as the machine knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


@suppressions_app.command("import")
def import_suppressions(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, a list of addresses, or another system's export.")],
    reason: Annotated[Reason, typer.Option(help="Of rows that tell none.")] = Reason.OPERATOR,
    dry_run: reports.Dry = False,
    as_json: Json = False,
) -> None:
    """Put the addresses of a file on the list. Of another system's export those that left, bounced or complained."""
    settings = load_settings(context.obj)
    sheet = open_sheet(file, bare=True)

    async def work() -> Report:
        async with opened(settings) as it:
            with show.progress("importing") as progress:
                return await keep_out.bring_in(
                    it.store, sheet, reason=reason, now=now(), dry_run=dry_run, progress=progress
                )

    report = run(work())
    if as_json:
        print_json(shapes.moved_in_json(report, dry_run=dry_run))
    else:
        reports.tell(file, report, dry_run=dry_run)


@suppressions_app.command("export")
def export_suppressions(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="None, or -: standard output.")] = None,
    form: Annotated[Format, typer.Option("--format", help="CSV can be imported again.")] = Format.CSV,
    reason: Why = "",
) -> None:
    """The list as a file. Marks of people who were erased are good wherever the same keys are."""
    settings = load_settings(context.obj)

    async def work() -> int:
        async with opened(settings) as it:
            with streams.target(file) as out:
                if form == Format.JSON:
                    return await streams.write_json(out, "suppressions", _pages(it, reason), shapes.suppression_json)
                return await streams.write_csv(out, _COLUMNS, _pages(it, reason), _row)

    count = run(work())
    if file is not None and str(file) != "-":
        say(f"{count:,} addresses in {file}")


def _row(found: Suppression) -> list[str]:
    return [found.email_key, found.reason, found.note, found.at.isoformat()]
