from datetime import date

from market.calendar import day_index
from market.intraday import SESSION_STEPS, bar_until, day_path
from market.prices import close_price

DAY = day_index(date(2020, 3, 16))


def test_the_bar_of_a_whole_day_spans_the_path_and_ends_at_the_real_close():
    path = day_path(symbol="AMD", day_index=DAY)
    bar = bar_until(path, step=SESSION_STEPS)
    assert (bar.open, bar.high, bar.low) == (path.prices[0], max(path.prices), min(path.prices))
    assert bar.close == close_price(symbol="AMD", day_index=DAY)


def test_a_bar_at_the_open_knows_only_the_open():
    path = day_path(symbol="AMD", day_index=DAY)
    bar = bar_until(path, step=0)
    assert bar.open == bar.high == bar.low == bar.close == path.prices[0]
