"""The running sums over all accounts worked out from raw facts: trades as the ledgers see them, and the ledgers' end.

What accounts hold, own and have is taken from the ledgers as they stand after the last event, where the projections add
up changes: the two can agree only when both are right.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from readmodels.projections.rows import Row, instant

if TYPE_CHECKING:
    from readmodels.reconcile.ledger import Ledger

Place = tuple[Any, ...]


@dataclass
class Flow:
    """What was bought and sold, and what it brought."""

    trades: int = 0
    bought_quantity: int = 0
    bought_value: int = 0
    sold_quantity: int = 0
    sold_value: int = 0
    fees: int = 0
    realized_pnl: int = 0
    dividends: int = 0

    def add(self, other: "Flow") -> None:
        for name, amount in vars(other).items():
            setattr(self, name, getattr(self, name) + amount)


@dataclass
class FirmLedger:
    """All accounts together."""

    days: dict[tuple[str, str, date], Flow] = field(default_factory=lambda: defaultdict(Flow))
    minutes: dict[tuple[str, datetime], Flow] = field(default_factory=lambda: defaultdict(Flow))
    refusals: dict[tuple[str, datetime], int] = field(default_factory=lambda: defaultdict(int))
    latest: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def trade(self, account: "Ledger", trade: Any, *, timestamp: int, value: int, fee: int, realized: int) -> None:
        """Take in a trade of an account, its value, its fee, and what it realized."""
        flow = Flow(trades=1, fees=fee, realized_pnl=realized)
        if trade.side == "BUY":
            flow.bought_quantity, flow.bought_value = trade.quantity, value
        else:
            flow.sold_quantity, flow.sold_value = trade.quantity, value
        self.days[account.currency, trade.symbol, instant(timestamp).date()].add(flow)
        self.minutes[account.currency, _minute(timestamp)].add(flow)
        self.price(account, trade.symbol, timestamp=timestamp, price=trade.price)

    def price(self, account: "Ledger", symbol: str, *, timestamp: int, price: int) -> None:
        """Take in what a share was worth at an instant."""
        place = (account.currency, symbol)
        self.latest[place] = max(self.latest.get(place, (0, 0)), (timestamp, price))

    def income(self, account: "Ledger", symbol: str, on: date, *, realized: int, dividends: int) -> None:
        """Take in what a corporate action brought."""
        self.days[account.currency, symbol, on].add(Flow(realized_pnl=realized, dividends=dividends))

    def refusal(self, account: "Ledger", timestamp: int) -> None:
        """Take in a refusal."""
        self.refusals[account.currency, _minute(timestamp)] += 1

    def firm_rows(self, accounts: Iterable["Ledger"]) -> list[Row]:
        """Return what firm_totals should say."""
        rows: dict[str, Row] = {}
        for account in accounts:
            row = rows.setdefault(account.currency, {"currency": account.currency, **dict.fromkeys(_FIRM_SUMS, 0)})
            row["accounts"] += 1
            row["closed_accounts"] += account.status == "CLOSED"
            row["deposited"] += account.deposited
            row["withdrawn"] += account.withdrawn
            row["bought_value"] += account.bought
            row["sold_value"] += account.sold
            row["fees"] += account.fees
            row["dividends"] += account.dividends
            row["fractions"] += account.fractions
            row["trades"] += sum(day.trades for day in account.days.values())
            row["realized_pnl"] += sum(holding.realized for holding in account.holdings.values())
        for (currency, _), count in self.refusals.items():
            rows[currency]["refusals"] += count
        return list(rows.values())

    def symbol_rows(self, accounts: Iterable["Ledger"]) -> list[Row]:
        """Return what symbol_totals should say."""
        flows: dict[Place, Flow] = defaultdict(Flow)
        for place, flow in self.days.items():
            flows[place[:2]].add(flow)
        holders: dict[Place, int] = defaultdict(int)
        shares: dict[Place, int] = defaultdict(int)
        costs: dict[Place, int] = defaultdict(int)
        for account in accounts:
            for symbol, holding in account.holdings.items():
                of_symbol = account.currency, symbol
                holders[of_symbol] += holding.quantity > 0
                shares[of_symbol] += holding.quantity
                costs[of_symbol] += holding.cost
                flows[of_symbol].add(Flow())
        return [
            {
                **dict(zip(("currency", "symbol"), place, strict=True)),
                "holders": holders[place],
                **vars(flow),
                "actions_quantity": shares[place] - flow.bought_quantity + flow.sold_quantity,
                "actions_cost": costs[place] - (flow.bought_value - flow.sold_value + flow.fees + flow.realized_pnl),
                "last_traded_at": instant(self.latest[place][0]),
                "last_price": self.latest[place][1],
            }
            for place, flow in flows.items()
        ]

    def day_rows(self) -> list[Row]:
        """Return what symbol_days should say."""
        names = ("currency", "symbol", "date")
        return [{**dict(zip(names, place, strict=True)), **vars(flow)} for place, flow in self.days.items()]

    def minute_rows(self) -> list[Row]:
        """Return what flow_minutes should say."""
        return [
            {
                **dict(zip(("currency", "minute"), place, strict=True)),
                "trades": self.minutes[place].trades,
                "refusals": self.refusals[place],
                "bought_value": self.minutes[place].bought_value,
                "sold_value": self.minutes[place].sold_value,
            }
            for place in {**self.minutes, **self.refusals}
        ]


_FIRM_SUMS = (
    *("accounts", "closed_accounts", "deposited", "withdrawn"),
    *("trades", "refusals", "bought_value", "sold_value", "fees", "realized_pnl", "dividends", "fractions"),
)


def _minute(timestamp: int) -> datetime:
    return instant(timestamp).replace(second=0, microsecond=0)
