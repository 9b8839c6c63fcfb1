"""Commands about the ledger of mail: outbox list, show."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from publisher.cli import shapes, show
from publisher.cli.context import load_settings, opened, print_json, run, say
from publisher.errors import NotFoundError
from publisher.outgoing import Delivery, DeliveryState
from publisher.store import ledger_view

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

outbox_app = typer.Typer(help="The ledger: who got it, who did not, and why.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(outbox_app, name="outbox")


@outbox_app.command("list")
def list_outbox(
    context: typer.Context,
    state: Annotated[DeliveryState | None, typer.Option(help="Only those in this state.")] = None,
    domain: Annotated[str, typer.Option(help="Only to this receiving domain.")] = "",
    edition: Annotated[int | None, typer.Option(help="Only of this edition.")] = None,
    notices: Annotated[bool, typer.Option("--notices", help="Confirmations and the like instead of digests.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.")] = 1000,
    as_json: Json = False,
) -> None:
    """The deliveries, the newest first."""
    settings = load_settings(context.obj)

    async def work() -> list[Delivery]:
        async with opened(settings) as it, it.store.read() as tx:
            if notices:
                return await ledger_view.list_notices(tx, state=state, limit=limit)
            return await ledger_view.list_deliveries(tx, state=state, domain=domain, edition=edition, limit=limit)

    rows = run(work())
    if as_json:
        print_json({"deliveries": [shapes.delivery_json(row) for row in rows]})
        return
    show.table(
        ("id", "state", "to", "newsletter", "period", "tries", "reply"),
        ((r.id, r.state, r.email, r.newsletter, r.period or r.kind, r.attempts, _reply(r)) for r in rows),
    )


def _reply(row: Delivery) -> str:
    return " ".join(part for part in (str(row.reply.code or ""), row.reply.enhanced, row.reply.text) if part)


@outbox_app.command("show")
def show_delivery(
    context: typer.Context, ident: Annotated[int, typer.Argument(metavar="ID")], as_json: Json = False
) -> None:
    """One delivery, with every attempt and what the server said."""
    settings = load_settings(context.obj)

    async def work() -> tuple[Delivery, list[dict[str, Any]]] | None:
        async with opened(settings) as it, it.store.read() as tx:
            return await ledger_view.show(tx, ident)

    found = run(work())
    if found is None:
        raise NotFoundError(f"no delivery has the id {ident}; see `publisher outbox list`")
    delivery, attempts = found
    if as_json:
        print_json(shapes.delivery_json(delivery) | {"tries": attempts})
        return
    for name, value in shapes.delivery_json(delivery).items():
        if name != "reply" and value is not None:
            say(f"{name:>15}  {value}")
    for row in attempts:
        say(f"{'attempt':>15}  {row['number']}: {row['state']} at {row['finished_at']:%Y-%m-%d %H:%M:%S} UTC"
            f"  {row['reply_code'] or ''} {row['reply_text']}".rstrip())
