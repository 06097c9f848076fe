"""The views `portfolio_positions` and `daily_pnl`: the rows that are stored, and over them the trades that are newer.

A trade's row says what it led to, so the newest trade of a symbol is that position, and the newest of a day that day.
Stored rows follow some trades later (stored_rows.py), and what these views show does not depend on when. A look at one
account is a look-up in the keys of the tables; a look at the whole firm takes such a look-up for each account.
"""

from typing import Any, Final

from psycopg import sql

from readmodels.models import DailyPnl, PortfolioPosition

_POSITIONS: Final = """
    SELECT account.account_id, known.symbol, known.quantity, known.reserved_quantity, known.cost,
        COALESCE(known.avg_cost, {average_cost}) AS avg_cost, known.last_price,
        COALESCE(known.market_value, {market_value}) AS market_value,
        known.realized_pnl, known.version, known.updated_at
    FROM account_summary AS account CROSS JOIN LATERAL (
        SELECT DISTINCT ON (symbol COLLATE "C") * FROM (
            SELECT symbol, quantity, reserved_quantity, cost, avg_cost, last_price, market_value, realized_pnl,
                version, updated_at
            FROM stored_positions AS stored WHERE stored.account_id = account.account_id
            UNION ALL
            SELECT symbol, position_quantity, 0::bigint, position_cost, NULL::bigint, price, NULL::bigint,
                position_realized_pnl, version, executed_at
            FROM trade_history AS trade
            WHERE trade.account_id = account.account_id AND trade.version > account.positions_version
        ) AS either ORDER BY symbol COLLATE "C", version DESC
    ) AS known
"""
"""Trades that are newer than the stored rows are of accounts without working orders: nothing is reserved."""
_DAYS: Final = """
    SELECT account.account_id, known.date, known.trades, known.volume, known.realized_pnl, known.version
    FROM account_summary AS account CROSS JOIN LATERAL (
        SELECT DISTINCT ON (date) * FROM (
            SELECT date, trades, volume, realized_pnl, version
            FROM stored_days AS stored WHERE stored.account_id = account.account_id
            UNION ALL
            SELECT day, day_trades, day_volume, day_realized_pnl, version FROM trade_history AS trade
            WHERE trade.account_id = account.account_id AND trade.version > account.positions_version
        ) AS either ORDER BY date, version DESC
    ) AS known
"""
VIEWS: Final = ((PortfolioPosition, _POSITIONS), (DailyPnl, _DAYS))


def average_cost_sql(*, cost: str, quantity: str) -> str:
    """Return what `average_cost` computes, in SQL: the cost of one share, rounded half to even, 0 without shares."""
    numerator = f"{cost}::numeric * 1000000"
    whole, rest = f"div({numerator}, {quantity})", f"mod({numerator}, {quantity}) * 2"
    is_up = f"({rest} > {quantity} OR ({rest} = {quantity} AND mod({whole}, 2) = 1))"
    return f"CASE WHEN {quantity} = 0 THEN 0 ELSE ({whole} + {is_up}::int)::bigint END"


def market_value_sql(*, quantity: str, price: str) -> str:
    """Return what `value_of` computes, in SQL: millionths of a share times a price, rounded half to even."""
    product = f"{quantity}::numeric * {price}"
    parts = f"div({product} + 500000 - (mod({product}, 2000000) = 500000)::int, 1000000)::bigint"
    return f"CASE WHEN mod({quantity}, 1000000) = 0 THEN {quantity} / 1000000 * {price} ELSE {parts} END"


def make(cursor: Any) -> None:
    """Make the views, with the comments of their columns."""
    expressions = {
        "average_cost": sql.SQL(average_cost_sql(cost="known.cost", quantity="known.quantity")),
        "market_value": sql.SQL(market_value_sql(quantity="known.quantity", price="known.last_price")),
    }
    for model, query in VIEWS:
        view = model._meta.db_table
        cursor.execute(
            sql.SQL("CREATE VIEW {} AS {}").format(sql.Identifier(view), sql.SQL(query).format(**expressions))
        )
        comment = sql.Literal(model._meta.db_table_comment)
        cursor.execute(sql.SQL("COMMENT ON VIEW {} IS {}").format(sql.Identifier(view), comment))
        for field in model._meta.concrete_fields:
            if field.column:
                column = sql.Identifier(view, str(field.column))
                cursor.execute(sql.SQL("COMMENT ON COLUMN {} IS {}").format(column, sql.Literal(field.db_comment)))


def drop(cursor: Any) -> None:
    """Drop the views, if there are any; tables of these names, as there were once, stay."""
    for model, _ in VIEWS:
        view = model._meta.db_table
        cursor.execute(
            sql.SQL(
                "DO $$ BEGIN IF EXISTS (SELECT FROM pg_class WHERE oid = to_regclass({name}) AND relkind = 'v') "
                "THEN DROP VIEW {view}; END IF; END $$"
            ).format(name=sql.Literal(view), view=sql.Identifier(view))
        )
