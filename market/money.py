"""Prices and amounts of the market: exact integers inside, decimal strings outside.

An integer counts ten-thousandths of the currency (`SCALE`). No float ever holds a price here. Not in this
module: what a valid order price is; that is a rule of the command side.
"""

import re
from typing import Final

SCALE: Final = 10_000
TICK: Final = 100  # The smallest price step, 0.01, in ten-thousandths.
PRICE_MAX: Final = 10**11
"""The highest price that is quoted, 10 million a share: nobody could place an order at a higher one."""

_DECIMAL = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,4}))?", re.ASCII)


def format_money(value: int) -> str:
    """Show ten-thousandths as a decimal string with four decimals: 1012500 becomes "101.2500"."""
    whole, fraction = divmod(abs(value), SCALE)
    return f"{'-' if value < 0 else ''}{whole}.{fraction:04d}"


def parse_money(text: str) -> int:
    """Read a decimal string with at most four decimals, such as "101.25", into ten-thousandths: 1012500."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f'expected plain digits with at most 4 decimals such as "101.25", found {text[:40]!r}')
    sign, whole, fraction = match.groups()
    value = int(whole) * SCALE + int((fraction or "").ljust(4, "0"))
    return -value if sign else value


def round_to_tick(value: int) -> int:
    """Round a price half up to the tick, and to no less than one tick: a price is never zero."""
    return max((value + TICK // 2) // TICK * TICK, TICK)
