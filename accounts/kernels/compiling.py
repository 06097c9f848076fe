"""How kernels are compiled: as those of the event store are, with the domain's rules inside them."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from numba.core.typing.templates import Signature
from numba.extending import register_jitable

from accounts.domain import fees, order_terms, orders, risk, trades, values
from eventstore.kernels import compiling

__all__ = ["RULES", "kernel"]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

RULES: Final = (
    values.multiply_divide,
    values.round_half_even,
    values.value_of,
    values.value_rounded_up,
    values.cost_removed,
    order_terms.is_no_worse,
    order_terms.terms_breach_of,
    order_terms.market_price_of,
    order_terms.reserve_for,
    order_terms.cash_reserved,
    fees.order_fee,
    fees.fee_of,
    fees.fee_fits_64_bits,
    orders.fill_breach_of,
    risk.price_bound,
    risk.breach_of,
    trades.effect_of,
    trades.fits_64_bits,
)
"""The functions of the domain that kernels call. They stay what they are for everybody else."""

_SOURCES: Final = (Path(values.__file__).parent, Path(__file__).parent)

for _rule in RULES:
    register_jitable(_rule)


def kernel(
    signature: str | Signature | None = None,
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Compile a function now, for one signature, or as a part of the kernels that call it when it is given none."""
    return compiling.kernel(signature, sources=_SOURCES)
