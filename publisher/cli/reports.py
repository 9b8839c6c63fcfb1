"""What commands say of an import of people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from publisher.audience.report import Report, Result
from publisher.cli import show
from publisher.cli.context import say

Dry = Annotated[bool, typer.Option("--dry-run", help="Store nothing; tell what would be.")]

#: Rows that a terminal shows.
_SCREEN = 100
_SYSTEMS = {
    "listmonk": "an export of listmonk", "ghost": "an export of Ghost", "mailchimp": "an export of Mailchimp",
    "substack": "an export of Substack", "csv": "a table",
}
_WORDS = {
    Result.ADDED: "added", Result.UPDATED: "updated", Result.UNCHANGED: "unchanged", Result.LEFT: "left",
    Result.SUPPRESSED: "suppressed", Result.SKIPPED: "skipped", Result.DUPLICATE: "duplicate",
    Result.INVALID: "invalid",
}


def tell(file: Path, report: Report, *, dry_run: bool) -> None:
    """The rows that there is something to know of, then the counts."""
    shown = report.told[:_SCREEN] if sys.stdout.isatty() else report.told
    show.table(("line", "", "email", "why"), ((row.line, row.result, row.email, row.reason) for row in shown))
    if left := len(report.told) - len(shown) + report.untold:
        say(f"... and {left:,} more such rows; --json lists {'all' if not report.untold else f'{len(report.told):,}'}")
    encoding = "" if report.encoding.startswith("utf-8") else f", in {report.encoding}"
    say(f"{file}: {_SYSTEMS[report.system]}{encoding}, {report.read:,} row{'' if report.read == 1 else 's'}")
    counts = ", ".join(f"{report.counts[result]:,} {word}" for result, word in _WORDS.items() if report.counts[result])
    say(f"{'would be: ' if dry_run else ''}{counts or 'nothing in it'}")
    if dry_run:
        say("a dry run: nothing was stored")
    elif report.asked:
        say(f"{report.asked:,} mail{'' if report.asked == 1 else 's'} that ask for consent wait to be sent")
