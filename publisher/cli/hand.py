"""Commands that change the ledger of mail: outbox retry, hold, release, resolve, pause, resume, cancel.

They work beside a running service, and without one. Each says how many it changed, and why it passed over the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from publisher.cli import choice, show
from publisher.cli.choice import Domain, Edition, Ids, Newsletter, Notices, Since, States
from publisher.cli.context import Context, load_settings, now, opened, print_json, run, say
from publisher.cli.ledger import outbox_app
from publisher.config import Settings
from publisher.delivery_state import Event
from publisher.errors import NotFoundError
from publisher.store import edition_hand, ledger_hand
from publisher.store.ledger_hand import Done
from publisher.store.selection import Selection, count_by_state, unknown_ids

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
All = Annotated[bool, typer.Option("--all", help="All that it applies to; needed where nothing else is named.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Change nothing; tell how many it would be.")]
Editions = Annotated[list[int] | None, typer.Argument(metavar="EDITION", help="See `outbox list --summary`.")]
Every = Annotated[bool, typer.Option("--all", help="All editions, those planned later too.")]


class Outcome(StrEnum):
    """What became of a message in doubt."""

    ACCEPTED = "accepted"
    REPEAT = "repeat"
    LOST = "lost"


_RESOLVED = {
    Outcome.ACCEPTED: Event.RESOLVE_ACCEPTED, Outcome.REPEAT: Event.RESOLVE_REPEAT, Outcome.LOST: Event.RESOLVE_LOST,
}
#: What was done, after a number.
_DONE = {
    Event.RETRY: "due at once", Event.HOLD: "held", Event.RELEASE: "released and due at once",
    Event.RESOLVE_ACCEPTED: "resolved as accepted", Event.RESOLVE_REPEAT: "sent again, with the same Message-ID",
    Event.RESOLVE_LOST: "resolved as lost: their articles come with the next edition",
}


def register(app: typer.Typer) -> None:
    """Adds these commands; they stand in the group of `outbox`."""
    del app


def _command(event: Event) -> Callable[..., None]:
    """A command that lets `event` happen to a selection."""

    def command(
        context: typer.Context, ids: Ids = None, state: States = None, domain: Domain = "", edition: Edition = None,
        newsletter: Newsletter = "", since: Since = None, notices: Notices = False, everything: All = False,
        dry_run: Dry = False, as_json: Json = False,
    ) -> None:
        settings = load_settings(context.obj)
        chosen = choice.chosen(
            settings, ids=ids, states=state, domain=domain, edition=edition, newsletter=newsletter, since=since,
            notices=notices,
        )
        _act(settings, event, chosen, everything=everything, dry_run=dry_run, as_json=as_json)

    return command


for _event, _name, _help in (
    (Event.RETRY, "retry",
     "Try again now. The deferred; of the bounced, expired and cancelled those that no reader would get twice."),
    (Event.HOLD, "hold", "Keep back what waits. Until it is released; the reader's next edition takes its place."),
    (Event.RELEASE, "release", "Let go what is held, whoever held it."),
):
    outbox_app.command(_name, help=_help)(_command(_event))


@outbox_app.command("resolve")
def resolve(
    context: typer.Context,
    outcome: Annotated[Outcome, typer.Option("--as", help="It arrived; send it again; it never arrived.")],
    ids: Ids = None, state: States = None, domain: Domain = "", edition: Edition = None, newsletter: Newsletter = "",
    since: Since = None, notices: Notices = False, everything: All = False, dry_run: Dry = False,
    as_json: Json = False,
) -> None:
    """Say what became of messages in doubt. The mail server's log knows."""
    settings = load_settings(context.obj)
    chosen = choice.chosen(
        settings, ids=ids, states=state, domain=domain, edition=edition, newsletter=newsletter, since=since,
        notices=notices,
    )
    _act(settings, _RESOLVED[outcome], chosen, everything=everything, dry_run=dry_run, as_json=as_json)


@outbox_app.command("pause")
def pause(context: typer.Context, ids: Editions = None, everything: Every = False, as_json: Json = False) -> None:
    """Stop sending these editions, at once. What is on the wire is finished; the rest waits until it is resumed."""

    async def work(it: Context, named: Sequence[int] | None) -> tuple[int, int]:
        return await edition_hand.pause(it.store, named), 0

    _on_editions(context, ids, work, as_json=as_json, everything=everything)


@outbox_app.command("resume")
def resume(context: typer.Context, ids: Editions = None, everything: Every = False, as_json: Json = False) -> None:
    """Go on with these editions."""

    async def work(it: Context, named: Sequence[int] | None) -> tuple[int, int]:
        repeat = it.settings.mail.in_doubt == "repeat"
        return await edition_hand.resume(it.store, named, now(), repeat=repeat)

    _on_editions(context, ids, work, as_json=as_json, everything=everything, told="are due again")


@outbox_app.command("cancel")
def cancel(context: typer.Context, ids: Editions = None, as_json: Json = False) -> None:
    """End what has not left yet of these editions. Its articles come later, unless they are withdrawn."""

    async def work(it: Context, named: Sequence[int] | None) -> tuple[int, int]:
        with show.progress("cancelling") as progress:
            return 0, (await edition_hand.cancel(it.store, named or (), now(), progress=progress)).changed

    _on_editions(context, ids, work, as_json=as_json, told="ended unsent")


def _act(
    settings: Settings, event: Event, chosen: Selection, *, everything: bool, dry_run: bool, as_json: bool
) -> None:
    if chosen == Selection(notices=chosen.notices) and not everything:
        raise typer.BadParameter("name deliveries by id, --state, --domain, --edition, --newsletter, --since, or --all")

    async def work() -> Done:
        async with opened(settings) as it:
            async with it.store.read() as tx:
                unknown = await unknown_ids(tx, chosen)
            if unknown:
                raise choice.not_there(unknown[0], notices=chosen.notices)
            with show.progress("notices" if chosen.notices else "deliveries") as progress:
                return await ledger_hand.act(it.store, event, chosen, now(), dry_run=dry_run, progress=progress)

    done = run(work())
    if as_json:
        print_json({"changed": done.changed, "passed_over": dict(done.passed.most_common()), "dry_run": dry_run})
        return
    say(f"{done.changed} {'would be ' if dry_run else ''}{_DONE[event]}")
    for why, count in done.passed.most_common():
        say(f"{count} passed over: {why}")


def _on_editions(
    context: typer.Context, ids: Sequence[int] | None,
    work: Callable[[Context, Sequence[int] | None], Awaitable[tuple[int, int]]], *, as_json: bool,
    everything: bool = False, told: str = "",
) -> None:
    """Does it to the named editions, or to all, and tells how each stands then; `told`: what became of deliveries."""
    if bool(ids) == everything:
        raise typer.BadParameter("name editions by their numbers, as `publisher outbox list --summary` shows them")
    settings = load_settings(context.obj)
    named = None if everything else list(dict.fromkeys(ids or ()))

    async def steps() -> tuple[tuple[int, int], list[dict[str, Any]]]:
        async with opened(settings) as it:
            await _known(it, named or ())
            changed = await work(it, named)
            return changed, await _standing(it, named or ())

    (editions, deliveries), rows = run(steps())
    if as_json:
        print_json({"editions": rows, "changed_editions": editions, "changed_deliveries": deliveries})
        return
    for row in rows:
        counts = ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in row["counts"].items())
        say(f"edition {row['edition']}: {row['state']}; {counts or 'no deliveries'}")
    if everything:
        say(f"{editions} changed")
    if deliveries:
        say(f"{deliveries} of their deliveries {told}")


async def _known(it: Context, ids: Sequence[int]) -> None:
    async with it.store.read() as tx:
        there = await edition_hand.states(tx, ids)
    for ident in ids:
        if ident not in there:
            raise NotFoundError(f"no edition has the number {ident}; see `publisher outbox list --summary`")


async def _standing(it: Context, ids: Sequence[int]) -> list[dict[str, Any]]:
    """How each of the editions stands."""
    async with it.store.read() as tx:
        there = await edition_hand.states(tx, ids)
        return [
            {"edition": ident, "state": there[ident], "counts": await count_by_state(tx, Selection(edition=ident))}
            for ident in ids
        ]
