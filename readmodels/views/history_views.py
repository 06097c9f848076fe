"""The views of what happened: `trade_history`, every trade as its event says it, and `activity`, every event of an
account in one list.

`trade_history` puts names and texts in the place of the numbers and the UUIDs that `trades` stores. It asks for
a name by a query of its own for each row that is shown: a join would keep PostgreSQL from reading a page in the order
of the index.

`activity` makes trades from the rows of trade_history, all others from account_events. `data` of a trade is what
`projections.activity.readable` makes of its event (reconcile compares the two). A page of an account's events is a
look-up in the keys of both tables, merged by version.
"""

from collections.abc import Iterator
from typing import Final

from django.db import models
from psycopg import sql

from accounts.domain.events import TradeExecuted
from readmodels.models import Activity, TradeHistory, columns_of
from readmodels.models.columns import ACTOR_LENGTH_MAX
from readmodels.projections.activity import MONEY, QUANTITIES

_NAMED: Final = "(SELECT name FROM names WHERE number = {})::varchar({})"
_SHOWN: Final = {
    "symbol": _NAMED.format("symbol", 12),
    "side": "(CASE WHEN is_buy THEN 'BUY' ELSE 'SELL' END)::varchar(4)",
    "command_id": "COALESCE(command_uuid::text, command_text)::varchar(64)",
    "actor": _NAMED.format("actor", ACTOR_LENGTH_MAX),
}
"""Columns of trade_history that are not those of trades."""
_COLUMNS: Final = """
    account_id, version, event_id, event_type, recorded_at, actor, command_id, correlation_id, causation_id, data
"""
_TRADES: Final = """
    account_id, version, trade_id, 'TradeExecuted'::varchar(40), executed_at, actor, command_id,
    COALESCE(correlation_id, command_id)::varchar(64), causation_id, jsonb_build_object({fields})
"""
_FIELDS: Final = TradeExecuted.__struct_fields__


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


def views() -> Iterator[tuple[type[models.Model], sql.Composable]]:
    """Yield the views and what they show, in the order in which they can be made."""
    shown = ", ".join(f"{_SHOWN[name]} AS {name}" if name in _SHOWN else name for name in columns_of(TradeHistory))
    yield TradeHistory, sql.SQL("SELECT {} FROM trades").format(sql.SQL(shown))
    trades = sql.SQL(_TRADES).format(fields=sql.SQL(", ").join(_field(name) for name in _FIELDS))
    events = sql.SQL("SELECT {columns} FROM account_events UNION ALL SELECT {trades} FROM trade_history")
    yield Activity, events.format(columns=sql.SQL(_COLUMNS), trades=trades)
