from tradingplatform.demo.decisions import Hold
from tradingplatform.demo.strategies import rebalancer
from tradingplatform.demo.tests.strategies.samples import DOLLAR, portfolio, quote, quotes

MARKET = quotes(*(quote(f"S{n:02}", 10) for n in range(20)))  # The target is 4.5 % of the portfolio each.


def test_it_buys_what_is_below_its_share():
    holdings = {symbol: (450, 4_500) for symbol in MARKET if symbol != "S07"}
    decision = rebalancer(MARKET, portfolio(cash=14_500, holdings=holdings), 0.5)
    assert (decision.symbol, decision.side, decision.quantity) == ("S07", "BUY", 50)


def test_it_sells_no_more_than_what_is_above_the_share():
    holdings = dict.fromkeys(MARKET, (450, 4500)) | {"S03": (480, 4_800)}
    decision = rebalancer(MARKET, portfolio(cash=9_700, holdings=holdings), 0.5)
    assert (decision.symbol, decision.side, decision.quantity) == ("S03", "SELL", 30)


def test_it_holds_when_all_are_near_their_share():
    holdings = dict.fromkeys(MARKET, (445, 4450))
    assert isinstance(rebalancer(MARKET, portfolio(cash=11_000, holdings=holdings), 0.5), Hold)
    assert isinstance(rebalancer({}, portfolio(), 0.5), Hold)


def test_it_gets_from_cash_to_balance_and_then_rests():
    cash, held = 100_000 * DOLLAR, dict.fromkeys(MARKET, 0)
    for _ in range(400):
        view = portfolio(cash=cash // DOLLAR, holdings={key: (count, 0) for key, count in held.items() if count})
        decision = rebalancer(MARKET, view, 0.5)
        if isinstance(decision, Hold):
            break
        assert decision.side == "BUY"
        cash -= decision.quantity * MARKET[decision.symbol].price
        held[decision.symbol] += decision.quantity
    assert isinstance(decision, Hold)
    assert all(440 <= count <= 450 for count in held.values())
