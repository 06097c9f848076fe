"""Performance, and what would have been under other limits, as the APIs and tables show them (accounts/shapes.py)."""

from typing import Any, Final

import msgspec

from accounts import shapes as s
from accounts.domain.events import format_refusal_figure
from accounts.domain.values import format_amount, format_quantity
from temporal.as_of.shapes import held_positions
from temporal.performance.periods import KINDS
from temporal.what_if import Difference

MONEY_ARGUMENTS: Final = frozenset(
    {
        *("amount", "price", "limit_price", "stop_price", "reference_price", "market_price"),
        *("max_daily_value", "max_trade_value", "take_profit_limit_price"),
        *("stop_loss_stop_price", "stop_loss_limit_price", "stop_loss_trail_amount"),
        *("fee_per_order", "fee_per_share", "fee_minimum", "trail_amount"),
    }
)


class PerformanceFigures(s.ObjectShape):
    """What happened in some days."""

    start_date = s.Day()
    end_date = s.Day("Included")
    version = s.Count("The account's version at the end; 0 when it was not open yet")
    trades = s.Count()
    volume = s.Money("Value of all trades")
    realized_pnl = s.Money("By average cost")
    unrealized_pnl_change = s.Money("At the end less at the beginning, at the account's marks")
    fees = s.Money("What the trades cost; part of the realized P&L and of what positions cost")
    dividends = s.Money("Earned, beside realized and unrealized P&L")
    symbols_changed = s.Texts("Whose position, average cost, mark or realized P&L is another one")
    opening_equity = s.Money("Cash and positions at the account's marks, at the beginning")
    closing_equity = s.Money("The same at the end")
    deposits = s.Money("Cash that came in")
    withdrawals = s.Money("Cash that went out")
    time_weighted_return = s.Ratio("Growth without deposits and withdrawals")
    drawdown = s.Ratio("How far growth is below its highest period's end of the range; of the totals, the most")


class AccountPerformance(s.ObjectShape):
    """The periods of a range, and the range as one."""

    account_id = s.Id()
    zone = s.Text()
    period = s.Choice(KINDS)
    periods = s.Each(PerformanceFigures)
    totals = s.One(PerformanceFigures, of="totals")


class WhatIfLimits(s.ObjectShape):
    """The limits that were given."""

    max_position_percent = s.Percent("Of the portfolio", of="max_position_bp", null=True)
    max_daily_value = s.Money("Traded value per UTC day", null=True)
    max_trade_value = s.Money("Value of one trade", null=True)
    price_band_percent = s.Percent("Band around the market's price", of="price_band_bp", null=True)


class WhatIfPosition(s.ObjectShape):
    """Shares of one symbol."""

    symbol = s.Text()
    quantity = s.Shares("Shares", of="position.quantity")
    average_cost = s.Money("Of one share")
    mark = s.Money("The price of its last trade or mark", of="position.mark")


class WhatIfAccount(s.ObjectShape):
    """An account at the end of the range."""

    status = s.Text()
    cash = s.Money("Cash")
    equity = s.Money("Cash and positions at the account's marks", of="portfolio_value")
    realized_pnl = s.Money("By average cost")
    unrealized_pnl = s.Money(
        "Value less cost of the positions", of=lambda account: account.positions_value - account.positions_cost
    )
    trades = s.Count(of="trade_count")
    working_orders = s.Count(of=lambda account: len(account.orders))
    positions = s.Each(WhatIfPosition, of=held_positions)


def _arguments(difference: Difference) -> dict[str, Any]:
    arguments = msgspec.structs.asdict(difference.command)
    return {name: value if value is None else _argument(name, value) for name, value in arguments.items()}


def _argument(name: str, value: Any) -> Any:
    if name == "quantity":
        return format_quantity(value)
    return format_amount(value) if name in MONEY_ARGUMENTS else value


class WhatIfDifference(s.ObjectShape):
    """A command that ends differently; code and figures are those of the refusal, now's or then's."""

    version = s.Count()
    recorded_at = s.Instant()
    command_id = s.Text()
    outcome = s.Choice(
        ["REFUSED_NOW", "ACCEPTED_NOW"],
        of=lambda difference: "REFUSED_NOW" if difference.is_refused_now else "ACCEPTED_NOW",
    )
    is_knock_on = s.Flag("For what other commands led to, not by a limit that was given")
    command = s.Text(of=lambda difference: type(difference.command).__name__)
    arguments = s.Object(of=_arguments)
    code = s.Text(of="refusal.code")
    limit = s.Text(
        "Money or shares as a decimal string, a count as digits",
        of=lambda difference: format_refusal_figure(difference.refusal.code, difference.refusal.limit),
        null=True,
    )
    actual = s.Text(
        "The same",
        of=lambda difference: format_refusal_figure(difference.refusal.code, difference.refusal.actual),
        null=True,
    )


class AccountWhatIf(s.ObjectShape):
    """What an account would be, had it had other risk limits."""

    account_id = s.Id()
    limits = s.One(WhatIfLimits, of="limits")
    from_version = s.Count()
    to_version = s.Count()
    commands = s.Count("Decided again", of="command_count")
    refused_now = s.Count(of="refused_now_count")
    accepted_now = s.Count(of="accepted_now_count")
    knock_ons = s.Count("Of both", of="knock_on_count")
    refused_for_another_reason = s.Count(of="refused_for_another_reason_count")
    real = s.One(WhatIfAccount, of="real")
    what_if = s.One(WhatIfAccount, of="imagined")
    differences = s.Each(WhatIfDifference, "The first 1,000")
    differences_complete = s.Flag(of="is_complete")
