"""Commands for accounts side by side: trades, fills and new orders as rows of figures, all else as objects beside them.

This is the one form in which commands travel from whoever asks to the writer. A single command is a batch of one.
"""

from collections.abc import Sequence
from typing import Any, Final, Self, get_args

import numpy as np

from accounts.domain.commands import AccountCommand, ExecuteTrade, PlaceOrder
from accounts.domain.errors import Code
from accounts.domain.events import Side
from accounts.domain.order_terms import reckoned_price, terms_code
from accounts.domain.values import PRICE_MAX, QUANTITY_MAX
from accounts.kernels.orders import ORDER_TYPES, PLAIN_TIMES, PLAIN_TYPES, TIMES_IN_FORCE
from accounts.kernels.trades import FIRST_FILL, NOT_ORDER, NOT_OTHER, ORDER, TRADE, Orders
from eventstore.kernels.texts import TEXT_BYTES, Texts, pack_texts, text_of
from eventstore.writer.commands import Commands, Origin, addresses
from eventstore.writer.request import Request

_WIDE: Final = 1 << 62
_SIDES: Final = get_args(Side)


class AccountCommands(Commands[AccountCommand]):
    """Commands in the order of asking; `bodies` are rows of TRADE, whose symbols stand in `symbols`, and whose orders
    are rows of ORDER, and whose fills are of the orders with the ids `filled`.
    """

    def __init__(self, *, symbols: Sequence[str], orders: Orders, filled: Texts, **columns: Any) -> None:
        """`columns` are those of every kind of commands."""
        super().__init__(**columns)
        self.symbols = symbols
        self.orders = orders
        self.filled = filled

    @classmethod
    def of(cls, requests: Sequence[Request[AccountCommand]]) -> Self:
        """Return commands that are objects as columns; raises TextTooLong."""
        rows: list[tuple[int, int, int, int, int, int, bool]] = []
        orders: list[PlaceOrder] = []
        filled: list[str] = []
        others: list[AccountCommand] = []
        symbols: dict[str, int] = {}
        for request in requests:
            command = request.command
            if type(command) is ExecuteTrade and _is_checked_trade(command):
                symbol, order = symbols.setdefault(command.symbol, len(symbols)), NOT_ORDER
                if command.order_id is not None:
                    order = FIRST_FILL - len(filled)
                    filled.append(command.order_id)
                figures = command.quantity, command.price, command.market_price
                rows.append((*figures, symbol, NOT_OTHER, order, command.side == "BUY"))
            elif type(command) is PlaceOrder and _is_plain(command) and is_checked_order(command):
                symbol = symbols.setdefault(command.symbol, len(symbols))
                price = reckoned_price(command.limit_price, command.stop_price, command.reference_price)
                rows.append((command.quantity, price, 0, symbol, NOT_OTHER, len(orders), command.side == "BUY"))
                orders.append(command)
            else:
                rows.append((0, 0, 0, 0, len(others), NOT_ORDER, False))
                others.append(command)
        bodies = np.array(rows, TRADE)
        return cls(
            **addresses(requests),
            bodies=bodies,
            others=others,
            symbols=list(symbols),
            orders=_rows_of(orders),
            filled=pack_texts(filled),
        )

    @classmethod
    def joined(cls, parts: "Sequence[AccountCommands]") -> "AccountCommands":
        """Return the commands of several, one part after the other."""
        if len(parts) == 1:
            return parts[0]
        origins: dict[int, int] = {}
        symbols: dict[str, int] = {}
        all_origins: list[Origin] = []
        others: list[AccountCommand] = []
        orders: list[Orders] = [no_orders()]
        filled: list[Texts] = [no_fills()]
        bodies, origins_of, order_count, fill_count = [], [], 0, 0
        for part in parts:
            body = part.bodies.copy()
            numbers = np.array([symbols.setdefault(name, len(symbols)) for name in part.symbols], np.int32)
            is_row = body["other"] < 0
            if len(numbers):
                body["symbol"][is_row] = numbers[body["symbol"][is_row]]
            body["other"][~is_row] += len(others)
            is_order = body["order"] >= 0
            if is_order.any():  # Of a part that was taken from more, its own orders.
                orders.append(part.orders[body["order"][is_order]])
                body["order"][is_order] = order_count + np.arange(len(orders[-1]))
                order_count += len(orders[-1])
            is_fill = body["order"] <= FIRST_FILL
            if is_fill.any():
                filled.append(part.filled[FIRST_FILL - body["order"][is_fill]])
                body["order"][is_fill] = FIRST_FILL - fill_count - np.arange(len(filled[-1]))
                fill_count += len(filled[-1])
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
            orders=np.concatenate(orders),
            filled=np.concatenate(filled),
        )

    def command(self, place: int) -> AccountCommand:
        """Return a command as an object."""
        quantity, price, market_price, symbol, other, order, is_buy = self.bodies[place].tolist()
        if other >= 0:
            return self.others[other]
        side: Side = "BUY" if is_buy else "SELL"
        if order < 0:
            order_id = text_of(self.filled[FIRST_FILL - order]) if order <= FIRST_FILL else None
            return ExecuteTrade(self.symbols[symbol], side, quantity, price, order_id, market_price)
        row = self.orders[order]
        limit_price, stop_price = int(row["limit_price"]) or None, int(row["stop_price"]) or None
        return PlaceOrder(
            order_id=text_of(row["order_id"]),
            client_order_id=text_of(row["client_order_id"]),
            symbol=self.symbols[symbol],
            side=side,
            quantity=quantity,
            order_type=ORDER_TYPES[row["order_type"]],
            time_in_force=TIMES_IN_FORCE[row["time_in_force"]],
            limit_price=limit_price,
            stop_price=stop_price,
            reference_price=price if limit_price is None and stop_price is None else 0,
        )


def no_orders() -> Orders:
    """Return the orders of commands that are none."""
    return np.zeros(0, ORDER)


def no_fills() -> Texts:
    """Return the ids of orders that commands fill which fill none."""
    return np.zeros((0, TEXT_BYTES), np.uint8)


def _rows_of(orders: Sequence[PlaceOrder]) -> Orders:
    rows = np.zeros(len(orders), ORDER)
    if orders:
        rows["order_id"] = pack_texts([order.order_id for order in orders])
        rows["client_order_id"] = pack_texts([order.client_order_id for order in orders])
        rows["limit_price"] = [order.limit_price or 0 for order in orders]
        rows["stop_price"] = [order.stop_price or 0 for order in orders]
        rows["order_type"] = [ORDER_TYPES.index(order.order_type) for order in orders]
        rows["time_in_force"] = [TIMES_IN_FORCE.index(order.time_in_force) for order in orders]
    return rows


def _is_checked_trade(trade: ExecuteTrade) -> bool:
    """Tell whether a trade's figures are what a checked one has; any other is decided as the object that it is."""
    market_price = trade.market_price
    is_judged = type(market_price) is int and 0 <= market_price <= PRICE_MAX
    is_named = trade.order_id is None or _fits_row(trade.order_id)
    return trade.side in _SIDES and _is_figure(trade.quantity) and _is_figure(trade.price) and is_judged and is_named


def is_checked_order(order: PlaceOrder) -> bool:
    """Tell whether an order is what a checked one is, its terms included: a market's price is that of no order with a
    price of its own.
    """
    prices = (order.limit_price, order.stop_price)
    reference, has_own = order.reference_price, prices != (None, None)
    return (
        order.side in _SIDES
        and _is_figure(order.quantity, QUANTITY_MAX)
        and (order.expires_at is None or _is_figure(order.expires_at))
        and all(trail is None or _is_figure(trail, PRICE_MAX) for trail in (order.trail_amount, order.trail_bp))
        and all(price is None or _is_figure(price, PRICE_MAX) for price in prices)
        and ((type(reference) is int and reference == 0) or (_is_figure(reference, PRICE_MAX) and not has_own))
        and all(map(_fits_row, (order.order_id, order.client_order_id)))
        and _wrong_terms(order) is None
    )


def _is_plain(order: PlaceOrder) -> bool:
    """Tell whether a row says all of an order: one that trails or expires is decided as the object that it is."""
    return order.order_type in PLAIN_TYPES and order.time_in_force in PLAIN_TIMES


def _wrong_terms(order: PlaceOrder) -> Code | None:
    return terms_code(
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        expires_at=order.expires_at,
        trail_amount=order.trail_amount,
        trail_bp=order.trail_bp,
    )


def _is_figure(figure: object, most: int = _WIDE - 1) -> bool:
    return type(figure) is int and 0 < figure <= most


def _fits_row(text: object) -> bool:
    return type(text) is str and text.isascii() and 0 < len(text) <= TEXT_BYTES and "\0" not in text
