"""Commands for accounts side by side: trades as rows of figures, everything else as objects beside them.

This is the one form in which commands travel from whoever asks to the writer. A single command is a batch of one.
"""

from collections.abc import Sequence
from typing import Any, Final, Self, get_args

import numpy as np

from accounts.domain.commands import AccountCommand, ExecuteTrade
from accounts.domain.events import Side
from accounts.kernels.trades import NOT_OTHER, TRADE
from eventstore.writer.commands import Commands, Origin, addresses
from eventstore.writer.request import Request

_WIDE: Final = 1 << 62


class AccountCommands(Commands[AccountCommand]):
    """Commands in the order of asking; `bodies` are rows of TRADE, whose symbols stand in `symbols`."""

    def __init__(self, *, symbols: Sequence[str], **columns: Any) -> None:
        """`columns` are those of every kind of commands."""
        super().__init__(**columns)
        self.symbols = symbols

    @classmethod
    def of(cls, requests: Sequence[Request[AccountCommand]]) -> Self:
        """Return commands that are objects as columns; raises TextTooLong."""
        rows: list[tuple[int, int, int, int, bool]] = []
        others: list[AccountCommand] = []
        symbols: dict[str, int] = {}
        for request in requests:
            command = request.command
            if type(command) is ExecuteTrade and command.order_id is None and _is_checked(command):
                symbol = symbols.setdefault(command.symbol, len(symbols))
                rows.append((command.quantity, command.price, symbol, NOT_OTHER, command.side == "BUY"))
            else:
                rows.append((0, 0, 0, len(others), False))
                others.append(command)
        bodies = np.array(rows, TRADE)
        return cls(**addresses(requests), bodies=bodies, others=others, symbols=list(symbols))

    @classmethod
    def joined(cls, parts: "Sequence[AccountCommands]") -> "AccountCommands":
        """Return the commands of several, one part after the other."""
        if len(parts) == 1:
            return parts[0]
        origins: dict[int, int] = {}
        symbols: dict[str, int] = {}
        all_origins: list[Origin] = []
        others: list[AccountCommand] = []
        bodies, origins_of = [], []
        for part in parts:
            body = part.bodies.copy()
            numbers = np.array([symbols.setdefault(name, len(symbols)) for name in part.symbols], np.int32)
            is_trade = body["other"] < 0
            if len(numbers):
                body["symbol"][is_trade] = numbers[body["symbol"][is_trade]]
            body["other"][~is_trade] += len(others)
            bodies.append(body)
            first = origins.setdefault(id(part.origins), len(all_origins))
            if first == len(all_origins):
                all_origins += part.origins
            origins_of.append(part.origins_of + first)
            others += part.others
        return cls(
            aggregate_ids=np.concatenate([part.aggregate_ids for part in parts]),
            command_ids=np.concatenate([part.command_ids for part in parts]),
            origins=all_origins,
            origins_of=np.concatenate(origins_of),
            bodies=np.concatenate(bodies),
            others=others,
            symbols=list(symbols),
        )

    def command(self, place: int) -> AccountCommand:
        """Return a command as an object."""
        quantity, price, symbol, other, is_buy = self.bodies[place].tolist()
        if other >= 0:
            return self.others[other]
        return ExecuteTrade(self.symbols[symbol], "BUY" if is_buy else "SELL", quantity, price, None)


def _is_checked(trade: ExecuteTrade) -> bool:
    """Tell whether a trade's figures are what a checked one has; any other is decided as the object that it is."""
    figures = (trade.quantity, trade.price)
    return trade.side in get_args(Side) and all(type(of) is int and 0 < of < _WIDE for of in figures)
