"""Working orders as rows of integers beside the accounts, with their ids, and a log of what was overwritten.

An order that works has a row in `orders` and keeps its client order id taken: `clients` says by whom. Both are
given places before a kernel runs (`row_for`, `client_for`), whether or not an order comes to work there; what is not
used after the group is free again. `OrdersOf` shows one account's orders as a mapping that the domain decides and
evolves on: both ways see and change the same rows.
"""

from collections.abc import Iterator, MutableMapping, Sequence
from typing import Final, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from accounts.domain.events import OrderClass, OrderType, Side, TimeInForce
from accounts.domain.order_terms import NO_PRICE, TERMS_PASSED, terms_breach_of
from accounts.domain.state import Order
from accounts.domain.values import PRICE_MAX, QUANTITY_MAX
from accounts.kernels.compiling import kernel
from accounts.kernels.state import Integers, grown

ACCOUNT: Final = 0
"""The number of the order's account plus one; 0 in a row of no working order."""
SYMBOL: Final = 1
IS_BUY: Final = 2
QUANTITY: Final = 3
ORDER_TYPE: Final = 4
TIME_IN_FORCE: Final = 5
LIMIT_PRICE: Final = 6
STOP_PRICE: Final = 7
"""Prices that an order does not have are 0."""
RESERVE_PRICE: Final = 8
FILLED_QUANTITY: Final = 9
FILLED_VALUE: Final = 10
CLIENT: Final = 11
"""The place of its client order id."""
EXPIRES_AT: Final = 12
TRAIL: Final = 13
"""What a trailing stop stays behind the market: an amount, or basis points below zero; 0 for any other order."""
TRIGGER_PRICE: Final = 14
"""The market's price at which its stop was reached, 0 when nothing was said of that."""
LINKS: Final = 15
"""0 for an order by itself; else the number plus one of how it is linked to others, and the domain decides it."""
ORDER_COLUMNS: Final = 16
"""Two lines of the processor's cache."""

ORDER_TYPES: Final[tuple[OrderType, ...]] = get_args(OrderType)
TIMES_IN_FORCE: Final[tuple[TimeInForce, ...]] = get_args(TimeInForce)
MARKET: Final = ORDER_TYPES.index("MARKET")
LIMIT: Final = ORDER_TYPES.index("LIMIT")
STOP: Final = ORDER_TYPES.index("STOP")
STOP_LIMIT: Final = ORDER_TYPES.index("STOP_LIMIT")
DAY: Final = TIMES_IN_FORCE.index("DAY")
UNTIL_CANCELLED: Final = TIMES_IN_FORCE.index("GTC")
IMMEDIATE: Final = TIMES_IN_FORCE.index("IOC")
ALL_OR_NONE: Final = TIMES_IN_FORCE.index("FOK")

NOWHERE: Final = -1
PLAIN_TYPES: Final = ORDER_TYPES[: STOP_LIMIT + 1]
PLAIN_TIMES: Final = TIMES_IN_FORCE[: ALL_OR_NONE + 1]
"""Those of new orders that a row can say, and that kernels judge: without trails and expiry."""
ORDER_CLASSES: Final[tuple[OrderClass, ...]] = get_args(OrderClass)
_TYPE_COUNT: Final = len(PLAIN_TYPES)
_TIME_COUNT: Final = len(PLAIN_TIMES)
_LINKS_KEPT: Final = 1_024
"""More links than twice the working orders and this are looked through for those that no order has any more."""
_LEAST_ROWS: Final = 256
_UNDO_COLUMNS: Final = 1 + ORDER_COLUMNS


class Links(NamedTuple):
    """How an order is linked to others: its class, the order that it waits for, and its OCO group."""

    order_class: OrderClass
    waits_for: str | None
    oco_group: str | None


@kernel("void(i8, i8[:,::1], i8[:,::1], i8[::1])")
def note_order(row: int, orders: Integers, undo: Integers, noted: Integers) -> None:
    """Note an order's row before it is overwritten."""
    entry = noted[0]
    undo[entry, 0] = row
    for column in range(ORDER_COLUMNS):
        undo[entry, 1 + column] = orders[row, column]
    noted[0] = entry + 1


@kernel("void(i8[:,::1], i8[::1], i8[:,::1], i8[::1])")
def _take_back(orders: Integers, clients: Integers, undo: Integers, noted: Integers) -> None:
    """Put back every row that was noted, the latest first, and who has the client order ids."""
    for entry in range(noted[0] - 1, -1, -1):
        row = undo[entry, 0]
        if orders[row, ACCOUNT] != 0:
            clients[orders[row, CLIENT]] = 0
        for column in range(ORDER_COLUMNS):
            orders[row, column] = undo[entry, 1 + column]
        if orders[row, ACCOUNT] != 0:
            clients[orders[row, CLIENT]] = row + 1
    noted[0] = 0


@kernel("i8(b1[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def first_unchecked(
    are_buys: NDArray[np.bool_],
    quantities: Integers,
    prices: Integers,
    types: Integers,
    times: Integers,
    limit_prices: Integers,
    stop_prices: Integers,
) -> int:
    """Return the first of some new orders whose figures are out of range, whose terms do not go together or whose price
    is not the one that it is reckoned at; NOWHERE when there is none. The arguments are columns of TRADE and of ORDER.
    """
    for place in range(prices.size):
        price, limit, stop = prices[place], limit_prices[place], stop_prices[place]
        order_type, time = types[place], times[place]
        if (
            not 0 < quantities[place] <= QUANTITY_MAX
            or not 0 <= price <= PRICE_MAX
            or not 0 <= limit <= PRICE_MAX
            or not 0 <= stop <= PRICE_MAX
            or not 0 <= order_type < _TYPE_COUNT
            or not 0 <= time < _TIME_COUNT
        ):
            return place
        has_limit, has_stop = order_type in (LIMIT, STOP_LIMIT), order_type in (STOP, STOP_LIMIT)
        is_immediate = time in (IMMEDIATE, ALL_OR_NONE)
        if terms_breach_of(are_buys[place], has_limit, has_stop, is_immediate, limit, stop, False) != TERMS_PASSED:
            return place
        own = limit if limit != NO_PRICE else stop
        if own not in (NO_PRICE, price):
            return place
    return NOWHERE


class Symbols:
    """The symbols that accounts hold or order, numbered as they come."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """Return the number of a symbol, a new one when it has none."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
            self.names.append(name)
        return number

    def numbers(self, names: Sequence[str]) -> list[int]:
        """Return the numbers of several symbols: of those that are known, a look-up each."""
        known = [self._numbers.get(name) for name in names]
        return [self.number(name) if number is None else number for name, number in zip(names, known, strict=True)]


class Places:
    """Places for the ids of each account's orders: the lowest numbers that are free."""

    def __init__(self) -> None:
        self.names: list[tuple[int, str]] = []
        """The account and the id that each place was given to last."""
        self._places: dict[int, dict[str, int]] = {}
        self._free: list[int] = []

    @property
    def count(self) -> int:
        """How many places are given."""
        return len(self.names) - len(self._free)

    def find(self, account: int, name: str) -> int:
        """Return the place of an account's id, NOWHERE when it has none."""
        own = self._places.get(account)
        return NOWHERE if own is None else own.get(name, NOWHERE)

    def place(self, account: int, name: str) -> int:
        """Return the place of an account's id, a new one when it has none."""
        own = self._places.get(account)
        if own is None:
            own = self._places[account] = {}
        place = own.get(name)
        if place is None:
            if self._free:
                place = self._free.pop()
                self.names[place] = (account, name)
            else:
                place = len(self.names)
                self.names.append((account, name))
            own[name] = place
        return place

    def release(self, place: int) -> None:
        """Let a place go; nothing happens when it was let go before."""
        account, name = self.names[place]
        own = self._places.get(account)
        if own is not None and own.get(name) == place:
            del own[name]
            self._free.append(place)
            if not own:
                del self._places[account]

    def of(self, account: int) -> dict[str, int]:
        """Return the places of all ids of an account, which is not to be changed."""
        return self._places.get(account, {})


class WorkingOrders:
    """The working orders of all accounts of a state. Not safe for threads: it has one owner."""

    def __init__(self, symbols: Symbols) -> None:
        self.orders: Integers = np.zeros((_LEAST_ROWS, ORDER_COLUMNS), np.int64)
        self.clients: Integers = np.zeros(_LEAST_ROWS, np.int64)
        """Which row has each client order id, plus one; 0 when none has it."""
        self.undo: Integers = np.zeros((_LEAST_ROWS, _UNDO_COLUMNS), np.int64)
        self.noted: Integers = np.zeros(1, np.int64)
        self._symbols = symbols
        self._order_ids = Places()
        self._client_ids = Places()
        self._touched: list[int] = []
        self._touched_clients: list[int] = []
        self._links: list[Links] = []
        self._link_numbers: dict[Links, int] = {}

    def find(self, account: int, order_id: str) -> int:
        """Return the row of an order that works, or may come to work in this group; NOWHERE when there is none."""
        row = self._order_ids.find(account, order_id)
        if row != NOWHERE:
            self._touch(row)
        return row

    def row_for(self, account: int, order_id: str) -> int:
        """Return the row that is an order's or would be."""
        row = self._order_ids.place(account, order_id)
        self.orders = grown(self.orders, row + 1)
        self._touch(row)
        return row

    def client_for(self, account: int, client_order_id: str) -> int:
        """Return the place that is a client order id's or would be."""
        place = self._client_ids.place(account, client_order_id)
        self.clients = grown(self.clients, place + 1)
        self._touched_clients.append(place)
        return place

    @property
    def count(self) -> int:
        """How many orders have a place."""
        return self._order_ids.count

    def make_room(self, changes: int) -> None:
        """Make sure that so many changes find room in the log."""
        self.undo = grown(self.undo, int(self.noted[0]) + changes)

    def rows_of(self, account: int) -> dict[str, int]:
        """Return the rows of an account's working orders by their ids."""
        places = self._order_ids.of(account)
        return {order_id: row for order_id, row in places.items() if self.orders[row, ACCOUNT]} if places else {}

    def order(self, row: int) -> Order:
        """Return a working order as an object."""
        _, symbol, is_buy, quantity, order_type, time_in_force, limit, stop, reserve, filled, value, client, *more = (
            self.orders[row].tolist()
        )
        expires_at, trail, trigger_price, links = more
        side: Side = "BUY" if is_buy else "SELL"
        return Order(
            client_order_id=self._client_ids.names[client][1],
            symbol=self._symbols.names[symbol],
            side=side,
            quantity=quantity,
            order_type=ORDER_TYPES[order_type],
            time_in_force=TIMES_IN_FORCE[time_in_force],
            limit_price=limit or None,
            stop_price=stop or None,
            reserve_price=reserve,
            filled_quantity=filled,
            filled_value=value,
            expires_at=expires_at or None,
            trail_amount=trail if trail > 0 else None,
            trail_bp=-trail if trail < 0 else None,
            trigger_price=trigger_price or None,
            **(self._links[links - 1]._asdict() if links else {}),
        )

    def put(self, account: int, order_id: str, order: Order) -> None:
        """Let an order work, in the place of the one with its id if there is one; its row is noted."""
        row, client = self.row_for(account, order_id), self.client_for(account, order.client_order_id)
        self.take_out(row)
        self.orders[row] = (
            account + 1,
            self._symbols.number(order.symbol),
            order.side == "BUY",
            order.quantity,
            ORDER_TYPES.index(order.order_type),
            TIMES_IN_FORCE.index(order.time_in_force),
            order.limit_price or 0,
            order.stop_price or 0,
            order.reserve_price,
            order.filled_quantity,
            order.filled_value,
            client,
            order.expires_at or 0,
            order.trail_amount or -(order.trail_bp or 0),
            order.trigger_price or 0,
            self._link(Links(order.order_class, order.waits_for, order.oco_group)),
        )
        self.clients[client] = row + 1

    def take_out(self, row: int) -> None:
        """Let no order work in a row, which is noted."""
        self.make_room(1)
        note_order(row, self.orders, self.undo, self.noted)
        if self.orders[row, ACCOUNT]:
            self._touch(row)
            self.clients[self.orders[row, CLIENT]] = 0
            self.orders[row, ACCOUNT] = 0

    def let_go(self, account: int) -> None:
        """Let an account's working orders go; nothing that was noted is waiting to be kept."""
        for row in self.rows_of(account).values():
            client = int(self.orders[row, CLIENT])
            self.orders[row, ACCOUNT] = self.clients[client] = 0
            self._order_ids.release(row)
            self._client_ids.release(client)

    def keep(self) -> None:
        """Make what was done since the last `keep` or `take_back` final."""
        self.noted[0] = 0
        self._settle()
        if len(self._links) > 2 * self.count + _LINKS_KEPT:
            self._forget_links()

    def take_back(self) -> None:
        """Take back everything since the last `keep`."""
        _take_back(self.orders, self.clients, self.undo, self.noted)
        self._settle()

    def _link(self, links: Links) -> int:
        """Return what stands in the column LINKS for it."""
        if links.order_class == "SIMPLE":
            return 0
        number = self._link_numbers.setdefault(links, len(self._links))
        if number == len(self._links):
            self._links.append(links)
        return number + 1

    def _forget_links(self) -> None:
        """Number the links anew, without those that no working order has; no row is noted."""
        rows = np.flatnonzero((self.orders[:, ACCOUNT] != 0) & (self.orders[:, LINKS] != 0))
        known = [self._links[number - 1] for number in self.orders[rows, LINKS].tolist()]
        self._links, self._link_numbers = [], {}
        self.orders[rows, LINKS] = [self._link(links) for links in known]

    def _touch(self, row: int) -> None:
        """Note that a row may have no working order after the group, and its client order id nobody."""
        self._touched.append(row)
        if self.orders[row, ACCOUNT]:
            self._touched_clients.append(int(self.orders[row, CLIENT]))

    def _settle(self) -> None:
        """Let places go that no working order has."""
        if self._touched:
            rows: NDArray[np.int64] = np.array(self._touched, np.int64)
            for row in rows[self.orders[rows, ACCOUNT] == 0].tolist():
                self._order_ids.release(row)
            self._touched.clear()
        if self._touched_clients:
            places: NDArray[np.int64] = np.array(self._touched_clients, np.int64)
            for place in places[self.clients[places] == 0].tolist():
                self._client_ids.release(place)
            self._touched_clients.clear()


class OrdersOf(MutableMapping[str, Order]):
    """The working orders of one account by their ids, as the domain sees them: what it changes changes in the rows."""

    def __init__(self, orders: WorkingOrders, account: int, count: int) -> None:
        self._orders = orders
        self._account = account
        self._count = count

    def __getitem__(self, order_id: str) -> Order:
        return self._orders.order(self._row(order_id))

    def __setitem__(self, order_id: str, order: Order) -> None:
        self._count += order_id not in self
        self._orders.put(self._account, order_id, order)

    def __delitem__(self, order_id: str) -> None:
        self._orders.take_out(self._row(order_id))
        self._count -= 1

    def __iter__(self) -> Iterator[str]:
        return iter(self._orders.rows_of(self._account))

    def __len__(self) -> int:
        return self._count

    def _row(self, order_id: str) -> int:
        row = self._orders.find(self._account, order_id)
        if row == NOWHERE or not self._orders.orders[row, ACCOUNT]:
            raise KeyError(order_id)
        return row
