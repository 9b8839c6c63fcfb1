"""Commands that show the ledger of mail: outbox list, show. What changes it stands in `hand`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from publisher.cli import choice, shapes, show
from publisher.cli.choice import Domain, Edition, Newsletter, Notices, Since, States
from publisher.cli.context import load_settings, opened, print_json, run, say
from publisher.cli.outlook import outlook
from publisher.delivery_state import Standing
from publisher.errors import PublisherError
from publisher.outgoing import Delivery
from publisher.store import ledger_hand, ledger_sum, ledger_view
from publisher.store.ledger_sum import EditionSum, Reason
from publisher.store.selection import Selection
from publisher.text import one_line, shorten

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many, the newest first: 1000, or 20 editions.")]
Sum = Annotated[bool, typer.Option("--summary", help="For each edition: how many came to what, and why.")]

#: How many rows, and how many editions, where nothing is said.
_ROWS, _EDITIONS = 1000, 20

outbox_app = typer.Typer(help="The ledger: who got it, who did not, and why.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(outbox_app, name="outbox")


@outbox_app.command("list")
def list_outbox(
    context: typer.Context, state: States = None, domain: Domain = "", edition: Edition = None,
    newsletter: Newsletter = "", since: Since = None, notices: Notices = False, summary: Sum = False,
    limit: Limit = None, as_json: Json = False,
) -> None:
    """The deliveries, the newest first."""
    settings = load_settings(context.obj)
    chosen = choice.chosen(
        settings, states=state, domain=domain, edition=edition, newsletter=newsletter, since=since, notices=notices
    )
    if notices and summary:
        raise PublisherError("--notices belong to no edition; leave --summary out")

    async def work() -> list[Delivery]:
        async with opened(settings) as it, it.store.read() as tx:
            return await ledger_view.listed(tx, chosen, limit or _ROWS)

    async def work_on_sums() -> list[EditionSum]:
        async with opened(settings) as it, it.store.read() as tx:
            return await ledger_sum.sums(tx, chosen, limit or _EDITIONS)

    if summary:
        _print_sums(run(work_on_sums()), as_json)
    else:
        _print_rows(run(work()), as_json)


def _print_rows(rows: list[Delivery], as_json: bool) -> None:
    if as_json:
        print_json({"deliveries": [shapes.delivery_json(row) for row in rows]})
        return
    show.table(
        ("id", "state", "to", "newsletter", "edition", "period", "tries", "next try", "reply"),
        (
            (r.id, r.state, r.email, r.newsletter, r.edition_id, _slot(r), r.attempts, _next(r), _reply(r))
            for r in rows
        ),
    )


def _print_sums(found: list[EditionSum], as_json: bool) -> None:
    if as_json:
        print_json({"editions": [shapes.edition_sum_json(edition) for edition in found]})
        return
    for edition in found:
        say(f"edition {edition.id}  {edition.newsletter}  {edition.on}  {edition.kind}  {edition.state}")
        counts = ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in edition.counts.items())
        say(f"  {counts or 'no deliveries'}" + (f" ({sum(edition.counts.values())} in all)" if edition.counts else ""))
        for reason in edition.reasons:
            say(f"    {reason.count} {reason.state.replace('_', ' ')}: {_words(reason)}")


def _words(reason: Reason) -> str:
    told = " ".join(part for part in (str(reason.code or ""), reason.enhanced, one_line(reason.text)) if part)
    return shorten(told, 200) or "no reason was given"


def _slot(row: Delivery) -> str:
    """The period, as far as it tells a person anything; of a notice its kind."""
    return "manual" if row.period.startswith("manual:") else row.period or row.kind


def _next(row: Delivery) -> str:
    return "" if row.next_attempt_at is None else row.next_attempt_at.strftime("%m-%d %H:%M")


def _reply(row: Delivery) -> str:
    return " ".join(part for part in (str(row.reply.code or ""), row.reply.enhanced, row.reply.text) if part)


@outbox_app.command("show")
def show_delivery(
    context: typer.Context, ident: Annotated[int, typer.Argument(metavar="ID")], notices: Notices = False,
    as_json: Json = False,
) -> None:
    """One delivery or notice with all that is known of it. Every attempt, what comes next, which command changes it."""
    settings = load_settings(context.obj)

    async def work() -> tuple[Delivery, list[dict[str, Any]], Standing] | None:
        async with opened(settings) as it, it.store.read() as tx:
            found = await ledger_view.show(tx, ident, notices=notices)
            table = Selection(notices=notices).table
            return None if found is None else (*found, (await ledger_hand.standings(tx, [ident], table))[ident])

    found = run(work())
    if found is None:
        raise choice.not_there(ident, notices=notices)
    delivery, attempts, standing = found
    then, commands = outlook(delivery, standing)
    if as_json:
        print_json(shapes.delivery_json(delivery) | {"tries": attempts, "next": then, "commands": commands})
        return
    for name, value in shapes.delivery_json(delivery).items():
        if name != "reply" and value is not None:
            say(f"{name:>15}  {value}")
    if reply := _reply(delivery):
        say(f"{'reply':>15}  {one_line(reply)}")
    for row in attempts:
        told = one_line(f"{row['reply_code'] or ''} {row['reply_enhanced']} {row['reply_text']}")
        ended = f"{row['state']} at {row['finished_at']:%Y-%m-%d %H:%M:%S} UTC"
        say(f"{'attempt':>15}  {row['number']}: {ended}  {told}".rstrip())
    say(f"{'next':>15}  {then}")
    for command in commands:
        say(f"{'':>15}  {command}")
