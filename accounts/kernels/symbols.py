"""The symbols that the scanners of batches know, and the steps of each: a table that costs the same for ten thousand
instruments as for twenty.

A symbol becomes a number while it is read, and is looked up by that. A batch carries only those symbols that it names.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from accounts.kernels.compiling import kernel
from accounts.kernels.state import Integers
from accounts.kernels.trades import Bytes

Words: TypeAlias = NDArray[np.uint64]

_QUOTE: Final = ord('"')

SYMBOL_BYTES_MAX: Final = 12
_SYMBOL_BYTES: Final = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", np.uint8)
_SYMBOL_BASE: Final = np.uint64(len(_SYMBOL_BYTES) + 1)
"""A symbol is a number in this base, below 2**64, and 0 is none."""
_SYMBOL_DIGITS: Final = np.zeros(256, np.uint64)
"""What each byte of a symbol counts; 0 for what has no place in one."""
_SYMBOL_DIGITS[_SYMBOL_BYTES] = np.arange(1, len(_SYMBOL_BYTES) + 1)
_CELLS_PER_SYMBOL: Final = 4
LOT: Final = 0
PRICE_INCREMENT: Final = 1


@kernel()
def _cell_of(word: int, cells: int) -> Any:
    """Return the cell where the search for a symbol's word starts; `cells` is a power of two."""
    mixed = np.uint64(word) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64(mixed >> np.uint64(40)) & (cells - 1)


@kernel("i8(u8, u8[::1])")
def _symbol_cell(word: Any, words: Words) -> Any:
    """Return the cell that holds a symbol's word, or the empty one where it belongs."""
    cell = _cell_of(word, words.size)
    while words[cell] != word and words[cell] != 0:
        cell = (cell + 1) & (words.size - 1)
    return cell


@kernel("void(u8[::1], u8[::1], i4[::1])")
def _enter_symbols(entered: Words, words: Words, numbers: NDArray[np.int32]) -> None:
    """Enter symbols, by their words, into an empty table; a word of 0 is none."""
    for number in range(entered.size):
        if entered[number] != 0:
            cell = _symbol_cell(entered[number], words)
            words[cell], numbers[cell] = entered[number], number


class SymbolTable:
    """Symbols by their numbers, which are their places in `texts`, as an open-addressed table of 64-bit words.

    A symbol of more than SYMBOL_BYTES_MAX characters, or of other than capital letters, digits, dots and hyphens, is in
    `texts` alone: the scanner never finds it, so entries that name it are not plain.
    """

    def __init__(self, texts: Sequence[str], steps: Integers) -> None:
        """`steps` has a row of LOT and PRICE_INCREMENT for each symbol, of which its figures are multiples."""
        assert len(set(texts)) == len(texts) == len(steps), "each symbol is there once, with its steps"
        self.texts: Final = tuple(texts)
        self.steps: Final = steps
        cells = 1 << max(1, _CELLS_PER_SYMBOL * len(self.texts) - 1).bit_length()
        self.words: Final[Words] = np.zeros(cells, np.uint64)
        """The symbols as words; 0 in an empty cell."""
        self.numbers: Final[NDArray[np.int32]] = np.zeros(cells, np.int32)
        """The numbers of the symbols in the same cells."""
        _enter_symbols(_words_of(self.texts), self.words, self.numbers)


def _words_of(texts: Sequence[str]) -> Words:
    """Return the symbols' words, 0 for a text that the scanner does not find."""
    fitting = [text if len(text) <= SYMBOL_BYTES_MAX and text.isascii() else "" for text in texts]
    octets = np.array(fitting, f"S{SYMBOL_BYTES_MAX}").view(np.uint8).reshape(len(texts), SYMBOL_BYTES_MAX)
    words, is_wrong = np.zeros(len(texts), np.uint64), np.zeros(len(texts), np.bool_)
    for column in octets.T:
        digits = _SYMBOL_DIGITS[column]
        is_wrong |= (digits == 0) & (column != 0)
        words = np.where(column == 0, words, words * _SYMBOL_BASE + digits)
    words[is_wrong] = 0
    return words


@kernel()
def symbol_at(buffer: Bytes, at: int, words: Words, numbers: NDArray[np.int32]) -> tuple[int, int]:
    """Return the number of a symbol and the place behind its quote, which is -1 for an unknown one."""
    word, length = np.uint64(0), 0
    while True:
        byte = buffer[at + length]
        if byte == _QUOTE:
            break
        digit = _SYMBOL_DIGITS[byte]
        if digit == 0 or length == SYMBOL_BYTES_MAX:
            return 0, -1
        word = word * _SYMBOL_BASE + digit
        length += 1
    cell = _symbol_cell(word, words)
    return numbers[cell], at + length + 1 if words[cell] != 0 else -1


@kernel()
def is_in_steps(trade: Any, steps: Integers) -> bool:
    """Tell whether quantity and price are multiples of what those of the symbol are."""
    symbol = trade["symbol"]
    return trade["quantity"] % steps[symbol, LOT] == 0 and trade["price"] % steps[symbol, PRICE_INCREMENT] == 0


def named_symbols(numbers: NDArray[np.int32], is_plain: NDArray[np.bool_], symbols: SymbolTable) -> list[str]:
    """Return the symbols that plain entries name, and make their numbers places among those."""
    is_named = np.zeros(len(symbols.texts), np.bool_)
    is_named[numbers[is_plain]] = True
    named = np.flatnonzero(is_named)
    places = np.zeros(len(symbols.texts), np.int32)
    places[named] = np.arange(len(named))
    numbers[is_plain] = places[numbers[is_plain]]
    return [symbols.texts[number] for number in named.tolist()]
