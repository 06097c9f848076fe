"""Sums that must agree whatever the events are: what one table says in a column, another says in its rows.

A look at the tables alone, in seconds where the comparison with the events (reconcile.py) takes minutes: it finds rows
that are lost, doubled or changed, but not an error that every table shares. In one snapshot.
"""

from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.db import connection, transaction

from readmodels.queries import queries


class Sum(NamedTuple):
    """One figure, and what each place says that it is."""

    what: str
    found: dict[str, Decimal]

    @property
    def agrees(self) -> bool:
        """Tell whether all say the same."""
        return len(set(self.found.values())) == 1

    def __str__(self) -> str:
        return f"{self.what}: " + ", ".join(f"{place} says {value:,}" for place, value in self.found.items())


_KEPT: Final = (
    "SELECT sum(kept) FROM (SELECT max({kept}) AS kept FROM orders WHERE ended_at IS NULL AND status <> 'HELD' "
    "AND side = '{side}' GROUP BY coalesce(oco_group, order_id)) AS orders"
)
"""Of the orders of one OCO group, the dearest one keeps something."""

SUMS: Final = {
    "events": {
        "account_summary.version": "SELECT sum(version) FROM account_summary",
        "the rows of events": "SELECT (SELECT count(*) FROM trade_history) + count(*) FROM account_events",
    },
    "accounts": {
        "account_summary": "SELECT count(*) FROM account_summary",
        "account_events": "SELECT count(*) FROM account_events WHERE event_type = 'AccountOpened'",
        "firm_totals.accounts": "SELECT sum(accounts) FROM firm_totals",
    },
    "accounts that are closed": {
        "account_summary.status": "SELECT count(*) FROM account_summary WHERE status = 'CLOSED'",
        "firm_totals.closed_accounts": "SELECT sum(closed_accounts) FROM firm_totals",
    },
    "trades": {
        "trade_history": "SELECT count(*) FROM trade_history",
        "account_summary.trade_count": "SELECT sum(trade_count) FROM account_summary",
        "daily_pnl.trades": "SELECT sum(trades) FROM daily_pnl",
        "firm_totals.trades": "SELECT sum(trades) FROM firm_totals",
        "symbol_totals.trades": "SELECT sum(trades) FROM symbol_totals",
        "symbol_days.trades": "SELECT sum(trades) FROM symbol_days",
        "flow_minutes.trades": "SELECT sum(trades) FROM flow_minutes",
    },
    "refusals": {
        "account_events": "SELECT count(*) FROM account_events WHERE event_type = 'CommandRefused'",
        "firm_totals.refusals": "SELECT sum(refusals) FROM firm_totals",
        "flow_minutes.refusals": "SELECT sum(refusals) FROM flow_minutes",
    },
    "value traded": {
        "trade_history.value": "SELECT sum(value) FROM trade_history",
        "daily_pnl.volume": "SELECT sum(volume) FROM daily_pnl",
        "firm_totals": "SELECT sum(bought_value + sold_value) FROM firm_totals",
        "symbol_totals": "SELECT sum(bought_value + sold_value) FROM symbol_totals",
        "symbol_days": "SELECT sum(bought_value + sold_value) FROM symbol_days",
        "flow_minutes": "SELECT sum(bought_value + sold_value) FROM flow_minutes",
    },
    "realized P&L": {
        "trade_history, and splits": "SELECT COALESCE(sum(realized_pnl), 0) + (SELECT COALESCE(sum("
        "(data ->> 'realized_pnl')::numeric * 10000), 0) FROM account_events WHERE event_type = 'SharesSplit') "
        "FROM trade_history",
        "account_summary": "SELECT sum(realized_pnl) FROM account_summary",
        "portfolio_positions": "SELECT sum(realized_pnl) FROM portfolio_positions",
        "daily_pnl": "SELECT sum(realized_pnl) FROM daily_pnl",
        "firm_totals": "SELECT sum(realized_pnl) FROM firm_totals",
        "symbol_totals": "SELECT sum(realized_pnl) FROM symbol_totals",
        "symbol_days": "SELECT sum(realized_pnl) FROM symbol_days",
    },
    "fees": {
        "trade_history": "SELECT sum(fee) FROM trade_history",
        "firm_totals": "SELECT sum(fees) FROM firm_totals",
        "symbol_totals": "SELECT sum(fees) FROM symbol_totals",
        "symbol_days": "SELECT sum(fees) FROM symbol_days",
    },
    "dividends": {
        "account_summary": "SELECT sum(dividends) FROM account_summary",
        "daily_pnl": "SELECT sum(dividends) FROM daily_pnl",
        "firm_totals": "SELECT sum(dividends) FROM firm_totals",
        "symbol_totals": "SELECT sum(dividends) FROM symbol_totals",
        "symbol_days": "SELECT sum(dividends) FROM symbol_days",
    },
    "cash": {
        "account_summary.cash": "SELECT sum(cash) FROM account_summary",
        "firm_totals": "SELECT sum(deposited - withdrawn - bought_value + sold_value - fees "
        "+ dividends + fractions) FROM firm_totals",
    },
    "shares held": {
        "portfolio_positions.quantity": "SELECT sum(quantity) FROM portfolio_positions",
        "symbol_totals": "SELECT sum(bought_quantity - sold_quantity + actions_quantity) FROM symbol_totals",
    },
    "positions": {
        "portfolio_positions": "SELECT count(*) FROM portfolio_positions WHERE quantity > 0",
        "symbol_totals.holders": "SELECT sum(holders) FROM symbol_totals",
    },
    "positions that are stored": {
        "stored_positions": "SELECT count(*) FROM stored_positions WHERE quantity > 0",
        "account_summary.open_positions": "SELECT sum(open_positions) FROM account_summary",
    },
    "cost of positions": {
        "portfolio_positions.cost": "SELECT sum(cost) FROM portfolio_positions",
        "account_summary.positions_cost": "SELECT sum(positions_cost) FROM account_summary",
        "symbol_totals": "SELECT sum(bought_value - sold_value + fees + realized_pnl + actions_cost) "
        "FROM symbol_totals",
    },
    "value of positions": {
        "portfolio_positions": "SELECT sum(market_value) FROM portfolio_positions",
        "account_summary": "SELECT sum(portfolio_value - cash) FROM account_summary",
    },
    "orders that work": {
        "orders": "SELECT count(*) FROM orders WHERE ended_at IS NULL",
        "account_summary.open_orders": "SELECT sum(open_orders) FROM account_summary",
    },
    "shares that sells keep": {
        "orders": _KEPT.format(kept="quantity - filled_quantity", side="SELL"),
        "portfolio_positions.reserved_quantity": "SELECT sum(reserved_quantity) FROM portfolio_positions",
    },
    "cash that buys keep": {
        "orders": _KEPT.format(
            kept="div((quantity - filled_quantity)::numeric * reserve_price + 999999, 1000000)", side="BUY"
        ),
        "account_summary.reserved_cash": "SELECT sum(reserved_cash) FROM account_summary",
    },
}


def compare_sums() -> list[Sum]:
    """Return every figure as the tables say it, of one moment."""
    with transaction.atomic():
        queries.read_one_snapshot()
        with connection.cursor() as cursor:
            return [Sum(what, {place: _figure(cursor, sql) for place, sql in by.items()}) for what, by in SUMS.items()]


def _figure(cursor: Any, query: str) -> Decimal:
    cursor.execute(query)
    return Decimal(cursor.fetchone()[0] or 0)
