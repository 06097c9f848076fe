"""A second set of the read models' tables, in a schema of its own beside the live ones, that can take their place.

Its tables have the names, columns, keys, indexes, comments and grants of the live ones, so the projector's statements
fill them once the schema comes first in the search path (`chosen`). The live tables are touched by `swap` alone, in
one transaction; whatever is interrupted before leaves a schema behind that the next `make` removes.
"""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from django.db import InternalError, OperationalError, connection, models, transaction
from psycopg import sql
from psycopg.errors import DependentObjectsStillExist, LockNotAvailable

from readmodels.views import reporting

SCHEMA: Final = "rebuilding"
LOCK_WAIT_MILLISECONDS_MAX: Final = 500
"""How long a swap waits for queries that read a table. Below PostgreSQL's `deadlock_timeout`, so that it is the swap
that gives way to a query, and never the other way round."""
SWAP_PAUSE_SECONDS: Final = 0.5
"""Between two attempts, for the queries that waited behind the first."""

Model = type[models.Model]


class TablesInUse(Exception):
    """A query did not let go of a table."""


class TablesDependedOn(Exception):
    """Somebody made a view or the like of a table, which would be lost with it."""


def make(tables: Sequence[Model]) -> None:
    """Make the set, empty; what an interrupted rebuild left is removed."""
    with transaction.atomic(), connection.cursor() as cursor:
        discard()
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        for model in tables:
            for statement in _definition(cursor, live_name(model), model._meta.db_table):
                cursor.execute(statement)


def discard() -> None:
    """Remove the set, if there is one."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA)))


@contextmanager
def chosen() -> Iterator[None]:
    """Let the statements of one transaction mean these tables; other sessions, and this one afterwards, do not."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("SET LOCAL search_path TO {}, {}").format(
                    sql.Identifier(SCHEMA), sql.Identifier(live_schema(cursor))
                )
            )
        yield


def analyze(tables: Sequence[Model]) -> None:
    """Let the planner know the new tables before the first query meets them."""
    with connection.cursor() as cursor:
        for model in tables:
            cursor.execute(sql.SQL("ANALYZE {}").format(fresh_name(model)))


def swap(tables: Sequence[Model]) -> None:
    """Put tables of the set in the place of the live ones, and the views for reporting upon them, all at once.

    Raises TablesInUse, and has changed nothing then, when somebody reads a table for longer than a moment, and
    TablesDependedOn when there are views of a table that are not ours.
    """
    with connection.cursor() as cursor:
        schema = sql.Identifier(live_schema(cursor))
        try:
            with transaction.atomic():
                cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(LOCK_WAIT_MILLISECONDS_MAX))
                for model in tables:
                    cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(live_name(model)))
                reporting.drop_views()
                for model in tables:
                    parts = _partitions(cursor, fresh_name(model))
                    cursor.execute(sql.SQL("DROP TABLE {}").format(live_name(model)))
                    for name in (fresh_name(model), *parts):
                        cursor.execute(sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(name, schema))
                discard()
                reporting.make_views()
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            time.sleep(SWAP_PAUSE_SECONDS)
            raise TablesInUse("queries kept a table for too long: see pg_stat_activity for them") from error
        except InternalError as error:
            if not isinstance(error.__cause__, DependentObjectsStillExist):
                raise
            raise TablesDependedOn(f"drop it first, and make it again afterwards: {error}") from error


def live_name(model: Model) -> sql.Identifier:
    """Return the name of a live table, whatever the search path is."""
    with connection.cursor() as cursor:
        return sql.Identifier(live_schema(cursor), model._meta.db_table)


def fresh_name(model: Model) -> sql.Identifier:
    """Return the name of a table of the set."""
    return sql.Identifier(SCHEMA, model._meta.db_table)


def live_schema(cursor: Any) -> str:
    """Return the schema of the live tables: the first of the search path that is not the set's own."""
    cursor.execute("SELECT name FROM unnest(current_schemas(false)) AS name WHERE name <> %s LIMIT 1", [SCHEMA])
    return str(cursor.fetchone()[0])


def _definition(cursor: Any, live: sql.Identifier, table: str) -> Iterator[sql.Composable]:
    """Yield the statements that make a table like a live one."""
    fresh = sql.Identifier(SCHEMA, table)
    oid = sql.SQL("{}::regclass").format(sql.Literal(live.as_string(cursor.connection)))

    def found(query: str) -> list[tuple[str, ...]]:
        cursor.execute(sql.SQL(query).format(oid=oid))
        return list(cursor.fetchall())

    ((partitioned, comment),) = found(
        "SELECT COALESCE('PARTITION BY ' || pg_get_partkeydef({oid}), ''), COALESCE(obj_description({oid}), '')"
    )
    yield sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES) {}").format(
        fresh, live, sql.SQL(partitioned)
    )
    yield sql.SQL("COMMENT ON TABLE {} IS {}").format(fresh, sql.Literal(comment))
    for (option,) in found("SELECT unnest(reloptions) FROM pg_class WHERE oid = {oid}"):
        yield sql.SQL("ALTER TABLE {} SET ({})").format(fresh, sql.SQL(option))
    for name, definition in found(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = {oid} AND contype IN ('p', 'u')"
    ):
        yield sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(fresh, sql.Identifier(name), sql.SQL(definition))
    for (definition,) in found(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = {oid} AND NOT EXISTS "
        "(SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = {oid})"
    ):
        target = fresh.as_string(cursor.connection)
        yield sql.SQL(re.sub(r" ON (ONLY )?\S+ USING ", f" ON {target} USING ", definition, count=1))
    for role, privilege in found(
        "SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, privilege_type "
        "FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = {oid} AND grantee <> relowner"
    ):
        yield sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(privilege), fresh, sql.SQL(role))


def _partitions(cursor: Any, table: sql.Identifier) -> list[sql.Identifier]:
    cursor.execute(
        "SELECT nspname, relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
        "JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE inhparent = %s::regclass ORDER BY relname",
        [table.as_string(cursor.connection)],
    )
    return [sql.Identifier(*found) for found in cursor.fetchall()]
