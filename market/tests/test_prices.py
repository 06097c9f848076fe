from datetime import date

import pytest

from market.calendar import day_index, trading_days
from market.prices import UnknownSymbol, close_price, closes_of, replayed_symbols


def test_the_closes_are_those_of_the_source():
    # Copied by hand from skfolio's file: the first and the last row, and a day between.
    assert closes_of("AAPL")[0] == 245_320
    assert closes_of("XOM")[-1] == 1_066_270
    assert closes_of("AMD")[day_index(date(2015, 1, 6))] == 26_300


def test_a_close_price_is_the_close_rounded_to_the_cent():
    assert close_price(symbol="AAPL", day_index=0) == 245_300
    assert close_price(symbol="UNH", day_index=len(trading_days()) - 1) == 5_244_200


def test_every_close_of_every_day_is_positive_and_has_at_most_three_decimals():
    for symbol in replayed_symbols():
        closes = closes_of(symbol)
        assert len(closes) == len(trading_days()) == 2_012
        assert all(price > 0 and price % 10 == 0 for price in closes)


def test_an_unknown_symbol_has_no_closes():
    with pytest.raises(UnknownSymbol, match="TSLA"):
        closes_of("TSLA")
