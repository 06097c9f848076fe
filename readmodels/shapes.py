"""What the APIs show of an account, declared once for REST, GraphQL, WebSocket, exports and the front end
(accounts/shapes.py). Rows are those of the tables and views of the same names.
"""

from typing import Any, Final

from accounts import shapes as s
from readmodels.at_market import SOURCES
from readmodels.projections.rows import Row

ACCOUNT_STATUSES: Final = ("ACTIVE", "FROZEN", "CLOSED")
ORDER_STATUSES: Final = (
    *("HELD", "PENDING", "PARTIALLY_FILLED"),
    *("FILLED", "CANCELLED", "EXPIRED", "REJECTED", "REPLACED"),
)
ORDER_CLASSES: Final = ("SIMPLE", "BRACKET", "OCO", "OTO")
SIDES: Final = ("BUY", "SELL")
ACTOR: Final = "user:<id>/<name>, with /key:<id>/<name> for an API key; platform/<part>. Names are of the time"
VERSION_OF_ROW: Final = "Account version that this stands on"


def positions_value(row: Row) -> int:
    """Return what the positions of an account are worth."""
    value: int = row["portfolio_value"] - row["cash"]
    return value


class AccountDay(s.Shape):
    """The account's last day with a trade or a split (UTC)."""

    date = s.Day("Null before the first", of="day_date", null=True)
    volume = s.Money("Value traded", of="day_volume")
    trades = s.Count(of="day_trades")
    realized_pnl = s.Money("Realized profit or loss", of="day_realized_pnl")


class RiskLimits(s.Shape):
    """The account's risk limits."""

    max_position_percent = s.Percent("Of the portfolio, per symbol", of="max_position_bp")
    max_daily_value = s.Money("Traded value per UTC day")
    max_trade_value = s.Money("Value of one trade")
    price_band_percent = s.Percent(
        "How far from the market's price a trade may be booked; 0 is no band", of="price_band_bp"
    )


class FeeSchedule(s.Shape):
    """What the account's orders cost; 0 is none."""

    per_order = s.Money("For an order, charged with its first fill", of="fee_per_order")
    per_share = s.Money("For one share", of="fee_per_share")
    percent = s.Percent("Of the value", of="fee_bp")
    minimum = s.Money("The least that shares and value of an order cost together", of="fee_minimum")


class Account(s.Shape):
    """An account, its each position valued at its last trade or mark."""

    account_id = s.Id()
    name = s.Text()
    owner = s.Text("The user for good, such as user:17")
    owner_name = s.Text(
        "What the owner is called now; `owner` when there is no such user",
        of=lambda row: row.get("owner_name") or row["owner"],
    )
    currency = s.Text("ISO 4217")
    status = s.Choice(ACCOUNT_STATUSES)
    role = s.Choice(("owner", "trader", "viewer", "staff"), "The asking user's role", of=lambda row: row.get("role"))
    cash = s.Money("Cash")
    reserved_cash = s.Money("The part of it that working buy orders keep")
    buying_power = s.Money("The rest: what there is to spend", of=lambda row: row["cash"] - row["reserved_cash"])
    positions_cost = s.Money("What the shares held cost")
    positions_value = s.Money("What they are worth", of=positions_value)
    portfolio_value = s.Money("Cash and positions")
    realized_pnl = s.Money("Realized profit or loss so far, dividends aside")
    unrealized_pnl = s.Money("Unrealized profit or loss", of=lambda row: positions_value(row) - row["positions_cost"])
    deposited = s.Money("All deposits")
    withdrawn = s.Money("All withdrawals")
    dividends = s.Money("All dividends")
    trade_count = s.Count()
    open_orders = s.Count("Orders that work")
    day = s.One(AccountDay)
    marked_session = s.Day("The last session whose close positions were marked at", null=True)
    marked_at = s.Instant("When the prices of that close were; what was traded since has its own price", null=True)
    limits = s.One(RiskLimits)
    fee_schedule = s.One(FeeSchedule)
    version = s.Count(VERSION_OF_ROW)
    updated_at = s.Instant("When the event of that version was recorded")


class Position(s.Shape):
    """Shares held in one symbol."""

    symbol = s.Text()
    quantity = s.Shares("Shares")
    reserved_quantity = s.Shares("Shares that working sell orders keep")
    available = s.Shares("The rest: what there is to sell", of=lambda row: row["quantity"] - row["reserved_quantity"])
    avg_cost = s.Money("Average cost of one share")
    cost = s.Money("Total cost")
    last_price = s.Money("Price that the account last traded it at, or that of the last mark")
    market_value = s.Money("Quantity times last price, rounded half to even")
    unrealized_pnl = s.Money("Market value less cost", of=lambda row: row["market_value"] - row["cost"])
    realized_pnl = s.Money("Realized in this symbol so far")
    version = s.Count(VERSION_OF_ROW)
    updated_at = s.Instant("When the event of that version was recorded")


class PositionAtMarket(s.Shape):
    """What a position is worth at the market's price."""

    price = s.Money("The market's price of one share; `last_price` where the market says none")
    price_at = s.Instant("When the market said it; null where it says none", null=True)
    source = s.Choice(SOURCES, "Where the price is from")
    is_stale = s.Flag("The market has said nothing new for a while")
    market_value = s.Money("Quantity times price, rounded half to even")
    unrealized_pnl = s.Money("Market value less cost")
    day_change = s.Money("Market value less that at the previous close; null where the market says none", null=True)


class OpenPosition(Position):
    """Shares held in one symbol, at the account's own price and at the market's."""

    at_market = s.One(PositionAtMarket, of="at_market")


class AccountAtMarket(s.Shape):
    """What the account is worth at the market's prices."""

    quoted_at = s.Instant("When the latest quotes were made; null when none are known", null=True)
    is_stale = s.Flag("The market has said nothing new of a position for a while")
    is_complete = s.Flag("Every position is at a price of the market")
    buying_power = s.Money("What there is to spend: cash that no order keeps")
    positions_value = s.Money("What the shares are worth")
    equity = s.Money("Cash and positions")
    unrealized_pnl = s.Money("Their value less what they cost")
    day_change = s.Money("What the positions that are held gained since the previous close")


class Order(s.Shape):
    """An order, whether it works or has ended; what the orders that it replaced had filled counts as filled."""

    order_id = s.Id()
    client_order_id = s.Text("The client's, or made by the server; unique among the account's working orders only")
    symbol = s.Text()
    side = s.Choice(SIDES)
    order_type = s.Choice(("MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"))
    time_in_force = s.Choice(("DAY", "GTC", "IOC", "FOK", "GTD"))
    status = s.Choice(ORDER_STATUSES, "HELD waits for another order's fill; the next two work; all others have ended")
    quantity = s.Shares("Shares in all")
    filled_quantity = s.Shares("Shares filled")
    remaining_quantity = s.Shares(
        "Shares not filled, also of an order that has ended", of=lambda row: row["quantity"] - row["filled_quantity"]
    )
    avg_fill_price = s.Money("Half to even; null when nothing is filled", null=True)
    filled_value = s.Money("Value of all fills")
    limit_price = s.Money(null=True)
    stop_price = s.Money("Of a trailing stop, where its stop is now", null=True)
    trail_amount = s.Money("What a trailing stop stays behind the market", null=True)
    trail_percent = s.Percent("The same in percent of the market's price", of="trail_bp", null=True)
    trigger_price = s.Money("The market's price at which its stop was reached, if the venue said so", null=True)
    expires_at = s.Instant("When a GTD order is over", null=True)
    order_class = s.Choice(ORDER_CLASSES)
    parent_order_id = s.Id("The order whose fill it waits for, or waited for", null=True)
    oco_group = s.Id("The same for orders of which one cancels the others", null=True)
    reserve_price = s.Money("What a buy keeps in cash for each share that is not filled")
    replaces = s.Id("The order whose place it took", null=True)
    replaced_by = s.Id("The order that took its place", null=True)
    reason = s.Text("Why it was cancelled, expired or rejected; may be empty")
    placed_version = s.Count("Account version of its placing")
    version = s.Count("Account version of its latest event")
    command_id = s.Text("The command that placed it")
    actor = s.Text(f"Who placed it: {ACTOR}")
    placed_at = s.Instant()
    updated_at = s.Instant()
    ended_at = s.Instant("Null while it works", null=True)


class Trade(s.Shape):
    """A trade that was booked."""

    trade_id = s.Id("The event's id, derived from its hash")
    version = s.Count("Account version of the trade")
    symbol = s.Text()
    side = s.Choice(SIDES)
    quantity = s.Shares("Shares")
    price = s.Money("Price of one share")
    value = s.Money("Quantity times price, rounded half to even")
    fee = s.Money("What the trade cost")
    realized_pnl = s.Money("Realized by this trade")
    cash_after = s.Money("Cash after it")
    order_id = s.Text("The order that it belongs to, if any", null=True)
    command_id = s.Text()
    executed_at = s.Instant()


class Event(s.Shape):
    """An event of the account: its audit trail, refusals included."""

    event_id = s.Id("Derived from the event's hash")
    version = s.Count("Account version of the event")
    type = s.Text("Such as TradeExecuted", of="event_type")
    recorded_at = s.Instant()
    actor = s.Text(ACTOR)
    command_id = s.Text()
    correlation_id = s.Text()
    causation_id = s.Text(null=True)
    data = s.Object("The event's fields; money and quantities as decimal strings")


class DailyPnl(s.Shape):
    """A day with trades, splits or dividends (UTC)."""

    date = s.Day()
    trades = s.Count()
    volume = s.Money("Value traded")
    realized_pnl = s.Money("Realized profit or loss")
    dividends = s.Money("Dividends")
    version = s.Count(VERSION_OF_ROW)


def account_shape(row: Row, *, role: str | None = None) -> dict[str, Any]:
    """Show a row of account_summary; `role` is the asking user's, `owner_name` what the owner is called now."""
    return Account.show(row if role is None else {**row, "role": role})
