"""The account's decisions: given a history, when a command arrives, then these events."""

import pytest

from accounts.domain.account import decide
from accounts.domain.commands import (
    ChangeFeeSchedule,
    ChangeRiskLimits,
    DepositCash,
    ExecuteTrade,
    FreezeAccount,
    OpenAccount,
    UnfreezeAccount,
    WithdrawCash,
)
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.events import (
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    CashDeposited,
    CashWithdrawn,
    RiskLimitsChanged,
    TradeExecuted,
)
from accounts.domain.state import Account
from accounts.domain.values import SHARE, VALUE_MAX
from accounts.tests.unit.domain.scenario import DAY, Scenario, buy, money, opened_with, order, sell

NO_LIMITS = ChangeRiskLimits(10_000, money("100000000000"), money("100000000000"))


class TestOpening:
    def test_gives_the_default_limits(self):
        scenario = Scenario(OpenAccount("ada", "Savings", "USD"))
        assert scenario.latest == AccountOpened("ada", "Savings", "USD", 1_000, money("1000000"), money("100000"))

    def test_is_refused_when_the_account_is_open(self):
        opened_with("1").when(OpenAccount("eve", "Mine", "USD")).refused_with(Code.ACCOUNT_ALREADY_OPEN)

    @pytest.mark.parametrize("command", [DepositCash(1, ""), buy("KO", 1, "1"), FreezeAccount("why"), NO_LIMITS])
    def test_has_to_come_first_and_nothing_is_recorded_without_it(self, command):
        with pytest.raises(CommandInvalid) as refused:
            decide(Account(), command, 0)
        assert refused.value.code == Code.ACCOUNT_NOT_FOUND


class TestCash:
    def test_deposits_add_up(self):
        scenario = opened_with("100.25").when(DepositCash(money("0.75"), "second"))
        assert scenario.latest == CashDeposited(money("0.75"), "second", money("101"), money("101"), money("101"))

    def test_withdrawals_take_away(self):
        scenario = opened_with("100").when(WithdrawCash(money("40"), "rent"))
        assert scenario.latest == CashWithdrawn(money("40"), "rent", money("60"), money("60"), money("40"))

    def test_all_cash_may_be_withdrawn_but_not_a_ten_thousandth_more(self):
        opened_with("100").when(WithdrawCash(money("100.0001"), "")).refused_with(
            Code.INSUFFICIENT_FUNDS, money("100"), money("100.0001")
        ).when(WithdrawCash(money("100"), ""))

    def test_an_account_cannot_hold_more_than_the_platform_can_count(self):
        scenario = opened_with("1")
        scenario.when(DepositCash(VALUE_MAX, "")).refused_with(
            Code.VALUE_LIMIT_EXCEEDED, VALUE_MAX, VALUE_MAX + money("1")
        )


class TestPriceBand:
    """A trade of no order, 10 % around a market at 50 when nothing else is said."""

    @staticmethod
    def booked(scenario, price, market="50", order_id=None):
        return scenario.when(ExecuteTrade("KO", "BUY", SHARE, money(price), order_id, money(market)))

    @pytest.mark.parametrize(
        ("price", "bound"), [("55.0001", "55"), ("5500", "55"), ("44.9999", "45"), ("0.0001", "45")]
    )
    def test_a_price_beyond_it_is_refused_with_the_nearest_allowed_one(self, price, bound):
        self.booked(opened_with("100000"), price).refused_with(Code.PRICE_BEYOND_BAND, money(bound), money(price))

    @pytest.mark.parametrize("price", ["45", "50", "55"])
    def test_its_edges_are_allowed(self, price):
        assert self.booked(opened_with("100000"), price).latest.price == money(price)

    def test_an_edge_between_two_units_is_the_one_within(self):
        scenario = opened_with("100000").when(ChangeRiskLimits(10_000, 10**9, 10**9, 1))
        self.booked(scenario, "1.0002", "1.9999").refused_with(Code.PRICE_BEYOND_BAND, money("1.9998"), money("1.0002"))
        self.booked(scenario, "2.0001", "1.9999").refused_with(Code.PRICE_BEYOND_BAND, money("2.0000"), money("2.0001"))

    def test_a_market_that_says_nothing_is_not_asked(self):
        assert self.booked(opened_with("100000"), "9000", "0").latest.price == money("9000")

    def test_an_account_may_have_none(self):
        scenario = opened_with("100000").when(ChangeRiskLimits(10_000, 10**9, 10**9, 0))
        assert self.booked(scenario, "9000").latest.price == money("9000")

    def test_a_fill_has_the_price_that_its_order_allows(self):
        scenario = opened_with("100000").when(order("one", "KO", "BUY", 1, limit="5000"))
        (executed, _) = self.booked(scenario, "5000", order_id="one").decided
        assert executed.price == money("5000")

    def test_the_price_is_judged_before_what_it_comes_to(self):
        scenario = opened_with("100000")
        trade = ExecuteTrade("KO", "SELL", 10**6 * SHARE, money("500"), None, money("50"))
        scenario.when(trade).refused_with(Code.PRICE_BEYOND_BAND, money("55"), money("500"))


class TestTrading:
    def test_a_buy_moves_cash_into_a_position(self):
        scenario = opened_with("100000").when(buy("KO", 100, "50.5"))
        assert scenario.latest == TradeExecuted(
            symbol="KO",
            side="BUY",
            quantity=100 * SHARE,
            price=money("50.5"),
            order_id=None,
            value=money("5050"),
            fee=0,
            cash_after=money("94950"),
            position_quantity=100 * SHARE,
            position_cost=money("5050"),
            position_realized_pnl=0,
            realized_pnl=0,
            total_realized_pnl=0,
            total_fees=0,
            positions_cost=money("5050"),
            portfolio_value=money("100000"),
            trade_count=1,
            day=20_000,
            day_volume=money("5050"),
            day_trades=1,
            day_realized_pnl=0,
        )

    def test_a_sell_realizes_profit_at_average_cost(self):
        scenario = opened_with("100000").when(buy("KO", 100, "50")).when(buy("KO", 50, "56")).when(sell("KO", 60, "60"))
        event = scenario.latest
        assert event.realized_pnl == money("480")  # Average cost 52: 60 x (60 - 52).
        assert (event.position_quantity, event.position_cost) == (90 * SHARE, money("4680"))
        assert event.total_realized_pnl == event.day_realized_pnl == event.position_realized_pnl == money("480")
        assert event.portfolio_value == money("95800") + 90 * money("60")

    def test_no_fraction_of_the_cost_is_ever_lost(self):
        scenario = opened_with("1000").when(NO_LIMITS).when(buy("KO", 3, "33.3333")).when(buy("KO", 4, "10.0001"))
        for _ in range(7):
            scenario.when(sell("KO", 1, "20"))
        assert scenario.latest.position_cost == 0
        assert scenario.account.cash == money("1000") + scenario.account.realized_pnl

    def test_selling_more_than_is_held_is_refused(self):
        opened_with("1000").when(NO_LIMITS).when(buy("KO", 3, "10")).when(sell("KO", 4, "10")).refused_with(
            Code.INSUFFICIENT_POSITION, 3, 4
        ).when(sell("XOM", 1, "10")).refused_with(Code.INSUFFICIENT_POSITION, 0, 1)

    def test_buying_for_more_than_the_cash_is_refused(self):
        opened_with("1000").when(NO_LIMITS).when(buy("KO", 100, "10.01")).refused_with(
            Code.INSUFFICIENT_FUNDS, money("1000"), money("1001")
        ).when(buy("KO", 100, "10"))

    def test_the_days_figures_begin_anew_on_a_new_utc_day(self):
        scenario = opened_with("100000").when(buy("KO", 10, "50"))
        scenario.now += DAY
        scenario.when(sell("KO", 4, "60"))
        event = scenario.latest
        assert (event.day, event.day_trades, event.day_volume) == (20_001, 1, money("240"))
        assert (event.trade_count, event.day_realized_pnl) == (2, money("40"))

    def test_every_trade_says_what_all_so_far_cost(self):
        scenario = opened_with("100000").when(ChangeFeeSchedule(7, 0, 0, 0))
        scenario.when(buy("KO", 10, "50")).when(sell("KO", 4, "60"))
        assert (scenario.latest.fee, scenario.latest.total_fees) == (7, 14)


class TestLimits:
    def test_one_trade_is_worth_at_most_the_limit(self):
        opened_with("10000000").when(buy("KO", 1_000, "100.0001")).refused_with(
            Code.TRADE_LIMIT_EXCEEDED, money("100000"), money("100000.1")
        ).when(buy("KO", 1_000, "100"))

    def test_a_day_is_worth_at_most_the_limit_and_sells_count(self):
        scenario = opened_with("10000000")
        for _ in range(5):
            scenario.when(buy("KO", 1_000, "100")).when(sell("KO", 1_000, "100"))
        scenario.when(buy("KO", 1, "0.0001")).refused_with(
            Code.DAILY_LIMIT_EXCEEDED, money("1000000"), money("1000000.0001")
        )
        scenario.now += DAY
        assert isinstance(scenario.when(buy("KO", 1, "0.0001")).latest, TradeExecuted)

    def test_a_symbol_is_at_most_its_share_of_the_portfolio(self):
        scenario = opened_with("10000").when(buy("KO", 10, "100"))
        assert isinstance(scenario.latest, TradeExecuted)
        scenario.when(buy("KO", 1, "100")).refused_with(Code.POSITION_LIMIT_EXCEEDED, money("1000"), money("1100"))

    def test_the_share_is_of_the_portfolio_at_the_trades_price(self):
        scenario = opened_with("10000").when(buy("KO", 5, "100")).when(buy("KO", 1, "200"))
        scenario.refused_with(Code.POSITION_LIMIT_EXCEEDED, money("1050"), money("1200"))

    def test_an_empty_portfolio_has_no_exemption(self):
        scenario = Scenario(OpenAccount("ada", "Savings", "USD")).when(buy("KO", 1, "1"))
        scenario.refused_with(Code.INSUFFICIENT_FUNDS, 0, money("1"))

    def test_a_price_that_makes_a_position_uncountable_is_refused(self):
        scenario = opened_with("1000000").when(NO_LIMITS).when(buy("KO", 10**9, "0.0001"))
        scenario.when(sell("KO", 1, "1000000"))
        assert scenario.latest.code == Code.VALUE_LIMIT_EXCEEDED

    def test_changed_limits_apply_from_then_on(self):
        scenario = opened_with("10000").when(ChangeRiskLimits(2_000, money("5000"), money("1500")))
        assert scenario.latest == RiskLimitsChanged(2_000, money("5000"), money("1500"))
        assert isinstance(scenario.when(buy("KO", 15, "100")).latest, TradeExecuted)
        scenario.when(buy("KO", 16, "100")).refused_with(Code.TRADE_LIMIT_EXCEEDED, money("1500"), money("1600"))


class TestFreezing:
    @pytest.mark.parametrize(
        "command", [DepositCash(1, ""), WithdrawCash(1, ""), buy("KO", 1, "1"), sell("KO", 1, "1"), FreezeAccount("x")]
    )
    def test_a_frozen_account_accepts_nothing(self, command):
        scenario = opened_with("100").when(FreezeAccount("audit"))
        assert scenario.latest == AccountFrozen("audit")
        scenario.when(command).refused_with(Code.ACCOUNT_NOT_ACTIVE)

    def test_unfreezing_lets_it_trade_again(self):
        scenario = opened_with("100").when(FreezeAccount("audit")).when(UnfreezeAccount("clean"))
        assert scenario.latest == AccountUnfrozen("clean")
        assert isinstance(scenario.when(DepositCash(1, "")).latest, CashDeposited)

    def test_only_a_frozen_account_can_be_unfrozen(self):
        opened_with("100").when(UnfreezeAccount("why not")).refused_with(Code.ACCOUNT_NOT_FROZEN)


def test_a_refusal_records_who_tried_what():
    event = opened_with("1").when(buy("KO", 7, "2.5")).latest
    trade = {"symbol": "KO", "side": "BUY", "quantity": 7 * SHARE, "price": money("2.5"), "order_id": None}
    assert (event.command, event.arguments) == ("ExecuteTrade", {**trade, "market_price": 0})
