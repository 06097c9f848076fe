from tradingplatform.demo.decisions import Hold
from tradingplatform.demo.strategies import accumulator
from tradingplatform.demo.tests.strategies.samples import portfolio, quote, quotes

MARKET = quotes(quote("GE", 50), quote("KO", 40), quote("MRK", 60), quote("PG", 80))


def test_it_rests_every_other_time():
    assert isinstance(accumulator(MARKET, portfolio(), 0.49), Hold)


def test_it_buys_what_it_has_least_of():
    view = portfolio(holdings={"GE": (100, 5_000), "KO": (1, 40), "MRK": (2, 100), "PG": (3, 200)})
    assert {accumulator(MARKET, view, draw).symbol for draw in (0.5, 0.7, 0.99)} == {"KO", "MRK", "PG"}
    assert accumulator(MARKET, view, 0.5).side == "BUY"


def test_it_sells_its_biggest_winner_when_cash_is_low():
    view = portfolio(cash=9_000, holdings={"GE": (100, 5_500), "KO": (100, 1_000), "GONE": (9, 9)})
    decision = accumulator(MARKET, view, 0.9)
    assert (decision.symbol, decision.side) == ("KO", "SELL")


def test_it_holds_when_there_is_nothing_to_do_anything_with():
    assert isinstance(accumulator(MARKET, portfolio(cash=0), 0.9), Hold)
    assert isinstance(accumulator({}, portfolio(), 0.9), Hold)
