"""The loop that applies events that happened to state: what `accounts.domain.account.evolve` does to one account.

Events are fat, so nothing is reckoned: each gives its account the figures that it led to, a trade its position as well,
what happened to an order its row, and a refusal nothing but the version. It stops at events as another release stored
them, and at orders of groups that are placed or activated, which are for the domain itself to apply.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from accounts.domain.events import (
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    CashDeposited,
    CashWithdrawn,
    CommandRefused,
    Event,
    FeeScheduleChanged,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderPlaced,
    OrderReduced,
    OrderRejected,
    OrderReplaced,
    OrderTrailed,
    OrderTriggered,
    RiskLimitsChanged,
    TradeExecuted,
)
from accounts.kernels import orders as o
from accounts.kernels import state as s
from accounts.kernels.compiling import kernel
from accounts.kernels.orders import WorkingOrders
from accounts.kernels.state import Integers, State
from eventstore.columns.cells import EventCells
from eventstore.columns.codec import EventCodec
from eventstore.kernels.message_pack import VALUE_BASE, VALUE_LIMIT

_FIELDS: Final = {name: place for place, name in enumerate(TradeExecuted.__struct_fields__)}
_SYMBOL: Final = _FIELDS["symbol"]
_PRICE: Final = _FIELDS["price"]
_CASH_AFTER: Final = _FIELDS["cash_after"]
_POSITION_QUANTITY: Final = _FIELDS["position_quantity"]
_POSITION_COST: Final = _FIELDS["position_cost"]
_POSITION_REALIZED_PNL: Final = _FIELDS["position_realized_pnl"]
_PORTFOLIO_VALUE: Final = _FIELDS["portfolio_value"]

_PLACED_FIELDS: Final = OrderPlaced.__struct_fields__
_ORDER_ID: Final = _PLACED_FIELDS.index("order_id")
"""The same place in every event of an order."""
_CLIENT_ORDER_ID: Final = _PLACED_FIELDS.index("client_order_id")
_TERMS: Final[dict[int, str]] = {
    o.IS_BUY: "side",
    o.QUANTITY: "quantity",
    o.ORDER_TYPE: "order_type",
    o.TIME_IN_FORCE: "time_in_force",
    o.LIMIT_PRICE: "limit_price",
    o.STOP_PRICE: "stop_price",
    o.RESERVE_PRICE: "reserve_price",
    o.FILLED_QUANTITY: "filled_quantity",
    o.FILLED_VALUE: "filled_value",
    o.EXPIRES_AT: "expires_at",
    o.TRAIL: "trail_amount",
    o.TRIGGER_PRICE: "trigger_price",
}
"""What a placement leaves in the columns of its order; a trail in basis points is another field."""
_TERM_MOVES: Final = np.array([(column, _PLACED_FIELDS.index(name)) for column, name in _TERMS.items()], np.int64)
_STATUS: Final = OrderFilled.__struct_fields__.index("status")
_FILLED_QUANTITY: Final = OrderFilled.__struct_fields__.index("filled_quantity")
_FILLED_VALUE: Final = OrderFilled.__struct_fields__.index("filled_value")
_TRAIL_BP: Final = _PLACED_FIELDS.index("trail_bp")
_ORDER_CLASS: Final = _PLACED_FIELDS.index("order_class")
_ORDER_EVENTS: Final = (
    *(OrderPlaced, OrderFilled, OrderReplaced, OrderCancelled, OrderExpired, OrderRejected),
    *(OrderTriggered, OrderTrailed, OrderReduced),
)
_CHANGED: Final = np.array(
    [
        (o.TRIGGER_PRICE, OrderTriggered.__struct_fields__.index("trigger_price")),
        (o.STOP_PRICE, OrderTrailed.__struct_fields__.index("stop_price")),
        (o.QUANTITY, OrderReduced.__struct_fields__.index("quantity")),
    ],
    np.int64,
)
"""The column of an order that each of the last three changes, and the field that it gets."""

LEAVES: Final[dict[type[Event], dict[int, str | int]]] = {
    TradeExecuted: {
        s.CASH: "cash_after",
        s.POSITIONS_COST: "positions_cost",
        s.REALIZED_PNL: "total_realized_pnl",
        s.FEES: "total_fees",
        s.TRADE_COUNT: "trade_count",
        s.DAY: "day",
        s.DAY_VOLUME: "day_volume",
        s.DAY_TRADES: "day_trades",
        s.DAY_REALIZED_PNL: "day_realized_pnl",
    },
    CommandRefused: {},
    AccountOpened: {
        s.STATUS: s.ACTIVE,
        s.CURRENCY: "currency",
        s.MAX_POSITION_BP: "max_position_bp",
        s.MAX_DAILY_VALUE: "max_daily_value",
        s.MAX_TRADE_VALUE: "max_trade_value",
        s.PRICE_BAND_BP: "price_band_bp",
    },
    CashDeposited: {s.CASH: "cash_after", s.DEPOSITED: "deposited_total"},
    CashWithdrawn: {s.CASH: "cash_after", s.WITHDRAWN: "withdrawn_total"},
    AccountFrozen: {s.STATUS: s.FROZEN},
    AccountUnfrozen: {s.STATUS: s.ACTIVE},
    AccountClosed: {s.STATUS: s.CLOSED},
    RiskLimitsChanged: {
        s.MAX_POSITION_BP: "max_position_bp",
        s.MAX_DAILY_VALUE: "max_daily_value",
        s.MAX_TRADE_VALUE: "max_trade_value",
        s.PRICE_BAND_BP: "price_band_bp",
    },
    FeeScheduleChanged: {
        s.FEE_PER_ORDER: "fee_per_order",
        s.FEE_PER_SHARE: "fee_per_share",
        s.FEE_BASIS_POINTS: "fee_bp",
        s.FEE_MINIMUM: "fee_minimum",
    },
    **{of_type: {s.RESERVED_CASH: "reserved_cash"} for of_type in _ORDER_EVENTS},
}
"""What an event leaves in the columns of its account: a field of it, or a constant."""

_NOT_HERE: Final = -2
"""The kind of types that the domain itself applies."""

_SYMBOLS: Final = 0
_CURRENCIES: Final = 1
_WORDS: Final = 2
_MEANINGS: Final = 3
"""What a value may mean: the number of a symbol, that of a currency, or that of one of these words."""
_encode: Final = msgspec.msgpack.Encoder().encode
_decode_text: Final = msgspec.msgpack.Decoder(str).decode
_WORD_NUMBERS: Final[dict[bytes, int]] = {
    _encode(word): number
    for words in (
        *((None,), ("SELL", "BUY"), o.ORDER_TYPES, o.TIMES_IN_FORCE, ("FILLED", "PARTIALLY_FILLED")),
        o.ORDER_CLASSES,
    )
    for number, word in enumerate(words)
}


def _moves() -> tuple[dict[str, int], Integers, Integers]:
    """Return the kind of each type by its tag, where the moves of each kind start, and the moves: a column and the
    place of a field, or -1 less a constant.
    """
    kinds: dict[str, int] = {}
    starts, moves = [0], []
    for kind, (of_type, leaves) in enumerate(LEAVES.items()):
        kinds[str(of_type.__struct_config__.tag)] = kind
        fields = of_type.__struct_fields__
        for column, source in leaves.items():
            moves.append((column, -1 - source if isinstance(source, int) else fields.index(source)))
        starts.append(len(moves))
    return kinds, np.array(starts, np.int64), np.array(moves, np.int64)


_KINDS, _STARTS, _MOVES = _moves()
_TRADE: Final = _KINDS[str(TradeExecuted.__struct_config__.tag)]
_OPENED: Final = _KINDS[str(AccountOpened.__struct_config__.tag)]
_PLACED: Final = _KINDS[str(OrderPlaced.__struct_config__.tag)]
_FILLED: Final = _KINDS[str(OrderFilled.__struct_config__.tag)]
_TRIGGERED: Final = _KINDS[str(OrderTriggered.__struct_config__.tag)]
"""Those of the other events of orders follow."""
_NAMES: Final[dict[int, list[tuple[int, int]]]] = {
    _TRADE: [(_SYMBOLS, _SYMBOL)],
    _OPENED: [(_CURRENCIES, AccountOpened.__struct_fields__.index("currency"))],
    **{
        _PLACED + place: [
            (_SYMBOLS if name == "symbol" else _WORDS, field)
            for field, name in enumerate(of_type.__struct_fields__)
            if name in ("symbol", "status", "trail_bp", "order_class", *_TERMS.values())
        ]
        for place, of_type in enumerate(_ORDER_EVENTS)
    },
}
"""Which fields of each kind are texts that have numbers, and what they mean."""
_ORDER_FIELDS: Final = np.array(
    [[of.__struct_fields__.index(name) for name in ("symbol", "reserved_shares")] for of in _ORDER_EVENTS], np.int64
)


@kernel("i8(i8, i8, i8[::1], i8[:,::1])")
def _meant(cell: int, meaning: int, cells: Integers, numbers_of_values: Integers) -> Any:
    """Return the integer that a cell is, or the number of the value that it names."""
    value = cells[cell]
    return numbers_of_values[meaning, value - VALUE_BASE] if value < VALUE_LIMIT else value


@kernel("void(i8, i8, i8, i8, i8, i8, i8[::1], i8[:,::1], i8[::1], i8[:,::1], i8[::1])")
def _apply_to_order(
    kind: int,
    at: int,
    number: int,
    symbol: int,
    row: int,
    client: int,
    cells: Integers,
    numbers_of_values: Integers,
    account: Integers,
    orders: Integers,
    clients: Integers,
) -> None:
    """Let an order work, be filled, change or end."""
    order = orders[row]
    if kind >= _TRIGGERED:
        if order[o.ACCOUNT] != 0:
            order[_CHANGED[kind - _TRIGGERED, 0]] = cells[at + _CHANGED[kind - _TRIGGERED, 1]]
        return
    if kind == _FILLED and _meant(at + _STATUS, _WORDS, cells, numbers_of_values) != 0:
        if order[o.ACCOUNT] != 0:
            order[o.FILLED_QUANTITY], order[o.FILLED_VALUE] = cells[at + _FILLED_QUANTITY], cells[at + _FILLED_VALUE]
        return
    if order[o.ACCOUNT] != 0:
        clients[order[o.CLIENT]] = 0
        order[o.ACCOUNT] = 0
        account[s.OPEN_ORDERS] -= 1
    if kind == _PLACED:
        for move in range(len(_TERM_MOVES)):
            order[_TERM_MOVES[move, 0]] = _meant(at + _TERM_MOVES[move, 1], _WORDS, cells, numbers_of_values)
        order[o.TRAIL] -= _meant(at + _TRAIL_BP, _WORDS, cells, numbers_of_values)
        order[o.ACCOUNT], order[o.SYMBOL], order[o.CLIENT], order[o.LINKS] = number + 1, symbol, client, 0
        clients[client] = row + 1
        account[s.OPEN_ORDERS] += 1


@kernel(
    "i8(i8, i8[::1], i8[::1], i4[::1], i8[::1], i8[::1], i8[::1], i8[:,::1], i8[:,::1], i8[:,::1], i8[:,::1], i8[::1], "
    "i8[::1], i8[:,::1], i8[::1])",
)
def _apply_events(
    first: int,
    numbers: Integers,
    versions: Integers,
    types: NDArray[np.int32],
    starts: Integers,
    cells: Integers,
    kinds: Integers,
    numbers_of_values: Integers,
    places: Integers,
    accounts: Integers,
    positions: Integers,
    buckets: Integers,
    counters: Integers,
    orders: Integers,
    clients: Integers,
) -> int:
    """Apply events from `first` on; return where it stopped."""
    for event in range(first, numbers.size):
        number, at, kind = numbers[event], starts[event], kinds[types[event]]
        if number < 0:
            continue
        account = accounts[number]
        if account[s.VERSION] + 1 != versions[event] or kind == _NOT_HERE:
            return event
        if kind == _PLACED and _meant(at + _ORDER_CLASS, _WORDS, cells, numbers_of_values) != 0:
            return event
        account[s.VERSION] = versions[event]
        for move in range(_STARTS[kind], _STARTS[kind + 1]):
            field = _MOVES[move, 1]
            value = _meant(at + field, _CURRENCIES, cells, numbers_of_values) if field >= 0 else -1 - field
            account[_MOVES[move, 0]] = value
        if kind >= _PLACED:
            symbol_field, shares_field = _ORDER_FIELDS[kind - _PLACED]
            symbol = _meant(at + symbol_field, _SYMBOLS, cells, numbers_of_values)
            order, client = places[event]
            _apply_to_order(kind, at, number, symbol, order, client, cells, numbers_of_values, account, orders, clients)
            row = s.position_row(s.position_key(number, symbol), positions, buckets, counters)
            if row >= 0:
                positions[row, s.RESERVED_SHARES] = cells[at + shares_field]
        if kind != _TRADE:
            continue
        account[s.POSITIONS_VALUE] = cells[at + _PORTFOLIO_VALUE] - cells[at + _CASH_AFTER]
        key = s.position_key(number, _meant(at + _SYMBOL, _SYMBOLS, cells, numbers_of_values))
        row = s.position_row(key, positions, buckets, counters)
        if row < 0:
            row = s.enter_position(number, key, accounts, positions, buckets, counters)
        positions[row, s.QUANTITY] = cells[at + _POSITION_QUANTITY]
        positions[row, s.COST] = cells[at + _POSITION_COST]
        positions[row, s.MARK] = cells[at + _PRICE]
        positions[row, s.POSITION_REALIZED_PNL] = cells[at + _POSITION_REALIZED_PNL]
    return int(numbers.size)


class Folding(NamedTuple):
    """Events as the loop takes them; event i happened to the account `numbers[i]` (-1 for one that is not here)."""

    events: EventCells
    numbers: Integers
    versions: Integers
    kinds: Integers
    """The kind of each type of event."""
    numbers_of_values: Integers
    """For each meaning the number of each value that has it: i8[meanings, values]."""
    places: Integers
    """For each event of an order the row that is the order's or would be, and the place of its client order id."""


def folding(
    events: EventCells,
    codec: EventCodec,
    working: WorkingOrders,
    *,
    numbers: Integers,
    versions: Integers,
    symbol: Callable[[str], int],
    currency: Callable[[str], int],
) -> Folding:
    """Return events as the loop takes them; `symbol` and `currency` give each its number.

    Orders and client order ids are given places, whether or not an order comes to work there. Raises UnknownEventType.
    """
    tags = list(zip(events.tags, events.field_counts.tolist(), strict=True))
    kinds = [_KINDS.get(tag, _NOT_HERE) if codec.is_current(tag, count) else _NOT_HERE for tag, count in tags]
    numbers_of_values = np.zeros((_MEANINGS, events.values.count), np.int64)
    number_of = (
        lambda encoded: symbol(_decode_text(encoded)),
        lambda encoded: currency(_decode_text(encoded)),
        lambda encoded: _WORD_NUMBERS[encoded],
    )
    for of_type, kind in enumerate(kinds):
        for meaning, field in _NAMES.get(kind, ()):
            for cell in {*events.rows_of(of_type)[:, field].tolist()}:
                if cell < VALUE_LIMIT:
                    numbers_of_values[meaning, cell - VALUE_BASE] = number_of[meaning](events.values.encoded(cell))
    of_kinds = np.array(kinds, np.int64)
    places = np.zeros((len(numbers) if (of_kinds >= _PLACED).any() else 0, 2), np.int64)
    if len(places):
        _find_places(events, working, numbers=numbers, kinds=of_kinds, places=places)
    return Folding(events, numbers, versions, of_kinds, numbers_of_values, places)


def _find_places(
    events: EventCells, working: WorkingOrders, *, numbers: Integers, kinds: Integers, places: Integers
) -> None:
    of_events = kinds[events.types[: len(numbers)]]
    found = np.flatnonzero((of_events >= _PLACED) & (numbers >= 0))
    starts = events.starts[found]
    texts: dict[int, str] = {}

    def text(cell: int) -> str:
        found = texts.get(cell)
        if found is None:
            found = texts[cell] = _decode_text(events.values.encoded(cell))
        return found

    ids, client_ids = events.cells[starts + _ORDER_ID].tolist(), events.cells[starts + _CLIENT_ORDER_ID].tolist()
    accounts, are_placed = numbers[found].tolist(), (of_events[found] == _PLACED).tolist()
    for event, account, order, client, is_placed in zip(
        found.tolist(), accounts, ids, client_ids, are_placed, strict=True
    ):
        places[event, 0] = working.row_for(account, text(order))
        if is_placed:
            places[event, 1] = working.client_for(account, text(client))


def apply_events(state: State, working: WorkingOrders, folding: Folding, *, first: int) -> int:
    """Apply events in the order in which they happened; return where it stopped.

    That is behind the last, at an event that is the domain's to apply, or at one whose version is not the next of its
    account. What is applied cannot be taken back: nothing that was noted may be waiting to be kept.
    """
    events, numbers, versions, kinds, numbers_of_values, places = folding
    state.make_room_for_positions(numbers.size - first)
    return int(
        _apply_events(
            first,
            numbers,
            versions,
            events.types,
            events.starts,
            events.cells,
            kinds,
            numbers_of_values,
            places,
            state.accounts,
            state.positions,
            state.buckets,
            state.counters,
            working.orders,
            working.clients,
        )
    )
