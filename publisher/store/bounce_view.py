"""Reports as the operator sees them: which came, what became of them, and how often they come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from publisher.outgoing import DeliveryState
from publisher.store.engine import Tx
from publisher.store.inbound_schema import bounces
from publisher.store.mail_schema import deliveries, subscribers, subscriptions

_NAMES = (
    "id", "at", "way", "class", "kind", "address", "domain", "code", "reason", "rule", "effect", "subscription_id",
    "delivery_id", "edition_id",
)
#: Classes that are counted against messages that were accepted.
COUNTED = ("hard", "soft", "policy", "complaint", "unsubscribe")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reports; an empty field means any."""

    classes: tuple[str, ...] = ()
    domain: str = ""
    address: str = ""
    edition: int | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """How messages to one domain, or of one edition, fared."""

    #: The domain, or the number of the edition.
    of: str
    #: Messages that receiving servers, or a relay, took.
    accepted: int
    #: Reports about them, by class.
    reports: dict[str, int]

    def share(self, report_class: str) -> float:
        """Reports of the class for each accepted message."""
        return self.reports.get(report_class, 0) / max(self.accepted, 1)


async def listed(tx: Tx, wanted: Wanted, limit: int) -> list[dict[str, Any]]:
    """The newest reports, the newest first."""
    query = select(*(bounces.c[name] for name in _NAMES)).where(*_conditions(wanted)).order_by(bounces.c.id.desc())
    return [dict(row) for row in (await tx.execute(query.limit(limit))).mappings()]


async def show(tx: Tx, ident: int) -> dict[str, Any] | None:
    """One report with its evidence; None where there is none of this id."""
    query = select(*(bounces.c[name] for name in (*_NAMES, "evidence"))).where(bounces.c.id == ident)
    row = (await tx.execute(query)).mappings().first()
    return None if row is None else dict(row)


async def rates_by_domain(tx: Tx, since: datetime) -> list[Rate]:
    """For each receiving domain that reports are about: what was accepted since then, and the reports."""
    found = await _counts(tx, bounces.c.domain, since)
    accepted = dict.fromkeys(found, 0)
    query = (
        select(_domain(tx).label("domain"), func.count().label("n")).select_from(deliveries)
        .join(subscriptions, deliveries.c.subscription_id == subscriptions.c.id)
        .join(subscribers, subscriptions.c.subscriber_id == subscribers.c.id)
        .where(deliveries.c.state == DeliveryState.ACCEPTED, deliveries.c.finished_at >= since)
        .group_by("domain")
    )
    if found:
        accepted |= {row.domain: row.n for row in await tx.execute(query) if row.domain in found}
    return _rates(found, accepted)


async def rates_by_edition(tx: Tx, since: datetime) -> list[Rate]:
    """For each edition that reports are about, the same."""
    found = await _counts(tx, bounces.c.edition_id, since)
    theirs = deliveries.c.edition_id.in_([int(edition) for edition in found])
    query = (
        select(deliveries.c.edition_id, func.count().label("n"))
        .where(theirs, deliveries.c.state == DeliveryState.ACCEPTED)
        .group_by(deliveries.c.edition_id)
    )
    accepted = {str(row.edition_id): row.n for row in await tx.execute(query)} if found else {}
    return _rates(found, accepted)


async def policy_refusals(tx: Tx, since: datetime) -> tuple[int, str, str]:
    """How many refusals were about us since then; the domain and an example of the words most common among them."""
    about = (bounces.c["class"] == "policy", bounces.c.at >= since, bounces.c.subscriber_id.is_not(None))
    count, words = func.count().label("n"), func.max(bounces.c.reason).label("words")
    query = select(bounces.c.domain, count, words).where(*about).group_by(bounces.c.domain).order_by(count.desc())
    rows = (await tx.execute(query)).all()
    return (sum(row.n for row in rows), rows[0].domain, rows[0].words) if rows else (0, "", "")


async def complaints(tx: Tx, since: datetime) -> int:
    """How many readers complained since then."""
    about = (bounces.c["class"] == "complaint", bounces.c.at >= since, bounces.c.subscriber_id.is_not(None))
    return int((await tx.execute(select(func.count()).select_from(bounces).where(*about))).scalar_one())


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.classes:
        found.append(bounces.c["class"].in_(wanted.classes))
    if wanted.domain:
        found.append(bounces.c.domain == wanted.domain)
    if wanted.address:
        found.append(func.lower(bounces.c.address) == wanted.address.lower())
    if wanted.edition is not None:
        found.append(bounces.c.edition_id == wanted.edition)
    if wanted.since is not None:
        found.append(bounces.c.at >= wanted.since)
    return found


async def _counts(tx: Tx, column: ColumnElement[Any], since: datetime) -> dict[str, dict[str, int]]:
    """Proven reports by what the column holds and by class. One message that is reported twice counts once."""
    several = func.count(func.distinct(func.coalesce(bounces.c.delivery_id, -bounces.c.id))).label("n")
    query = (
        select(column.label("of"), bounces.c["class"].label("class_"), several)
        .where(
            bounces.c["class"].in_(COUNTED), bounces.c.at >= since, bounces.c.subscriber_id.is_not(None),
            bounces.c.kind != "delay", column.is_not(None),
        )
        .group_by(column, bounces.c["class"])
    )
    found: dict[str, dict[str, int]] = {}
    for row in await tx.execute(query):
        found.setdefault(str(row.of), {})[row.class_] = row.n
    return found


def _rates(found: dict[str, dict[str, int]], accepted: dict[str, int]) -> list[Rate]:
    rates = [Rate(of, accepted.get(of, 0), reports) for of, reports in found.items()]
    return sorted(rates, key=lambda rate: (-sum(rate.reports.values()), rate.of))


def _domain(tx: Tx) -> ColumnElement[str]:
    """What follows the @ of an address in normal form."""
    key = subscribers.c.email_key
    if tx.dialect.name == "sqlite":
        return func.substr(key, func.instr(key, "@") + 1)
    return func.split_part(key, "@", 2)
