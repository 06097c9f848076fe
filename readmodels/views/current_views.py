"""The views `portfolio_positions` and `daily_pnl`: the rows that are stored, and over them the trades that are newer.

A trade's row says what it led to, so the newest trade of a symbol is that position, and the newest of a day that day.
Stored rows follow some trades later (stored_rows.py), and what these views show does not depend on when. What moves
positions and days without a trade is in the stored rows at once. A look at one
account is a look-up in the keys of the tables; a look at the whole firm takes such a look-up for each account.
"""

from collections.abc import Iterator
from typing import Final

from django.db import models
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
            SELECT (SELECT name FROM names WHERE number = newest.symbol)::varchar(12), position_quantity, 0::bigint,
                position_cost, NULL::bigint, price, NULL::bigint, position_realized_pnl, version, executed_at
            FROM (
                SELECT DISTINCT ON (symbol) * FROM trades AS trade
                WHERE trade.account_id = account.account_id AND trade.version > account.positions_version
                ORDER BY symbol, version DESC
            ) AS newest
        ) AS either ORDER BY symbol COLLATE "C", version DESC
    ) AS known
"""
"""Trades that are newer than the stored rows are of accounts without working orders: nothing is reserved."""
_DAYS: Final = """
    SELECT account.account_id, known.date, known.trades, known.volume, known.realized_pnl, known.dividends,
        known.version
    FROM account_summary AS account CROSS JOIN LATERAL (
        SELECT DISTINCT ON (date) date, trades, volume, realized_pnl,
            max(dividends) OVER (PARTITION BY date) AS dividends, version
        FROM (
            SELECT date, trades, volume, realized_pnl, dividends, version
            FROM stored_days AS stored WHERE stored.account_id = account.account_id
            UNION ALL
            SELECT day, day_trades, day_volume, day_realized_pnl, 0::bigint, version FROM trades AS trade
            WHERE trade.account_id = account.account_id AND trade.version > account.positions_version
        ) AS either ORDER BY date, version DESC
    ) AS known
"""
"""The dividends of a day are in its stored row alone."""
NARROW_COST_MAX: Final = 2**63 // 1_000_000
"""From so much on, in ten-thousandths, a cost times a million is beyond 64 bits: `numeric` takes four times as long."""


def average_cost_sql(*, cost: str, quantity: str) -> str:
    """Return what `average_cost` computes, in SQL: the cost of one share, rounded half to even, 0 without shares."""

    def rounded(numerator: str, whole: str) -> str:
        rest = f"mod({numerator}, {quantity}) * 2"
        return f"({whole} + ({rest} > {quantity} OR ({rest} = {quantity} AND mod({whole}, 2) = 1))::int)::bigint"

    narrow, wide = f"({cost} * 1000000)", f"({cost}::numeric * 1000000)"
    return (
        f"CASE WHEN {quantity} = 0 THEN 0 "
        f"WHEN {cost} < {NARROW_COST_MAX} THEN {rounded(narrow, f'{narrow} / {quantity}')} "
        f"ELSE {rounded(wide, f'div({wide}, {quantity})')} END"
    )


def market_value_sql(*, quantity: str, price: str) -> str:
    """Return what `value_of` computes, in SQL: millionths of a share times a price, rounded half to even."""
    product = f"{quantity}::numeric * {price}"
    parts = f"div({product} + 500000 - (mod({product}, 2000000) = 500000)::int, 1000000)::bigint"
    return f"CASE WHEN mod({quantity}, 1000000) = 0 THEN {quantity} / 1000000 * {price} ELSE {parts} END"


def views() -> Iterator[tuple[type[models.Model], sql.Composable]]:
    """Yield the views and what they show."""
    expressions = {
        "average_cost": sql.SQL(average_cost_sql(cost="known.cost", quantity="known.quantity")),
        "market_value": sql.SQL(market_value_sql(quantity="known.quantity", price="known.last_price")),
    }
    yield PortfolioPosition, sql.SQL(_POSITIONS).format(**expressions)
    yield DailyPnl, sql.SQL(_DAYS).format(**expressions)
