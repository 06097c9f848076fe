"""Running sums over all accounts: what each event adds to firm_totals, symbol_totals, symbol_days and flow_minutes.

An event adds once: it is counted where its account's row moves on to its version, in the same transaction, and that row
takes each version once. Pure.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import numpy as np

from accounts.domain.events import (
    AccountClosed,
    AccountOpened,
    CashDeposited,
    CashWithdrawn,
    DividendPaid,
    PositionsMarked,
    SharesSplit,
    SymbolChanged,
)
from eventstore.kernels.compiling import Integers
from readmodels.projections.classified import ClassifiedEvents, Columns
from readmodels.projections.rows import Recorded, day, instant

Place: TypeAlias = tuple[Any, ...]
Latest: TypeAlias = tuple[int, int]
"""When something had a price last, in UTC microseconds, and which."""
_NEVER: Final = (0, 0)
_MINUTE: Final = 60_000_000
_VALUES: Final = ("bought_value", "sold_value")
_TRADED: Final = ("trades", "bought_quantity", "bought_value", "sold_quantity", "sold_value", "fees", "realized_pnl")
_FLOW: Final = (*_TRADED, "holders")
"""What is summed up of trades, in this order."""


class SumTable(NamedTuple):
    """A table of sums: its key, the columns that are added to, and whether it knows the latest price."""

    name: str
    key: tuple[str, ...]
    sums: tuple[str, ...]
    has_latest: bool = False


FIRM_TOTALS: Final = SumTable(
    "firm_totals",
    ("currency",),
    (
        *("accounts", "closed_accounts", "deposited", "withdrawn"),
        *("trades", "refusals", *_VALUES, "fees", "realized_pnl", "dividends", "fractions"),
    ),
)
SYMBOL_TOTALS: Final = SumTable(
    "symbol_totals",
    ("currency", "symbol"),
    ("holders", *_TRADED, "dividends", "actions_quantity", "actions_cost"),
    has_latest=True,
)
SYMBOL_DAYS: Final = SumTable("symbol_days", ("currency", "symbol", "date"), (*_TRADED, "dividends"))
FLOW_MINUTES: Final = SumTable("flow_minutes", ("currency", "minute"), ("trades", "refusals", *_VALUES))
TABLES: Final = (FIRM_TOTALS, SYMBOL_TOTALS, SYMBOL_DAYS, FLOW_MINUTES)


class TradeGroup(NamedTuple):
    """Trades that are added to the same rows: `day` counts from 1970-01-01, `minute` is the UTC minute since then."""

    currency: str
    symbol: str
    day: int
    minute: int


class Sums:
    """What has to be added, by table and row."""

    def __init__(self) -> None:
        self.by_table: dict[SumTable, dict[Place, dict[str, int]]] = {table: {} for table in TABLES}
        self.latest: dict[Place, Latest] = {}
        """The latest price of each row of symbol_totals."""

    def add_event(self, recorded: Recorded, *, currency: str) -> None:
        """Add one event that is neither a trade nor a refusal."""
        match recorded.event:
            case CashDeposited() as event:
                amounts = {"deposited": event.amount}
            case CashWithdrawn() as event:
                amounts = {"withdrawn": event.amount}
            case AccountOpened():
                amounts = {"accounts": 1}
            case AccountClosed():
                amounts = {"closed_accounts": 1}
            case SharesSplit() as event:
                amounts = {"realized_pnl": event.realized_pnl, "fractions": event.amount}
                self._add_split(recorded, event, currency)
            case DividendPaid() as event:
                amounts = {"dividends": event.amount}
                self._add_of_symbol(currency, event.symbol, amounts, _NEVER)
                self._add(SYMBOL_DAYS, (currency, event.symbol, day(event.day)), amounts)
            case SymbolChanged() as event:
                amounts = {}
                self._add_symbol_change(recorded, event, currency)
            case PositionsMarked() as event:
                amounts = {}
                for symbol, price in event.prices.items():
                    self._add_of_symbol(currency, symbol, {}, (event.marked_at, price))
            case _:
                return
        self._add(FIRM_TOTALS, (currency,), amounts)

    def add_trades(self, group: TradeGroup, flow: list[int], latest: Latest) -> None:
        """Add trades of one group: an amount for each of `_FLOW`."""
        traded = dict(zip(_FLOW, flow, strict=True))
        holders = traded.pop("holders")
        values = {name: traded[name] for name in ("trades", *_VALUES)}
        firm, symbol = group[:1], group[:2]
        self._add(FIRM_TOTALS, firm, {**values, **{name: traded[name] for name in ("fees", "realized_pnl")}})
        self._add(SYMBOL_TOTALS, symbol, {**traded, "holders": holders})
        self._add(SYMBOL_DAYS, (*symbol, day(group.day)), traded)
        self._add(FLOW_MINUTES, (*firm, instant(group.minute * _MINUTE)), values)
        self._note_price(symbol, latest)

    def _add_split(self, recorded: Recorded, split: SharesSplit, currency: str) -> None:
        realized = {"realized_pnl": split.realized_pnl}
        moved = {
            "holders": -(split.position_quantity == 0),
            "actions_quantity": split.position_quantity - split.quantity,
            "actions_cost": -split.amount,
        }
        price = recorded.timestamp, split.price or split.mark
        self._add_of_symbol(currency, split.symbol, {**realized, **moved}, price)
        self._add(SYMBOL_DAYS, (currency, split.symbol, day(split.day)), realized)

    def _add_symbol_change(self, recorded: Recorded, changed: SymbolChanged, currency: str) -> None:
        left = {"holders": -1, "actions_quantity": -changed.quantity, "actions_cost": -changed.cost}
        came = {
            "holders": int(changed.position_quantity == changed.quantity),
            "actions_quantity": changed.quantity,
            "actions_cost": changed.cost,
        }
        self._add_of_symbol(currency, changed.symbol, left, _NEVER)
        self._add_of_symbol(currency, changed.new_symbol, came, (recorded.timestamp, changed.mark))

    def _add_of_symbol(self, currency: str, symbol: str, amounts: Mapping[str, int], latest: Latest) -> None:
        self._add(SYMBOL_TOTALS, (currency, symbol), amounts)
        self._note_price((currency, symbol), latest)

    def _note_price(self, symbol: Place, latest: Latest) -> None:
        self.latest[symbol] = max(latest, self.latest.get(symbol, latest))

    def add_refusals(self, currency: str, minute: int, count: int) -> None:
        self._add(FIRM_TOTALS, (currency,), {"refusals": count})
        self._add(FLOW_MINUTES, (currency, instant(minute * _MINUTE)), {"refusals": count})

    def _add(self, table: SumTable, place: Place, amounts: Mapping[str, int]) -> None:
        rows = self.by_table[table]
        sums = rows.get(place)
        if sums is None:
            sums = rows[place] = dict.fromkeys(table.sums, 0)
        for name, amount in amounts.items():
            sums[name] += amount


def sums_of(events: ClassifiedEvents, *, currencies: Sequence[str], currency_of: Callable[[str], str]) -> Sums:
    """Return what the events of a round add; `currencies` are those of the accounts by number, `currency_of` is asked
    for an account's id.
    """
    sums = Sums()
    names = list(dict.fromkeys(currencies))
    numbers = np.array([names.index(currency) for currency in currencies], np.int64)
    if len(events.trades):
        _add_trades(sums, events.trades, names, numbers[events.trades.accounts])
    refusals = events.refusals
    places = zip(numbers[refusals.accounts].tolist(), (refusals.recorded_at // _MINUTE).tolist(), strict=True)
    for (currency, minute), count in Counter(places).items():
        sums.add_refusals(names[currency], minute, count)
    for recorded in events.others:
        sums.add_event(recorded, currency=currency_of(recorded.account_id))
    return sums


def _add_trades(sums: Sums, trades: Columns, currencies: Sequence[str], currency_numbers: Integers) -> None:
    """Add trades, those of a group together: reduced by numpy."""
    recorded_at, prices = trades.recorded_at, trades.integers("price")
    symbols = trades.distinct("symbol", _decode_text)
    parts = (currency_numbers, symbols.numbers, trades.integers("day"), recorded_at // _MINUTE)
    order, starts = _grouped(parts)
    groups = zip(*(part[order[starts]].tolist() for part in parts), strict=True)
    flows = zip(*(_sums(column[order], starts) for column in _flows(trades)), strict=True)
    newest = np.maximum.reduceat(recorded_at[order], starts)
    is_newest = recorded_at[order] == np.repeat(newest, np.diff(np.append(starts, len(order))))
    highest = np.maximum.reduceat(np.where(is_newest, prices[order], 0), starts)
    latest = zip(newest.tolist(), highest.tolist(), strict=True)
    for (currency, symbol, day_number, minute), flow, last in zip(groups, flows, latest, strict=True):
        group = TradeGroup(currencies[currency], symbols.values[symbol], day_number, minute)
        sums.add_trades(group, list(flow), last)


def _grouped(parts: Sequence[Integers]) -> tuple[Integers, Integers]:
    """Return the places of rows, those with the same parts side by side, and where each group of them starts."""
    keys = np.zeros(len(parts[0]), np.int64)
    for part in parts:
        least = int(part.min())
        span = int(part.max()) - least + 1
        if int(keys.max()) * span >= _KEY_MAX:  # So many combinations are numbered anew.
            keys = np.unique(keys, return_inverse=True)[1]
        keys = keys * span + (part - least)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.append([True], keys[order][1:] != keys[order][:-1]))
    return order, starts


_KEY_MAX: Final = 1 << 62
_decode_text: Final = msgspec.msgpack.Decoder(str).decode


def _flows(trades: Columns) -> Iterator[Integers]:
    """Yield what each trade adds, in the order of `_FLOW`."""
    quantities, values, held = (trades.integers(name) for name in ("quantity", "value", "position_quantity"))
    sides = trades.distinct("side", _decode_text)
    is_buy = np.array([side == "BUY" for side in sides.values])[sides.numbers]
    yield np.ones(len(trades), np.int64)
    yield np.where(is_buy, quantities, 0)
    yield np.where(is_buy, values, 0)
    yield np.where(is_buy, 0, quantities)
    yield np.where(is_buy, 0, values)
    yield trades.integers("fee")
    yield trades.integers("realized_pnl")
    yield np.where(is_buy, held == quantities, -(held == 0).astype(np.int64))


def _sums(column: Integers, starts: Integers) -> list[int]:
    """Return the sum of each group, exactly: halves of 32 bits are added up, which no 64 bits are too narrow for."""
    high, low = np.add.reduceat(column >> 32, starts), np.add.reduceat(column & 0xFFFFFFFF, starts)
    return [(upper << 32) + lower for upper, lower in zip(high.tolist(), low.tolist(), strict=True)]
