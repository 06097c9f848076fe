import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.money import format_money, parse_money, round_to_tick


@given(st.integers(min_value=-(10**18), max_value=10**18))
def test_formatting_and_parsing_are_inverse(value):
    assert parse_money(format_money(value)) == value


@pytest.mark.parametrize(("text", "value"), [("101.25", 1_012_500), ("-0.5", -5_000), ("7", 70_000), ("0.0001", 1)])
def test_decimal_strings_are_read_exactly(text, value):
    assert parse_money(text) == value


@pytest.mark.parametrize("text", ["", "1e3", "1.23456", " 1", "1,000", "NaN", "\u0661", "+1", ".5", "1\n"])
def test_anything_but_plain_decimals_is_refused(text):
    with pytest.raises(ValueError, match="at most 4 decimals"):
        parse_money(text)


@pytest.mark.parametrize(
    ("value", "rounded"), [(1_949, 1_900), (1_950, 2_000), (2_000, 2_000), (49, 100), (0, 100), (-5_000, 100)]
)
def test_prices_are_rounded_half_up_to_the_cent_and_never_to_zero(value, rounded):
    assert round_to_tick(value) == rounded
