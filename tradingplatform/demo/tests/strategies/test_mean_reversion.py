from tradingplatform.demo.decisions import Hold
from tradingplatform.demo.strategies import mean_reversion
from tradingplatform.demo.tests.strategies.samples import portfolio, quote, quotes

LOW = quote("KO", 40, day_high=42, day_low=39.8)
HIGH = quote("PG", 80, day_high=80.1, day_low=77)
MIDDLE = quote("GE", 50, day_high=51, day_low=49)


def test_it_buys_near_the_low():
    decision = mean_reversion(quotes(LOW, HIGH, MIDDLE), portfolio(), 0.99)
    assert (decision.symbol, decision.side) == ("KO", "BUY")


def test_it_sells_a_holding_near_the_high():
    decision = mean_reversion(quotes(LOW, HIGH), portfolio(holdings={"PG": (50, 4_000)}), 0.99)
    assert (decision.symbol, decision.side) == ("PG", "SELL")


def test_it_holds_in_the_middle_and_before_there_is_a_range():
    opening = quote("MRK", 60)
    view = portfolio(holdings={"GE": (5, 200), "MRK": (5, 300)})
    assert isinstance(mean_reversion(quotes(MIDDLE, opening), view, 0.5), Hold)
    assert isinstance(mean_reversion({}, view, 0.5), Hold)
