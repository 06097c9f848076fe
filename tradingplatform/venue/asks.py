"""What the venue asks accounts for: fills, stops that were reached or follow the market, and the ends of orders, as
columns. A single one can be looked at as the command that it is.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np

from accounts.domain import commands as c
from eventstore.kernels.texts import Texts, pack_texts, text_of, texts_of
from tradingplatform.venue.matcher import Flags, Integers
from tradingplatform.venue.slots import Orders

NOTHING: Final = 0
FILL: Final = 1
EXPIRE: Final = 2
REJECT: Final = 3
TRIGGER: Final = 4
TRAIL: Final = 5

_TABLES: Final = ("symbols", "reasons")
"""What is no column, but what columns name places of."""
_PREFIXES: Final = {EXPIRE: "expire", REJECT: "reject", TRIGGER: "trigger", TRAIL: "trail"}

VenueCommand: TypeAlias = c.ExecuteTrade | c.ExpireOrder | c.RejectOrder | c.TriggerOrder | c.TrailOrder


@dataclass(frozen=True)
class Asks:
    """Commands for orders, whose slots say which (working_orders.py)."""

    slots: Integers
    kinds: Integers
    """FILL, EXPIRE, REJECT, TRIGGER or TRAIL."""
    account_ids: Texts
    order_ids: Texts
    command_ids: Texts
    symbols: list[str]
    symbol_of: Integers
    """The place of each order's symbol in `symbols`."""
    are_buys: Flags
    quantities: Integers
    prices: Integers
    """Quantity and price of a fill; the market's price of what is said of a stop."""
    reasons: list[str]
    reason_of: Integers
    """The place in `reasons` of why an order is ended."""

    def __len__(self) -> int:
        return len(self.slots)

    def take(self, places: Integers | slice) -> "Asks":
        """Return some of them."""
        columns: dict[str, Any] = {name: column[places] for name, column in vars(self).items() if name not in _TABLES}
        return replace(self, **columns)

    def command(self, place: int) -> VenueCommand:
        """Return one as the command that it is."""
        kind, order_id = self.kinds[place], text_of(self.order_ids[place])
        if kind == FILL:
            return c.ExecuteTrade(
                symbol=self.symbols[self.symbol_of[place]],
                side="BUY" if self.are_buys[place] else "SELL",
                quantity=int(self.quantities[place]),
                price=int(self.prices[place]),
                order_id=order_id,
            )
        if kind in (TRIGGER, TRAIL):
            return (c.TriggerOrder if kind == TRIGGER else c.TrailOrder)(order_id, int(self.prices[place]))
        return (c.ExpireOrder if kind == EXPIRE else c.RejectOrder)(order_id, self.reasons[self.reason_of[place]])


def joined(first: Asks, second: Asks) -> Asks:
    """Return the asks of two, of the same working orders."""
    others = vars(second)
    columns: dict[str, Any] = {
        name: np.concatenate([column, others[name]]) for name, column in vars(first).items() if name not in _TABLES
    }
    return replace(first, **columns)


def command_ids_of(orders: Orders, kinds: Integers, prices: Integers) -> Texts:
    """Return the id of the command that asks for something of this kind, for each of some orders. What is said of the
    market at one price is said once.
    """
    order_ids, filled, refusals = (orders[name] for name in ("order_id", "filled_quantity", "refusals"))
    columns = kinds.tolist(), texts_of(order_ids), filled.tolist(), refusals.tolist(), prices.tolist()
    return pack_texts(
        [
            (f"fill-{order_id}-{before}" + (f"-{refused}" if refused else ""))
            if kind == FILL
            else f"{_PREFIXES[kind]}-{order_id}" + (f"-{price}" if kind in (TRIGGER, TRAIL) else "")
            for kind, order_id, before, refused, price in zip(*columns, strict=True)
        ]
    )
