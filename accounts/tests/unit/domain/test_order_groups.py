"""Trailing stops, orders that expire, brackets, OTO and OCO groups: what each leads to, event by event."""

import pytest
from msgspec.structs import replace

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.order_terms import EXPIRY_DAYS_MAX, market_price_of_trail, trailing_stop
from accounts.domain.values import SHARE
from accounts.tests.unit.domain.scenario import NOON as NOW
from accounts.tests.unit.domain.scenario import Scenario, buy, fill, money

DAY = 86_400 * 1_000_000


class Groups(Scenario):
    """A command may lead to many events."""

    @property
    def latest(self):
        return self.decided[-1]


def account() -> Groups:
    limits = c.ChangeRiskLimits(10_000, money("50000"), money("20000"))
    return Groups(c.OpenAccount("ada", "Savings", "USD"), c.DepositCash(money("10000"), "first"), limits)


def holding(shares: int = 10) -> Groups:
    return account().when(buy("KO", shares, "50"))


def bracket(*, profit="60", stop="45", limit=None, trail=None, entry="LIMIT", shares=10, time_in_force="GTC"):
    return c.PlaceBracket(
        "profit" if profit else None, profit and money(profit), "loss" if stop or trail else None, stop and money(stop),
        limit and money(limit), trail and money(trail), None, "entry", "mine", "KO", "BUY", shares * SHARE, entry,
        time_in_force, money("50") if entry == "LIMIT" else None, None, 0 if entry == "LIMIT" else money("50"), None,
        None, None,
    )  # fmt: skip


def oco(*, side="SELL", profit="60", stop="45", shares=10):
    return c.PlaceOco(
        *("profit", money(profit), "loss", money(stop), None, None, None, "mine", "KO", side, shares * SHARE, "GTC"),
        *(None, 0),
    )


def trailing(side="SELL", *, shares=10, amount=None, bp=None, market="50", order_id="o"):
    terms = ("KO", side, shares * SHARE, "TRAILING_STOP", "GTC", None, None, money(market), None)
    return c.PlaceOrder(order_id, f"client-{order_id}", *terms, amount and money(amount), bp)


def kinds(given: Groups) -> list[tuple[str, str]]:
    return [(type(event).__name__, getattr(event, "order_id", None)) for event in given.decided]


def kept(given: Groups) -> tuple[int, float]:
    return given.account.reserved_cash, given.account.reserved_shares.get("KO", 0) / SHARE


# Brackets and OTO.


def test_exits_wait_for_the_entry_and_reserve_nothing():
    given = account().when(bracket())
    assert [event.waits_for for event in given.decided] == [None, "entry", "entry"]
    assert [event.order_class for event in given.decided] == ["BRACKET"] * 3
    assert kept(given) == (money("500"), 0)
    for command in (fill("profit", "KO", "SELL", 1, "60"), c.TriggerOrder("loss", money("45"))):
        assert given.when(command).latest.code == Code.ORDER_HELD


def test_the_last_fill_of_the_entry_lets_its_exits_work_and_they_reserve_once():
    given = account().when(bracket()).when(fill("entry", "KO", "BUY", 4, "49"))
    assert kinds(given) == [("TradeExecuted", "entry"), ("OrderFilled", "entry")], "not before it is filled"
    given.when(fill("entry", "KO", "BUY", 6, "49"))
    assert kinds(given)[2:] == [("OrderActivated", "profit"), ("OrderActivated", "loss")]
    assert kept(given) == (0, 10)
    given.when(fill("profit", "KO", "SELL", 4, "61"))
    assert kinds(given)[1:] == [("OrderFilled", "profit"), ("OrderReduced", "loss")]
    assert (given.latest.quantity, kept(given)) == (6 * SHARE, (0, 6))
    given.when(fill("loss", "KO", "SELL", 6, "45"))
    assert kinds(given)[1:] == [("OrderFilled", "loss"), ("OrderCancelled", "profit")]
    assert given.latest.reason == "order loss was filled"
    assert (given.account.orders, kept(given)) == ({}, (0, 0))


@pytest.mark.parametrize("end", [c.CancelOrder("entry", ""), c.ExpireOrder("entry", ""), c.RejectOrder("entry", "no")])
def test_an_entry_that_ends_in_part_leaves_its_exits_for_that_part(end):
    given = account().when(replace(bracket(), time_in_force="DAY")).when(fill("entry", "KO", "BUY", 4, "49")).when(end)
    assert kinds(given)[1:] == [("OrderActivated", "profit"), ("OrderActivated", "loss")]
    assert [event.quantity for event in given.decided[1:]] == [4 * SHARE] * 2
    assert kept(given) == (0, 4)


def test_an_entry_that_ends_with_nothing_filled_ends_its_exits():
    given = account().when(bracket()).when(c.CancelOrder("entry", "changed my mind"))
    assert kinds(given) == [("OrderCancelled", "entry"), ("OrderCancelled", "profit"), ("OrderCancelled", "loss")]
    assert (given.account.orders, kept(given)) == ({}, (0, 0))


def test_who_cancels_one_exit_that_waits_cancels_the_other():
    given = account().when(bracket()).when(c.CancelOrder("loss", ""))
    assert kinds(given) == [("OrderCancelled", "loss"), ("OrderCancelled", "profit")]
    assert given.when(fill("entry", "KO", "BUY", 10, "50")).account.orders == {}


def test_one_exit_is_an_oto_group():
    given = account().when(bracket(stop=None))
    assert [(event.order_id, event.order_class) for event in given.decided] == [("entry", "OTO"), ("profit", "OTO")]
    assert given.when(fill("entry", "KO", "BUY", 10, "50")).account.orders["profit"].oco_group is None


def test_an_exit_that_the_rules_forbid_is_rejected_with_the_figures_and_the_fill_stands():
    given = account().when(bracket(profit="3000"))
    given.when(fill("entry", "KO", "BUY", 10, "50"))
    assert kinds(given) == [
        ("TradeExecuted", "entry"), ("OrderFilled", "entry"), ("OrderRejected", "profit"), ("OrderActivated", "loss")
    ]  # fmt: skip
    assert given.decided[2].reason == "TRADE_LIMIT_EXCEEDED: limit 20000.0000, actual 30000.0000"
    assert (given.account.positions["KO"].quantity, kept(given)) == (10 * SHARE, (0, 10))


def test_a_trailing_exit_begins_at_the_price_of_the_fill():
    given = account().when(bracket(stop=None, trail="2")).when(fill("entry", "KO", "BUY", 10, "49"))
    assert (given.latest.order_id, given.latest.stop_price) == ("loss", money("47"))
    given.when(c.TrailOrder("loss", money("55")))
    assert given.account.orders["loss"].stop_price == money("53")


def test_a_bracket_is_placed_as_a_whole_or_not_at_all():
    given = account().when(bracket(shares=1_000))
    assert (given.latest.command, given.latest.code) == ("PlaceBracket", Code.TRADE_LIMIT_EXCEEDED)
    assert given.account.orders == {}


# OCO.


def test_exits_of_what_is_held_reserve_once():
    given = holding().when(oco())
    assert (kinds(given), kept(given)) == ([("OrderPlaced", "profit"), ("OrderPlaced", "loss")], (0, 10))
    assert given.account.orders["profit"].client_order_id == "mine"
    assert given.when(oco(shares=1)).latest.code == Code.DUPLICATE_ORDER_ID


def test_buys_of_a_group_reserve_what_the_dearest_needs():
    given = account().when(oco(side="BUY", profit="40", stop="60"))
    assert kept(given) == (money("624"), 0)  # 60 and four percent, for ten.
    given.when(fill("profit", "KO", "BUY", 4, "40"))
    assert kept(given) == (money("374.40"), 0)
    given.when(c.CancelOrder("profit", ""))
    assert (kinds(given), kept(given)) == ([("OrderCancelled", "profit"), ("OrderCancelled", "loss")], (0, 0))


def test_they_expire_together_and_one_that_is_rejected_leaves_the_other():
    given = holding().when(replace(oco(), time_in_force="DAY"))
    other = holding().when(oco()).when(c.RejectOrder("loss", "halted"))
    assert kinds(given.when(c.ExpireOrder("loss", "over"))) == [("OrderExpired", "loss"), ("OrderExpired", "profit")]
    assert (list(other.account.orders), kept(other)) == (["profit"], (0, 10))


def test_prices_of_an_exit_are_replaced_and_nothing_else_of_it():
    given = holding().when(oco())
    given.when(c.ReplaceOrder("loss", "higher", "c", None, None, None, money("48")))
    assert given.account.orders["higher"].oco_group == "profit"
    assert kept(given) == (0, 10)
    given.when(c.ReplaceOrder("higher", "less", "d", 5 * SHARE, None, None, None))
    assert given.latest.code == Code.ORDER_IN_GROUP
    given.when(fill("higher", "KO", "SELL", 10, "47"))
    assert given.account.orders == {}


def test_an_entry_with_exits_that_wait_is_not_replaced():
    given = account().when(bracket()).when(c.ReplaceOrder("entry", "n", "c", None, None, money("51"), None))
    assert given.latest.code == Code.ORDER_IN_GROUP


# Stops.


def test_a_triggered_stop_waits_for_its_price_no_more():
    given = holding().when(trailing(amount="2")).when(c.TriggerOrder("o", money("48.01")))
    assert (given.latest.code, given.latest.limit) == (Code.ORDER_NOT_TRIGGERED, money("48"))
    given.when(c.TriggerOrder("o", money("47.5")))
    assert given.latest == e.OrderTriggered("o", "KO", "SELL", money("48"), money("47.5"), 0, 10 * SHARE)
    assert given.when(c.TriggerOrder("o", money("47"))).latest.code == Code.ORDER_TRIGGERED
    assert given.when(c.TrailOrder("o", money("90"))).latest.code == Code.ORDER_TRIGGERED
    assert type(given.when(fill("o", "KO", "SELL", 10, "49")).decided[0]) is e.TradeExecuted


def test_a_replacement_of_a_triggered_order_is_triggered():
    stop_limit = c.PlaceOrder("o", "c", "KO", "SELL", 10 * SHARE, "STOP_LIMIT", "GTC", money("47"), money("48"), 0)
    given = holding().when(stop_limit).when(c.TriggerOrder("o", money("48")))
    given.when(c.ReplaceOrder("o", "n", "d", None, None, money("49"), None))
    assert given.latest.trigger_price == money("48")
    assert type(given.when(fill("n", "KO", "SELL", 10, "49")).decided[0]) is e.TradeExecuted


def test_a_trailing_stop_follows_the_market_in_one_direction():
    given = holding().when(trailing(bp=1_000))
    assert given.latest.stop_price == money("45")
    assert given.when(c.TrailOrder("o", money("60"))).latest.stop_price == money("54")
    for price in ("60", "59", "40"):
        refused = given.when(c.TrailOrder("o", money(price))).latest
        assert (refused.code, refused.limit) == (Code.STOP_NOT_IMPROVED, money("54"))
    assert given.when(fill("o", "KO", "SELL", 1, "55")).latest.code == Code.ORDER_NOT_TRIGGERED
    assert type(given.when(fill("o", "KO", "SELL", 1, "54")).decided[0]) is e.TradeExecuted


def test_a_trailing_buy_is_above_the_market_and_falls_with_it():
    given = account().when(trailing("BUY", amount="2", shares=1))
    assert (given.latest.stop_price, kept(given)) == (money("52"), (money("54.08"), 0))
    assert given.when(c.TrailOrder("o", money("40"))).latest.stop_price == money("42")
    assert given.when(c.TrailOrder("o", money("41"))).latest.code == Code.STOP_NOT_IMPROVED


def test_a_trail_that_leads_below_zero_is_no_order():
    given = holding()
    with pytest.raises(CommandInvalid, match="smaller trail"):
        given.when(trailing(amount="50"))


@pytest.mark.parametrize("side", ["BUY", "SELL"])
@pytest.mark.parametrize("trail", [(7, None), (None, 1), (None, 333), (None, 9_999)])
def test_a_price_of_the_market_leads_to_each_stop(side, trail):
    for price in (8, 9, 10, 101, 9_999, 10_000, 123_457, 10**11):
        stop = trailing_stop(side, price, *trail)
        assert trailing_stop(side, market_price_of_trail(side, stop, *trail), *trail) == stop


# Expiry.


@pytest.mark.parametrize("expires_at", [NOW, NOW - 1, NOW + EXPIRY_DAYS_MAX * DAY + 1])
def test_an_order_expires_in_the_future_and_not_too_far_ahead(expires_at):
    with pytest.raises(CommandInvalid, match="an instant from now on"):
        account().when(good_till(expires_at))
    with pytest.raises(CommandInvalid):
        account().when(replace(bracket(), time_in_force="GTD", expires_at=expires_at))


def good_till(expires_at):
    return c.PlaceOrder("o", "c", "KO", "BUY", SHARE, "LIMIT", "GTD", money("50"), None, 0, expires_at)


def test_a_replacement_may_expire_at_another_time_or_not_at_all():
    given = account().when(good_till(NOW + 10))
    given.when(c.ReplaceOrder("o", "later", "d", None, None, None, None, NOW + 20))
    assert given.account.orders["later"].expires_at == NOW + 20
    given.when(c.ReplaceOrder("later", "dearer", "e", None, None, money("51"), None))
    assert given.account.orders["dearer"].expires_at == NOW + 20
    given.when(c.ReplaceOrder("dearer", "kept", "f", None, "GTC", None, None))
    assert given.account.orders["kept"].expires_at is None
    given.when(c.ReplaceOrder("kept", "n", "g", None, "GTD", None, None))
    assert given.latest.code == Code.INVALID_EXPIRES_AT
