"""Time-weighted growth, as exact fractions of integers. Pure.

Each flow of money ends a sub-period: growth is the product over the sub-periods of (value before the flow) / (value
after the flow before it), as the Global Investment Performance Standards have it. A sub-period that begins with nothing
has no return.
"""

from typing import Final

MILLION: Final = 1_000_000


class GrowthIndex:
    """What one unit of money became since the beginning, flows left out.

    The fraction is never reduced: that would cost more than it saves.
    """

    def __init__(self, value: int) -> None:
        self._numerator = self._denominator = 1
        self._value_after = value

    def flow(self, value_before: int, value_after: int) -> None:
        """Note a flow of money: what the account was worth before and after it."""
        self._numerator, self._denominator = self.at(value_before)
        self._value_after = value_after

    def at(self, value: int) -> tuple[int, int]:
        """Return numerator and denominator of the growth at a value of the account."""
        if self._value_after <= 0:
            return self._numerator, self._denominator
        return self._numerator * value, self._denominator * self._value_after

    def earned(self, value: int) -> int:
        """Return the time-weighted return at a value of the account, in millionths."""
        numerator, denominator = self.at(value)
        return parts_of_a_million(numerator - denominator, denominator)


def parts_of_a_million(numerator: int, denominator: int) -> int:
    """Return a fraction in millionths, rounded half to even; the denominator is above zero."""
    quotient, remainder = divmod(numerator * MILLION, denominator)
    twice = 2 * remainder
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))
