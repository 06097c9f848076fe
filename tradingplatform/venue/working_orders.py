"""The venue's working orders: what the journal says of them, and what is to be done about them now. Pure: no I/O.

Events alone change an order. What the venue asks for (a fill, an end) is an `Ask`; its order rests until the journal
shows what became of it, so nothing is asked for twice. `refused` takes the account's answer where that is no event of
the order. Made again from the first event it is the same: that is how the venue starts.

The command of a fill is named after the order, what was filled of it before, and how often the account refused that. So
a venue that died between asking and hearing asks for the same again and is answered with what became of it.
"""

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from typing import Final, NamedTuple, TypeAlias

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain.errors import Code
from tradingplatform.venue.matcher import Fill, Quote, SymbolBook, WorkingOrder

REFUSALS_MAX: Final = 3
"""How often an account may refuse to fill an order by the order's own terms before the venue takes it back: they have
moved on (a replacement), and the journal says so soon.
"""
NOT_FILLED: Final = "nobody filled it at once"
SESSION_OVER: Final = "the trading session is over"

_TERMS_MOVED_ON: Final = frozenset(
    {
        Code.COMMAND_ID_REUSED,
        Code.FILL_NOT_COMPLETE,
        Code.ORDER_NOT_TRIGGERED,
        Code.ORDER_QUANTITY_EXCEEDED,
        Code.PRICE_BEYOND_LIMIT,
    }
)
_ORDER_EVENTS: Final = (
    e.OrderPlaced,
    e.OrderFilled,
    e.OrderReplaced,
    e.OrderCancelled,
    e.OrderExpired,
    e.OrderRejected,
)
EVENT_TYPES: Final = (*_ORDER_EVENTS, e.AccountFrozen, e.AccountUnfrozen)
"""The events that say what works."""
WorkingOrderEvent: TypeAlias = e.OrderEvent | e.AccountFrozen | e.AccountUnfrozen
VenueCommand: TypeAlias = c.ExecuteTrade | c.ExpireOrder | c.RejectOrder


class Recorded(NamedTuple):
    """An event as the journal has it; `timestamp` is UTC microseconds, `position` its place in its partition."""

    account_id: str
    timestamp: int
    position: int
    event: WorkingOrderEvent


class Ask(NamedTuple):
    """A command that the venue sends for an order."""

    order: WorkingOrder
    command_id: str
    command: VenueCommand


class WorkingOrders:
    """Every working order of some symbols, and the market that they wait for."""

    def __init__(self) -> None:
        self._orders: dict[str, WorkingOrder] = {}
        self._books: dict[str, SymbolBook] = {}
        self._by_account: dict[str, set[str]] = {}
        self._frozen: set[str] = set()
        """Accounts that take no fill: their orders rest."""
        self._to_match: set[str] = set()
        """Symbols whose orders or quote changed since they were matched."""
        self._day_orders: list[tuple[int, str]] = []
        """A heap of DAY orders by when they were placed; some may have ended since."""
        self._over: set[str] = set()
        """DAY orders whose session is over: they are not matched again."""
        self._asked: dict[str, str] = {}
        """The command id of what was asked for an order and is not known to have happened yet."""
        self._refusals: dict[str, int] = {}
        self._arrived: list[str] = []
        self._to_end: list[Ask] = []

    def __len__(self) -> int:
        return len(self._orders)

    @property
    def asked_count(self) -> int:
        """How many orders rest until it is known what became of what was asked for them."""
        return len(self._asked)

    def order(self, order_id: str) -> WorkingOrder | None:
        """Return a working order."""
        return self._orders.get(order_id)

    # What happened.

    def apply(self, recorded: Recorded) -> None:
        """Take in an event; those of one account in the order of its versions."""
        account_id, event = recorded.account_id, recorded.event
        if isinstance(event, e.OrderPlaced):
            self._place(recorded, event)
        elif isinstance(event, e.OrderFilled):
            self._fill(event)
        elif isinstance(event, e.AccountFrozen):
            self._frozen.add(account_id)
            for order_id in self._by_account.get(account_id, ()):
                self._book(self._orders[order_id].symbol).remove(self._orders[order_id])
        elif isinstance(event, e.AccountUnfrozen):
            self._frozen.discard(account_id)
            for order_id in self._by_account.get(account_id, ()):
                self._let_match(self._orders[order_id])
        else:
            self._forget(event.order_id)

    def _place(self, recorded: Recorded, event: e.OrderPlaced) -> None:
        order = WorkingOrder(
            order_id=event.order_id,
            account_id=recorded.account_id,
            symbol=event.symbol,
            side=event.side,
            quantity=event.quantity,
            filled_quantity=event.filled_quantity,
            order_type=event.order_type,
            time_in_force=event.time_in_force,
            limit_price=event.limit_price,
            stop_price=event.stop_price,
            placed_at=recorded.timestamp,
            position=recorded.position,
        )
        self._orders[order.order_id] = order
        self._by_account.setdefault(order.account_id, set()).add(order.order_id)
        self._let_match(order)
        if order.is_immediate:
            self._arrived.append(order.order_id)
        elif order.time_in_force == "DAY":
            heappush(self._day_orders, (order.placed_at, order.order_id))

    def _fill(self, event: e.OrderFilled) -> None:
        order = self._orders.get(event.order_id)
        if order is None:
            return
        if event.status == "FILLED":
            self._forget(event.order_id)
            return
        self._orders[event.order_id] = order = order._replace(filled_quantity=event.filled_quantity)
        self._asked.pop(event.order_id, None)
        self._refusals.pop(event.order_id, None)
        self._let_match(order)

    def _let_match(self, order: WorkingOrder) -> None:
        if order.order_id in self._asked:
            return
        if order.order_id in self._over:
            self._ask_to_end(order, SESSION_OVER)
        elif order.account_id not in self._frozen:
            self._book(order.symbol).put(order)
            self._to_match.add(order.symbol)

    def _forget(self, order_id: str) -> None:
        order = self._orders.pop(order_id, None)
        if order is None:
            return
        self._by_account[order.account_id].discard(order_id)
        if not self._by_account[order.account_id]:
            del self._by_account[order.account_id]
        self._book(order.symbol).remove(order)
        self._over.discard(order_id)
        self._asked.pop(order_id, None)
        self._refusals.pop(order_id, None)

    def _book(self, symbol: str) -> SymbolBook:
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = SymbolBook()
        return book

    # The market.

    def quote(self, quotes: Mapping[str, Quote]) -> None:
        """Take the market's quotes of now; a symbol that has none cannot be traded."""
        for symbol in self._books.keys() | quotes.keys():
            self._book(symbol).quote(quotes.get(symbol))
        self._to_match.update(quotes)

    def end_session(self, *, closed_at: int) -> None:
        """Let DAY orders that were placed before the close of a session (UTC microseconds) be ended."""
        while self._day_orders and self._day_orders[0][0] < closed_at:
            _, order_id = heappop(self._day_orders)
            order = self._orders.get(order_id)
            if order is None:
                continue
            self._over.add(order_id)
            if order_id not in self._asked:
                self._ask_to_end(order, SESSION_OVER)

    # What is to be done.

    def next_asks(self) -> Iterator[Ask]:
        """Yield what is to be asked for now; its orders rest from here on."""
        while self._to_match:
            for fill in self._books[self._to_match.pop()].match():
                yield self._asked_for(self._fill_command(fill))
        for order_id in self._arrived:
            order = self._orders.get(order_id)
            if order is not None and order_id not in self._asked:
                self._ask_to_end(order, NOT_FILLED)
        self._arrived.clear()
        yield from (ask for ask in self._to_end if ask.order.order_id in self._orders)
        self._to_end.clear()

    def refused(self, ask: Ask, code: str) -> None:
        """Take in that an account refused what was asked, or did not do it, for good; after everything that the
        journal had when the answer came.
        """
        order = self._orders.get(ask.order.order_id)
        if order is None or self._asked.get(order.order_id) != ask.command_id:
            return  # The journal has said what became of the order.
        del self._asked[order.order_id]
        refusals = self._refusals[order.order_id] = self._refusals.get(order.order_id, 0) + 1
        if isinstance(ask.command, c.ExecuteTrade):
            if code == Code.ACCOUNT_NOT_ACTIVE or (code in _TERMS_MOVED_ON and refusals < REFUSALS_MAX):
                self._let_match(order)
            elif code != Code.ORDER_NOT_OPEN:
                self._ask_to_end(order, f"its fill was refused: {code}", is_rejected=True)
        else:
            self._asked[order.order_id] = ask.command_id  # It rests: an end is not asked for twice.

    def _fill_command(self, fill: Fill) -> Ask:
        order, quantity, price = fill
        command_id = f"fill-{order.order_id}-{order.filled_quantity}"
        refusals = self._refusals.get(order.order_id, 0)
        if refusals:
            command_id += f"-{refusals}"
        return Ask(order, command_id, c.ExecuteTrade(order.symbol, order.side, quantity, price, order.order_id))

    def _ask_to_end(self, order: WorkingOrder, reason: str, *, is_rejected: bool = False) -> None:
        self._book(order.symbol).remove(order)
        if is_rejected:
            ask = Ask(order, f"reject-{order.order_id}", c.RejectOrder(order.order_id, reason))
        else:
            ask = Ask(order, f"expire-{order.order_id}", c.ExpireOrder(order.order_id, reason))
        self._to_end.append(self._asked_for(ask))

    def _asked_for(self, ask: Ask) -> Ask:
        self._asked[ask.order.order_id] = ask.command_id
        return ask
