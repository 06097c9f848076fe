"""The accounts of a partition as the writer holds them: state in arrays, trades decided by kernels.

Trades are what there is most of, so whole columns of them are decided at once. Everything else that an account can be
asked is decided as the domain's own `decide` does, on the account as an object that has the positions and orders that
the command concerns; what its events lead to is written back into the arrays. Both ways use the same rules, and what
one leaves the other goes on from, in the order of asking.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from accounts.application.columns import AccountCommands
from accounts.domain.account import MICROSECONDS_PER_DAY, decide, evolve
from accounts.domain.commands import AccountCommand, CloseAccount
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.events import AccountOpened, OrderEvent, TradeExecuted
from accounts.domain.state import Account, Order, Position
from accounts.kernels import decide as d
from accounts.kernels import state as s
from accounts.kernels.events import CONSTANTS, add_trade_events
from accounts.kernels.fold import KINDS, NOT_HERE, SYMBOL, apply_events
from accounts.kernels.state import Integers, State
from eventstore.event_cells import VALUE_BASE, EventCells, Values
from eventstore.serialization.codec import EventCodec
from eventstore.writer.state_machine import Decided, Turn

_TRADED: Final = str(TradeExecuted.__struct_config__.tag)
_OPENED: Final = str(AccountOpened.__struct_config__.tag)
_CURRENCY: Final = AccountOpened.__struct_fields__.index("currency")
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
    "reserved_cash": s.RESERVED_CASH,
}
"""The column of each figure of an account."""
_decode_text: Final = msgspec.msgpack.Decoder(str).decode
_OF_ORDERS: Final = frozenset(get_args(OrderEvent))


class AccountMachine:
    """Implements eventstore.writer.state_machine.StateMachine for trading accounts."""

    def __init__(self) -> None:
        self._state = State()
        self._symbols: dict[str, int] = {}
        self._values = Values()
        self._constants: Integers = np.array([self._values.cell(text) for text in CONSTANTS], np.int64)
        self._currencies: dict[str, int] = {"": 0}
        self._orders: dict[int, dict[str, Order]] = {}
        self._notes: list[tuple[dict[str, Order], str, Order | None]] = []

    def add(self, state: Account, version: int) -> int:
        """See StateMachine."""
        (number,) = self._state.add_accounts(np.zeros((1, s.ACCOUNT_COLUMNS), np.int64))
        self._write(number, state, version)
        noted = self._state.noted
        for symbol, position in state.positions.items():
            self._write_position(number, symbol, position, state.reserved_shares.get(symbol, 0))
        self._state.forget_notes(noted)  # What is loaded is durable, whatever becomes of the group that asked for it.
        if state.orders:
            self._orders[number] = dict(state.orders)
        return number

    def add_new(self, aggregate_ids: Sequence[str]) -> None:
        """See StateMachine."""
        self._state.add_accounts(np.zeros((len(aggregate_ids), s.ACCOUNT_COLUMNS), np.int64))

    def state(self, number: int) -> Account:
        """See StateMachine."""
        account = self._account(number, None)
        account.orders = dict(account.orders)
        return account

    def version(self, number: int) -> int:
        """See StateMachine."""
        return int(self._state.accounts[number, s.VERSION])

    def apply(self, number: int, events: Sequence[Any]) -> None:
        """See StateMachine."""
        self._evolve(number, events)
        self.keep()

    def fold(self, numbers: Integers, versions: Integers, events: EventCells, codec: EventCodec) -> int | None:
        """See StateMachine."""
        kinds = np.array([KINDS.get(tag, NOT_HERE) for tag in events.tags], np.int64)
        numbers_of_values = np.zeros(events.values.count, np.int64)
        naming = {_TRADED: (SYMBOL, self._symbol), _OPENED: (_CURRENCY, self._currency)}
        for of_type, (field, number_of) in ((n, naming[tag]) for n, tag in enumerate(events.tags) if tag in naming):
            is_named = np.zeros(events.values.count, np.bool_)
            is_named[events.rows_of(of_type)[:, field] - VALUE_BASE] = True
            for value in np.flatnonzero(is_named).tolist():
                numbers_of_values[value] = number_of(_decode_text(events.values.encoded(VALUE_BASE + value)))
        start = 0
        while True:
            stop = apply_events(
                self._state,
                events,
                numbers=numbers,
                versions=versions,
                kinds=kinds,
                numbers_of_values=numbers_of_values,
                first=start,
            )
            if stop == len(numbers):
                return None
            number = int(numbers[stop])
            if self.version(number) + 1 != versions[stop]:
                return stop
            self._evolve(number, [codec.upcast(events.event(stop, codec))])
            self.keep()
            start = stop + 1

    def keep(self) -> None:
        """See StateMachine."""
        self._state.keep()
        self._notes.clear()

    def take_back(self) -> None:
        """See StateMachine."""
        self._state.take_back()
        for orders, order_id, before in reversed(self._notes):
            if before is None:
                orders.pop(order_id, None)
            else:
                orders[order_id] = before
        self._notes.clear()

    def values(self) -> Values:
        """See StateMachine."""
        return self._values.copy()

    def decide(self, turn: Turn[AccountCommand], now: int, decided: Decided) -> None:
        """See StateMachine."""
        commands, places = turn.commands, turn.places
        assert isinstance(commands, AccountCommands), "the writer of accounts takes their commands"
        bodies = commands.bodies[places]
        symbols: Integers = bodies["symbol"].astype(np.int64)
        are_buys: NDArray[np.bool_] = np.ascontiguousarray(bodies["is_buy"])
        quantities: Integers = np.ascontiguousarray(bodies["quantity"])
        prices: Integers = np.ascontiguousarray(bodies["price"])
        are_others: NDArray[np.bool_] = bodies["other"] >= 0
        names = commands.symbols
        own_symbols = np.array([self._symbol(name) for name in names], np.int64)
        cells = np.array([decided.events.values.cell(name) for name in names], np.int64)
        symbol_numbers, symbol_cells = (own_symbols[symbols], cells[symbols]) if len(names) else (symbols, symbols)
        widest_symbol = max([len(name.encode()) for name in names], default=0)
        outcomes = np.zeros((len(places), d.OUTCOME_COLUMNS), np.int64)
        day, start = now // MICROSECONDS_PER_DAY, 0
        while True:
            stop = d.decide_trades(
                self._state,
                numbers=turn.numbers,
                symbols=symbol_numbers,
                are_buys=are_buys,
                quantities=quantities,
                prices=prices,
                are_others=are_others,
                day=day,
                outcomes=outcomes,
                first=start,
            )
            if start < stop:
                entries = add_trade_events(
                    decided.events,
                    first=start,
                    stop=stop,
                    symbol_cells=symbol_cells,
                    widest_symbol=widest_symbol,
                    constants=self._constants,
                    are_buys=are_buys,
                    quantities=quantities,
                    prices=prices,
                    day=day,
                    outcomes=outcomes,
                )
                versions = outcomes[entries, d.VERSION_AFTER]
                decided.add_commits(places[entries], versions, np.ones(len(entries), np.int64))
                for entry in (start + np.flatnonzero(outcomes[start:stop, d.OUTCOME] == d.NOT_FOUND)).tolist():
                    decided.failures[int(places[entry])] = _not_found()
            if stop == len(places):
                return
            self._decide_one(turn, stop, now, decided)
            start = stop + 1

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
        self._evolve(turn.enter(index) if number < 0 else number, events)

    def _evolve(self, number: int, events: Sequence[Any]) -> None:
        symbols = {event.symbol for event in events if hasattr(event, "symbol")}
        account = self._account(number, symbols)
        self._state.note(number)
        for event in events:
            if type(event) in _OF_ORDERS:
                orders = self._orders.setdefault(number, account.orders)
                self._notes.append((orders, event.order_id, orders.get(event.order_id)))
            evolve(account, event)
        self._write(number, account, self.version(number) + len(events))
        for symbol, position in account.positions.items():
            self._write_position(number, symbol, position, account.reserved_shares.get(symbol, 0))

    def _account_for(self, number: int, command: AccountCommand) -> Account:
        """Return an account with the positions that a command may concern."""
        if isinstance(command, CloseAccount):
            return self._account(number, None)
        order = self._orders.get(number, {}).get(getattr(command, "order_id", None) or "")
        symbol = getattr(command, "symbol", None) or (None if order is None else order.symbol)
        return self._account(number, () if symbol is None else (symbol,))

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
            orders=self._orders.get(number, {}),
            reserved_shares=reserved,
            **{name: row[column] for name, column in _FIGURES.items()},
        )

    def _positions(self, number: int, symbols: Iterable[str] | None) -> tuple[dict[str, Position], dict[str, int]]:
        """Return positions and reserved shares by symbol."""
        names = list(self._symbols)
        if symbols is None:
            rows = list(self._state.positions_of(number))
        else:
            found = [self._state.position_row(number, self._symbol(symbol)) for symbol in symbols]
            rows = [row for row in found if row >= 0]
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
        row[s.CURRENCY] = self._currency(account.currency)
        for name, column in _FIGURES.items():
            row[column] = getattr(account, name)

    def _write_position(self, number: int, symbol: str, position: Position, reserved_shares: int) -> None:
        row = self._state.positions[self._state.position(number, self._symbol(symbol))]
        row[s.QUANTITY], row[s.COST], row[s.MARK], row[s.POSITION_REALIZED_PNL] = position
        row[s.RESERVED_SHARES] = reserved_shares

    def _currency(self, name: str) -> int:
        return self._currencies.setdefault(name, len(self._currencies))

    def _symbol(self, name: str) -> int:
        number = self._symbols.get(name)
        if number is None:
            number = self._symbols[name] = len(self._symbols)
            self._values.cell(name)
        return number


def _not_found() -> CommandInvalid:
    return CommandInvalid(Code.ACCOUNT_NOT_FOUND, "there is no such account: open it first")
