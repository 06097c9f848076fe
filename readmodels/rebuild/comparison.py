"""How a freshly made set of tables differs from the live one: row by row, both ways, by the database itself.

After a correction of a projection differences are what one wants to see; without one they mean that rows were changed
by somebody who is not the projector.
"""

import json
from typing import Any, Final, NamedTuple

from django.db import connection
from psycopg import sql

from readmodels.rebuild.fresh_tables import Model, fresh_name, live_name

_QUERY: Final = """
WITH lost AS MATERIALIZED (SELECT * FROM {live} EXCEPT ALL SELECT * FROM {fresh}),
made AS MATERIALIZED (SELECT * FROM {fresh} EXCEPT ALL SELECT * FROM {live})
SELECT (SELECT count(*) FROM {live}), (SELECT count(*) FROM {fresh}),
    (SELECT count(*) FROM lost), (SELECT count(*) FROM made), to_jsonb(lost), to_jsonb(made)
FROM (VALUES (1)) AS always
LEFT JOIN (SELECT {key} FROM lost UNION SELECT {key} FROM made ORDER BY {key} LIMIT 1) AS first ON true
LEFT JOIN lost USING ({key}) LEFT JOIN made USING ({key})
"""


class TableComparison(NamedTuple):
    """What was found in one table: rows of both sets, those that the other set does not have, the first difference."""

    table: str
    live_rows: int
    fresh_rows: int
    only_live: int
    only_fresh: int
    first_difference: str

    @property
    def is_equal(self) -> bool:
        """Tell whether both sets have the same rows."""
        return self.only_live == self.only_fresh == 0


def compare(model: Model) -> TableComparison:
    """Compare one table with its fresh one; the caller's transaction decides as of when."""
    key = [str(field.column) for field in model._meta.pk_fields]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(_QUERY).format(
                live=live_name(model),
                fresh=fresh_name(model),
                key=sql.SQL(", ").join([sql.Identifier(name) for name in key]),
            )
        )
        live_rows, fresh_rows, only_live, only_fresh, lost, made = cursor.fetchone()
    first = "" if only_live == only_fresh == 0 else _difference(key, _row(lost), _row(made))
    return TableComparison(model._meta.db_table, live_rows, fresh_rows, only_live, only_fresh, first)


def _difference(key: list[str], live: dict[str, Any] | None, fresh: dict[str, Any] | None) -> str:
    place = ", ".join(f"{name} {(live or fresh or {})[name]}" for name in key)
    if live is None:
        return f"{place}: the row was missing"
    if fresh is None:
        return f"{place}: the row should not have been there"
    columns = [name for name in live if live[name] != fresh[name]]
    return f"{place}: " + ", ".join(f"{name} was {live[name]!r}, is {fresh[name]!r}" for name in columns)


def _row(found: Any) -> dict[str, Any] | None:
    return json.loads(found) if isinstance(found, str) else found
