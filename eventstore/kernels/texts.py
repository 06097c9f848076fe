"""Short texts as rows of bytes: a column of identifiers is a matrix (n, TEXT_BYTES), each row padded with zeros.

Identifiers are compared, hashed and copied by kernels, so they are bytes of a fixed width. A zero byte is in none.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eventstore.kernels.compiling import kernel
from eventstore.kernels.octets import WORD_BYTES, get_low_word

TEXT_BYTES: Final = 64
"""Bytes of an identifier at most, in UTF-8."""

Texts: TypeAlias = NDArray[np.uint8]
Hashes: TypeAlias = NDArray[np.uint64]

_ASCII_MAX: Final = 0x7F
_UUID_BYTES: Final = 16
_UUID_PARTS: Final = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
"""The digits between the hyphens of a UUID."""
_HEX_DIGITS: Final[Texts] = np.array([list(b"%02x" % byte) for byte in range(256)], np.uint8)
_LOWEST_BITS: Final = np.uint64(0x0101010101010101)
_HIGHEST_BITS: Final = np.uint64(0x8080808080808080)
_GIVEN: Final = 0
_FREE: Final = 1
"""Counters of a table of names: how many numbers were given, and how many of them are free again."""


class TextTooLong(ValueError):
    """An identifier that does not fit a row, or that has a zero byte."""


def pack_texts(texts: Sequence[str]) -> Texts:
    """Return texts as rows; raises TextTooLong."""
    encoded = [text.encode() for text in texts]
    if max(map(len, encoded), default=0) > TEXT_BYTES or any(b"\0" in text for text in encoded):
        raise TextTooLong(f"an identifier has at most {TEXT_BYTES} bytes in UTF-8, and none of them is zero")
    joined = b"".join([text.ljust(TEXT_BYTES, b"\0") for text in encoded])
    return np.frombuffer(bytearray(joined), np.uint8).reshape(len(encoded), TEXT_BYTES)


def text_of(row: Texts) -> str:
    """Return the text of a row."""
    return row.tobytes().rstrip(b"\0").decode()


def texts_of(rows: Texts) -> list[str]:
    """Return the texts of rows; raises ValueError when a row is no text."""
    packed: list[bytes] = np.ascontiguousarray(rows).view(f"S{TEXT_BYTES}").ravel().tolist()
    texts = b"\0".join(packed).decode().split("\0") if packed else []
    if len(texts) != len(packed):
        raise ValueError(f"a text has no zero byte, found {len(texts)} texts in {len(packed)} rows")
    return texts


def are_texts(rows: Texts) -> bool:
    """Tell whether every row is a text of ASCII, of one byte at least: what is behind its first zero byte is zero."""
    octets = np.ascontiguousarray(rows).reshape(-1)
    if not octets.size:
        return True
    is_zero = octets == 0
    is_resumed = is_zero[:-1] > is_zero[1:]
    is_resumed[TEXT_BYTES - 1 :: TEXT_BYTES] = False  # Behind the end of a row the next one begins.
    return not (is_zero[::TEXT_BYTES].any() or is_resumed.any() or octets.max() > _ASCII_MAX)


def uuid_texts(random: bytes) -> Texts:
    """Return a UUID of version 4 (RFC 9562) for every 16 random bytes, in its canonical form, as rows."""
    numbers = np.frombuffer(bytearray(random), np.uint8).reshape(-1, _UUID_BYTES)
    numbers[:, 6] = numbers[:, 6] & 0x0F | 0x40
    numbers[:, 8] = numbers[:, 8] & 0x3F | 0x80
    digits = _HEX_DIGITS[numbers].reshape(len(numbers), 2 * _UUID_BYTES)
    rows = np.zeros((len(numbers), TEXT_BYTES), np.uint8)
    for hyphens, (start, end) in enumerate(_UUID_PARTS):
        rows[:, start + hyphens : end + hyphens] = digits[:, start:end]
        if hyphens:
            rows[:, start + hyphens - 1] = ord("-")
    return rows


@kernel()
def mixed(word: Any) -> Any:
    """Return a 64-bit word whose bits each depend on every bit of the given one."""
    word ^= word >> np.uint64(32)
    word *= np.uint64(0xD6E8FEB86659FD93)
    word ^= word >> np.uint64(32)
    word *= np.uint64(0xD6E8FEB86659FD93)
    word ^= word >> np.uint64(32)
    return word


@kernel()
def text_hash(texts: Texts, row: int, seed: Any) -> Any:
    """Return a 64-bit hash of a row's text, which starts from a seed. Not a cryptographic one."""
    found = seed
    for start in range(0, TEXT_BYTES, WORD_BYTES):
        word = np.uint64(get_low_word(texts, row * TEXT_BYTES + start))
        zeros = (word - _LOWEST_BITS) & ~word & _HIGHEST_BITS
        if zeros != np.uint64(0):  # The lowest bit of these is that of the first byte that is zero.
            length = start
            while zeros & np.uint64(0x80) == np.uint64(0):
                zeros >>= np.uint64(8)
                length += 1
            return mixed(found ^ np.uint64(length) ^ word)
        found = mixed(found ^ word) + np.uint64(0x9E3779B97F4A7C15)
    return mixed(found)


@kernel("void(u1[:,::1], u1[:,::1], i8[::1], u8[::1], u8[::1])")
def hash_pairs(firsts: Texts, seconds: Texts, seeds_of: Any, seeds: Hashes, hashes: Hashes) -> None:
    """Write a hash of two texts for each row; row i starts from seed `seeds_of[i]`."""
    for row in range(firsts.shape[0]):
        hashes[row] = text_hash(seconds, row, text_hash(firsts, row, seeds[seeds_of[row]]))


@kernel()
def _place_hash(texts: Texts, row: int) -> Any:
    """Return a 64-bit hash of a row for a table in memory, whose words need not wait for one another."""
    found, factor = np.uint64(0), np.uint64(0x9E3779B97F4A7C15)
    for start in range(0, TEXT_BYTES, WORD_BYTES):
        word = np.uint64(get_low_word(texts, row * TEXT_BYTES + start))
        found += (word ^ word >> np.uint64(29)) * factor
        factor += np.uint64(0xD1B54A32D192ED04)
    return mixed(found)


@kernel("i8(i4[::1], u1[:,::1], u8[::1], u1[:,::1], i8, u8)")
def _cell_of(table: Any, names: Texts, hashes: Hashes, texts: Texts, row: int, hashed: Any) -> int:
    """Return the cell of the table that has a text's number, or the empty one where it belongs."""
    mask = np.int64(table.size - 1)
    cell = np.int64(hashed & np.uint64(mask))
    while table[cell] >= 0:
        number = table[cell]
        if hashes[number] == hashed:
            differing = 0
            for start in range(0, TEXT_BYTES, WORD_BYTES):
                of_name = get_low_word(names, number * TEXT_BYTES + start)
                differing |= of_name ^ get_low_word(texts, row * TEXT_BYTES + start)
            if differing == 0:
                break
        cell = (cell + 1) & mask
    return int(cell)


@kernel("void(i4[::1], u1[:,::1], u8[::1], u1[:,::1], i8[::1])")
def _find(table: Any, names: Texts, hashes: Hashes, texts: Texts, numbers: Any) -> None:
    for row in range(texts.shape[0]):
        hashed = _place_hash(texts, row)
        numbers[row] = table[_cell_of(table, names, hashes, texts, row, hashed)]


@kernel("void(i4[::1], u1[:,::1], u8[::1], i4[::1], i8[::1], u1[:,::1], i8[::1])")
def _enter(table: Any, names: Texts, hashes: Hashes, free: Any, counters: Any, texts: Texts, numbers: Any) -> None:
    """Find rows, or add them. There has to be room for all of them."""
    for row in range(texts.shape[0]):
        hashed = _place_hash(texts, row)
        cell = _cell_of(table, names, hashes, texts, row, hashed)
        if table[cell] < 0:
            if counters[_FREE] > 0:
                counters[_FREE] -= 1
                number = np.int64(free[counters[_FREE]])
            else:
                number = counters[_GIVEN]
                counters[_GIVEN] += 1
            for place in range(TEXT_BYTES):
                names[number, place] = texts[row, place]
            hashes[number], table[cell] = hashed, number
        numbers[row] = table[cell]


@kernel("void(i4[::1], u8[::1], i4[::1], i8[::1], i8[::1])")
def _remove(table: Any, hashes: Hashes, free: Any, counters: Any, numbers: Any) -> None:
    """Take names out of the table, and move back those behind them that would not be found over the gap."""
    mask = np.int64(table.size - 1)
    for number in numbers:
        gap = np.int64(hashes[number] & np.uint64(mask))
        while table[gap] != number:
            gap = (gap + 1) & mask
        cell = (gap + 1) & mask
        while table[cell] >= 0:
            own = np.int64(hashes[table[cell]] & np.uint64(mask))
            if ((cell - own) & mask) >= ((cell - gap) & mask):
                table[gap] = table[cell]
                gap = cell
            cell = (cell + 1) & mask
        table[gap] = -1
        free[counters[_FREE]] = number
        counters[_FREE] += 1


@kernel("void(i4[::1], u8[::1], i4[::1])")
def _fill(table: Any, hashes: Hashes, smaller: Any) -> None:
    """Enter the numbers of a smaller table."""
    mask = np.int64(table.size - 1)
    for number in smaller:
        if number < 0:
            continue
        cell = np.int64(hashes[number] & np.uint64(mask))
        while table[cell] >= 0:
            cell = (cell + 1) & mask
        table[cell] = number


def _grown(rows: Any, size: int) -> Any:
    larger = np.zeros((size, *rows.shape[1:]), rows.dtype)
    larger[: len(rows)] = rows
    return larger


class NameTable:
    """Numbers 0, 1, 2 ... for texts, in the order in which they were added; the number of one that was removed is given
    again. Not safe for threads.
    """

    def __init__(self) -> None:
        self._names: Texts = np.zeros((256, TEXT_BYTES), np.uint8)
        self._hashes: Hashes = np.zeros(256, np.uint64)
        self._table = np.full(1_024, -1, np.int32)
        self._free = np.zeros(256, np.int32)
        self._counters = np.zeros(2, np.int64)

    def __len__(self) -> int:
        return int(self._counters[_GIVEN] - self._counters[_FREE])

    def find(self, texts: Texts) -> NDArray[np.int64]:
        """Return the number of each row's text, -1 for one that was not added."""
        numbers = np.empty(len(texts), np.int64)
        _find(self._table, self._names, self._hashes, texts, numbers)
        return numbers

    def enter(self, texts: Texts) -> NDArray[np.int64]:
        """Return the number of each row's text, after adding those that were not there."""
        count = len(self) + len(texts)
        if count > len(self._names):
            size = 1 << (count - 1).bit_length()
            self._names = _grown(self._names, size)
            self._hashes = _grown(self._hashes, size)
            self._free = _grown(self._free, size)
            smaller, self._table = self._table, np.full(4 * size, -1, np.int32)
            _fill(self._table, self._hashes, smaller)
        numbers = np.empty(len(texts), np.int64)
        _enter(self._table, self._names, self._hashes, self._free, self._counters, texts, numbers)
        return numbers

    def remove(self, numbers: NDArray[np.int64]) -> None:
        """Remove the texts with these numbers, each of which has one."""
        _remove(self._table, self._hashes, self._free, self._counters, numbers)

    def name(self, number: int) -> str:
        """Return the text with a number."""
        return text_of(self._names[number])

    def names(self) -> Texts:
        """Return the texts in the order of their numbers, as rows; of a table from which none was removed."""
        return self._names[: len(self)]
