"""Commands about all readers: subscribers list, search, import, export."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from publisher.audience import move_in, move_out
from publisher.audience.exports import COLUMNS
from publisher.audience.report import Report
from publisher.audience.ruling import Word
from publisher.audience.sheet import open_sheet
from publisher.audience.wanted import WEEKDAYS
from publisher.cli import reports, shapes, show, streams
from publisher.cli.audience import Json, subscribers_app
from publisher.cli.context import Context, load_settings, newsletter, now, opened, print_json, run, say
from publisher.config import Settings
from publisher.model import Frequency, Reader, Subscription, SubscriptionState
from publisher.store import audience as table
from publisher.store import readers

#: Rows that a terminal shows; another program gets all.
_SCREEN = 500

State = Annotated[SubscriptionState | None, typer.Option("--state", help="Those in this state.")]
Letter = Annotated[str, typer.Option("--newsletter", help="Those of this newsletter.")]
Tag = Annotated[str, typer.Option("--tag", help="Those with this tag.")]
_NAMES = ("email", "newsletter", "state", "when", "timezone")


class Format(StrEnum):
    """What an export is written in."""

    CSV = "csv"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Adds these commands; they stand in the group of `subscribers`."""
    del app


@subscribers_app.command("list")
def list_subscribers(
    context: typer.Context, state: State = None, letter: Letter = "", tag: Tag = "", as_json: Json = False
) -> None:
    """All subscriptions, in the order in which they came."""
    settings = _known(load_settings(context.obj), letter)

    async def work() -> None:
        async with opened(settings) as it:
            pages = _pages(it, state, letter, tag)
            if as_json:
                await streams.write_json(sys.stdout.buffer, "subscribers", pages, shapes.reader_json)
            elif await show.pages(_NAMES, pages, _cells, _SCREEN):
                say(f"... and more than these {_SCREEN}; --state, --newsletter and --tag choose, --json lists all")

    run(work())


async def _pages(it: Context, state: SubscriptionState | None, letter: str, tag: str) -> AsyncIterator[list[Reader]]:
    """The chosen subscriptions. Each page is a look of its own: a slow reader of ours keeps nobody waiting."""
    last = 0
    while True:
        async with it.store.read() as tx:
            page = await table.list_readers(
                tx, last, 1000, *readers.chosen(tx, state=state, newsletter=letter, tag=tag)
            )
        if not page:
            return
        last = page[-1].subscription.id
        yield page


def _cells(row: Reader) -> Sequence[object]:
    subscription, person = row.subscription, row.subscriber
    state = "paused" if subscription.paused_until is not None else subscription.state
    return person.email, subscription.newsletter, state, _when(subscription), person.timezone


def _when(subscription: Subscription) -> str:
    """As "weekly fri 06:30"."""
    if subscription.frequency == Frequency.IMMEDIATE:
        return subscription.frequency
    day = f" {WEEKDAYS[subscription.weekday][:3].lower()}" if subscription.frequency == Frequency.WEEKLY else ""
    return f"{subscription.frequency}{day} {subscription.local_time:%H:%M}"


@subscribers_app.command("search")
def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Of an address, a name or a tag.")],
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: Json = False,
) -> None:
    """Readers by a part of their address, name or tag. Capitals do not count."""
    if not text.strip():
        raise typer.BadParameter("say what to look for", param_hint="TEXT")
    settings = load_settings(context.obj)

    async def work() -> list[Reader]:
        async with opened(settings) as it, it.store.read() as tx:
            return await table.list_readers(tx, 0, limit + 1, readers.matching(tx, text.strip()))

    found = run(work())
    if as_json:
        print_json({"subscribers": [shapes.reader_json(row) for row in found[:limit]], "more": len(found) > limit})
        return
    if not found:
        say("nobody found")
        return
    show.table(("email", "name", "newsletter", "state", "tags"), (
        (row.subscriber.email, row.subscriber.name, row.subscription.newsletter, row.subscription.state,
         ", ".join(row.subscriber.tags)) for row in found[:limit]
    ))
    if len(found) > limit:
        say(f"... and more than these {limit}; --limit shows them")


@subscribers_app.command("import")
def import_subscribers(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV; also of listmonk, Ghost, Mailchimp, Substack.")],
    letter: Annotated[str, typer.Option("--newsletter", help="Of rows that name none; default: the first.")] = "",
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="You vouch for the consent of rows that say nothing of it.")
    ] = False,
    ask: Annotated[bool, typer.Option("--ask", help="Mail each of these readers, and ask them to confirm.")] = False,
    update: Annotated[bool, typer.Option("--update", help="What rows say replaces what readers here have.")] = False,
    dry_run: reports.Dry = False,
    as_json: Json = False,
) -> None:
    """Take in readers. Who left or is suppressed stays out; safe to repeat, and to run again after it was cut off."""
    if confirmed and ask:
        raise typer.BadParameter("--confirmed and --ask exclude each other")
    settings = _known(load_settings(context.obj), letter)
    sheet = open_sheet(file)
    unsaid = Word.CONFIRMED if confirmed else Word.ASK if ask else Word.UNSAID
    options = move_in.Options(letter, unsaid, update=update, dry_run=dry_run)

    async def work() -> Report:
        async with opened(settings) as it:
            with show.progress("importing") as progress:
                return await move_in.move_in(it.store, settings, sheet, options, now=now, progress=progress)

    report = run(work())
    if as_json:
        print_json(shapes.moved_in_json(report, dry_run=dry_run))
        return
    reports.tell(file, report, dry_run=dry_run)
    if report.pending - report.asked and unsaid == Word.UNSAID:
        say(
            f"{report.pending:,} wait for consent, and get nothing: import again with --confirmed to vouch for it, "
            "or with --ask to send each a mail that asks for it"
        )


@subscribers_app.command("export")
def export_subscribers(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="None, or -: standard output.")] = None,
    form: Annotated[
        Format, typer.Option("--format", help="CSV can be imported again; JSON tells of consents too.")
    ] = Format.CSV,
    state: State = None, letter: Letter = "", tag: Tag = "",
    for_spreadsheets: Annotated[
        bool, typer.Option("--for-spreadsheets", help="CSV that no spreadsheet takes for formulas; not to be imported.")
    ] = False,
) -> None:
    """All subscriptions as a file. Names and addresses are written as they are."""
    settings = _known(load_settings(context.obj), letter)

    async def work() -> int:
        async with opened(settings) as it:
            pages = _leaving(it, _pages(it, state, letter, tag))
            with streams.target(file) as out:
                if form == Format.JSON:
                    return await streams.write_json(out, "subscribers", pages, _Leaving.facts)
                cells = _Leaving.guarded if for_spreadsheets else _Leaving.cells
                return await streams.write_csv(out, COLUMNS, pages, cells, mark=for_spreadsheets)

    count = run(work())
    if file is not None and str(file) != "-":
        say(f"{count:,} subscriptions in {file}; `publisher suppressions export` has the addresses that get nothing")


@dataclass(frozen=True, slots=True)
class _Leaving:
    """A subscription with all that an export tells of it."""

    reader: Reader
    consents: list[dict[str, Any]]
    suppression: str | None

    def facts(self) -> dict[str, Any]:
        told = {"suppression": self.suppression, "consents": self.consents}
        return shapes.reader_json(self.reader) | told

    def cells(self) -> list[str]:
        return move_out.row(self.reader, self.consents, self.suppression)

    def guarded(self) -> list[str]:
        return [move_out.guarded(cell) for cell in self.cells()]


async def _leaving(it: Context, pages: AsyncIterator[list[Reader]]) -> AsyncIterator[list[_Leaving]]:
    async for page in pages:
        async with it.store.read() as tx:
            consents = await readers.consents_of(tx, [reader.subscription.id for reader in page])
            barred = await readers.suppressed_of(tx, {reader.subscriber.id for reader in page})
        yield [
            _Leaving(reader, consents.get(reader.subscription.id, []), barred.get(reader.subscriber.id))
            for reader in page
        ]


def _known(settings: Settings, letter: str) -> Settings:
    """The settings, where this newsletter is one of theirs; raises NotFoundError otherwise."""
    if letter:
        newsletter(settings, letter)
    return settings
