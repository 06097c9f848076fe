"""How kernels are compiled: ahead of time, for declared types, with the interpreter's lock let go of while they run.

Nothing compiles while a store serves: a kernel has its signature, so it is compiled (or read from the cache: cache.py)
when its module is imported. A signature means C-contiguous arrays that may be written to; a read-only array is another
type.

Inside a kernel no references are counted, for that costs seven times what the writing of an integer does. So a kernel
makes no array; it works on those that it is given, and its caller keeps them.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

import numpy as np
from numba import njit
from numba.core.typing.templates import Signature
from numpy.typing import NDArray

from eventstore.integrity import hashing
from eventstore.kernels.cache import CannotBeKept, KernelCache, say_once

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

Octets: TypeAlias = NDArray[np.uint8]
Integers: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.int32]
Table: TypeAlias = tuple[Octets, Integers]
"""Byte strings one after the other, and where each of them starts; one start more says where the last one ends."""

TABLE_SIGNATURE: Final = "u1[::1], i8[::1]"
"""What the two arrays of a Table are called in the signature of a kernel."""


_SOURCES: Final = (Path(__file__).parent, Path(hashing.__file__).parent)
"""Where the modules lie that every kernel may be made of."""


def kernel(
    signature: str | Signature | None = None, *, sources: Iterable[Path] = ()
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Compile a function now, for one signature, or as a part of the kernels that call it when it is given none.

    `sources` are folders of modules that it is made of, besides those of this package and its own.
    """

    def compile_one(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        options: dict[str, Any] = {"nogil": True, "_nrt": False, "forceinline": signature is None}
        compiled: Any = njit(**options)(function)
        if signature is not None:
            _compile(compiled, signature, {*_SOURCES, *sources, Path(function.__code__.co_filename).parent})
        kernel_of: Callable[Parameters, Result] = compiled
        return kernel_of

    return compile_one


def _compile(compiled: Any, signature: str | Signature, folders: Iterable[Path]) -> None:
    try:
        kept = KernelCache(compiled.py_func, folders)
    except CannotBeKept as error:
        say_once(str(error))
        compiled.compile(signature)
    else:
        compiled._cache = kept
        try:
            compiled.compile(signature)
        finally:
            kept.close()
    compiled.disable_compile()
