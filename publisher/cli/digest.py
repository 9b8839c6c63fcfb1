"""Commands about digests: preview and send."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from publisher import loop
from publisher.address import parse
from publisher.cli import show
from publisher.cli.context import Context, load_settings, newsletter, now, opened, print_json, run, say
from publisher.digest.plan import plan
from publisher.digest.preview import preview
from publisher.errors import PublisherError, StoreBusyError
from publisher.inbound.receive import judge_refusals
from publisher.mail.compose import Content
from publisher.mail.deliver import deliver, recover
from publisher.mail.message import sample
from publisher.mail.pace import Pace
from publisher.mail.pacing import spare
from publisher.mail.testcopy import send_test
from publisher.progress import Progress
from publisher.store import ledger_view
from publisher.store.lock import sender_lock

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(metavar="NEWSLETTER", help="Name of the newsletter.")]

digest_app = typer.Typer(help="Digests: look at the next, send what is due.", no_args_is_help=True)

#: A reader whose message is on the wire is planned for in the next round; two are enough, more would be a fault.
_ROUNDS = 2
#: Seconds between two looks at what the running service has sent.
_LOOK = 0.5
#: Without any progress for so many seconds, the wait for the service ends.
_GIVE_UP = 60.0


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(digest_app, name="digest")


@digest_app.command("preview")
def preview_digest(
    context: typer.Context,
    name: Name,
    reader: Annotated[str, typer.Option("--for", metavar="EMAIL", help="As this reader would get it.")] = "",
    at: Annotated[datetime | None, typer.Option(help="As at this instant; without a zone, the site's.")] = None,
    into: Annotated[
        Path | None, typer.Option("--out", help="Folder for HTML, text and .eml; default: var/preview of the project.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write HTML, text and .eml of the next edition, sending nothing."""
    settings = load_settings(context.obj)
    chosen = newsletter(settings, name)
    instant = now() if at is None else at if at.tzinfo else at.replace(tzinfo=settings.site.zone)

    key = parse(reader).key if reader else ""
    out = into or settings.path(Path("var/preview"))

    async def work() -> tuple[str, list[Path], int]:
        async with opened(settings) as it:
            found = await preview(it.store, settings, it.templates, chosen, for_email=key, at=instant)
        content = Content(found.subject, found.html, found.text)
        eml = sample(settings, it.keys, chosen.name, content, email=reader, now=instant)
        out.mkdir(parents=True, exist_ok=True)
        files = [out / f"{chosen.name}.{ending}" for ending in ("html", "txt", "eml")]
        files[0].write_text(eml.html, encoding="utf-8")
        files[1].write_text(eml.text, encoding="utf-8")
        files[2].write_bytes(eml.message)
        return found.subject, files, found.stories

    subject, files, stories = run(work())
    if as_json:
        print_json({"subject": subject, "stories": stories, "files": [str(file) for file in files]})
        return
    say(f"{subject}  ({stories} stories)" if stories else "nothing new: the next edition would not be sent")
    for file in files:
        say(f"  {file}")


@digest_app.command("send")
def send_digest(
    context: typer.Context,
    name: Name,
    at_once: Annotated[bool, typer.Option("--now", help="All active subscriptions, due or not.")] = False,
    to: Annotated[str, typer.Option(metavar="EMAIL", help="A test copy to this address; touches no ledger.")] = "",
    as_json: Json = False,
) -> None:
    """Plan what is due and send it, along with what an earlier run left unsent."""
    settings = load_settings(context.obj)
    chosen = newsletter(settings, name)

    async def work() -> dict[str, int | str]:
        async with opened(settings) as it:
            if to:
                found = await preview(it.store, settings, it.templates, chosen, for_email="", at=now())
                content = Content(found.subject, found.html, found.text)
                reply = await send_test(settings, it.keys, chosen.name, content, to, now=now())
                return {"test": to, "reply": f"{reply.code} {reply.text}".strip()}
            return await _send(it, chosen.name, manual=uuid4().hex if at_once else "")

    result = loop.run(work())
    if as_json:
        print_json(result)
    else:
        shown = {key: value for key, value in result.items() if value or key in ("planned", "accepted")}
        counts = (f"{value} {key.replace('_', ' ')}" for key, value in shown.items() if isinstance(value, int))
        words = (f"{key}: {value}" for key, value in shown.items() if not isinstance(value, int))
        idle = ["nobody is due anything new"] if not to and not any(result.values()) else []
        say(", ".join([*counts, *words, *idle]))
    if result.get("waiting"):
        raise PublisherError("not all could be sent; `publisher outbox list` has them, and the rest is tried again")


async def _send(it: Context, name: str, manual: str) -> dict[str, int | str]:
    """Sends here, or, where a service runs on the same store, lets it send and looks on."""
    with show.progress("sending") as progress:
        try:
            async with sender_lock(it.store, it.settings.store_folder):
                await recover(it.store, it.settings, now())
                return await _send_here(it, name, manual, progress)
        except StoreBusyError:
            planned = waiting = 0
            for _ in range(_ROUNDS):
                report = await plan(it.store, it.settings, it.templates, now=now(), manual=manual, newsletter=name)
                waiting = await _look_on(it, progress)
                planned += report.planned
                if not report.waiting:
                    break
            return {"planned": planned, "sent_by_service": max(0, planned - waiting), "waiting": waiting}


async def _send_here(it: Context, name: str, manual: str, progress: Progress) -> dict[str, int | str]:
    tally = dict.fromkeys(("planned", "accepted", "deferred", "bounced", "in_doubt", "held"), 0)
    why = ""
    for _ in range(_ROUNDS):
        report = await plan(it.store, it.settings, it.templates, now=now(), manual=manual, newsletter=name)
        with _stoppable() as stop:
            sent = await deliver(
                it.store, it.settings, it.templates, it.keys, now=now, stop=stop, progress=progress
            )
        counts = (report.planned, sent.accepted, sent.deferred, sent.bounced, sent.in_doubt, sent.held)
        tally = {key: tally[key] + count for key, count in zip(tally, counts, strict=True)}
        why = "; ".join([*report.faults, sent.unreached]).strip("; ")
        if not report.waiting or sent.unreached or stop.is_set():
            break
    refused = await judge_refusals(it.store, it.settings, now())
    await spare(Pace(), it.store, refused.spared, now())
    return {**tally, "waiting": await _open(it), **({"why": why} if why else {})}


@contextmanager
def _stoppable() -> Iterator[asyncio.Event]:
    """Set by Ctrl-C or SIGTERM: what is on the wire is finished, and nothing is left in doubt."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    signs = (signal.SIGTERM, signal.SIGINT)
    for sign in signs:
        loop.add_signal_handler(sign, stop.set)
    try:
        yield stop
    finally:
        for sign in signs:
            loop.remove_signal_handler(sign)


async def _look_on(it: Context, progress: Progress) -> int:
    """Waits while the service sends; returns what is still open when no progress is seen any more."""
    total = left = await _open(it)
    idle = 0.0
    while left and idle < _GIVE_UP:
        await asyncio.sleep(_LOOK)
        before, left = left, await _open(it)
        idle = 0.0 if left < before else idle + _LOOK
        progress(max(0, total - left), total)
    return left


async def _open(it: Context) -> int:
    async with it.store.read() as tx:
        return sum((await ledger_view.counts(tx)).values())
