"""The command line: `publisher [--config FILE] COMMAND`.

Exit status: 0 done, 1 failed, 2 wrong usage or configuration.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from publisher.audience.wanted import WantedError
from publisher.cli import (
    articles,
    audience,
    bounces,
    digest,
    hand,
    imports,
    keys,
    ledger,
    mend,
    operate,
    readers,
    signing,
    suppressions,
)
from publisher.errors import ConfigError, PublisherError

#: What the parser of the command line raises; Typer gives the common class of these errors no name of its own.
_Misuse: type[Exception] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    name="publisher",
    help="Turns articles into syndication feeds and email digests.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"publisher {version('publisher')}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Configuration; else $PUBLISHER_CONFIG, else config/publisher.toml."),
    ] = None,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """What stands before every command."""
    del show_version
    context.obj = config


_GROUPS = (
    operate, articles, mend, imports, audience, readers, suppressions, digest, ledger, hand, bounces, signing, keys,
)
for group in _GROUPS:
    group.register(app)


def main() -> None:
    """Runs the command; an error is one clear line on stderr, never a traceback."""
    try:
        sys.exit(app(standalone_mode=False))
    except _Misuse as error:
        sys.stderr.write(_usage(error))
        sys.exit(2)
    except WantedError as error:
        sys.stderr.write(f"publisher: {error}\n")
        sys.exit(2)
    except ConfigError as error:
        for fault in error.faults:
            sys.stderr.write(f"publisher: configuration: {fault}\n")
        sys.exit(2)
    except PublisherError as error:
        sys.stderr.write(f"publisher: {error}\n")
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"publisher: {where}{error.strerror or error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _usage(error: Any) -> str:
    """What is wrong with the words of the command, in one line; the help where a command was left out."""
    words = str(error.format_message()).rstrip()
    command = error.ctx.command_path if error.ctx else "publisher"
    if "\n" in words:
        return words + "\n"
    words = words.removeprefix("Invalid value: ").replace("Value error, ", "").rstrip(".")
    return f"publisher: {words}; see `{command} --help`\n"
