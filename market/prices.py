"""The real daily closes: 20 stocks, 2015 to 2022, read once per process from data/closes.csv.gz.

The figures are closes adjusted for splits and dividends, as data vendors give them, with three decimals. They
are history and never change; where they come from is in data/README.md. Not here: anything within a day
(`intraday`).
"""

import csv
import gzip
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from market.money import parse_money, round_to_tick

CLOSES_PATH = Path(__file__).with_name("data") / "closes.csv.gz"


class UnknownSymbol(KeyError):
    """A symbol that the data have no closes of."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"there are no closes of {symbol!r}; those that there are: {', '.join(replayed_symbols())}")


@dataclass(frozen=True, slots=True)
class DailyCloses:
    """All closes: the trading days in order, and for each symbol one price per day, in ten-thousandths."""

    days: tuple[date, ...]
    by_symbol: Mapping[str, Sequence[int]]


@lru_cache(maxsize=1)
def daily_closes() -> DailyCloses:
    """Return every close of the data."""
    with gzip.open(CLOSES_PATH, "rt", encoding="ascii", newline="") as lines:
        header, *rows = csv.reader(lines)
    columns = {symbol: array("q", (parse_money(row[i]) for row in rows)) for i, symbol in enumerate(header) if i}
    return DailyCloses(days=tuple(date.fromisoformat(row[0]) for row in rows), by_symbol=MappingProxyType(columns))


def replayed_symbols() -> tuple[str, ...]:
    """Return the symbols that there are closes of, in alphabetical order."""
    return tuple(sorted(daily_closes().by_symbol))


def closes_of(symbol: str) -> Sequence[int]:
    """Return the exact adjusted closes of one symbol, one per trading day, in ten-thousandths."""
    try:
        return daily_closes().by_symbol[symbol]
    except KeyError:
        raise UnknownSymbol(symbol) from None


def close_price(*, symbol: str, day_index: int) -> int:
    """Return the price that a symbol closes at on the day of this index of the calendar: the close, to the
    cent.
    """
    return round_to_tick(closes_of(symbol)[day_index])
