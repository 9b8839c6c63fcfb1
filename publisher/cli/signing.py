"""Commands about signatures: dkim keygen, record."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated

import typer

from publisher import crypto
from publisher.cli.choice import domain_of
from publisher.cli.context import load_settings, print_json, say
from publisher.config import Settings
from publisher.errors import PublisherError
from publisher.mail.dkim_record import Record, record

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Domain = Annotated[str, typer.Option(help="Signing domain; default: as configured, else the sender's.")]
Selector = Annotated[str, typer.Option(help='Selector; default: as configured, else "s1".')]

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

dkim_app = typer.Typer(help="The key that messages are signed with, and its DNS record.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(dkim_app, name="dkim")


@dataclass(frozen=True, slots=True)
class _Names:
    """Whose key it is, and where it lies."""

    domain: str
    selector: str
    file: Path
    #: As the configuration has it already.
    configured: bool


@dkim_app.command("keygen")
def keygen(
    context: typer.Context, domain: Domain = "", selector: Selector = "",
    out: Annotated[Path | None, typer.Option(help="Key file; default: as configured, else config/dkim.pem.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Put a new key in the place of one that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Make an RSA-2048 key pair; print the DNS record to publish and the lines to configure."""
    settings = load_settings(context.obj)
    names = _names(settings, domain, selector, out)
    key = crypto.make_rsa(names.file, replace=force)
    _tell(settings, names, record(names.domain, names.selector, crypto.public_base64(key)), as_json=as_json, made=True)


@dkim_app.command("record")
def print_record(
    context: typer.Context, domain: Domain = "", selector: Selector = "",
    key: Annotated[Path | None, typer.Option(help="Key file; default: as configured, else config/dkim.pem.")] = None,
    as_json: Json = False,
) -> None:
    """Print the DNS record of the present key."""
    settings = load_settings(context.obj)
    names = _names(settings, domain, selector, key)
    found = record(names.domain, names.selector, crypto.public_base64(crypto.load_rsa(names.file)))
    _tell(settings, names, found, as_json=as_json, made=False)


def _names(settings: Settings, domain: str, selector: str, file: Path | None) -> _Names:
    present = settings.mail.dkim
    sender = parseaddr(settings.mail.sender)[1]
    mine = domain_of(domain or (present.domain if present else sender.rpartition("@")[2]))
    chosen = selector or (present.selector if present else "s1")
    if not all(_LABEL.fullmatch(label) for label in chosen.lower().split(".")):
        raise PublisherError(f'{chosen!r} is no selector; write letters, digits and hyphens, as "s1"')
    where = file.absolute() if file else settings.path(present.key_file if present else Path("config/dkim.pem"))
    same = present is not None and (present.domain, present.selector, settings.path(present.key_file)) == (
        mine, chosen, where
    )
    return _Names(mine, chosen, where, same)


def _tell(settings: Settings, names: _Names, found: Record, *, as_json: bool, made: bool) -> None:
    if as_json:
        print_json({
            "domain": names.domain, "selector": names.selector, "key_file": str(names.file),
            "record": {"name": found.name, "type": "TXT", "value": found.value, "strings": found.strings},
            "configured": names.configured,
        })
        return
    if made:
        say(f"The private key is in {names.file}, for its owner only; keep it with your backups.\n")
    say("Publish this DNS record:\n")
    say(f"  name   {found.name}\n  type   TXT\n  value  {found.value}\n")
    say(f"In a zone file:\n\n  {found.zone_line}\n")
    if names.configured:
        say("The configuration names this key already.")
        return
    root = settings.root.absolute()
    file = names.file.relative_to(root) if names.file.is_relative_to(root) else names.file
    say("Then, once the record can be looked up, add to the configuration:\n")
    say(f'  [mail.dkim]\n  domain = "{names.domain}"\n  selector = "{names.selector}"')
    say(f'  key_file = "{file.as_posix()}"')
