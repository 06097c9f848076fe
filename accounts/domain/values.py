"""Money, prices and quantities of the domain: exact integers inside, decimal strings outside.

Money and prices are integers in ten-thousandths of the account's currency (`SCALE`), quantities are whole shares. The
parsers accept plain decimal notation only, so that a float, an exponent, a thousands separator, a Unicode digit or a
fifth decimal can never slip in. They raise `InvalidValue`; they do not know commands, accounts or error codes.
"""

import re
from collections.abc import Sequence
from typing import Final

SCALE: Final = 10_000
MONEY_MAX: Final = 10**15  # 100 billion: far above any account here, far below the 64 bits of the read models.
PRICE_MAX: Final = 10**11  # 10 million a share.
QUANTITY_MAX: Final = 10**9
VALUE_MAX: Final = 10**18  # What an account, or a sum over its life, may come to; the read models hold 64 bits.

# The share of a position or of a portfolio is in basis points: 10,000 = 100 %.
BASIS_POINTS: Final = 10_000

_WHOLE_DIGITS_MAX: Final = 12
_UNIT_OF_DIGITS: Final = (10_000, 1_000, 100, 10, 1)
"""What one of the last place is worth in ten-thousandths, by the number of decimals."""


_ONE_PRICE: Final = tuple([rf"[0-9]{{1,{_WHOLE_DIGITS_MAX}}}" + rf"\.[0-9]{{{n}}}" * (n > 0) for n in range(5)])
_PRICES: Final = tuple([re.compile(rf"{one}(?:\n{one})*+", re.ASCII) for one in _ONE_PRICE])
"""Prices, a line for each, by the number of their decimals."""


class InvalidValue(ValueError):
    """A text that is not an amount, a price or a quantity of the domain; the message says why."""


def parse_amount(text: object) -> int:
    """Parse a positive amount of money such as "1250.5" into ten-thousandths; at most 100 billion."""
    return _parse_positive_decimal(text, what="an amount", maximum=MONEY_MAX)


def parse_price(text: object) -> int:
    """Parse a positive price per share such as "101.25" into ten-thousandths; at most 10 million."""
    return _parse_positive_decimal(text, what="a price", maximum=PRICE_MAX)


def parse_prices(texts: Sequence[str]) -> list[int] | None:
    """Parse many prices as `parse_price` does each: at once, when they have the same number of decimals.

    None when one of them is no price: `parse_price` says which, and why.
    """
    lines, decimals = "\n".join(texts), len(texts[0].partition(".")[2])
    if decimals >= len(_PRICES) or _PRICES[decimals].fullmatch(lines) is None:
        try:
            return list(map(parse_price, texts))
        except InvalidValue:
            return None
    unit = _UNIT_OF_DIGITS[decimals]
    values = [int(digits) * unit for digits in lines.replace(".", "").split("\n")]
    return values if len(values) == len(texts) and min(values) > 0 and max(values) <= PRICE_MAX else None


def parse_quantity(value: object) -> int:
    """Parse a quantity of whole shares such as "250", or check an integer; from 1 to 1,000,000,000."""
    if type(value) is str and value.isascii() and value.isdigit() and len(value) <= _WHOLE_DIGITS_MAX:
        quantity = int(value)
    elif type(value) is int:  # And not bool.
        quantity = value
    else:
        raise InvalidValue(f'a quantity is whole shares, as digits such as "250" or a number, {_shown(value)} is not')
    if not 1 <= quantity <= QUANTITY_MAX:
        raise InvalidValue(f"a quantity is from 1 to {QUANTITY_MAX:,} shares, found {_shown(value)}")
    return quantity


def parse_quantities(values: Sequence[int | str]) -> Sequence[int] | None:
    """Parse many quantities as `parse_quantity` does each, None when one of them is none."""
    if set(map(type, values)) == {int}:
        numbers: Sequence[int] = values  # type: ignore[assignment]
        return numbers if 1 <= min(numbers) <= max(numbers) <= QUANTITY_MAX else None
    try:
        return list(map(parse_quantity, values))
    except InvalidValue:
        return None


def format_amount(value: int) -> str:
    """Show ten-thousandths as a decimal string with four decimals: 12505000 becomes "1250.5000"."""
    sign = "-" if value < 0 else ""
    whole, fraction = divmod(abs(value), SCALE)
    return f"{sign}{whole}.{fraction:04d}"


def format_quantity(quantity: int) -> str:
    """Show a quantity as a decimal string: as exact in every client as money is, however large it gets."""
    return str(quantity)


def average_cost(*, cost: int, quantity: int) -> int:
    """Average cost of one share in ten-thousandths, rounded half to even; 0 for a flat position."""
    if quantity == 0:
        return 0
    quotient, remainder = divmod(cost, quantity)
    twice = 2 * remainder
    if twice > quantity or (twice == quantity and quotient % 2 == 1):
        return quotient + 1
    return quotient


def cost_removed(*, cost: int, quantity: int, sold: int) -> int:
    """Return the part of a position's total cost that leaves with `sold` of its `quantity` shares, rounded down.

    What stays is `cost - cost_removed(...)`, so no fraction is ever lost: the last share takes all that is left.
    """
    return cost * sold // quantity


def _parse_positive_decimal(text: object, *, what: str, maximum: int) -> int:
    if not isinstance(text, str):
        raise InvalidValue(f'{what} is a decimal string such as "101.25", {_shown(text)} is not')
    whole, point, fraction = text.partition(".")
    digits = whole + fraction
    if (
        not (digits.isascii() and digits.isdigit())  # Both: other scripts have digits, too.
        or not 0 < len(whole) <= _WHOLE_DIGITS_MAX
        or not (0 < len(fraction) < len(_UNIT_OF_DIGITS) if point else True)
    ):
        raise InvalidValue(f'{what} is plain digits with at most 4 decimals such as "101.25", {_shown(text)} is not')
    value = int(digits) * _UNIT_OF_DIGITS[len(fraction)]
    if value == 0:
        raise InvalidValue(f"{what} is greater than zero, found {_shown(text)}")
    if value > maximum:
        raise InvalidValue(f"{what} is at most {format_amount(maximum)}, found {_shown(text)}")
    return value


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."
