"""Orders, transition by transition: what each leads to, what it reserves, and every way in which it is refused."""

from copy import deepcopy

import pytest

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain import orders
from accounts.domain.errors import Code
from accounts.domain.order_terms import terms_code
from accounts.domain.values import SHARE
from accounts.tests.unit.domain.scenario import Scenario, buy, fill, money, opened_with, order, sell


def with_order(*, filled: int = 0, **terms) -> Scenario:
    """10,000 in cash and an order "o" to buy 10 KO, at most at 50, of which so many are filled at 49."""
    given = opened_with("10000").when(c.ChangeRiskLimits(10_000, money("50000"), money("20000")))
    given.when(order("o", "KO", "BUY", 10, limit="50", **terms))
    if filled:
        given.when(fill("o", "KO", "BUY", filled, "49"))
    return given


def holding(shares: int) -> Scenario:
    given = opened_with("10000").when(c.ChangeRiskLimits(10_000, money("50000"), money("20000")))
    return given.when(buy("KO", shares, "10"))


def replacing(order_id="o", *, to="n", client="again", shares=None, time_in_force=None, limit=None, stop=None):
    return c.ReplaceOrder(
        order_id, to, client, shares and shares * SHARE, time_in_force, limit and money(limit), stop and money(stop)
    )  # fmt: skip


def reserved(given: Scenario) -> tuple[int, dict[str, float]]:
    shares = {symbol: kept / SHARE for symbol, kept in given.account.reserved_shares.items()}
    return given.account.reserved_cash, shares


# What an order reserves.


def test_a_limit_buy_reserves_its_limit_for_every_share():
    given = with_order()
    assert given.latest == e.OrderPlaced(
        order_id="o", client_order_id="client-o", symbol="KO", side="BUY", quantity=10 * SHARE, order_type="LIMIT",
        time_in_force="DAY", limit_price=money("50"), stop_price=None, reserve_price=money("50"), replaces=None,
        filled_quantity=0, filled_value=0, reserved_cash=money("500"), reserved_shares=0,
    )  # fmt: skip
    assert reserved(given) == (money("500"), {})
    assert given.account.cash == money("10000"), "reserved is not spent"


@pytest.mark.parametrize(
    ("order_type", "prices", "reserve_price"),
    [
        ("MARKET", {"market": "10"}, "10.4"),
        ("MARKET", {"market": "0.0001"}, "0.0002"),
        ("LIMIT", {"limit": "9"}, "9"),
        ("STOP", {"stop": "12"}, "12.48"),
        ("STOP_LIMIT", {"stop": "12", "limit": "12.5"}, "12.5"),
    ],
)
def test_a_buy_reserves_by_its_limit_or_with_a_cushion_above_the_price_it_is_reckoned_at(
    order_type, prices, reserve_price
):
    given = opened_with("10000").when(order("o", "KO", "BUY", 7, order_type, **prices))
    assert given.latest.reserve_price == money(reserve_price)
    assert reserved(given) == (7 * money(reserve_price), {})


def test_a_sell_reserves_shares():
    given = holding(10).when(order("a", "KO", "SELL", 4, limit="11")).when(order("b", "KO", "SELL", 6, "MARKET"))
    assert reserved(given) == (0, {"KO": 10})
    given.when(order("x", "KO", "SELL", 1, limit="11")).refused_with("INSUFFICIENT_POSITION", 0, 1)
    given.when(sell("KO", 1, "10")).refused_with("INSUFFICIENT_POSITION", 0, 1)


def test_reserved_cash_is_neither_spent_nor_withdrawn_nor_reserved_again():
    given = with_order()
    available = money("9500")
    given.when(c.WithdrawCash(available + 1, "")).refused_with("INSUFFICIENT_FUNDS", available, available + 1)
    given.when(buy("XOM", 951, "10")).refused_with("INSUFFICIENT_FUNDS", available, money("9510"))
    given.when(order("p", "XOM", "BUY", 951, limit="10")).refused_with("INSUFFICIENT_FUNDS", available, money("9510"))
    given.when(c.WithdrawCash(available, ""))
    assert (given.account.cash, given.account.reserved_cash) == (money("500"), money("500"))


# Fills.


def test_a_part_and_then_the_last_share_are_filled():
    given = with_order(filled=9)
    trade, filled = given.decided
    assert (trade.quantity, trade.price, trade.order_id) == (9 * SHARE, money("49"), "o")
    assert filled == e.OrderFilled(
        order_id="o", symbol="KO", side="BUY", quantity=10 * SHARE, status="PARTIALLY_FILLED", fill_quantity=9 * SHARE,
        fill_price=money("49"), filled_quantity=9 * SHARE, filled_value=money("441"), reserved_cash=money("50"),
        reserved_shares=0,
    )  # fmt: skip
    assert given.account.orders["o"].remaining == 1 * SHARE
    given.when(fill("o", "KO", "BUY", 1, "48"))
    assert given.decided[1].status == "FILLED"
    assert given.decided[1].filled_value == money("489")
    assert reserved(given) == (0, {})
    assert given.account.orders == {}
    assert given.account.cash == money("9511")


def test_a_fill_may_use_what_it_kept_reserved_and_no_more_than_what_is_left_beside_it():
    given = opened_with("104").when(c.ChangeRiskLimits(10_000, money("50000"), money("20000")))
    given.when(order("o", "KO", "BUY", 10, "MARKET", market="10"))
    assert reserved(given) == (money("104"), {})
    given.when(fill("o", "KO", "BUY", 5, "10.5")).refused_with("INSUFFICIENT_FUNDS", money("52"), money("52.5"))
    given.when(fill("o", "KO", "BUY", 5, "10.4"))
    assert (given.account.cash, given.account.reserved_cash) == (money("52"), money("52"))


def test_a_fill_of_a_sell_sets_its_shares_free():
    given = holding(10).when(order("o", "KO", "SELL", 10, limit="11")).when(fill("o", "KO", "SELL", 4, "12"))
    assert reserved(given) == (0, {"KO": 6})
    given.when(fill("o", "KO", "SELL", 6, "11"))
    assert reserved(given) == (0, {})
    assert given.account.positions["KO"].quantity == 0


@pytest.mark.parametrize(
    ("trade", "code", "limit", "actual"),
    [
        (fill("x", "KO", "BUY", 1, "50"), "ORDER_NOT_OPEN", None, None),
        (fill("o", "XOM", "BUY", 1, "50"), "FILL_NOT_OF_ORDER", None, None),
        (fill("o", "KO", "SELL", 1, "50"), "FILL_NOT_OF_ORDER", None, None),
        (fill("o", "KO", "BUY", 11, "50"), "ORDER_QUANTITY_EXCEEDED", 10, 11),
        (fill("o", "KO", "BUY", 1, "50.0001"), "PRICE_BEYOND_LIMIT", money("50"), money("50.0001")),
    ],
)
def test_a_fill_that_is_not_the_orders_is_refused(trade, code, limit, actual):
    with_order().when(trade).refused_with(code, limit, actual)


def test_a_sell_is_not_filled_below_its_limit():
    given = holding(10).when(order("o", "KO", "SELL", 10, limit="11"))
    given.when(fill("o", "KO", "SELL", 1, "10.9999")).refused_with("PRICE_BEYOND_LIMIT", money("11"), money("10.9999"))


def test_fill_or_kill_is_filled_as_a_whole_or_not_at_all():
    given = with_order(time_in_force="FOK")
    given.when(fill("o", "KO", "BUY", 9, "50")).refused_with("FILL_NOT_COMPLETE", 10, 9)
    given.when(fill("o", "KO", "BUY", 10, "50"))
    assert given.decided[1].status == "FILLED"


def test_what_a_fill_leaves_of_an_immediate_order_expires_with_it():
    given = with_order(time_in_force="IOC").when(order("p", "KO", "BUY", 1, limit="20"))
    given.when(fill("o", "KO", "BUY", 4, "49"))
    _, filled, expired = given.decided
    assert (filled.status, filled.filled_quantity, filled.reserved_cash) == (
        "PARTIALLY_FILLED",
        4 * SHARE,
        money("320"),
    )
    assert expired == e.OrderExpired("o", "KO", "BUY", 10 * SHARE, 4 * SHARE, orders.REST_OF_IOC, money("20"), 0)
    assert reserved(given) == (money("20"), {})
    given.when(fill("o", "KO", "BUY", 1, "49")).refused_with("ORDER_NOT_OPEN")
    given = holding(10).when(order("o", "KO", "SELL", 10, "MARKET", time_in_force="IOC"))
    given.when(fill("o", "KO", "SELL", 4, "9"))
    assert (type(given.decided[2]), reserved(given), given.account.orders) == (e.OrderExpired, (0, {}), {})


def test_an_immediate_order_that_is_filled_as_a_whole_does_not_expire():
    given = with_order(time_in_force="IOC").when(fill("o", "KO", "BUY", 10, "49"))
    assert [type(event) for event in given.decided] == [e.TradeExecuted, e.OrderFilled]
    assert given.decided[1].status == "FILLED"


def test_an_order_that_became_immediate_is_filled_once_more_and_one_that_is_no_more_goes_on():
    given = with_order(filled=4).when(replacing(time_in_force="IOC")).when(fill("n", "KO", "BUY", 1, "49"))
    assert given.decided[2].filled_quantity == 5 * SHARE
    given = with_order(time_in_force="IOC").when(replacing(time_in_force="GTC")).when(fill("n", "KO", "BUY", 1, "49"))
    assert given.account.orders["n"].remaining == 9 * SHARE
    given = with_order(filled=4).when(replacing(time_in_force="FOK"))
    given.when(fill("n", "KO", "BUY", 5, "49")).refused_with("FILL_NOT_COMPLETE", 6, 5)
    given.when(fill("n", "KO", "BUY", 6, "49"))
    assert given.decided[1].status == "FILLED"


STOPS = {
    "SELL": holding(10).when(order("o", "KO", "SELL", 4, "STOP", stop="40")),
    "BUY": opened_with("10000").when(order("o", "KO", "BUY", 4, "STOP", stop="40")),
}


@pytest.mark.parametrize(
    ("side", "untriggered", "triggered", "afterwards"),
    [("SELL", ["50", "40.0001"], ["40", "39.99", "0.0001"], "50"), ("BUY", ["30", "39.9999"], ["40", "40.0001"], "30")],
)
def test_a_stop_order_is_first_filled_where_the_market_triggered_it(side, untriggered, triggered, afterwards):
    for price in untriggered:
        given = deepcopy(STOPS[side]).when(fill("o", "KO", side, 1, price))
        given.refused_with("ORDER_NOT_TRIGGERED", money("40"), money(price))
        given.when(fill("o", "KO", side, 5, price)).refused_with("ORDER_QUANTITY_EXCEEDED", 4, 5)
    for price in triggered:
        given = deepcopy(STOPS[side]).when(fill("o", "KO", side, 1, price)).when(fill("o", "KO", side, 1, afterwards))
        assert given.account.orders["o"].remaining == 2 * SHARE, "once triggered, it is a market order"


def test_a_stop_limit_order_is_triggered_by_a_fill_within_its_limit_and_then_is_a_limit_order():
    given = opened_with("10000").when(order("o", "KO", "BUY", 4, "STOP_LIMIT", stop="40", limit="41"))
    given.when(fill("o", "KO", "BUY", 1, "39.99")).refused_with("ORDER_NOT_TRIGGERED", money("40"), money("39.99"))
    given.when(fill("o", "KO", "BUY", 1, "41.01")).refused_with("PRICE_BEYOND_LIMIT", money("41"), money("41.01"))
    given.when(fill("o", "KO", "BUY", 1, "40.5")).when(fill("o", "KO", "BUY", 1, "30"))
    given.when(fill("o", "KO", "BUY", 1, "41.01")).refused_with("PRICE_BEYOND_LIMIT", money("41"), money("41.01"))


def test_a_stop_that_was_triggered_stays_so_in_the_order_that_takes_its_place():
    given = opened_with("10000").when(order("o", "KO", "BUY", 4, "STOP_LIMIT", stop="40", limit="41"))
    given.when(replacing(limit="39")).refused_with("INVALID_STOP_LIMIT")
    given.when(fill("o", "KO", "BUY", 1, "40"))
    given.when(replacing(stop="45")).refused_with("ORDER_TRIGGERED", money("40"), money("45"))
    given.when(replacing(stop="40", limit="39")).when(fill("n", "KO", "BUY", 1, "30"))
    assert given.account.orders["n"].remaining == 2 * SHARE
    given = deepcopy(STOPS["SELL"]).when(replacing(stop="30")).when(fill("n", "KO", "SELL", 1, "40"))
    given.refused_with("ORDER_NOT_TRIGGERED", money("30"), money("40"))


def test_a_market_order_is_filled_at_any_price_and_only_as_what_it_is():
    given = holding(10).when(order("o", "KO", "SELL", 4, "MARKET", market="10"))
    given.when(fill("o", "KO", "BUY", 1, "10")).refused_with("FILL_NOT_OF_ORDER")
    given.when(fill("o", "XOM", "SELL", 1, "10")).refused_with("FILL_NOT_OF_ORDER")
    given.when(fill("o", "KO", "SELL", 1, "0.0001")).when(fill("o", "KO", "SELL", 1, "1000"))
    assert given.account.orders["o"].remaining == 2 * SHARE


def test_the_limits_of_risk_hold_for_fills_too():
    given = with_order().when(c.ChangeRiskLimits(10_000, money("50000"), money("100")))
    given.when(fill("o", "KO", "BUY", 3, "40")).refused_with("TRADE_LIMIT_EXCEEDED", money("100"), money("120"))


# Placing.


@pytest.mark.parametrize(
    ("placed", "code", "limit", "actual"),
    [
        (order("o", "XOM", "BUY", 1, limit="1"), "DUPLICATE_ORDER_ID", None, None),
        (order("p", "XOM", "BUY", 1, limit="1", client_order_id="client-o"), "DUPLICATE_CLIENT_ORDER_ID", None, None),
        (order("p", "XOM", "BUY", 2_001, limit="10"), "TRADE_LIMIT_EXCEEDED", money("20000"), money("20010")),
        (order("p", "XOM", "BUY", 951, limit="10"), "INSUFFICIENT_FUNDS", money("9500"), money("9510")),
        (order("p", "XOM", "BUY", 920, "MARKET"), "INSUFFICIENT_FUNDS", money("9500"), money("9568")),
        (order("p", "XOM", "SELL", 1, limit="10"), "INSUFFICIENT_POSITION", 0, 1),
    ],
)
def test_an_order_that_breaks_a_rule_is_never_placed(placed, code, limit, actual):
    with_order().when(placed).refused_with(code, limit, actual)


def test_an_order_is_held_to_the_daily_limit_and_to_the_limit_of_a_symbol():
    given = opened_with("10000").when(order("o", "KO", "BUY", 101, limit="10"))
    given.refused_with("POSITION_LIMIT_EXCEEDED", money("1000"), money("1010"))
    given = opened_with("10000").when(c.ChangeRiskLimits(10_000, money("1000"), money("1000")))
    given.when(buy("KO", 50, "10")).when(order("o", "KO", "BUY", 51, limit="10"))
    given.refused_with("DAILY_LIMIT_EXCEEDED", money("1000"), money("1010"))


def test_the_client_order_id_of_an_order_that_has_ended_is_free_again():
    given = with_order().when(c.CancelOrder("o", ""))
    given.when(order("p", "KO", "BUY", 1, limit="1", client_order_id="client-o"))
    assert isinstance(given.latest, e.OrderPlaced)


def test_an_account_has_a_largest_number_of_working_orders(monkeypatch):
    monkeypatch.setattr(orders, "OPEN_ORDERS_MAX", 2)
    given = with_order().when(order("p", "XOM", "BUY", 1, limit="1"))
    given.when(order("q", "XOM", "BUY", 1, limit="1")).refused_with("ORDER_COUNT_EXCEEDED", 2, 3)


@pytest.mark.parametrize(
    ("order_type", "time_in_force", "limit_price", "stop_price", "code"),
    [
        ("STOP_LIMIT", "DAY", 2, 1, None),
        ("STOP_LIMIT", "DAY", 1, 2, Code.INVALID_STOP_LIMIT),
        ("MARKET", "DAY", None, None, None),
        ("LIMIT", "FOK", 1, None, None),
        ("STOP", "GTC", None, 1, None),
        ("STOP_LIMIT", "DAY", 1, 1, None),
        ("MARKET", "DAY", 1, None, Code.INVALID_LIMIT_PRICE),
        ("LIMIT", "DAY", None, None, Code.INVALID_LIMIT_PRICE),
        ("STOP", "DAY", 1, 1, Code.INVALID_LIMIT_PRICE),
        ("LIMIT", "DAY", 1, 1, Code.INVALID_STOP_PRICE),
        ("STOP_LIMIT", "DAY", 1, None, Code.INVALID_STOP_PRICE),
        ("STOP", "IOC", None, 1, Code.INVALID_TIME_IN_FORCE),
        ("STOP_LIMIT", "FOK", 1, 1, Code.INVALID_TIME_IN_FORCE),
    ],
)
def test_prices_and_times_in_force_go_with_the_type(order_type, time_in_force, limit_price, stop_price, code):
    found = terms_code(
        side="BUY", order_type=order_type, time_in_force=time_in_force, limit_price=limit_price, stop_price=stop_price
    )
    assert found == code


def test_a_stop_limit_sell_has_its_limit_at_the_stop_or_below():
    terms = {"side": "SELL", "order_type": "STOP_LIMIT", "time_in_force": "DAY", "stop_price": 2}
    found = [terms_code(**terms, limit_price=limit_price) for limit_price in (1, 2, 3)]
    assert found == [None, None, Code.INVALID_STOP_LIMIT]
    assert terms_code(**terms, limit_price=3, is_triggered=True) is None, "triggered, it is a limit order"


# Replacing.


def test_a_replacement_is_a_new_order_that_keeps_what_was_filled():
    given = with_order(filled=4).when(replacing(shares=6, limit="45"))
    replaced, placed = given.decided
    assert replaced == e.OrderReplaced("o", "n", "KO", "BUY", 10 * SHARE, 4 * SHARE, 0, 0, terms="quantity,limit_price")
    assert (placed.order_id, placed.replaces, placed.client_order_id) == ("n", "o", "again")
    assert (placed.quantity, placed.filled_quantity, placed.filled_value) == (6 * SHARE, 4 * SHARE, money("196"))
    assert given.account.orders["n"].remaining == 2 * SHARE, "what was filled is not opened again"
    assert reserved(given) == (money("90"), {})
    given.when(fill("o", "KO", "BUY", 1, "45")).refused_with("ORDER_NOT_OPEN")
    given.when(fill("n", "KO", "BUY", 3, "45")).refused_with("ORDER_QUANTITY_EXCEEDED", 2, 3)
    given.when(fill("n", "KO", "BUY", 2, "45"))
    assert given.decided[1].filled_value == money("286")


def test_a_replacement_may_use_what_the_old_order_reserved():
    given = with_order().when(c.WithdrawCash(money("9500"), ""))
    given.when(replacing(limit="50.0001")).refused_with("INSUFFICIENT_FUNDS", money("500"), money("500.001"))
    assert given.account.orders.keys() == {"o"}
    given.when(replacing(shares=5, limit="100"))
    assert reserved(given) == (money("500"), {})
    given = holding(10).when(order("o", "KO", "SELL", 10, limit="11")).when(replacing(shares=9))
    assert reserved(given) == (0, {"KO": 9})


@pytest.mark.parametrize(
    ("command", "code", "limit", "actual"),
    [
        (replacing("x", shares=11), "ORDER_NOT_OPEN", None, None),
        (replacing(), "ORDER_UNCHANGED", None, None),
        (replacing(shares=10, limit="50", time_in_force="DAY"), "ORDER_UNCHANGED", None, None),
        (replacing(shares=4), "ORDER_QUANTITY_FILLED", 4, 4),
        (replacing(stop="1"), "INVALID_STOP_PRICE", None, None),
        (replacing(to="o", shares=11), "DUPLICATE_ORDER_ID", None, None),
        (replacing(client="client-o", shares=11), "DUPLICATE_CLIENT_ORDER_ID", None, None),
    ],
)
def test_a_replacement_that_breaks_a_rule_leaves_the_old_order(command, code, limit, actual):
    with_order(filled=4).when(command).refused_with(code, limit, actual)


def test_a_market_order_keeps_the_price_that_it_was_reckoned_at():
    given = opened_with("10000").when(order("o", "KO", "BUY", 10, "MARKET")).when(replacing(shares=5))
    assert reserved(given) == (money("52"), {})
    given = opened_with("10000").when(order("o", "KO", "BUY", 10, "STOP", stop="10")).when(replacing(stop="20"))
    assert reserved(given) == (money("208"), {})


def test_a_market_order_is_replaced_without_being_judged_by_its_cushion():
    given = opened_with("1000000").when(order("o", "KO", "BUY", 2_443, "MARKET", market="40.72"))
    assert isinstance(given.latest, e.OrderPlaced)
    assert given.account.reserved_cash == 2_443 * money("42.3488")
    for change in ({"time_in_force": "GTC"}, {"shares": 2_442}, {"shares": 2_455}):
        again = deepcopy(given).when(replacing(**change))
        assert isinstance(again.decided[1], e.OrderPlaced), change
        assert again.account.orders["n"].reserve_price == money("42.3488")
    given.when(replacing(shares=2_456))
    given.refused_with("TRADE_LIMIT_EXCEEDED", money("100000"), 2_456 * money("40.72"))


TIGHT = {
    "TRADE_LIMIT_EXCEEDED": (10_000, money("50000"), 1),
    "DAILY_LIMIT_EXCEEDED": (10_000, 1, money("20000")),
    "POSITION_LIMIT_EXCEEDED": (1, money("50000"), money("20000")),
}


@pytest.mark.parametrize("code", TIGHT)
@pytest.mark.parametrize("filled", [0, 4])
@pytest.mark.parametrize(
    ("terms", "changes", "growths"),
    [
        (
            {"limit": "50"},
            [{"shares": 9}, {"limit": "49"}, {"time_in_force": "GTC"}, {"shares": 11, "limit": "20"}],
            [{"shares": 11}, {"limit": "50.0001"}, {"shares": 20, "limit": "49"}],
        ),
        ({"order_type": "MARKET", "market": "50"}, [{"shares": 9}, {"time_in_force": "IOC"}], [{"shares": 11}]),
        (
            {"order_type": "STOP", "stop": "49"},
            [{"shares": 9}, {"time_in_force": "GTC"}],
            [{"shares": 11}],
        ),
        (
            {"order_type": "STOP_LIMIT", "stop": "49", "limit": "50"},
            [{"shares": 9}, {"limit": "49.5"}],
            [{"shares": 11}, {"limit": "51"}],
        ),
    ],
    ids=lambda given: given.get("order_type", "LIMIT") if isinstance(given, dict) else "",
)
def test_under_a_lowered_limit_an_order_may_shrink_and_not_grow(code, filled, terms, changes, growths):
    given = opened_with("10000").when(c.ChangeRiskLimits(10_000, money("50000"), money("20000")))
    given.when(order("o", "KO", "BUY", 10, **terms))
    if filled:
        given.when(fill("o", "KO", "BUY", filled, "50"))
    given.when(buy("XOM", 1, "7")).when(c.ChangeRiskLimits(*TIGHT[code]))
    for change in changes:
        after = deepcopy(given).when(replacing(**change))
        assert isinstance(after.decided[1], e.OrderPlaced), (change, after.decided)
    for change in growths:
        refused = deepcopy(given).when(replacing(**change)).latest
        assert (refused.code, refused.actual > refused.limit) == (code, True), change


@pytest.mark.parametrize("code", ["TRADE_LIMIT_EXCEEDED", "DAILY_LIMIT_EXCEEDED"])
def test_under_a_lowered_limit_a_sell_may_shrink_and_not_grow(code):
    given = holding(20).when(order("o", "KO", "SELL", 10, limit="50")).when(c.ChangeRiskLimits(*TIGHT[code]))
    for change in ({"shares": 9}, {"limit": "1"}, {"time_in_force": "FOK"}, {"shares": 20, "limit": "25"}):
        assert isinstance(deepcopy(given).when(replacing(**change)).decided[1], e.OrderPlaced), change
    for change in ({"shares": 11}, {"limit": "51"}):
        assert deepcopy(given).when(replacing(**change)).latest.code == code
    given.when(replacing(shares=21, limit="1")).refused_with("INSUFFICIENT_POSITION", 20, 21)


def test_each_limit_is_judged_by_what_it_measures():
    """Fewer shares at a higher price are a smaller value; with shares held they may be a larger part of the whole."""
    given = opened_with("10000").when(c.ChangeRiskLimits(10_000, money("50000"), money("20000")))
    given.when(buy("KO", 100, "10")).when(order("o", "KO", "BUY", 100, limit="10"))
    given.when(c.ChangeRiskLimits(2_000, money("50000"), money("500")))
    given.when(replacing(shares=49, limit="20")).refused_with(
        "POSITION_LIMIT_EXCEEDED", money("2200"), money("2980")
    )  # Of 11,000 at that price.
    given.when(replacing(shares=50, limit="10"))
    assert given.account.orders["n"].remaining == 50 * SHARE


def test_a_replacement_is_not_judged_anew_when_the_market_has_moved():
    given = opened_with("10000").when(order("o", "KO", "BUY", 100, limit="9"))
    given.when(c.ChangeRiskLimits(10_000, money("50000"), money("20000"))).when(buy("KO", 500, "1"))
    given.when(buy("KO", 1, "15")).when(c.ChangeRiskLimits(1_000, money("50000"), money("20000")))
    given.when(replacing(shares=101, limit="9"))
    assert given.latest.code == "POSITION_LIMIT_EXCEEDED"
    given.when(replacing(shares=99, limit="9"))
    assert given.account.orders["n"].remaining == 99 * SHARE


def test_a_placement_that_is_asked_about_again_says_how_its_order_stands_now():
    given = with_order()
    (placed,) = placement = given.decided
    assert orders.as_it_works_now(given.account, placement) == placement
    given.when(fill("o", "KO", "BUY", 4, "49")).when(order("p", "XOM", "BUY", 1, limit="20"))
    (now,) = orders.as_it_works_now(given.account, placement)
    assert (now.filled_quantity, now.filled_value, now.reserved_cash) == (4 * SHARE, money("196"), money("320"))
    assert (now.order_id, now.quantity, now.limit_price) == (placed.order_id, placed.quantity, placed.limit_price)
    given.when(replacing(shares=5))
    replacement = given.decided
    assert orders.as_it_works_now(given.account, placement) is None, "it was replaced"
    assert orders.as_it_works_now(given.account, replacement)[1].filled_quantity == 4 * SHARE
    given.when(fill("n", "KO", "BUY", 1, "49"))
    assert orders.as_it_works_now(given.account, replacement) is None


# Ending.


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (c.CancelOrder("o", "why not"), e.OrderCancelled),
        (c.ExpireOrder("o", "why not"), e.OrderExpired),
        (c.RejectOrder("o", "why not"), e.OrderRejected),
    ],
)
def test_an_order_that_ends_sets_free_what_it_reserved(command, event):
    given = with_order(filled=4).when(order("p", "KO", "BUY", 1, limit="20")).when(command)
    assert given.latest == event(
        "o", "KO", "BUY", 10 * SHARE, 4 * SHARE, "why not", reserved_cash=money("20"), reserved_shares=0
    )
    assert given.account.orders.keys() == {"p"}
    given.when(command).refused_with("ORDER_NOT_OPEN")
    assert reserved(given) == (money("20"), {}), "it is set free once"


def test_a_fill_that_comes_first_wins_over_a_cancel():
    with_order(filled=10).when(c.CancelOrder("o", "")).refused_with("ORDER_NOT_OPEN")


def test_a_cancel_that_comes_first_wins_over_a_fill():
    with_order().when(c.CancelOrder("o", "")).when(fill("o", "KO", "BUY", 1, "50")).refused_with("ORDER_NOT_OPEN")


def test_an_order_that_is_good_till_cancelled_does_not_expire():
    with_order(time_in_force="GTC").when(c.ExpireOrder("o", "")).refused_with("ORDER_NOT_EXPIRING")


# The account around them.


def test_a_frozen_account_lets_orders_end_and_nothing_else():
    given = with_order().when(order("p", "KO", "BUY", 1, limit="1")).when(order("q", "KO", "BUY", 1, limit="1"))
    given.when(c.FreezeAccount("audit"))
    for command in (order("x", "KO", "BUY", 1, limit="1"), replacing(shares=11), fill("o", "KO", "BUY", 1, "50")):
        given.when(command).refused_with("ACCOUNT_NOT_ACTIVE")
    for command in (c.CancelOrder("o", ""), c.ExpireOrder("p", ""), c.RejectOrder("q", "halted")):
        given.when(command)
    assert reserved(given) == (0, {})


def test_an_account_is_closed_only_when_it_is_empty_and_then_for_ever():
    given = with_order(filled=4).when(c.CloseAccount("moved")).refused_with("ACCOUNT_HAS_ORDERS", 0, 1)
    given.when(c.CancelOrder("o", "")).when(c.CloseAccount("moved")).refused_with("ACCOUNT_HAS_POSITIONS", 0, 1)
    given.when(sell("KO", 4, "49")).when(c.CloseAccount("moved")).refused_with("ACCOUNT_HAS_CASH", 0, money("10000"))
    given.when(c.WithdrawCash(money("10000"), "")).when(c.CloseAccount("moved"))
    assert given.latest == e.AccountClosed("moved")
    assert given.account.status == "CLOSED"
    for command in (
        c.OpenAccount("ada", "Again", "USD"),
        c.DepositCash(1, ""),
        c.CloseAccount("again"),
        c.FreezeAccount("x"),
        c.UnfreezeAccount("x"),
        order("p", "KO", "BUY", 1, limit="1"),
    ):
        given.when(command).refused_with("ACCOUNT_CLOSED")


def test_a_frozen_account_is_not_closed():
    given = opened_with("1").when(c.WithdrawCash(money("1"), "")).when(c.FreezeAccount("audit"))
    given.when(c.CloseAccount("moved")).refused_with("ACCOUNT_NOT_ACTIVE")
