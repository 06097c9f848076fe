"""The instruments that can be traded: a fixed list of 20 stocks, read once per process from
data/instruments.csv.

`is_known` and `all_symbols` are what the command side asks before it accepts a symbol: a look-up in a frozen
set, with no I/O after the first call. Not here: prices, and whether the market is open.
"""

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

INSTRUMENTS_PATH = Path(__file__).with_name("data") / "instruments.csv"


@dataclass(frozen=True, slots=True)
class Instrument:
    """What one stock is: symbol, company, GICS sector and listing exchange, as at the end of 2022."""

    symbol: str
    name: str
    sector: str
    exchange: str


class UnknownSymbol(KeyError):
    """A symbol that is not in the list of instruments."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"no instrument has the symbol {symbol!r}; known symbols: {', '.join(all_symbols())}")


def is_known(symbol: str) -> bool:
    """Tell whether an instrument has exactly this symbol (upper case)."""
    return symbol in _by_symbol()


def all_symbols() -> tuple[str, ...]:
    """Return every symbol in alphabetical order."""
    return tuple(_by_symbol())


def get_instrument(symbol: str) -> Instrument:
    """Return the instrument of this symbol, or raise `UnknownSymbol`."""
    if not is_known(symbol):
        raise UnknownSymbol(symbol)
    return _by_symbol()[symbol]


@lru_cache(maxsize=1)
def _by_symbol() -> dict[str, Instrument]:
    with INSTRUMENTS_PATH.open(encoding="utf-8", newline="") as lines:
        instruments = [Instrument(**row) for row in csv.DictReader(lines)]
    return {instrument.symbol: instrument for instrument in sorted(instruments, key=lambda each: each.symbol)}
