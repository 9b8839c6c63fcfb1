"""A statement for many rows: compiled once, its rows handed to the driver as they are.

    rows of plain values | the driver's executemany -> number of rows changed

The engine's own way looks at each value of each row, which costs more than the database itself. Here a row is a tuple
in the order of the statement's parameters, its instants as `plain` gives them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    JSON,
    BigInteger,
    ColumnElement,
    Row,
    TableValuedAlias,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.sql.elements import ClauseElement

from publisher.store import sqlite_driver
from publisher.store.engine import Tx

#: An instant in the database's own form: the text of SQLite's, the datetime of PostgreSQL's.
PlainInstant = str | datetime

#: What PostgreSQL calls the kinds of a parcel's values.
_KINDS = {"int": "BIGINT", "text": "TEXT", "instant": "TIMESTAMP WITH TIME ZONE"}
#: Each with its parameters by position, as its driver takes them.
_MAKERS: dict[str, tuple[Any, str]] = {"sqlite": (sqlite.dialect, "qmark"), "postgresql": (psycopg.dialect, "format")}


@dataclass(frozen=True, slots=True, eq=False)
class Bulk:
    """A statement of which only the values change."""

    #: Gives the statement in a dialect ("sqlite", "postgresql"), each of its values a parameter with a name.
    make: Callable[[str], ClauseElement]
    #: Names of the parameters, in the order in which they stand in the statement.
    names: tuple[str, ...]


async def run_all(tx: Tx, bulk: Bulk, rows: Sequence[tuple[Any, ...]]) -> int:
    """Runs the statement for each of these rows; how many rows it changed in all."""
    if not rows:
        return 0
    return (await tx.exec_driver_sql(compiled(bulk, tx.dialect.name), list(rows))).rowcount


async def rows_of_each(
    tx: Tx, bulk: Bulk, values: Sequence[tuple[Any, ...]]
) -> list[Sequence[tuple[Any, ...]]]:
    """What the statement finds for each of these values, as `rows` does; on SQLite in one change of threads."""
    statement = compiled(bulk, tx.dialect.name)
    if (found := await sqlite_driver.rows_of_each(tx, statement, values)) is not None:
        return found
    return [[tuple(row) for row in (await tx.exec_driver_sql(statement, value)).all()] for value in values]


async def run(tx: Tx, bulk: Bulk, values: tuple[Any, ...]) -> int:
    """Runs the statement once; how many rows it changed."""
    return (await tx.exec_driver_sql(compiled(bulk, tx.dialect.name), values)).rowcount


async def rows(tx: Tx, bulk: Bulk, values: tuple[Any, ...]) -> Sequence[Row[Any]]:
    """What the statement finds, each value as the driver gives it: instants go through `instant`."""
    return (await tx.exec_driver_sql(compiled(bulk, tx.dialect.name), values)).all()


def among(tx: Tx, column: ColumnElement[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """Whether the column is one of these ids, given as one value: a thousand parameters cost more than their rows."""
    if tx.dialect.name == "sqlite":
        listed = func.json_each(literal(json.dumps(list(ids)), Text)).table_valued("value")
        return column.in_(select(listed.c.value))
    return column == any_(literal(list(ids), ARRAY(BigInteger)))


def among_texts(tx: Tx, column: ColumnElement[str], texts: Collection[str]) -> ColumnElement[bool]:
    """The same for texts."""
    if tx.dialect.name == "sqlite":
        listed = func.json_each(literal(json.dumps(list(texts)), Text)).table_valued("value")
        return column.in_(select(listed.c.value))
    return column == any_(literal(list(texts), ARRAY(Text)))


def among_given(dialect: str, column: ColumnElement[int], name: str) -> ColumnElement[bool]:
    """The same for a statement of which only the values change: the parameter `name` takes `ids_value`."""
    if dialect == "sqlite":
        listed = func.json_each(bindparam(name, type_=Text)).table_valued("value")
        return column.in_(select(listed.c.value))
    return column == any_(bindparam(name, type_=ARRAY(BigInteger)))


def ids_value(dialect: str, ids: Sequence[int]) -> str | list[int]:
    """Ids as the value of one parameter."""
    return json.dumps(list(ids)) if dialect == "sqlite" else list(ids)


def parcels(dialect: str, name: str, fields: Mapping[str, str]) -> tuple[CTE, TableValuedAlias, ColumnElement[int]]:
    """Rows given as one value, each with its ids: their table, that of the ids of each, and the id.

    `fields` are the table's columns with their kinds ("int", "text", "instant"). A select from both tables has a row
    for each id. The parameter `name` takes `parcels_value`.
    """
    embedded = dialect == "sqlite"
    whole = bindparam(name, type_=Text)
    given = (func.json_each(whole) if embedded else func.json_array_elements(cast(whole, JSON))).table_valued(
        "value", name="given"
    )
    field = "json_extract(given.value, '$[{0}]')" if embedded else "CAST(given.value ->> {0} AS {1})"
    columns: list[ColumnElement[Any]] = [
        literal_column(field.format(place, _KINDS[kind])).label(column)
        for place, (column, kind) in enumerate(fields.items())
    ]
    listed = "json_extract(given.value, '$[{0}]')" if embedded else "given.value -> {0}"
    ids: ColumnElement[Any] = literal_column(listed.format(len(fields))).label("ids")
    # Read once for each row: else SQLite would take the row apart again for each of its ids.
    rows = select(*columns, ids).select_from(given).cte("parcel").prefix_with("MATERIALIZED")
    each = (func.json_each if embedded else func.json_array_elements_text)(rows.c.ids).table_valued("value", name="one")
    return rows, each, each.c.value if embedded else cast(each.c.value, BigInteger)


def parcels_value(rows: Iterable[tuple[Any, ...]]) -> str:
    """Rows, the last of whose values are their ids, as the value of one parameter."""
    return json.dumps(list(rows), default=str)


@lru_cache(1024)
def plain(dialect: str, instant: datetime) -> PlainInstant:
    """An aware instant in the form in which the database ("sqlite", "postgresql") keeps it, as `Instant` writes it."""
    utc = instant.astimezone(UTC)
    return utc.isoformat(" ", "microseconds").removesuffix("+00:00") if dialect == "sqlite" else utc


@lru_cache(1024)
def instant(value: PlainInstant) -> datetime:
    """The way back."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


@cache
def compiled(bulk: Bulk, dialect: str) -> str:
    """The statement in the driver's own words."""
    make, style = _MAKERS[dialect]
    spoken = make(paramstyle=style)
    spoken.cte_follows_insert = True  # Python's driver counts the rows of what begins with INSERT alone
    made: Any = bulk.make(dialect).compile(dialect=spoken)
    if tuple(made.positiontup) != bulk.names:
        raise TypeError(f"the statement's parameters are {made.positiontup}, not {bulk.names}")
    return str(made)
