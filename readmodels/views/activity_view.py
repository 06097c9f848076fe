"""The view `activity`: every event of an account in one list, trades made from the rows of trade_history, all others
from account_events.

`data` of a trade is what `projections.activity.readable` makes of its event (reconcile compares the two). A page of an
account's events is a look-up in the keys of both tables, merged by version.
"""

from typing import Any, Final

from psycopg import sql

from accounts.domain.events import TradeExecuted
from readmodels.models import Activity
from readmodels.projections.activity import MONEY, QUANTITIES

VIEW: Final = Activity._meta.db_table
_COLUMNS: Final = """
    account_id, version, event_id, event_type, recorded_at, actor, command_id, correlation_id, causation_id, data
"""
_TRADES: Final = """
    account_id, version, trade_id, 'TradeExecuted'::varchar(40), executed_at, actor, command_id,
    COALESCE(correlation_id, command_id)::varchar(64), causation_id, jsonb_build_object({fields})
"""
_FIELDS: Final = TradeExecuted.__struct_fields__


def make(cursor: Any) -> None:
    """Make the view."""
    cursor.execute(
        sql.SQL(
            "CREATE VIEW {view} AS SELECT {columns} FROM account_events UNION ALL SELECT {trades} FROM trade_history"
        ).format(
            view=sql.Identifier(VIEW),
            columns=sql.SQL(_COLUMNS),
            trades=sql.SQL(_TRADES).format(fields=sql.SQL(", ").join(_field(name) for name in _FIELDS)),
        )
    )
    cursor.execute(
        sql.SQL("COMMENT ON VIEW {} IS {}").format(sql.Identifier(VIEW), sql.Literal(Activity._meta.db_table_comment))
    )
    for field in Activity._meta.concrete_fields:
        if field.column:
            column = sql.Identifier(VIEW, str(field.column))
            cursor.execute(sql.SQL("COMMENT ON COLUMN {} IS {}").format(column, sql.Literal(field.db_comment)))


def drop(cursor: Any) -> None:
    """Drop the view, if there is one."""
    cursor.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('activity') AND relkind = 'v') "
        "THEN DROP VIEW activity; END IF; END $$"
    )


def _field(name: str) -> sql.Composable:
    value: sql.Composable
    if name in MONEY:
        value = sql.SQL("({} * 0.0001)::text").format(sql.Identifier(name))
    elif name in QUANTITIES:
        value = sql.SQL("trim_scale({} * 0.000001)::text").format(sql.Identifier(name))
    elif name == "day":
        value = sql.SQL("to_char(day, 'YYYY-MM-DD')")
    else:
        value = sql.Identifier(name)
    return sql.SQL("{}, {}").format(sql.Literal(name), value)
