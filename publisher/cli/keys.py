"""Commands about the program's own keys: keys rotate."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.context import load_settings, print_json, say
from publisher.crypto import rotate_keys

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Revoke = Annotated[
    bool, typer.Option("--revoke", help="End older links to confirm and to preferences; those to unsubscribe stay.")
]

keys_app = typer.Typer(help="The keys that sign links in mail.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(keys_app, name="keys")


@keys_app.callback()
def group() -> None:
    """The keys that sign links in mail."""


@keys_app.command("rotate")
def rotate(context: typer.Context, revoke: Revoke = False, as_json: Json = False) -> None:
    """Make a new key, which signs all links from the next start on; older ones go on to verify."""
    settings = load_settings(context.obj)
    path = settings.store_folder / "keys.json"
    keys = rotate_keys(path, revoke=revoke)
    if as_json:
        print_json({"file": str(path), "keys": len(keys.secrets), "revoked": len(keys.revoked)})
        return
    say(f"{path}: a new key, {len(keys.secrets) - 1} older, {len(keys.revoked)} revoked.")
    say("Restart the service for it to be used, copy the file to other machines of this store, and back it up.")
