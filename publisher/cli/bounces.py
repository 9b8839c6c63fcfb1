"""Commands about what comes back: bounces list, show, rates, classify."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from publisher.cli import choice, show
from publisher.cli.choice import Domain, Edition
from publisher.cli.context import load_settings, now, opened, print_json, print_json_line, run, say
from publisher.errors import NotFoundError, PublisherError
from publisher.inbound.receive import own_rules
from publisher.inbound.report import report_of
from publisher.incoming import Letter, ReportClass
from publisher.store import bounce_view
from publisher.store.bounce_view import Rate, Wanted
from publisher.text import one_line, shorten

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")]
Classes = Annotated[
    list[ReportClass] | None, typer.Option("--class", help="Those of this class; may be given several times.")
]
Since = Annotated[datetime | None, typer.Option(help="Those since this instant; without a zone, the site's.")]

bounces_app = typer.Typer(help="What came back: bounces, complaints, unsubscriptions by mail.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(bounces_app, name="bounces")


@bounces_app.command("list")
def list_bounces(
    context: typer.Context, classes: Classes = None, domain: Domain = "",
    address: Annotated[str, typer.Option(help="Those about this address.")] = "", edition: Edition = None,
    since: Since = None, limit: Limit = 1000, as_json: Json = False,
) -> None:
    """The reports, the newest first, with what became of each."""
    settings = load_settings(context.obj)
    at = since if since is None or since.tzinfo else since.replace(tzinfo=settings.site.zone)
    wanted = Wanted(
        tuple(one.value for one in classes or ()), choice.domain_of(domain.removeprefix("@")) if domain else "",
        address, edition, at,
    )

    async def work() -> list[dict[str, Any]]:
        async with opened(settings) as it, it.store.read() as tx:
            return await bounce_view.listed(tx, wanted, limit)

    rows = run(work())
    if as_json:
        print_json({"bounces": [_json(row) for row in rows]})
        return
    show.table(
        ("id", "at", "way", "class", "address", "code", "what became of it", "words"),
        (
            (r["id"], f"{r['at']:%m-%d %H:%M}", r["way"], r["class"], r["address"], r["code"], r["effect"],
             shorten(one_line(r["reason"]), 120))
            for r in rows
        ),
    )


@bounces_app.command("show")
def show_bounce(
    context: typer.Context, ident: Annotated[int, typer.Argument(metavar="ID")], as_json: Json = False
) -> None:
    """One report with all that is known of it, and the words that it was judged by."""
    settings = load_settings(context.obj)

    async def work() -> dict[str, Any] | None:
        async with opened(settings) as it, it.store.read() as tx:
            return await bounce_view.show(tx, ident)

    row = run(work())
    if row is None:
        raise NotFoundError(f"no report has the id {ident}; see `publisher bounces list`")
    if as_json:
        print_json(_json(row))
        return
    for name, value in _json(row).items():
        if name != "evidence" and value not in (None, ""):
            say(f"{name:>12}  {one_line(str(value))}")
    say()
    for line in row["evidence"].splitlines():
        say(f"  | {one_line(line)}")


@bounces_app.command("rates")
def show_rates(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=400, help="Of the last so many days.")] = 7, as_json: Json = False,
) -> None:
    """How often reports come, by receiving domain and by edition: of the messages that were accepted."""
    settings = load_settings(context.obj)

    async def work() -> tuple[list[Rate], list[Rate]]:
        async with opened(settings) as it, it.store.read() as tx:
            since = now() - timedelta(days=days)
            return await bounce_view.rates_by_domain(tx, since), await bounce_view.rates_by_edition(tx, since)

    domains, editions = run(work())
    if as_json:
        print_json({"domains": [_rate(one, "domain") for one in domains],
                    "editions": [_rate(one, "edition") for one in editions]})
        return
    names = ("accepted", *bounce_view.COUNTED)
    for heading, rates in (("domain", domains), ("edition", editions)):
        show.table((heading, *names), ((one.of, one.accepted, *map(one.reports.get, names[1:])) for one in rates))


@bounces_app.command("classify")
def classify(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Messages; of a folder, the files in it.")],
    as_json: Json = False,
) -> None:
    """What would be made of these messages, storing nothing."""
    rules = own_rules(load_settings(context.obj).inbound)
    for path in _files(paths):
        finding = report_of(Letter(path.read_bytes(), "maildir"), rules).finding
        told = {
            "path": str(path), "class": finding.report_class.value, "address": finding.address, "code": finding.code,
            "reason": finding.reason,
        }
        if as_json:
            print_json_line(told | {"kind": finding.kind.value, "rule": finding.rule})
        else:
            say("\t".join(one_line(str(value)) for value in (*told.values(), finding.rule)))


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.exists():
            raise PublisherError(f"{path}: no such file")
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*") if one.is_file() and not one.name.startswith("."))
        else:
            yield path


def _json(row: dict[str, Any]) -> dict[str, Any]:
    renamed = {"subscription_id": "subscription", "delivery_id": "delivery", "edition_id": "edition"}
    return {renamed.get(name, name): value for name, value in row.items()}


def _rate(one: Rate, name: str) -> dict[str, Any]:
    shares = {f"{each}_share": round(one.share(each), 6) for each in ("hard", "complaint")}
    counts = {each: one.reports.get(each, 0) for each in bounce_view.COUNTED}
    return {name: one.of, "accepted": one.accepted, **counts, **shares}
