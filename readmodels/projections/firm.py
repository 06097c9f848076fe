"""Running sums over all accounts: what each event adds to firm_totals, symbol_totals, symbol_days and flow_minutes.

An event adds once: it is counted where its account's row moves on to its version, in the same transaction, and that row
takes each version once. Pure. Trades come as events or as columns (`plain_trades.py`); the sums are the same.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from accounts.domain.events import AccountClosed, AccountOpened, CashDeposited, CashWithdrawn, CommandRefused
from accounts.domain.events import TradeExecuted as Trade
from readmodels.projections.plain_trades import Columns
from readmodels.projections.rows import Recorded, day, instant

Place: TypeAlias = tuple[Any, ...]
Integers: TypeAlias = NDArray[np.int64]
Latest: TypeAlias = tuple[int, int]
"""When something was traded last, in UTC microseconds, and at which price."""
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
    ("partition", "currency"),
    (
        *("accounts", "closed_accounts", "deposited", "withdrawn"),
        *("trades", "refusals", *_VALUES, "fees", "realized_pnl"),
    ),
)
SYMBOL_TOTALS: Final = SumTable(
    "symbol_totals", ("partition", "currency", "symbol"), ("holders", *_TRADED), has_latest=True
)
SYMBOL_DAYS: Final = SumTable("symbol_days", ("partition", "currency", "symbol", "date"), _TRADED)
FLOW_MINUTES: Final = SumTable("flow_minutes", ("partition", "currency", "minute"), ("trades", "refusals", *_VALUES))
TABLES: Final = (FIRM_TOTALS, SYMBOL_TOTALS, SYMBOL_DAYS, FLOW_MINUTES)


class TradeGroup(NamedTuple):
    """Trades that are added to the same rows: `day` counts from 1970-01-01, `minute` is the UTC minute since then."""

    partition: int
    currency: str
    symbol: str
    day: int
    minute: int


class Sums:
    """What has to be added, by table and row."""

    def __init__(self) -> None:
        self.by_table: dict[SumTable, dict[Place, dict[str, int]]] = {table: {} for table in TABLES}
        self.latest: dict[Place, Latest] = {}
        """The latest trade of each row of symbol_totals."""

    def add_event(self, recorded: Recorded, *, partition: int, currency: str) -> None:
        """Add one event."""
        place = (partition, currency)
        match recorded.event:
            case Trade() as trade:
                group = TradeGroup(*place, trade.symbol, trade.day, recorded.commit.timestamp // _MINUTE)
                flow = dict.fromkeys(_FLOW, 0)
                what = "bought" if trade.side == "BUY" else "sold"
                flow |= {"trades": 1, f"{what}_quantity": trade.quantity, f"{what}_value": trade.value}
                flow["fees"], flow["realized_pnl"] = trade.fee, trade.realized_pnl
                flow["holders"] = _holders(trade.side, trade.quantity, trade.position_quantity)
                self.add_trades(group, list(flow.values()), (recorded.commit.timestamp, trade.price))
            case CommandRefused():
                self.add_refusals(partition, currency, recorded.commit.timestamp // _MINUTE, 1)
            case CashDeposited() as event:
                self._add(FIRM_TOTALS, place, {"deposited": event.amount})
            case CashWithdrawn() as event:
                self._add(FIRM_TOTALS, place, {"withdrawn": event.amount})
            case AccountOpened():
                self._add(FIRM_TOTALS, place, {"accounts": 1})
            case AccountClosed():
                self._add(FIRM_TOTALS, place, {"closed_accounts": 1})

    def add_trades(self, group: TradeGroup, flow: list[int], latest: Latest) -> None:
        """Add trades of one group: an amount for each of `_FLOW`."""
        traded = dict(zip(_FLOW, flow, strict=True))
        holders = traded.pop("holders")
        values = {name: traded[name] for name in ("trades", *_VALUES)}
        firm, symbol = group[:2], group[:3]
        self._add(FIRM_TOTALS, firm, {**values, **{name: traded[name] for name in ("fees", "realized_pnl")}})
        self._add(SYMBOL_TOTALS, symbol, {**traded, "holders": holders})
        self._add(SYMBOL_DAYS, (*symbol, day(group.day)), traded)
        self._add(FLOW_MINUTES, (*firm, instant(group.minute * _MINUTE)), values)
        self.latest[symbol] = max(latest, self.latest.get(symbol, latest))

    def add_refusals(self, partition: int, currency: str, minute: int, count: int) -> None:
        """Add refusals of one minute."""
        place = (partition, currency)
        self._add(FIRM_TOTALS, place, {"refusals": count})
        self._add(FLOW_MINUTES, (*place, instant(minute * _MINUTE)), {"refusals": count})

    def _add(self, table: SumTable, place: Place, amounts: Mapping[str, int]) -> None:
        rows = self.by_table[table]
        sums = rows.get(place)
        if sums is None:
            sums = rows[place] = dict.fromkeys(table.sums, 0)
        for name, amount in amounts.items():
            sums[name] += amount


def sums_of_events(
    events: Iterable[Recorded], *, partition_of: Callable[[str], int], currency_of: Callable[[str], str]
) -> Sums:
    """Return what events add; both functions are asked for an account's id."""
    sums = Sums()
    for recorded in events:
        account_id = recorded.account_id
        sums.add_event(recorded, partition=partition_of(account_id), currency=currency_of(account_id))
    return sums


def sums_of_columns(trades: Columns, refusals: Columns, currencies: Mapping[bytes, str]) -> Sums:
    """Return what plain events add; `currencies` are those of the accounts."""
    sums = Sums()
    groups, latest = _grouped(trades, currencies)
    for group, amounts in groups.items():
        sums.add_trades(group, amounts, latest[group])
    minutes = Counter(
        (partition, currencies[key], timestamp // _MINUTE)
        for partition, key, timestamp in zip(refusals.partitions, refusals.keys, refusals["recorded_at"], strict=True)
    )
    for place, count in minutes.items():
        sums.add_refusals(*place, count)
    return sums


def _grouped(
    trades: Columns, currencies: Mapping[bytes, str]
) -> tuple[dict[TradeGroup, list[int]], dict[TradeGroup, Latest]]:
    """Return the sums of each group (as `add_trades` takes them), and its latest trade: reduced by numpy."""
    if not len(trades):
        return {}, {}
    recorded_at, days = trades.integers("recorded_at"), trades.integers("day")
    prices = trades.integers("price")
    symbols, symbol_numbers = _numbered(trades["symbol"])
    known, currency_numbers = _numbered([currencies[key] for key in trades.keys])
    parts = (np.array(trades.partitions), currency_numbers, symbol_numbers, days, recorded_at // _MINUTE)
    order = np.lexsort((prices, recorded_at, *reversed(parts)))
    sorted_parts = [part[order] for part in parts]
    is_new = np.zeros(len(order), bool)
    is_new[0] = True
    for part in sorted_parts:
        is_new[1:] |= part[1:] != part[:-1]
    starts = np.flatnonzero(is_new)
    places = zip(*(part[starts].tolist() for part in sorted_parts), strict=True)
    groups = [TradeGroup(each[0], known[each[1]], symbols[each[2]], *each[3:]) for each in places]
    sums = zip(*(_sums(column[order], starts) for column in _flows(trades)), strict=True)
    newest = order[np.append(starts[1:], len(order)) - 1]
    latest = zip(recorded_at[newest].tolist(), prices[newest].tolist(), strict=True)
    return dict(zip(groups, map(list, sums), strict=True)), dict(zip(groups, latest, strict=True))


def _numbered(values: Sequence[str]) -> tuple[list[str], Integers]:
    """Return the distinct values, and the number of each place's value among them."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return list(numbers), np.fromiter(map(numbers.__getitem__, values), np.int64, len(values))


def _flows(trades: Columns) -> Iterator[Integers]:
    """Yield what each trade adds, in the order of `_FLOW`."""
    quantities, values, held = (trades.integers(name) for name in ("quantity", "value", "position_quantity"))
    is_buy = np.fromiter((side == "BUY" for side in trades["side"]), bool, len(trades))
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


def _holders(side: str, quantity: int, held: int) -> int:
    """Return by how many the accounts that hold a symbol change with a trade; `held` are its shares after it."""
    if side == "BUY":
        return 1 if held == quantity else 0
    return -1 if held == 0 else 0
