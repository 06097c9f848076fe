"""The tables that grow without end are partitioned by the UTC year of their instant: `trades_2026` and so on.

A year that nobody has made yet is made by the projector, in the transaction that brings its first row, so no row is
ever refused and no table for "the rest" is needed. Making one waits for nobody and holds up nobody who reads or writes
the other years. Why years, and what they cost: docs/decisions/0012.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from django.db import connection
from psycopg import sql

from readmodels.projections import activity, firm, trade_history

TABLES: Final = (trade_history.TABLE, activity.TABLE, firm.FLOW_MINUTES.name)
MAKING: Final = 7_421_003
"""Key of the advisory lock of whoever makes partitions: two workers may meet the same new year."""


def ensure_years(years: Collection[int]) -> None:
    """Make what is missing of the partitions of these years, in a transaction of the caller."""
    wanted = {f"{table}_{year}": (table, year) for year in sorted(years) for table in TABLES}
    if not wanted.keys() - _standing():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MAKING])
        missing = wanted.keys() - _standing()
        for name, (table, year) in wanted.items():
            if name not in missing:
                continue
            names = {"name": sql.Identifier(name), "table": sql.Identifier(table)}
            # Attached, not made in place: that would wait for all who read the table, and hold up all who want to.
            cursor.execute(sql.SQL("CREATE TABLE {name} (LIKE {table} INCLUDING ALL)").format(**names))
            cursor.execute(
                sql.SQL("ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})").format(
                    **names,
                    first=sql.Literal(datetime(year, 1, 1, tzinfo=UTC)),
                    end=sql.Literal(datetime(year + 1, 1, 1, tzinfo=UTC)),
                )
            )


def _standing() -> set[str]:
    """Return the names of the partitions that there are, of the tables that the search path leads to."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
            "WHERE inhparent = ANY(%s::regclass[])",
            [list(TABLES)],
        )
        return {name for (name,) in cursor.fetchall()}
