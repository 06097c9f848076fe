from tradingplatform.demo.decisions import Hold
from tradingplatform.demo.strategies import momentum
from tradingplatform.demo.tests.strategies.samples import portfolio, quote, quotes

UP = quote("KO", 41, session_open=40)
DOWN = quote("PG", 79, session_open=80)
FLAT = quote("GE", 50)


def test_it_buys_what_rises():
    decision = momentum(quotes(UP, DOWN, FLAT), portfolio(), 0.99)
    assert (decision.symbol, decision.side) == ("KO", "BUY")


def test_it_sells_what_it_holds_and_what_falls_before_it_buys():
    decision = momentum(quotes(UP, DOWN), portfolio(holdings={"PG": (50, 4_000)}), 0.0)
    assert (decision.symbol, decision.side) == ("PG", "SELL")


def test_it_keeps_what_rises():
    assert momentum(quotes(UP), portfolio(holdings={"KO": (5, 200)}), 0.0).side == "BUY"


def test_a_part_of_a_share_that_falls_does_not_stop_it():
    decision = momentum(quotes(UP, DOWN), portfolio(holdings={"PG": ("0.5", 40)}), 0.0)
    assert (decision.symbol, decision.side) == ("KO", "BUY")


def test_it_holds_while_nothing_moves():
    assert isinstance(momentum(quotes(FLAT), portfolio(holdings={"GE": (5, 200)}), 0.5), Hold)
    assert isinstance(momentum({}, portfolio(), 0.5), Hold)


def test_the_draw_chooses_among_the_five_strongest():
    rising = [quote(f"S{n}", 100 + n, session_open=100) for n in range(1, 9)]
    chosen = {momentum(quotes(*rising), portfolio(), draw / 10).symbol for draw in range(10)}
    assert chosen == {"S8", "S7", "S6", "S5", "S4"}
