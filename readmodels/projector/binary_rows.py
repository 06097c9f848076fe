"""Columns of values as PostgreSQL's binary formats, by numpy: the rows of COPY, and arrays. No object and no call of
ours for a single value, so a trade costs about a microsecond.

COPY BINARY: https://www.postgresql.org/docs/current/sql-copy.html (a row is its number of fields, then for each field
its length and its bytes, or -1 for NULL). Rows whose texts have the same lengths are of one width, and are laid out
together as one table of bytes. Arrays are as `array_recv` reads them. Not here: which columns a table has.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from eventstore.kernels.compiling import Integers, Octets

SIGNATURE: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
END: Final = b"\xff\xff"
NULL: Final = struct.pack(">i", -1)
EPOCH_MICROSECONDS: Final = 946_684_800_000_000
"""2000-01-01, from which PostgreSQL counts, in microseconds since 1970-01-01."""
EPOCH_DAYS: Final = 10_957
"""The same in days."""
_BIGINT, _BIGINTS = 20, 1016
_TEXT, _TEXTS = 25, 1009
_DATE, _DATES = 1082, 1182
_TIMESTAMPTZ, _TIMESTAMPTZS = 1184, 1185
_UUID, _UUIDS = 2950, 2951
UUID_BYTES: Final = 16


class Fixed(NamedTuple):
    """A column of one width: `form` is numpy's big-endian type of its values, which are as many as there are rows."""

    form: str
    values: NDArray[Any]


class Texts(NamedTuple):
    """A column of texts or NULLs: row i is `lengths[i]` octets from `starts[i]` on, its length word before them."""

    octets: Octets
    starts: Integers
    lengths: Integers


def integers(values: Iterable[int]) -> Fixed:
    """Return a column of bigint; raises OverflowError beyond 64 bits."""
    return Fixed(">i8", np.asarray(values, np.int64))


def instants(timestamps: Iterable[int]) -> Fixed:
    """Return a column of timestamptz, given UTC microseconds since 1970."""
    return Fixed(">i8", np.asarray(timestamps, np.int64) - EPOCH_MICROSECONDS)


def dates(days: Iterable[int]) -> Fixed:
    """Return a column of date, given days since 1970-01-01."""
    return Fixed(">i4", np.asarray(days, np.int64) - EPOCH_DAYS)


def numbers(values: Iterable[int], places: Integers) -> Fixed:
    """Return a column of integer: for row i `values[places[i]]`."""
    return Fixed(">i4", np.asarray(values, np.int32)[places])


def booleans(values: NDArray[np.bool_]) -> Fixed:
    """Return a column of boolean."""
    return Fixed("?", values)


def uuids(keys: Octets) -> Fixed:
    """Return a column of uuid, given the bytes of each: u1[n, 16]."""
    return Fixed(f"V{UUID_BYTES}", np.ascontiguousarray(keys).view(f"V{UUID_BYTES}").reshape(-1))


def texts(values: Sequence[str | None], numbers: Integers | None = None) -> Texts:
    """Return a column of texts or NULLs: of these, or, for row i, of `values[numbers[i]]`."""
    column = octet_strings([None if value is None else value.encode() for value in values])
    return column if numbers is None else Texts(column.octets, column.starts[numbers], column.lengths[numbers])


def identifiers(rows: Octets) -> Texts:
    """Return a column of texts, given each with zeros behind: u1[n, width]."""
    count, width = rows.shape
    lengths = np.count_nonzero(rows, axis=1)
    table = np.empty((count, len(NULL) + width), np.uint8)
    table[:, : len(NULL)] = lengths.astype(">i4").view(np.uint8).reshape(count, len(NULL))
    table[:, len(NULL) :] = rows
    return Texts(table.reshape(-1), np.arange(count) * table.shape[1], lengths + len(NULL))


def octets(rows: Octets) -> Texts:
    """Return a column of what PostgreSQL receives as it is, all of one width: u1[n, width]."""
    count, width = rows.shape
    table = np.empty((count, len(NULL) + width), np.uint8)
    table[:, : len(NULL)] = np.frombuffer(width.to_bytes(4, "big"), np.uint8)
    table[:, len(NULL) :] = rows
    return Texts(table.reshape(-1), np.arange(count) * table.shape[1], np.full(count, table.shape[1]))


def nulls_but(is_given: NDArray[np.bool_], column: Texts) -> Texts:
    """Return a column where that is said of a row, else NULL."""
    return either(is_given, column, texts([None], np.zeros(len(is_given), np.int64)))


def uuids_among(texts: Octets) -> tuple[Octets, NDArray[np.bool_]]:
    """Return the bytes of UUIDs u1[n, 16], given texts u1[n, width] with zeros behind, and which of the texts are UUIDs
    as PostgreSQL and Python write them; the bytes of the others mean nothing.
    """
    parts = texts[:, :_UUID_CHARACTERS]
    digits = _DIGITS[parts[:, _DIGIT_PLACES]]
    are_uuids = (
        (digits <= _DIGIT_MAX).all(1) & (parts[:, _DASH_PLACES] == ord("-")).all(1) & (texts[:, _UUID_CHARACTERS] == 0)
    )
    keys = (digits[:, 0::2] << 4) | (digits[:, 1::2] & _DIGIT_MAX)
    return keys.astype(np.uint8, copy=False), are_uuids


_UUID_CHARACTERS: Final = 36
_DASH_PLACES: Final = (8, 13, 18, 23)
_DIGIT_PLACES: Final = [place for place in range(_UUID_CHARACTERS) if place not in _DASH_PLACES]
_DIGIT_MAX: Final = 15
_DIGITS: Final = np.full(256, 255, np.uint8)
"""What a character is worth as a hexadecimal digit in lower case; 255 for any other."""
_DIGITS[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)


def octet_strings(values: Sequence[bytes | None]) -> Texts:
    """Return a column of what PostgreSQL receives as it is, such as jsonb, or NULLs."""
    cells = [NULL if each is None else len(each).to_bytes(4, "big") + each for each in values]
    lengths = np.fromiter(map(len, cells), np.int64, len(cells))
    return Texts(np.frombuffer(b"".join(cells), np.uint8), np.cumsum(lengths) - lengths, lengths)


def either(is_first: NDArray[np.bool_], first: Texts, second: Texts) -> Texts:
    """Return the first column where that is said of a row, else the second one."""
    starts = np.where(is_first, first.starts, second.starts + len(first.octets))
    return Texts(
        np.concatenate([first.octets, second.octets]), starts, np.where(is_first, first.lengths, second.lengths)
    )


def rows(fixed: Sequence[Fixed], of_texts: Sequence[Texts]) -> list[memoryview]:
    """Return the rows that these columns make side by side, those of fixed width first; rows of one width lie together,
    else they are in order.
    """
    return [
        _rows_of_one_width(fixed, of_texts, places[start : start + _ROWS_AT_ONCE])
        for places in _of_one_width(of_texts, len(fixed[0].values))
        for start in range(0, len(places), _ROWS_AT_ONCE)
    ]


_ROWS_AT_ONCE: Final = 4096
"""So many rows stay in a core's own cache while column after column is put into them."""


def _rows_of_one_width(fixed: Sequence[Fixed], of_texts: Sequence[Texts], places: Integers) -> memoryview:
    widths = tuple(int(column.lengths[places[0]]) for column in of_texts)
    empty, form = _empty_rows(tuple(column.form for column in fixed), widths)
    octets_ = empty[: len(places)].copy()  # As bytes: numpy copies records field by field.
    table = octets_.view(form)[:, 0]
    for number, column in enumerate(fixed):
        table[f"value_{number}"] = column.values[places]
    for number, text in enumerate(of_texts):
        _put(table[f"text_{number}"], text.octets, text.starts[places])
    return octets_.reshape(-1).data


@lru_cache(maxsize=32)
def _empty_rows(forms: tuple[str, ...], widths: tuple[int, ...]) -> tuple[Octets, np.dtype[np.void]]:
    """Return rows without values, u1[rows, width], and their form: with their number of fields, and the length words
    of those of fixed width.
    """
    fields = [("count", ">i2")]
    for number, form in enumerate(forms):
        fields += [(f"length_{number}", ">i4"), (f"value_{number}", form)]
    table = np.zeros(_ROWS_AT_ONCE, fields + [(f"text_{number}", f"V{width}") for number, width in enumerate(widths)])
    table["count"] = len(forms) + len(widths)
    for number, form in enumerate(forms):
        table[f"length_{number}"] = np.dtype(form).itemsize
    return table.view(np.uint8).reshape(len(table), -1), table.dtype


def _put(cells: NDArray[np.void], octets_: Octets, starts: Integers) -> None:
    """Fill a field of rows with what begins at these places of the octets."""
    width = cells.dtype.itemsize
    if starts.min() == starts.max():
        cells[:] = octets_[starts[0] : starts[0] + width].view(cells.dtype)[0]
    else:
        cells[:] = sliding_window_view(octets_, width)[starts].view(cells.dtype)[:, 0]


def _of_one_width(columns: Sequence[Texts], count: int) -> Iterator[Integers]:
    """Yield the places of rows whose texts all have the same lengths."""
    kinds = np.zeros(count, np.int64)
    for column in columns:
        if count and column.lengths.min() != column.lengths.max():
            kinds = np.unique(kinds * (column.lengths.max() + 1) + column.lengths, return_inverse=True)[1]
    for kind in range(int(kinds.max(initial=-1)) + 1):
        yield np.flatnonzero(kinds == kind)


class Array(bytes):
    """A one-dimensional array as a parameter of a statement, for the cursor of `tables.execute`."""

    oid: int


def integer_array(values: Iterable[int]) -> Array:
    """Return an array of bigint; raises OverflowError beyond 64 bits."""
    return _array(integers(values), element_oid=_BIGINT, array_oid=_BIGINTS)


def instant_array(timestamps: Iterable[int]) -> Array:
    """Return an array of timestamptz, given UTC microseconds since 1970."""
    return _array(instants(timestamps), element_oid=_TIMESTAMPTZ, array_oid=_TIMESTAMPTZS)


def date_array(days: Iterable[int]) -> Array:
    """Return an array of date, given days since 1970-01-01."""
    return _array(dates(days), element_oid=_DATE, array_oid=_DATES)


def uuid_array(keys: Octets) -> Array:
    """Return an array of uuid, given the bytes of each: u1[n, 16]."""
    return _array(uuids(keys), element_oid=_UUID, array_oid=_UUIDS)


def text_array(values: Sequence[str]) -> Array:
    """Return an array of text."""
    cells = [len(each).to_bytes(4, "big") + each for each in (value.encode() for value in values)]
    return _encoded(b"".join(cells), count=len(cells), element_oid=_TEXT, array_oid=_TEXTS)


def _array(column: Fixed, *, element_oid: int, array_oid: int) -> Array:
    count = len(column.values)
    elements = np.empty(count, np.dtype([("length", ">i4"), ("value", column.form)]))
    elements["length"] = np.dtype(column.form).itemsize
    elements["value"] = column.values
    return _encoded(elements.tobytes(), count=count, element_oid=element_oid, array_oid=array_oid)


def _encoded(elements: bytes, *, count: int, element_oid: int, array_oid: int) -> Array:
    head = struct.pack(">iiIii", 1, 0, element_oid, count, 1) if count else struct.pack(">iiI", 0, 0, element_oid)
    encoded = Array(head + elements)
    encoded.oid = array_oid
    return encoded
