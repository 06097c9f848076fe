"""An account worked out from raw facts alone: amounts, sides, quantities and prices, never an event's own after-values.

It is deliberately another calculation than the domain's and the projections': reconcile compares their results with
this. Only how a cost is divided is shared (cost_removed, average_cost), because it is a rule and not a result.
"""

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, Final, get_args

from accounts.domain import events as e
from accounts.domain.values import average_cost, cost_removed
from eventstore.record import Commit
from readmodels.projections.rows import Row, day, instant
from readmodels.reconcile.ledger_firm import FirmLedger
from readmodels.reconcile.ledger_orders import NO_FEES, OrderBook, Schedule, worth

_ORDER_EVENTS: Final = get_args(e.OrderEvent)


@dataclass
class Holding:
    """Shares of one symbol."""

    quantity: int = 0
    cost: int = 0
    price: int = 0
    realized: int = 0
    version: int = 0
    updated_at: int = 0

    @property
    def value(self) -> int:
        """What the shares are worth at the price that they were last traded or marked at."""
        return worth(self.quantity, self.price)


@dataclass
class Day:
    """What happened on one UTC day. `is_active` with a trade or a split, else there was no more than a dividend."""

    trades: int = 0
    volume: int = 0
    realized: int = 0
    dividends: int = 0
    version: int = 0
    is_active: bool = False


@dataclass
class Ledger:
    """One account."""

    account_id: str
    owner: str = ""
    name: str = ""
    currency: str = ""
    status: str = ""
    deposited: int = 0
    withdrawn: int = 0
    bought: int = 0
    sold: int = 0
    fees: int = 0
    fractions: int = 0
    marked: tuple[int, int] | None = None
    """The session and the instant of the last close that positions were marked at."""
    limits: tuple[int, int, int, int] = (0, 0, 0, 0)
    schedule: Schedule = NO_FEES
    version: int = 0
    opened_at: int = 0
    updated_at: int = 0
    holdings: dict[str, Holding] = field(default_factory=dict)
    days: dict[date, Day] = field(default_factory=dict)
    book: OrderBook = field(default_factory=OrderBook)
    firm: FirmLedger | None = None
    """What is told of trades and refusals as well."""

    def add(self, commit: Commit[Any]) -> None:
        for event in commit.events:
            self.version += 1
            self.updated_at = commit.timestamp
            self._add_event(event, commit)
            self.book.add(event, commit, self.version)
            self._keep_shares(event)

    def _add_event(self, event: Any, commit: Commit[Any]) -> None:
        match event:
            case e.AccountOpened():
                self.owner, self.name, self.currency = event.owner, event.name, event.currency
                self.status, self.opened_at = "ACTIVE", commit.timestamp
                self.limits = _limits(event)
            case e.CashDeposited():
                self.deposited += event.amount
            case e.CashWithdrawn():
                self.withdrawn += event.amount
            case e.TradeExecuted():
                value = worth(event.quantity, event.price)
                fee = self.book.fee(event, self.schedule)
                realized = self._trade(event, value, fee, instant(commit.timestamp).date())
                if self.firm is not None:
                    self.firm.trade(self, event, timestamp=commit.timestamp, value=value, fee=fee, realized=realized)
            case e.CommandRefused() if self.firm is not None:
                self.firm.refusal(self, commit.timestamp)
            case e.AccountFrozen():
                self.status = "FROZEN"
            case e.AccountUnfrozen():
                self.status = "ACTIVE"
            case e.RiskLimitsChanged():
                self.limits = _limits(event)
            case e.FeeScheduleChanged():
                self.schedule = Schedule(event.fee_per_order, event.fee_per_share, event.fee_bp, event.fee_minimum)
            case e.AccountClosed():
                self.status = "CLOSED"
            case e.SharesSplit():
                self._split(event, commit.timestamp)
            case e.DividendPaid():
                self._dividend(event, instant(commit.timestamp).date())
            case e.SymbolChanged():
                self._change_symbol(event, commit.timestamp)
            case e.PositionsMarked():
                self.marked = (event.session, event.marked_at)
                for symbol, price in event.prices.items():
                    self._touch(symbol)
                    self.holdings[symbol].price = price
                    if self.firm is not None:
                        self.firm.price(self, symbol, timestamp=event.marked_at, price=price)

    def _keep_shares(self, event: Any) -> None:
        """A sell order that works, or did, keeps or frees shares; one that waited for another never had any."""
        if isinstance(event, _ORDER_EVENTS) and event.side == "SELL" and not self.book.orders[event.order_id].is_held:
            self._touch(event.symbol)

    def _touch(self, symbol: str) -> None:
        """Something but a trade happened to a position: it stands on its event from here on."""
        holding = self.holdings[symbol]
        holding.version = self.version
        holding.updated_at = self.updated_at

    def _trade(self, trade: e.TradeExecuted, value: int, fee: int, on: date) -> int:
        """Take in a trade of this value and fee; return what it realized."""
        holding = self.holdings.setdefault(trade.symbol, Holding())
        self.fees += fee
        realized = 0
        if trade.side == "BUY":
            self.bought += value
            holding.quantity += trade.quantity
            holding.cost += value + fee
        else:
            self.sold += value
            removed = cost_removed(holding.cost, holding.quantity, trade.quantity)
            realized = value - fee - removed
            holding.quantity -= trade.quantity
            holding.cost -= removed
        holding.price = trade.price
        holding.realized += realized
        holding.version = self.version
        holding.updated_at = self.updated_at
        day = self._day(on, is_active=True)
        day.trades += 1
        day.volume += value
        day.realized += realized
        return realized

    def _day(self, on: date, *, is_active: bool) -> Day:
        day = self.days.setdefault(on, Day())
        day.version = self.version
        day.is_active |= is_active
        return day

    def _split(self, split: e.SharesSplit, timestamp: int) -> None:
        """Take in a split, in fractions of shares."""
        holding = self.holdings[split.symbol]
        new = Fraction(holding.quantity * split.numerator, split.denominator)
        lot = split.lot_size if split.price else 1
        kept = new // lot * lot
        amount = round((new - kept) * split.price / 1_000_000)
        part = 1 if kept == 0 else (new - kept) / new if split.price else 0
        removed = int(holding.cost * part)
        holding.quantity, holding.cost = int(kept), holding.cost - removed
        holding.price = round(Fraction(holding.price * split.denominator, split.numerator))
        holding.realized += amount - removed
        self._touch(split.symbol)
        self.fractions += amount
        on = instant(timestamp).date()
        self._day(on, is_active=True).realized += amount - removed
        if self.firm is not None:
            price = split.price or holding.price
            self.firm.price(self, split.symbol, timestamp=timestamp, price=price)
            self.firm.income(self, split.symbol, on, realized=amount - removed, dividends=0)

    def _dividend(self, dividend: e.DividendPaid, on: date) -> None:
        """Take in a dividend: what was held, by the hundred-millionth."""
        per_share = Fraction(dividend.amount_per_share, 100_000_000)
        amount = round(Fraction(self.holdings[dividend.symbol].quantity, 1_000_000) * per_share * 10_000)
        self._day(on, is_active=False).dividends += amount
        if self.firm is not None:
            self.firm.income(self, dividend.symbol, on, realized=0, dividends=amount)

    def _change_symbol(self, change: e.SymbolChanged, timestamp: int) -> None:
        """Take in a change of symbol: shares and cost go over, and what was realized stays."""
        old, new = self.holdings[change.symbol], self.holdings.setdefault(change.new_symbol, Holding())
        new.price = old.price = new.price if new.quantity else old.price
        new.quantity, new.cost = new.quantity + old.quantity, new.cost + old.cost
        old.quantity = old.cost = 0
        for symbol in (change.symbol, change.new_symbol):
            self._touch(symbol)
        if self.firm is not None:
            self.firm.price(self, change.new_symbol, timestamp=timestamp, price=new.price)

    @property
    def dividends(self) -> int:
        """What was ever paid."""
        return sum(each.dividends for each in self.days.values())

    def summary_row(self) -> Row:
        """Return what account_summary should say."""
        last_day = max((on for on, each in self.days.items() if each.is_active), default=None)
        of_day = self.days[last_day] if last_day is not None else Day()
        cash = self.deposited - self.withdrawn - self.bought + self.sold - self.fees + self.dividends + self.fractions
        held = sorted((-each.value, symbol) for symbol, each in self.holdings.items() if each.quantity)
        largest, largest_symbol = held[0] if held else (0, "")
        return {
            "account_id": self.account_id,
            "owner": self.owner,
            "name": self.name,
            "currency": self.currency,
            "status": self.status,
            "cash": cash,
            "reserved_cash": self.book.reserved_cash(),
            "deposited": self.deposited,
            "withdrawn": self.withdrawn,
            "dividends": self.dividends,
            "positions_cost": sum(holding.cost for holding in self.holdings.values()),
            "portfolio_value": cash + sum(holding.value for holding in self.holdings.values()),
            "open_positions": len(held),
            "largest_position": -largest,
            "largest_symbol": largest_symbol,
            "realized_pnl": sum(holding.realized for holding in self.holdings.values()),
            "trade_count": sum(each.trades for each in self.days.values()),
            "open_orders": self.book.open_count(),
            "day_date": last_day,
            "day_volume": of_day.volume,
            "day_trades": of_day.trades,
            "day_realized_pnl": of_day.realized,
            "marked_session": None if self.marked is None else day(self.marked[0]),
            "marked_at": None if self.marked is None else instant(self.marked[1]),
            "max_position_bp": self.limits[0],
            "max_daily_value": self.limits[1],
            "max_trade_value": self.limits[2],
            "price_band_bp": self.limits[3],
            "fee_per_order": self.schedule.per_order,
            "fee_per_share": self.schedule.per_share,
            "fee_bp": self.schedule.basis_points,
            "fee_minimum": self.schedule.minimum,
            "version": self.version,
            "opened_at": instant(self.opened_at),
            "updated_at": instant(self.updated_at),
        }

    def position_rows(self) -> list[Row]:
        """Return what portfolio_positions should say."""
        reserved = self.book.reserved_shares()
        return [
            {
                "account_id": self.account_id,
                "symbol": symbol,
                "quantity": holding.quantity,
                "reserved_quantity": reserved.get(symbol, 0),
                "cost": holding.cost,
                "avg_cost": average_cost(holding.cost, holding.quantity),
                "last_price": holding.price,
                "market_value": holding.value,
                "realized_pnl": holding.realized,
                "version": holding.version,
                "updated_at": instant(holding.updated_at),
            }
            for symbol, holding in self.holdings.items()
        ]

    def order_rows(self) -> list[Row]:
        """Return what the table of orders should say."""
        return self.book.rows(self.account_id)

    def day_rows(self) -> list[Row]:
        """Return what daily_pnl should say."""
        return [
            {
                "account_id": self.account_id,
                "date": on,
                "trades": each.trades,
                "volume": each.volume,
                "realized_pnl": each.realized,
                "dividends": each.dividends,
                "version": each.version,
            }
            for on, each in self.days.items()
        ]


def _limits(event: e.AccountOpened | e.RiskLimitsChanged) -> tuple[int, int, int, int]:
    return event.max_position_bp, event.max_daily_value, event.max_trade_value, event.price_band_bp
