"""Bars as files of the user, CSV or Parquet: the columns by their names, in any order, and each row checked.

`symbol`, `at`, `open`, `high`, `low` and `close` are there always, `volume` may be left out. In CSV a price is a
decimal with at most four places, a volume one with at most six; `at` is an instant in RFC 3339, for days a date.
Parquet may have its own types instead: timestamps in UTC, dates, decimals, integers, and floating-point numbers that
mean such a decimal (the shortest one that is read as the same number). A row that is wrong is named, with column and
value.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pyarrow
from pyarrow import parquet

from edge.instants import InvalidInstant, parse_day, parse_instant
from market.bars.definition import DAY, PRICE_MAX, Span
from market.instruments.definition import SYMBOL_LENGTH_MAX

REQUIRED: Final = ("symbol", "at", "open", "high", "low", "close")
COLUMNS: Final = (*REQUIRED, "volume")
PARQUET_ROWS_AT_ONCE: Final = 50_000
PRICE_PLACES: Final = 4
VOLUME_PLACES: Final = 6
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Row = tuple[str, int, int, int, int, int, int | None]
"""Symbol, instant in microseconds, open, high, low, close, volume."""


class UnusableFile(ValueError):
    """A file that is not imported; the message names line or row, counted from 1, column and value."""


class _WrongValue(ValueError):
    """A value that is wrong: which column it is in, and why."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def read_rows(path: Path, span: Span) -> Iterator[tuple[str, Row]]:
    """Yield each row of a file, checked, with what it is called in a message; raises UnusableFile."""
    try:
        if path.suffix.lower() == ".parquet":
            yield from _parquet_rows(path, span)
        else:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                yield from _csv_rows(csv.reader(lines, strict=True), span)
    except OSError as error:
        raise UnusableFile(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UnusableFile(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from error
    except pyarrow.ArrowException as error:
        raise UnusableFile(f"{path} is not Parquet: {str(error)[:200]}") from error


def _csv_rows(reader: Any, span: Span) -> Iterator[tuple[str, Row]]:
    try:
        names = [name.strip() for name in next(reader, [])]
        places = _places(names, "line 1")
        for values in reader:
            if not values:
                continue  # An empty line.
            called = f"line {reader.line_num}"
            if len(values) != len(names):
                raise UnusableFile(f"{called}: expected {len(names)} columns as in the header, found {len(values)}")
            yield called, _checked(called, [None if place is None else values[place] for place in places], span)
    except csv.Error as error:
        raise UnusableFile(f"line {reader.line_num}: it is not CSV: {error}") from error


def _parquet_rows(path: Path, span: Span) -> Iterator[tuple[str, Row]]:
    with parquet.ParquetFile(path) as file:
        places = _places(file.schema_arrow.names, "the schema")
        names = [name for name, place in zip(COLUMNS, places, strict=True) if place is not None]
        number = 0
        for batch in file.iter_batches(PARQUET_ROWS_AT_ONCE, columns=names):
            columns = [batch.column(name).to_pylist() for name in names]
            if len(names) < len(COLUMNS):
                columns.append([None] * batch.num_rows)
            for values in zip(*columns, strict=True):
                number += 1
                called = f"row {number}"
                yield called, _checked(called, values, span)


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


def _checked(called: str, values: Sequence[Any], span: Span) -> Row:
    try:
        symbol, at, *prices, volume = values
        if not isinstance(symbol, str) or not 1 <= len(symbol) <= SYMBOL_LENGTH_MAX:
            raise _WrongValue("symbol", f"a symbol has 1 to {SYMBOL_LENGTH_MAX} characters, found {_shown(symbol)}")
        opened, high, low, close = (
            _price(name, value) for name, value in zip(("open", "high", "low", "close"), prices, strict=True)
        )
        if high < low:
            raise _WrongValue("high", f"it is below low: high {_shown(prices[1])}, low {_shown(prices[2])}")
        for name, price, value in (("open", opened, prices[0]), ("close", close, prices[3])):
            if not low <= price <= high:
                raise _WrongValue(
                    name, f"{_shown(value)} is not between low {_shown(prices[2])} and high {_shown(prices[1])}"
                )
        return symbol, _begin(at, span), opened, high, low, close, _volume(volume, span)
    except _WrongValue as error:
        raise UnusableFile(f"{called}, column {error.column}: {error}") from None


def _price(column: str, value: Any) -> int:
    price = _scaled(column, value, PRICE_PLACES, "a price")
    if not 0 < price <= PRICE_MAX:
        raise _WrongValue(
            column, f"a price is above 0 and at most {PRICE_MAX // 10**PRICE_PLACES:,}, found {_shown(value)}"
        )
    return price


def _volume(value: Any, span: Span) -> int | None:
    if value is None or value == "":
        return None
    volume = _scaled("volume", value, VOLUME_PLACES, "a volume")
    if not 0 <= volume <= span.volume_max:
        largest = span.volume_max // 10**VOLUME_PLACES
        raise _WrongValue("volume", f"a volume is from 0 to {largest:,}, found {_shown(value)}")
    return volume


def _scaled(column: str, value: Any, places: int, what: str) -> int:
    """Return a number as an integer of its smallest unit."""
    if type(value) is str:
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
    raise _WrongValue(
        column, f"{what} is plain digits, a multiple of {Decimal(1).scaleb(-places):f}, found {_shown(value)}"
    )


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


def _begin(value: Any, span: Span) -> int:
    """Return when a bar begins, in microseconds."""
    try:
        if isinstance(value, str):
            at_us = _instant_of(value, span is DAY)
        elif isinstance(value, datetime):
            if value.tzinfo is None:
                raise _WrongValue("at", f"{_shown(value)} has no time zone: store timestamps in UTC")
            at_us = _microseconds(value)
        elif isinstance(value, date):
            at_us = _microseconds(datetime(value.year, value.month, value.day, tzinfo=UTC))
        else:
            raise _WrongValue("at", f"it is an instant, found {_shown(value)}")
    except InvalidInstant as error:
        raise _WrongValue("at", str(error)) from error
    if at_us % span.length_us:
        raise _WrongValue(
            "at", f"a bar of {span.name} begins at a full {_FULL[span.name]} in UTC, found {_shown(value)}"
        )
    return at_us


_FULL: Final = {"1m": "minute", "1h": "hour", "1d": "day"}


@lru_cache(maxsize=100_000)
def _instant_of(text: str, is_day: bool) -> int:
    """Return the instant of a text, which in a file of many symbols comes many times."""
    if is_day and len(text) == len("2026-01-31"):
        day = parse_day(text)
        return _microseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))
    return _microseconds(parse_instant(text))


def _microseconds(at: datetime) -> int:
    difference = at - _EPOCH
    return (difference.days * 86_400 + difference.seconds) * 1_000_000 + difference.microseconds


def _shown(value: Any) -> str:
    return repr(value)[:40] if isinstance(value, str) else str(value)[:40]
