"""How rows get into PostgreSQL: set-based, never one at a time.

Tables that only grow are written with COPY; rows that are replaced go through a COPY into a temporary table and one
upsert that only ever moves a row to a higher version. Sums are added to, which the caller does once for each event
(projections/firm.py). What comes as columns (binary_rows.py) is copied, or given to a
statement as arrays, in PostgreSQL's own binary formats.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import psycopg
from django.db import connection
from psycopg import sql
from psycopg.adapt import Dumper
from psycopg.pq import Format

from readmodels.projections import account_summary, portfolio_positions
from readmodels.projections.firm import Sums, SumTable
from readmodels.projections.rows import Row, number_of, timestamp_of
from readmodels.projector import locks
from readmodels.projector.binary_rows import END, SIGNATURE, Array, date_array, instant_array, integer_array, text_array


def read_rows(*, table: str, column: str, values: Collection[str], are_locked: bool = False) -> list[Row]:
    """Return the rows whose `column` (a UUID) is one of `values`; with `are_locked`, nobody else changes them until the
    transaction ends.
    """
    if not values:
        return []
    query = sql.SQL("SELECT * FROM {} WHERE {} = ANY(%s::uuid[]) {}").format(
        sql.Identifier(table), sql.Identifier(column), sql.SQL("FOR UPDATE" if are_locked else "")
    )
    return _fetch(query, [list(values)])


def read_newer_rows(*, table: str, versions: Mapping[str, int], order: str) -> list[Row]:
    """Return the rows of accounts that have a higher version than is given for each, in the order of a column."""
    query = sql.SQL(
        "SELECT newer.* FROM unnest(%s::uuid[], %s::bigint[]) AS given (account_id, version) CROSS JOIN LATERAL ("
        "SELECT * FROM {} AS stored "
        "WHERE stored.account_id = given.account_id AND stored.version > given.version OFFSET 0"
        ") AS newer ORDER BY newer.account_id, newer.{}"
    ).format(sql.Identifier(table), sql.Identifier(order))
    return _fetch(query, [list(versions), list(versions.values())])


def concentrations(account_ids: Collection[str], *, positions: str = portfolio_positions.TABLE) -> dict[str, Row]:
    """Return what the positions of accounts in a table or view come to, by account: columns of account_summary."""
    if not account_ids:
        return {}
    query = sql.SQL(
        "SELECT account_id::text, COALESCE(open_positions, 0) AS open_positions, "
        "COALESCE(largest_position, 0) AS largest_position, COALESCE(largest_symbol, '') AS largest_symbol "
        "FROM unnest(%s::uuid[]) AS wanted (account_id) LEFT JOIN LATERAL ({concentration}) AS held ON true"
    ).format(
        concentration=sql.SQL(account_summary.CONCENTRATION.format(account_id="wanted.account_id", positions=positions))
    )
    return {row.pop("account_id"): row for row in _fetch(query, [list(account_ids)])}


def upsert_rows(*, table: str, key: Sequence[str], rows: Collection[Row]) -> None:
    """Add rows, or move those with the same key on to a higher version."""
    if not rows:
        return
    columns = list(next(iter(rows)))
    staged = sql.Identifier(f"staged_{table}")
    changed = [name for name in columns if name not in key]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMPORARY TABLE IF NOT EXISTS {} (LIKE {}) ON COMMIT DELETE ROWS").format(
                staged, sql.Identifier(table)
            )
        )
        cursor.execute(sql.SQL("TRUNCATE {}").format(staged))
        _copy(cursor, staged, columns, ([row[name] for name in columns] for row in rows))
        cursor.execute(
            sql.SQL(
                "INSERT INTO {table} AS stored ({columns}) SELECT {columns} FROM {staged} ORDER BY {key} "
                "ON CONFLICT ({key}) DO UPDATE SET {changes} WHERE excluded.version > stored.version"
            ).format(
                table=sql.Identifier(table),
                columns=_names(columns),
                staged=staged,
                key=_names(key),
                changes=sql.SQL(", ").join(
                    sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in changed
                ),
            )
        )


def copy_binary(*, table: str, columns: Sequence[str], rows: Iterable[memoryview]) -> None:
    """Add new rows that are encoded already."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), _names(columns))
    with _binary_cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(SIGNATURE)
        for part in rows:
            copy.write(part)
        copy.write(END)


def execute(statement: sql.SQL | sql.Composed, parameters: Sequence[Any]) -> int:
    """Run a statement on arrays; return how many rows it touched."""
    with _binary_cursor() as cursor:
        return cursor.execute(statement, parameters).rowcount


def fetch(statement: sql.SQL, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a query on arrays."""
    with _binary_cursor() as cursor:
        return cursor.execute(statement, parameters).fetchall()


_NUMBERS: Final = sql.SQL("SELECT name, number FROM names WHERE name = ANY(%s)")
_NUMBERED: Final = sql.SQL(
    "INSERT INTO names (name) SELECT name FROM unnest(%s) AS given (name) ORDER BY name ON CONFLICT DO NOTHING"
)


def numbers_of(names: Collection[str]) -> dict[str, int]:
    """Return the numbers of names; those that have none are given one.

    They are asked for in every round, and not remembered: a transaction that fails takes the numbers that it gave back.
    Whoever gives any waits as for sums: two workers that meet the same new names do not wait for one another.
    """
    found = dict(fetch(_NUMBERS, [text_array(sorted(names))]))
    missing = sorted(set(names) - found.keys())
    if missing:
        locks.wait_to_add_sums()
        execute(_NUMBERED, [text_array(missing)])
        found |= dict(fetch(_NUMBERS, [text_array(missing)]))
    return found


def add_sums(sums: Sums) -> None:
    """Add to the rows of sums, last thing in a transaction: whoever else adds to any waits until it ends."""
    locks.wait_to_add_sums()
    for table, rows in sums.by_table.items():
        if rows:
            latest = [sums.latest[place] for place in rows] if table.has_latest else []
            keys = zip(table.key, zip(*rows, strict=True), strict=True)
            columns: list[Any] = [_KEYS[name](values) for name, values in keys]
            columns += [_amounts([each[name] for each in rows.values()]) for name in table.sums]
            if latest:
                columns += [instant_array([at for at, _ in latest]), integer_array([price for _, price in latest])]
            execute(_adding(table), columns)


_KEYS: Final[dict[str, Callable[[Any], Array]]] = {
    "currency": text_array,
    "symbol": text_array,
    "date": lambda dates: date_array([number_of(date) for date in dates]),
    "minute": lambda instants: instant_array([timestamp_of(instant) for instant in instants]),
}
"""The arrays of the columns that are not sums."""


def _amounts(values: list[int]) -> Array | list[int]:
    """Return an array of bigint, or, when one of the sums is wider, what the driver makes of whole numbers."""
    try:
        return integer_array(values)
    except OverflowError:
        return values


@lru_cache
def _adding(table: SumTable) -> sql.Composed:
    latest = ("last_traded_at", "last_price") if table.has_latest else ()
    columns = (*table.key, *table.sums, *latest)
    changes = [f"{name} = stored.{name} + excluded.{name}" for name in table.sums]
    if latest:
        is_later = "(excluded.last_traded_at, excluded.last_price) > (stored.last_traded_at, stored.last_price)"
        changes += [f"{name} = CASE WHEN {is_later} THEN excluded.{name} ELSE stored.{name} END" for name in latest]
    return sql.SQL(
        "INSERT INTO {table} AS stored ({columns}) SELECT * FROM unnest({arrays}) AS given ({columns}) ORDER BY {key} "
        "ON CONFLICT ({key}) DO UPDATE SET {changes}"
    ).format(
        table=sql.Identifier(table.name),
        columns=_names(columns),
        arrays=sql.SQL(", ").join(sql.SQL("%s") for _ in columns),
        key=_names(table.key),
        changes=sql.SQL(", ".join(changes)),
    )


class _ArrayDumper(Dumper):
    """Sends an array that is encoded already."""

    format = Format.BINARY

    def __init__(self, cls: type, context: Any = None, oid: int = 0) -> None:
        super().__init__(cls, context)
        self.oid = oid

    def get_key(self, obj: Array, format: Any) -> Any:
        return (self.cls, obj.oid)

    def upgrade(self, obj: Array, format: Any) -> "_ArrayDumper":
        return _ArrayDumper(self.cls, oid=obj.oid)

    def dump(self, obj: Array) -> Array:
        return obj


@contextmanager
def _binary_cursor() -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    """A cursor of the driver itself: Django's own puts parameters into the text of the statement."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.format = Format.BINARY
        cursor.adapters.register_dumper(Array, _ArrayDumper)
        yield cursor


def _fetch(query: sql.Composable, parameters: Sequence[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _copy(cursor: Any, table: sql.Composable, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table, _names(columns))
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _names(names: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)
