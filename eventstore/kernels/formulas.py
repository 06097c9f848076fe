"""What an application says that columns follow from, worked out by a kernel: the same when written and when read.

The columns of one type of events are a matrix i8[columns, rows], flat, `stride` apart. An instruction adds to what is
expected of each row; all arithmetic is that of 64 bits and wraps around, so whatever a value is, less what is expected
and plus the same again it is the value. A cell that numbers a value counts as 0 here.
"""

from typing import Any, Final

import numpy as np

from eventstore.kernels.compiling import Integers, Octets, kernel
from eventstore.kernels.message_pack import VALUE_BASE, VALUE_LIMIT, put_integer

ADD: Final = 0
"""constant x a"""
PRODUCT: Final = 1
"""a x b / constant, rounded half to even"""
QUOTIENT: Final = 2
"""a / constant, rounded down"""

OPERATION: Final = 0
FIRST: Final = 1
SECOND: Final = 2
CONSTANT: Final = 3
CONDITION_COLUMN: Final = 4
"""Of the column that says which rows an instruction is for; -1 when it is for all of them."""
CONDITION_VALUE: Final = 5
"""The value that this column has then, as a number in the table of conditions."""
INSTRUCTION_CELLS: Final = 6


@kernel("void(i8[::1], i8, i8, i8, i8[:,::1], i8, i8, i8[::1], i8[::1])")
def expect(
    matrix: Integers,
    start: int,
    stride: int,
    rows: int,
    instructions: Integers,
    begin: int,
    end: int,
    conditions: Integers,
    expected: Integers,
) -> None:
    """Write what instructions `begin` to `end` make of the columns that begin at `start`."""
    for row in range(rows):
        expected[row] = 0
    for number in range(begin, end):
        operation, constant = instructions[number, OPERATION], instructions[number, CONSTANT]
        first = start + instructions[number, FIRST] * stride
        second = start + instructions[number, SECOND] * stride
        marks, wanted, is_for_all = first, np.int64(0), instructions[number, CONDITION_COLUMN] < 0
        if not is_for_all:
            marks = start + instructions[number, CONDITION_COLUMN] * stride
            wanted = conditions[instructions[number, CONDITION_VALUE]]
        if operation == ADD:
            for row in range(rows):  # Without a branch: which rows a condition is for cannot be foreseen.
                value = matrix[first + row]
                is_meant = (value >= VALUE_LIMIT) & (is_for_all | (matrix[marks + row] == wanted))
                expected[row] += constant * value if is_meant else 0
            continue
        for row in range(rows):
            value = matrix[first + row]
            if value < VALUE_LIMIT or not (is_for_all or matrix[marks + row] == wanted):
                continue
            if operation == QUOTIENT:
                expected[row] += value // constant
            elif matrix[second + row] >= VALUE_LIMIT:
                product = value * matrix[second + row]
                quotient = product // constant
                rest = product - quotient * constant
                half = constant - rest
                expected[row] += quotient + (1 if rest > half or (rest == half and quotient & 1) else 0)


@kernel("i8(u1[::1], i8, i8)")
def token_size(octets: Octets, at: int, end: int) -> int:
    """Return how many bytes a MessagePack scalar has that begins at a place, 0 when none does or it ends too late."""
    if at >= end:
        return 0
    head, size = int(octets[at]), 0
    if head < 0x80 or head >= 0xE0 or head == 0xC0 or head == 0xC2 or head == 0xC3:
        size = 1
    elif 0xA0 <= head < 0xC0:
        size = 1 + (head & 0x1F)
    elif 0xCC <= head <= 0xCF:
        size = 1 + (1 << (head - 0xCC))
    elif 0xD0 <= head <= 0xD3:
        size = 1 + (1 << (head - 0xD0))
    elif head == 0xCB:
        size = 9
    elif head == 0xD9 and at + 1 < end:
        size = 2 + int(octets[at + 1])
    return size if at + size <= end else 0


@kernel("i8(u1[::1], i8, i8, u1[::1])")
def integer_token(octets: Octets, at: int, size: int, scratch: Octets) -> int:
    """Return the integer that a scalar is, as a cell; VALUE_BASE when it is none, or not in its smallest form."""
    head = int(octets[at])
    if head < 0x80:
        return head
    if head >= 0xE0:
        return head - 256
    if head < 0xCC or head > 0xD3:
        return VALUE_BASE
    word = np.uint64(0)
    for index in range(1, size):
        word = word << np.uint64(8) | np.uint64(octets[at + index])
    bits = 8 * (size - 1)
    value: Any = np.int64(word << np.uint64(64 - bits)) >> np.int64(64 - bits) if head >= 0xD0 else np.int64(word)
    if value < VALUE_LIMIT or put_integer(scratch, 0, value) != size:
        return VALUE_BASE
    for index in range(size):
        if scratch[index] != octets[at + index]:
            return VALUE_BASE
    return int(value)
