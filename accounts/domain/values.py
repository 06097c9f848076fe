"""Money, prices and quantities of the domain: exact integers inside, decimal strings outside.

Money and prices are integers in ten-thousandths of the account's currency (`SCALE`), quantities integers in millionths
of a share (`SHARE`). The parsers accept plain decimal notation only, so that a float, an exponent, a thousands
separator, a Unicode digit or one decimal too many can never slip in. They raise `InvalidValue`; they do not know
commands, accounts or error codes.

The functions of integers alone (`value_of` and what it rests on) are rules that also run compiled, on 64 bits: they
are written so that both ways give the same results, see `multiply_divide`.
"""

from typing import Final

CURRENCIES: Final = ("USD",)
"""What an account may be in, one of them. Clients are told by GET /api/session."""
SCALE: Final = 10_000
SHARE: Final = 1_000_000
MONEY_MAX: Final = 10**15  # 100 billion: far above any account here, far below the 64 bits of the read models.
PRICE_MAX: Final = 10**11  # 10 million a share.
QUANTITY_MAX: Final = 10**9 * SHARE  # Of one trade or order: a billion shares.
POSITION_MAX: Final = 10**12 * SHARE  # Of one symbol: a trillion shares; the read models hold 64 bits.
FEE_MAX: Final = 10**10  # A million, for an order, for a share, or the least of an order.
DIVIDEND_SCALE: Final = 100_000_000
"""A dividend per share is in hundred-millionths: those that are announced have up to six decimals, some have eight."""
DIVIDEND_MAX: Final = 10**7 * DIVIDEND_SCALE  # 10 million a share, as the highest price.
SPLIT_RATIO_MAX: Final = 10**6  # Of either side.
VALUE_MAX: Final = 10**18  # What an account, or a sum over its life, may come to; the read models hold 64 bits.

# The share of a position or of a portfolio is in basis points: 10,000 = 100 %.
BASIS_POINTS: Final = 10_000
DEFAULT_PRICE_BAND_BP: Final = 1_000  # 10 % of the market's price, above and below.

_WHOLE_DIGITS_MAX: Final = 12
_HUGE: Final = 10 ** (_WHOLE_DIGITS_MAX + 6)
_MONEY_DECIMALS: Final = 4
_QUANTITY_DECIMALS: Final = 6
_DIVIDEND_DECIMALS: Final = 8


class InvalidValue(ValueError):
    """A text that is not an amount, a price or a quantity of the domain; the message says why."""


def parse_amount(text: object) -> int:
    """Parse a positive amount of money such as "1250.5" into ten-thousandths; at most 100 billion."""
    return _parse_positive_decimal(text, what="an amount", maximum=MONEY_MAX)


def parse_price(text: object) -> int:
    """Parse a positive price per share such as "101.25" into ten-thousandths; at most 10 million."""
    return _parse_positive_decimal(text, what="a price", maximum=PRICE_MAX)


def parse_fee(text: object) -> int:
    """Parse a fee such as "1.5" or "0" into ten-thousandths; at most a million."""
    fee = _parse_decimal(text, what="a fee", decimals_max=_MONEY_DECIMALS, example='"1.5" or "0"')
    if fee > FEE_MAX:
        raise InvalidValue(f"a fee is at most {format_amount(FEE_MAX)}, found {_shown(text)}")
    return fee


def parse_band(text: object) -> int:
    """Parse a percentage of a price such as "2.5" or "0" into ten-thousandths."""
    return _parse_decimal(text, what="a band", decimals_max=_MONEY_DECIMALS, example='"10.00" or "0"')


def parse_amount_per_share(text: object) -> int:
    """Parse a dividend per share such as "0.242875" into hundred-millionths; above 0 and at most 10 million."""
    amount = _parse_decimal(text, what="a dividend", decimals_max=_DIVIDEND_DECIMALS, example='"0.242875"')
    if not 1 <= amount <= DIVIDEND_MAX:
        raise InvalidValue(
            f"a dividend per share is above 0 and at most {format_amount_per_share(DIVIDEND_MAX)}, found {_shown(text)}"
        )
    return amount


def parse_quantity(value: object) -> int:
    """Parse shares such as "2.5", or a whole number of them, into millionths; at most a billion shares."""
    if type(value) is int:  # And not bool.
        quantity = value * SHARE
    else:
        example = '"250" or "2.5", or a whole number'
        quantity = _parse_decimal(value, what="a quantity", decimals_max=_QUANTITY_DECIMALS, example=example)
    if not 1 <= quantity <= QUANTITY_MAX:
        raise InvalidValue(
            f"a quantity is above 0 and at most {format_quantity(QUANTITY_MAX)} shares, found {_shown(value)}"
        )
    return quantity


def format_amount(value: int) -> str:
    """Show ten-thousandths as a decimal string with four decimals: 12505000 becomes "1250.5000"."""
    sign = "-" if value < 0 else ""
    whole, fraction = divmod(abs(value), SCALE)
    return f"{sign}{whole}.{fraction:04d}"


def format_quantity(quantity: int) -> str:
    """Show millionths of a share as a decimal string without superfluous zeros: 2500000 becomes "2.5"."""
    if quantity % SHARE == 0:
        return str(quantity // SHARE)
    sign = "-" if quantity < 0 else ""
    whole, fraction = divmod(abs(quantity), SHARE)
    return f"{sign}{whole}.{fraction:06d}".rstrip("0")


def format_amount_per_share(amount: int) -> str:
    """Show hundred-millionths as a decimal string with four decimals or as many as it takes, at most eight."""
    whole, fraction = divmod(amount, DIVIDEND_SCALE)
    digits = f"{fraction:08d}"
    return f"{whole}.{digits[:_MONEY_DECIMALS]}{digits[_MONEY_DECIMALS:].rstrip('0')}"


def multiply_divide(a: int, b: int, c: int) -> int:
    """Return a * b // c, for a, b >= 0 and c > 0: the rule that every other one of products rests on.

    Compiled, it is exact on 64 bits for results below 2**62 while a * b < 2**112: the quotient of floats is wrong by
    less than 2**-50 of itself, so that what is left of the product, taken modulo 2**64, is what it is.
    """
    quotient = int(float(a) * float(b) / float(c))
    return quotient + (a * b - quotient * c) // c


def round_half_even(a: int, b: int, c: int) -> int:
    """Return a * b / c, rounded half to even."""
    quotient = multiply_divide(a, b, c)
    twice = 2 * (a * b - quotient * c)
    if twice > c or (twice == c and quotient % 2 == 1):
        return quotient + 1
    return quotient


def value_of(quantity: int, price: int) -> int:
    """Return what so many millionths of a share are worth at a price, in ten-thousandths, rounded half to even."""
    if quantity % SHARE == 0:  # Whole shares are what there is most of.
        return quantity // SHARE * price
    return round_half_even(quantity, price, SHARE)


def value_rounded_up(quantity: int, price: int) -> int:
    """Return what so many millionths of a share cost at most at a price, in ten-thousandths."""
    value = multiply_divide(quantity, price, SHARE)
    return value + 1 if quantity * price - value * SHARE > 0 else value


def average_cost(cost: int, quantity: int) -> int:
    """Average cost of one share in ten-thousandths, rounded half to even; 0 for a flat position."""
    return round_half_even(cost, SHARE, quantity) if quantity else 0


def cost_removed(cost: int, quantity: int, sold: int) -> int:
    """Return the part of a position's total cost that leaves with `sold` of its `quantity`, rounded down.

    What stays is `cost - cost_removed(...)`, so no fraction is ever lost: the last share takes all that is left.
    """
    return multiply_divide(cost, sold, quantity)


def _parse_positive_decimal(text: object, *, what: str, maximum: int) -> int:
    value = _parse_decimal(text, what=what, decimals_max=_MONEY_DECIMALS, example='"101.25"')
    if value == 0:
        raise InvalidValue(f"{what} is greater than zero, found {_shown(text)}")
    if value > maximum:
        raise InvalidValue(f"{what} is at most {format_amount(maximum)}, found {_shown(text)}")
    return value


def _parse_decimal(text: object, *, what: str, decimals_max: int, example: str) -> int:
    """Return plain digits with decimals as a whole number of the smallest unit; of endless digits some huge number."""
    if not isinstance(text, str):
        raise InvalidValue(f"{what} is a decimal string such as {example}, {_shown(text)} is not")
    whole, point, fraction = text.partition(".")
    digits = whole + fraction
    if (
        not (digits.isascii() and digits.isdigit())  # Both: other scripts have digits, too.
        or not whole
        or not (0 < len(fraction) <= decimals_max if point else True)
    ):
        raise InvalidValue(
            f"{what} is plain digits with at most {decimals_max} decimals such as {example}, {_shown(text)} is not"
        )
    if len(whole) > _WHOLE_DIGITS_MAX:  # What is larger than any maximum is not worth the time that it takes to read.
        return _HUGE
    return int(digits.ljust(len(whole) + decimals_max, "0"))


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."
