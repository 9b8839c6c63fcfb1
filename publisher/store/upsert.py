"""The one statement that SQLite and PostgreSQL spell in their own dialects: insert, or else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from publisher.store.engine import Tx


def _insert(tx: Tx, table: Table) -> Any:
    return sqlite.insert(table) if tx.dialect.name == "sqlite" else postgresql.insert(table)


async def upsert(tx: Tx, table: Table, key: Sequence[str], values: Mapping[str, Any]) -> None:
    """Inserts the row, or gives the row with the same `key` these values."""
    statement = _insert(tx, table).values(**values)
    rest = {name: value for name, value in values.items() if name not in key}
    await tx.execute(statement.on_conflict_do_update(index_elements=list(key), set_=rest))


async def add_new(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts these rows, but for those of which a unique key is taken."""
    if rows:
        await tx.execute(_insert(tx, table).on_conflict_do_nothing(), [dict(row) for row in rows])


async def insert_new(tx: Tx, table: Table, values: Mapping[str, Any]) -> bool:
    """Inserts the row unless one of the table's unique keys is taken; whether it did."""
    statement = _insert(tx, table).values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    return (await tx.execute(statement)).first() is not None
