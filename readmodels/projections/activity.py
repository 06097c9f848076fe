"""activity: every event, once, in a form that people and reporting tools can read.

A view puts it together from account_events, which is written here, and trade_history, whose rows say all that a
trade's event does: at thousands of trades a second, a second row for each would cost more than everything else.
"""

import json
from typing import Any, Final

from accounts.domain.events import format_refusal_figure
from accounts.domain.values import format_amount, format_amount_per_share, format_quantity
from accounts.shapes import instant_text
from readmodels.projections.rows import Recorded, Row, day, instant

TABLE: Final = "account_events"

MONEY: Final = frozenset(
    {
        "amount",
        "cash_after",
        "cost",
        "day_dividends",
        "day_realized_pnl",
        "day_volume",
        "deposited_total",
        "fee",
        "fee_minimum",
        "fee_per_order",
        "fee_per_share",
        "fill_price",
        "filled_value",
        "limit_price",
        "market_price",
        "mark",
        "max_daily_value",
        "max_trade_value",
        "old_realized_pnl",
        "portfolio_value",
        "position_cost",
        "position_realized_pnl",
        "positions_cost",
        "price",
        "realized_pnl",
        "reference_price",
        "reserve_price",
        "reserved_cash",
        "stop_loss_limit_price",
        "stop_loss_stop_price",
        "stop_loss_trail_amount",
        "stop_price",
        "take_profit_limit_price",
        "total_dividends",
        "total_realized_pnl",
        "total_fees",
        "trail_amount",
        "trigger_price",
        "value",
        "withdrawn_total",
    }
)
"""Fields of events that are amounts of money, whatever the event."""

QUANTITIES: Final = frozenset(
    {"fill_quantity", "filled_quantity", "lot_size", "position_quantity", "quantity", "reserved_shares"}
)
"""Fields of events that are shares."""


def row_of(recorded: Recorded) -> Row:
    """Return the event's row; `data` is JSON text."""
    return {
        "account_id": recorded.account_id,
        "version": recorded.version,
        "event_id": recorded.event_id,
        "event_type": type(recorded.event).__name__,
        "recorded_at": recorded.at,
        "actor": recorded.actor,
        "command_id": recorded.command_id,
        "correlation_id": recorded.correlation_id or recorded.command_id,
        "causation_id": recorded.causation_id,
        "data": json.dumps(readable(recorded.event)),
    }


def readable(event: Any) -> dict[str, Any]:
    """Return an event's fields with money and quantities as decimal strings, days as dates, instants as RFC 3339."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    if "arguments" in fields:
        for figure in ("limit", "actual"):
            fields[figure] = format_refusal_figure(fields["code"], fields[figure])
        fields["arguments"] = _figures_as_text(fields["arguments"])
    return _figures_as_text(fields)


def _figures_as_text(fields: dict[str, Any]) -> dict[str, Any]:
    texts = dict(fields)
    for name, value in fields.items():
        if name in MONEY and value is not None:
            texts[name] = format_amount(value)
        elif name in QUANTITIES and value is not None:
            texts[name] = format_quantity(value)
        elif name in ("day", "session"):
            texts[name] = day(value).isoformat()
        elif name == "amount_per_share":
            texts[name] = format_amount_per_share(value)
        elif name == "prices":
            texts[name] = {symbol: format_amount(price) for symbol, price in value.items()}
        elif name in ("marked_at", "expires_at") and value is not None:
            texts[name] = instant_text(instant(value))
    return texts
