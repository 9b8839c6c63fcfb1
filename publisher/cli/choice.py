"""How commands name deliveries: by their ids, or by what they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from publisher.address import parse
from publisher.config import Settings
from publisher.errors import NotFoundError, PublisherError
from publisher.outgoing import DeliveryState
from publisher.store.selection import Selection

Ids = Annotated[list[int] | None, typer.Argument(metavar="ID", help="These deliveries.")]
States = Annotated[
    list[DeliveryState] | None, typer.Option("--state", help="Those in this state; may be given several times.")
]
Domain = Annotated[str, typer.Option(help="Those to this receiving domain.")]
Edition = Annotated[int | None, typer.Option(help="Those of this edition.")]
Newsletter = Annotated[str, typer.Option(help="Those of this newsletter.")]
Since = Annotated[datetime | None, typer.Option(help="Those planned since this instant; without a zone, the site's.")]

Notices = Annotated[bool, typer.Option("--notices", help="Confirmations and the like instead of digests.")]


def chosen(
    settings: Settings, *, ids: Sequence[int] | None = None, states: Sequence[DeliveryState] | None = None,
    domain: str = "", edition: int | None = None, newsletter: str = "", since: datetime | None = None,
    notices: bool = False,
) -> Selection:
    """The selection that these words name. Raises PublisherError for a domain that is none, and notices of editions."""
    if notices and edition is not None:
        raise PublisherError("--notices belong to no edition; leave --edition out")
    at = since if since is None or since.tzinfo else since.replace(tzinfo=settings.site.zone)
    return Selection(
        ids=tuple(dict.fromkeys(ids or ())), states=tuple(dict.fromkeys(states or ())),
        domain=domain_of(domain.removeprefix("@")) if domain else "", edition=edition, newsletter=newsletter, since=at,
        notices=notices,
    )


def domain_of(text: str) -> str:
    """The domain in A-labels and lower case; raises PublisherError where `text` is none."""
    try:
        return parse(f"anybody@{text}").domain
    except PublisherError as error:
        raise PublisherError(f'{text!r} is no domain; write one such as "example.org"') from error


def not_there(ident: int, *, notices: bool) -> NotFoundError:
    """The error of an id that no delivery, or notice, has."""
    what, option = ("notice", " --notices") if notices else ("delivery", "")
    return NotFoundError(f"no {what} has the id {ident}; see `publisher outbox list{option}`")
