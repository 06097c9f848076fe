"""An account worked out from what happened to it alone, against what the platform shows of it: pure, so that planted
faults can show that it finds them.

Money is what came in, less what went out, whoever moved it. So at the end of a year the change of cash and of the
positions, at what they cost, is what was deposited, earned and paid out: to the last unit, for every account.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accounts.domain import events as e


def units(text: str, of_one: int = 10_000) -> int:
    """Return a decimal as the integer that it is in the smallest unit; raises ValueError for a finer one."""
    scaled = Decimal(text) * of_one
    if scaled != int(scaled):
        raise ValueError(f"{text} is finer than 1/{of_one:,}")
    return int(scaled)


@dataclass
class Books:
    """One account: money in ten-thousandths, shares in millionths."""

    deposited: int = 0
    bought: int = 0
    sold: int = 0
    fees: int = 0
    dividends: int = 0
    cash_for_fractions: int = 0
    shares: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def cash(self) -> int:
        """What there has to be: every amount that came in, less every one that went out."""
        return self.deposited - self.bought + self.sold - self.fees + self.dividends + self.cash_for_fractions

    def add(self, event: Any) -> None:
        """Take an event down: what was done, not what the account says that it led to."""
        match event:
            case e.CashDeposited():
                self.deposited += event.amount
            case e.CashWithdrawn():
                self.deposited -= event.amount
            case e.TradeExecuted():
                self._trade(event)
            case e.DividendPaid():
                self.dividends += event.amount
            case e.SharesSplit():
                self._split(event)
            case e.SymbolChanged():
                self.shares[event.new_symbol] = self.shares.get(event.new_symbol, 0) + self.shares.pop(event.symbol, 0)
        for name in ("cash_after", "position_quantity", "position_cost", "reserved_cash", "reserved_shares"):
            if getattr(event, name, 0) < 0:
                self.problems.append(f"{type(event).__name__} left {name} at {getattr(event, name)}")

    def _trade(self, event: e.TradeExecuted) -> None:
        self.fees += event.fee
        held = self.shares.get(event.symbol, 0)
        if event.side == "BUY":
            self.bought += event.value
            self.shares[event.symbol] = held + event.quantity
        else:
            self.sold += event.value
            self.shares[event.symbol] = held - event.quantity
        if self.shares[event.symbol] < 0:
            self.problems.append(f"more of {event.symbol} was sold than was held")

    def _split(self, event: e.SharesSplit) -> None:
        new = self.shares.get(event.symbol, 0) * event.numerator // event.denominator
        self.cash_for_fractions += event.amount
        self.shares[event.symbol] = new - new % event.lot_size if event.price else new

    def differences(self, account: Mapping[str, Any], positions: Iterable[Mapping[str, Any]]) -> list[str]:
        """Say where these books and what is shown of the account are not the same; nothing when all is well. Fees are
        compared where they are shown.
        """
        found = list(self.problems)
        cash, cost = units(account["cash"]), units(account["positions_cost"])
        earned = units(account["realized_pnl"]) + units(account["dividends"])
        for what, ours, theirs in (
            ("cash", self.cash, cash),
            ("fees", self.fees, units(account["fees"]) if "fees" in account else self.fees),
            ("dividends", self.dividends, units(account["dividends"])),
            (
                "cash and the cost of positions, from what was deposited and earned",
                self.deposited + earned,
                cash + cost,
            ),
        ):
            if ours != theirs:
                found.append(f"{what}: {ours} by the books, {theirs} as shown")
        held = {each["symbol"]: units(each["quantity"], 1_000_000) for each in positions}
        ours_held = {symbol: quantity for symbol, quantity in self.shares.items() if quantity}
        if held != ours_held:
            found.append(f"shares: {ours_held} by the books, {held} as shown")
        return found
