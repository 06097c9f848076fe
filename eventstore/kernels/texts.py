"""Short texts as rows of bytes: a column of identifiers is a matrix (n, TEXT_BYTES), each row padded with zeros.

Identifiers are compared, hashed and copied by kernels, so they are bytes of a fixed width. A zero byte is in none.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eventstore.kernels.compiling import kernel

TEXT_BYTES: Final = 64
"""Bytes of an identifier at most, in UTF-8."""

Texts: TypeAlias = NDArray[np.uint8]
Hashes: TypeAlias = NDArray[np.uint64]


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
    """Return the texts of rows."""
    texts: list[bytes] = np.ascontiguousarray(rows).view(f"S{TEXT_BYTES}").ravel().tolist()
    return b"\0".join(texts).decode().split("\0") if texts else []


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
    found, word = seed, np.uint64(0)
    for place in range(TEXT_BYTES):
        byte = texts[row, place]
        if byte == 0:
            found ^= np.uint64(place)
            break
        word |= np.uint64(byte) << np.uint64(8 * (place & 7))
        if place & 7 == 7:
            found = mixed(found ^ word) + np.uint64(0x9E3779B97F4A7C15)
            word = np.uint64(0)
    return mixed(found ^ word)


@kernel("void(u1[:,::1], u1[:,::1], i8[::1], u8[::1], u8[::1])")
def hash_pairs(firsts: Texts, seconds: Texts, seeds_of: Any, seeds: Hashes, hashes: Hashes) -> None:
    """Write a hash of two texts for each row; row i starts from seed `seeds_of[i]`."""
    for row in range(firsts.shape[0]):
        hashes[row] = text_hash(seconds, row, text_hash(firsts, row, seeds[seeds_of[row]]))


@kernel("i8(i4[::1], u1[:,::1], u8[::1], u1[:,::1], i8, u8)")
def _cell_of(table: Any, names: Texts, hashes: Hashes, texts: Texts, row: int, hashed: Any) -> int:
    """Return the cell of the table that has a text's number, or the empty one where it belongs."""
    mask = np.int64(table.size - 1)
    cell = np.int64(hashed & np.uint64(mask))
    while table[cell] >= 0:
        number = table[cell]
        if hashes[number] == hashed:
            place = 0
            while place < TEXT_BYTES and names[number, place] == texts[row, place]:
                place += 1
            if place == TEXT_BYTES:
                break
        cell = (cell + 1) & mask
    return int(cell)


@kernel("void(i4[::1], u1[:,::1], u8[::1], u1[:,::1], i8[::1])")
def _find(table: Any, names: Texts, hashes: Hashes, texts: Texts, numbers: Any) -> None:
    for row in range(texts.shape[0]):
        hashed = text_hash(texts, row, np.uint64(0))
        numbers[row] = table[_cell_of(table, names, hashes, texts, row, hashed)]


@kernel("void(i4[::1], u8[::1], i8)")
def _fill(table: Any, hashes: Hashes, count: int) -> None:
    mask = np.int64(table.size - 1)
    for number in range(count):
        cell = np.int64(hashes[number] & np.uint64(mask))
        while table[cell] >= 0:
            cell = (cell + 1) & mask
        table[cell] = number


@kernel("u8(u1[:,::1])")
def _hash_of_first(texts: Texts) -> Any:
    return text_hash(texts, 0, np.uint64(0))


class NameTable:
    """Numbers 0, 1, 2 ... for texts, in the order in which they were added. Not safe for threads."""

    def __init__(self) -> None:
        self._names: Texts = np.zeros((256, TEXT_BYTES), np.uint8)
        self._hashes: Hashes = np.zeros(256, np.uint64)
        self._table = np.full(1_024, -1, np.int32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def find(self, texts: Texts) -> NDArray[np.int64]:
        """Return the number of each row's text, -1 for one that was not added."""
        numbers = np.empty(len(texts), np.int64)
        _find(self._table, self._names, self._hashes, texts, numbers)
        return numbers

    def add(self, text: Texts) -> int:
        """Add a text, a matrix of one row, that is not there yet; return its number."""
        number = self._count
        if number == len(self._names):
            self._names = np.concatenate([self._names, np.zeros_like(self._names)])
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
            self._table = np.full(4 * len(self._names), -1, np.int32)
            _fill(self._table, self._hashes, number)
        hashed = _hash_of_first(text)
        cell = _cell_of(self._table, self._names, self._hashes, text, 0, hashed)
        self._names[number], self._hashes[number], self._table[cell] = text[0], hashed, number
        self._count = number + 1
        return number

    def name(self, number: int) -> str:
        """Return the text with a number."""
        return text_of(self._names[number])
