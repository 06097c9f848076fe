"""The past as JSON and tables show it: money as decimal strings with four decimals, returns with six."""

from typing import Any

from accounts.domain.values import format_amount
from temporal.history import Figures, Performance
from temporal.returns import format_millionths


def performance_shape(found: Performance) -> dict[str, Any]:
    """Return an account's performance for JSON."""
    return {
        "account_id": found.account_id,
        "zone": found.zone,
        "period": found.period,
        "periods": [figures_shape(figures) for figures in found.periods],
        "totals": figures_shape(found.totals),
    }


def figures_shape(figures: Figures) -> dict[str, Any]:
    """Return the figures of some days for JSON."""
    return {
        "start_date": figures.start_date.isoformat(),
        "end_date": figures.end_date.isoformat(),
        "version": figures.version,
        "trades": figures.trades,
        "volume": format_amount(figures.volume),
        "realized_pnl": format_amount(figures.realized_pnl),
        "unrealized_pnl_change": format_amount(figures.unrealized_pnl_change),
        "fees": format_amount(figures.fees),
        "symbols_changed": list(figures.symbols_changed),
        "opening_equity": format_amount(figures.opening_equity),
        "closing_equity": format_amount(figures.closing_equity),
        "deposits": format_amount(figures.deposits),
        "withdrawals": format_amount(figures.withdrawals),
        "time_weighted_return": format_millionths(figures.time_weighted_return),
        "drawdown": format_millionths(figures.drawdown),
    }
