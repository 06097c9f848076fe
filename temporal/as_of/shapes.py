"""Accounts of the past as the APIs show them (accounts/shapes.py).

The names are those of the read models' shapes wherever the same is meant.
"""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from accounts import shapes as s
from accounts.domain.state import MICROSECONDS_PER_DAY, Account, Order, Position
from accounts.domain.values import average_cost, value_of
from eventstore.record import instant_of, microseconds
from temporal.as_of.as_of import AccountAsOf as FoundAccount
from temporal.as_of.valuation import Valuation as FoundValuation
from temporal.summaries import reason_of, summary_of


class HeldPosition(NamedTuple):
    """A position with its symbol, and the shares that working sell orders keep of it."""

    symbol: str
    position: Position
    reserved: int

    @property
    def available(self) -> int:
        """The shares that are not reserved."""
        return self.position.quantity - self.reserved

    @property
    def average_cost(self) -> int:
        """What one share cost."""
        return average_cost(self.position.cost, self.position.quantity)

    @property
    def value(self) -> int:
        """The shares at their mark."""
        return value_of(self.position.quantity, self.position.mark)

    @property
    def unrealized_pnl(self) -> int:
        """Their value less their cost."""
        return self.value - self.position.cost


def day_of(number: int) -> date | None:
    """Return the day with this number of days since 1970-01-01, None for none."""
    return date(1970, 1, 1) + timedelta(days=number) if number else None


def held_positions(state: Account) -> list[HeldPosition]:
    """Return the positions of which an account holds shares, by symbol."""
    return [
        HeldPosition(symbol, position, state.reserved_shares.get(symbol, 0))
        for symbol, position in sorted(state.positions.items())
        if position.quantity
    ]


class WorkingOrder(NamedTuple):
    """An order that works, with its id."""

    order_id: str
    order: Order


class DayOfAccount(NamedTuple):
    """What an account did on a UTC day up to a moment of it."""

    date: date
    volume: int
    trades: int
    realized_pnl: int


class ShownAccount(NamedTuple):
    """An account as of a moment, the instant that the answer is of, and its positions valued, if that was asked."""

    found: FoundAccount
    at: datetime
    valuation: FoundValuation | None = None

    @property
    def day(self) -> DayOfAccount:
        """The figures of the instant's UTC day: zero when the last trade was on an earlier one."""
        state = self.found.state
        if state.day != microseconds(self.at) // MICROSECONDS_PER_DAY:
            return DayOfAccount(self.at.date(), 0, 0, 0)
        return DayOfAccount(self.at.date(), state.day_volume, state.day_trades, state.day_realized_pnl)


class DayAsOf(s.ObjectShape):
    """The UTC day of the moment, up to it."""

    date = s.Day()
    volume = s.Money("Value traded")
    trades = s.Count()
    realized_pnl = s.Money("Realized profit or loss")


class LimitsAsOf(s.ObjectShape):
    """The risk limits of the moment."""

    max_position_percent = s.Percent("Of the portfolio, per symbol", of="max_position_bp")
    max_daily_value = s.Money("Traded value per UTC day")
    max_trade_value = s.Money("Value of one trade")
    price_band_percent = s.Percent(
        "How far from the market's price a trade may be booked; 0 is no band", of="price_band_bp"
    )


class FeeScheduleAsOf(s.ObjectShape):
    """What orders cost at the moment; 0 is none."""

    per_order = s.Money("For an order, charged with its first fill")
    per_share = s.Money("For one share")
    percent = s.Percent("Of the value", of="basis_points")
    minimum = s.Money("The least that shares and value of an order cost together")


class PositionAsOf(s.ObjectShape):
    """A position, valued at its last trade or mark."""

    symbol = s.Text()
    quantity = s.Shares("Shares", of="position.quantity")
    reserved_quantity = s.Shares("Shares that working sell orders keep", of="reserved")
    available = s.Shares("Shares that are not reserved")
    avg_cost = s.Money("Average cost of one share", of="average_cost")
    cost = s.Money("What the shares cost", of="position.cost")
    last_price = s.Money("Price of its last trade or mark", of="position.mark")
    market_value = s.Money("Quantity times that price, rounded half to even", of="value")
    unrealized_pnl = s.Money("Market value less cost")
    realized_pnl = s.Money("Realized so far", of="position.realized_pnl")


def _status(order: Order) -> str:
    if order.is_held:
        return "HELD"
    return "PARTIALLY_FILLED" if order.filled_quantity else "PENDING"


class OrderAsOf(s.ObjectShape):
    """An order that worked then."""

    order_id = s.Text()
    client_order_id = s.Text(of="order.client_order_id")
    symbol = s.Text(of="order.symbol")
    side = s.Text(of="order.side")
    order_type = s.Text(of="order.order_type")
    time_in_force = s.Text(of="order.time_in_force")
    status = s.Text(of=lambda shown: _status(shown.order))
    quantity = s.Shares("Shares", of="order.quantity")
    filled_quantity = s.Shares("Shares filled", of="order.filled_quantity")
    remaining_quantity = s.Shares("Shares not filled", of="order.remaining")
    filled_value = s.Money("Value of its fills", of="order.filled_value")
    limit_price = s.Money(of="order.limit_price", null=True)
    stop_price = s.Money("Of a trailing stop, where its stop was then", of="order.stop_price", null=True)
    trail_amount = s.Money(of="order.trail_amount", null=True)
    trail_percent = s.Percent(of="order.trail_bp", null=True)
    trigger_price = s.Money("The market's price at which its stop was reached", of="order.trigger_price", null=True)
    expires_at = s.Instant(
        of=lambda shown: None if shown.order.expires_at is None else instant_of(shown.order.expires_at), null=True
    )
    order_class = s.Text(of="order.order_class")
    parent_order_id = s.Text("The order whose fill it waited for then", of="order.waits_for", null=True)
    oco_group = s.Text("The same for orders of which one cancels the others", of="order.oco_group", null=True)
    reserve_price = s.Money("What a buy reserves for each share that is not filled", of="order.reserve_price")


class ValuedPosition(s.ObjectShape):
    """A position at the price of the instant."""

    symbol = s.Text()
    quantity = s.Shares("Shares")
    price = s.Money("Price of one share")
    price_source = s.Choice(
        ["market", "last trade"], "The market's at that instant, or the account's own last trade", of="source"
    )
    market_value = s.Money("Quantity times that price, rounded half to even")
    unrealized_pnl = s.Money("Market value less cost", of=lambda position: position.market_value - position.cost)


class Valuation(s.ObjectShape):
    """The positions at the market's prices of the instant; prices within a day are simulated."""

    at = s.Instant()
    session_date = s.Day("The trading day that the market replayed then", null=True)
    positions_value = s.Money("What the shares were worth")
    portfolio_value = s.Money("Cash and positions", of=lambda valuation: valuation.cash + valuation.positions_value)
    unrealized_pnl = s.Money(
        "Value less cost", of=lambda valuation: valuation.positions_value - valuation.positions_cost
    )
    positions = s.Each(ValuedPosition)


class AccountValue(s.ObjectShape):
    """What an account is worth."""

    status = s.Text()
    currency = s.Text()
    cash = s.Money("Cash")
    reserved_cash = s.Money("The part of it that working buys keep")
    buying_power = s.Money("The rest", of=lambda state: state.cash - state.reserved_cash)
    positions_cost = s.Money("What the shares held cost")
    positions_value = s.Money("What they were worth")
    portfolio_value = s.Money("Cash and positions")
    realized_pnl = s.Money("Realized so far")
    unrealized_pnl = s.Money("Not realized", of=lambda state: state.positions_value - state.positions_cost)


class AccountAsOf(s.ObjectShape):
    """An account as of a moment, and the event that it stands on."""

    account_id = s.Id(of="found.account_id")
    at = s.Instant("The instant asked for, or that of the version")
    value = s.Inline(AccountValue, of="found.state")
    fees = s.Money("What its trades cost so far", of="found.state.fees")
    dividends = s.Money("All dividends", of="found.state.dividends")
    marked_session = s.Day(
        "The last session whose close positions were marked at",
        of=lambda shown: day_of(shown.found.state.marked_session),
        null=True,
    )
    deposited = s.Money("All deposits", of="found.state.deposited")
    withdrawn = s.Money("All withdrawals", of="found.state.withdrawn")
    trade_count = s.Count(of="found.state.trade_count")
    day = s.One(DayAsOf, of="day")
    limits = s.One(LimitsAsOf, of="found.state")
    fee_schedule = s.One(FeeScheduleAsOf, of="found.state.fee_schedule")
    positions = s.Each(PositionAsOf, of=lambda shown: held_positions(shown.found.state))
    orders = s.Each(OrderAsOf, of=lambda shown: [WorkingOrder(*each) for each in shown.found.state.orders.items()])
    version = s.Count(of="found.version")
    event_id = s.Id("Of the event of that version", of="found.event_id")
    event_type = s.Text(of="found.event_type")
    recorded_at = s.Instant("When the event of that version was recorded", of="found.recorded_at")
    actor = s.Text("Who asked for it", of="found.actor")
    command_id = s.Text(of="found.command_id")
    valuation = s.One(Valuation, "With valued=true", of="valuation", optional=True)


class AccountLine(s.ObjectShape):
    """One of many accounts as of an instant."""

    account_id = s.Id()
    version = s.Count()
    value = s.Inline(AccountValue, of="state")
    trade_count = s.Count(of="state.trade_count")
    open_orders = s.Count(of=lambda account: len(account.state.orders))
    positions = s.Each(PositionAsOf, of=lambda account: held_positions(account.state))


class CurrencyTotals(s.Shape):
    """Sums over the accounts of one currency."""

    currency = s.Text()
    accounts = s.Count()
    cash = s.Money("Cash")
    positions_value = s.Money("What the shares were worth, at each account's last trades")
    portfolio_value = s.Money("Cash and positions", of=lambda sums: sums["cash"] + sums["positions_value"])


class TotalsAsOf(s.ObjectShape):
    """Sums over all accounts."""

    at = s.Instant()
    accounts = s.Count()
    currencies = s.Each(CurrencyTotals)


class FirmLine(AccountLine):
    """A line of the answer: an account, and in the last line only the totals."""

    totals = s.One(TotalsAsOf, optional=True)


class Change(s.ObjectShape):
    """A figure that is not what it was; null for what did not, or does not, exist."""

    field = s.Text('Such as "cash" or "positions.KO.quantity"')
    before = s.Anything()
    after = s.Anything()


class EventOfDiff(s.ObjectShape):
    """An event between the two moments."""

    version = s.Count()
    event_id = s.Id()
    event_type = s.Text()
    recorded_at = s.Instant(of=lambda event: instant_of(event.timestamp))
    actor = s.Text()
    command_id = s.Text()
    correlation_id = s.Text()
    reason = s.Text(
        "Code of a refusal, or the words of who asked for it", of=lambda event: reason_of(event.data), null=True
    )
    summary = s.Text("What the event says, in one line", of=lambda event: summary_of(event.data))


class AccountDiff(s.ObjectShape):
    """What changed between two moments, and a page of the events that did it."""

    account_id = s.Id(of="difference.before.account_id")
    from_version = s.Count(of="difference.before.version")
    to_version = s.Count(of="difference.after.version")
    changes = s.Each(Change, of="difference.changes")
    events = s.Each(EventOfDiff, of="page.events")
    next = s.Text(
        "Give it back as `cursor`; null at the end",
        of=lambda diff: None if diff.page.next is None else str(diff.page.next),
        null=True,
    )


def account_shape(
    found: FoundAccount, *, at: datetime | None, valuation: FoundValuation | None = None
) -> dict[str, Any]:
    """Return an account as of a moment; `at` is the instant that was asked for, None for a version or now."""
    return AccountAsOf.show(ShownAccount(found, shown_instant(found, at), valuation))


def shown_instant(found: FoundAccount, at: datetime | None) -> datetime:
    """Return the instant that an answer is of: the one asked for, or when its version was recorded."""
    return found.recorded_at if at is None else at
