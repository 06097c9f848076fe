"""Fees: the arithmetic against decimals, and what an order with a schedule costs, fill by fill."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.domain import commands as c
from accounts.domain import fees
from accounts.domain.errors import Code
from accounts.domain.events import OrderExpired, OrderFilled
from accounts.domain.fees import NO_FEES, FeeSchedule, fee_fits_64_bits, fee_of, order_fee
from accounts.domain.values import MONEY_MAX, PRICE_MAX, QUANTITY_MAX, SHARE
from accounts.kernels.compiling import kernel
from accounts.tests.unit.domain.scenario import buy, fill, money, opened_with, order, sell

ANY_MONEY = st.integers(0, 20_000) | st.integers(0, MONEY_MAX) | st.integers(0, 10**30)
ANY_PART = st.integers(0, 100) | st.integers(0, 10_000) | st.integers(0, 10**20)
ANY_QUANTITY = st.integers(0, 300).map(lambda shares: shares * SHARE // 2) | st.integers(0, QUANTITY_MAX)
ANY_VALUE = st.integers(0, 10**6) | st.integers(0, MONEY_MAX) | st.integers(0, QUANTITY_MAX * PRICE_MAX // SHARE)
SCHEDULES = st.tuples(ANY_MONEY, ANY_MONEY, ANY_PART, ANY_MONEY)
EIGHT = ", ".join(["i8"] * 8)
ROOMY = c.ChangeRiskLimits(10_000, money("10000000"), money("1000000"))


def in_decimals(per_order, per_share, basis_points, minimum, quantity, value):
    if quantity == 0:
        return 0
    with localcontext(prec=120):
        of_shares = (Decimal(per_share) * quantity / SHARE).quantize(Decimal(1), ROUND_HALF_EVEN)
        of_value = (Decimal(basis_points) * value / 10_000).quantize(Decimal(1), ROUND_HALF_EVEN)
    return per_order + max(minimum, int(of_shares) + int(of_value))


@settings(max_examples=500)
@given(SCHEDULES, ANY_QUANTITY, ANY_VALUE)
def test_an_order_costs_what_decimals_say(schedule, quantity, value):
    assert order_fee(*schedule, quantity, value) == in_decimals(*schedule, quantity, value)


@given(SCHEDULES, st.lists(st.tuples(ANY_QUANTITY, ANY_VALUE), min_size=1, max_size=9))
def test_the_fills_of_an_order_cost_together_what_it_costs_and_none_is_negative(schedule, fills):
    filled, paid, charged = 0, 0, []
    for quantity, value in fills:
        charged.append(fee_of(*schedule, quantity, value, filled, paid))
        filled, paid = filled + quantity, paid + value
    assert min(charged) >= 0
    assert sum(charged) == order_fee(*schedule, filled, paid)


@given(SCHEDULES, SCHEDULES, ANY_QUANTITY, ANY_VALUE, ANY_QUANTITY, ANY_VALUE)
def test_no_fee_is_negative_when_the_schedule_changes_between_fills(first, then, quantity, value, more, worth):
    assert fee_of(*first, quantity, value, 0, 0) >= 0
    assert fee_of(*then, more, worth, quantity, value) >= 0


@kernel(f"i8({EIGHT})")
def compiled_fee_of(a, b, c, d, e, f, g, h):
    return fee_of(a, b, c, d, e, f, g, h)


@kernel(f"b1({EIGHT[:-8]})")
def compiled_fits(a, b, c, d, e, f):
    return fee_fits_64_bits(a, b, c, d, e, f)


INT64 = st.integers(0, 2**63 - 1)
WIDE = st.integers(0, 10**6) | st.integers(0, 10**13) | INT64


@settings(max_examples=2_000, deadline=None)
@given(st.tuples(WIDE, WIDE, WIDE, WIDE), ANY_QUANTITY, st.integers(0, 4 * 10**18), ANY_QUANTITY, WIDE)
def test_compiled_it_costs_the_same_wherever_it_fits(schedule, quantity, value, filled, paid):
    total = min(quantity + filled, QUANTITY_MAX), min(value + paid, 2**63 - 1)
    quantity, value = max(total[0] - filled, 0), max(total[1] - paid, 0)
    fits = fee_fits_64_bits(*schedule, filled + quantity, paid + value)
    assert compiled_fits(*schedule, filled + quantity, paid + value) == fits
    if fits:
        expected = fee_of(*schedule, quantity, value, filled, paid)
        assert compiled_fee_of(*schedule, quantity, value, filled, paid) == expected < 2**62


def test_new_accounts_have_no_fees():
    assert opened_with("1").account.fee_schedule == NO_FEES == FeeSchedule(0, 0, 0, 0)
    assert opened_with("1000").when(ROOMY).when(buy("KO", 1, "10")).latest.fee == 0


def charged(schedule, cash="100000"):
    return opened_with(cash).when(ROOMY).when(c.ChangeFeeSchedule(*schedule))


def test_a_buys_fee_is_cost_and_a_sales_lowers_its_proceeds():
    given = charged((money("1"), money("0.005"), 10, 0)).when(buy("KO", 100, "50"))
    event = given.latest
    assert (event.value, event.fee) == (money("5000"), money("6.5"))  # 1 + 100 x 0.005 + 0.1 % of 5,000.
    assert (event.cash_after, event.position_cost) == (money("94993.5"), money("5006.5"))
    assert event.portfolio_value == money("99993.5")
    event = given.when(sell("KO", 50, "60")).latest
    assert (event.fee, event.total_fees) == (money("4.25"), money("10.75"))
    assert event.realized_pnl == money("3000") - money("4.25") - money("2503.25")
    assert event.cash_after == money("94993.5") + money("2995.75")


def test_each_part_is_rounded_half_to_even_by_itself():
    half_a_share = c.ExecuteTrade("KO", "BUY", SHARE // 2, money("1"), None)
    assert charged((0, 1, 1, 0)).when(half_a_share).latest.fee == 0  # Half a unit, and half a unit: each becomes 0.
    assert charged((0, 3, 3, 0)).when(half_a_share).latest.fee == 4  # One and a half, twice: each becomes 2.


def test_the_minimum_and_the_fee_per_order_count_once_an_order_whatever_number_of_fills_it_takes():
    given = charged((money("1"), money("0.01"), 0, money("2.5")))
    given.when(order("o", "KO", "BUY", 1_000, limit="10"))
    found = [given.when(fill("o", "KO", "BUY", shares, "10")).decided[0].fee for shares in (100, 100, 100, 700)]
    assert found == [money("3.5"), 0, money("0.5"), money("7")]
    assert sum(found) == money("1") + 1_000 * money("0.01")
    assert given.account.fees == sum(found)


def test_trades_of_no_order_are_charged_as_an_order_each():
    given = charged((money("1"), 0, 0, money("2")))
    assert [given.when(buy("KO", 1, "10")).latest.fee for _ in range(3)] == [money("3")] * 3


def test_an_order_in_the_place_of_another_one_goes_on_from_its_fills():
    given = charged((money("1"), money("0.01"), 0, 0)).when(order("o", "KO", "BUY", 10, limit="10"))
    given.when(fill("o", "KO", "BUY", 4, "10"))
    given.when(c.ReplaceOrder("o", "p", "client-p", 20 * SHARE, None, None, None))
    assert given.when(fill("p", "KO", "BUY", 16, "10")).decided[0].fee == money("0.16")


def test_a_fill_is_charged_by_the_schedule_of_its_moment():
    given = charged((0, 0, 0, 0)).when(order("o", "KO", "BUY", 10, limit="10")).when(fill("o", "KO", "BUY", 4, "10"))
    given.when(c.ChangeFeeSchedule(money("5"), money("0.5"), 0, money("1")))
    assert given.when(fill("o", "KO", "BUY", 4, "10")).decided[0].fee == money("2")  # The order had its first fill.
    given.when(c.ChangeFeeSchedule(0, 0, 0, 0))
    assert given.when(fill("o", "KO", "BUY", 2, "10")).decided[0].fee == 0
    assert given.account.fees == money("2")


def test_a_buy_needs_its_fee_in_cash_that_is_not_reserved():
    given = charged((money("1"), 0, 0, 0), cash="111").when(order("o", "XOM", "BUY", 1, limit="9"))
    given.when(buy("KO", 10, "10.2")).refused_with(Code.INSUFFICIENT_FUNDS, money("102"), money("103"))
    given.when(buy("KO", 10, "10.1"))
    given.when(fill("o", "XOM", "BUY", 1, "9")).refused_with(Code.INSUFFICIENT_FUNDS, money("9"), money("10"))
    assert given.when(fill("o", "XOM", "BUY", 1, "8")).account.cash == 0


def test_a_sale_may_not_make_cash_negative_by_its_fee():
    given = charged((0, 0, 0, 0), cash="10").when(buy("KO", 1, "10")).when(c.ChangeFeeSchedule(money("7"), 0, 0, 0))
    given.when(sell("KO", 1, "6.9999")).refused_with(Code.INSUFFICIENT_FUNDS, money("6.9999"), money("7"))
    event = given.when(sell("KO", 1, "7")).latest
    assert (event.cash_after, event.realized_pnl) == (0, -money("10"))


def test_a_sales_fee_does_not_take_what_orders_reserve():
    given = charged((0, 0, 0, 0), cash="30").when(buy("KO", 1, "10")).when(order("o", "XOM", "BUY", 1, limit="20"))
    given.when(c.ChangeFeeSchedule(money("7"), 0, 0, 0))
    given.when(sell("KO", 1, "5")).refused_with(Code.INSUFFICIENT_FUNDS, money("5"), money("7"))


@pytest.mark.parametrize(("cash", "is_placed"), [("103", True), ("102.9999", False)])
def test_an_order_is_judged_with_the_fee_that_it_would_have_but_does_not_reserve_it(cash, is_placed):
    given = charged((money("1"), 0, 200, 0), cash=cash)
    given.when(order("o", "KO", "BUY", 10, limit="10"))
    if is_placed:
        assert given.latest.reserved_cash == money("100")
    else:
        given.refused_with(Code.INSUFFICIENT_FUNDS, money(cash), money("103"))


def test_an_order_that_ends_is_not_charged():
    given = charged((money("1"), 0, 0, 0)).when(order("o", "KO", "BUY", 10, limit="10"))
    given.when(c.CancelOrder("o", ""))
    given.when(order("i", "KO", "BUY", 10, limit="10", time_in_force="IOC")).when(fill("i", "KO", "BUY", 3, "10"))
    assert [type(event) for event in given.decided[1:]] == [OrderFilled, OrderExpired]
    assert given.account.fees == money("1")


def test_a_frozen_accounts_schedule_may_be_changed():
    given = opened_with("1").when(c.FreezeAccount("audit")).when(c.ChangeFeeSchedule(1, 2, 3, 4))
    assert given.account.fee_schedule == fees.FeeSchedule(1, 2, 3, 4)
