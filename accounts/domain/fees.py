"""Fees: a schedule for each account, and what an order costs by it.

The fee of an order is a function of what is filled of it in all:

    F = per order + max(minimum, per share x shares + basis points x value),    and F of nothing is 0.

Each of the two products is rounded by itself, half to even, to a ten-thousandth. The fee of a fill is F after it less F
before it, by the schedule of the moment: so what is due once an order is charged with its first fill, whatever number
of fills there is, and no fee is negative, for F never falls. A trade of no order is charged as an order that it fills
whole.

`order_fee`, `fee_of` and `fee_fits_64_bits` are functions of integers alone, and also run compiled (see values.py).
"""

from typing import Final, NamedTuple

from accounts.domain.values import BASIS_POINTS, SHARE, round_half_even

FEE_FITS: Final = 2e18
"""A fee below it can be added to the cash and to the value of a trade on 64 bits."""
PRODUCT_FITS: Final = 5e33
"""Below 2**112, see values.multiply_divide."""


class FeeSchedule(NamedTuple):
    """What an account's orders cost: money in ten-thousandths, `per_share` for one share, `basis_points` of the value.

    0 is none.
    """

    per_order: int = 0
    per_share: int = 0
    basis_points: int = 0
    minimum: int = 0


NO_FEES: Final = FeeSchedule()


def order_fee(per_order: int, per_share: int, basis_points: int, minimum: int, quantity: int, value: int) -> int:
    """Return what an order costs of which so many millionths of a share are filled, for this value in all."""
    if quantity == 0:
        return 0
    by_size = round_half_even(per_share, quantity, SHARE) + round_half_even(basis_points, value, BASIS_POINTS)
    return per_order + max(minimum, by_size)


def fee_of(
    per_order: int,
    per_share: int,
    basis_points: int,
    minimum: int,
    quantity: int,
    value: int,
    filled_quantity: int,
    filled_value: int,
) -> int:
    """Return what a fill of this quantity and value costs, of an order of which so much was filled before."""
    before = order_fee(per_order, per_share, basis_points, minimum, filled_quantity, filled_value)
    quantity, value = filled_quantity + quantity, filled_value + value
    return order_fee(per_order, per_share, basis_points, minimum, quantity, value) - before


def fee_fits_64_bits(
    per_order: int, per_share: int, basis_points: int, minimum: int, quantity: int, value: int
) -> bool:
    """Tell whether the fee of an order is exact on 64 bits, when so much of it is filled in all."""
    of_shares, of_value = float(per_share) * float(quantity), float(basis_points) * float(value)
    by_size = of_shares / float(SHARE) + of_value / float(BASIS_POINTS)
    return (
        of_shares < PRODUCT_FITS and of_value < PRODUCT_FITS and float(per_order) + float(minimum) + by_size < FEE_FITS
    )
