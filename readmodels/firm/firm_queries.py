"""Queries over all accounts, answered from the running sums (projections/firm.py) and the accounts' own rows.

Plain functions; who may ask is the caller's to know. Money is in ten-thousandths of the currency; amounts of different
currencies are never added. A position is valued at the price that its symbol last had: of a trade of any account, or of
a close.
"""

from datetime import date, datetime
from typing import Any, Final

from django.db import connections

from identity.actors import username_sql
from readmodels.projections.rows import Row
from readmodels.queries import replicas

_HELD: Final = """
    SELECT currency, symbol, holders, trades, bought_quantity - sold_quantity + actions_quantity AS quantity,
        bought_value - sold_value + fees + realized_pnl + actions_cost AS cost, bought_value + sold_value AS volume,
        realized_pnl, dividends, last_price, last_traded_at
    FROM symbol_totals
"""
_VALUE: Final = "div(quantity * last_price + 500000 - (mod(quantity * last_price, 2000000) = 500000)::int, 1000000)"
"""What shares are worth, in SQL: millionths times a price, rounded half to even as `value_of` does."""
_TOTALS: Final = f"""
    WITH held AS ({_HELD}),
    valued AS (
        SELECT currency, sum(cost) AS cost, sum({_VALUE}) AS value FROM held GROUP BY currency
    )
    SELECT currency, accounts, closed_accounts, deposited, withdrawn, trades, refusals,
        bought_value + sold_value AS volume, realized_pnl,
        dividends, deposited - withdrawn - bought_value + sold_value - fees + dividends + fractions AS cash,
        COALESCE(valued.cost, 0) AS positions_cost, COALESCE(valued.value, 0) AS positions_value
    FROM firm_totals LEFT JOIN valued USING (currency) ORDER BY currency
"""  # noqa: S608 - of our own text.
_DAYS: Final = """
    SELECT date, currency, sum(trades)::bigint AS trades, sum(bought_value) AS bought_value,
        sum(sold_value) AS sold_value, sum(realized_pnl) AS realized_pnl, sum(dividends) AS dividends
    FROM symbol_days
    WHERE (%(symbol)s::text IS NULL OR symbol = %(symbol)s) AND (%(begin)s::date IS NULL OR date >= %(begin)s)
        AND (%(end)s::date IS NULL OR date < %(end)s)
    GROUP BY date, currency ORDER BY date DESC, currency LIMIT %(limit)s
"""
_FLOW: Final = """
    SELECT date_trunc(%(unit)s, minute, 'UTC') AS begins_at, currency, sum(trades)::bigint AS trades,
        sum(refusals)::bigint AS refusals, sum(bought_value) AS bought_value, sum(sold_value) AS sold_value
    FROM flow_minutes WHERE minute >= %(begin)s AND minute < %(end)s
    GROUP BY begins_at, currency ORDER BY begins_at DESC, currency LIMIT %(limit)s
"""
_ACCOUNTS: Final = f"""
    SELECT account.*, {username_sql("owner")} AS owner_name FROM (
        SELECT account_id, name, owner, currency, status, realized_pnl, trade_count,
            portfolio_value - cash - positions_cost AS unrealized_pnl
        FROM account_summary WHERE (%(currency)s::text IS NULL OR currency = %(currency)s)
    ) AS account ORDER BY realized_pnl + unrealized_pnl DIRECTION, account_id LIMIT %(limit)s
"""  # noqa: S608 - of our own text.
_RISK: Final = """
    SELECT account.* FROM account_summary AS account CROSS JOIN LATERAL (SELECT GREATEST(
        largest_position * 10000.0 / NULLIF(portfolio_value, 0) / NULLIF(max_position_bp, 0),
        CASE WHEN day_date = %(today)s THEN day_volume * 1.0 / NULLIF(max_daily_value, 0) ELSE 0 END, 0
    ) AS used) AS limits
    WHERE status <> 'CLOSED' ORDER BY used DESC, account_id LIMIT %(limit)s
"""


def totals() -> list[Row]:
    """Return what all accounts come to, a row for each currency."""
    return _fetch(_TOTALS, {})


def symbols() -> list[Row]:
    """Return what accounts hold of each symbol and what they made with it, a row for each currency and symbol."""
    return _fetch(f"{_HELD} ORDER BY currency, symbol", {})


def days(*, begin: date | None, end: date | None, symbol: str | None, limit: int) -> list[Row]:
    """Return days with trades between two dates (the second one not included), newest first, by currency."""
    return _fetch(_DAYS, {"begin": begin, "end": end, "symbol": symbol, "limit": limit})


def flow(*, unit: str, begin: datetime, end: datetime, limit: int) -> list[Row]:
    """Return what went through in each minute, hour or day of a time, newest first; quiet ones have no row."""
    return _fetch(_FLOW, {"unit": unit, "begin": begin, "end": end, "limit": limit})


def accounts_by_pnl(*, best_first: bool, currency: str | None, limit: int) -> list[Row]:
    """Return the accounts that made, or lost, most."""
    return _fetch(
        _ACCOUNTS.replace("DIRECTION", "DESC" if best_first else "ASC"), {"currency": currency, "limit": limit}
    )


def accounts_by_risk(*, today: date, limit: int) -> list[Row]:
    """Return the rows of the accounts that are nearest to a limit, the position's or the day's; their positions are as
    of some seconds ago (stored_rows.py).
    """
    return _fetch(_RISK, {"today": today, "limit": limit})


def _fetch(query: str, parameters: dict[str, Any]) -> list[Row]:
    with connections[replicas.alias_for_reads()].cursor() as cursor:
        cursor.execute(query, parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
