"""The venue's working orders: what the journal says of them, and what is to be done about them now. Pure: no I/O.

Events alone change an order. What the venue asks for (a fill, an end, a stop that was reached or follows the market)
makes its order rest until the journal shows what became of it, so nothing is asked for twice. `refused` and `not_done`
take the answers that are no event of the order. Made again from the first event it is the same: that is how the venue
starts.

The command of a fill is named after the order, what was filled of it before, and how often the account refused that. So
a venue that died between asking and hearing asks for the same again and is answered with what became of it.

Orders are known by their slots (slots.py), of which those that are free are given again. What is noted of slots for
later (`_changed`, `_ending`, `_full`) therefore counts only as far as the order's row says so itself.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np

from accounts.domain.errors import Code
from accounts.kernels.orders import ALL_OR_NONE, DAY, IMMEDIATE
from eventstore.kernels.texts import NameTable, Texts, pack_texts
from tradingplatform.venue.asks import EXPIRE, FILL, NOTHING, REJECT, TRAIL, TRIGGER, Asks, command_ids_of, joined
from tradingplatform.venue.matcher import Candidates, Fills, Flags, Integers, Quote, SymbolBook, Triggers
from tradingplatform.venue.order_events import Changed, Ended, Filled, Freezes, OrderEvents, Placed
from tradingplatform.venue.slots import ORDER_ROW, WORKS_ON, OrderSlots, Slots
from tradingplatform.venue.trails import are_due, prices_for

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
TIME_OVER: Final = "its time is over"

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
_EXPIRY_REASONS: Final = (NOT_FILLED, SESSION_OVER, TIME_OVER)


class WorkingOrders:
    """Every working order of some symbols, and the market that they wait for."""

    def __init__(
        self,
        *,
        partitions_of: Callable[[Texts], Integers],
        asked_max: int = ASKED_MAX,
        is_own: Callable[[str], bool] = lambda symbol: True,
    ) -> None:
        """`partitions_of` gives the partitions of accounts by their ids; orders of symbols that are not the venue's own
        are passed over.
        """
        self._partitions_of = partitions_of
        self._asked_max = asked_max
        self._is_own = is_own
        self._orders = OrderSlots()
        self._symbols: list[str] = []
        self._symbol_numbers: dict[str, int] = {}
        self._books: list[SymbolBook] = []
        """The book of each symbol by its number."""
        self._frozen = NameTable()
        """Accounts that take no fill: their orders rest."""
        self._held: frozenset[int] = frozenset()
        """Partitions that cannot be read: their orders rest."""
        self._reasons = ["", *_EXPIRY_REASONS]
        self._closed_at = 0
        self._asked_of: dict[int, int] = {}
        """How many orders are asked for of each partition."""
        self._changed: list[Slots] = []
        """Orders that may be matched or ended, unless something keeps them from it."""
        self._ending: list[Slots] = []
        """Orders that are to be ended."""
        self._full: dict[int, Slots] = {}
        """Orders of each partition that wait until fewer of it are asked for, in their order."""
        self._to_match: set[int] = set()
        """Symbols whose orders or quote changed since they were matched."""
        self._quotes: Mapping[str, Quote] = {}
        self._now = 0
        """UTC microseconds, as of the latest quotes."""
        self._may_trail = False
        """Whether the quotes are newer than what trailing stops have followed."""
        self._next_quote: list[Slots] = []
        """Orders that are matched again by the next quotes."""

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, key: tuple[str, str]) -> bool:
        """Tell whether an order works, given the ids of its account and its own."""
        account_id, order_id = key
        return bool(self._orders.find(pack_texts([account_id]), pack_texts([order_id]))[0] >= 0)

    @property
    def asked_count(self) -> int:
        """How many orders rest until it is known what became of what was asked for them."""
        return sum(self._asked_of.values())

    # What happened.

    def apply(self, events: OrderEvents) -> None:
        """Take in what happened; of one account, everything up to a point of its history."""
        self._freeze(events.freezes)
        self._place(events.placed)
        self._activate(events.activated)
        self._change("stop_price", events.stops)
        self._trigger(events.triggered)
        self._change("quantity", events.reduced)
        self._fill(events.filled)
        self._end(events.ended)

    def hold_partitions(self, partitions: frozenset[int]) -> None:
        """Let the orders of these partitions rest, and no others for that reason."""
        changed = self._held ^ partitions
        self._held = partitions
        if changed:
            self._reconsider(self._working(np.isin(self._orders.rows["partition"], list(changed))))

    def _freeze(self, freezes: Freezes) -> None:
        if not len(freezes.account_ids):
            return
        last = {account_id.tobytes(): place for place, account_id in enumerate(freezes.account_ids)}
        places = np.array(list(last.values()))
        accounts, are_frozen = freezes.account_ids[places], freezes.are_frozen[places]
        self._frozen.enter(accounts[are_frozen])
        thawed = self._frozen.find(accounts[~are_frozen])
        self._frozen.remove(thawed[thawed >= 0])
        slots = self._working()
        is_frozen = self._frozen.find(self._orders.rows["account_id"][slots]) >= 0
        changed = slots[is_frozen != self._orders.rows["is_frozen"][slots]]
        self._orders.rows["is_frozen"][slots] = is_frozen
        self._reconsider(changed)

    def _place(self, placed: Placed) -> None:
        numbers = np.array([self._symbol_number(symbol) for symbol in placed.symbols], np.int64)
        are_own = np.flatnonzero(numbers[placed.symbol_of] >= 0) if len(numbers) else np.zeros(0, np.int64)
        if not len(are_own):
            return
        rows = np.zeros(len(are_own), ORDER_ROW)
        account_ids, order_ids = placed.account_ids[are_own], placed.order_ids[are_own]
        rows["works"] = True
        rows["account_id"], rows["order_id"] = account_ids, order_ids
        rows["partition"] = self._partitions_of(account_ids)
        rows["is_frozen"] = self._frozen.find(account_ids) >= 0
        rows["symbol"], rows["is_buy"] = numbers[placed.symbol_of[are_own]], placed.are_buys[are_own]
        rows["quantity"], rows["filled_quantity"] = placed.quantities[are_own], placed.filled_quantities[are_own]
        rows["limit_price"], rows["stop_price"] = placed.limit_prices[are_own], placed.stop_prices[are_own]
        rows["trail_amount"], rows["trail_bp"] = placed.trail_amounts[are_own], placed.trail_bps[are_own]
        rows["is_triggered"], rows["is_held"] = placed.are_triggered[are_own], placed.are_held[are_own]
        rows["expires_at"], rows["time_in_force"] = placed.expires_at[are_own], placed.times_in_force[are_own]
        rows["placed_at"], rows["position"] = placed.placed_at[are_own], placed.positions[are_own]
        rows["is_over"] = (rows["time_in_force"] == DAY) & (rows["placed_at"] < self._closed_at)
        self._changed.append(self._orders.add(rows))

    def _activate(self, activated: Changed) -> None:
        slots = self._orders.find(activated.account_ids, activated.order_ids)
        self._orders.rows["is_held"][slots[slots >= 0]] = False
        self._change("quantity", activated)

    def _trigger(self, triggered: Changed) -> None:
        slots = self._orders.find(triggered.account_ids, triggered.order_ids)
        self._orders.rows["is_triggered"][slots[slots >= 0]] = True
        self._change("stop_price", triggered)

    def _change(self, column: str, changed: Changed) -> None:
        """Take over figures of orders, of each the last; what was asked for is answered by its own event."""
        slots = self._orders.find(changed.account_ids, changed.order_ids)
        is_here = slots >= 0
        slots, rows = slots[is_here], self._orders.rows
        command_ids = changed.command_ids[is_here]
        if not len(slots):
            return
        rows[column][slots] = changed.figures[is_here]
        self._answered(np.unique(slots[(rows["asked_id"][slots] == command_ids).all(axis=1)]))
        self._reconsider(np.unique(slots))

    def _fill(self, filled: Filled) -> None:
        slots = self._orders.find(filled.account_ids, filled.order_ids)
        parts = (slots >= 0) & ~filled.are_whole
        if parts.any():
            of_parts, orders = slots[parts], self._orders.rows
            orders["filled_quantity"][of_parts] = filled.filled_quantities[parts]  # Of one order the last counts.
            orders["is_triggered"][of_parts] = True
            is_answer = (orders["asked_id"][of_parts] == filled.command_ids[parts]).all(axis=1)
            # Else somebody else filled it, and what was asked is under way.
            moved = np.unique(of_parts[(orders["asked"][of_parts] == NOTHING) | is_answer])
            self._answered(moved)
            orders["is_resting"][moved] = False
            orders["refusals"][moved] = orders["failures"][moved] = 0
            self._changed.append(moved)
        self._forget(slots[(slots >= 0) & filled.are_whole])

    def _end(self, ended: Ended) -> None:
        slots = self._orders.find(ended.account_ids, ended.order_ids)
        self._forget(slots[slots >= 0])

    def _forget(self, slots: Slots) -> None:
        if not len(slots):
            return
        slots = np.unique(slots)
        self._answered(slots)
        self._take_out(slots)
        self._orders.remove(slots)

    # The market.

    def quote(self, quotes: Mapping[str, Quote], *, now: int) -> None:
        """Take the market's quotes of now (UTC microseconds); a symbol that has none cannot be traded. Orders are ended
        whose time is over.
        """
        self._quotes, self._now, self._may_trail = quotes, now, True
        self._end_over(now)
        self._changed += self._next_quote
        self._next_quote.clear()
        for symbol in quotes:
            self._symbol_number(symbol)
        for number, (symbol, book) in enumerate(zip(self._symbols, self._books, strict=True)):
            quote = quotes.get(symbol)
            book.quote(quote)
            if quote is not None:
                self._to_match.add(number)
        for partition in list(self._full):
            self._let_go_on(self._full.pop(partition))

    def _end_over(self, now: int) -> None:
        orders = self._orders.rows
        over = self._working((orders["expires_at"] != 0) & (orders["expires_at"] <= now) & ~orders["is_over"])
        orders["is_over"][over], orders["reason"][over] = True, self._reasons.index(TIME_OVER)
        self._reconsider(over)

    def end_session(self, *, closed_at: int) -> None:
        """Let DAY orders that were placed before the close of a session (UTC microseconds) be ended."""
        if closed_at <= self._closed_at:
            return
        self._closed_at = closed_at
        orders = self._orders.rows
        over = self._working((orders["time_in_force"] == DAY) & (orders["placed_at"] < closed_at))
        orders["is_over"][over] = True
        self._changed.append(over)

    # What is to be done.

    def next_asks(self) -> Asks:
        """Return what is to be asked for now; its orders rest from here on."""
        for partition, waiting in list(self._full.items()):
            room = self._asked_max - self._asked_of.get(partition, 0)
            if room > 0:
                waiting = waiting[self._orders.rows["is_waiting"][waiting]]
                self._full[partition] = waiting[room:]
                self._let_go_on(waiting[:room])
        arrived = self._let_match()
        trailing = self._asks_of_stops(TRAIL, self._trails())
        triggering = self._asks_of_stops(TRIGGER, self._triggers())
        slots, quantities, prices = self._fills()
        has_room = self._with_room(slots)
        self._wait(slots[~has_room])
        filling = self._ask(slots[has_room], FILL, quantities[has_room], prices[has_room])
        filling = joined(joined(trailing, triggering), filling) if len(trailing) + len(triggering) else filling
        is_left = self._are_free(arrived) & ~self._orders.rows["is_waiting"][arrived]
        self._let_end(arrived[is_left], self._reasons.index(NOT_FILLED))
        ending = self._next_ends()
        return joined(filling, ending) if len(ending) else filling

    def refused(self, asks: Asks, place: int, code: str) -> None:
        """Take in that an account refused what was asked, for good; after everything that the journal had when the
        answer came.
        """
        slot = self._open(asks, place)
        if slot is None:
            return
        order = self._orders.rows[slot]
        order["refusals"] += asks.kinds[place] not in (TRIGGER, TRAIL)
        self._answered(np.array([slot]))
        if asks.kinds[place] in (EXPIRE, REJECT) or code == Code.ORDER_NOT_OPEN:
            order["is_resting"] = True  # Until the journal shows its end: that is not asked for twice.
        elif asks.kinds[place] in (TRIGGER, TRAIL):
            self._next_quote.append(np.array([slot]))  # This one would be refused again.
        elif code in _MAY_HAVE_MOVED_ON and order["refusals"] < REFUSALS_MAX:
            self._changed.append(np.array([slot]))
        else:
            self._let_end(np.array([slot]), self._reason(f"its fill was refused: {code}"))

    def not_done(self, asks: Asks, place: int, *, is_fault: bool) -> bool:
        """Take in that nothing is known to have become of what was asked, in the same way: it is asked for again under
        the same command id, a fill by the quote of then. `is_fault` says that the platform failed at it; when it did so
        too often the order rests, and False is returned.
        """
        slot = self._open(asks, place)
        if slot is None:
            return True
        order = self._orders.rows[slot]
        order["failures"] += is_fault
        self._answered(np.array([slot]))
        if order["failures"] >= FAILURES_MAX:
            order["is_resting"] = True
            return False
        self._changed.append(np.array([slot]))
        return True

    def _open(self, asks: Asks, place: int) -> int | None:
        """Return the slot of what was asked for, None when the journal has said what became of it."""
        slot = int(asks.slots[place])
        order = self._orders.rows[slot]
        is_open = order["asked"] != NOTHING and (order["asked_id"] == asks.command_ids[place]).all()
        return slot if is_open and (order["account_id"] == asks.account_ids[place]).all() else None

    def _let_match(self) -> Slots:
        """Let orders that changed be matched, unless something keeps them from it; return the immediate ones, which
        this matching fills, or they end.
        """
        if not self._changed:
            return np.zeros(0, np.int64)
        slots = np.unique(np.concatenate(self._changed))
        self._changed.clear()
        rows, is_free = self._orders.rows[slots], self._are_free(slots)
        is_ending = is_free & (rows["is_over"] | (rows["reason"] != WORKS_ON))
        self._let_end(slots[is_ending], self._reasons.index(SESSION_OVER))
        can_match = is_free & ~is_ending & ~rows["is_frozen"] & ~np.isin(rows["partition"], list(self._held))
        slots = slots[can_match]
        self._orders.rows["is_waiting"][slots] = False
        for symbol, are_buys, found in self._by_book(slots):
            of_book = self._orders.rows[found]
            candidates = Candidates(
                slots=found,
                limits=of_book["limit_price"],
                stops=np.where(of_book["is_triggered"], 0, of_book["stop_price"]),
                remaining=of_book["quantity"] - of_book["filled_quantity"],
                are_whole=of_book["time_in_force"] == ALL_OR_NONE,
                placed_at=of_book["placed_at"],
                positions=of_book["position"],
            )
            self._books[symbol].put(candidates, are_buys=are_buys)
            self._to_match.add(symbol)
        is_immediate: Flags = np.isin(self._orders.rows["time_in_force"][slots], (IMMEDIATE, ALL_OR_NONE))
        return slots[is_immediate]

    def _trails(self) -> Triggers:
        """Return the trailing stops that follow the quotes, and the prices that they follow to."""
        slots, orders = np.zeros(0, np.int64), self._orders.rows
        if self._may_trail:
            slots = self._working(~orders["is_triggered"] & ((orders["trail_amount"] != 0) | (orders["trail_bp"] != 0)))
            slots = slots[self._are_free(slots) & ~orders["is_over"][slots] & ~orders["is_frozen"][slots]]
            slots = slots[~np.isin(orders["partition"][slots], list(self._held))]
        self._may_trail = False
        prices = prices_for(orders[slots], [self._quotes.get(symbol) for symbol in self._symbols])
        is_due = are_due(orders[slots], prices, now=self._now)
        orders["trailed_at"][slots[is_due]] = self._now
        return Triggers(slots[is_due], prices[is_due])

    def _triggers(self) -> Triggers:
        """Return the stops that are reached, of the symbols that changed."""
        found = [each for symbol in sorted(self._to_match) if (each := self._books[symbol].trigger()) is not None]
        none = Triggers(*[np.zeros(0, np.int64)] * 2)
        return Triggers(*[np.concatenate(column) for column in zip(none, *found, strict=True)])

    def _asks_of_stops(self, kind: int, said: Triggers) -> Asks:
        """Say of orders what the market did to their stops; those for which there is no room wait."""
        has_room = self._with_room(said.slots)
        self._wait(said.slots[~has_room])
        self._take_out(said.slots)
        return self._ask(said.slots[has_room], kind, np.zeros(int(has_room.sum()), np.int64), said.prices[has_room])

    def _fills(self) -> Fills:
        """Match the symbols that changed."""
        found = [fills for symbol in sorted(self._to_match) if (fills := self._books[symbol].match()) is not None]
        self._to_match.clear()
        none = Fills(*[np.zeros(0, np.int64)] * 3)
        return Fills(*[np.concatenate(column) for column in zip(none, *found, strict=True)])

    def _are_free(self, slots: Slots) -> Flags:
        """Tell which orders work, wait for no other one, and neither are asked for nor rest."""
        rows = self._orders.rows
        are_free: Flags = rows["works"][slots] & (rows["asked"][slots] == NOTHING) & ~rows["is_resting"][slots]
        return are_free & ~rows["is_held"][slots]

    def _let_end(self, slots: Slots, reason: int) -> None:
        """Let orders be ended, for this reason unless they have one already."""
        if len(slots):
            self._take_out(slots)
            reasons = self._orders.rows["reason"][slots]
            self._orders.rows["reason"][slots] = np.where(reasons == WORKS_ON, reason, reasons)
            self._ending.append(slots)

    def _next_ends(self) -> Asks:
        slots = np.unique(np.concatenate([np.zeros(0, np.int64), *self._ending]))
        slots = slots[self._are_free(slots) & (self._orders.rows["reason"][slots] != WORKS_ON)]
        has_room = self._with_room(slots)
        self._ending = [slots[~has_room]] if not has_room.all() else []
        slots = slots[has_room]
        is_expiry = self._orders.rows["reason"][slots] <= len(_EXPIRY_REASONS)
        zeros = np.zeros(len(slots), np.int64)
        return self._ask(slots, np.where(is_expiry, EXPIRE, REJECT), zeros, zeros)

    def _ask(self, slots: Slots, kinds: Integers | int, quantities: Integers, prices: Integers) -> Asks:
        """Return what is asked for orders, which rest from here on; there has to be room for it."""
        rows = self._orders.rows[slots]
        kinds = np.broadcast_to(np.asarray(kinds, np.int64), len(slots))
        command_ids = command_ids_of(rows, kinds, prices)
        self._orders.rows["asked"][slots], self._orders.rows["asked_id"][slots] = kinds, command_ids
        self._count_asked(rows["partition"], 1)
        return Asks(
            slots=slots,
            kinds=kinds,
            account_ids=np.ascontiguousarray(rows["account_id"]),
            order_ids=np.ascontiguousarray(rows["order_id"]),
            command_ids=command_ids,
            symbols=self._symbols,
            symbol_of=rows["symbol"],
            are_buys=rows["is_buy"],
            quantities=quantities,
            prices=prices,
            reasons=self._reasons,
            reason_of=rows["reason"],
        )

    def _answered(self, slots: Slots) -> None:
        """Take note that nothing is asked for orders any more."""
        asked = slots[self._orders.rows["asked"][slots] != NOTHING]
        self._orders.rows["asked"][asked] = NOTHING
        self._count_asked(self._orders.rows["partition"][asked], -1)

    def _count_asked(self, partitions: Integers, each: int) -> None:
        for partition, count in zip(*map(np.ndarray.tolist, np.unique(partitions, return_counts=True)), strict=True):
            self._asked_of[partition] = self._asked_of.get(partition, 0) + each * count

    def _with_room(self, slots: Slots) -> Flags:
        """Tell for which of some orders can be asked now, the first ones of each partition."""
        partitions, has_room = self._orders.rows["partition"][slots], np.zeros(len(slots), bool)
        for partition in np.unique(partitions).tolist():
            room = max(0, self._asked_max - self._asked_of.get(partition, 0))
            has_room[np.flatnonzero(partitions == partition)[:room]] = True
        return has_room

    def _wait(self, slots: Slots) -> None:
        """Let orders wait until fewer of their partitions are asked for."""
        self._orders.rows["is_waiting"][slots] = True
        partitions = self._orders.rows["partition"][slots]
        for partition in np.unique(partitions).tolist():
            before = self._full.get(partition, np.zeros(0, np.int64))
            self._full[partition] = np.concatenate([before, slots[partitions == partition]])

    def _let_go_on(self, waiting: Slots) -> None:
        """Let orders that waited be matched."""
        self._changed.append(waiting[self._orders.rows["is_waiting"][waiting]])

    def _reconsider(self, slots: Slots) -> None:
        """Let orders rest, and be matched again unless something keeps them from it."""
        self._take_out(slots)
        self._changed.append(slots)

    # Slots, symbols and books.

    def _working(self, condition: Flags | None = None) -> Slots:
        """Return the slots of working orders for which a condition holds, of b1[slots]."""
        works: Flags = self._orders.rows["works"]
        return np.flatnonzero(works if condition is None else works & condition)

    def _symbol_number(self, symbol: str) -> int:
        """Return the number of a symbol, -1 for one that is not the venue's own."""
        number = self._symbol_numbers.get(symbol)
        if number is None:
            number = len(self._symbols) if self._is_own(symbol) else -1
            self._symbol_numbers[symbol] = number
            if number >= 0:
                self._symbols.append(symbol)
                self._books.append(SymbolBook())
        return number

    def _take_out(self, slots: Slots) -> None:
        for symbol, are_buys, found in self._by_book(slots):
            self._books[symbol].remove(found, are_buys=are_buys)

    def _by_book(self, slots: Slots) -> Iterator[tuple[int, bool, Slots]]:
        """Yield orders by symbol and side: the symbol's number, whether they buy, and their slots."""
        books = 2 * self._orders.rows["symbol"][slots].astype(np.int64) + self._orders.rows["is_buy"][slots]
        in_order = np.argsort(books, kind="stable")
        numbers, firsts = np.unique(books[in_order], return_index=True)
        for number, found in zip(numbers.tolist(), np.split(slots[in_order], firsts[1:]), strict=False):
            yield number >> 1, bool(number & 1), found

    def _reason(self, text: str) -> int:
        if text not in self._reasons:
            self._reasons.append(text)
        return self._reasons.index(text)
