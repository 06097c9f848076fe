"""How kernels are compiled: ahead of time, for declared types, with the interpreter's lock let go of while they run.

Nothing compiles while a store serves: a kernel has its signature, so it is compiled (or read from Numba's cache) when
its module is imported. A signature means C-contiguous arrays that may be written to; a read-only array is another type.

Inside a kernel no references are counted, for that costs seven times what the writing of an integer does. So a kernel
makes no array; it works on those that it is given, and its caller keeps them.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

Octets: TypeAlias = NDArray[np.uint8]
Integers: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.int32]
Table: TypeAlias = tuple[Octets, Integers]
"""Byte strings one after the other, and where each of them starts; one start more says where the last one ends."""

TABLE_SIGNATURE = "u1[::1], i8[::1]"
"""What the two arrays of a Table are called in the signature of a kernel."""


def kernel(signature: str | None = None) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Compile a function now, for one signature, or inside the kernels that call it when it is given none."""

    options: dict[str, Any] = {"nogil": True, "_nrt": False}
    compiler = njit(**options) if signature is None else njit(signature, cache=True, **options)

    def compile_one(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        compiled: Callable[Parameters, Result] = compiler(function)
        return compiled

    return compile_one
