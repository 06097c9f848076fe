"""How kernels are compiled: ahead of time, for declared types, with the interpreter's lock let go of while they run.

Nothing compiles while a store serves: a kernel has its signature, so it is compiled (or read from Numba's cache) when
its module is imported. A signature means C-contiguous arrays that may be written to; a read-only array is another type.

Inside a kernel no references are counted, for that costs seven times what the writing of an integer does. So a kernel
makes no array; it works on those that it is given, and its caller keeps them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

import numpy as np
from numba import njit
from numba.core.typing.templates import Signature
from numpy.typing import NDArray

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

Octets: TypeAlias = NDArray[np.uint8]
Integers: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.int32]
Table: TypeAlias = tuple[Octets, Integers]
"""Byte strings one after the other, and where each of them starts; one start more says where the last one ends."""

TABLE_SIGNATURE: Final = "u1[::1], i8[::1]"
"""What the two arrays of a Table are called in the signature of a kernel."""


_FOLDERS: Final = {Path(__file__).parent}
"""Where the modules lie that kernels are made of."""


def add_sources(folder: Path) -> None:
    """Say that kernels are made of the modules of a folder, too."""
    _FOLDERS.add(folder)


def kernel(
    signature: str | Signature | None = None,
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Compile a function now, for one signature, or as a part of the kernels that call it when it is given none."""

    def compile_one(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        options: dict[str, Any] = {"nogil": True, "_nrt": False, "forceinline": signature is None}
        compiled: Any = njit(**options)(function)
        if signature is not None:
            compiled.enable_caching()
            compiled._cache._cache_file._source_stamp = _stamp(function.__code__.co_filename)
            compiled.compile(signature)
            compiled.disable_compile()
        kernel_of: Callable[Parameters, Result] = compiled
        return kernel_of

    return compile_one


def _stamp(path: str) -> tuple[tuple[str, int, int], ...]:
    """Return what has to be the same for what is in Numba's cache to be used: every module that kernels are made of.

    Numba compares the kernel's own module, and would go on with what other ones had put into it before they changed.
    """
    files = [file for folder in {*_FOLDERS, Path(path).parent} for file in folder.glob("*.py")]
    return tuple((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in sorted(files))
