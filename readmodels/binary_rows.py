"""Columns of values as PostgreSQL's binary formats: the rows of COPY, and arrays. No object and no call of ours for a
single value, so a trade costs about a microsecond.

COPY BINARY: https://www.postgresql.org/docs/current/sql-copy.html (a row is its number of fields, then for each field
its length and its bytes, or -1 for NULL). Arrays are as `array_recv` reads them. Not here: which columns a table has.
"""

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import Any, Final

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
_WIDTHS: Final = {"q": 8, "i": 4, "16s": 16}
_IS_LITTLE: Final = sys.byteorder == "little"


class Fixed:
    """A column of one width: bigint ("q"), integer or date ("i"), uuid as bytes ("16s")."""

    def __init__(self, kind: str, values: Iterable[Any]) -> None:
        self.kind = kind
        self.values = values


def instants(timestamps: Iterable[int]) -> Fixed:
    """Return a column of timestamptz, given UTC microseconds since 1970."""
    return Fixed("q", [timestamp - EPOCH_MICROSECONDS for timestamp in timestamps])


def dates(days: Iterable[int]) -> Fixed:
    """Return a column of date, given days since 1970-01-01."""
    return Fixed("i", [day - EPOCH_DAYS for day in days])


def texts(values: Iterable[str | None]) -> list[bytes]:
    """Return a column of texts or NULLs, each with its length."""
    data = [None if value is None else value.encode() for value in values]
    return [NULL if each is None else len(each).to_bytes(4, "big") + each for each in data]


def repeated_texts(values: Sequence[str | None]) -> list[bytes]:
    """Return what `texts` does, for a column in which few values come again and again."""
    encoded = dict(zip(distinct := list(set(values)), texts(distinct), strict=True))
    return [encoded[value] for value in values]


def rows(fixed: Sequence[Fixed], of_texts: Sequence[Sequence[bytes]]) -> bytes:
    """Return the rows that these columns make side by side, those of fixed width first; raises struct.error."""
    form = struct.Struct(">h" + "".join("i" + column.kind for column in fixed))
    arguments: list[Iterable[Any]] = [repeat(len(fixed) + len(of_texts))]
    for column in fixed:
        arguments += (repeat(_WIDTHS[column.kind]), column.values)
    return b"".join(chain.from_iterable(zip(map(form.pack, *arguments), *of_texts, strict=True)))


class Array(bytes):
    """A one-dimensional array as a parameter of a statement, for the cursor of `tables.execute`."""

    oid: int


def integer_array(values: Iterable[int]) -> Array:
    """Return an array of bigint."""
    return _strided(_big_endian(array("q", values)), width=8, element_oid=_BIGINT, array_oid=_BIGINTS)


def instant_array(timestamps: Iterable[int]) -> Array:
    """Return an array of timestamptz, given UTC microseconds since 1970."""
    data = _big_endian(array("q", [timestamp - EPOCH_MICROSECONDS for timestamp in timestamps]))
    return _strided(data, width=8, element_oid=_TIMESTAMPTZ, array_oid=_TIMESTAMPTZS)


def date_array(days: Iterable[int]) -> Array:
    """Return an array of date, given days since 1970-01-01."""
    data = _big_endian(array("i", [day - EPOCH_DAYS for day in days]))
    return _strided(data, width=4, element_oid=_DATE, array_oid=_DATES)


def uuid_array(keys: Iterable[bytes]) -> Array:
    """Return an array of uuid, given the bytes of each."""
    return _strided(b"".join(keys), width=16, element_oid=_UUID, array_oid=_UUIDS)


def text_array(values: Sequence[str]) -> Array:
    """Return an array of text."""
    return _array(b"".join(repeated_texts(values)), count=len(values), element_oid=_TEXT, array_oid=_TEXTS)


def _strided(data: bytes, *, width: int, element_oid: int, array_oid: int) -> Array:
    count = len(data) // width
    made = bytearray((struct.pack(">i", width) + bytes(width)) * count)
    for offset in range(width):
        made[4 + offset :: 4 + width] = data[offset::width]
    return _array(made, count=count, element_oid=element_oid, array_oid=array_oid)


def _array(elements: bytes | bytearray, *, count: int, element_oid: int, array_oid: int) -> Array:
    head = struct.pack(">iiIii", 1, 0, element_oid, count, 1) if count else struct.pack(">iiI", 0, 0, element_oid)
    encoded = Array(head + elements)
    encoded.oid = array_oid
    return encoded


def _big_endian(values: "array[Any]") -> bytes:
    if _IS_LITTLE:
        values.byteswap()
    return values.tobytes()
