"""Money, prices and quantities: exactly what is plain decimal notation, and nothing else."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.domain.values import (
    MONEY_MAX,
    PRICE_MAX,
    QUANTITY_MAX,
    SHARE,
    InvalidValue,
    average_cost,
    cost_removed,
    format_amount,
    format_quantity,
    multiply_divide,
    parse_amount,
    parse_price,
    parse_quantity,
    round_half_even,
    value_of,
    value_rounded_up,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 10_000), ("0.0001", 1), ("1250.5", 12_505_000), ("007.10", 71_000), ("100000000000", MONEY_MAX)],
)
def test_plain_decimals_are_read_exactly(text, value):
    assert parse_amount(text) == value


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "-1", "+1", "0", "0.0000", "1.00001", "1e3", "1E3", ".5", "5.", "1,000", "NaN", "Infinity", "0x10",
     "1_000", "١٢", "１", "1\n", "100000000000.0001", "9" * 40, 1, 1.5, None, True, b"1", []],
)  # fmt: skip
def test_anything_else_is_refused(text):
    with pytest.raises(InvalidValue):
        parse_amount(text)


@pytest.mark.parametrize(
    "value",
    [0, -1, 1.0, True, None, [], 10**9 + 1, 10**400, "0", "0.0", "-1", "1.0000001", "1e3", "1 ", "", "١", "9" * 400,
     "1_0", "1000000000.000001", ".5", "5."],
)  # fmt: skip
def test_a_quantity_is_a_positive_decimal(value):
    with pytest.raises(InvalidValue):
        parse_quantity(value)


@pytest.mark.parametrize(
    ("given", "millionths", "shown"),
    [
        (1, SHARE, "1"),
        ("1.0", SHARE, "1"),
        ("0250", 250 * SHARE, "250"),
        ("2.5", 2_500_000, "2.5"),
        ("0.000001", 1, "0.000001"),
        (10**9, 10**9 * SHARE, "1000000000"),
        ("1000000000", 10**9 * SHARE, "1000000000"),
    ],
)
def test_a_quantity_is_a_decimal_or_a_whole_number_of_shares(given, millionths, shown):
    assert parse_quantity(given) == millionths
    assert format_quantity(millionths) == shown


def test_negative_quantities_are_shown_with_their_sign():
    assert (format_quantity(-SHARE), format_quantity(-SHARE // 2)) == ("-1", "-0.5")


@pytest.mark.parametrize("digits", [13, 16, 5_000])
def test_what_is_too_large_is_told_the_maximum_however_many_digits_it_has(digits):
    for parse, most in (
        (parse_amount, "100000000000.0000"),
        (parse_price, "10000000.0000"),
        (parse_quantity, "1000000000"),
    ):
        with pytest.raises(InvalidValue, match=f"at most {most}"):
            parse("9" * digits + ".5")


def test_the_message_says_what_was_found():
    with pytest.raises(InvalidValue, match=r"a price is plain digits .* '1e3' is not"):
        parse_price("1e3")


@given(st.integers(1, MONEY_MAX))
def test_what_is_shown_is_read_back(value):
    assert parse_amount(format_amount(value)) == value


def test_negative_amounts_are_shown_with_their_sign():
    assert format_amount(-5) == "-0.0005"
    assert format_amount(-12_505_000) == "-1250.5000"


@given(st.integers(0, 10**15), st.integers(1, 10**6), st.data())
def test_removed_cost_never_exceeds_the_cost_and_the_last_share_takes_all(cost, quantity, data):
    sold = data.draw(st.integers(1, quantity))
    removed = cost_removed(cost, quantity, sold)
    assert 0 <= removed <= cost
    assert cost_removed(cost, quantity, quantity) == cost


@pytest.mark.parametrize(("cost", "shares", "expected"), [(10, 4, 2), (14, 4, 4), (11, 4, 3), (9, 4, 2), (0, 0, 0)])
def test_average_cost_is_rounded_half_to_even(cost, shares, expected):
    assert average_cost(cost, shares * SHARE) == expected


@pytest.mark.parametrize(
    ("quantity", "price", "value"),
    [(500_000, 1, 0), (500_001, 1, 1), (1_500_000, 1, 2), (2_500_000, 1, 2), (1, 10**11, 10**5)],
)
def test_a_value_is_rounded_half_to_even(quantity, price, value):
    assert value_of(quantity, price) == value


@given(st.integers(0, 10**20), st.integers(0, 10**20), st.integers(1, 10**20))
def test_products_are_divided_and_rounded_exactly(a, b, c):
    exact = Fraction(a * b, c)
    assert multiply_divide(a, b, c) == exact.__floor__()
    assert round_half_even(a, b, c) == round(exact)


@given(st.integers(0, QUANTITY_MAX), st.integers(0, PRICE_MAX))
def test_what_is_kept_for_a_quantity_is_its_value_or_one_more(quantity, price):
    assert value_rounded_up(quantity, price) == Fraction(quantity * price, SHARE).__ceil__()
