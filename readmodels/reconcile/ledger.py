"""An account worked out from raw facts alone: amounts, sides, quantities and prices, never an event's own after-values.

It is deliberately another calculation than the domain's and the projections': reconcile compares their results with
this. Only how a cost is divided is shared (cost_removed, average_cost), because it is a rule and not a result.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from accounts.domain import events as e
from accounts.domain.values import average_cost, cost_removed
from eventstore.record import Commit
from readmodels.projections.rows import Row, instant
from readmodels.reconcile.ledger_firm import FirmLedger
from readmodels.reconcile.ledger_orders import NO_FEES, OrderBook, Schedule, worth


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
        """What the shares are worth at the price that they were last traded at."""
        return worth(self.quantity, self.price)


@dataclass
class Day:
    """What was traded on one UTC day."""

    trades: int = 0
    volume: int = 0
    realized: int = 0
    version: int = 0


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
            case e.OrderPlaced() | e.OrderFilled() | e.OrderReplaced() if event.side == "SELL":
                self._touch(event.symbol)
            case e.OrderCancelled() | e.OrderExpired() | e.OrderRejected() if event.side == "SELL":
                self._touch(event.symbol)

    def _touch(self, symbol: str) -> None:
        """A sell order keeps or frees shares: the position stands on its event from here on."""
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
        day = self.days.setdefault(on, Day())
        day.trades += 1
        day.volume += value
        day.realized += realized
        day.version = self.version
        return realized

    def summary_row(self) -> Row:
        """Return what account_summary should say."""
        last_day = max(self.days) if self.days else None
        day = self.days[last_day] if last_day is not None else Day()
        cash = self.deposited - self.withdrawn - self.bought + self.sold - self.fees
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
            "positions_cost": sum(holding.cost for holding in self.holdings.values()),
            "portfolio_value": cash + sum(holding.value for holding in self.holdings.values()),
            "open_positions": len(held),
            "largest_position": -largest,
            "largest_symbol": largest_symbol,
            "realized_pnl": sum(holding.realized for holding in self.holdings.values()),
            "trade_count": sum(each.trades for each in self.days.values()),
            "open_orders": self.book.open_count(),
            "day_date": last_day,
            "day_volume": day.volume,
            "day_trades": day.trades,
            "day_realized_pnl": day.realized,
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
                "trades": day.trades,
                "volume": day.volume,
                "realized_pnl": day.realized,
                "version": day.version,
            }
            for on, day in self.days.items()
        ]


def _limits(event: e.AccountOpened | e.RiskLimitsChanged) -> tuple[int, int, int, int]:
    return event.max_position_bp, event.max_daily_value, event.max_trade_value, event.price_band_bp
