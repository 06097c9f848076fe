"""Every event in one line for people: what happened, with its figures, and why, where it says so."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

from accounts.domain import events as e
from accounts.domain.values import format_amount, format_amount_per_share, format_quantity


def summary_of(event: e.AccountEvent) -> str:
    """Return what an event says, in one line."""
    return _SUMMARIES[type(event)](event)


def reason_of(event: Any) -> str | None:
    """Return why something happened: the code of a refusal, or the words of whoever asked for it."""
    if isinstance(event, e.CommandRefused):
        return event.code
    reason: str = getattr(event, "reason", "") or getattr(event, "reference", "")
    return reason or None


def _opened(event: e.AccountOpened) -> str:
    return f'opened for {event.owner}: "{event.name}" in {event.currency}'


def _deposited(event: e.CashDeposited) -> str:
    return f"deposited {format_amount(event.amount)}, cash is {format_amount(event.cash_after)}"


def _withdrawn(event: e.CashWithdrawn) -> str:
    return f"withdrew {format_amount(event.amount)}, cash is {format_amount(event.cash_after)}"


def _traded(event: e.TradeExecuted) -> str:
    did = "bought" if event.side == "BUY" else "sold"
    realized = "" if event.side == "BUY" else f", realized {format_amount(event.realized_pnl)}"
    fee = f", fee {format_amount(event.fee)}" if event.fee else ""
    return f"{did} {format_quantity(event.quantity)} {event.symbol} at {format_amount(event.price)}{fee}{realized}"


def _refused(event: e.CommandRefused) -> str:
    figures = [
        f"{name} {e.format_refusal_figure(event.code, value)}"
        for name, value in (("limit", event.limit), ("found", event.actual))
        if value is not None
    ]
    return f"refused {event.command}: {event.code}" + (f" ({', '.join(figures)})" if figures else "")


def _limits_changed(event: e.RiskLimitsChanged) -> str:
    return (
        f"limits are {event.max_position_bp // 100}.{event.max_position_bp % 100:02d} % in one symbol, "
        f"{format_amount(event.max_daily_value)} a day, {format_amount(event.max_trade_value)} a trade, booked within "
        f"{event.price_band_bp // 100}.{event.price_band_bp % 100:02d} % of the market's price"
    )


def _fees_changed(event: e.FeeScheduleChanged) -> str:
    return (
        f"fees are {format_amount(event.fee_per_order)} an order, {format_amount(event.fee_per_share)} a share, "
        f"{event.fee_bp // 100}.{event.fee_bp % 100:02d} % of the value, at least {format_amount(event.fee_minimum)}"
    )


def _split(event: e.SharesSplit) -> str:
    cash = f", {format_amount(event.amount)} for the fraction" if event.amount else ""
    shares = f"{format_quantity(event.quantity)} to {format_quantity(event.position_quantity)}"
    return f"split {event.symbol} {event.numerator} for {event.denominator}: {shares} shares{cash}"


def _dividend_paid(event: e.DividendPaid) -> str:
    per_share = format_amount_per_share(event.amount_per_share)
    return (
        f"dividend of {per_share} a share on {format_quantity(event.quantity)} {event.symbol}: "
        f"{format_amount(event.amount)}, cash is {format_amount(event.cash_after)}"
    )


def _symbol_changed(event: e.SymbolChanged) -> str:
    return f"{format_quantity(event.quantity)} shares of {event.symbol} are {event.new_symbol} now"


def _marked(event: e.PositionsMarked) -> str:
    session = date(1970, 1, 1) + timedelta(days=event.session)
    count = len(event.prices)
    return (
        f"marked {count} positions at the close of {session}, the portfolio is {format_amount(event.portfolio_value)}"
    )


def _placed(event: e.OrderPlaced) -> str:
    prices = [
        f"{name} {format_amount(price)}"
        for name, price in (
            *(("limit", event.limit_price), ("stop", event.stop_price)),
            ("trail", event.trail_amount),
        )
        if price is not None
    ]
    if event.trail_bp is not None:
        prices.append(f"trail {event.trail_bp // 100}.{event.trail_bp % 100:02d} %")
    terms = " ".join([event.order_type, event.time_in_force, *prices])
    waits = "" if event.waits_for is None else f", which waits for order {event.waits_for}"
    what = f"{event.side} {format_quantity(event.quantity)} {event.symbol} {terms}"
    return f"placed {what}: order {event.order_id}{waits}"


def _filled(event: e.OrderFilled) -> str:
    return (
        f"filled {format_quantity(event.fill_quantity)} {event.symbol} at {format_amount(event.fill_price)} of order "
        f"{event.order_id}: {_filled_part(event)}"
    )


def _replaced(event: e.OrderReplaced) -> str:
    return f"replaced order {event.order_id} by {event.replaced_by}"


def _ended(word: str) -> Callable[[Any], str]:
    def ended(event: e.OrderCancelled | e.OrderExpired | e.OrderRejected) -> str:
        filled = f"{_filled_part(event)} filled"
        return f"{word} order {event.order_id} of {event.symbol}, {filled}{_because(event.reason)}"

    return ended


def _filled_part(event: e.OrderFilled | e.OrderCancelled | e.OrderExpired | e.OrderRejected) -> str:
    return f"{format_quantity(event.filled_quantity)} of {format_quantity(event.quantity)}"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


_SUMMARIES: Final[dict[type, Callable[[Any], str]]] = {
    e.AccountOpened: _opened,
    e.CashDeposited: _deposited,
    e.CashWithdrawn: _withdrawn,
    e.TradeExecuted: _traded,
    e.CommandRefused: _refused,
    e.AccountFrozen: lambda event: f"frozen{_because(event.reason)}",
    e.AccountUnfrozen: lambda event: f"unfrozen{_because(event.reason)}",
    e.RiskLimitsChanged: _limits_changed,
    e.FeeScheduleChanged: _fees_changed,
    e.SharesSplit: _split,
    e.DividendPaid: _dividend_paid,
    e.SymbolChanged: _symbol_changed,
    e.PositionsMarked: _marked,
    e.AccountClosed: lambda event: f"closed{_because(event.reason)}",
    e.OrderPlaced: _placed,
    e.OrderFilled: _filled,
    e.OrderReplaced: _replaced,
    e.OrderCancelled: _ended("cancelled"),
    e.OrderExpired: _ended("expired"),
    e.OrderRejected: _ended("rejected"),
    e.OrderTriggered: lambda event: (
        f"order {event.order_id} of {event.symbol} was triggered at {format_amount(event.trigger_price)}"
    ),
    e.OrderTrailed: lambda event: (
        f"the stop of order {event.order_id} of {event.symbol} is at {format_amount(event.stop_price)}"
    ),
    e.OrderReduced: lambda event: (
        f"order {event.order_id} of {event.symbol} is for {format_quantity(event.quantity)}: order "
        f"{event.filled_order_id} was filled in part"
    ),
    e.OrderActivated: lambda event: (
        f"order {event.order_id} works: {event.side} {format_quantity(event.quantity)} {event.symbol}"
    ),
}
