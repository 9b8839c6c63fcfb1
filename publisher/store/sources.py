"""Sources that are asked over the network: how each is asked next, and how it went."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from publisher.source_state import SourceState
from publisher.store.engine import Tx
from publisher.store.schema import sources
from publisher.store.upsert import upsert


async def get(tx: Tx, name: str) -> SourceState:
    """The state of the source; a fresh one where it was never asked."""
    return (await get_many(tx, [name]))[name]


async def get_many(tx: Tx, names: Iterable[str]) -> dict[str, SourceState]:
    """The states of these sources by name."""
    wanted = list(names)
    columns = [sources.c[field] for field in SourceState.__slots__]
    rows = await tx.execute(select(*columns).where(sources.c.name.in_(wanted)))
    known = {row.name: SourceState(**row._mapping) for row in rows}  # noqa: SLF001 - SQLAlchemy's public name for it
    return {name: known.get(name) or SourceState(name) for name in wanted}


async def imported(tx: Tx) -> list[str]:
    """Names of the sources that were imports from another system (`publisher.intake.export_entry.Export`)."""
    query = select(sources.c.name).where(sources.c.name > "import:", sources.c.name < "import;")
    return list((await tx.execute(query.order_by(sources.c.name))).scalars())


async def put(tx: Tx, state: SourceState) -> None:
    """Records the state; when the source was first read stays as it is."""
    await upsert(tx, sources, ("name",), {field: getattr(state, field) for field in SourceState.__slots__})
