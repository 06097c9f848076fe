"""The simulated year in short: some sessions with orders, fees, splits, dividends and a change of symbol, after which
the books are right to the last unit. `make year` does the same for 252 sessions.
"""

import pytest

from accounts.domain import events as e
from accounts.domain.values import SHARE
from tests.chaos.target import Target
from tests.year.books import Books
from tests.year.year import SECONDS_PER_DAY, run

DONE = {
    "TradeExecuted",
    "OrderExpired",
    "OrderCancelled",
    "SharesSplit",
    "DividendPaid",
    "SymbolChanged",
    "PositionsMarked",
}
SHOWN = {
    "cash": "908.0000",
    "positions_cost": "80.8000",
    "realized_pnl": "-11.2000",
    "dividends": "0.0000",
    "fees": "2.0000",
}


def test_after_some_sessions_the_books_are_right(tmp_path):
    said = []
    target = Target(tmp_path / "data", MARKET_SECONDS_PER_DAY=str(SECONDS_PER_DAY))
    year = run(target, sessions=14, accounts=6, orders=20, seed=18, say=said.append)
    assert year.problems == [], "\n".join([*said, *year.lines()])
    assert year.orders["PLACED"] > 100
    assert year.events.keys() >= DONE


def traded(side, shares, value, fee, **after):
    given = {"symbol": "KO", "side": side, "quantity": shares * SHARE, "value": value * 10_000, "fee": fee * 10_000}
    rest = dict.fromkeys(e.TradeExecuted.__struct_fields__, 0)
    return e.TradeExecuted(**{**rest, **given, **after})


@pytest.fixture
def books():
    """A thousand in, ten shares bought at 10 and two sold at 5, each for a fee of 1."""
    found = Books()
    found.add(e.CashDeposited(10_000_000, "", 10_000_000, 10_000_000, 10_000_000))
    found.add(traded("BUY", 10, 100, 1))
    found.add(traded("SELL", 2, 10, 1))
    return found


def held(**shares):
    return [{"symbol": symbol, "quantity": str(quantity)} for symbol, quantity in shares.items()]


def test_sound_books_pass(books):
    assert books.differences(SHOWN, held(KO=8)) == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("cash", "908.0001", "cash: "),
        ("fees", "1.0000", "fees: "),
        ("dividends", "0.0001", "dividends: "),
        ("realized_pnl", "-11.1999", "cash and the cost of positions"),
        ("positions_cost", "80.8001", "cash and the cost of positions"),
    ],
)
def test_a_wrong_figure_is_found(books, name, text, said):
    shown = {**SHOWN, name: text}
    assert any(difference.startswith(said) for difference in books.differences(shown, held(KO=8)))


def test_wrong_shares_are_found(books):
    assert books.differences(SHOWN, held(KO=9))[0].startswith("shares: ")
    books.add(traded("SELL", 9, 90, 0))
    assert "more of KO was sold than was held" in books.problems


def test_what_goes_below_zero_is_found(books):
    books.add(traded("BUY", 1, 1, 0, cash_after=-1))
    assert books.problems == ["TradeExecuted left cash_after at -1"]
