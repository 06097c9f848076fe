"""The accounts of a partition as the writer holds them: state in arrays; trades, fills, new orders, those that replace
them and their ends are decided by kernels.

They are what there is most of, so whole columns of them are decided at once. Everything else that an account can be
asked, and what is refused of working orders, is decided as the domain's own `decide` does, on the account as an object
that has the positions and orders that the command concerns; what its events lead to is written back into the arrays.
Both ways use the same rules, and what one leaves the other goes on from, in the order of asking.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from accounts import codec as stored_form
from accounts.domain import recorded
from accounts.domain.account import decide, evolve
from accounts.domain.commands import (
    AccountCommand,
    CancelOrder,
    CloseAccount,
    ExpireOrder,
    RejectOrder,
    ReplaceOrder,
)
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.fees import FeeSchedule
from accounts.domain.state import MICROSECONDS_PER_DAY, Account, Position
from accounts.domain.values import PRICE_MAX, QUANTITY_MAX
from accounts.kernels import columns as c
from accounts.kernels import state as s
from accounts.kernels.decide import decide_commands
from accounts.kernels.events import CONSTANTS, add_events
from accounts.kernels.fold import apply_events, folding
from accounts.kernels.orders import (
    ACCOUNT,
    IS_BUY,
    NOWHERE,
    PLAIN_TIMES,
    QUANTITY,
    SYMBOL,
    OrdersOf,
    Symbols,
    WorkingOrders,
)
from accounts.kernels.state import Integers, State
from accounts.kernels.trades import FIRST_FILL, NOT_ORDER, Orders, Trades
from accounts.writer.columns import AccountCommands
from eventstore.columns.cells import EventCells, Values
from eventstore.columns.codec import EventCodec
from eventstore.kernels.texts import Texts, texts_of
from eventstore.writer.request import Request
from eventstore.writer.state_machine import Decided, Turn

_FIGURES: Final = {
    "cash": s.CASH,
    "deposited": s.DEPOSITED,
    "withdrawn": s.WITHDRAWN,
    "positions_cost": s.POSITIONS_COST,
    "positions_value": s.POSITIONS_VALUE,
    "realized_pnl": s.REALIZED_PNL,
    "fees": s.FEES,
    "trade_count": s.TRADE_COUNT,
    "day": s.DAY,
    "day_volume": s.DAY_VOLUME,
    "day_trades": s.DAY_TRADES,
    "day_realized_pnl": s.DAY_REALIZED_PNL,
    "max_position_bp": s.MAX_POSITION_BP,
    "max_daily_value": s.MAX_DAILY_VALUE,
    "max_trade_value": s.MAX_TRADE_VALUE,
    "price_band_bp": s.PRICE_BAND_BP,
    "reserved_cash": s.RESERVED_CASH,
    "dividends": s.DIVIDENDS,
    "dividend_day": s.DIVIDEND_DAY,
    "day_dividends": s.DAY_DIVIDENDS,
    "marked_session": s.MARKED_SESSION,
}
"""The column of each figure of an account."""
_FEE_SCHEDULE: Final = slice(s.FEE_PER_ORDER, s.FEE_MINIMUM + 1)
ACCOUNT_BYTES: Final = s.ACCOUNT_COLUMNS * 8
POSITION_BYTES: Final = (s.POSITION_COLUMNS + 1) * 8
"""With its bucket."""
ORDER_BYTES: Final = 700
"""With its two ids and their places in dictionaries: as measured, rounded up."""
_encode_text: Final = msgspec.msgpack.Encoder().encode
_CONSTANT_VALUES: Final = Values()
"""What the table of values of every machine begins with."""
_CONSTANT_CELLS: Final[Integers] = np.array([_CONSTANT_VALUES.cell(text) for text in CONSTANTS], np.int64)
_ENDS: Final = {CancelOrder: c.CANCEL, ExpireOrder: c.EXPIRE, RejectOrder: c.REJECT}
_SIDES: Final = ("SELL", "BUY")
_TIME_NUMBERS: Final[dict[str, int]] = {name: number for number, name in enumerate(PLAIN_TIMES)}


class AccountMachine:
    """Implements eventstore.writer.state_machine.StateMachine for trading accounts."""

    def __init__(self) -> None:
        self._state = State()
        self._symbols = Symbols()
        self._values = _CONSTANT_VALUES.copy()
        self._known_symbols = 0
        self._currencies: dict[str, int] = {"": 0}
        self._orders = WorkingOrders(self._symbols)

    def add(self, number: int, state: Account, version: int) -> None:
        self._state.add_account(number)
        self._write(number, state, version)
        self._state.add_positions(number, self._position_rows(state))
        noted = int(self._orders.noted[0])
        try:
            for order_id, order in state.orders.items():
                self._orders.put(number, order_id, order)
        finally:  # What is loaded is durable, whatever becomes of the group that asked for it.
            self._orders.noted[0] = noted

    def add_new(self, aggregate_ids: Sequence[str]) -> None:
        self._state.add_accounts(np.zeros((len(aggregate_ids), s.ACCOUNT_COLUMNS), np.int64))

    def let_go(self, numbers: Integers) -> None:
        for number in numbers[self._state.accounts[numbers, s.OPEN_ORDERS] > 0].tolist():
            self._orders.let_go(number)
        self._state.let_go(numbers)

    def held_bytes(self, count: int) -> int:
        return count * ACCOUNT_BYTES + self._state.position_count * POSITION_BYTES + self._orders.count * ORDER_BYTES

    def state(self, number: int) -> Account:
        account = self._account(number, None)
        account.orders = dict(account.orders)
        return account

    def version(self, number: int) -> int:
        return int(self._state.accounts[number, s.VERSION])

    def fold(self, numbers: Integers, versions: Integers, events: EventCells, codec: EventCodec) -> int | None:
        happened = folding(
            events,
            codec,
            self._orders,
            numbers=numbers,
            versions=versions,
            symbol=self._symbols.number,
            currency=self._currency,
        )
        start, wrong = 0, None
        while (stop := apply_events(self._state, self._orders, happened, first=start)) < len(numbers):
            number = int(numbers[stop])
            if self.version(number) + 1 != versions[stop]:
                wrong = stop
                break
            event = codec.upcast(events.event(stop, codec))
            self._evolve(number, self._account(number, _symbols_of(event)), [event])
            start = stop + 1
        self.keep()
        return wrong

    def keep(self) -> None:
        self._state.keep()
        self._orders.keep()

    def take_back(self) -> None:
        self._state.take_back()
        self._orders.take_back()

    def values(self) -> Values:
        while self._known_symbols < len(self._symbols.names):
            self._values.cell(self._symbols.names[self._known_symbols])
            self._known_symbols += 1
        return self._values.copy()

    def decide(self, turn: Turn[AccountCommand], now: int, decided: Decided) -> None:
        places, (asked, widest_symbol) = turn.places, self._asked(turn, decided.events.values)
        outcomes = np.zeros((len(places), c.OUTCOME_COLUMNS), np.int64)
        day, start = now // MICROSECONDS_PER_DAY, 0
        while True:
            stop = decide_commands(
                self._state, self._orders, asked, numbers=turn.numbers, day=day, outcomes=outcomes, first=start
            )
            if start < stop:
                entries = add_events(
                    decided.events,
                    asked,
                    first=start,
                    stop=stop,
                    widest_symbol=widest_symbol,
                    constants=_CONSTANT_CELLS,
                    day=day,
                    outcomes=outcomes,
                )
                committed, counts = np.unique(entries, return_counts=True)
                decided.add_commits(places[committed], outcomes[committed, c.VERSION_AFTER] - counts + 1, counts)
                for entry in (start + np.flatnonzero(outcomes[start:stop, c.OUTCOME] == c.NOT_FOUND)).tolist():
                    decided.failures[int(places[entry])] = _not_found()
            if stop == len(places):
                return
            self._decide_one(turn, stop, now, decided)
            start = stop + 1

    def _asked(self, turn: Turn[AccountCommand], values: Values) -> tuple[c.Asked, int]:
        """Return the commands of a turn as kernels take them, and how many bytes their symbols have at most."""
        commands = turn.commands
        assert isinstance(commands, AccountCommands), "the writer of accounts takes their commands"
        bodies = commands.bodies[turn.places]
        symbols: Integers = bodies["symbol"].astype(np.int64)
        are_buys: NDArray[np.bool_] = np.ascontiguousarray(bodies["is_buy"])
        quantities: Integers = np.ascontiguousarray(bodies["quantity"])
        prices: Integers = np.ascontiguousarray(bodies["price"])
        terms_of = np.where((bodies["other"] < 0) & (bodies["order"] == NOT_ORDER), c.TRADE, c.OTHER)
        ids: list[str] = []
        placing, placed = self._terms_of_new_orders(turn.numbers, bodies, commands.orders, ids)
        rows: list[tuple[int, ...]] = []
        entries: list[int] = []
        others = np.flatnonzero(bodies["other"] >= 0)
        names = {name: number for number, name in enumerate(commands.symbols)} if others.size else {}
        for entry, number, other in zip(
            others.tolist(), turn.numbers[others].tolist(), bodies["other"][others].tolist(), strict=True
        ):
            row = self._terms(number, commands.others[other], names, ids) if number >= 0 else None
            if row is not None:
                entries.append(entry)
                rows.append(row)
        # After all that may come to work in this turn has its row: a fill may be of a replacement before it.
        filling, filled = self._terms_of_fills(turn.numbers, bodies, commands.filled, ids)
        known: Sequence[str] = list(names) if others.size else commands.symbols
        figures = np.array(rows, np.int64).reshape(len(rows), 4 + c.TERM_COLUMNS)
        terms = np.concatenate([placed, figures[:, 4:], filled])
        if ids:
            id_cells = np.array(values.numbers([_encode_text(each) for each in ids]), np.int64)
            terms[:, c.ORDER_CELL :] = id_cells[terms[:, c.ORDER_CELL :]]
        terms_of[np.concatenate([placing, np.array(entries, np.int64), filling])] = np.arange(len(terms))
        symbols[entries], are_buys[entries], quantities[entries], prices[entries] = figures[:, :4].T
        own_symbols, cells, widest = self._own_symbols(symbols, known, values)
        asked = c.Asked(
            symbols=own_symbols,
            symbol_cells=cells,
            are_buys=are_buys,
            quantities=quantities,
            prices=prices,
            market_prices=np.ascontiguousarray(bodies["market_price"]),
            terms_of=terms_of,
            terms=terms,
        )
        return asked, widest

    def _own_symbols(self, symbols: Integers, known: Sequence[str], values: Values) -> tuple[Integers, Integers, int]:
        """Return the numbers and the cells of symbols, given as places among those that a batch knows, and how many
        bytes they have at most. Of those that it knows, which may be thousands, a turn looks up the ones that it names.
        """
        if not known:
            return symbols, symbols, 0
        numbers, cells = np.zeros(len(known), np.int64), np.zeros(len(known), np.int64)
        is_named = np.zeros(len(known), np.bool_)
        is_named[symbols] = True
        named = np.flatnonzero(is_named)
        texts = [known[place] for place in named.tolist()]
        encoded = [_encode_text(text) for text in texts]
        numbers[named], cells[named] = self._symbols.numbers(texts), values.numbers(encoded)
        return numbers[symbols], cells[symbols], max(map(len, encoded), default=0)

    def _terms_of_new_orders(
        self, numbers: Integers, bodies: Trades, orders: Orders, ids: list[str]
    ) -> tuple[Integers, Integers]:
        """Return which commands are new orders that kernels can judge, and the terms of each, with places among `ids`
        instead of cells.
        """
        quantity, price = bodies["quantity"], bodies["price"]
        is_in_range = (quantity > 0) & (quantity <= QUANTITY_MAX) & (price > 0) & (price <= PRICE_MAX)
        entries: Integers = np.flatnonzero((bodies["order"] >= 0) & (numbers >= 0) & is_in_range)
        terms: Integers = np.zeros((len(entries), c.TERM_COLUMNS), np.int64)
        if len(entries):
            placed, accounts = orders[bodies["order"][entries]], numbers[entries].tolist()
            order_ids, client_ids = texts_of(placed["order_id"]), texts_of(placed["client_order_id"])
            terms[:, c.KIND] = c.PLACE
            terms[:, c.ROW] = list(map(self._orders.row_for, accounts, order_ids))
            terms[:, c.CLIENT] = list(map(self._orders.client_for, accounts, client_ids))
            terms[:, c.ORDER_TYPE], terms[:, c.TIME_IN_FORCE] = placed["order_type"], placed["time_in_force"]
            terms[:, c.LIMIT_PRICE], terms[:, c.STOP_PRICE] = placed["limit_price"], placed["stop_price"]
            terms[:, c.ORDER_CELL] = len(ids) + np.arange(len(entries))
            terms[:, c.CLIENT_CELL] = len(ids) + len(entries) + np.arange(len(entries))
            ids += order_ids + client_ids
        return entries, terms

    def _terms_of_fills(
        self, numbers: Integers, bodies: Trades, filled: Texts, ids: list[str]
    ) -> tuple[Integers, Integers]:
        """Return which commands fill orders that kernels can judge, and the terms of each, with places among `ids`
        instead of cells.
        """
        quantity, price = bodies["quantity"], bodies["price"]
        is_in_range = (quantity > 0) & (quantity <= QUANTITY_MAX) & (price > 0) & (price <= PRICE_MAX)
        entries: Integers = np.flatnonzero((bodies["order"] <= FIRST_FILL) & (numbers >= 0) & is_in_range)
        if not len(entries):
            return entries, np.zeros((0, c.TERM_COLUMNS), np.int64)
        order_ids = texts_of(filled[FIRST_FILL - bodies["order"][entries]])
        rows = np.array(list(map(self._orders.find, numbers[entries].tolist(), order_ids)), np.int64)
        terms: Integers = np.zeros((len(entries), c.TERM_COLUMNS), np.int64)
        terms[:, c.KIND], terms[:, c.ROW] = c.FILL, rows
        terms[:, c.ORDER_CELL :] = (len(ids) + np.arange(len(entries)))[:, None]
        ids += order_ids
        is_found = rows != NOWHERE
        return entries[is_found], terms[is_found]

    def _terms(
        self, number: int, command: AccountCommand, names: dict[str, int], ids: list[str]
    ) -> tuple[int, ...] | None:
        """Return the place of the symbol among `names`, is it a buy, the quantity, the price and the terms of an order
        that replaces one or of an order's end, with places among `ids` instead of cells; None for any other
        command, for one that was not checked as those from outside are, and for the replacement or the end of an order
        that does not work yet.
        """
        if type(command) is ReplaceOrder:
            return self._terms_of_replacement(number, command, names, ids)
        if isinstance(command, CancelOrder | ExpireOrder | RejectOrder):
            return self._terms_of_end(number, command, names, ids)
        return None

    def _terms_of_replacement(
        self, number: int, command: ReplaceOrder, names: dict[str, int], ids: list[str]
    ) -> tuple[int, ...] | None:
        quantity, limit_price, stop_price = command.quantity or 0, command.limit_price or 0, command.stop_price or 0
        time_in_force = c.KEPT if command.time_in_force is None else _TIME_NUMBERS.get(command.time_in_force)
        is_plain = command.expires_at is None
        row = self._working_row(number, command.order_id)
        is_checked = 0 <= quantity <= QUANTITY_MAX and 0 <= limit_price <= PRICE_MAX and 0 <= stop_price <= PRICE_MAX
        if row == NOWHERE or time_in_force is None or not (is_checked and is_plain):
            return None
        client = self._orders.client_for(number, command.client_order_id)
        of_order = client, 0, time_in_force, limit_price, stop_price, self._orders.row_for(number, command.new_order_id)
        texts = [command.order_id, command.client_order_id, command.new_order_id, command.terms]
        symbol, is_buy = self._orders.orders[row, [SYMBOL, IS_BUY]].tolist()
        place = names.setdefault(self._symbols.names[symbol], len(names))
        return (place, is_buy, quantity, 1, *_row_of_terms(ids, c.REPLACE, row, *of_order, texts=texts))

    def _terms_of_end(
        self, number: int, command: CancelOrder | ExpireOrder | RejectOrder, names: dict[str, int], ids: list[str]
    ) -> tuple[int, ...] | None:
        row = self._working_row(number, command.order_id)
        if row == NOWHERE or type(command.reason) is not str:
            return None
        symbol, is_buy, quantity = self._orders.orders[row, [SYMBOL, IS_BUY, QUANTITY]].tolist()
        place = names.setdefault(self._symbols.names[symbol], len(names))
        terms = _row_of_terms(ids, _ENDS[type(command)], row, texts=[command.order_id, command.reason])
        return (place, is_buy, quantity, 1, *terms)

    def _working_row(self, number: int, order_id: str) -> int:
        """Return the row of an order that works, NOWHERE when there is none."""
        row = self._orders.find(number, order_id)
        return row if row != NOWHERE and self._orders.orders[row, ACCOUNT] else NOWHERE

    def _decide_one(self, turn: Turn[AccountCommand], index: int, now: int, decided: Decided) -> None:
        """Decide one command as the domain does: one that is no trade, or whose figures are too wide for kernels."""
        place, number = int(turn.places[index]), int(turn.numbers[index])
        command = turn.commands.command(place)
        account = Account() if number < 0 else self._account_for(number, command)
        try:
            events = decide(account, command, now)
            decided.add(place, (0 if number < 0 else self.version(number)) + 1, events)
        except Exception as error:  # One command that cannot be decided must not stop the others.
            decided.failures[place] = error
            return
        if number < 0:
            number = turn.enter(index)
            account = self._account(number, ())
        self._evolve(number, account, events)

    def _evolve(self, number: int, account: Account, events: Sequence[Any]) -> None:
        """Write what events lead to; the account has the positions that they concern."""
        self._state.note(number)
        for event in events:
            evolve(account, event)
        self._write(number, account, self.version(number) + len(events))
        if account.positions:
            self._state.put_positions(number, self._position_rows(account))

    def _account_for(self, number: int, command: AccountCommand) -> Account:
        """Return an account with the positions that a command may concern."""
        if isinstance(command, CloseAccount):
            return self._account(number, None)
        symbols, order_id = _symbols_of(command), getattr(command, "order_id", None)
        if not symbols and order_id is not None:
            order = self._orders_of(number).get(order_id)
            symbols = () if order is None else (order.symbol,)
        return self._account(number, symbols)

    def _orders_of(self, number: int) -> OrdersOf:
        return OrdersOf(self._orders, number, int(self._state.accounts[number, s.OPEN_ORDERS]))

    def _account(self, number: int, symbols: Iterable[str] | None) -> Account:
        """Return an account as an object, with its positions in some symbols, or in all for None.

        Its orders are those that the machine holds, not a copy.
        """
        row = self._state.accounts[number].tolist()
        positions, reserved = self._positions(number, symbols)
        return Account(
            status=s.STATUSES[row[s.STATUS]],
            currency=next(text for text, of in self._currencies.items() if of == row[s.CURRENCY]),
            positions=positions,
            orders=self._orders_of(number),
            reserved_shares=reserved,
            fee_schedule=FeeSchedule(*row[_FEE_SCHEDULE]),
            **{name: row[column] for name, column in _FIGURES.items()},
        )

    def _positions(self, number: int, symbols: Iterable[str] | None) -> tuple[dict[str, Position], dict[str, int]]:
        """Return positions and reserved shares by symbol."""
        names = self._symbols.names
        if symbols is None:
            rows = list(self._state.positions_of(number))
        else:
            numbers = np.array([self._symbols.number(symbol) for symbol in symbols], np.int64)
            found = self._state.position_rows(number, numbers)
            rows = found[found >= 0].tolist()
        positions: dict[str, Position] = {}
        reserved: dict[str, int] = {}
        for key, quantity, cost, mark, realized_pnl, reserved_shares, *_ in self._state.positions[rows].tolist():
            symbol = names[key & (1 << s.SYMBOL_BITS) - 1]
            positions[symbol] = Position(quantity, cost, mark, realized_pnl)
            if reserved_shares:
                reserved[symbol] = reserved_shares
        return positions, reserved

    def _write(self, number: int, account: Account, version: int) -> None:
        row = self._state.accounts[number]
        row[s.STATUS], row[s.VERSION] = s.STATUSES.index(account.status), version
        row[s.CURRENCY], row[s.OPEN_ORDERS] = self._currency(account.currency), len(account.orders)
        row[_FEE_SCHEDULE] = account.fee_schedule
        for name, column in _FIGURES.items():
            row[column] = getattr(account, name)

    def _position_rows(self, account: Account) -> Integers:
        """Return the positions of an account that is an object as rows, each with its symbol's number for a key."""
        number, reserved = self._symbols.number, account.reserved_shares
        rows = [
            (number(symbol), *position, reserved.get(symbol, 0), 0, 0) for symbol, position in account.positions.items()
        ]
        return np.array(rows, np.int64).reshape(len(rows), s.POSITION_COLUMNS)

    def _currency(self, name: str) -> int:
        return self._currencies.setdefault(name, len(self._currencies))


def _symbols_of(concerned: Any) -> tuple[str, ...]:
    """Return the symbols that a command or an event names."""
    symbols = (getattr(concerned, name, None) for name in ("symbol", "new_symbol"))
    return (*(symbol for symbol in symbols if symbol is not None), *getattr(concerned, "prices", ()))


def _row_of_terms(ids: list[str], *terms: int, texts: list[str]) -> tuple[int, ...]:
    """Return the terms of a command as a row, up to ORDER_CELL filled up with zeros, then the place of each text."""
    first = len(ids)
    ids += texts
    return (
        *(*terms, *(0,) * (c.ORDER_CELL - len(terms))),
        *(*range(first, len(ids)), *(first,) * (c.TERM_COLUMNS - c.ORDER_CELL - len(texts))),
    )


class AccountDecider:
    """Implements eventstore.writer.state_machine.Decider for trading accounts."""

    asks_the_same = staticmethod(recorded.asks_the_same)
    dump = staticmethod(stored_form.dump_account)
    load = staticmethod(stored_form.load_account)

    @property
    def state_version(self) -> int:
        """The version of the dumped state."""
        return stored_form.STATE_VERSION

    def machine(self) -> AccountMachine:
        """Return a state machine for the accounts of one partition."""
        return AccountMachine()

    def commands(self, requests: Sequence[Request[AccountCommand]]) -> AccountCommands:
        """Return commands as the machine takes them; raises TextTooLong."""
        return AccountCommands.of(requests)

    def initial(self, aggregate_id: str) -> Account:
        """Return an account that does not exist yet."""
        return Account()


def _not_found() -> CommandInvalid:
    return CommandInvalid(Code.ACCOUNT_NOT_FOUND, "there is no such account: open it first")
