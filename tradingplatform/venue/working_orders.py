"""The venue's working orders: what the journal says of them, and what is to be done about them now. Pure: no I/O.

Events alone change an order. What the venue asks for (a fill, an end) is an `Ask`; its order rests until the journal
shows what became of it, so nothing is asked for twice. `refused` and `not_done` take the answers that are no event of
the order. Made again from the first event it is the same: that is how the venue starts.

The command of a fill is named after the order, what was filled of it before, and how often the account refused that. So
a venue that died between asking and hearing asks for the same again and is answered with what became of it.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple, TypeAlias

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain.errors import Code
from tradingplatform.venue.matcher import Fill, OrderKey, Quote, SymbolBook, WorkingOrder

ASKED_MAX: Final = 2_000
"""Orders of one partition that may rest for answers at a time; the others of it wait, those of other partitions do not.
"""
REFUSALS_MAX: Final = 3
"""How often an account may refuse to fill an order for what may have moved on (its terms, a freeze) before the venue
rejects it.
"""
FAILURES_MAX: Final = 5
"""How often what is asked for an order may fail inside the platform before the order rests until the venue begins
again.
"""
NOT_FILLED: Final = "nobody filled it at once"
SESSION_OVER: Final = "the trading session is over"

_MAY_HAVE_MOVED_ON: Final = frozenset(
    {
        Code.ACCOUNT_NOT_ACTIVE,
        Code.COMMAND_ID_REUSED,
        Code.FILL_NOT_COMPLETE,
        Code.ORDER_NOT_TRIGGERED,
        Code.ORDER_QUANTITY_EXCEEDED,
        Code.PRICE_BEYOND_LIMIT,
    }
)
_DAY_ORDERS_MIN: Final = 1_000
EVENT_TYPES: Final = (
    e.OrderPlaced,
    e.OrderFilled,
    e.OrderReplaced,
    e.OrderCancelled,
    e.OrderExpired,
    e.OrderRejected,
    e.AccountFrozen,
    e.AccountUnfrozen,
)
"""The events that say what works."""
WorkingOrderEvent: TypeAlias = e.OrderEvent | e.AccountFrozen | e.AccountUnfrozen
VenueCommand: TypeAlias = c.ExecuteTrade | c.ExpireOrder | c.RejectOrder


class Recorded(NamedTuple):
    """An event as the journal has it; `timestamp` is UTC microseconds, `position` its place in its partition."""

    account_id: str
    timestamp: int
    position: int
    command_id: str
    event: WorkingOrderEvent


class Ask(NamedTuple):
    """A command that the venue sends for an order."""

    order: WorkingOrder
    command_id: str
    command: VenueCommand


class WorkingOrders:
    """Every working order, and the market that they wait for."""

    def __init__(self, *, partition_of: Callable[[str], int], asked_max: int = ASKED_MAX) -> None:
        """`partition_of` gives the partition of an account by its id."""
        self._partition_of = partition_of
        self._asked_max = asked_max
        self._orders: dict[OrderKey, WorkingOrder] = {}
        self._books: dict[str, SymbolBook] = {}
        self._by_account: dict[str, set[OrderKey]] = {}
        self._frozen: set[str] = set()
        """Accounts that take no fill: their orders rest."""
        self._held: frozenset[int] = frozenset()
        """Partitions that cannot be read: their orders rest."""
        self._asked: dict[OrderKey, str] = {}
        """The command id of what was asked for an order and is not known to have happened yet."""
        self._asked_of: Counter[int] = Counter()
        """How many of them each partition has."""
        self._full: dict[int, deque[OrderKey]] = {}
        """Orders of each partition that are matched again when fewer of it are asked for."""
        self._resting: set[OrderKey] = set()
        """Orders that nothing more is asked for, unless an event moves them on."""
        self._refusals: Counter[OrderKey] = Counter()
        self._failures: Counter[OrderKey] = Counter()
        self._to_match: set[str] = set()
        """Symbols whose orders or quote changed since they were matched."""
        self._arrived: list[OrderKey] = []
        """Immediate orders that are filled by the next matching, or end."""
        self._to_end: deque[Ask] = deque()
        self._day_orders: list[tuple[int, OrderKey]] = []
        """A heap of DAY orders by when they were placed; some may have ended since."""
        self._over: set[OrderKey] = set()
        """DAY orders whose session is over: they are not matched again."""

    def __len__(self) -> int:
        return len(self._orders)

    @property
    def asked_count(self) -> int:
        """How many orders rest until it is known what became of what was asked for them."""
        return len(self._asked)

    def order(self, account_id: str, order_id: str) -> WorkingOrder | None:
        """Return a working order."""
        return self._orders.get((account_id, order_id))

    # What happened.

    def apply(self, recorded: Recorded) -> None:
        """Take in an event; those of one account in the order of its versions."""
        account_id, event = recorded.account_id, recorded.event
        if isinstance(event, e.OrderPlaced):
            self._place(recorded, event)
        elif isinstance(event, e.OrderFilled):
            self._fill((account_id, event.order_id), event, recorded.command_id)
        elif isinstance(event, e.AccountFrozen):
            self._frozen.add(account_id)
            self._rest(self._by_account.get(account_id, ()))
        elif isinstance(event, e.AccountUnfrozen):
            self._frozen.discard(account_id)
            self._let_match(self._by_account.get(account_id, ()))
        else:
            self._forget((account_id, event.order_id))

    def hold_partitions(self, partitions: Collection[int]) -> None:
        """Let the orders of these partitions rest, and no others for that reason."""
        before, self._held = self._held, frozenset(partitions)
        if before != self._held:
            changed = before ^ self._held
            for account_id, keys in self._by_account.items():
                partition = self._partition_of(account_id)
                if partition in changed:
                    (self._rest if partition in self._held else self._let_match)(keys)

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
        self._orders[order.key] = order
        self._by_account.setdefault(order.account_id, set()).add(order.key)
        if order.time_in_force == "DAY":
            heappush(self._day_orders, (order.placed_at, order.key))
            if len(self._day_orders) > _DAY_ORDERS_MIN + 2 * len(self._orders):
                self._day_orders = [each for each in self._day_orders if each[1] in self._orders]
                heapify(self._day_orders)
        self._let_match([order.key])

    def _fill(self, key: OrderKey, event: e.OrderFilled, command_id: str) -> None:
        order = self._orders.get(key)
        if order is None:
            return
        if event.status == "FILLED":
            self._forget(key)
            return
        self._orders[key] = order._replace(filled_quantity=event.filled_quantity)
        if self._asked.get(key) in (None, command_id):  # Else somebody else filled it, and what was asked is under way.
            self._answered(key)
            self._forgive(key)
            self._let_match([key])

    def _rest(self, keys: Collection[OrderKey]) -> None:
        for key in keys:
            self._book(self._orders[key].symbol).remove(self._orders[key])

    def _let_match(self, keys: Collection[OrderKey]) -> None:
        """Let orders be matched, unless something keeps them from it."""
        for key in keys:
            order = self._orders[key]
            if key in self._asked or key in self._resting:
                continue
            if key in self._over:
                self._end(order, SESSION_OVER)
            elif order.account_id not in self._frozen and self._partition_of(order.account_id) not in self._held:
                self._book(order.symbol).put(order)
                self._to_match.add(order.symbol)
                if order.is_immediate:
                    self._arrived.append(key)

    def _forget(self, key: OrderKey) -> None:
        order = self._orders.pop(key, None)
        if order is None:
            return
        self._by_account[order.account_id].discard(key)
        if not self._by_account[order.account_id]:
            del self._by_account[order.account_id]
        self._book(order.symbol).remove(order)
        self._over.discard(key)
        self._answered(key)
        self._forgive(key)

    def _forgive(self, key: OrderKey) -> None:
        self._resting.discard(key)
        del self._refusals[key], self._failures[key]

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
        for partition in list(self._full):
            self._let_match([key for key in self._full.pop(partition) if key in self._orders])

    def end_session(self, *, closed_at: int) -> None:
        """Let DAY orders that were placed before the close of a session (UTC microseconds) be ended."""
        while self._day_orders and self._day_orders[0][0] < closed_at:
            _, key = heappop(self._day_orders)
            order = self._orders.get(key)
            if order is None:
                continue
            self._over.add(key)
            if key not in self._asked:
                self._end(order, SESSION_OVER)

    # What is to be done.

    def next_asks(self) -> Iterator[Ask]:
        """Yield what is to be asked for now; its orders rest from here on."""
        while self._to_match:
            for fill in self._books[self._to_match.pop()].match():
                ask = _fill_command(fill, refusals=self._refusals[fill.order.key])
                if self._has_room(fill.order):
                    yield self._asked_for(ask)
                else:
                    self._full.setdefault(self._partition_of(fill.order.account_id), deque()).append(fill.order.key)
        if self._arrived:
            waiting = {key for keys in self._full.values() for key in keys}
            for key in self._arrived:
                order = self._orders.get(key)
                if order is not None and key not in self._asked and key not in waiting:
                    self._end(order, NOT_FILLED)
            self._arrived.clear()
        for _ in range(len(self._to_end)):
            ask = self._to_end.popleft()
            key = ask.order.key
            if key not in self._orders or key in self._asked or key in self._resting:
                continue
            if self._has_room(ask.order):
                yield self._asked_for(ask)
            else:
                self._to_end.append(ask)

    def refused(self, ask: Ask, code: str) -> None:
        """Take in that an account refused what was asked, for good; after everything that the journal had when the
        answer came.
        """
        order = self._open(ask)
        if order is None:
            return
        self._refusals[order.key] += 1
        self._answered(order.key)
        if not isinstance(ask.command, c.ExecuteTrade) or code == Code.ORDER_NOT_OPEN:
            self._resting.add(order.key)  # Until the journal shows its end: that is not asked for twice.
        elif code in _MAY_HAVE_MOVED_ON and self._refusals[order.key] < REFUSALS_MAX:
            self._let_match([order.key])
        else:
            self._end(order, f"its fill was refused: {code}", is_rejected=True)

    def not_done(self, ask: Ask, *, is_fault: bool) -> bool:
        """Take in that nothing is known to have become of what was asked, in the same way: it is asked for again under
        the same command id, a fill by the quote of then. `is_fault` says that the platform failed at it; when it did so
        too often the order rests, and False is returned.
        """
        order = self._open(ask)
        if order is None:
            return True
        self._failures[order.key] += is_fault
        self._answered(order.key)
        if self._failures[order.key] >= FAILURES_MAX:
            self._resting.add(order.key)
            return False
        if isinstance(ask.command, c.ExecuteTrade):
            self._let_match([order.key])
        else:
            self._to_end.append(ask)
        return True

    def _open(self, ask: Ask) -> WorkingOrder | None:
        """Return the order of an ask, None when the journal has said what became of it."""
        order = self._orders.get(ask.order.key)
        return order if order is not None and self._asked.get(order.key) == ask.command_id else None

    def _end(self, order: WorkingOrder, reason: str, *, is_rejected: bool = False) -> None:
        self._book(order.symbol).remove(order)
        if is_rejected:
            ask = Ask(order, f"reject-{order.order_id}", c.RejectOrder(order.order_id, reason))
        else:
            ask = Ask(order, f"expire-{order.order_id}", c.ExpireOrder(order.order_id, reason))
        self._to_end.append(ask)

    def _has_room(self, order: WorkingOrder) -> bool:
        return self._asked_of[self._partition_of(order.account_id)] < self._asked_max

    def _asked_for(self, ask: Ask) -> Ask:
        self._asked[ask.order.key] = ask.command_id
        self._asked_of[self._partition_of(ask.order.account_id)] += 1
        return ask

    def _answered(self, key: OrderKey) -> None:
        """Take note that nothing is asked for an order any more: one of its partition that waited may be matched."""
        if self._asked.pop(key, None) is None:
            return
        partition = self._partition_of(key[0])
        self._asked_of[partition] -= 1
        waiting = self._full.get(partition)
        while waiting:
            following = waiting.popleft()
            if following in self._orders:
                self._let_match([following])
                break


def _fill_command(fill: Fill, *, refusals: int) -> Ask:
    order, quantity, price = fill
    command_id = f"fill-{order.order_id}-{order.filled_quantity}"
    if refusals:
        command_id += f"-{refusals}"
    return Ask(order, command_id, c.ExecuteTrade(order.symbol, order.side, quantity, price, order.order_id))
