"""How kernels are compiled: as those of the event store are, with the domain's rules inside them."""

from pathlib import Path
from typing import Final

from numba.extending import register_jitable

from accounts.domain import risk, trades, values
from eventstore.kernels.compiling import add_sources, kernel

__all__ = ["RULES", "kernel"]

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
add_sources(Path(values.__file__).parent)
add_sources(Path(__file__).parent)
