"""Several bytes of a buffer at once, for kernels: a word written whole, a stretch of bytes copied.

Numba has an array of bytes written byte by byte. These go to the memory itself; where indices are checked
(NUMBA_BOUNDSCHECK), so are theirs.
"""

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from eventstore.kernels.compiling import Octets

WORD_BYTES: Final = 8

_OCTET: Final = ir.IntType(8)
_WORD: Final = ir.IntType(64)


def _as_function(generator: Any) -> Any:
    """Return what kernels call to have this code generated."""
    return intrinsic(generator)


def _address(context: Any, builder: Any, array_type: Any, array: Any, place: Any, size: Any) -> Any:
    """Return where `size` bytes of an array are in memory; they end within the array, where indices are checked."""
    made = context.make_array(array_type)(context, builder, array)
    if config.BOUNDSCHECK:  # type: ignore[attr-defined]
        check: Any = cgutils.do_boundscheck
        last = builder.sub(builder.add(place, size), ir.Constant(_WORD, 1))
        check(context, builder, place, builder.add(made.nitems, ir.Constant(_WORD, 1)))
        with builder.if_then(builder.icmp_signed(">", size, ir.Constant(_WORD, 0))):
            check(context, builder, last, made.nitems)
    return builder.gep(builder.bitcast(made.data, _OCTET.as_pointer()), [place])


def _put_word(typing_context: Any, buffer: Any, place: Any, word: Any) -> Any:
    """Write the eight bytes of an int64 at a place, the highest first."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at, value = arguments
        address = _address(context, builder, signature.args[0], array, at, ir.Constant(_WORD, WORD_BYTES))
        builder.store(builder.bswap(value), builder.bitcast(address, _WORD.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(buffer, types.int64, types.int64), generate


def _put_low_word(typing_context: Any, buffer: Any, place: Any, word: Any) -> Any:
    """Write the eight bytes of an int64 at a place, the lowest first."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at, value = arguments
        address = _address(context, builder, signature.args[0], array, at, ir.Constant(_WORD, WORD_BYTES))
        builder.store(value, builder.bitcast(address, _WORD.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(buffer, types.int64, types.int64), generate


def _get_low_word(typing_context: Any, buffer: Any, place: Any) -> Any:
    """Return the int64 whose eight bytes stand at a place, the lowest first."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at = arguments
        address = _address(context, builder, signature.args[0], array, at, ir.Constant(_WORD, WORD_BYTES))
        return builder.load(builder.bitcast(address, _WORD.as_pointer()), align=1)

    return types.int64(buffer, types.int64), generate


def _put_octets(typing_context: Any, buffer: Any, place: Any, source: Any, start: Any, size: Any) -> Any:
    """Copy `size` bytes; both stretches may be of one buffer, and may overlap."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at, other, other_at, count = arguments
        target = _address(context, builder, signature.args[0], array, at, count)
        origin = _address(context, builder, signature.args[2], other, other_at, count)
        move = builder.module.declare_intrinsic("llvm.memmove", [target.type, origin.type, _WORD])
        builder.call(move, [target, origin, count, ir.Constant(ir.IntType(1), 0)])
        return context.get_dummy_value()

    return types.void(buffer, types.int64, source, types.int64, types.int64), generate


put_word: Final[Callable[[Octets, int, int], None]] = _as_function(_put_word)
put_low_word: Final[Callable[[Octets, int, int], None]] = _as_function(_put_low_word)
get_low_word: Final[Callable[[Octets, int], int]] = _as_function(_get_low_word)
put_octets: Final[Callable[[Octets, int, Octets, int, int], None]] = _as_function(_put_octets)
