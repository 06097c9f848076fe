from hypothesis import given
from hypothesis import strategies as st

from tradingplatform.demo.decisions import Hold, Trade, buy, day_room_share, sell
from tradingplatform.demo.tests.strategies.samples import DOLLAR, portfolio, quote


def test_a_slice_is_half_a_percent_of_the_portfolio():
    assert buy(quote("KO", 40), portfolio(), reason="test") == Trade("KO", "BUY", 12, "test")


def test_one_share_of_an_expensive_stock_may_cost_more_than_a_slice():
    assert buy(quote("UNH", 520), portfolio(), reason="test").quantity == 1
    assert isinstance(buy(quote("UNH", 2_100), portfolio(), reason="test"), Hold)


def test_no_more_is_sold_than_is_held():
    held = portfolio(holdings={"KO": (3, 120)})
    assert sell(quote("KO", 40), held, reason="test").quantity == 3
    assert isinstance(sell(quote("PG", 40), held, reason="test"), Hold)


def test_parts_of_shares_are_counted_and_not_sold():
    held = portfolio(holdings={"KO": ("3.75", 150), "PG": ("0.5", 20)})
    assert sell(quote("KO", 40), held, reason="test").quantity == 3
    assert isinstance(sell(quote("PG", 40), held, reason="test"), Hold)
    nearly_full = portfolio(holdings={"KO": ("237.5", 9_500)}, trade_value_max=1_000)  # 9,500 are 95 % of its limit.
    assert isinstance(buy(quote("KO", 40), nearly_full, reason="test"), Hold)
    room_for_one = portfolio(holdings={"KO": ("236.500001", 9_460)})
    assert isinstance(buy(quote("KO", 40), room_for_one, reason="test"), Hold), "a millionth of a share is missing"


def test_a_trade_is_no_larger_than_asked_for():
    assert buy(quote("KO", 40), portfolio(), reason="test", value_max=85 * DOLLAR).quantity == 2


def test_nothing_is_traded_when_the_day_is_used_up():
    late = portfolio(day_volume=950_000, holdings={"KO": (100, 4_000)})
    assert isinstance(buy(quote("KO", 40), late, reason="test"), Hold)
    assert isinstance(sell(quote("KO", 40), late, reason="test"), Hold)
    assert day_room_share(late) == 0.0
    assert day_room_share(portfolio()) == 0.95


def test_a_portfolio_of_nothing_holds():
    empty = portfolio(cash=0, value=0)
    assert isinstance(buy(quote("KO", 40), empty, reason="test"), Hold)


money = st.integers(0, 2_000_000)


@given(
    price=st.integers(1, 3_000),
    cash=money,
    others=money,
    held=st.decimals(0, 2_000, places=6),
    day_volume=money,
    position_bp=st.integers(0, 10_000),
    daily=money,
    per_trade=money,
)
def test_a_buy_never_breaks_a_limit(price, cash, others, held, day_volume, position_bp, daily, per_trade):
    value = cash + others + int(held * price)
    view = portfolio(
        cash=cash,
        value=value,
        day_volume=day_volume,
        holdings={"KO": (held, int(held * price))} if held else {},
        position_bp_max=position_bp,
        daily_value_max=daily,
        trade_value_max=per_trade,
    )
    decision = buy(quote("KO", price), view, reason="test")
    if isinstance(decision, Hold):
        return
    spent = decision.quantity * price
    assert decision.quantity > 0
    assert spent <= cash
    assert spent <= per_trade
    assert day_volume + spent <= daily
    assert (held * price + spent) * 10_000 <= value * position_bp
