"""How kernels are compiled: ahead of time, for declared types, with the domain's rules inside them.

Nothing compiles while the platform serves: a kernel has its signature, so it is compiled (or read from Numba's cache)
when its module is imported. The interpreter's lock is let go of while a kernel runs.
"""

from collections.abc import Callable
from typing import Any, Final

from numba import njit
from numba.core.typing.templates import Signature
from numba.extending import register_jitable

from accounts.domain import risk, trades, values

RULES: Final = (
    values.multiply_divide,
    values.round_half_even,
    values.value_of,
    values.cost_removed,
    risk.breach_of,
    trades.effect_of,
    trades.fits_64_bits,
)
"""The functions of the domain that kernels call. They stay what they are for everybody else."""

for _rule in RULES:
    register_jitable(_rule)


def kernel(signature: str | Signature | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function now, for one signature, or as a part of the kernels that call it when it is given none."""
    compiled: Callable[[Callable[..., Any]], Callable[..., Any]]
    compiled = njit(nogil=True, forceinline=True) if signature is None else njit(signature, nogil=True, cache=True)
    return compiled
