"""The one statement that SQLite and PostgreSQL spell in their own dialects: insert, or else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from publisher.store.engine import Tx


def _insert(tx: Tx, table: Table) -> Any:
    return sqlite.insert(table) if tx.dialect.name == "sqlite" else postgresql.insert(table)


@lru_cache(maxsize=256)  # making a statement takes longer than running it
def _upsert(dialect: str, table: Table, key: tuple[str, ...], names: tuple[str, ...]) -> Any:
    statement = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    rest = {name: statement.excluded[name] for name in names if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=rest)


async def upsert(tx: Tx, table: Table, key: Sequence[str], values: Mapping[str, Any]) -> None:
    """Inserts the row, or gives the row with the same `key` these values."""
    await tx.execute(_upsert(tx.dialect.name, table, tuple(key), tuple(values)), dict(values))


async def upsert_all(tx: Tx, table: Table, key: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """As `upsert` for each of the rows, which have the same columns."""
    if rows:
        await tx.execute(_upsert(tx.dialect.name, table, tuple(key), tuple(rows[0])), [dict(row) for row in rows])


async def add_new(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts these rows, but for those of which a unique key is taken."""
    if rows:
        await tx.execute(_insert(tx, table).on_conflict_do_nothing(), [dict(row) for row in rows])


async def insert_new(tx: Tx, table: Table, values: Mapping[str, Any]) -> bool:
    """Inserts the row unless one of the table's unique keys is taken; whether it did."""
    statement = _insert(tx, table).values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    return (await tx.execute(statement)).first() is not None
