"""Bars as files of the user, CSV or Parquet: the columns by their names, in any order, and each row checked.

`symbol`, `at`, `open`, `high`, `low` and `close` are there always, `volume` may be left out. In CSV a price is a
decimal with at most four places, a volume one with at most six; `at` is an instant in RFC 3339, for days a date.
Parquet may have its own types instead: timestamps in UTC, dates, decimals, integers, and floating-point numbers that
mean such a decimal (the shortest one that is read as the same number). A row that is wrong is named, with column and
value.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow
from pyarrow import parquet

from edge.instants import InvalidInstant, parse_day, parse_instant
from market.bars.definition import DAY, PRICE_MAX, Span

REQUIRED: Final = ("symbol", "at", "open", "high", "low", "close")
COLUMNS: Final = (*REQUIRED, "volume")
PARQUET_ROWS_AT_ONCE: Final = 50_000
VALUES_HELD_MAX: Final = 200_000
"""Of each column, so many different values are remembered."""
PRICE_PLACES: Final = 4
VOLUME_PLACES: Final = 6
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Row = tuple[str, int, int, int, int, int, int | None]
"""Symbol, instant in microseconds, open, high, low, close, volume."""


class UnusableFile(ValueError):
    """A file that is not imported; the message names line or row, counted from 1, column and value."""


class _WrongValue(ValueError):
    """A value that is wrong, and why."""


class _Values(dict[Any, Any]):
    """What the texts and values of a column mean: in a file of a million rows most come many times."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, value: Any) -> Any:
        if len(self) >= VALUES_HELD_MAX:
            self.clear()
        found = self[value] = self._read(value)
        return found


class _Checker:
    """Checks the rows of a file, one after the other; raises UnusableFile."""

    def __init__(self, span: Span) -> None:
        self._at = _Values(partial(_begin, span=span))
        self._prices = _Values(_price)
        self._volumes = _Values(partial(_volume, span=span))

    def row(self, called: Callable[[], str], values: Sequence[Any]) -> Row:
        """Return the row of these values, in the order of COLUMNS; `called` says what to call it when it is wrong."""
        symbol, at, opens, highs, lows, closes, volume = values
        prices = self._prices
        try:
            row = (
                symbol,
                self._at[at],
                prices[opens],
                prices[highs],
                prices[lows],
                prices[closes],
                self._volumes[volume],
            )
        except (_WrongValue, TypeError):
            raise UnusableFile(f"{called()}, {self._wrong(values)}") from None
        if not (isinstance(symbol, str) and row[4] <= row[2] <= row[3] and row[4] <= row[5] <= row[3] and symbol):
            raise UnusableFile(f"{called()}, {self._wrong(values)}")
        return row

    def _wrong(self, values: Sequence[Any]) -> str:
        """Return which value of a wrong row is wrong, and why."""
        symbol, at, *prices, volume = values
        readers = (self._at, *[self._prices] * 4, self._volumes)
        for column, value, known in zip(COLUMNS[1:], (at, *prices, volume), readers, strict=True):
            try:
                known._read(value)
            except _WrongValue as error:
                return f"column {column}: {error}"
        if not isinstance(symbol, str) or not symbol:
            return f"column symbol: a symbol is a text, found {_shown(symbol)}"
        opened, high, low, _ = (self._prices[price] for price in prices)
        shown = f"low {_shown(prices[2])} and high {_shown(prices[1])}"
        if high < low:
            return f"column high: it is below low: high {_shown(prices[1])}, low {_shown(prices[2])}"
        column, price = ("open", prices[0]) if not low <= opened <= high else ("close", prices[3])
        return f"column {column}: {_shown(price)} is not between {shown}"


def read_rows(path: Path, span: Span) -> Iterator[tuple[int, Row]]:
    """Yield each row of a file, checked, with the number of its line or row; raises UnusableFile."""
    try:
        if path.suffix.lower() == ".parquet":
            yield from _parquet_rows(path, _Checker(span))
        else:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                yield from _csv_rows(csv.reader(lines, strict=True), _Checker(span))
    except OSError as error:
        raise UnusableFile(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UnusableFile(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from error
    except pyarrow.ArrowException as error:
        raise UnusableFile(f"{path} is not Parquet: {str(error)[:200]}") from error


def _csv_rows(reader: Any, checker: _Checker) -> Iterator[tuple[int, Row]]:
    def called() -> str:
        return f"line {reader.line_num}"

    try:
        names = [name.strip() for name in next(reader, [])]
        places = _places(names, "line 1")
        for values in reader:
            if len(values) == len(names):
                yield reader.line_num, checker.row(called, [None if each is None else values[each] for each in places])
            elif values:  # Else an empty line.
                raise UnusableFile(f"{called()}: expected {len(names)} columns as in the header, found {len(values)}")
    except csv.Error as error:
        raise UnusableFile(f"{called()}: it is not CSV: {error}") from error


def _parquet_rows(path: Path, checker: _Checker) -> Iterator[tuple[int, Row]]:
    with parquet.ParquetFile(path) as file:
        places = _places(file.schema_arrow.names, "the schema")
        names = [name for name, place in zip(COLUMNS, places, strict=True) if place is not None]
        for name in names:
            if pyarrow.types.is_boolean(file.schema_arrow.field(name).type):  # True would count as 1.
                raise UnusableFile(f"the schema: the column {name} is of true and false")
        number = 0

        def called() -> str:
            return f"row {number}"

        for batch in file.iter_batches(PARQUET_ROWS_AT_ONCE, columns=names):
            columns = [batch.column(name).to_pylist() for name in names]
            if len(names) < len(COLUMNS):
                columns.append([None] * batch.num_rows)
            for values in zip(*columns, strict=True):
                number += 1
                yield number, checker.row(called, values)


def _places(names: Sequence[str], where: str) -> list[int | None]:
    """Return where each of COLUMNS is, None for what is left out."""
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise UnusableFile(f"{where}: there is no column {unknown[0][:40]!r}: there are {', '.join(COLUMNS)}")
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        raise UnusableFile(f"{where}: the column {doubled[0]} is there twice")
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise UnusableFile(f"{where}: the column {missing[0]} is missing, found {','.join(names)[:80] or 'nothing'}")
    return [names.index(name) if name in names else None for name in COLUMNS]


def _price(value: Any) -> int:
    price = _scaled(value, PRICE_PLACES, "a price")
    if not 0 < price <= PRICE_MAX:
        raise _WrongValue(f"a price is above 0 and at most {PRICE_MAX // 10**PRICE_PLACES:,}, found {_shown(value)}")
    return price


def _volume(value: Any, *, span: Span) -> int | None:
    if value is None or value == "":
        return None
    volume = _scaled(value, VOLUME_PLACES, "a volume")
    if not 0 <= volume <= span.volume_max:
        largest = span.volume_max // 10**VOLUME_PLACES
        raise _WrongValue(f"a volume is from 0 to {largest:,}, found {_shown(value)}")
    return volume


def _scaled(value: Any, places: int, what: str) -> int:
    """Return a number as an integer of its smallest unit."""
    if isinstance(value, str):
        scaled = _plain(value, places)
        if scaled is not None:
            return scaled
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            exact = Decimal(repr(value) if isinstance(value, float) else value).scaleb(places)
            if exact.is_finite() and exact == exact.to_integral_value():
                return int(exact)
        except InvalidOperation:
            pass
    raise _WrongValue(f"{what} is plain digits, a multiple of {Decimal(1).scaleb(-places):f}, found {_shown(value)}")


def _plain(text: str, places: int) -> int | None:
    """Return a decimal in its smallest unit, None for what is none."""
    whole, _, fraction = text.removeprefix("-").partition(".")
    digits = whole + fraction
    if not (whole and digits.isascii() and digits.isdigit() and len(whole) <= 15) or text.endswith("."):
        return None
    if len(fraction) > places:
        if fraction[places:].strip("0"):
            return None
        fraction = fraction[:places]
    value = int(whole + fraction.ljust(places, "0"))
    return -value if text[0] == "-" else value


def _begin(value: Any, *, span: Span) -> int:
    """Return when a bar begins, in microseconds."""
    try:
        if isinstance(value, str) and not (span is DAY and len(value) == len("2026-01-31")):
            at_us = _microseconds(parse_instant(value))
        elif isinstance(value, datetime):
            if value.tzinfo is None:
                raise _WrongValue(f"{_shown(value)} has no time zone: store timestamps in UTC")
            at_us = _microseconds(value)
        elif isinstance(value, str | date):
            day = parse_day(value) if isinstance(value, str) else value
            at_us = _microseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))
        else:
            raise _WrongValue(f"it is an instant, found {_shown(value)}")
    except InvalidInstant as error:
        raise _WrongValue(str(error)) from error
    if at_us % span.length_us:
        raise _WrongValue(f"a bar of {span.name} begins at a full {_FULL[span.name]} in UTC, found {_shown(value)}")
    return at_us


_FULL: Final = {"1m": "minute", "1h": "hour", "1d": "day"}


def _microseconds(at: datetime) -> int:
    difference = at - _EPOCH
    return (difference.days * 86_400 + difference.seconds) * 1_000_000 + difference.microseconds


def _shown(value: Any) -> str:
    return repr(value)[:40] if isinstance(value, str) else str(value)[:40]
