from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.calendar import day_index
from market.quotes import quotes_at
from market.replay import Phase, ReplayPosition
from tradingplatform.demo.decisions import Hold, QuoteView
from tradingplatform.demo.strategies import STRATEGIES
from tradingplatform.demo.tests.strategies.samples import DOLLAR, portfolio

START = day_index(date(2019, 1, 3))


def real_quotes(step):
    position = ReplayPosition(day_index=START, phase=Phase.OPEN, step=step)
    return {
        each.symbol: QuoteView(each.symbol, each.price, each.session_open, each.day_high, each.day_low)
        for each in quotes_at(position, now_us=0).quotes
    }


def test_the_names_are_those_that_demo_files_use():
    assert list(STRATEGIES) == ["momentum", "mean_reversion", "rebalancer", "accumulator"]


@pytest.mark.parametrize("name", STRATEGIES)
@settings(max_examples=40, deadline=None)
@given(step=st.integers(0, 2_340), draw=st.floats(0, 1, exclude_max=True))
def test_every_strategy_answers_the_same_to_the_same_question(name, step, draw):
    view = portfolio(cash=60_000, holdings={"KO": (500, 20_000), "AMD": (1_000, 18_000)})
    decide = STRATEGIES[name]
    decision = decide(real_quotes(step), view, draw)
    assert decision == decide(real_quotes(step), view, draw)
    assert isinstance(decision, Hold) or decision.quantity > 0


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_trades_during_a_day_and_stays_within_its_means(name):
    cash, held, trades = 100_000 * DOLLAR, {}, 0
    for step in range(0, 2_340, 20):
        prices = real_quotes(step)
        value = cash + sum(count * prices[symbol].price for symbol, count in held.items())
        view = portfolio(
            cash=cash // DOLLAR,
            value=value // DOLLAR,
            holdings={symbol: (count, 0) for symbol, count in held.items() if count},
        )
        decision = STRATEGIES[name](prices, view, (step * 7 % 100) / 100)
        if isinstance(decision, Hold):
            continue
        trades += 1
        sign = 1 if decision.side == "BUY" else -1
        cash -= sign * decision.quantity * prices[decision.symbol].price
        held[decision.symbol] = held.get(decision.symbol, 0) + sign * decision.quantity
        assert cash >= 0
        assert held[decision.symbol] >= 0
    assert trades >= 20
